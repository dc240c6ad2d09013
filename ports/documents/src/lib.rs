//! Documents: the state of record of a service that keeps whole things, one commit to one document.
//!
//! Owns: collections, their searchable fields, the requests that documents have answered, the events said with them.
//! Promises: `EffectsHappenOnce`; an event is there if and only if its write is; a stale version changes nothing.
//! Never: touches two documents in one commit, so that an engine without transactions can keep every promise: there
//! the document carries its unsent events and its newest [`ANSWERS_PER_DOCUMENT_MIN`] answers (found by a unique index
//! over their keys), and a relay collects the events. The embedded engine has transactions and one log, and uses both.
//! Start reading at [`Store::commit`], then [`Change`] and [`settle`].

mod change;
mod collection;
mod embedded;
mod engine;
pub mod laws;
mod query;
mod settle;
mod store;
#[cfg(feature = "testing")]
pub mod testing;

pub use change::{BODY_BYTES_MAX, Change, Content, Once, Outcome, Record};
pub use collection::{Collection, Field, Index, Kind, Value, id};
pub use embedded::Embedded;
pub use engine::{Answer, Engine, Put, Verdict};
pub use query::{After, Doc, Filter, Order, PAGE_MAX, Page, Query};
pub use settle::settle;
pub use store::Store;

/// How many answers a document remembers at least, each for at least a day.
pub const ANSWERS_PER_DOCUMENT_MIN: usize = 16;
