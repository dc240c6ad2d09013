//! One lane: the events of one source, heard by one service.
//!
//! Ordered per key, parallel across keys. The handlers of a round run side by side; their changes are committed
//! together with one move of the cursor. What is refused goes one by one, what fails waits, what keeps failing is parked.

use std::collections::{BTreeMap, BTreeSet};
use std::pin::pin;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use base::{BoxFuture, Event, Fault, Mistake, World, planted};
use eventlog::Log;
use futures_util::future::{Either, join_all, select};
use metrics::{Counter, Gauge, Histogram, counter, gauge, histogram};
use sql::{AllOutcome, Change, Heard, Store};
use tokio::sync::RwLock;

use crate::claims::{Claim, Claims};
use crate::pace::Pace;
use crate::plan::{Plan, React};
use crate::window::{Pending, Window};
use crate::{Gate, Letters};

/// How many events a round may take.
const ROUND_MAX: usize = 256;
/// How often a round is decided again as a whole before its events go one by one.
const ROUNDS_REFUSED_MAX: u32 = 4;
/// How many events may be done ahead of one whose key another lane has in hand, before that one is waited for instead.
const AHEAD_FEW: usize = 8;
/// How long it is waited for.
const CLAIM_PATIENCE: Duration = Duration::from_millis(20);
/// How often one event is decided again in a row because others got in between.
const REFUSED_MAX: u32 = 20;
/// The cursor is moved over events that concern nobody here after so many.
const IDLE_MOVE_AFTER: i64 = 2_000;
/// How often it is told what waits, while the gate is closed.
const LOOK_EVERY: Duration = Duration::from_secs(1);
/// How far it is counted what waits.
const LAG_COUNTED_MAX: usize = 10_000;
/// The wait after the store failed, and the longest one while it goes on failing.
const STORE_WAIT: (Duration, Duration) = (Duration::from_millis(200), Duration::from_secs(2));

pub(crate) struct Lane {
    pub(crate) world: World,
    pub(crate) store: Store,
    pub(crate) log: Log,
    pub(crate) plan: Arc<Plan>,
    pub(crate) gate: Gate,
    pub(crate) letters: Letters,
    pub(crate) source: String,
    pub(crate) meters: Meters,
    /// The keys that this lane or another of the service decides and commits: two would refuse each other.
    pub(crate) claims: Arc<Claims>,
    /// Shared by rounds; held alone by one that was refused, because some rows belong to many keys: a kitchen's floor.
    pub(crate) turn: Arc<RwLock<()>>,
}

/// What a lane counts, looked up once.
pub(crate) struct Meters {
    lag: Gauge,
    seconds: Histogram,
    heard: Counter,
    refusals: Counter,
    /// When the lag of a full window was told last, in milliseconds: to count it is to read far ahead.
    told_at: AtomicU64,
}

impl Meters {
    pub(crate) fn new(service: &'static str, source: &str) -> Meters {
        let source = source.to_owned();
        Meters {
            lag: gauge!("comanda_reaction_lag_events", "service" => service, "source" => source.clone()),
            seconds: histogram!("comanda_reaction_seconds", "service" => service, "source" => source.clone()),
            heard: counter!("comanda_reactions_total", "service" => service, "source" => source),
            refusals: counter!("comanda_reaction_refusals_total", "service" => service),
            told_at: AtomicU64::new(0),
        }
    }

    fn is_to_tell(&self, now: Duration) -> bool {
        let now = u64::try_from(now.as_millis()).unwrap_or(u64::MAX);
        let due = now.saturating_sub(self.told_at.load(Ordering::Relaxed)) >= LOOK_EVERY.as_millis() as u64;
        if due {
            self.told_at.store(now, Ordering::Relaxed);
        }
        due
    }
}

/// What a handler will answer.
type Answer = BoxFuture<'static, Result<Change, Fault>>;

/// What a handler made of its events.
struct Made {
    done: Vec<i64>,
    change: Change,
}

