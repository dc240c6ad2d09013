//! The worker of a service's durable jobs and timers: claimed by lease, worked, committed, tried again, parked.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;

use base::id::EventId;
use base::{Fault, Timestamp, World};
use futures_util::future::select;
use metrics::{counter, gauge};
use sql::{Change, Job, Once, Outcome, Store};
use tokio::sync::{Notify, Semaphore, watch};

use crate::plan::{Plan, Retry, Work};
use crate::{Gate, Letters};

/// How long a claimed job belongs to its worker; a job that takes longer is worked twice, and committed once.
const LEASE: Duration = Duration::from_secs(60);
/// How many jobs are claimed at once.
const CLAIM_MAX: usize = 256;
/// How many jobs may be at work at once in one service.
const AT_WORK_MAX: usize = 1_024;
/// The wait after the store failed: it would not be better off for being asked at once.
const STORE_WAIT: Duration = Duration::from_millis(200);
/// The longest nap: a job that another process made is seen after this, at the latest.
const NAP_MAX: Duration = Duration::from_secs(5);
/// How often a job is decided again because others got in between.
const REFUSED_MAX: u32 = 20;

#[derive(Clone)]
pub(crate) struct Worker {
    pub(crate) world: World,
    pub(crate) store: Store,
    pub(crate) plan: Arc<Plan>,
    pub(crate) gate: Gate,
    pub(crate) letters: Letters,
}

impl Worker {
    pub(crate) async fn run(self) {
        if self.plan.works.is_empty() {
            return;
        }
        let (earliest, mut news) = watch::channel(Timestamp(0));
        self.store.on_jobs(move |due| {
            earliest.send_if_modified(|known| {
                // Any change wakes the worker; the value only spares it a wake-up for what is far away.
                *known = due;
                true
            });
        });
        let slots = Arc::new(Semaphore::new(AT_WORK_MAX));
        let freed = Arc::new(Notify::new());
        let kinds: BTreeMap<&'static str, Arc<Semaphore>> =
            self.plan.works.iter().map(|(kind, (retry, _))| (*kind, Arc::new(Semaphore::new(retry.concurrency)))).collect();
        loop {
            self.gate.pass().await;
            news.mark_unchanged();
            match self.claim(&slots, &freed, &kinds).await {
                // There may be more: ask again at once.
                Ok(claimed) if claimed == CLAIM_MAX => continue,
                Ok(_) => {}
                Err(fault) => {
                    tracing::warn!(service = self.plan.service, %fault, cause = fault.cause, "the jobs wait for their store");
                    self.world.sleep(STORE_WAIT).await;
                }
            }
            let nap = self.nap(&slots, &freed).await;
            let news = std::pin::pin!(news.changed());
            let _ = select(news, nap).await;
        }
    }

