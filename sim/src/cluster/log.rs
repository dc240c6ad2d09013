//! The event log on a server: what relays bring, once each, read by all nodes.

use std::sync::Arc;

use base::{BoxFuture, Event, Fault};
use embedded::{Database, rusqlite};
use eventlog::{Embedded, Engine};
use saga::Sink;

use crate::cluster::server::Server;
use crate::machine::Machine;
use crate::weather::Trouble;

/// A node's way to the log on a server.
#[derive(Clone)]
pub struct Log {
    /// The server.
    pub server: Server,
    /// Who asks.
    pub from: Machine,
}

type Events = Result<Vec<Arc<Event>>, Fault>;

impl Log {
    fn read<T: Send + 'static>(
        &self,
        work: impl FnOnce(Embedded) -> BoxFuture<'static, Result<T, Fault>> + Send + 'static,
    ) -> BoxFuture<'_, Result<T, Fault>> {
        Box::pin(async move {
            let asked = self.server.ask(&self.from, move |database| work(Embedded::new(database)));
            asked.await.or_unreachable()
        })
    }

    /// A long poll: the server says when there is more; one that has died says nothing, and another has to be asked.
    async fn news(&self, after: i64, wait: impl Fn(Database) -> BoxFuture<'static, i64> + Send + Sync) -> i64 {
        let mut opened = self.server.opened();
        loop {
            let database = opened.borrow_and_update().clone();
            let news = async {
                match database {
                    Some(database) => Some(wait(database).await).filter(|newest| *newest > after),
                    None => std::future::pending().await,
                }
            };
            tokio::select! {
                biased;
                Some(newest) = news => return newest,
                Ok(()) = opened.changed() => {}
                else => return std::future::pending().await,
            }
        }
    }
}

impl Engine for Log {
    fn name(&self) -> &'static str {
        "simulated"
    }

    fn read(&self, source: &str, after: i64, limit: usize) -> BoxFuture<'_, Events> {
        let source = source.to_owned();
        self.read(move |log| Box::pin(async move { log.read(&source, after, limit).await }))
    }

    fn read_all(&self, after: i64, limit: usize) -> BoxFuture<'_, Events> {
        self.read(move |log| Box::pin(async move { log.read_all(after, limit).await }))
    }

    fn of_key(&self, key: i64, after: i64, limit: usize) -> BoxFuture<'_, Events> {
        self.read(move |log| Box::pin(async move { log.of_key(key, after, limit).await }))
    }

    fn changed(&self, after: i64) -> BoxFuture<'_, i64> {
        Box::pin(self.news(after, move |database| Box::pin(async move { database.wait_beyond(after).await })))
    }

    fn changed_of(&self, source: &str, after: i64) -> BoxFuture<'_, i64> {
        let source = source.to_owned();
        let wait = move |database: Database| -> BoxFuture<'static, i64> {
            let source = source.clone();
            Box::pin(async move { database.wait_beyond_of(&source, after).await })
        };
        Box::pin(self.news(after, wait))
    }

    fn last(&self) -> BoxFuture<'_, Result<i64, Fault>> {
        self.read(|log| Box::pin(async move { log.last().await }))
    }

    fn first(&self) -> BoxFuture<'_, Result<Option<i64>, Fault>> {
        self.read(|log| Box::pin(async move { log.first().await }))
    }
}

/// What makes the server know what it has been brought.
const TABLE: &str = "create table if not exists relayed (source text, place integer, primary key (source, place)) without rowid";
const NOTE: &str = "insert into relayed (source, place) values (?1, ?2) on conflict do nothing";

impl Sink for Log {
    fn put<'a>(&'a self, events: &'a [Event]) -> BoxFuture<'a, Result<(), Fault>> {
        let events: Vec<Arc<Event>> = events.iter().cloned().map(Arc::new).collect();
        Box::pin(async move {
            let put = self.server.ask(&self.from, move |database| {
                Box::pin(async move {
                    database
                        .write(move |tx| {
                            tx.execute(TABLE, [])?;
                            for event in &events {
                                if tx.execute(NOTE, rusqlite::params![event.source, event.seq])? == 1 {
                                    tx.append(&mut event.clone())?;
                                }
                            }
                            Ok(())
                        })
                        .await
                })
            });
            put.await.or_unreachable()?;
            let lost = self.from.weather.strikes(Trouble::PutAnswerLost, &self.from.kernel);
            if lost { Err(super::server::unreachable()) } else { Ok(()) }
        })
    }
}
