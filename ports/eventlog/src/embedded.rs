//! The embedded adapter: the log table of the one SQLite file. A single writer makes its numbers, so following them is safe.

use std::sync::Arc;

use base::{BoxFuture, Event, Fault};
use embedded::Database;

use crate::Engine;

/// SQLite beneath the port.
#[derive(Clone)]
pub struct Embedded(Database);

impl Embedded {
    /// Puts the port on a database.
    pub fn new(database: Database) -> Embedded {
        Embedded(database)
    }
}

impl Engine for Embedded {
    fn read(&self, source: Option<&str>, after: i64, limit: usize) -> BoxFuture<'_, Result<Vec<Arc<Event>>, Fault>> {
        let events = match source {
            Some(source) => self.0.events_after(&[source], after, limit),
            None => self.0.events_after(&[], after, limit),
        };
        Box::pin(async move { events })
    }

    fn of_key(&self, key: i64, after: i64, limit: usize) -> BoxFuture<'_, Result<Vec<Arc<Event>>, Fault>> {
        let events = self.0.events_of_key(key, after, limit);
        Box::pin(async move { events })
    }

    fn changed(&self, after: i64) -> BoxFuture<'_, i64> {
        Box::pin(self.0.wait_beyond(after))
    }

    fn last(&self) -> BoxFuture<'_, Result<i64, Fault>> {
        let newest = self.0.newest();
        Box::pin(async move { Ok(newest) })
    }

    fn first(&self) -> BoxFuture<'_, Result<Option<i64>, Fault>> {
        let oldest = self.0.oldest();
        Box::pin(async move { oldest })
    }
}
