//! Rows on a server: several writers, and an outbox whose ids become visible out of their order.

use std::collections::BTreeMap;
use std::sync::atomic::{AtomicI64, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use base::event::Known;
use base::{BoxFuture, Event, Fault, Timestamp};
use embedded::{Database, rusqlite};
use serde_json::value::RawValue;
use sql::{Batch, CLOCKS_APART, Embedded, Engine, Expect, Migration, Outbox, Row, Step, Value, Verdict};
use tokio::sync::{RwLock, watch};

use crate::cluster::server::{Asked, Server};
use crate::history::Claims;
use crate::kernel::Kernel;
use crate::machine::Machine;
use crate::watch::Doing;
use crate::weather::Trouble;

/// How long a transaction is open at most, in microseconds: meanwhile others begin and end.
const OPEN_MAX: u64 = 4_000;

/// What all nodes share of a server of rows: what it counts in memory, and its locks.
#[derive(Default)]
pub struct Shared {
    /// The last id given to an event; one that is given to a transaction which fails is gone.
    given: AtomicI64,
    /// By service: shared by its commits, taken alone by one that wants to be.
    turns: Mutex<BTreeMap<&'static str, Arc<RwLock<()>>>>,
}

/// A node's way to the rows on a server.
#[derive(Clone)]
pub struct Rows {
    server: Server,
    shared: Arc<Shared>,
    from: Machine,
    /// Counts what this node has said.
    said: Arc<watch::Sender<u64>>,
}

/// Keeps the text of one kind for a service for good: there is a fixed handful of both.
fn text_of(kind: &'static str, service: &str, write: impl Fn(&str) -> String) -> &'static str {
    static TEXTS: Mutex<BTreeMap<&str, BTreeMap<String, &str>>> = Mutex::new(BTreeMap::new());
    let mut texts = TEXTS.lock().unwrap_or_else(PoisonError::into_inner);
    if let Some(text) = texts.get(kind).and_then(|texts| texts.get(service)) {
        return text;
    }
    let text: &'static str = Box::leak(write(service).into_boxed_str());
    texts.entry(kind).or_default().insert(service.to_owned(), text);
    text
}

fn table(service: &str) -> String {
    format!(
        "create table if not exists {service}_outbox (id integer primary key, topic text not null, kind text not null,
            key integer not null, at integer not null, correlation text not null, data text not null,
            claimed_until integer not null default 0)"
    )
}

fn put(service: &str) -> &'static str {
    text_of("put", service, |service| {
        format!("insert into {service}_outbox (id, topic, kind, key, at, correlation, data) values ($1, $2, $3, $4, $5, $6, $7)")
    })
}

impl Rows {
    /// Makes a node's way to the rows.
    pub fn new(server: Server, shared: Arc<Shared>, from: Machine) -> Rows {
        Rows { server, shared, from, said: Arc::default() }
    }

    fn turn(&self, service: &'static str) -> Arc<RwLock<()>> {
        self.shared.turns.lock().unwrap_or_else(PoisonError::into_inner).entry(service).or_default().clone()
    }

    /// Gives ids to events as a sequence does: at once, whenever their commit comes to be seen.
    fn with_events(&self, batch: Batch) -> (Batch, Vec<i64>) {
        let Batch { service, mut steps, events, alone } = batch;
        let mut seqs = Vec::with_capacity(events.len());
        for event in events {
            let id = self.shared.given.fetch_add(1, Ordering::Relaxed) + 1;
            seqs.push(id);
            let params = vec![
                Value::Int(id),
                Value::Text(event.topic.to_owned()),
                Value::Text(event.kind.to_owned()),
                Value::Int(event.key),
                Value::Int(event.at.micros()),
                Value::Text(event.correlation),
                Value::Text(event.data),
            ];
            steps.push(Step { text: put(service), params, expect: Expect::Rows(1) });
        }
        (Batch { service, steps, events: vec![], alone }, seqs)
    }

