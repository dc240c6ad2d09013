//! What a service does when it hears something, or when a job is due.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;
use std::time::Duration;

use base::{BoxFuture, Event, Fault, World};
use eventlog::Log;
use futures_util::FutureExt;
use sql::{Change, Job, Store};

use crate::brake::Brake;
use crate::claims::Claims;
use crate::{Gate, Letters, lane, worker};

/// How often and how patiently something is tried again.
#[derive(Debug, Clone, Copy)]
pub struct Retry {
    /// After so many attempts it is parked.
    pub attempts_max: u32,
    /// The wait before the second attempt; doubled each time, with jitter.
    pub first: Duration,
    /// The longest wait.
    pub longest: Duration,
    /// How many may be worked at once, each by itself or together in one commit; of jobs, no more are claimed.
    pub concurrency: usize,
}

impl Retry {
    /// What reactions use: a quarter of a minute of patience, then the dead letters.
    pub const REACTION: Retry =
        Retry { attempts_max: 10, first: Duration::from_millis(20), longest: Duration::from_secs(5), concurrency: 256 };
    /// What timers use: they talk to nobody outside.
    pub const TIMER: Retry =
        Retry { attempts_max: 20, first: Duration::from_millis(20), longest: Duration::from_secs(5), concurrency: 1_024 };

    /// Tells whether another attempt makes sense after a fault; one that will not heal by waiting gets two.
    pub(crate) fn goes_on(&self, fault: &Fault, attempts: u32) -> bool {
        attempts < if fault.is_retryable() { self.attempts_max } else { 2 }
    }
}

type One<T> = Arc<dyn Fn(T) -> BoxFuture<'static, Result<Change, Fault>> + Send + Sync>;

/// What a service does about one type of event.
#[derive(Clone)]
pub enum React {
    /// One event, one change.
    One(One<Arc<Event>>),
    /// Several events of different keys, one change; with one event when the change of all was refused.
    Many(One<Vec<Arc<Event>>>),
    /// Like `Many`, but a key may come several times, in its order: the handler carries each on from where the one
    /// before has left it.
    Run(One<Vec<Arc<Event>>>),
}

/// What a service does about one kind of job.
#[derive(Clone)]
pub enum Work {
    /// One job, one change; it may await the outside.
    One(One<Job>),
    /// Several jobs that are due, one change; with one job when the change of all was refused.
    Many(One<Vec<Job>>),
}

impl Work {
    pub(crate) fn run(&self, jobs: Vec<Job>) -> BoxFuture<'static, Result<Change, Fault>> {
        match self {
            Work::Many(handler) => caught(handler(jobs)),
            Work::One(handler) => match jobs.into_iter().next() {
                Some(job) => caught(handler(job)),
                None => Box::pin(async { Ok(Change::default()) }),
            },
        }
    }
}

impl React {
    /// Tells whether this is the same handler, registered under another name.
    pub(crate) fn is(&self, other: &React) -> bool {
        match (self, other) {
            (React::One(this), React::One(that)) => Arc::ptr_eq(this, that),
            (React::Many(this), React::Many(that)) | (React::Run(this), React::Run(that)) => Arc::ptr_eq(this, that),
            _ => false,
        }
    }

    pub(crate) fn run(&self, events: Vec<Arc<Event>>) -> BoxFuture<'static, Result<Change, Fault>> {
        match self {
            React::Many(handler) | React::Run(handler) => caught(handler(events)),
            React::One(handler) => match events.into_iter().next() {
                Some(event) => caught(handler(event)),
                None => Box::pin(async { Ok(Change::default()) }),
            },
        }
    }
}

/// A handler that panics fails, like one that says so: its lane and its job go on, and the cause is in the dead letters.
fn caught(work: BoxFuture<'static, Result<Change, Fault>>) -> BoxFuture<'static, Result<Change, Fault>> {
    let defect = |_| Fault::internal("handler_panicked", "A handler has a defect; nothing of it was kept.");
    Box::pin(std::panic::AssertUnwindSafe(work).catch_unwind().map(move |ended| ended.unwrap_or_else(|panic| Err(defect(panic)))))
}

/// All that one service hears and works off.
#[derive(Clone)]
pub struct Plan {
    /// The service.
    pub service: &'static str,
    /// Whom it listens to.
    pub sources: BTreeSet<String>,
    /// What it does, by event name without version.
    pub reactions: BTreeMap<&'static str, React>,
    /// What it works off, by kind of job.
    pub works: BTreeMap<&'static str, (Retry, Work)>,
    /// What holds its jobs back, by kind of job.
    pub brakes: BTreeMap<&'static str, Brake>,
    /// How patient its reactions are.
    pub retry: Retry,
}

/// A plan at work.
#[derive(Clone)]
pub struct Running {
    /// Whom it listens to.
    pub sources: BTreeSet<String>,
    /// What it listens for, by event name without version.
    pub heard: BTreeSet<&'static str>,
    /// Its gate.
    pub gate: Gate,
    /// Its dead letters.
    pub letters: Letters,
}

impl Plan {
    /// Starts one loop per source and one worker for the jobs.
    pub async fn start(self, world: World, store: Store, log: Log) -> Result<Running, Fault> {
        let gate = Gate::open();
        let plan = Arc::new(self);
        store.free_jobs_of_the_dead().await?;
        let letters = Letters::load(world.clone(), store.clone(), plan.clone()).await?;
        let (claims, turn) = (Arc::new(Claims::default()), Arc::default());
        for source in &plan.sources {
            let lane = lane::Lane {
                world: world.clone(),
                store: store.clone(),
                log: log.clone(),
                plan: plan.clone(),
                gate: gate.clone(),
                letters: letters.clone(),
                source: source.clone(),
                meters: lane::Meters::new(plan.service, source),
                claims: claims.clone(),
                turn: Arc::clone(&turn),
            };
            world.spawn("reactions", lane.run());
        }
        let worker = worker::Worker {
            world: world.clone(),
            store,
            plan: plan.clone(),
            gate: gate.clone(),
            letters: letters.clone(),
            claims,
        };
        world.spawn("jobs", worker.run());
        let heard = plan.reactions.keys().copied().collect();
        Ok(Running { sources: plan.sources.clone(), heard, gate, letters })
    }
}
