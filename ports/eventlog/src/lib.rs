//! Eventlog: ordered, replayable facts.
//!
//! Owns: nothing; events are written by the commits of `sql` and `documents`.
//! Promises: `OrderPerKey`: the events of one source are read in the order in which they were said.
//! Never: promises an order between sources, or keeps events longer than the retention.
//! Start reading at [`Log`].

mod embedded;
mod engine;
#[cfg(any(test, feature = "testing"))]
pub mod laws;
mod log;
#[cfg(any(test, feature = "testing"))]
mod shuffled;

pub use self::embedded::Embedded;
pub use engine::Engine;
pub use log::Log;
