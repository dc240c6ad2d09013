//! The time and the chance of people outside: they live faster than the clock, each by a chance of their own.

use std::sync::atomic::{AtomicI64, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use base::world::Runtime;
use base::{BoxFuture, Timestamp, World};
use people::chance::Chance;
use tokio::sync::watch;

/// How many times faster than the clock people live: they have hours in the simulator and a minute here.
pub const HURRY: u32 = 20;

/// Those who are out, and what their lives are made of. Clones share everything.
#[derive(Clone)]
pub struct Lives {
    world: World,
    seed: u64,
    out: Arc<watch::Sender<usize>>,
}

impl Lives {
    /// Nobody is out yet.
    pub fn new(world: World, seed: u64) -> Lives {
        Lives { world, seed, out: Arc::new(watch::channel(0).0) }
    }

    /// Gives the life of one of them.
    pub fn of(&self, person: u64) -> World {
        // Each by a chance of their own, so that what they wish does not depend on who was answered first.
        let chance = Mutex::new(Chance::new(self.seed ^ (person + 1) << 32));
        World::new(Life { lives: self.clone(), chance, ids: AtomicI64::new(0) })
    }

    /// Waits until all have gone home.
    pub async fn are_over(&self) {
        // The sender lives as long as this.
        let _ = self.out.subscribe().wait_for(|out| *out == 0).await;
    }

    /// Tells how many are out.
    pub fn out(&self) -> usize {
        *self.out.borrow()
    }
}

struct Life {
    lives: Lives,
    chance: Mutex<Chance>,
    ids: AtomicI64,
}

/// Somebody who is out until this is dropped.
struct Out(Arc<watch::Sender<usize>>);

impl Drop for Out {
    fn drop(&mut self) {
        self.0.send_modify(|out| *out -= 1);
    }
}

impl Runtime for Life {
    fn now(&self) -> Timestamp {
        self.lives.world.now()
    }

    fn monotonic(&self) -> Duration {
        self.lives.world.monotonic() * HURRY
    }

    fn sleep(&self, span: Duration) -> BoxFuture<'static, ()> {
        self.lives.world.sleep(span / HURRY)
    }

    fn spawn(&self, name: &'static str, task: BoxFuture<'static, ()>) {
        self.lives.out.send_modify(|out| *out += 1);
        let out = Out(self.lives.out.clone());
        self.lives.world.spawn(name, async move {
            task.await;
            drop(out);
        });
    }

    fn chance(&self) -> u64 {
        self.chance.lock().unwrap_or_else(PoisonError::into_inner).bits()
    }

    /// People give no ids to anything; a number of their own will do.
    fn next_id(&self) -> i64 {
        self.ids.fetch_add(1, Ordering::Relaxed)
    }
}
