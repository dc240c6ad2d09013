//! The worker of a service's durable jobs and timers: claimed by lease, worked, committed, tried again, parked.

use std::collections::{BTreeMap, BTreeSet};
use std::pin::pin;
use std::sync::Arc;
use std::sync::atomic::{AtomicI64, Ordering};
use std::time::Duration;

use base::id::EventId;
use base::{Fault, Mistake, Timestamp, World, planted};
use futures_util::future::{Either, select};
use metrics::{counter, gauge};
use sql::{Change, Job, Once, Outcome, Store};
use tokio::sync::watch;

use crate::claims::{Claim, Claims};
use crate::plan::{Plan, Retry, Work};
use crate::turns::Turns;
use crate::{Gate, Letters};

/// How long a claimed job belongs to its worker; a job that takes longer is worked twice, and committed once.
const LEASE: Duration = Duration::from_secs(60);
/// How many jobs of a kind are claimed at once.
const CLAIM_MAX: usize = 256;
/// So many jobs in a claim are many: claims are kept apart then, so that each serves many.
const MANY: usize = 4;
/// How far apart.
const CLAIMS_APART: Duration = Duration::from_millis(5);
/// How often it is looked for jobs of kinds that nobody here knows.
const STRANGE_EVERY: Duration = Duration::from_secs(600);
/// How long a batch waits for keys that others have in hand before the next one is looked for.
const KEYS_WAIT: Duration = Duration::from_millis(200);
/// The wait after the store failed: it would not be better off for being asked at once.
const STORE_WAIT: Duration = Duration::from_millis(200);
/// The longest nap where other processes have the same data: a job that one of them made is seen after this, at the latest.
const NAP_MAX: Duration = Duration::from_secs(5);
/// The longest nap where none has: only a clock that was set forwards makes a job due earlier than it was said.
const NAP_MAX_ALONE: Duration = Duration::from_secs(20);
/// The shortest nap: what is due at once was claimed just before.
const NAP_MIN: Duration = Duration::from_micros(100);
/// How often several jobs are decided again together before they go one by one.
const REFUSED_TOGETHER_MAX: u32 = 4;
/// How often a job is decided again because others got in between.
const REFUSED_MAX: u32 = 20;

/// What a claim found: how many jobs, and whether there may be more at once.
struct Claimed {
    count: usize,
    more: bool,
}

/// What becomes of a job that failed, with the cause.
enum End {
    Later(Timestamp, String),
    Parked(String),
}

#[derive(Clone)]
pub(crate) struct Worker {
    pub(crate) world: World,
    pub(crate) store: Store,
    pub(crate) plan: Arc<Plan>,
    pub(crate) gate: Gate,
    pub(crate) letters: Letters,
    /// The keys that a lane or another batch of jobs decides and commits.
    pub(crate) claims: Arc<Claims>,
}

impl Worker {
    pub(crate) async fn run(self) {
        if self.plan.works.is_empty() {
            return;
        }
        let (news, mut heard) = watch::channel(());
        // When the nap will end by itself: a job that is due later is no news. While there is no nap, every job is.
        let alarm = Arc::new(AtomicI64::new(i64::MAX));
        let known = alarm.clone();
        self.store.on_jobs(move |due| {
            if due.0 < known.load(Ordering::SeqCst) {
                news.send_replace(());
            }
        });
        let brake = |kind| self.plan.brakes.get(kind).cloned();
        let turns = Turns::new(self.plan.works.iter().map(|(kind, (retry, _))| (*kind, retry.concurrency, brake(*kind))));
        let mut strange_at = Duration::ZERO;
        loop {
            self.gate.pass().await;
            alarm.store(i64::MAX, Ordering::SeqCst);
            heard.mark_unchanged();
            if self.world.monotonic() >= strange_at {
                strange_at = self.world.monotonic() + STRANGE_EVERY;
                self.park_strange().await;
                // The gate may have been closed meanwhile.
                continue;
            }
            let begun = self.world.monotonic();
            match self.claim(&turns).await {
                Ok(Claimed { more: true, .. }) => continue,
                // The next ones have company too, if they wait for it a moment.
                Ok(Claimed { count, .. }) if count >= MANY => {
                    self.world.sleep((begun + CLAIMS_APART).saturating_sub(self.world.monotonic())).await;
                    continue;
                }
                Ok(_) => {}
                Err(fault) => {
                    tracing::warn!(service = self.plan.service, %fault, cause = fault.cause, "the jobs wait for their store");
                    self.world.sleep(STORE_WAIT).await;
                }
            }
            self.nap(&turns, &mut heard, &alarm, strange_at).await;
        }
    }

