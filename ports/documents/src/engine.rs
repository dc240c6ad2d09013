//! The narrow trait that adapters implement: one document at a time.

use base::{BoxFuture, Fault, NewEvent, Timestamp};

use crate::{Collection, Content, Doc, Page, Query, Record};

/// What an engine commits to one document: all of it or nothing.
#[derive(Debug)]
pub struct Put {
    /// The service whose document it is.
    pub service: &'static str,
    /// The collection.
    pub collection: &'static Collection,
    /// The document.
    pub id: i64,
    /// Where it must stand; 0 for one that must not be there.
    pub expected_version: i64,
    /// What it becomes, one version later; none leaves it as it is.
    pub content: Option<Content>,
    /// What is said with it.
    pub events: Vec<NewEvent>,
    /// The request that it remembers, and the answer.
    pub record: Option<(Record, Vec<u8>)>,
}

/// How it ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Verdict {
    /// Everything happened.
    Done,
    /// The document is not where it must be, a unique value is taken, or the request is known; nothing happened.
    Missed,
    /// Nobody knows.
    Unknown,
}

/// A recorded answer: the fingerprint of the request's body, and what it was told.
pub type Answer = (i64, Vec<u8>);

/// What an adapter can do. A fault from `put` means that certainly nothing happened.
pub trait Engine: Send + Sync + 'static {
    /// Names the engine, for metrics and messages.
    fn name(&self) -> &'static str;

    /// Makes what the collections of a service need; can run again and again.
    fn prepare(&self, service: &'static str, collections: &'static [Collection]) -> BoxFuture<'_, Result<(), Fault>>;

    /// Finds one document.
    fn get(&self, service: &'static str, collection: &'static Collection, id: i64) -> BoxFuture<'_, Result<Option<Doc>, Fault>>;

    /// Answers a query that was checked against the collection.
    fn find(&self, service: &'static str, collection: &'static Collection, query: Query) -> BoxFuture<'_, Result<Page, Fault>>;

    /// Commits.
    fn put(&self, put: Put) -> BoxFuture<'_, Result<Verdict, Fault>>;

    /// Finds what a request was answered: the fingerprint of its body, and the answer.
    fn recorded(&self, service: &'static str, key: i64) -> BoxFuture<'_, Result<Option<Answer>, Fault>>;

    /// Forgets requests that came before a time; gives how many.
    fn forget(&self, service: &'static str, before: Timestamp) -> BoxFuture<'_, Result<u64, Fault>>;
}