impl Lane {
    pub(crate) async fn run(self) {
        let mut window = None;
        let mut pace = Pace::default();
        let mut failures = 0;
        loop {
            self.pass_gate(window.as_ref()).await;
            if let Some(window) = &window {
                self.rest(&mut pace, window).await;
            }
            let round = async {
                let mut known = match window.take() {
                    Some(known) => known,
                    None => self.reload().await?,
                };
                self.round(&mut known).await.map(|certain| certain.then_some(known))
            };
            match round.await {
                Ok(next) => {
                    window = next;
                    failures = 0;
                }
                Err(fault) => {
                    tracing::warn!(service = self.plan.service, source = %self.source, %fault, cause = fault.cause, "the lane waits for its store");
                    self.world.sleep(self.world.backoff(failures, STORE_WAIT.0, STORE_WAIT.1)).await;
                    failures += 1;
                }
            }
        }
    }

    /// Waits for company where the last round was a moment ago.
    async fn rest(&self, pace: &mut Pace, window: &Window) {
        let rest = pace.rest(self.world.monotonic(), window.read_to(), window.len(), ROUND_MAX);
        if !rest.is_zero() {
            self.world.sleep(rest).await;
        }
        pace.begin(self.world.monotonic(), window.read_to());
    }

    /// Waits until the gate is open; while it is closed, it is told how much waits behind it.
    async fn pass_gate(&self, window: Option<&Window>) {
        while !self.gate.is_open() {
            if let Some(window) = window {
                self.tell_lag(window).await;
            }
            let (open, look) = (pin!(self.gate.pass()), self.world.sleep(LOOK_EVERY));
            let _ = select(open, look).await;
        }
    }

    /// Tells how many events wait that this service hears; what concerns nobody here is no lag, wherever the cursor stands.
    async fn tell_lag(&self, window: &Window) {
        let Ok(events) = self.log.read(&self.source, window.read_to(), LAG_COUNTED_MAX).await else { return };
        let unread = events.iter().filter(|event| self.plan.reactions.contains_key(event.name())).count();
        self.meters.lag.set((unread + window.len()) as f64);
    }

    async fn reload(&self) -> Result<Window, Fault> {
        let (cursor, ahead) = self.store.cursor(&self.source).await?;
        // After a commit in doubt a letter may be there that this process does not know of.
        let turn = self.letters.lock().await;
        self.letters.refresh(&turn).await?;
        drop(turn);
        Ok(Window::new(cursor, ahead))
    }

    /// Works one round; `false` means that the window is not certain any more and must be loaded again.
    async fn round(&self, window: &mut Window) -> Result<bool, Fault> {
        self.fill(window).await?;
        // The gate may have been closed while the log was read: nothing of it begins.
        if !self.gate.is_open() {
            return Ok(true);
        }
        let ready = window.ready(self.world.monotonic(), ROUND_MAX, |last, next| self.joins(last, next));
        if ready.is_empty() {
            if window.len() == 0 && window.read_to() - window.cursor() > IDLE_MOVE_AFTER {
                return self.commit(window, Vec::new()).await;
            }
            self.wait(window).await;
            return Ok(true);
        }
        let certain = self.work(window, ready).await?;
        // When all is done, what comes next is waited for: who looks for it at once mostly finds nothing.
        if certain && window.len() == 0 {
            self.wait(window).await;
        }
        Ok(certain)
    }