    /// Waits until a job may be due, a turn that is wanted comes free, a kind is held back no longer, or a time of the
    /// monotonic clock has come.
    async fn nap(&self, turns: &Turns, heard: &mut watch::Receiver<()>, alarm: &AtomicI64, end: Duration) {
        let alone = self.store.is_alone();
        // When nothing was due by the end of a nap, it is enough to ask again what is due when.
        while self.world.monotonic() < end {
            alarm.store(i64::MAX, Ordering::SeqCst);
            let (open, rest) = turns.open();
            let (due, longest) = match self.store.next_due_of(&open).await {
                Ok(due) => (due, if alone { NAP_MAX_ALONE } else { NAP_MAX }),
                Err(_) => (None, NAP_MAX),
            };
            let now = self.world.now();
            let until = [due, rest.map(|rest| now + rest)].into_iter().flatten().fold(now + longest, Timestamp::min);
            alarm.store(until.0, Ordering::SeqCst);
            let nap = self.world.sleep(until.since(now).max(NAP_MIN));
            let news = pin!(heard.changed());
            let freed = pin!(turns.freed());
            let is_woken = matches!(select(select(news, freed), nap).await, Either::Left(_));
            if is_woken || until < now + longest {
                return;
            }
        }
    }

    /// Claims of each kind as many jobs as it has free turns, and begins them.
    ///
    /// What is claimed begins now: a job that waited for its turn under a lease would lose the lease while it waits.
    ///
    /// Where no other process has the same data, jobs that are worked in batches need no claim: it would tell nobody anything,
    /// and costs a write and a flush for each. Of such a kind one batch is in hand at a time; only what fails is claimed.
    async fn claim(&self, turns: &Turns) -> Result<Claimed, Fault> {
        let room = turns.room(CLAIM_MAX);
        let now = self.world.now();
        let until = now + LEASE;
        let due = self.store.due(now, &room).await?;
        let unclaimed = |job: &Job| self.store.is_alone() && job.lease == 0 && self.is_batched(&job.kind);
        let (batched, due): (Vec<_>, Vec<_>) = due.into_iter().partition(unclaimed);
        let jobs = self.store.claim(due, now, self.world.next_id::<EventId>().0, until).await?;
        let (mut more, mut count) = (false, 0);
        let mut of_kind: BTreeMap<String, (Vec<Job>, Vec<Job>)> = BTreeMap::new();
        jobs.into_iter().for_each(|job| of_kind.entry(job.kind.clone()).or_default().0.push(job));
        batched.into_iter().for_each(|job| of_kind.entry(job.kind.clone()).or_default().1.push(job));
        for (kind, room) in room {
            let (jobs, batch) = of_kind.remove(kind).unwrap_or_default();
            let found = jobs.len() + batch.len();
            count += found;
            match self.is_batched(kind) {
                true if !jobs.is_empty() => self.start(jobs, kind, until, turns),
                _ => jobs.into_iter().for_each(|job| self.start(vec![job], kind, until, turns)),
            }
            if !batch.is_empty() {
                self.start_unclaimed(batch, kind, turns);
            }
            more |= turns.claimed(kind, found == room);
        }
        Ok(Claimed { count, more })
    }

    fn is_batched(&self, kind: &str) -> bool {
        matches!(self.plan.works.get(kind), Some((_, Work::Many(_))))
    }

    /// Parks what is due and of a kind that this program does not know: nobody would ever work it.
    async fn park_strange(&self) {
        let now = self.world.now();
        let known: Vec<&str> = self.plan.works.keys().copied().collect();
        match self.store.claim_strange(now, &known, CLAIM_MAX, self.world.next_id::<EventId>().0, now + LEASE).await {
            Ok(jobs) => {
                for job in jobs {
                    let fault = Fault::internal("job_unknown", format!("Nobody works jobs of the kind {}.", job.kind));
                    self.insist(&job, End::Parked(fault.to_string()), || self.world.now() < now + LEASE).await;
                }
            }
            Err(fault) => {
                tracing::warn!(service = self.plan.service, %fault, cause = fault.cause, "jobs of unknown kinds could not be looked for");
            }
        }
    }

