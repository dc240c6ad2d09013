//! The circuit breaker of one edge: when too many of the latest calls failed, it stops asking for a while.
//!
//! Closed lets everything through and counts. Open refuses at once. After `open_for` it is half open: one probe goes
//! through, and its outcome closes or opens the breaker again. Outcomes of calls that began under an earlier state
//! (an older epoch) say nothing about the present one and are ignored.

use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use base::{Fault, Timestamp, World};

use crate::BreakerPolicy;

const BUCKETS: usize = 10;

/// What a breaker does with the next call.
#[derive(Debug, Clone, Copy, PartialEq, Eq, serde::Serialize)]
#[serde(rename_all = "snake_case")]
pub enum BreakerState {
    /// Lets it through.
    Closed,
    /// Refuses it.
    Open,
    /// Lets one through, to see.
    HalfOpen,
}

impl BreakerState {
    /// Gives the value of the gauge: 0 closed, 1 half open, 2 open.
    pub(crate) fn gauge(self) -> f64 {
        match self {
            BreakerState::Closed => 0.0,
            BreakerState::HalfOpen => 1.0,
            BreakerState::Open => 2.0,
        }
    }
}

/// How a breaker stands, for people.
#[derive(Debug, Clone, PartialEq, Eq, serde::Serialize)]
pub struct BreakerView {
    /// The service that asks.
    pub from: String,
    /// The service that is asked.
    pub to: String,
    /// What the breaker does now.
    pub state: BreakerState,
    /// How many of the counted calls failed.
    pub failures: u32,
    /// How many calls are counted in the window.
    pub calls: u32,
    /// Since when it is in this state.
    pub since: Timestamp,
    /// How many times it has opened.
    pub opens: u64,
}

#[derive(Debug, Clone, Copy, Default)]
struct Bucket {
    slot: u64,
    calls: u32,
    failures: u32,
}

#[derive(Debug)]
struct Inner {
    state: BreakerState,
    epoch: u64,
    opened: Duration,
    since: Timestamp,
    probing: bool,
    opens: u64,
    buckets: [Bucket; BUCKETS],
}

#[derive(Debug)]
pub(crate) struct Breaker {
    policy: BreakerPolicy,
    inner: Mutex<Inner>,
}

impl Breaker {
    pub(crate) fn new(policy: BreakerPolicy, world: &World) -> Breaker {
        let inner = Inner {
            state: BreakerState::Closed,
            epoch: 0,
            opened: Duration::ZERO,
            since: world.now(),
            probing: false,
            opens: 0,
            buckets: [Bucket::default(); BUCKETS],
        };
        Breaker { policy, inner: Mutex::new(inner) }
    }

    /// Lets a call through and gives the epoch it belongs to, or refuses it.
    pub(crate) fn admit(&self, to: &str, world: &World) -> Result<u64, Fault> {
        let now = world.monotonic();
        let mut inner = self.lock();
        let reopens = inner.opened.saturating_add(self.policy.open_for);
        if inner.state == BreakerState::Open && now >= reopens && !base::planted(base::Mistake::WireBreakerStaysOpen) {
            inner.turn(BreakerState::HalfOpen, world);
        }
        match inner.state {
            BreakerState::Closed => Ok(inner.epoch),
            BreakerState::HalfOpen if !inner.probing => {
                inner.probing = true;
                Ok(inner.epoch)
            }
            BreakerState::HalfOpen | BreakerState::Open => {
                let wait = u64::try_from(reopens.saturating_sub(now).as_millis()).unwrap_or(u64::MAX);
                Err(Fault::unavailable("breaker_open", format!("{to} has failed too often and is left alone for a while."))
                    .with("service", to)
                    .with("retry_after_ms", wait))
            }
        }
    }

    /// Counts the outcome of a call; true when the breaker opened by it.
    pub(crate) fn record(&self, epoch: u64, failed: bool, world: &World) -> bool {
        let now = world.monotonic();
        let mut inner = self.lock();
        if epoch != inner.epoch {
            return false;
        }
        if inner.state == BreakerState::HalfOpen {
            let next = if failed { BreakerState::Open } else { BreakerState::Closed };
            inner.turn(next, world);
            return failed;
        }
        let slot = self.slot(now);
        let bucket = &mut inner.buckets[(slot % BUCKETS as u64) as usize];
        if bucket.slot != slot {
            *bucket = Bucket { slot, ..Bucket::default() };
        }
        bucket.calls += 1;
        bucket.failures += u32::from(failed);
        if !failed {
            return false;
        }
        let (calls, failures) = inner.counted(slot);
        let opens = calls >= self.policy.calls_min && f64::from(failures) >= self.policy.failures_ratio * f64::from(calls);
        if opens {
            inner.turn(BreakerState::Open, world);
        }
        opens
    }

    /// Forgets a call that ended without an outcome, so that a probe that was given up leaves room for the next one.
    pub(crate) fn forget(&self, epoch: u64) {
        let mut inner = self.lock();
        if epoch == inner.epoch {
            inner.probing = false;
        }
    }

    /// Closes the breaker and forgets what it counted.
    pub(crate) fn reset(&self, world: &World) {
        self.lock().turn(BreakerState::Closed, world);
    }

    pub(crate) fn state(&self) -> BreakerState {
        self.lock().state
    }

    pub(crate) fn view(&self, from: &str, to: &str, world: &World) -> BreakerView {
        let inner = self.lock();
        let (calls, failures) = inner.counted(self.slot(world.monotonic()));
        let (state, since, opens) = (inner.state, inner.since, inner.opens);
        BreakerView { from: from.to_owned(), to: to.to_owned(), state, failures, calls, since, opens }
    }

    /// Numbers the tenths of windows since the world began.
    fn slot(&self, now: Duration) -> u64 {
        let width = (self.policy.window.as_micros() / BUCKETS as u128).max(1);
        u64::try_from(now.as_micros() / width).unwrap_or(u64::MAX)
    }

    fn lock(&self) -> MutexGuard<'_, Inner> {
        self.inner.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Inner {
    fn turn(&mut self, state: BreakerState, world: &World) {
        self.state = state;
        self.epoch += 1;
        self.since = world.now();
        self.probing = false;
        match state {
            BreakerState::Open => {
                self.opened = world.monotonic();
                self.opens += 1;
            }
            BreakerState::Closed => self.buckets = [Bucket::default(); BUCKETS],
            BreakerState::HalfOpen => {}
        }
    }

    /// Gives the calls and the failures of the window that ends in `slot`.
    fn counted(&self, slot: u64) -> (u32, u32) {
        let live = self.buckets.iter().filter(|bucket| slot.saturating_sub(bucket.slot) < BUCKETS as u64);
        live.fold((0, 0), |(calls, failures), bucket| (calls + bucket.calls, failures + bucket.failures))
    }
}
