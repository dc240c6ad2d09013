//! The handle that a service holds: reads, queries, and commits that happen once.

use std::sync::Arc;
use std::time::Duration;

use base::{Fault, RequestKey, Timestamp, World};
use metrics::{Histogram, counter, histogram};

use crate::{Answer, Change, Collection, Doc, Engine, Once, Outcome, Page, Put, Query, Verdict};

/// How long a read may take.
const READ_TIMEOUT: Duration = Duration::from_secs(5);
/// How long a commit may take before nobody knows how it ended.
const COMMIT_TIMEOUT: Duration = Duration::from_secs(10);

struct Inner {
    engine: Arc<dyn Engine>,
    service: &'static str,
    world: World,
    reads: Histogram,
    finds: Histogram,
    commits: Histogram,
}

/// One service's documents. Clones share everything.
#[derive(Clone)]
pub struct Store(Arc<Inner>);

impl std::fmt::Debug for Store {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "Store({} on {})", self.0.service, self.0.engine.name())
    }
}

impl Store {
    /// Opens the documents of a service and makes what its collections need.
    pub async fn open(
        engine: Arc<dyn Engine>,
        service: &'static str,
        collections: &'static [Collection],
        world: World,
    ) -> Result<Store, Fault> {
        for collection in collections {
            collection.check()?;
        }
        engine.prepare(service, collections).await?;
        let name = engine.name();
        let seconds = |op: &'static str| histogram!("comanda_store_seconds", "service" => service, "engine" => name, "op" => op);
        let (reads, finds, commits) = (seconds("read"), seconds("find"), seconds("commit"));
        Ok(Store(Arc::new(Inner { engine, service, world, reads, finds, commits })))
    }

    /// Gives the service's name.
    pub fn service(&self) -> &'static str {
        self.0.service
    }

    /// Gives the world it lives in.
    pub fn world(&self) -> &World {
        &self.0.world
    }

    /// Finds one document.
    pub async fn get(&self, collection: &'static Collection, id: i64) -> Result<Option<Doc>, Fault> {
        self.timed(&self.0.reads, self.0.engine.get(self.0.service, collection, id)).await
    }

    /// Finds a page of documents.
    pub async fn find(&self, collection: &'static Collection, query: Query) -> Result<Page, Fault> {
        query.check(collection)?;
        self.timed(&self.0.finds, self.0.engine.find(self.0.service, collection, query)).await
    }

    /// Finds the first document of a query, if there is one.
    pub async fn find_one(&self, collection: &'static Collection, query: Query) -> Result<Option<Doc>, Fault> {
        Ok(self.find(collection, query.limit(1)).await?.docs.into_iter().next())
    }

    /// Finds what a request was answered: the fingerprint of its body, and the answer.
    pub async fn recorded(&self, key: i64) -> Result<Option<Answer>, Fault> {
        self.timed(&self.0.reads, self.0.engine.recorded(self.0.service, key)).await
    }

    /// Finds the answer of a request; the key of another body is a conflict.
    pub(crate) async fn answered(&self, request: RequestKey) -> Result<Option<Vec<u8>>, Fault> {
        match self.recorded(request.key).await? {
            Some((fingerprint, answer)) if fingerprint == request.fingerprint => Ok(Some(answer)),
            Some(_) => Err(crate::settle::reused()),
            None => Ok(None),
        }
    }

    /// Drops answers to requests that came before a time; gives how many.
    pub async fn forget_answers(&self, before: Timestamp) -> Result<u64, Fault> {
        self.0.engine.forget(self.0.service, before).await
    }

    /// Commits a change of one document, once.
    pub async fn commit(&self, once: Once, mut change: Change) -> Result<Outcome, Fault> {
        let version = change.version();
        if version == 0 {
            return Err(Fault::internal("document_missing", "A document that is not there cannot be touched."));
        }
        let record = once.record();
        let put = Put {
            service: self.0.service,
            content: change.content()?,
            collection: change.collection,
            id: change.id,
            expected_version: change.expected_version,
            events: change.events,
            record: record.map(|record| (record, change.answer)),
        };
        let started = self.0.world.monotonic();
        let verdict = self.0.world.within(COMMIT_TIMEOUT, self.0.engine.put(put)).await;
        self.0.commits.record(self.0.world.monotonic().saturating_sub(started).as_secs_f64());
        let outcome = match verdict {
            // The write is still on its way: it may happen yet.
            Err(_late) => Outcome::Unknown,
            Ok(Err(fault)) => {
                self.count("failed");
                return Err(fault);
            }
            Ok(Ok(Verdict::Unknown)) => Outcome::Unknown,
            Ok(Ok(Verdict::Done)) => Outcome::Done { version },
            // A repeat misses too, so the record of the first time decides.
            Ok(Ok(Verdict::Missed)) => match record {
                None => Outcome::Refused,
                Some(record) => match self.recorded(record.key).await? {
                    None => Outcome::Refused,
                    Some((known, answer)) if known == record.fingerprint => Outcome::Repeated { answer },
                    Some(_) => Outcome::OtherBody,
                },
            },
        };
        self.count(match &outcome {
            Outcome::Done { .. } => "done",
            Outcome::Repeated { .. } | Outcome::OtherBody => "repeated",
            Outcome::Refused => "refused",
            Outcome::Unknown => "unknown",
        });
        Ok(outcome)
    }

    fn count(&self, outcome: &'static str) {
        counter!("comanda_store_commits_total", "service" => self.0.service, "outcome" => outcome).increment(1);
    }

    async fn timed<T>(&self, seconds: &Histogram, work: impl Future<Output = Result<T, Fault>>) -> Result<T, Fault> {
        let started = self.0.world.monotonic();
        let ended = self.0.world.within(READ_TIMEOUT, work).await;
        seconds.record(self.0.world.monotonic().saturating_sub(started).as_secs_f64());
        ended?
    }
}
