//! Eventlog: ordered, replayable facts.
//!
//! Owns: reading what services have said. Promises: `OrderPerKey`: the events of one source come in the order in which
//! it said them; between sources nothing is promised.
//! Never: writes: an event becomes part of the log by the commit that says it.
//! Start reading at [`Log`].

mod embedded;
mod engine;

use std::sync::Arc;

use base::{Event, Fault};

pub use embedded::Embedded;
pub use engine::Engine;

/// The most events of one read.
const READ_MAX: usize = 4_096;

/// The handle of the log. Clones share everything.
#[derive(Clone)]
pub struct Log(Arc<dyn Engine>);

impl std::fmt::Debug for Log {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Log")
    }
}

impl Log {
    /// Puts the port on an engine.
    pub fn new(engine: Arc<dyn Engine>) -> Log {
        Log(engine)
    }

    /// Reads what one source said after a place, oldest first.
    pub async fn read(&self, source: &str, after: i64, limit: usize) -> Result<Vec<Arc<Event>>, Fault> {
        self.0.read(Some(source), after, limit.min(READ_MAX)).await
    }

    /// Reads what anybody said after a place, oldest first: for the live viewer, and for rebuilding.
    pub async fn read_all(&self, after: i64, limit: usize) -> Result<Vec<Arc<Event>>, Fault> {
        self.0.read(None, after, limit.min(READ_MAX)).await
    }

    /// Reads what was said about a key after a place, oldest first.
    pub async fn of_key(&self, key: i64, after: i64, limit: usize) -> Result<Vec<Arc<Event>>, Fault> {
        self.0.of_key(key, after, limit.min(READ_MAX)).await
    }

    /// Waits until something is said after a place; gives where the newest stands.
    pub async fn changed(&self, after: i64) -> i64 {
        self.0.changed(after).await
    }

    /// Gives where the newest event stands; 0 when there is none.
    pub async fn last(&self) -> Result<i64, Fault> {
        self.0.last().await
    }

    /// Gives where the oldest event stands that is still kept.
    pub async fn first(&self) -> Result<Option<i64>, Fault> {
        self.0.first().await
    }
}
