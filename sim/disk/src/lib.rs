//! Disk: a disk in memory beneath SQLite that can lose power, fill up, fail and lie, all of it from a seed.
//!
//! Owns: the model of what a file system keeps, and the VFS (SQLite's way to its files) that stands on it.
//! Promises: what was synced stays, whatever happens (unless the disk was made to lie); the same seed and the same
//! calls give the same bytes.
//! Never: touches the machine's files, clock or chance; is part of the product.
//!
//! A file has what reads see and, apart, what was written since its last sync. [`Disk::cut`] takes the power away: of
//! the latter chance keeps, drops, tears and reorders. What is allowed then is what SQLite says that it expects
//! (sqlite.org: `atomiccommit.html` sections 2 and 9, `psow.html`, `c3ref/c_iocap_atomic.html`) and what file systems
//! were seen to do (Pillai et al., "All File Systems Are Not Created Equal", OSDI 2014):
//! sectors of one write land apart from each other, a file may have grown without its new bytes, files do not wait for
//! each other, and the name of a new or deleted file has a fate of its own (`folder.rs`). Not allowed: a synced byte
//! changes that nobody wrote since, or only as it was.
//! Start reading at [`Disk`], then `file.rs` and `loss.rs`. Everything unsafe is in `vfs.rs` and `calls.rs`.

mod calls;
mod chance;
mod disk;
mod file;
mod folder;
mod holding;
mod locks;
mod loss;
mod machine;
mod shared;
mod vfs;

pub use disk::{Counters, Disk, seed_sqlite};

#[cfg(test)]
mod tests;