    fn start(&self, jobs: Vec<Job>, kind: &'static str, until: Timestamp, turns: &Turns) {
        let worker = self.clone();
        // The claim asked for no more than there are turns.
        let taken = turns.take(kind, jobs.len());
        self.world.spawn("job", async move {
            worker.work(jobs, kind, until).await;
            drop(taken);
        });
    }

    fn start_unclaimed(&self, jobs: Vec<Job>, kind: &'static str, turns: &Turns) {
        let worker = self.clone();
        let taken = turns.take(kind, jobs.len());
        let unclaimed = turns.unclaimed(kind);
        self.world.spawn("job", async move {
            let failed = worker.work_unclaimed(jobs, kind).await;
            if let Some((jobs, until)) = failed {
                // They are held like any others now, and hold up nobody.
                drop(unclaimed);
                worker.work(jobs, kind, until).await;
            }
            drop(taken);
        });
    }

    /// Works jobs in one commit, those whose keys nobody has in hand; gives those that failed, claimed, and until when.
    ///
    /// What is left is due again at once.
    async fn work_unclaimed(&self, jobs: Vec<Job>, kind: &'static str) -> Option<(Vec<Job>, Timestamp)> {
        let (_, work) = self.plan.works.get(kind)?;
        let freed = self.claims.freed();
        let (claim, jobs, _) = self.in_hand(jobs);
        if jobs.is_empty() {
            // No longer than a moment: others of the kind fall due meanwhile, and their keys are free.
            let _ = self.world.within(KEYS_WAIT, freed).await;
            return None;
        }
        // Should it go on for longer than a lease would hold, it is given up: a commit of its that is on its way is before the
        // claim in the writer's queue, or comes to nothing by it.
        if self.world.within(LEASE, self.all_at_once(&jobs, work)).await.unwrap_or(false) {
            self.count(kind, jobs.len());
            return None;
        }
        drop(claim);
        let now = self.world.now();
        match self.store.claim(jobs, now, self.world.next_id::<EventId>().0, now + LEASE).await {
            Ok(jobs) => Some((jobs, now + LEASE)),
            Err(fault) => {
                tracing::warn!(service = self.plan.service, %fault, cause = fault.cause, "jobs that failed could not be claimed");
                self.world.sleep(STORE_WAIT).await;
                None
            }
        }
    }

    async fn work(&self, jobs: Vec<Job>, kind: &'static str, until: Timestamp) {
        let Some((retry, work)) = self.plan.works.get(kind) else { return };
        let is_held = || self.world.now() < until;
        let mut waiting = jobs;
        while let Work::Many(_) = work
            && waiting.len() > 1
            && is_held()
        {
            // A lane, or another kind of job, may have some of the keys in hand: two would refuse each other.
            let freed = self.claims.freed();
            let (claim, jobs, others) = self.in_hand(waiting);
            waiting = others;
            if jobs.is_empty() {
                let _ = self.world.within(until.since(self.world.now()), freed).await;
            } else if self.all_at_once(&jobs, work).await {
                self.count(kind, jobs.len());
            } else {
                // Alone, each takes its chance: nobody waits for all of them.
                drop(claim);
                self.one_by_one(jobs, kind, retry, work, is_held).await;
            }
        }
        self.one_by_one(waiting, kind, retry, work, is_held).await;
    }

    /// Takes the keys of jobs, and tells which of them it has got, and which somebody else has.
    fn in_hand(&self, jobs: Vec<Job>) -> (Claim, Vec<Job>, Vec<Job>) {
        let claim = self.claims.take(jobs.iter().map(|job| job.key).collect::<BTreeSet<_>>());
        let (jobs, others) = jobs.into_iter().partition(|job| claim.has(job.key));
        (claim, jobs, others)
    }

    fn count(&self, kind: &'static str, jobs: usize) {
        counter!("comanda_jobs_total", "service" => self.plan.service, "kind" => kind).increment(jobs as u64);
    }

    /// Works jobs alone, one after the other, for as long as their lease holds.
    async fn one_by_one(&self, jobs: Vec<Job>, kind: &'static str, retry: &Retry, work: &Work, is_held: impl Fn() -> bool) {
        let mut jobs = jobs.into_iter();
        while is_held()
            && let Some(job) = jobs.next()
        {
            match self.alone(&job, work).await {
                Ok(()) => self.count(kind, 1),
                Err(fault) => self.fail(&job, retry, fault, &is_held).await,
            }
        }
        self.give_back(jobs.as_slice()).await;
    }

