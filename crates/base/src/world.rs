//! The handle through which everything reads the clock, sleeps, spawns and takes chances.
//!
//! A product runs in the real world (`host::real`), a simulation in one that it makes up. Nothing else in the
//! workspace may touch time, tasks or chance.

use std::future::Future;
use std::pin::{Pin, pin};
use std::sync::Arc;
use std::task::Poll;
use std::time::Duration;

use crate::{Fault, Timestamp};

/// A boxed future that can move between threads.
pub type BoxFuture<'a, T> = Pin<Box<dyn Future<Output = T> + Send + 'a>>;

/// What a world must be able to do.
pub trait Runtime: Send + Sync + 'static {
    /// Reads the wall clock.
    fn now(&self) -> Timestamp;
    /// Gives the time since the world began; it never goes back.
    fn monotonic(&self) -> Duration;
    /// Waits.
    fn sleep(&self, span: Duration) -> BoxFuture<'static, ()>;
    /// Lets a task run by itself; `name` is for people.
    fn spawn(&self, name: &'static str, task: BoxFuture<'static, ()>);
    /// Gives 64 bits of chance, good enough for jitter; never for secrets.
    fn chance(&self) -> u64;
    /// Gives a number that no other call gave or will give, ordered by time.
    fn next_id(&self) -> i64;
}

/// A clonable handle of the world.
#[derive(Clone)]
pub struct World(Arc<dyn Runtime>);

impl World {
    /// Wraps a runtime.
    pub fn new(runtime: impl Runtime) -> World {
        World(Arc::new(runtime))
    }

    /// Wraps a shared runtime.
    pub fn of(runtime: Arc<dyn Runtime>) -> World {
        World(runtime)
    }

    /// Reads the wall clock.
    pub fn now(&self) -> Timestamp {
        self.0.now()
    }

    /// Gives the time since the world began; it never goes back.
    pub fn monotonic(&self) -> Duration {
        self.0.monotonic()
    }

    /// Waits.
    pub fn sleep(&self, span: Duration) -> BoxFuture<'static, ()> {
        self.0.sleep(span)
    }

    /// Lets a task run by itself; `name` is for people.
    pub fn spawn(&self, name: &'static str, task: impl Future<Output = ()> + Send + 'static) {
        self.0.spawn(name, Box::pin(task));
    }

    /// Gives 64 bits of chance, good enough for jitter; never for secrets.
    pub fn chance(&self) -> u64 {
        self.0.chance()
    }

    /// Gives a fresh id.
    pub fn next_id<I: crate::Id>(&self) -> I {
        I::of(self.0.next_id())
    }

    /// Waits for a future, but no longer than `span`.
    pub async fn within<T>(&self, span: Duration, future: impl Future<Output = T>) -> Result<T, Fault> {
        let mut future = pin!(future);
        let mut alarm = self.sleep(span);
        std::future::poll_fn(|context| {
            if let Poll::Ready(value) = future.as_mut().poll(context) {
                return Poll::Ready(Ok(value));
            }
            alarm.as_mut().poll(context).map(|()| Err(Fault::timeout("deadline_exceeded", "No answer came in time.")))
        })
        .await
    }

    /// Gives the wait before a repeat: exponential from `first`, at most `longest`, with full jitter in its upper half.
    pub fn backoff(&self, attempt: u32, first: Duration, longest: Duration) -> Duration {
        let full = first.saturating_mul(1u32.checked_shl(attempt.min(20)).unwrap_or(u32::MAX)).min(longest);
        let half = full / 2;
        let jitter = u64::try_from(half.as_micros()).unwrap_or(u64::MAX).max(1);
        half + Duration::from_micros(self.chance() % jitter)
    }
}

impl std::fmt::Debug for World {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("World")
    }
}
