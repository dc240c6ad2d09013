//! Sql: the state of record of a service, with its outbox, inbox and jobs, in one commit.
//!
//! Owns: a service's tables, its cursors, recorded answers, jobs, dead letters, acts, and the mark of retention.
//! Promises: `EffectsHappenOnce`; an event is there if and only if its write is; a refused commit leaves nothing.
//! Never: holds a transaction across an await, or lets an engine's dialect reach a service.
//! Start reading at [`Store::commit`], then [`Change`] and [`Once`].

mod acts;
mod change;
mod compile;
mod embedded;
mod engine;
mod jobs;
#[cfg(any(test, feature = "testing"))]
pub mod laws;
mod letters;
mod meter;
mod migration;
mod packed;
#[cfg(feature = "postgres")]
mod postgres;
mod store;
mod tables;
#[cfg(any(test, feature = "testing"))]
pub mod testing;
mod torn;
mod trimmed;
mod value;

pub use acts::Act;
pub use change::{AllOutcome, Change, Expect, Heard, NewJob, Once, Outcome, Statement, statement};
pub use embedded::Embedded;
pub use engine::{Batch, CLOCKS_APART, Engine, Migration, Outbox, Step, Verdict};
pub use jobs::Job;
pub use letters::{Letter, ParkedKey, What};
#[cfg(feature = "postgres")]
pub use postgres::Postgres;
pub use store::Store;
pub use trimmed::Trimmed;
pub use value::{Row, Value};
