//! The circuit breaker towards the provider: when too many of its latest answers failed, it is left alone for a while.
//!
//! Closed, every call goes through and is counted. Open, none does. After a rest it is half open: one call goes through
//! to see, and its outcome closes or opens the breaker. A call that began before the last turn says nothing any more.

use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use base::{Fault, Mistake, Timestamp, World, planted};
use host::Leave;

/// The code of the fault with which an open breaker refuses.
pub const OPEN_CODE: &str = "provider_breaker_open";
/// How often it is looked what has become of a probe.
const PROBE_LOOK: Duration = Duration::from_millis(500);
/// In how many parts the counted time rolls on.
const PARTS: usize = 10;

/// When the breaker opens, and for how long.
#[derive(Debug, Clone, Copy)]
pub struct Policy {
    /// Over how long calls are counted.
    pub window: Duration,
    /// How many of a hundred calls must have failed.
    pub failures_percent: u32,
    /// How many calls must have been counted before a share means anything.
    pub calls_min: u32,
    /// How long it rests.
    pub open_for: Duration,
}

impl Default for Policy {
    fn default() -> Policy {
        Policy { window: Duration::from_secs(10), failures_percent: 60, calls_min: 20, open_for: Duration::from_secs(5) }
    }
}

/// What the breaker does with the next call.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Position {
    /// Lets it through.
    Closed,
    /// Refuses it.
    Open,
    /// Lets one through, to see.
    HalfOpen,
}

impl Position {
    /// Gives its word.
    pub fn word(self) -> &'static str {
        match self {
            Position::Closed => "closed",
            Position::Open => "open",
            Position::HalfOpen => "half_open",
        }
    }

    fn gauge(self) -> f64 {
        match self {
            Position::Closed => 0.0,
            Position::HalfOpen => 1.0,
            Position::Open => 2.0,
        }
    }
}

/// How the breaker stands.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct View {
    /// What it does now.
    pub position: Position,
    /// How many of the counted calls failed.
    pub failures: u32,
    /// How many calls are counted.
    pub calls: u32,
    /// Since when it is in this position.
    pub since: Timestamp,
    /// How often it has opened.
    pub opened_times: u64,
}

#[derive(Debug, Clone, Copy, Default)]
struct Part {
    number: u128,
    calls: u32,
    failures: u32,
}

#[derive(Debug)]
struct Inner {
    position: Position,
    turns: u64,
    since: Timestamp,
    opened: Duration,
    opened_times: u64,
    probing: bool,
    parts: [Part; PARTS],
}

/// The breaker. It lives as long as the process.
#[derive(Debug)]
pub struct Breaker {
    policy: Policy,
    inner: Mutex<Inner>,
}

impl Breaker {
    /// Makes a closed breaker.
    pub fn new(policy: Policy) -> Breaker {
        let inner = Inner {
            position: Position::Closed,
            turns: 0,
            since: Timestamp(0),
            opened: Duration::ZERO,
            opened_times: 0,
            probing: false,
            parts: [Part::default(); PARTS],
        };
        Breaker { policy, inner: Mutex::new(inner) }
    }

    /// Lets a call through, or refuses it. The pass must be given back with the outcome; a dropped one counts for nothing.
    pub fn admit<'a>(&'a self, world: &'a World) -> Result<Pass<'a>, Fault> {
        let now = world.monotonic();
        let mut inner = self.lock();
        let rests_until = inner.opened + self.policy.open_for;
        if inner.position == Position::Open && now >= rests_until && !planted(Mistake::ProviderBreakerStaysOpen) {
            inner.turn(Position::HalfOpen, world);
        }
        let free = match inner.position {
            Position::Closed => true,
            Position::HalfOpen => !inner.probing,
            Position::Open => false,
        };
        if !free {
            let wait_ms = u64::try_from(rests_until.saturating_sub(now).as_millis()).unwrap_or(u64::MAX);
            return Err(Fault::unavailable(OPEN_CODE, "The payment provider failed too often and is left alone for a while.")
                .with("retry_after_ms", wait_ms));
        }
        inner.probing = inner.position == Position::HalfOpen;
        Ok(Pass { breaker: self, world, turn: inner.turns, used: false })
    }

