//! Statements that the writer keeps in hand: the same few dozen, thousands of times a second.

use rusqlite::{CachedStatement, Connection};

use crate::text::Text;

const APPEND: &str = "insert into log (seq, kind_id, key, at, correlation, data) values (?1, ?2, ?3, ?4, ?5, ?6)";

/// Prepared statements by the number of their text. To find one by its text costs a hash of it, and moves it about in a list.
#[derive(Default)]
pub(crate) struct Held<'c> {
    statements: Vec<Option<CachedStatement<'c>>>,
    append: Option<CachedStatement<'c>>,
}

impl<'c> Held<'c> {
    /// Gives the statement of a text, prepared when it is asked for first.
    pub(crate) fn get(&mut self, connection: &'c Connection, text: &Text) -> rusqlite::Result<&mut CachedStatement<'c>> {
        if self.statements.len() <= text.number {
            self.statements.resize_with(text.number + 1, || None);
        }
        let held = &mut self.statements[text.number];
        match held {
            Some(statement) => Ok(statement),
            None => Ok(held.insert(connection.prepare_cached(text)?)),
        }
    }

    /// Gives the statement that puts an event into the log.
    pub(crate) fn append(&mut self, connection: &'c Connection) -> rusqlite::Result<&mut CachedStatement<'c>> {
        match &mut self.append {
            Some(statement) => Ok(statement),
            none => Ok(none.insert(connection.prepare_cached(APPEND)?)),
        }
    }
}
