//! Durable jobs: claimed by lease, worked outside of any transaction, used up by the commit of their answer.

use base::{Fault, Timestamp};

use crate::{Batch, Expect, Once, Outcome, Row, Step, Store, Verdict, params};

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
    /// Claims at most `limit` jobs that are due, or whose worker's lease has ended. `lease` must be fresh (`World::next_id`).
    pub async fn claim_due(&self, now: Timestamp, limit: usize, lease: i64, lease_until: Timestamp) -> Result<Vec<Job>, Fault> {
        let limit = i64::try_from(limit).unwrap_or(i64::MAX);
        let waiting = self.read(self.0.texts.job_waiting, params![now, limit]).await?;
        let mut jobs = waiting.iter().map(Job::of).collect::<Result<Vec<_>, _>>()?;
        if jobs.is_empty() {
            return Ok(jobs);
        }
        let steps = jobs.iter().map(|job| Step {
            text: self.0.texts.job_claim,
            params: params![job.id, job.lease, lease, lease_until, now],
            expect: Expect::Any,
        });
        let batch = Batch { service: self.0.service, steps: steps.collect(), events: Vec::new() };
        match self.0.engine.commit(batch).await? {
            Verdict::Done { rows, .. } => {
                let mut rows = rows.into_iter();
                // Whoever was quicker has it now.
                jobs.retain(|_| rows.next().unwrap_or(0) == 1);
                for job in &mut jobs {
                    job.lease = lease;
                    job.attempts += 1;
                }
                Ok(jobs)
            }
            // Should they be claimed after all, they come back when the lease ends.
            Verdict::Unknown | Verdict::Missed { .. } => Ok(Vec::new()),
        }
    }

    /// Tells when a job is to be looked at next: when it is due, or when the lease of its worker ends.
    pub async fn next_due(&self) -> Result<Option<Timestamp>, Fault> {
        self.read_one(self.0.texts.job_next, params![]).await?.map_or(Ok(None), |row| row.opt_time(0))
    }

    /// Gives a claimed job back to be done later, with the cause; false when the lease was lost.
    pub async fn reschedule(&self, job: &Job, due: Timestamp, cause: &str) -> Result<bool, Fault> {
        let later = crate::statement(self.0.texts.job_later, params![job.id, job.lease, due, cause]).expecting(1);
        let outcome = self.commit(Once::Nothing, crate::Change::new().write(later)).await?;
        let given = matches!(outcome, Outcome::Done { .. });
        if given {
            self.call_hooks(due);
        }
        Ok(given)
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

    /// Frees the jobs of a process that is gone, where this one can know that it is: before its own worker begins.
    pub async fn free_jobs_of_the_dead(&self) -> Result<(), Fault> {
        if self.0.engine.is_exclusive() {
            self.commit(Once::Nothing, crate::Change::new().write(crate::statement(self.0.texts.job_free, params![]))).await?;
        }
        Ok(())
    }

    /// Counts the jobs that a worker holds.
    pub async fn leased_count(&self) -> Result<i64, Fault> {
        self.read_one(self.0.texts.job_leased, params![]).await?.map_or(Ok(0), |row| row.int(0))
    }

    /// Counts the jobs that are not used up.
    pub async fn job_count(&self) -> Result<i64, Fault> {
        self.read_one(self.0.texts.job_count, params![]).await?.map_or(Ok(0), |row| row.int(0))
    }
}