    /// Gives back what was not begun while its lease held: it may be another's by now, and was not attempted.
    async fn give_back(&self, jobs: &[Job]) {
        if jobs.is_empty() {
            return;
        }
        counter!("comanda_jobs_late_total", "service" => self.plan.service).increment(jobs.len() as u64);
        if let Err(fault) = self.store.give_back(jobs).await {
            // Their leases have ended, so they come back by themselves.
            tracing::warn!(service = self.plan.service, %fault, cause = fault.cause, "jobs that were not begun could not be given back");
        }
    }

    /// Tries to work several jobs in one commit; `false` means one by one instead.
    async fn all_at_once(&self, jobs: &[Job], work: &Work) -> bool {
        let once = Once::Jobs(jobs.iter().map(|job| (job.id, job.lease)).collect());
        for _ in 0..REFUSED_TOGETHER_MAX {
            let Ok(change) = work.run(jobs.to_vec()).await else { return false };
            match self.store.commit(once.clone(), change).await {
                Ok(Outcome::Done { .. }) => return true,
                // A request got in between; one by one would cost a flush for each job.
                Ok(Outcome::Refused { .. }) => {}
                _ => return false,
            }
        }
        false
    }

    async fn alone(&self, job: &Job, work: &Work) -> Result<(), Fault> {
        for tries in 0..REFUSED_MAX {
            let change = work.run(vec![job.clone()]).await?;
            match self.store.commit(job.once(), change).await? {
                Outcome::Done { .. } | Outcome::Repeated { .. } | Outcome::Fenced => return Ok(()),
                Outcome::Refused { .. } | Outcome::Unknown | Outcome::OtherBody => {
                    self.world.sleep(self.world.backoff(tries, Duration::from_micros(200), Duration::from_millis(50))).await;
                }
            }
        }
        Err(Fault::unavailable("too_busy", "Too many others are changing the same thing."))
    }

    async fn fail(&self, job: &Job, retry: &Retry, fault: Fault, is_held: impl Fn() -> bool) {
        counter!("comanda_job_retries_total", "service" => self.plan.service, "kind" => job.kind.clone()).increment(1);
        let attempts = u32::try_from(job.attempts).unwrap_or(u32::MAX);
        let now = self.world.now();
        let in_time = job.deadline.is_none_or(|deadline| now < deadline);
        if planted(Mistake::JobNotTriedAgain) {
            drop(self.store.commit(job.once(), Change::new()).await);
            return;
        }
        if in_time && retry.goes_on(&fault, attempts) {
            let due = now + self.world.backoff(attempts.saturating_sub(1), retry.first, retry.longest);
            tracing::debug!(service = self.plan.service, job = %job.kind, key = job.key, attempts, %fault, cause = fault.cause, "a job failed and is tried again");
            self.insist(job, End::Later(due, fault.to_string()), is_held).await;
            return;
        }
        tracing::error!(service = self.plan.service, job = %job.kind, order_id = job.key, correlation = %job.correlation, attempts, %fault, cause = fault.cause, "a job is parked");
        self.insist(job, End::Parked(fault.to_string()), is_held).await;
    }

    /// Asks a store that fails again for as long as the lease holds: else a moment without room would cost every job in
    /// hand a whole lease.
    async fn insist(&self, job: &Job, end: End, is_held: impl Fn() -> bool) {
        while let Err(fault) = self.end(job, &end).await {
            if !is_held() {
                // It comes back by itself.
                tracing::warn!(service = self.plan.service, job = %job.kind, %fault, cause = fault.cause, "a job could be neither put off nor parked");
                return;
            }
            self.world.sleep(STORE_WAIT).await;
        }
    }

    async fn end(&self, job: &Job, end: &End) -> Result<(), Fault> {
        let cause = match end {
            End::Later(due, cause) => return self.store.reschedule(job, *due, cause).await.map(drop),
            End::Parked(cause) => cause,
        };
        match self.store.commit(job.once(), self.letters.park_job(job, cause)).await? {
            Outcome::Done { .. } => gauge!("comanda_dead_letters", "service" => self.plan.service).increment(1.0),
            Outcome::Unknown => return Err(Fault::unavailable("job_in_doubt", "It is not known whether the job was parked.")),
            // An earlier try did it, or the job is another's by now.
            _ => {}
        }
        Ok(())
    }
}