    /// Tells how many of those who wait for the provider may begin.
    pub fn leave(&self, world: &World) -> Leave {
        let inner = self.lock();
        let rest = (inner.opened + self.policy.open_for).saturating_sub(world.monotonic());
        match inner.position {
            Position::Closed => Leave::All,
            Position::Open if planted(Mistake::ProviderBreakerStaysOpen) => Leave::NoneFor(self.policy.open_for),
            Position::Open if !rest.is_zero() => Leave::NoneFor(rest),
            Position::HalfOpen if inner.probing => Leave::NoneFor(PROBE_LOOK),
            Position::Open | Position::HalfOpen => Leave::One,
        }
    }

    /// Closes the breaker and forgets what it counted.
    pub fn reset(&self, world: &World) {
        self.lock().turn(Position::Closed, world);
    }

    /// Tells how it stands.
    pub fn view(&self, world: &World) -> View {
        let inner = self.lock();
        let (failures, calls) = inner.counted(self.part(world));
        View { position: inner.position, failures, calls, since: inner.since, opened_times: inner.opened_times }
    }

    fn record(&self, turn: u64, failed: bool, world: &World) {
        let part = self.part(world);
        let mut inner = self.lock();
        if turn != inner.turns {
            return;
        }
        if inner.position == Position::HalfOpen {
            inner.turn(if failed { Position::Open } else { Position::Closed }, world);
            return;
        }
        inner.count(part, failed);
        let (failures, calls) = inner.counted(part);
        let too_many = u64::from(failures) * 100 >= u64::from(calls) * u64::from(self.policy.failures_percent);
        if failed && calls >= self.policy.calls_min && too_many {
            inner.turn(Position::Open, world);
        }
    }

    fn part(&self, world: &World) -> u128 {
        let width = (self.policy.window.as_micros() / PARTS as u128).max(1);
        world.monotonic().as_micros() / width
    }

    fn lock(&self) -> MutexGuard<'_, Inner> {
        // Nothing in here panics; should it ever, the counts are as good as before.
        self.inner.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Inner {
    fn turn(&mut self, position: Position, world: &World) {
        if position == Position::Open {
            self.opened = world.monotonic();
            self.opened_times += 1;
            tracing::warn!(opened_times = self.opened_times, "the breaker towards the payment provider is open");
        }
        self.position = position;
        self.turns += 1;
        self.since = world.now();
        self.probing = false;
        self.parts = [Part::default(); PARTS];
        metrics::gauge!("comanda_breaker_state", "from" => "payments", "to" => "provider").set(position.gauge());
    }

    fn count(&mut self, number: u128, failed: bool) {
        let part = &mut self.parts[(number % PARTS as u128) as usize];
        if part.number != number {
            *part = Part { number, ..Part::default() };
        }
        part.calls += 1;
        part.failures += u32::from(failed);
    }

    fn counted(&self, number: u128) -> (u32, u32) {
        let live = self.parts.iter().filter(|part| number.saturating_sub(part.number) < PARTS as u128);
        live.fold((0, 0), |(failures, calls), part| (failures + part.failures, calls + part.calls))
    }
}

/// The leave to make one call.
pub struct Pass<'a> {
    breaker: &'a Breaker,
    world: &'a World,
    turn: u64,
    used: bool,
}

impl Pass<'_> {
    /// Counts the outcome of the call.
    pub fn ended(mut self, failed: bool) {
        self.used = true;
        self.breaker.record(self.turn, failed, self.world);
    }
}

