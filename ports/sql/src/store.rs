//! The handle that a service holds: reads, and commits that happen once.

use std::sync::{Arc, RwLock};
use std::time::Duration;

use base::{Fault, NewEvent, Timestamp, World};

use crate::compile::{Compiled, Stands, compile};
use crate::meter::Meter;
use crate::tables::{Texts, intern, system};
use crate::torn;
use crate::{AllOutcome, Batch, Change, Engine, Heard, Migration, Once, Outcome, Row, Value, Verdict, params};

/// The most rows of one read.
const READ_ROWS_MAX: usize = 20_000;
/// How many ids [`Store::read_each`] asks for at once.
const EACH_AT_ONCE: usize = 32;
/// The most rows of one scan.
const SCAN_ROWS_MAX: usize = 2_000_000;
/// How long a read may take.
const READ_TIMEOUT: Duration = Duration::from_secs(5);
/// How long a scan may take.
const SCAN_TIMEOUT: Duration = Duration::from_secs(120);
/// How long a commit may take before nobody knows how it ended.
pub(crate) const COMMIT_TIMEOUT: Duration = Duration::from_secs(10);

type JobHook = Arc<dyn Fn(Timestamp) + Send + Sync>;

pub(crate) struct Inner {
    pub(crate) engine: Arc<dyn Engine>,
    pub(crate) service: &'static str,
    pub(crate) texts: Texts,
    pub(crate) world: World,
    meter: Meter,
    hooks: RwLock<Vec<JobHook>>,
}

/// One service's state of record. Clones share everything.
#[derive(Clone)]
pub struct Store(pub(crate) Arc<Inner>);

impl std::fmt::Debug for Store {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "Store({} on {})", self.0.service, self.0.engine.name())
    }
}

impl Store {
    /// Opens the store of a service: makes the port's own tables and runs the migrations that have not run.
    ///
    /// Tables of a newer version are refused with `data_newer`.
    pub async fn open(engine: Arc<dyn Engine>, service: &str, migrations: &[Migration], world: World) -> Result<Store, Fault> {
        let fits = !service.is_empty() && service.bytes().all(|byte| byte.is_ascii_lowercase() || byte == b'_');
        if !fits {
            return Err(Fault::internal("bad_service_name", format!("`{service}` cannot be the prefix of a table.")));
        }
        let service = intern(service.to_owned());
        engine.migrate(service, &system(service), migrations).await?;
        let meter = Meter::new(service, engine.name());
        let texts = Texts::of(service);
        Ok(Store(Arc::new(Inner { engine, service, texts, world, meter, hooks: RwLock::new(Vec::new()) })))
    }

