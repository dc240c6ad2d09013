//! A log of which one source stands still for one hearer, while the other sources go on: what a slow partition does.

use std::sync::Arc;
use std::time::Duration;

use base::{BoxFuture, Event, Fault};
use eventlog::Engine;

use crate::machine::Machine;
use crate::weather::Trouble;

/// The longest time for which a source stands still: longer than most dishes are cooked.
const LATE_MS_MAX: u64 = 40_000;

/// A machine's view of a log.
pub struct Late {
    log: Arc<dyn Engine>,
    machine: Machine,
}

impl Late {
    /// Lays it over a log.
    pub fn over(log: Arc<dyn Engine>, machine: Machine) -> Arc<dyn Engine> {
        Arc::new(Late { log, machine })
    }
}

impl Engine for Late {
    fn name(&self) -> &'static str {
        self.log.name()
    }

    fn read(&self, source: &str, after: i64, limit: usize) -> BoxFuture<'_, Result<Vec<Arc<Event>>, Fault>> {
        self.log.read(source, after, limit)
    }

    fn read_all(&self, after: i64, limit: usize) -> BoxFuture<'_, Result<Vec<Arc<Event>>, Fault>> {
        self.log.read_all(after, limit)
    }

    fn of_key(&self, key: i64, after: i64, limit: usize) -> BoxFuture<'_, Result<Vec<Arc<Event>>, Fault>> {
        self.log.of_key(key, after, limit)
    }

    fn changed(&self, after: i64) -> BoxFuture<'_, i64> {
        self.log.changed(after)
    }

    fn changed_of(&self, source: &str, after: i64) -> BoxFuture<'_, i64> {
        let source = source.to_owned();
        Box::pin(async move {
            let newest = self.log.changed_of(&source, after).await;
            let Machine { weather, kernel, .. } = &self.machine;
            if weather.strikes(Trouble::SourceLate, kernel) {
                self.machine.tell(|| format!("hears nothing of {source} for a while"), true);
                kernel.sleep(Duration::from_millis(kernel.below(LATE_MS_MAX))).await;
            }
            newest
        })
    }

    fn last(&self) -> BoxFuture<'_, Result<i64, Fault>> {
        self.log.last()
    }

    fn first(&self) -> BoxFuture<'_, Result<Option<i64>, Fault>> {
        self.log.first()
    }
}
