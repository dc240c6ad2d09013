//! The embedded adapter: SQLite, in the one file that all services share.

use std::sync::Arc;

use base::{BoxFuture, Event, Fault, NewEvent};
use embedded::rusqlite::types::{ToSqlOutput, ValueRef};
use embedded::rusqlite::{self, ToSql};
use embedded::{Database, Ended, Tx, Write, WriteError};
use tokio::sync::oneshot;

use crate::migration::{checksum, pending};
use crate::packed::Packed;
use crate::{Batch, Engine, Expect, Migration, Row, Value, Verdict};

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
            Value::Null => ValueRef::Null,
            Value::Int(value) => ValueRef::Integer(*value),
            Value::Real(value) => ValueRef::Real(*value),
            Value::Text(value) => ValueRef::Text(value.as_bytes()),
            Value::Bytes(value) => ValueRef::Blob(value),
            Value::Bool(value) => ValueRef::Integer(i64::from(*value)),
        }))
    }
}

fn value(column: ValueRef<'_>) -> rusqlite::Result<Value> {
    Ok(match column {
        ValueRef::Null => Value::Null,
        ValueRef::Integer(value) => Value::Int(value),
        ValueRef::Real(value) => Value::Real(value),
        ValueRef::Text(_) => Value::Text(column.as_str()?.to_owned()),
        ValueRef::Blob(value) => Value::Bytes(value.to_vec()),
    })
}

/// Reads rows, one more than the limit at most, so that the caller sees when there are too many.
fn rows(connection: &rusqlite::Connection, text: &str, params: &[Value], rows_max: usize) -> rusqlite::Result<Vec<Row>> {
    let mut statement = connection.prepare_cached(text)?;
    let columns = statement.column_count();
    let mut answer = statement.query(rusqlite::params_from_iter(params))?;
    let mut rows = Vec::new();
    while let Some(row) = answer.next()? {
        let mut values = Vec::with_capacity(columns);
        for column in 0..columns {
            values.push(value(row.get_ref(column)?)?);
        }
        rows.push(Row(values));
        if rows.len() > rows_max {
            break;
        }
    }
    Ok(rows)
}

pub(crate) fn bounded(rows: Vec<Row>, rows_max: usize) -> Result<Vec<Row>, Fault> {
    if rows.len() > rows_max {
        return Err(Fault::internal("too_many_rows", format!("More than {rows_max} rows were asked for at once.")));
    }
    Ok(rows)
}

/// A batch on its way to the writer; it may run twice.
struct BatchWrite {
    steps: Packed,
    events: Vec<Arc<Event>>,
    rows: Vec<u64>,
    seqs: Vec<i64>,
    answer: oneshot::Sender<Result<Verdict, Fault>>,
}

impl Write for BatchWrite {
    fn run(&mut self, tx: &mut Tx<'_, '_>) -> Result<embedded::Verdict, WriteError> {
        self.rows.clear();
        self.seqs.clear();
        for (place, (text, expect, params)) in self.steps.steps().enumerate() {
            let changed = tx.run(text, rusqlite::params_from_iter(params))?;
            if let Expect::Rows(wanted) = expect
                && changed != wanted
            {
                return Ok(embedded::Verdict::Missed(place));
            }
            self.rows.push(changed);
        }
        for event in &mut self.events {
            self.seqs.push(tx.append(event)?);
        }
        Ok(embedded::Verdict::Done)
    }

    fn ended(self: Box<Self>, ended: Ended) {
        let verdict = match ended {
            Ended::Done => Ok(Verdict::Done { seqs: self.seqs, rows: self.rows }),
            Ended::Missed(step) => Ok(Verdict::Missed { step }),
            Ended::Failed(fault) => Err(fault),
            Ended::Unknown => Ok(Verdict::Unknown),
        };
        // Whoever asked may have given up waiting.
        let _ = self.answer.send(verdict);
    }
}

impl Engine for Embedded {
    fn name(&self) -> &'static str {
        "sqlite"
    }

    fn is_exclusive(&self) -> bool {
        true
    }

    fn migrate<'a>(
        &'a self,
        service: &'static str,
        system: &'a str,
        migrations: &'a [Migration],
    ) -> BoxFuture<'a, Result<(), Fault>> {
        Box::pin(async move {
            // Once for each text: otherwise every start would have SQLite read all of it, to make nothing.
            let (system, place) = (for_sqlite(system), format!("system_{service}"));
            let sum = checksum(&system).to_string();
            if self.0.meta(&place)?.as_ref() != Some(&sum) {
                let made = self.0.write(move |tx| {
                    tx.connection().execute_batch(&system)?;
                    Ok(tx.set_meta(&place, &sum)?)
                });
                made.await?;
            }
            let known = self.0.read(|connection| {
                let text = format!("select version, checksum from {service}_migrations order by version");
                connection
                    .prepare(&text)?
                    .query_map([], |row| Ok((row.get(0)?, row.get(1)?)))?
                    .collect::<rusqlite::Result<Vec<(i64, i64)>>>()
            })?;
            for migration in pending(service, migrations, &known)? {
                let text = for_sqlite(migration.text);
                let record = format!("insert into {service}_migrations (version, name, checksum) values (?1, ?2, ?3)");
                let (version, name, sum) = (migration.version, migration.name, checksum(migration.text));
                let migrated = self.0.write(move |tx| {
                    tx.connection().execute_batch(&text)?;
                    tx.connection().execute(&record, rusqlite::params![version, name, sum])?;
                    Ok(())
                });
                migrated.await.map_err(|fault| {
                    let cause = fault.cause.clone().unwrap_or_default();
                    Fault::internal("migration_failed", format!("Migration {version} of {service} failed."))
                        .because(format!("{fault} {cause}"))
                })?;
            }
            Ok(())
        })
    }

    fn read(&self, text: &'static str, params: Vec<Value>, rows_max: usize) -> BoxFuture<'_, Result<Vec<Row>, Fault>> {
        let text = embedded::text(text);
        // Read at once, in the caller: a point read takes microseconds, less than handing it to another thread.
        let answer = self.0.read(|connection| rows(connection, &text, &params, rows_max));
        Box::pin(std::future::ready(answer.and_then(|rows| bounded(rows, rows_max))))
    }

    fn scan(&self, text: &'static str, params: Vec<Value>, rows_max: usize) -> BoxFuture<'_, Result<Vec<Row>, Fault>> {
        Box::pin(async move {
            let text = embedded::text(text);
            let rows = self.0.scan(move |connection| rows(connection, &text, &params, rows_max)).await?;
            bounded(rows, rows_max)
        })
    }

    fn commit(&self, batch: Batch) -> BoxFuture<'_, Result<Verdict, Fault>> {
        Box::pin(async move {
            let event = |event: NewEvent| embedded::event(batch.service, event);
            let events = batch.events.into_iter().map(event).collect::<Result<Vec<_>, _>>()?;
            // What the writer needs is packed here and made room for here: it has no time for it.
            let (rows, seqs) = (Vec::with_capacity(batch.steps.len()), Vec::with_capacity(events.len()));
            let steps = Packed::of(batch.steps, embedded::text);
            let (answer, answered) = oneshot::channel();
            self.0.submit(Box::new(BatchWrite { steps, events, rows, seqs, answer })).await;
            answered.await.unwrap_or(Ok(Verdict::Unknown))
        })
    }
}

/// `bigint primary key` becomes SQLite's row id, so that the table is ordered by it and needs no second tree.
fn for_sqlite(text: &str) -> String {
    text.replace("bigint primary key", "integer primary key")
}
