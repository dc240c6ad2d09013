//! An engine whose answers get lost, as those of a server do whose connection breaks during a commit.

use std::collections::VecDeque;
use std::sync::{Arc, Mutex};

use base::{BoxFuture, Fault};

use crate::{Batch, Engine, Migration, Row, Value, Verdict};

/// What becomes of a commit.
#[derive(Debug, Clone, Copy)]
pub(crate) enum Doubt {
    /// It happened, and the answer was lost.
    Happened,
    /// It was lost on its way.
    Lost,
    /// It is still on its way: it happens after the next one.
    Late,
    /// It certainly did not happen, and that is said.
    Failed,
}

/// The engine: each commit meets the next doubt, and goes through when there is none left.
pub(crate) struct Doubtful {
    engine: Arc<dyn Engine>,
    doubts: Mutex<VecDeque<Doubt>>,
    late: Mutex<Vec<Batch>>,
}

impl Doubtful {
    pub(crate) fn new(engine: Arc<dyn Engine>) -> Doubtful {
        Doubtful { engine, doubts: Mutex::default(), late: Mutex::default() }
    }

    pub(crate) fn expect(&self, doubts: Vec<Doubt>) {
        *self.doubts.lock().unwrap() = doubts.into();
    }
}

impl Engine for Doubtful {
    fn name(&self) -> &'static str {
        self.engine.name()
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
        self.engine.read(text, params, rows_max)
    }

    fn scan(&self, text: &'static str, params: Vec<Value>, rows_max: usize) -> BoxFuture<'_, Result<Vec<Row>, Fault>> {
        self.engine.scan(text, params, rows_max)
    }

    fn commit(&self, batch: Batch) -> BoxFuture<'_, Result<Verdict, Fault>> {
        Box::pin(async move {
            let doubt = self.doubts.lock().unwrap().pop_front();
            match doubt {
                Some(Doubt::Happened) => {
                    self.engine.commit(batch).await?;
                    Ok(Verdict::Unknown)
                }
                Some(Doubt::Lost) => Ok(Verdict::Unknown),
                Some(Doubt::Late) => {
                    self.late.lock().unwrap().push(batch);
                    Ok(Verdict::Unknown)
                }
                Some(Doubt::Failed) => Err(Fault::unavailable("store_unreachable", "The database does not answer.")),
                None => {
                    let verdict = self.engine.commit(batch).await;
                    let late = std::mem::take(&mut *self.late.lock().unwrap());
                    for batch in late {
                        self.engine.commit(batch).await?;
                    }
                    verdict
                }
            }
        })
    }
}
