//! The embedded adapter: SQLite, in the one file that all services share. A collection is a table, a field a column.

use std::sync::Arc;

use base::{BoxFuture, Event, Fault, NewEvent, Timestamp};
use embedded::rusqlite::types::{ToSqlOutput, ValueRef};
use embedded::rusqlite::{self, Connection, ToSql, params_from_iter};
use embedded::{Database, Ended, Tx, Write, WriteError};
use tokio::sync::oneshot;

use crate::engine::Answer;
use crate::{After, Collection, Doc, Engine, Filter, Index, Kind, Order, Page, Put, Query, Record, Value, Verdict};

/// How many answers one write forgets, so that others get their turn.
const FORGET_CHUNK: u64 = 500;

/// SQLite beneath the port.
#[derive(Clone)]
pub struct Embedded(Database);

impl Embedded {
    /// Puts the port on a database.
    pub fn new(database: Database) -> Embedded {
        Embedded(database)
    }

    /// Gives the database.
    pub fn database(&self) -> &Database {
        &self.0
    }
}

impl ToSql for Value {
    fn to_sql(&self) -> rusqlite::Result<ToSqlOutput<'_>> {
        Ok(ToSqlOutput::Borrowed(match self {
            Value::Int(value) => ValueRef::Integer(*value),
            Value::Text(value) => ValueRef::Text(value.as_bytes()),
        }))
    }
}