    /// Works what is ready, each key as far as nobody else has it in hand; `false` as in `round`.
    async fn work(&self, window: &mut Window, ready: Vec<Pending>) -> Result<bool, Fault> {
        // Asked once for each key: a redrive that frees a key meanwhile must not let a later event pass an earlier one.
        let mut waits = BTreeMap::new();
        let (parked, ready): (Vec<_>, Vec<_>) = ready.into_iter().partition(|pending| {
            let key = pending.event.key;
            *waits.entry(key).or_insert_with(|| self.letters.waits(&self.source, key))
        });
        for pending in parked {
            if !self.park_behind(window, &pending).await? {
                return Ok(false);
            }
        }
        if ready.is_empty() {
            return Ok(true);
        }
        let Some(claim) = self.claim(&ready).await else { return Ok(true) };
        let ready: Vec<_> = ready.into_iter().filter(|pending| claim.has(pending.event.key)).collect();
        let _turn = if window.was_refused() { Err(self.turn.write().await) } else { Ok(self.turn.read().await) };
        // The gate may have been closed while others were waited for.
        if !self.gate.is_open() {
            return Ok(true);
        }
        let (made, failed) = self.handle(&ready).await;
        if !made.is_empty() && !self.commit(window, made).await? {
            return Ok(false);
        }
        for (pending, fault) in failed {
            if !self.fail(window, &pending, fault).await? {
                return Ok(false);
            }
        }
        Ok(true)
    }

    /// Takes the keys of a round as far as nobody else has them in hand; `None` after waiting, when that was all of them.
    ///
    /// What is done ahead of a key in hand costs a row each, and another to forget it: for a whole crowd that is waited for
    /// instead, because who has keys in hand gives them back with the next flush.
    async fn claim(&self, ready: &[Pending]) -> Option<Claim> {
        let keys: Vec<_> = ready.iter().map(|pending| pending.event.key).collect();
        let until = self.world.monotonic() + CLAIM_PATIENCE;
        loop {
            let left = until.saturating_sub(self.world.monotonic());
            let few = if left.is_zero() { usize::MAX } else { AHEAD_FEW };
            let freed = self.claims.freed();
            match self.claims.take_unless_ahead(&keys, few) {
                Some(claim) if !claim.is_empty() => return Some(claim),
                Some(_) => {
                    freed.await;
                    return None;
                }
                None => drop(select(freed, self.world.sleep(left)).await),
            }
        }
    }

    async fn fill(&self, window: &mut Window) -> Result<(), Fault> {
        let room = window.room();
        if room == 0 {
            return Ok(());
        }
        let events = self.log.read(&self.source, window.read_to(), room).await?;
        let is_all = events.len() < room;
        let last = events.last().map_or(0, |event| event.seq);
        let heard = events.into_iter().filter(|event| self.plan.reactions.contains_key(event.name()));
        window.take(heard, if is_all { last.max(window.known_to()) } else { last });
        let beyond = if is_all { 0 } else { self.log.last().await?.saturating_sub(window.read_to()) };
        self.meters.lag.set(beyond as f64 + window.len() as f64);
        Ok(())
    }

    async fn wait(&self, window: &mut Window) {
        // With no room for more, news would wake the lane for nothing.
        if window.room() == 0
            && let Some(at) = window.alarm()
        {
            if self.meters.is_to_tell(self.world.monotonic()) {
                self.tell_lag(window).await;
            }
            return self.world.sleep(at.saturating_sub(self.world.monotonic())).await;
        }
        self.meters.lag.set(window.len() as f64);
        let news = pin!(self.log.changed_of(&self.source, window.read_to()));
        match window.alarm() {
            None => window.know(news.await),
            Some(at) => {
                let alarm = self.world.sleep(at.saturating_sub(self.world.monotonic()));
                if let Either::Left((place, _)) = select(news, alarm).await {
                    window.know(place);
                }
            }
        }
    }

