//! The alarms of a world: who waits until when.

use std::collections::BTreeMap;
use std::future::Future;
use std::pin::Pin;
use std::task::{Context, Poll, Waker};
use std::time::Duration;

use super::{Kernel, lock};

/// Those who wait, by their moment and then in the order in which they came.
#[derive(Default)]
pub(super) struct Alarms {
    by_time: BTreeMap<(Duration, u64), Waker>,
    set: u64,
}

impl Alarms {
    /// Takes the first that is due by a moment.
    pub(super) fn first_until(&mut self, last: Duration) -> Option<(Duration, Waker)> {
        let first = self.by_time.first_entry().filter(|first| first.key().0 <= last)?;
        let ((at, _), waker) = first.remove_entry();
        Some((at, waker))
    }

    /// Takes all; to be dropped where nothing is locked.
    pub(super) fn take(&mut self) -> impl Sized + use<> {
        std::mem::take(&mut self.by_time)
    }
}

/// Waits until a moment of the world's time.
pub struct Sleep {
    kernel: Kernel,
    until: Duration,
    set: Option<u64>,
}

impl Sleep {
    pub(super) fn new(kernel: Kernel, until: Duration) -> Sleep {
        Sleep { kernel, until, set: None }
    }
}

impl Future for Sleep {
    type Output = ();

    fn poll(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<()> {
        let is_over = self.kernel.now() >= self.until;
        let Sleep { kernel, until, set } = &mut *self;
        let mut alarms = lock(&kernel.0.alarms);
        if is_over {
            let gone = set.take().and_then(|set| alarms.by_time.remove(&(*until, set)));
            drop(alarms);
            drop(gone);
            return Poll::Ready(());
        }
        // Asked again before its time, as one of several that somebody waits for: it keeps its place.
        if let Some(waker) = set.and_then(|set| alarms.by_time.get_mut(&(*until, set))) {
            waker.clone_from(context.waker());
            return Poll::Pending;
        }
        alarms.set += 1;
        let next = alarms.set;
        alarms.by_time.insert((*until, next), context.waker().clone());
        *set = Some(next);
        Poll::Pending
    }
}

impl Drop for Sleep {
    fn drop(&mut self) {
        if let Some(set) = self.set {
            let waker = lock(&self.kernel.0.alarms).by_time.remove(&(self.until, set));
            drop(waker);
        }
    }
}
