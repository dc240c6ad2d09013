//! The narrow trait that adapters implement.

use std::sync::Arc;

use base::{BoxFuture, Event, Fault};

/// What a log can do. A source is a partition: what one service has said, in its order.
pub trait Engine: Send + Sync + 'static {
    /// Names the engine.
    fn name(&self) -> &'static str;

    /// Gives the events of a source after a place, in order.
    fn read(&self, source: &str, after: i64, limit: usize) -> BoxFuture<'_, Result<Vec<Arc<Event>>, Fault>>;

    /// Gives the events of all sources after a place; nothing is promised about their order between sources.
    fn read_all(&self, after: i64, limit: usize) -> BoxFuture<'_, Result<Vec<Arc<Event>>, Fault>>;

    /// Gives the events about a key after a place.
    fn of_key(&self, key: i64, after: i64, limit: usize) -> BoxFuture<'_, Result<Vec<Arc<Event>>, Fault>>;

    /// Waits until there may be events beyond a place, whoever said them; gives the newest place.
    fn changed(&self, after: i64) -> BoxFuture<'_, i64>;

    /// Waits until there may be events of a source beyond a place, so that news of others wake nobody for nothing. Gives a
    /// place beyond the one before, up to which all that the source has said can be read now; it may lie beyond the newest
    /// of them. What is read after this came at least so far, so a reader may go on from there.
    fn changed_of(&self, source: &str, after: i64) -> BoxFuture<'_, i64> {
        let _ = source;
        self.changed(after)
    }

    /// Gives the place of the newest event; 0 for none.
    fn last(&self) -> BoxFuture<'_, Result<i64, Fault>>;

    /// Gives the place of the oldest event that is still kept.
    fn first(&self) -> BoxFuture<'_, Result<Option<i64>, Fault>>;
}
