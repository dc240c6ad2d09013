//! Sim: the whole platform in a world made up from a seed, which is out to break it.
//!
//! Owns: the world (one thread, its own time, all chance from the seed) and what strikes in it. The people and the bookkeeper
//! are those of the crate `people`.
//! Promises: the same seed is the same world, step by step; what a world finds can be found again by its seed.
//! Never: knows a rule of the business that a client could not know.
//! Start reading at [`run`], then `life.rs` and `kernel/`.

#![allow(clippy::disallowed_methods)] // Its own files are its ground, and its own clock tells how fast it is.

pub mod cluster;
pub mod command;
pub mod cover;
pub mod history;
pub mod house;
mod judge;
pub mod kernel;
pub mod late;
mod life;
pub mod machine;
pub mod mistakes;
pub mod net;
pub mod outside;
pub mod parts;
pub mod run;
pub mod store;
pub mod story;
pub mod town;
pub mod watch;
pub mod weather;
pub mod world;

pub use people::chance;

use std::future::Future;
use std::pin::pin;
use std::task::Poll;
use std::time::Duration;

/// Waits for a future, but no longer than `span` of the world's time.
pub(crate) async fn within<T>(kernel: &kernel::Kernel, span: Duration, future: impl Future<Output = T>) -> Option<T> {
    let mut future = pin!(future);
    let mut alarm = pin!(kernel.sleep(span));
    std::future::poll_fn(|context| match future.as_mut().poll(context) {
        Poll::Ready(value) => Poll::Ready(Some(value)),
        Poll::Pending => alarm.as_mut().poll(context).map(|()| None),
    })
    .await
}
