//! What an adapter of the log must be able to do.

use std::sync::Arc;

use base::{BoxFuture, Event, Fault};

/// An engine beneath the port.
pub trait Engine: Send + Sync {
    /// Reads what a source (or anybody) said after a place, oldest first.
    fn read(&self, source: Option<&str>, after: i64, limit: usize) -> BoxFuture<'_, Result<Vec<Arc<Event>>, Fault>>;
    /// Reads what was said about a key after a place, oldest first.
    fn of_key(&self, key: i64, after: i64, limit: usize) -> BoxFuture<'_, Result<Vec<Arc<Event>>, Fault>>;
    /// Waits until something stands after a place; gives where the newest stands.
    fn changed(&self, after: i64) -> BoxFuture<'_, i64>;
    /// Gives where the newest event stands; 0 when there is none.
    fn last(&self) -> BoxFuture<'_, Result<i64, Fault>>;
    /// Gives where the oldest kept event stands.
    fn first(&self) -> BoxFuture<'_, Result<Option<i64>, Fault>>;
}
