//! The real world: the machine's clock, tokio's tasks, the kernel's chance. The one place that may touch them.

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::{Duration, Instant, SystemTime};

use base::world::Runtime;
use base::{BoxFuture, Fault, Timestamp, World};

use crate::ids::IdSource;

/// A world of real time and real threads.
pub struct RealWorld {
    started: Instant,
    chance: AtomicU64,
    ids: Arc<IdSource>,
}

impl RealWorld {
    /// Begins the world; ids come from `ids`.
    #[allow(clippy::disallowed_methods)] // This is the real world: its clock and its chance are read here.
    pub fn begin(ids: Arc<IdSource>) -> Result<World, Fault> {
        let mut seed = [0; 8];
        getrandom::fill(&mut seed)
            .map_err(|error| Fault::internal("no_chance", "The machine gives no random bytes.").because(error))?;
        Ok(World::new(RealWorld { started: Instant::now(), chance: AtomicU64::new(u64::from_le_bytes(seed)), ids }))
    }
}

#[allow(clippy::disallowed_methods)] // As above.
impl Runtime for RealWorld {
    fn now(&self) -> Timestamp {
        let since = SystemTime::now().duration_since(SystemTime::UNIX_EPOCH).unwrap_or_default();
        Timestamp(i64::try_from(since.as_micros()).unwrap_or(i64::MAX))
    }

    fn monotonic(&self) -> Duration {
        self.started.elapsed()
    }

    fn sleep(&self, span: Duration) -> BoxFuture<'static, ()> {
        Box::pin(tokio::time::sleep(span))
    }

    fn spawn(&self, _name: &'static str, task: BoxFuture<'static, ()>) {
        tokio::spawn(task);
    }

    /// SplitMix64 (Steele, Lea and Flood, 2014) over a seed of the kernel.
    fn chance(&self) -> u64 {
        let state = self.chance.fetch_add(0x9e37_79b9_7f4a_7c15, Ordering::Relaxed).wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mixed = (state ^ state >> 30).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        let mixed = (mixed ^ mixed >> 27).wrapping_mul(0x94d0_49bb_1331_11eb);
        mixed ^ mixed >> 31
    }

    fn next_id(&self) -> i64 {
        self.ids.next(self.now().millis())
    }
}
