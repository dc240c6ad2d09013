//! A node's view of the world: its own clock, its own tasks, the world's time and chance.

use std::sync::Arc;
use std::sync::atomic::{AtomicI64, Ordering};
use std::time::Duration;

use base::world::Runtime;
use base::{BoxFuture, Timestamp, World};
use host::IdSource;

use crate::kernel::{Kernel, NodeId};

/// When every world begins: 2026-03-02T15:00:00Z, a Monday in the morning of the shop.
pub const BEGINNING: Timestamp = Timestamp(1_772_463_600_000_000);

/// What a node's clock shows beside the truth, in microseconds. Shared with whoever sets it wrong.
pub type Skew = Arc<AtomicI64>;

struct NodeWorld {
    kernel: Kernel,
    node: NodeId,
    skew: Skew,
    ids: Arc<IdSource>,
    born: Duration,
}

/// Makes the world of a node that starts now.
pub fn of_node(kernel: &Kernel, node: NodeId, skew: Skew, ids: Arc<IdSource>) -> World {
    World::new(NodeWorld { kernel: kernel.clone(), node, skew, ids, born: kernel.now() })
}

impl Runtime for NodeWorld {
    fn now(&self) -> Timestamp {
        let since = i64::try_from(self.kernel.now().as_micros()).unwrap_or(i64::MAX);
        Timestamp(BEGINNING.0 + since + self.skew.load(Ordering::Relaxed))
    }

    fn monotonic(&self) -> Duration {
        self.kernel.now() - self.born
    }

    fn sleep(&self, span: Duration) -> BoxFuture<'static, ()> {
        Box::pin(self.kernel.sleep(span))
    }

    fn spawn(&self, _: &'static str, task: BoxFuture<'static, ()>) {
        self.kernel.spawn(self.node, task);
    }

    fn chance(&self) -> u64 {
        self.kernel.bits()
    }

    fn next_id(&self) -> i64 {
        self.ids.next(self.now().millis())
    }
}