    /// Works in a transaction of the server.
    async fn write<T: Send + 'static>(
        &self,
        work: impl Fn(&rusqlite::Connection) -> rusqlite::Result<T> + Send + 'static,
    ) -> Asked<T> {
        let write = |database: Database| -> BoxFuture<'static, Result<T, Fault>> {
            Box::pin(async move { database.write(move |tx| Ok(work(tx.connection())?)).await })
        };
        self.server.ask(&self.from, write).await
    }
}

/// Commits on the server, as a transaction that is open for a while.
async fn commit(
    server: Machine,
    kernel: Kernel,
    turn: Arc<RwLock<()>>,
    database: Database,
    batch: Batch,
) -> Result<Verdict, Fault> {
    let _turn = if batch.alone { Err(turn.write().await) } else { Ok(turn.read().await) };
    kernel.sleep(Duration::from_micros(kernel.below(OPEN_MAX))).await;
    let (engine, claims) = (Embedded::new(database), Claims::of(&batch));
    let begun = server.watch.begins(Doing::of(&batch));
    let verdict = engine.commit(batch).await;
    server.history.look(&claims, &engine, kernel.now()).await;
    // Where events stand in the log is not known here: of them nothing is said.
    begun.ended(&verdict, |_| Vec::new());
    verdict
}

impl Engine for Rows {
    fn name(&self) -> &'static str {
        "simulated"
    }

    fn migrate<'a>(
        &'a self,
        service: &'static str,
        system: &'a str,
        migrations: &'a [Migration],
    ) -> BoxFuture<'a, Result<(), Fault>> {
        Box::pin(async move {
            let (system, migrations) = (system.to_owned(), migrations.to_vec());
            let asked = self.server.ask(&self.from, move |database| {
                Box::pin(async move {
                    Embedded::new(database.clone()).migrate(service, &system, &migrations).await?;
                    database.write(move |tx| Ok(tx.connection().execute_batch(&table(service))?)).await
                })
            });
            asked.await.or_unreachable()?;
            let text = text_of("last", service, |service| format!("select coalesce(max(id), 0) from {service}_outbox"));
            let rows = self.read(text, vec![], 1).await?;
            let last = rows.first().map_or(Ok(0), |row| row.int(0))?;
            self.shared.given.fetch_max(last, Ordering::Relaxed);
            Ok(())
        })
    }

    fn read(&self, text: &'static str, params: Vec<Value>, rows_max: usize) -> BoxFuture<'_, Result<Vec<Row>, Fault>> {
        let read = move |database: Database| -> BoxFuture<'static, Result<Vec<Row>, Fault>> {
            Box::pin(async move { Embedded::new(database).read(text, params, rows_max).await })
        };
        Box::pin(async move { self.server.ask(&self.from, read).await.or_unreachable() })
    }

    fn scan(&self, text: &'static str, params: Vec<Value>, rows_max: usize) -> BoxFuture<'_, Result<Vec<Row>, Fault>> {
        self.read(text, params, rows_max)
    }

    fn commit(&self, batch: Batch) -> BoxFuture<'_, Result<Verdict, Fault>> {
        Box::pin(async move {
            let (batch, seqs) = self.with_events(batch);
            let (kernel, turn, steps) = (self.from.kernel.clone(), self.turn(batch.service), batch.steps.len() - seqs.len());
            let machine = self.server.machine.clone();
            let asked = self.server.ask(&self.from, move |database| Box::pin(commit(machine, kernel, turn, database, batch)));
            match asked.await {
                Asked::Answered(Ok(Verdict::Done { mut rows, .. })) => {
                    rows.truncate(steps);
                    if !seqs.is_empty() {
                        self.said.send_modify(|count| *count += 1);
                    }
                    Ok(Verdict::Done { seqs, rows })
                }
                Asked::Answered(verdict) => verdict,
                Asked::Unsent => Err(super::server::unreachable()),
                Asked::Lost => Ok(Verdict::Unknown),
            }
        })
    }
}

