//! The narrow trait that adapters implement: ordered steps, all or nothing.

use std::time::Duration;

use base::{BoxFuture, Event, Fault, NewEvent, Timestamp};
use tokio::sync::watch;

use crate::{Expect, Row, Value};

/// A numbered change of a service's tables, one text valid on every engine.
#[derive(Debug, Clone, Copy)]
pub struct Migration {
    /// 1, 2, 3, ….
    pub version: i64,
    /// What it is called, for people.
    pub name: &'static str,
    /// Statements, each ended by a semicolon.
    pub text: &'static str,
}

/// One statement of a batch.
#[derive(Debug, Clone)]
pub struct Step {
    /// Portable SQL.
    pub text: &'static str,
    /// The parameters.
    pub params: Vec<Value>,
    /// How many rows must change.
    pub expect: Expect,
}

/// What an engine commits: all of it or nothing.
#[derive(Debug)]
pub struct Batch {
    /// The service whose events these are.
    pub service: &'static str,
    /// The statements, in their order.
    pub steps: Vec<Step>,
    /// What is said with it.
    pub events: Vec<NewEvent>,
    /// Whether no other batch of the service may happen meanwhile.
    pub alone: bool,
}

/// How a batch ended.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Verdict {
    /// Everything happened.
    Done {
        /// Where each event stands.
        seqs: Vec<i64>,
        /// How many rows each step changed.
        rows: Vec<u64>,
    },
    /// A step did not change as many rows as it must; nothing happened.
    Missed {
        /// Which one.
        step: usize,
    },
    /// Nobody knows.
    Unknown,
}

/// What an adapter can do. A fault from `commit` means that certainly nothing happened.
pub trait Engine: Send + Sync + 'static {
    /// Names the engine, for metrics and messages.
    fn name(&self) -> &'static str;

    /// Tells whether this process is the only one that has the data open, so that a lease of before is a lease of the dead.
    fn is_exclusive(&self) -> bool {
        false
    }

    /// Runs the migrations that have not run, each in a transaction of its own, and records them in `{service}_migrations`.
    fn migrate<'a>(
        &'a self,
        service: &'static str,
        system: &'a str,
        migrations: &'a [Migration],
    ) -> BoxFuture<'a, Result<(), Fault>>;

    /// Reads a few rows; more than `rows_max` is a fault.
    fn read(&self, text: &'static str, params: Vec<Value>, rows_max: usize) -> BoxFuture<'_, Result<Vec<Row>, Fault>>;

    /// Reads many rows, without standing in the way of the others.
    fn scan(&self, text: &'static str, params: Vec<Value>, rows_max: usize) -> BoxFuture<'_, Result<Vec<Row>, Fault>>;

    /// Commits.
    fn commit(&self, batch: Batch) -> BoxFuture<'_, Result<Verdict, Fault>>;
}

/// How far the clocks of two relays may be apart. A claim that ends later than one that is made now, by more than this, was
/// made by a clock that is wrong: it would hold its keys for as long as that clock was ahead, so it holds nothing.
pub const CLOCKS_APART: Duration = Duration::from_secs(60);

/// What a relay takes from, where the log is not in the same file as the state: events that were committed and have not
/// reached it yet. A relay claims; it never follows `id > last`, because ids become visible out of commit order.
pub trait Outbox: Send + Sync + 'static {
    /// Claims at most `limit` events of a service until `until`, the oldest first: none that somebody holds at `now`, and none whose
    /// key is held, so that the order of a key outlives the relay that held it. What is claimed beyond `until` by more than
    /// [`CLOCKS_APART`] is held by nobody.
    fn claim<'a>(
        &'a self,
        service: &'a str,
        limit: usize,
        now: Timestamp,
        until: Timestamp,
    ) -> BoxFuture<'a, Result<Vec<Event>, Fault>>;

    /// Takes events out, once the log has acknowledged them.
    fn mark_sent<'a>(&'a self, service: &'a str, seqs: &'a [i64]) -> BoxFuture<'a, Result<(), Fault>>;

    /// Gives what is still in, claimed or not, the oldest first.
    fn unsent<'a>(&'a self, service: &'a str, limit: usize) -> BoxFuture<'a, Result<Vec<Event>, Fault>>;

    /// Gives what changes when this process has said something.
    fn news(&self) -> watch::Receiver<u64>;
}
