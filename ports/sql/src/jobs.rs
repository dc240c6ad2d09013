//! Durable jobs: claimed by lease, worked outside of any transaction, used up by the commit of their answer.

use std::time::Duration;

use base::{Fault, Mistake, Timestamp, planted};

use crate::store::COMMIT_TIMEOUT;
use crate::{Batch, Expect, Once, Outcome, Row, Step, Store, Value, Verdict, params, tables};

/// How often a claim is repeated at least while nobody knows whether it happened.
const CLAIM_TRIES: u32 = 6;

/// A job as its worker sees it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Job {
    /// Its id.
    pub id: i64,
    /// What is to be done.
    pub kind: String,
    /// What it is about.
    pub key: i64,
    /// When it was due.
    pub due: Timestamp,
    /// Worthless after this.
    pub deadline: Option<Timestamp>,
    /// How often it was claimed, this time included.
    pub attempts: i64,
    /// The rest, as JSON.
    pub body: String,
    /// The correlation id.
    pub correlation: String,
    /// The lease under which it is worked; 0 for none.
    pub lease: i64,
    /// Why the last attempt came to nothing.
    pub cause: Option<String>,
}

impl Job {
    fn of(row: &Row) -> Result<Job, Fault> {
        Ok(Job {
            id: row.int(0)?,
            kind: row.text(1)?.to_owned(),
            key: row.int(2)?,
            due: row.time(3)?,
            deadline: row.opt_time(4)?,
            attempts: row.int(5)?,
            body: row.text(6)?.to_owned(),
            correlation: row.text(7)?.to_owned(),
            lease: row.int(8)?,
            cause: row.opt_text(9)?.map(ToOwned::to_owned),
        })
    }

    /// Gives what makes the commit of its answer happen once: the job is used up.
    pub fn once(&self) -> Once {
        Once::Job { id: self.id, lease: self.lease }
    }
}

impl Store {
    /// Gives jobs that are due, or whose worker's lease has ended, as they stand: of each kind at most as many as `room` says.
    pub async fn due(&self, now: Timestamp, room: &[(&str, usize)]) -> Result<Vec<Job>, Fault> {
        if room.iter().all(|(_, limit)| *limit == 0) {
            return Ok(Vec::new());
        }
        let mut params = params![now];
        for (kind, limit) in room {
            params.extend(params![*kind, i64::try_from(*limit).unwrap_or(i64::MAX)]);
        }
        self.read(tables::jobs_waiting(self.0.service, room.len()), params).await?.iter().map(Job::of).collect()
    }

    /// Claims jobs that are due and of none of the kinds that this program knows: an older or newer one left them.
    pub async fn claim_strange(
        &self,
        now: Timestamp,
        known: &[&str],
        limit: usize,
        lease: i64,
        lease_until: Timestamp,
    ) -> Result<Vec<Job>, Fault> {
        let mut params = params![now, i64::try_from(limit).unwrap_or(i64::MAX)];
        params.extend(known.iter().map(|kind| Value::from(*kind)));
        let waiting = self.scan(tables::jobs_strange(self.0.service, known.len()), params).await?;
        self.claim(waiting.iter().map(Job::of).collect::<Result<_, _>>()?, now, lease, lease_until).await
    }

    /// Claims jobs as they were read; gives those that are held under the lease afterwards. `lease` must be fresh
    /// (`World::next_id`). Of no jobs nothing is written.
    ///
    /// A claim in doubt is repeated for as long as its lease would hold: given up earlier, the jobs that it took after all
    /// would lie under it, and nobody would work them.
    pub async fn claim(&self, jobs: Vec<Job>, now: Timestamp, lease: i64, lease_until: Timestamp) -> Result<Vec<Job>, Fault> {
        if jobs.is_empty() {
            return Ok(jobs);
        }
        let until = self.0.world.monotonic() + lease_until.since(now);
        let mut tries = 0;
        while tries < CLAIM_TRIES || self.0.world.monotonic() < until {
            if let Some(held) = self.try_claim(&jobs, now, lease, lease_until, tries > 0).await? {
                let claimed = |job: Job| Job { lease, attempts: job.attempts + 1, ..job };
                return Ok(held.into_iter().map(claimed).collect());
            }
            self.0.world.sleep(self.0.world.backoff(tries, Duration::from_millis(5), Duration::from_millis(200))).await;
            tries += 1;
        }
        // Should they be claimed after all, they come back when the lease ends.
        Err(Fault::unavailable("claim_in_doubt", "It is not known whether the jobs were claimed."))
    }

    /// Claims jobs once and gives those that are held afterwards, as they were; `None` when nobody knows.
    ///
    /// A repeat claims nothing twice, and once it has happened the tries before it can change nothing any more.
    async fn try_claim(
        &self,
        jobs: &[Job],
        now: Timestamp,
        lease: i64,
        lease_until: Timestamp,
        in_doubt: bool,
    ) -> Result<Option<Vec<Job>>, Fault> {
        let steps = jobs.iter().map(|job| Step {
            text: self.0.texts.job_claim,
            params: params![job.id, job.lease, lease, lease_until, now],
            expect: Expect::Any,
        });
        let batch = Batch { service: self.0.service, steps: steps.collect(), events: Vec::new(), alone: false };
        let rows = match self.0.world.within(COMMIT_TIMEOUT, self.0.engine.commit(batch)).await {
            // After a doubt, whoever was quicker may have been this very claim.
            Ok(Ok(Verdict::Done { .. })) if in_doubt => return Ok(self.held_under(lease, jobs).await.ok()),
            Ok(Ok(Verdict::Done { rows, .. })) => rows,
            Ok(Ok(Verdict::Missed { .. })) => {
                return Err(Fault::internal("claim_missed", "A claim was refused, though it may change any number of rows."));
            }
            // Certain, unless an earlier try is still on its way.
            Ok(Err(fault)) if !in_doubt => return Err(fault),
            Err(_) | Ok(Ok(Verdict::Unknown) | Err(_)) => return Ok(None),
        };
        Ok(Some(jobs.iter().zip(rows).filter(|(_, rows)| *rows == 1).map(|(job, _)| job.clone()).collect()))
    }