    /// Gives a future that ends when the next job is due, or when there is room again.
    async fn nap(&self, slots: &Semaphore, freed: &Arc<Notify>) -> base::BoxFuture<'static, ()> {
        if slots.available_permits() == 0 {
            let freed = freed.clone();
            return Box::pin(async move { freed.notified().await });
        }
        let now = self.world.now();
        let wait = match self.store.next_due().await {
            Ok(Some(due)) => due.since(now).min(NAP_MAX),
            _ => NAP_MAX,
        };
        self.world.sleep(wait.max(Duration::from_micros(100)))
    }

    async fn claim(
        &self,
        slots: &Arc<Semaphore>,
        freed: &Arc<Notify>,
        kinds: &BTreeMap<&'static str, Arc<Semaphore>>,
    ) -> Result<usize, Fault> {
        let room = slots.available_permits().min(CLAIM_MAX);
        if room == 0 {
            return Ok(0);
        }
        let now = self.world.now();
        let lease = self.world.next_id::<EventId>().0;
        let jobs = self.store.claim_due(now, room, lease, now + LEASE).await?;
        let claimed = jobs.len();
        let mut batches: BTreeMap<&'static str, Vec<Job>> = BTreeMap::new();
        for job in jobs {
            match self.plan.works.get_key_value(job.kind.as_str()) {
                Some((kind, (_, Work::Many(_)))) => batches.entry(kind).or_default().push(job),
                Some((kind, _)) => self.start(vec![job], kind, slots, freed, kinds),
                None => {
                    let fault = Fault::internal("job_unknown", format!("Nobody works jobs of the kind {}.", job.kind));
                    self.park(&job, &fault).await;
                }
            }
        }
        for (kind, batch) in batches {
            self.start(batch, kind, slots, freed, kinds);
        }
        Ok(claimed)
    }

    fn start(
        &self,
        jobs: Vec<Job>,
        kind: &'static str,
        slots: &Arc<Semaphore>,
        freed: &Arc<Notify>,
        kinds: &BTreeMap<&'static str, Arc<Semaphore>>,
    ) {
        let worker = self.clone();
        // The claim asked for no more than there is room for.
        let slot = slots.clone().try_acquire_many_owned(u32::try_from(jobs.len()).unwrap_or(1));
        let turns = kinds.get(kind).cloned();
        let freed = freed.clone();
        self.world.spawn("job", async move {
            let turn = match &turns {
                Some(turns) => turns.acquire().await.ok(),
                None => None,
            };
            worker.work(jobs, kind).await;
            drop(turn);
            drop(slot);
            freed.notify_one();
        });
    }

    async fn work(&self, jobs: Vec<Job>, kind: &'static str) {
        let Some((retry, work)) = self.plan.works.get(kind) else { return };
        if jobs.len() > 1 && self.all_at_once(&jobs, work).await {
            counter!("comanda_jobs_total", "service" => self.plan.service, "kind" => kind).increment(jobs.len() as u64);
            return;
        }
        for job in jobs {
            match self.alone(&job, work).await {
                Ok(()) => counter!("comanda_jobs_total", "service" => self.plan.service, "kind" => kind).increment(1),
                Err(fault) => self.fail(&job, retry, fault).await,
            }
        }
    }

    /// Tries to work several jobs in one commit; `false` means one by one instead.
    async fn all_at_once(&self, jobs: &[Job], work: &Work) -> bool {
        let Ok(change) = work.run(jobs.to_vec()).await else { return false };
        let once = Once::Jobs(jobs.iter().map(|job| (job.id, job.lease)).collect());
        matches!(self.store.commit(once, change).await, Ok(Outcome::Done { .. }))
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

    async fn fail(&self, job: &Job, retry: &Retry, fault: Fault) {
        counter!("comanda_job_retries_total", "service" => self.plan.service, "kind" => job.kind.clone()).increment(1);
        let attempts = u32::try_from(job.attempts).unwrap_or(u32::MAX);
        let now = self.world.now();
        let in_time = job.deadline.is_none_or(|deadline| now < deadline);
        if in_time && retry.goes_on(&fault, attempts) {
            let due = now + self.world.backoff(attempts.saturating_sub(1), retry.first, retry.longest);
            tracing::debug!(service = self.plan.service, job = %job.kind, key = job.key, attempts, %fault, cause = fault.cause, "a job failed and is tried again");
            if let Err(fault) = self.store.reschedule(job, due, &fault.to_string()).await {
                // The lease ends by itself, and the job comes back.
                tracing::warn!(service = self.plan.service, job = %job.kind, %fault, cause = fault.cause, "a job could not be put off");
            }
            return;
        }
        tracing::error!(service = self.plan.service, job = %job.kind, order_id = job.key, correlation = %job.correlation, attempts, %fault, cause = fault.cause, "a job is parked");
        self.park(job, &fault).await;
    }

    async fn park(&self, job: &Job, fault: &Fault) {
        let change: Change = self.letters.park_job(job, &fault.to_string());
        match self.store.commit(job.once(), change).await {
            Ok(Outcome::Done { .. }) => gauge!("comanda_dead_letters", "service" => self.plan.service).increment(1.0),
            Ok(_) => {}
            // The lease ends by itself, and the job comes back.
            Err(fault) => {
                tracing::warn!(service = self.plan.service, job = %job.kind, %fault, cause = fault.cause, "a job could not be parked")
            }
        }
    }
}