impl Drop for Pass<'_> {
    /// A call that was given up must not keep the next one from having a look.
    fn drop(&mut self) {
        if self.used {
            return;
        }
        let mut inner = self.breaker.lock();
        if inner.turns == self.turn {
            inner.probing = false;
        }
    }
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;
    use std::sync::atomic::{AtomicU64, Ordering};

    use base::BoxFuture;
    use base::world::Runtime;

    use super::*;

    /// A clock that goes when it is told to.
    struct Clock(AtomicU64);

    impl Runtime for Clock {
        fn now(&self) -> Timestamp {
            Timestamp::from_micros(i64::try_from(self.monotonic().as_micros()).unwrap())
        }

        fn monotonic(&self) -> Duration {
            Duration::from_millis(self.0.load(Ordering::Relaxed))
        }

        fn sleep(&self, _: Duration) -> BoxFuture<'static, ()> {
            unreachable!("nobody sleeps here")
        }

        fn spawn(&self, _: &'static str, _: BoxFuture<'static, ()>) {
            unreachable!("nobody spawns here")
        }

        fn chance(&self) -> u64 {
            0
        }

        fn next_id(&self) -> i64 {
            0
        }
    }

    fn begun() -> (Breaker, World, Arc<Clock>) {
        let clock = Arc::new(Clock(AtomicU64::new(60_000)));
        (Breaker::new(Policy::default()), World::of(clock.clone()), clock)
    }

    fn calls(breaker: &Breaker, world: &World, count: u32, failed: bool) {
        for _ in 0..count {
            breaker.admit(world).expect("the breaker lets the call through").ended(failed);
        }
    }

    fn position(breaker: &Breaker, world: &World) -> Position {
        breaker.view(world).position
    }

    #[test]
    fn s2_r03_it_opens_rests_and_lets_one_call_see() {
        let (breaker, world, clock) = begun();
        calls(&breaker, &world, 8, false);
        calls(&breaker, &world, 11, true);
        assert_eq!(position(&breaker, &world), Position::Closed, "too few calls to judge by");
        calls(&breaker, &world, 1, true);
        assert_eq!(position(&breaker, &world), Position::Open);
        assert_eq!(breaker.admit(&world).err().unwrap().code, OPEN_CODE);
        clock.0.fetch_add(1_000, Ordering::Relaxed);
        assert_eq!(breaker.leave(&world), Leave::NoneFor(Duration::from_secs(4)));
        for (failed, then) in [(true, Position::Open), (false, Position::Closed)] {
            clock.0.fetch_add(5_000, Ordering::Relaxed);
            assert_eq!(breaker.leave(&world), Leave::One);
            let probe = breaker.admit(&world).expect("one call may look");
            assert!(breaker.admit(&world).is_err() && matches!(breaker.leave(&world), Leave::NoneFor(_)), "but only one");
            probe.ended(failed);
            assert_eq!(position(&breaker, &world), then);
        }
        assert_eq!((breaker.view(&world).opened_times, breaker.leave(&world)), (2, Leave::All));
    }

    #[test]
    fn a_look_that_was_given_up_leaves_room_for_the_next() {
        let (breaker, world, clock) = begun();
        calls(&breaker, &world, 20, true);
        clock.0.fetch_add(5_000, Ordering::Relaxed);
        drop(breaker.admit(&world).expect("one call may look"));
        calls(&breaker, &world, 1, false);
        assert_eq!(position(&breaker, &world), Position::Closed);
    }

    #[test]
    fn old_calls_are_forgotten_and_late_outcomes_say_nothing() {
        let (breaker, world, clock) = begun();
        calls(&breaker, &world, 19, true);
        clock.0.fetch_add(10_000, Ordering::Relaxed);
        assert_eq!((breaker.view(&world).failures, breaker.view(&world).calls), (0, 0));
        let slow = breaker.admit(&world).expect("closed");
        calls(&breaker, &world, 20, true);
        breaker.reset(&world);
        slow.ended(true);
        assert_eq!((position(&breaker, &world), breaker.view(&world).calls), (Position::Closed, 0));
    }
}
