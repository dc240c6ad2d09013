//! The instances of one service: which there are, and which of them a call goes to.
//!
//! A call goes to that one of two, drawn by chance, which has fewer calls on its way. A look at two is what makes the
//! difference: the longest queue then grows exponentially more slowly than with one drawn blindly, a third adds little
//! (M. Mitzenmacher, "The Power of Two Choices in Randomized Load Balancing", 2001), and callers who know nothing of
//! each other do not all run to the one that was idle last.
//!
//! Calls go to instances that are connected. The others are tried beside the calls, after growing waits, so that one
//! that is dead costs nobody time; only when none is connected, calls wait for a connection themselves.

use std::sync::atomic::{AtomicU32, AtomicUsize, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError, RwLock};
use std::time::Duration;

use base::{Fault, World};
use http::{Request, Response, Uri};
use http_body_util::BodyExt;
use hyper::client::conn::http2::SendRequest;
use tonic::body::Body;

use crate::remote::{Dial, Lost, Remote, Undelivered};

/// How long a connection may take to stand.
const DIAL_MAX: Duration = Duration::from_secs(1);
/// How long an instance is left alone after a failure: the first wait, and the longest.
const ALONE: (Duration, Duration) = (Duration::from_millis(250), Duration::from_secs(5));
/// How many calls in a row may be given up without a word from an instance until its connection counts as dead.
const UNHEARD_MAX: u32 = 5;

/// All the instances of one service that this process knows.
pub(crate) struct Instances {
    service: String,
    world: World,
    dial: Arc<dyn Dial>,
    all: RwLock<Vec<Arc<Instance>>>,
}

impl Instances {
    pub(crate) fn new(service: &str, world: World, dial: Arc<dyn Dial>) -> Instances {
        Instances { service: service.to_owned(), world, dial, all: RwLock::default() }
    }

    /// Adds an instance; false when it is there already.
    pub(crate) fn add(&self, peer: Uri) -> bool {
        let mut all = self.all.write().unwrap_or_else(PoisonError::into_inner);
        let fresh = !all.iter().any(|instance| *instance.remote.peer() == peer);
        if fresh {
            let remote = Remote::new(&self.service, peer, self.world.clone(), Arc::clone(&self.dial));
            all.push(Arc::new(Instance::new(remote)));
        }
        fresh
    }

    /// Sends an instance no more calls; those on their way end as they would have. False when it is not there.
    pub(crate) fn remove(&self, peer: &Uri) -> bool {
        let mut all = self.all.write().unwrap_or_else(PoisonError::into_inner);
        let before = all.len();
        all.retain(|instance| instance.remote.peer() != peer);
        all.len() < before
    }

    /// Sends a request to one instance, and to another one as long as the first certainly have not seen it.
    pub(crate) async fn send(&self, mut request: Request<Body>) -> Result<Response<Body>, Undelivered> {
        let mut tried = Vec::new();
        let mut undelivered = Undelivered::unseen(&self.service);
        while let Some(instance) = self.choose(&tried) {
            let mut place = Place::take(&instance, &self.world);
            let sent = match instance.connected(&self.world).await {
                Ok(sender) => place.hear(instance.remote.send(sender, request)).await,
                Err(fault) => Err(Lost::Unseen(fault, Box::new(request))),
            };
            match sent {
                // The place is held until the answer has been read, or is given up.
                Ok(response) => return Ok(response.map(|body| Body::new(body.map_frame(move |frame| place.hold(frame))))),
                Err(Lost::Seen(fault)) => return Err(Undelivered { fault, seen: true }),
                Err(Lost::Unseen(fault, back)) => {
                    (undelivered, request) = (Undelivered { fault, seen: false }, *back);
                    tried.push(instance);
                }
            }
        }
        Err(undelivered)
    }

    /// Lets go of all connections, which may be dead without having said so; the next calls make others.
    pub(crate) fn forget(&self) {
        for instance in self.all.read().unwrap_or_else(PoisonError::into_inner).iter() {
            instance.remote.forget();
        }
    }

    /// Chooses among the connected instances; if there is none, among those that need not be left alone; then among all.
    fn choose(&self, tried: &[Arc<Instance>]) -> Option<Arc<Instance>> {
        let all = self.all.read().unwrap_or_else(PoisonError::into_inner);
        let untried = all.iter().filter(|instance| !tried.iter().any(|tried| Arc::ptr_eq(tried, instance)));
        let (ready, others): (Vec<_>, Vec<_>) = untried.partition(|instance| instance.remote.is_connected());
        if others.is_empty() {
            return self.of_two(&ready);
        }
        let now = self.world.monotonic();
        let (rested, alone): (Vec<_>, Vec<_>) = others.into_iter().partition(|instance| instance.rest().until <= now);
        if !ready.is_empty() {
            rested.into_iter().for_each(|instance| self.wake(instance));
            return self.of_two(&ready);
        }
        self.of_two(if rested.is_empty() { &alone } else { &rested })
    }

