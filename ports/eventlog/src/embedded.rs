//! The embedded adapter: the log beside the state, in the one SQLite file. One sequence is shared by all sources.

use std::future::ready;
use std::sync::Arc;

use base::{BoxFuture, Event, Fault};
use embedded::Database;

use crate::Engine;

/// The log in SQLite. Following `after` is safe here, because a single writer makes places visible in their order.
#[derive(Debug, Clone)]
pub struct Embedded(Database);

impl Embedded {
    /// Puts the log on a database.
    pub fn new(database: Database) -> Embedded {
        Embedded(database)
    }
}

impl Engine for Embedded {
    fn name(&self) -> &'static str {
        "sqlite"
    }

    fn read(&self, source: &str, after: i64, limit: usize) -> BoxFuture<'_, Result<Vec<Arc<Event>>, Fault>> {
        Box::pin(ready(self.0.events_after(&[source], after, limit)))
    }

    fn read_all(&self, after: i64, limit: usize) -> BoxFuture<'_, Result<Vec<Arc<Event>>, Fault>> {
        Box::pin(ready(self.0.events_after(&[], after, limit)))
    }

    fn of_key(&self, key: i64, after: i64, limit: usize) -> BoxFuture<'_, Result<Vec<Arc<Event>>, Fault>> {
        Box::pin(ready(self.0.events_of_key(key, after, limit)))
    }

    fn changed(&self, after: i64) -> BoxFuture<'_, i64> {
        Box::pin(self.0.wait_beyond(after))
    }

    fn changed_of(&self, source: &str, after: i64) -> BoxFuture<'_, i64> {
        let source = source.to_owned();
        Box::pin(async move { self.0.wait_beyond_of(&source, after).await })
    }

    fn last(&self) -> BoxFuture<'_, Result<i64, Fault>> {
        Box::pin(ready(Ok(self.0.newest())))
    }

    fn first(&self) -> BoxFuture<'_, Result<Option<i64>, Fault>> {
        Box::pin(ready(self.0.oldest()))
    }
}

#[cfg(test)]
mod tests {
    use base::NewEvent;
    use embedded::{Options, Synchronous};
    use tempfile::TempDir;

    use super::*;
    use crate::Log;
    use crate::laws::Bed;
    use crate::shuffled::Shuffled;
    use crate::shuffled::tests::hasty;

    struct OnSqlite {
        database: Database,
        seed: Option<u64>,
        _folder: TempDir,
    }

    impl Bed for OnSqlite {
        fn log(&self) -> Log {
            let log = Log::new(Arc::new(Embedded::new(self.database.clone())));
            self.seed.map_or(log.clone(), |seed| log.shuffled(hasty(), seed, "laws"))
        }

        fn say(&self, source: &'static str, events: Vec<NewEvent>) -> BoxFuture<'_, Vec<i64>> {
            let mut events: Vec<Arc<Event>> = events.into_iter().map(|new| embedded::event(source, new).unwrap()).collect();
            let write = self
                .database
                .write(move |tx| Ok(events.iter_mut().map(|event| tx.append(event)).collect::<Result<Vec<_>, _>>()?));
            Box::pin(async move { write.await.unwrap() })
        }
    }

    async fn bed(tail_events: usize, seed: Option<u64>) -> OnSqlite {
        let folder = tempfile::tempdir().unwrap();
        let options = Options { synchronous: Synchronous::Off, tail_events, ..Options::default() };
        let database = Database::open(folder.path().join("test.db"), options).unwrap();
        OnSqlite { database, seed, _folder: folder }
    }

    crate::laws!(sqlite_from_memory, bed(10_000, None));
    crate::laws!(sqlite_from_the_table, bed(0, None));
    crate::laws!(sqlite_shuffled, bed(10_000, Some(1)));
    crate::laws!(sqlite_shuffled_otherwise, bed(0, Some(2)));

    #[tokio::test]
    async fn a_shuffled_source_stands_still_while_another_runs_ahead() {
        let news = |key| NewEvent {
            topic: "law-events",
            kind: "law.broken.v1",
            key,
            at: base::Timestamp(key),
            correlation: String::new(),
            data: "{}".to_owned(),
        };
        for seed in 0..20 {
            let bed = bed(10_000, None).await;
            let log = Shuffled::new(Arc::new(Embedded::new(bed.database.clone())), hasty(), seed, "laws");
            let (mut ahead_max, mut behind_max) = (0, 0);
            for key in 0..200 {
                bed.say("orders", vec![news(key)]).await;
                bed.say("payments", vec![news(key)]).await;
                let (mut seen, newest) = (Vec::new(), log.last().await.unwrap());
                for source in ["orders", "payments"] {
                    let upto = log.look(source).await.unwrap();
                    let shown = log.read(source, 0, 1_000).await.unwrap();
                    assert!(upto <= newest && shown.last().is_none_or(|last| last.seq <= newest));
                    seen.push(shown.len() as i64);
                }
                ahead_max = ahead_max.max(seen[0] - seen[1]);
                behind_max = behind_max.max(seen[1] - seen[0]);
            }
            assert!(ahead_max >= 10 && behind_max >= 10, "seed {seed}: {ahead_max} ahead, {behind_max} behind");
        }
    }
}