fn event(service: &str, row: &rusqlite::Row<'_>) -> rusqlite::Result<Event> {
    let data = RawValue::from_string(row.get(6)?).map_err(|_| rusqlite::Error::InvalidQuery)?;
    Ok(Event {
        seq: row.get(0)?,
        source: service.to_owned().into(),
        topic: row.get::<_, String>(1)?.into(),
        kind: row.get::<_, String>(2)?.into(),
        key: row.get(3)?,
        at: Timestamp(row.get(4)?),
        correlation: row.get(5)?,
        data,
        known: Known::default(),
    })
}

const COLUMNS: &str = "id, topic, kind, key, at, correlation, data";

impl Outbox for Rows {
    fn claim<'a>(
        &'a self,
        service: &'a str,
        limit: usize,
        now: Timestamp,
        until: Timestamp,
    ) -> BoxFuture<'a, Result<Vec<Event>, Fault>> {
        let text = text_of("claim", service, |service| {
            format!(
                "update {service}_outbox set claimed_until = ?3 where id in (select id from {service}_outbox
                    where (claimed_until <= ?1 or claimed_until > ?4)
                    and key not in (select key from {service}_outbox where claimed_until > ?1 and claimed_until <= ?4)
                    order by id limit ?2) returning {COLUMNS}"
            )
        });
        let any = text_of("any", service, |service| format!("select 1 from {service}_outbox limit 1"));
        let service = service.to_owned();
        Box::pin(async move {
            let claim = move |connection: &rusqlite::Connection| {
                let params = [now.micros(), limit as i64, until.micros(), (until + CLOCKS_APART).micros()];
                let mut statement = connection.prepare_cached(text)?;
                let rows = statement.query_map(params, |row| event(&service, row))?;
                rows.collect::<rusqlite::Result<Vec<Event>>>()
            };
            // Mostly there is nothing, and finding that out writes nothing.
            let claimed = self.server.ask(&self.from, move |database| {
                Box::pin(async move {
                    let there = database.read(|connection| connection.prepare_cached(any)?.exists([]))?;
                    if there { database.write(move |tx| Ok(claim(tx.connection())?)).await } else { Ok(Vec::new()) }
                })
            });
            let mut events = claimed.await.or_unreachable()?;
            events.sort_by_key(|event| event.seq);
            Ok(events)
        })
    }

    fn mark_sent<'a>(&'a self, service: &'a str, seqs: &'a [i64]) -> BoxFuture<'a, Result<(), Fault>> {
        let (text, seqs) =
            (text_of("sent", service, |service| format!("delete from {service}_outbox where id = ?1")), seqs.to_vec());
        Box::pin(async move {
            if self.from.weather.strikes(Trouble::NoteLost, &self.from.kernel) {
                return Err(super::server::unreachable());
            }
            let marked = self.write(move |connection| {
                seqs.iter().try_for_each(|seq| connection.prepare_cached(text)?.execute([seq]).map(|_| ()))
            });
            marked.await.or_unreachable()
        })
    }

    fn unsent<'a>(&'a self, service: &'a str, limit: usize) -> BoxFuture<'a, Result<Vec<Event>, Fault>> {
        let text = text_of("unsent", service, |service| format!("select {COLUMNS} from {service}_outbox order by id limit ?1"));
        let service = service.to_owned();
        Box::pin(async move {
            let read = self.write(move |connection| {
                let mut statement = connection.prepare_cached(text)?;
                let rows = statement.query_map([limit as i64], |row| event(&service, row))?;
                rows.collect::<rusqlite::Result<Vec<Event>>>()
            });
            read.await.or_unreachable()
        })
    }

    fn news(&self) -> watch::Receiver<u64> {
        self.said.subscribe()
    }
}