    fn of_two(&self, among: &[&Arc<Instance>]) -> Option<Arc<Instance>> {
        let [first, second] = match among {
            [] => return None,
            [only] => return Some(Arc::clone(only)),
            _ => two_of(among.len(), self.world.chance()).map(|index| among[index]),
        };
        Some(Arc::clone(if second.in_flight() < first.in_flight() { second } else { first }))
    }

    /// Tries an instance without making anybody wait for it.
    fn wake(&self, instance: &Arc<Instance>) {
        instance.begin(&self.world);
        let (instance, world) = (Arc::clone(instance), self.world.clone());
        self.world.spawn("wire instance", async move {
            if let Err(fault) = instance.connected(&world).await {
                tracing::debug!(%fault, peer = %instance.remote.peer(), "an instance stays left alone");
            }
        });
    }
}

/// Draws two different ones of `count`, which is two or more; the first of them evenly, since it wins when both are equal.
fn two_of(count: usize, chance: u64) -> [usize; 2] {
    let count = count as u64;
    let first = chance % count;
    let second = (first + 1 + (chance >> 32) % (count - 1)) % count;
    [first as usize, second as usize]
}

struct Instance {
    remote: Remote,
    in_flight: AtomicUsize,
    unheard: AtomicU32,
    rest: Mutex<Rest>,
}

/// Until when an instance is left alone, and how many times in a row it failed.
#[derive(Default)]
struct Rest {
    until: Duration,
    failures: u32,
}

impl Instance {
    fn new(remote: Remote) -> Instance {
        Instance { remote, in_flight: AtomicUsize::new(0), unheard: AtomicU32::new(0), rest: Mutex::default() }
    }

    fn in_flight(&self) -> usize {
        self.in_flight.load(Ordering::Acquire)
    }

    fn rest(&self) -> MutexGuard<'_, Rest> {
        self.rest.lock().unwrap_or_else(PoisonError::into_inner)
    }

    async fn connected(&self, world: &World) -> Result<SendRequest<Body>, Fault> {
        if let Some(sender) = self.remote.connection() {
            return Ok(sender);
        }
        self.begin(world);
        let connected = world.within(DIAL_MAX, self.remote.connect()).await.map_err(|late| self.remote.unreachable(&late));
        match connected.and_then(|connected| connected) {
            Ok(sender) => {
                *self.rest() = Rest::default();
                Ok(sender)
            }
            Err(fault) => {
                self.leave_alone(world);
                Err(fault)
            }
        }
    }

    /// Leaves the instance to whoever tries it now, for longer than that can take: it may be given up without a result.
    fn begin(&self, world: &World) {
        self.rest().until = world.monotonic().saturating_add(2 * DIAL_MAX);
    }

    fn leave_alone(&self, world: &World) {
        let mut rest = self.rest();
        rest.until = world.monotonic().saturating_add(world.backoff(rest.failures, ALONE.0, ALONE.1));
        rest.failures = rest.failures.saturating_add(1);
    }
}

/// A call's place among those on their way to an instance.
struct Place {
    instance: Arc<Instance>,
    world: World,
    waiting: bool,
}

impl Place {
    fn take(instance: &Arc<Instance>, world: &World) -> Place {
        instance.in_flight.fetch_add(1, Ordering::AcqRel);
        Place { instance: Arc::clone(instance), world: world.clone(), waiting: false }
    }

    /// Waits for a word of the instance, and notes if nobody waits any more before there is one.
    async fn hear<T>(&mut self, answer: impl Future<Output = T>) -> T {
        self.waiting = true;
        let answer = answer.await;
        self.waiting = false;
        self.instance.unheard.store(0, Ordering::Release);
        answer
    }

    fn hold<T>(&self, frame: T) -> T {
        frame
    }
}

impl Drop for Place {
    fn drop(&mut self) {
        self.instance.in_flight.fetch_sub(1, Ordering::AcqRel);
        if self.waiting && self.instance.unheard.fetch_add(1, Ordering::AcqRel) + 1 >= UNHEARD_MAX {
            self.instance.unheard.store(0, Ordering::Release);
            self.instance.leave_alone(&self.world);
            self.instance.remote.forget();
        }
    }
}

#[cfg(test)]
mod tests {
    use super::two_of;

    #[test]
    fn two_different_ones_are_drawn_and_every_pair_can_be() {
        let mut pairs = std::collections::BTreeSet::new();
        for chance in 0..400_u64 {
            let [first, second] = two_of(5, chance.wrapping_mul(0x9e37_79b9_7f4a_7c15));
            assert!(first != second && first < 5 && second < 5);
            pairs.insert((first, second));
        }
        assert_eq!(pairs.len(), 20);
        assert_eq!((two_of(2, 6), two_of(2, u64::MAX)), ([0, 1], [1, 0]));
    }
}