    /// Gives the service's name, which is also the prefix of its tables.
    pub fn service(&self) -> &'static str {
        self.0.service
    }

    /// Gives the world it lives in.
    pub fn world(&self) -> &World {
        &self.0.world
    }

    /// Reads a few rows (at most 20,000).
    pub async fn read(&self, text: &'static str, params: Vec<Value>) -> Result<Vec<Row>, Fault> {
        let reading = self.0.engine.read(text, params, READ_ROWS_MAX);
        self.timed(&self.0.meter.read, READ_TIMEOUT, reading).await
    }

    /// Reads the first row, if there is one.
    pub async fn read_one(&self, text: &'static str, params: Vec<Value>) -> Result<Option<Row>, Fault> {
        Ok(self.read(text, params).await?.into_iter().next())
    }

    /// Reads the rows of several ids, in as few reads as can be: `one` asks for the id `$1`, `many` for the ids `$1` to
    /// `$32`, of which spare ones repeat an id.
    pub async fn read_each<I>(&self, one: &'static str, many: &'static str, ids: &[I]) -> Result<Vec<Row>, Fault>
    where
        I: Copy + Into<Value>,
    {
        let mut rows = Vec::with_capacity(ids.len());
        for ids in ids.chunks(EACH_AT_ONCE) {
            rows.extend(match ids {
                [id] => self.read(one, vec![(*id).into()]).await?,
                _ => {
                    let params = ids.iter().chain(std::iter::repeat(&ids[0])).take(EACH_AT_ONCE);
                    self.read(many, params.map(|id| (*id).into()).collect()).await?
                }
            });
        }
        Ok(rows)
    }

    /// Reads many rows without standing in the way of the others; few scans run at once.
    pub async fn scan(&self, text: &'static str, params: Vec<Value>) -> Result<Vec<Row>, Fault> {
        let scanning = self.0.engine.scan(text, params, SCAN_ROWS_MAX);
        self.timed(&self.0.meter.scan, SCAN_TIMEOUT, scanning).await
    }

    /// Commits a change, once.
    pub async fn commit(&self, once: Once, change: Change) -> Result<Outcome, Fault> {
        Ok(match self.commit_parts(once, vec![change]).await? {
            Ended::Done { seqs, jobs } => Outcome::Done { seqs, jobs },
            Ended::Refused { statement, .. } => Outcome::Refused { statement },
            Ended::Repeated(answer) => Outcome::Repeated { answer },
            Ended::OtherBody => Outcome::OtherBody,
            Ended::Fenced => Outcome::Fenced,
            Ended::Unknown => Outcome::Unknown,
        })
    }

    /// Commits the changes of several events with one move of the cursor. After a refusal, commit them one by one.
    pub async fn commit_all(&self, heard: Heard, changes: Vec<Change>) -> Result<AllOutcome, Fault> {
        Ok(match self.commit_parts(Once::Heard(heard), changes).await? {
            Ended::Done { seqs, jobs } => AllOutcome::Done { seqs, jobs },
            Ended::Refused { part, statement } => AllOutcome::Refused { part, statement },
            Ended::Repeated(_) => AllOutcome::Repeated,
            Ended::OtherBody | Ended::Fenced => AllOutcome::Fenced,
            Ended::Unknown => AllOutcome::Unknown,
        })
    }

    /// Tells where the cursor over a source stands, and which later events are done already.
    pub async fn cursor(&self, source: &str) -> Result<(i64, Vec<i64>), Fault> {
        let position = self.read_one(self.0.texts.cursor_get, params![source]).await?;
        let position = position.map_or(Ok(0), |row| row.int(0))?;
        let ahead = self.read(self.0.texts.ahead_list, params![source]).await?;
        let ahead = ahead.iter().map(|row| row.int(0)).collect::<Result<Vec<_>, _>>()?;
        Ok((position, ahead.into_iter().filter(|seq| *seq > position).collect()))
    }

    /// Finds what a request was answered: the fingerprint of its body, and the answer.
    pub async fn recorded(&self, key: i64) -> Result<Option<(i64, Vec<u8>)>, Fault> {
        match self.read_one(self.0.texts.answer_get, params![key]).await? {
            Some(row) => Ok(Some((row.int(0)?, row.bytes(1)?.to_vec()))),
            None => Ok(None),
        }
    }

    /// Drops answers that are older than `time`; gives how many.
    pub async fn forget_answers(&self, time: Timestamp) -> Result<u64, Fault> {
        const CHUNK: usize = 500;
        let mut dropped = 0;
        loop {
            // Ids are ordered by time, so the oldest are the first; a chunk keeps the writer free for others.
            let oldest = self.read(self.0.texts.answers_oldest, params![500]).await?;
            let mut change = Change::new();
            for row in &oldest {
                if row.time(1)? < time {
                    change = change.write(crate::statement(self.0.texts.answer_drop, params![row.int(0)?]));
                }
            }
            let count = change.statements.len();
            if count > 0 {
                self.commit(Once::Nothing, change).await?;
                dropped += count as u64;
            }
            if count < CHUNK {
                return Ok(dropped);
            }
        }
    }

    /// Calls back when a commit has made jobs that nobody holds, with the time when the earliest is due.
    pub fn on_jobs(&self, hook: impl Fn(Timestamp) + Send + Sync + 'static) {
        self.0.hooks.write().expect("no hook panics while the list is held").push(Arc::new(hook));
    }

    pub(crate) fn call_hooks(&self, due: Timestamp) {
        let hooks = self.0.hooks.read().expect("no hook panics while the list is held").clone();
        for hook in hooks {
            hook(due);
        }
    }

    async fn timed<T>(
        &self,
        meter: &metrics::Histogram,
        timeout: Duration,
        work: impl Future<Output = Result<T, Fault>>,
    ) -> Result<T, Fault> {
        let started = self.0.world.monotonic();
        let ended = self.0.world.within(timeout, work).await;
        meter.record(self.0.world.monotonic().saturating_sub(started).as_secs_f64());
        ended?
    }

    async fn commit_parts(&self, once: Once, changes: Vec<Change>) -> Result<Ended, Fault> {
        match torn::planted(&once) {
            Some(mistake) => self.commit_torn(mistake, once, changes).await,
            None => self.commit_whole(once, changes).await,
        }
    }

    pub(crate) async fn commit_whole(&self, once: Once, mut changes: Vec<Change>) -> Result<Ended, Fault> {
        let first_due = changes.iter().flat_map(|change| &change.jobs).filter(|job| job.lease.is_none()).map(|job| job.due).min();
        let alone = changes.iter().any(|change| change.alone);
        let compiled = compile(&self.0.texts, once.clone(), &mut changes, &self.0.world);
        let events: Vec<NewEvent> = changes.into_iter().flat_map(|change| change.events).collect();
        let Compiled { steps, stands, job_ids } = compiled;
        let batch = Batch { service: self.0.service, steps, events, alone };
        let started = self.0.world.monotonic();
        let verdict = self.0.world.within(COMMIT_TIMEOUT, self.0.engine.commit(batch)).await;
        self.0.meter.commit.record(self.0.world.monotonic().saturating_sub(started).as_secs_f64());
        let ended = match verdict {
            // The write is still on its way: it may happen yet.
            Err(_late) => Ended::Unknown,
            Ok(Err(fault)) => {
                self.0.meter.failed.increment(1);
                return Err(fault);
            }
            Ok(Ok(Verdict::Unknown)) => Ended::Unknown,
            Ok(Ok(Verdict::Done { seqs, rows })) => {
                let made = stands.iter().zip(rows).filter(|(stands, _)| matches!(stands, Stands::Job(_)));
                let jobs = made.zip(job_ids).map(|((_, rows), id)| (rows > 0).then_some(id)).collect();
                if let Some(due) = first_due {
                    self.call_hooks(due);
                }
                Ended::Done { seqs, jobs }
            }
            Ok(Ok(Verdict::Missed { step })) => self.missed(&once, stands.get(step).copied()).await?,
        };
        self.0.meter.ended(&ended);
        Ok(ended)
    }

    /// Says what a missed step means. A repeat misses its guards too, so the record of the first time decides.
    async fn missed(&self, once: &Once, stands: Option<Stands>) -> Result<Ended, Fault> {
        if let Some(ended) = self.happened(once).await? {
            return Ok(ended);
        }
        Ok(match stands {
            Some(Stands::Statement { part, statement }) => Ended::Refused { part, statement },
            // What stood in the way is gone again: asking once more will tell.
            _ => Ended::Unknown,
        })
    }

    async fn happened(&self, once: &Once) -> Result<Option<Ended>, Fault> {
        match once {
            Once::Request { key, fingerprint, .. } => Ok(self
                .recorded(*key)
                .await?
                .map(|(known, answer)| if known == *fingerprint { Ended::Repeated(answer) } else { Ended::OtherBody })),
            Once::Heard(heard) => {
                let (position, ahead) = self.cursor(&heard.source).await?;
                let done = |seq: &i64| *seq <= position || ahead.contains(seq);
                let moved = heard.upto > heard.from || !heard.ahead.is_empty();
                if moved && position >= heard.upto && heard.ahead.iter().all(done) {
                    return Ok(Some(Ended::Repeated(Vec::new())));
                }
                let strange = ahead.iter().filter(|seq| **seq <= heard.upto).count() as u64 != heard.known;
                let fenced = position != heard.from || heard.ahead.iter().any(done) || heard.upto > heard.from && strange;
                Ok(fenced.then_some(Ended::Fenced))
            }
            Once::Job { id, lease } => match self.read_one(self.0.texts.job_lease_of, params![*id]).await? {
                None => Ok(Some(Ended::Repeated(Vec::new()))),
                Some(row) if row.int(0)? != *lease => Ok(Some(Ended::Fenced)),
                Some(_) => Ok(None),
            },
            // Which of them are gone does not matter: the worker takes each by itself then.
            Once::Jobs(used) => {
                for (id, lease) in used {
                    match self.read_one(self.0.texts.job_lease_of, params![*id]).await? {
                        Some(row) if row.int(0)? == *lease => {}
                        _ => return Ok(Some(Ended::Fenced)),
                    }
                }
                Ok(None)
            }
            Once::Nothing => Ok(None),
        }
    }
}

/// How a commit of any number of parts ended.
pub(crate) enum Ended {
    Done { seqs: Vec<i64>, jobs: Vec<Option<i64>> },
    Refused { part: usize, statement: usize },
    Repeated(Vec<u8>),
    OtherBody,
    Fenced,
    Unknown,
}
