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

    struct OnSqlite(Database, #[expect(dead_code, reason = "the folder goes when the bed goes")] TempDir);

    impl Bed for OnSqlite {
        fn log(&self) -> Log {
            Log::new(Arc::new(Embedded::new(self.0.clone())))
        }

        fn say(&self, source: &'static str, events: Vec<NewEvent>) -> BoxFuture<'_, Vec<i64>> {
            let mut events: Vec<Arc<Event>> = events.into_iter().map(|new| embedded::event(source, new).unwrap()).collect();
            let write =
                self.0.write(move |tx| Ok(events.iter_mut().map(|event| tx.append(event)).collect::<Result<Vec<_>, _>>()?));
            Box::pin(async move { write.await.unwrap() })
        }
    }

    async fn bed(tail_events: usize) -> OnSqlite {
        let folder = tempfile::tempdir().unwrap();
        let options = Options { synchronous: Synchronous::Off, tail_events, ..Options::default() };
        OnSqlite(Database::open(folder.path().join("test.db"), options).unwrap(), folder)
    }

    crate::laws!(sqlite_from_memory, bed(10_000));
    crate::laws!(sqlite_from_the_table, bed(0));
}