    /// Gives those of some jobs that are held under a lease.
    async fn held_under(&self, lease: i64, jobs: &[Job]) -> Result<Vec<Job>, Fault> {
        let mut held = Vec::with_capacity(jobs.len());
        for job in jobs {
            let now = self.read_one(self.0.texts.job_lease_of, params![job.id]).await?.map(|row| row.int(0)).transpose()?;
            held.extend((now == Some(lease)).then(|| job.clone()));
        }
        Ok(held)
    }

    /// Gives claimed jobs back that were not begun: the claim does not count as an attempt, and who holds one meanwhile keeps it.
    pub async fn give_back(&self, jobs: &[Job]) -> Result<(), Fault> {
        let returned = |job: &Job| crate::statement(self.0.texts.job_return, params![job.id, job.lease]);
        let change = jobs.iter().map(returned).fold(crate::Change::new(), crate::Change::write);
        self.commit(Once::Nothing, change).await?;
        if let Some(due) = jobs.iter().map(|job| job.due).min() {
            self.call_hooks(due);
        }
        Ok(())
    }

    /// Tells when a job is to be looked at next: when it is due, or when the lease of its worker ends.
    pub async fn next_due(&self) -> Result<Option<Timestamp>, Fault> {
        self.read_one(self.0.texts.job_next, params![]).await?.map_or(Ok(None), |row| row.opt_time(0))
    }

    /// Tells when a job of some kinds is to be looked at next.
    pub async fn next_due_of(&self, kinds: &[&str]) -> Result<Option<Timestamp>, Fault> {
        if kinds.is_empty() {
            return Ok(None);
        }
        let params = kinds.iter().map(|kind| Value::from(*kind)).collect();
        self.read_one(tables::jobs_next(self.0.service, kinds.len()), params).await?.map_or(Ok(None), |row| row.opt_time(0))
    }

    /// Gives a claimed job back to be done later, with the cause; false when the lease was lost, or an earlier call that
    /// was in doubt had done it. Should the clock have been set back since it was due, it is tried again at that time, and
    /// is still due when it was: a timer that rang has rung.
    pub async fn reschedule(&self, job: &Job, due: Timestamp, cause: &str) -> Result<bool, Fault> {
        let later = crate::statement(self.0.texts.job_later, params![job.id, job.lease, due, cause]).expecting(1);
        let outcome = self.commit(Once::Nothing, crate::Change::new().write(later)).await?;
        if outcome == Outcome::Unknown {
            return Err(Fault::unavailable("job_in_doubt", "It is not known whether the job was put off."));
        }
        // The call before this one may have done it, and have been in doubt.
        self.call_hooks(due);
        Ok(matches!(outcome, Outcome::Done { .. }))
    }

    /// Lists jobs by id, beginning after one.
    pub async fn jobs(&self, after: i64, limit: usize) -> Result<Vec<Job>, Fault> {
        let limit = i64::try_from(limit).unwrap_or(i64::MAX);
        self.read(self.0.texts.job_list, params![after, limit]).await?.iter().map(Job::of).collect()
    }

    /// Finds the job of a kind and key.
    pub async fn job(&self, kind: &str, key: i64) -> Result<Option<Job>, Fault> {
        self.read_one(self.0.texts.job_get, params![kind, key]).await?.as_ref().map(Job::of).transpose()
    }

    /// Tells whether no other process can have the same data open.
    pub fn is_alone(&self) -> bool {
        self.0.engine.is_exclusive()
    }

    /// Frees the jobs of a process that is gone, where this one can know that it is: before its own worker begins.
    pub async fn free_jobs_of_the_dead(&self) -> Result<(), Fault> {
        if self.is_alone() {
            let text = if planted(Mistake::TimersForgotten) { self.0.texts.job_forget } else { self.0.texts.job_free };
            self.commit(Once::Nothing, crate::Change::new().write(crate::statement(text, params![]))).await?;
        }
        Ok(())
    }

    /// Counts the jobs that a worker holds.
    pub async fn leased_count(&self) -> Result<i64, Fault> {
        self.read_one(self.0.texts.job_leased, params![]).await?.map_or(Ok(0), |row| row.int(0))
    }

    /// Counts the jobs that a worker holds or could claim now. One question: between two, a job may pass from one to the other.
    pub async fn pressing_count(&self, now: Timestamp) -> Result<i64, Fault> {
        self.read_one(self.0.texts.job_pressing, params![now]).await?.map_or(Ok(0), |row| row.int(0))
    }

    /// Counts the jobs that are not used up.
    pub async fn job_count(&self) -> Result<i64, Fault> {
        self.read_one(self.0.texts.job_count, params![]).await?.map_or(Ok(0), |row| row.int(0))
    }
}
