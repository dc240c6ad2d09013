//! The handle that readers hold.

use std::sync::Arc;

use base::{Event, Fault};
use metrics::{Counter, counter};

use crate::Engine;

/// The most events of one read.
const EVENTS_MAX: usize = 10_000;

/// The log of everything that services have said. Clones share everything.
#[derive(Clone)]
pub struct Log {
    engine: Arc<dyn Engine>,
    read: Counter,
}

impl std::fmt::Debug for Log {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "Log({})", self.engine.name())
    }
}

impl Log {
    /// Puts the handle on an engine.
    pub fn new(engine: Arc<dyn Engine>) -> Log {
        let read = counter!("comanda_log_events_read_total", "engine" => engine.name());
        Log { engine, read }
    }

    /// Gives one reader's view of this log in which sources are held back at random, by a seed: for tests, because between
    /// sources no order is promised.
    #[cfg(any(test, feature = "testing"))]
    pub fn shuffled(&self, world: base::World, seed: u64, reader: &str) -> Log {
        Log::new(Arc::new(crate::shuffled::Shuffled::new(self.engine.clone(), world, seed, reader)))
    }

    /// Gives at most `limit` events (10,000 at most) of a source after a place, in order.
    pub async fn read(&self, source: &str, after: i64, limit: usize) -> Result<Vec<Arc<Event>>, Fault> {
        self.counted(self.engine.read(source, after, limit.min(EVENTS_MAX)).await)
    }

    /// Gives events of all sources after a place, for people who watch.
    pub async fn read_all(&self, after: i64, limit: usize) -> Result<Vec<Arc<Event>>, Fault> {
        self.counted(self.engine.read_all(after, limit.min(EVENTS_MAX)).await)
    }

    /// Gives events about a key after a place.
    pub async fn of_key(&self, key: i64, after: i64, limit: usize) -> Result<Vec<Arc<Event>>, Fault> {
        self.counted(self.engine.of_key(key, after, limit.min(EVENTS_MAX)).await)
    }

    /// Waits until there may be events beyond a place; gives the newest place.
    pub async fn changed(&self, after: i64) -> i64 {
        self.engine.changed(after).await
    }

    /// Waits until there may be events of a source beyond a place. What others say wakes nobody, but for now and then, so
    /// that whoever waits comes along with the log. Gives a place beyond the one before, up to which all that the source has
    /// said can be read now: a reader goes on from there, or from the last event that it reads then.
    pub async fn changed_of(&self, source: &str, after: i64) -> i64 {
        self.engine.changed_of(source, after).await
    }

    /// Gives the place of the newest event; 0 for none.
    pub async fn last(&self) -> Result<i64, Fault> {
        self.engine.last().await
    }

    /// Gives the place of the oldest event that is still kept.
    pub async fn first(&self) -> Result<Option<i64>, Fault> {
        self.engine.first().await
    }

    fn counted(&self, events: Result<Vec<Arc<Event>>, Fault>) -> Result<Vec<Arc<Event>>, Fault> {
        self.read.increment(events.as_ref().map_or(0, Vec::len) as u64);
        events
    }
}
