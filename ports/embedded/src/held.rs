//! Statements that the writer keeps in hand: the same few dozen, thousands of times a second.

use std::collections::BTreeMap;
use std::collections::btree_map::Entry;

use rusqlite::{CachedStatement, Connection};

use crate::text::Text;

const APPEND: &str = "insert into log (seq, kind_id, key, at, correlation, data) values (?1, ?2, ?3, ?4, ?5, ?6)";

/// Prepared statements by the number of their text. To find one by its text costs a hash of it, and moves it about in a list.
#[derive(Default)]
pub(crate) struct Held<'c> {
    statements: BTreeMap<usize, CachedStatement<'c>>,
    append: Option<CachedStatement<'c>>,
}

impl<'c> Held<'c> {
    /// Gives the statement of a text, prepared when it is asked for first.
    pub(crate) fn get(&mut self, connection: &'c Connection, text: &Text) -> rusqlite::Result<&mut CachedStatement<'c>> {
        match self.statements.entry(text.number) {
            Entry::Occupied(held) => Ok(held.into_mut()),
            Entry::Vacant(place) => Ok(place.insert(connection.prepare_cached(text)?)),
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
