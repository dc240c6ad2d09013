//! Engines as the weather lets them be: late, refusing, in doubt, or gone in the middle of a commit.

use std::sync::Arc;
use std::time::Duration;

use base::{BoxFuture, Fault, Timestamp};
use documents::{Collection, Doc, Page, Query};
use sql::{Batch, Migration, Row, Value, Verdict};

use crate::chance::mixed;
use crate::history::Claims;
use crate::machine::Machine;
use crate::story::entry::{Ended, Entry};
use crate::watch::Doing;
use crate::weather::Trouble;

/// An engine of a machine.
pub struct Weathered<E: ?Sized> {
    /// The engine beneath.
    pub engine: Arc<E>,
    /// Whose it is.
    pub machine: Machine,
}

fn failed() -> Fault {
    Fault::unavailable("store_failed", "The store fails on purpose.")
}

impl<E: ?Sized> Weathered<E> {
    async fn wait(&self) {
        let machine = &self.machine;
        if machine.weather.strikes(Trouble::StoreSlow, &machine.kernel) {
            let span = Duration::from_micros(machine.kernel.below(50_000));
            machine.kernel.sleep(span).await;
        } else {
            // Even a quick flush lets others go first.
            machine.kernel.sleep(Duration::from_micros(machine.kernel.below(300))).await;
        }
    }

    async fn read(&self) -> Result<(), Fault> {
        let machine = &self.machine;
        if machine.disk.is_down() {
            return machine.crash().await;
        }
        if machine.weather.strikes(Trouble::ReadGarbled, &machine.kernel) {
            return Err(Fault::internal("row_unreadable", "A row cannot be read, on purpose."));
        }
        if machine.weather.strikes(Trouble::ReadFails, &machine.kernel) { Err(failed()) } else { Ok(()) }
    }

    /// Carries out a commit, or what is left of it; `doubt` is the verdict of which nobody knows what it means.
    async fn commit<T: Ended>(
        &self,
        mut entry: Entry,
        doubt: T,
        commit: impl Future<Output = Result<T, Fault>>,
    ) -> Result<T, Fault> {
        let Machine { kernel, weather, .. } = &self.machine;
        self.wait().await;
        if weather.strikes(Trouble::CrashBefore, kernel) {
            entry.ends("crashes before it commits", true);
            return self.machine.crash().await;
        }
        if weather.strikes(Trouble::CommitFails, kernel) {
            entry.ends("the store refuses", true);
            return Err(failed());
        }
        if weather.strikes(Trouble::DoubtLost, kernel) {
            entry.ends("in doubt, and it has not happened", true);
            return Ok(doubt);
        }
        let verdict = commit.await;
        let (words, is_done) = verdict.as_ref().map_or_else(|fault| (format!("fails with {}", fault.code), false), Ended::words);
        if is_done {
            entry.happened(&self.machine);
        }
        if self.machine.disk.is_down() || weather.strikes(Trouble::CrashAfter, kernel) {
            entry.ends(&format!("{words}, and crashes"), true);
            return self.machine.crash().await;
        }
        if verdict.is_ok() && weather.strikes(Trouble::DoubtDone, kernel) {
            entry.ends(&format!("in doubt, {words}"), true);
            return Ok(doubt);
        }
        entry.ends(&words, !is_done);
        verdict
    }
}

impl sql::Engine for Weathered<dyn sql::Engine> {
    fn name(&self) -> &'static str {
        self.engine.name()
    }

    fn is_exclusive(&self) -> bool {
        self.engine.is_exclusive()
    }

    fn migrate<'a>(
        &'a self,
        service: &'static str,
        system: &'a str,
        migrations: &'a [Migration],
    ) -> BoxFuture<'a, Result<(), Fault>> {
        self.engine.migrate(service, system, migrations)
    }

    fn read(&self, text: &'static str, params: Vec<Value>, rows_max: usize) -> BoxFuture<'_, Result<Vec<Row>, Fault>> {
        Box::pin(async move {
            self.read().await?;
            self.engine.read(text, params, rows_max).await
        })
    }

    fn scan(&self, text: &'static str, params: Vec<Value>, rows_max: usize) -> BoxFuture<'_, Result<Vec<Row>, Fault>> {
        Box::pin(async move {
            self.read().await?;
            self.engine.scan(text, params, rows_max).await
        })
    }

    fn commit(&self, batch: Batch) -> BoxFuture<'_, Result<Verdict, Fault>> {
        let size = mixed(batch.steps.len() as u64).wrapping_add(batch.events.len() as u64);
        self.machine.kernel.note(batch.service.bytes().fold(size, |sum, byte| mixed(sum ^ u64::from(byte))));
        let entry = Entry::of_rows(&batch, &self.machine);
        let doing = Doing::of(&batch);
        let claims = Claims::of(&batch);
        let Machine { history, kernel, .. } = &self.machine;
        let watched = async move {
            history.begins(&claims, kernel.now());
            // A server that several machines talk to is looked at where it is.
            let begun = self.engine.is_exclusive().then(|| self.machine.watch.begins(doing));
            let verdict = self.engine.commit(batch).await;
            if let Some(begun) = begun {
                history.look(&claims, &*self.engine, kernel.now()).await;
                begun.ended(&verdict, <[i64]>::to_vec);
            }
            if let Ok(Verdict::Done { .. }) = &verdict {
                history.said(&claims);
            }
            verdict
        };
        Box::pin(async move { self.commit(entry, Verdict::Unknown, watched).await })
    }
}

impl documents::Engine for Weathered<dyn documents::Engine> {
    fn name(&self) -> &'static str {
        self.engine.name()
    }

    fn prepare(&self, service: &'static str, collections: &'static [Collection]) -> BoxFuture<'_, Result<(), Fault>> {
        self.engine.prepare(service, collections)
    }

    fn get(&self, service: &'static str, collection: &'static Collection, id: i64) -> BoxFuture<'_, Result<Option<Doc>, Fault>> {
        Box::pin(async move {
            self.read().await?;
            self.engine.get(service, collection, id).await
        })
    }

    fn find(&self, service: &'static str, collection: &'static Collection, query: Query) -> BoxFuture<'_, Result<Page, Fault>> {
        Box::pin(async move {
            self.read().await?;
            self.engine.find(service, collection, query).await
        })
    }

    fn put(&self, put: documents::Put) -> BoxFuture<'_, Result<documents::Verdict, Fault>> {
        self.machine.kernel.note(mixed(put.id.unsigned_abs()));
        let entry = Entry::of_document(&put, &self.machine);
        Box::pin(async move { self.commit(entry, documents::Verdict::Unknown, self.engine.put(put)).await })
    }

    fn recorded(&self, service: &'static str, key: i64) -> BoxFuture<'_, Result<Option<documents::Answer>, Fault>> {
        self.engine.recorded(service, key)
    }

    fn forget(&self, service: &'static str, before: Timestamp) -> BoxFuture<'_, Result<u64, Fault>> {
        self.engine.forget(service, before)
    }
}
