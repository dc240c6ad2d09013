//! Embedded: the one SQLite file beneath all embedded adapters, and the event log in it.
//!
//! Owns: the file, its single writer, its readers, the log, its newest events in memory, backups.
//! Promises: `NoOrderIsLost`: what was told as done is on the disk; an event is there if and only if its write is.
//! Never: knows what the tables of an adapter mean, or blocks a reader behind the writer.
//! Start reading at [`Database`], then `writer.rs`.

mod checkpoint;
mod crowd;
mod database;
mod error;
mod file;
mod found;
mod gather;
mod held;
mod log;
mod meta;
mod readers;
mod tail;
mod text;
mod writer;

pub use database::{Database, Mode, Options, Synchronous};
pub use error::WriteError;
pub use log::event;
pub use rusqlite;
pub use text::{Text, text};
pub use writer::{Ended, Tx, Verdict, Write};

// The tests start processes and tasks, which only the host may do otherwise.
#[cfg(test)]
#[allow(clippy::disallowed_methods)]
mod tests;