impl Engine for Embedded {
    fn name(&self) -> &'static str {
        "sqlite"
    }

    fn prepare(&self, service: &'static str, collections: &'static [Collection]) -> BoxFuture<'_, Result<(), Fault>> {
        Box::pin(self.0.write(move |tx| {
            tx.connection().execute_batch(&format!(
                "create table if not exists {service}_answers
                   (key integer primary key, fingerprint integer not null, answer blob not null, at integer not null);
                 create index if not exists {service}_answers_at on {service}_answers (at);"
            ))?;
            for collection in collections {
                make(tx.connection(), service, collection)?;
            }
            Ok(())
        }))
    }

    fn get(&self, service: &'static str, collection: &'static Collection, id: i64) -> BoxFuture<'_, Result<Option<Doc>, Fault>> {
        // Read at once, in the caller: a point read takes microseconds, less than handing it to another thread.
        let found = self.0.read(|connection| {
            let text = format!("select id, version, body from {service}_{} where id = ?1", collection.name);
            connection.prepare_cached(&text)?.query_map([id], doc)?.next().transpose()
        });
        Box::pin(std::future::ready(found))
    }

    fn find(&self, service: &'static str, collection: &'static Collection, query: Query) -> BoxFuture<'_, Result<Page, Fault>> {
        let found = self.0.read(|connection| page(connection, service, collection, &query));
        Box::pin(std::future::ready(found))
    }

    fn put(&self, put: Put) -> BoxFuture<'_, Result<Verdict, Fault>> {
        Box::pin(async move {
            let (answer, answered) = oneshot::channel();
            self.0.submit(Box::new(PutWrite::new(put, answer)?)).await;
            answered.await.unwrap_or(Ok(Verdict::Unknown))
        })
    }

    fn recorded(&self, service: &'static str, key: i64) -> BoxFuture<'_, Result<Option<Answer>, Fault>> {
        let found = self.0.read(|connection| {
            let text = format!("select fingerprint, answer from {service}_answers where key = ?1");
            connection.prepare_cached(&text)?.query_map([key], |row| Ok((row.get(0)?, row.get(1)?)))?.next().transpose()
        });
        Box::pin(std::future::ready(found))
    }

    fn forget(&self, service: &'static str, before: Timestamp) -> BoxFuture<'_, Result<u64, Fault>> {
        Box::pin(async move {
            let mut dropped = 0;
            loop {
                let text = format!(
                    "delete from {service}_answers where key in (select key from {service}_answers where at < ?1 order by at limit {FORGET_CHUNK})"
                );
                let count = self.0.write(move |tx| Ok(tx.execute(&text, [before.micros()])?)).await?;
                dropped += count;
                if count < FORGET_CHUNK {
                    return Ok(dropped);
                }
            }
        })
    }
}

/// Makes the table of a collection, and the columns and indexes that a newer program declares.
fn make(connection: &Connection, service: &str, collection: &Collection) -> rusqlite::Result<()> {
    let table = format!("{service}_{}", collection.name);
    connection.execute_batch(&format!(
        "create table if not exists {table} (id integer primary key, version integer not null, body text not null)"
    ))?;
    let mut columns = connection.prepare(&format!("select name from pragma_table_info('{table}')"))?;
    let columns: Vec<String> = columns.query_map([], |row| row.get(0))?.collect::<rusqlite::Result<_>>()?;
    for field in collection.fields.iter().filter(|field| !columns.iter().any(|column| column == field.name)) {
        let kind = match field.kind {
            Kind::Int => "integer",
            Kind::Text => "text",
        };
        connection.execute_batch(&format!("alter table {table} add column {} {kind}", field.name))?;
    }
    for index in collection.indexes {
        let unique = if matches!(index, Index::Unique(_)) { "unique" } else { "" };
        let (name, fields) = (index.fields().join("_"), index.fields().join(", "));
        connection.execute_batch(&format!("create {unique} index if not exists {table}_by_{name} on {table} ({fields})"))?;
    }
    Ok(())
}

fn doc(row: &rusqlite::Row<'_>) -> rusqlite::Result<Doc> {
    Ok(Doc { id: row.get(0)?, version: row.get(1)?, body: row.get(2)? })
}

/// Writes a query as SQL. The texts are as many as the shapes of the queries in the code, so they stay prepared.
fn page(connection: &Connection, service: &str, collection: &Collection, query: &Query) -> rusqlite::Result<Page> {
    let mut conditions = Vec::new();
    let mut params: Vec<Value> = Vec::new();
    for (field, filter) in &query.filters {
        let place = params.len() + 1;
        let (condition, value) = match filter {
            Filter::Is(value) => (format!("{field} = ?{place}"), value.clone()),
            Filter::AtLeast(value) => (format!("{field} >= ?{place}"), value.clone()),
            Filter::AtMost(value) => (format!("{field} <= ?{place}"), value.clone()),
            Filter::Contains(part) => (format!("instr({field}, ?{place}) > 0"), Value::Text(part.clone())),
        };
        conditions.push(condition);
        params.push(value);
    }
    let (sort, order) = query.sort;
    let (direction, beyond) = match order {
        Order::Up => ("asc", ">"),
        Order::Down => ("desc", "<"),
    };
    if let Some(after) = &query.after {
        conditions.push(format!("({sort}, id) {beyond} (?{}, ?{})", params.len() + 1, params.len() + 2));
        params.extend([after.value.clone(), Value::Int(after.id)]);
    }
    let conditions = if conditions.is_empty() { "true".to_owned() } else { conditions.join(" and ") };
    params.push(Value::Int(i64::try_from(query.limit + 1).unwrap_or(i64::MAX)));
    let text = format!(
        "select id, version, body, {sort} from {service}_{} where {conditions} order by {sort} {direction}, id {direction} limit ?{}",
        collection.name,
        params.len()
    );
    let mut statement = connection.prepare_cached(&text)?;
    let mut rows = statement.query(params_from_iter(&params))?;
    let mut docs: Vec<Doc> = Vec::new();
    let mut next = None;
    while let Some(row) = rows.next()? {
        if docs.len() == query.limit {
            return Ok(Page { docs, next });
        }
        let value = match row.get_ref(3)? {
            ValueRef::Integer(number) => Value::Int(number),
            // A field that was declared after the document was written is empty, and sorts before everything.
            ValueRef::Null => Value::Int(i64::MIN),
            _ => Value::Text(row.get(3)?),
        };
        docs.push(doc(row)?);
        next = docs.last().map(|doc| After { value, id: doc.id });
    }
    Ok(Page { docs, next: None })
}

/// A commit on its way to the writer; it may run twice.
struct PutWrite {
    text: String,
    params: Vec<Value>,
    record: Option<(String, Record, Vec<u8>)>,
    events: Vec<Arc<Event>>,
    answer: oneshot::Sender<Result<Verdict, Fault>>,
}

impl PutWrite {
    fn new(put: Put, answer: oneshot::Sender<Result<Verdict, Fault>>) -> Result<PutWrite, Fault> {
        let event = |event: NewEvent| embedded::event(put.service, event);
        let events = put.events.into_iter().map(event).collect::<Result<Vec<_>, _>>()?;
        let table = format!("{}_{}", put.service, put.collection.name);
        let mut params = vec![Value::Int(put.id)];
        let fields = put.collection.fields.iter().map(|field| field.name);
        // What breaks a unique index changes no row, and so is refused like a stale version.
        let text = match put.content {
            None => {
                params.push(Value::Int(put.expected_version));
                format!("update {table} set version = version where id = ?1 and version = ?2")
            }
            Some(content) if put.expected_version == 0 => {
                params.extend([Value::Int(1), Value::Text(content.body)]);
                params.extend(content.fields);
                let columns: Vec<&str> = ["id", "version", "body"].into_iter().chain(fields).collect();
                let places: Vec<String> = (1..=params.len()).map(|place| format!("?{place}")).collect();
                format!("insert into {table} ({}) values ({}) on conflict do nothing", columns.join(", "), places.join(", "))
            }
            Some(content) => {
                params.extend([Value::Int(put.expected_version), Value::Text(content.body)]);
                params.extend(content.fields);
                let sets: String = fields.enumerate().map(|(place, field)| format!(", {field} = ?{}", place + 4)).collect();
                format!("update or ignore {table} set version = ?2 + 1, body = ?3{sets} where id = ?1 and version = ?2")
            }
        };
        let remember = format!(
            "insert into {}_answers (key, fingerprint, answer, at) values (?1, ?2, ?3, ?4) on conflict do nothing",
            put.service
        );
        let record = put.record.map(|(record, answer)| (remember, record, answer));
        Ok(PutWrite { text, params, record, events, answer })
    }
}

impl Write for PutWrite {
    fn run(&mut self, tx: &mut Tx<'_, '_>) -> Result<embedded::Verdict, WriteError> {
        if tx.execute(&self.text, params_from_iter(&self.params))? != 1 {
            return Ok(embedded::Verdict::Missed(0));
        }
        if let Some((text, record, answer)) = &self.record {
            let params = rusqlite::params![record.key, record.fingerprint, answer, record.at.micros()];
            if tx.execute(text, params)? != 1 {
                return Ok(embedded::Verdict::Missed(1));
            }
        }
        for event in &mut self.events {
            tx.append(event)?;
        }
        Ok(embedded::Verdict::Done)
    }

    fn ended(self: Box<Self>, ended: Ended) {
        let verdict = match ended {
            Ended::Done => Ok(Verdict::Done),
            Ended::Missed(_) => Ok(Verdict::Missed),
            Ended::Failed(fault) => Err(fault),
            Ended::Unknown => Ok(Verdict::Unknown),
        };
        // Whoever asked may have given up waiting.
        let _ = self.answer.send(verdict);
    }
}