    /// Runs the handlers of a round side by side.
    async fn handle(&self, ready: &[Pending]) -> (Vec<Made>, Vec<(Pending, Fault)>) {
        let mut calls: Vec<(Vec<Pending>, Answer)> = Vec::new();
        let mut batches: Vec<(&React, Vec<Pending>)> = Vec::new();
        for pending in ready {
            match self.react(&pending.event) {
                // What is heard by the same handler is one batch, whatever its name.
                Some(react @ (React::Many(_) | React::Run(_))) if pending.attempts == 0 => {
                    match batches.iter_mut().find(|(known, _)| known.is(react)) {
                        Some((_, batch)) => batch.push(pending.clone()),
                        None => batches.push((react, vec![pending.clone()])),
                    }
                }
                Some(react) => calls.push((vec![pending.clone()], react.run(vec![pending.event.clone()]))),
                None => {}
            }
        }
        for (react, batch) in batches {
            let events = batch.iter().map(|pending| pending.event.clone()).collect();
            calls.push((batch, react.run(events)));
        }
        let started = self.world.monotonic();
        let (pendings, futures): (Vec<_>, Vec<_>) = calls.into_iter().unzip();
        let answers = join_all(futures).await;
        let seconds = self.world.monotonic().saturating_sub(started).as_secs_f64();
        let (mut made, mut failed) = (Vec::new(), Vec::new());
        for (pendings, answer) in pendings.into_iter().zip(answers) {
            self.meters.seconds.record(seconds);
            match answer {
                Ok(change) => made.push(Made { done: pendings.iter().map(|pending| pending.event.seq).collect(), change }),
                // One that cannot be done must not hold up the others of its batch: each is asked alone. What comes later
                // on a key stays for the next round.
                Err(_) if pendings.len() > 1 => {
                    let mut keys = BTreeSet::new();
                    for pending in pendings.into_iter().filter(|pending| keys.insert(pending.event.key)) {
                        match self.alone(&pending.event).await {
                            Ok(change) => made.push(Made { done: vec![pending.event.seq], change }),
                            Err(fault) => failed.push((pending, fault)),
                        }
                    }
                }
                Err(fault) => failed.extend(pendings.into_iter().map(|pending| (pending, fault.clone()))),
            }
        }
        (made, failed)
    }

    fn react(&self, event: &Event) -> Option<&React> {
        self.plan.reactions.get(event.name())
    }

    /// Tells whether the next event of a key may be in one run with the last.
    fn joins(&self, last: &Event, next: &Event) -> bool {
        match (self.react(last), self.react(next)) {
            (Some(last @ React::Run(_)), Some(next)) => last.is(next),
            _ => false,
        }
    }

    async fn alone(&self, event: &Arc<Event>) -> Result<Change, Fault> {
        match self.react(event) {
            Some(react) => react.run(vec![event.clone()]).await,
            None => Ok(Change::new()),
        }
    }

    fn heard(&self, window: &Window, done: &[i64]) -> (Heard, crate::window::Move) {
        let to = window.moving(done);
        let heard = Heard { source: self.source.clone(), from: to.from, upto: to.upto, ahead: to.ahead.clone(), known: to.known };
        (heard, to)
    }

    /// Commits what was made: all at once, and one by one where that was refused.
    async fn commit(&self, window: &mut Window, made: Vec<Made>) -> Result<bool, Fault> {
        let done: Vec<i64> = made.iter().flat_map(|made| made.done.iter().copied()).collect();
        let (heard, to) = self.heard(window, &done);
        let changes = made.into_iter().map(|made| made.change).collect();
        let outcome = match self.store.commit_all(heard, changes).await {
            // What the store rejects, such as a broken rule of a table, is somebody's own: asked one by one, it will show whose.
            Err(fault) if !fault.is_retryable() && !done.is_empty() => {
                for seq in done {
                    if !self.one_by_one(window, seq).await? {
                        return Ok(false);
                    }
                }
                return Ok(true);
            }
            other => other?,
        };
        match outcome {
            AllOutcome::Done { .. } => {
                self.meters.heard.increment(done.len() as u64);
                window.moved(&done, &to);
                Ok(true)
            }
            // Another lane of this service got in between. What it wrote is seen when the round is decided again, so most
            // rounds go through then; one by one would cost a flush for each event.
            AllOutcome::Refused { .. } if window.refused_again() < ROUNDS_REFUSED_MAX => {
                self.meters.refusals.increment(1);
                Ok(true)
            }
            AllOutcome::Refused { .. } => {
                for seq in done {
                    if !self.one_by_one(window, seq).await? {
                        return Ok(false);
                    }
                }
                window.forget_refusals();
                Ok(true)
            }
            AllOutcome::Repeated | AllOutcome::Fenced | AllOutcome::Unknown => Ok(false),
        }
    }

    /// Loads, decides and commits one event until nobody gets in between.
    async fn one_by_one(&self, window: &mut Window, seq: i64) -> Result<bool, Fault> {
        let Some(pending) = window.pending(seq) else { return Ok(true) };
        // The one before it on its key may just have failed, or have been parked.
        if !window.leads(&pending.event) || self.letters.waits(&self.source, pending.event.key) {
            return Ok(true);
        }
        let mut outcome = Err(Fault::unavailable("too_busy", "Too many others are changing the same thing."));
        for tries in 0..REFUSED_MAX {
            let change = match self.alone(&pending.event).await {
                Ok(change) => change,
                Err(fault) => {
                    outcome = Err(fault);
                    break;
                }
            };
            let (heard, to) = self.heard(window, &[seq]);
            let committed = match self.store.commit_all(heard, vec![change]).await {
                Err(fault) if !fault.is_retryable() => {
                    outcome = Err(fault);
                    break;
                }
                other => other?,
            };
            match committed {
                AllOutcome::Done { .. } => {
                    window.moved(&[seq], &to);
                    outcome = Ok(());
                    break;
                }
                AllOutcome::Refused { .. } => {
                    self.meters.refusals.increment(1);
                    self.world.sleep(self.world.backoff(tries, Duration::from_micros(200), Duration::from_millis(20))).await;
                }
                AllOutcome::Repeated | AllOutcome::Fenced | AllOutcome::Unknown => return Ok(false),
            }
        }
        match outcome {
            Ok(()) => Ok(true),
            Err(fault) => self.fail(window, &pending, fault).await,
        }
    }

    /// Notes a failed attempt: again later, or into the dead letters.
    async fn fail(&self, window: &mut Window, pending: &Pending, fault: Fault) -> Result<bool, Fault> {
        let event = &pending.event;
        let attempts = pending.attempts + 1;
        counter!("comanda_reaction_retries_total", "service" => self.plan.service, "event" => event.kind.clone()).increment(1);
        if self.plan.retry.goes_on(&fault, attempts) {
            let wait = self.world.backoff(pending.attempts, self.plan.retry.first, self.plan.retry.longest);
            tracing::debug!(service = self.plan.service, event_type = %event.kind, key = event.key, attempts, %fault, cause = fault.cause, "a reaction failed and is tried again");
            window.failed(event.seq, self.world.monotonic() + wait);
            return Ok(true);
        }
        tracing::error!(service = self.plan.service, event_type = %event.kind, order_id = event.key, correlation = %event.correlation, attempts, %fault, cause = fault.cause, "a reaction is parked");
        let letters = self.letters.lock().await;
        let mut change = letters.park_event(event, attempts, &fault.to_string());
        if planted(Mistake::FaultSwallowed) {
            change.1 = Change::new();
        }
        let (heard, to) = self.heard(window, &[event.seq]);
        match self.store.commit_all(heard, vec![change.1]).await? {
            AllOutcome::Done { .. } => {
                letters.parked(&self.source, event.key, change.0);
                window.moved(&[event.seq], &to);
                Ok(true)
            }
            _ => Ok(false),
        }
    }

    /// Parks an event whose key has a dead letter, so that it keeps its place behind that one.
    async fn park_behind(&self, window: &mut Window, pending: &Pending) -> Result<bool, Fault> {
        let event = &pending.event;
        let letters = self.letters.lock().await;
        // While we waited for the lock, the key may have been freed: then the event is worked in the next round.
        let Some(first) = letters.first_of(&self.source, event.key) else { return Ok(true) };
        let change = letters.park_behind(event, first);
        let (heard, to) = self.heard(window, &[event.seq]);
        match self.store.commit_all(heard, vec![change]).await? {
            AllOutcome::Done { .. } => {
                window.moved(&[event.seq], &to);
                Ok(true)
            }
            _ => Ok(false),
        }
    }
}
