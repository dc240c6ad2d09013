//! The adapter for PostgreSQL: one pipelined transaction per commit, events in an outbox for the relay.

mod outbox;
mod pool;
mod values;

use std::collections::BTreeMap;
use std::future::poll_fn;
use std::pin::{Pin, pin};
use std::sync::Arc;
use std::task::Poll;

use base::{BoxFuture, Fault, World};
use futures_util::{TryStreamExt, future};
use tokio::sync::watch;
use tokio_postgres::error::SqlState;
use tokio_postgres::types::ToSql;

use crate::embedded::bounded;
use crate::migration::{checksum, pending, replace_word};
use crate::tables::intern;
use crate::{Batch, Engine, Expect, Migration, Row, Value, Verdict};
use pool::{Connection, Pool};

/// How often a commit that lost to another one is tried again; nothing of it had happened.
const TRIES_MAX: u32 = 8;

/// PostgreSQL beneath the port.
#[derive(Clone)]
pub struct Postgres {
    pool: Arc<Pool>,
    world: World,
    /// Counts the commits of this process that said something.
    said: Arc<watch::Sender<u64>>,
}

impl Postgres {
    /// Connects to a server, given its URL or `key=value` settings; all tables live in `schema`, if one is named.
    pub async fn open(url: &str, schema: Option<&str>, world: World) -> Result<Postgres, Fault> {
        let pool = Pool::open(url, schema, world.clone()).await?;
        Ok(Postgres { pool: Arc::new(pool), world, said: Arc::default() })
    }

    /// Ends it: whoever asks from now on is refused with `store_closed`.
    pub fn close(&self) {
        self.pool.close();
    }

    async fn rows(&self, text: &'static str, params: Vec<Value>, rows_max: usize) -> Result<Vec<Row>, Fault> {
        let mut connection = self.pool.take().await?;
        let statement = connection.statement(text).await.map_err(|error| fault(&error))?;
        let answer = connection.client.query_raw(&statement, params).await.map_err(|error| fault(&error))?;
        let mut answer = pin!(answer);
        let mut rows = Vec::new();
        while let Some(row) = answer.try_next().await.map_err(|error| fault(&error))? {
            rows.push(values::row(&row)?);
            if rows.len() > rows_max {
                break;
            }
        }
        bounded(rows, rows_max)
    }

    async fn try_commit(&self, batch: &Batch) -> Result<Verdict, Failed> {
        let mut connection = self.pool.take().await.map_err(Failed::Fault)?;
        let put_event = outbox::put(batch.service);
        let mut statements = Vec::with_capacity(batch.steps.len());
        for step in &batch.steps {
            statements.push(connection.statement(step.text).await?);
        }
        let event_statement = if batch.events.is_empty() { None } else { Some(connection.statement(put_event).await?) };

        // Everything is sent before the first answer is awaited: one round trip, however many statements.
        connection.set_whole(false);
        let client = &connection.client;
        let steps = batch.steps.iter().zip(&statements).map(|(step, statement)| {
            let params: Vec<&(dyn ToSql + Sync)> = step.params.iter().map(|value| value as _).collect();
            async move { client.execute(statement, &params).await }
        });
        let events = batch.events.iter().zip(event_statement.iter().cycle()).map(|(event, statement)| async move {
            let at = event.at.micros();
            let params: [&(dyn ToSql + Sync); 6] = [&event.topic, &event.kind, &event.key, &at, &event.correlation, &event.data];
            client.query_one(statement, &params).await?.try_get::<_, i64>(0)
        });
        let begin = client.batch_execute(begin(batch));
        let (begun, stepped, said) = future::join3(begin, in_order(steps.collect()), in_order(events.collect())).await;
        begun?;

        let verdict = judge(batch, stepped, said);
        if !matches!(verdict, Ok(Verdict::Done { .. })) {
            connection.set_whole(client.batch_execute("rollback").await.is_ok());
            return verdict;
        }
        match client.batch_execute("commit").await {
            Ok(()) => {
                connection.set_whole(true);
                if !batch.events.is_empty() {
                    self.said.send_modify(|count| *count += 1);
                }
                verdict
            }
            Err(error) if error.as_db_error().is_some() => Err(error.into()),
            Err(error) => {
                tracing::warn!(%error, "the server was lost during a commit");
                Ok(Verdict::Unknown)
            }
        }
    }
}

/// Gives the text that begins a commit. Its lock is shared by all commits of the service but the one that wants to be alone;
/// a lock in a statement of its own, so that the next begins with what it waited for in sight.
fn begin(batch: &Batch) -> &'static str {
    let number = checksum(&format!("{} commits", batch.service));
    let shared = if batch.alone { "" } else { "_shared" };
    intern(format!("begin; select pg_advisory_xact_lock{shared}({number})"))
}

/// Finds the first step that went wrong; the others failed because of it.
fn judge(
    batch: &Batch,
    stepped: Vec<Result<u64, tokio_postgres::Error>>,
    said: Vec<Result<i64, tokio_postgres::Error>>,
) -> Result<Verdict, Failed> {
    let mut rows = Vec::with_capacity(stepped.len());
    for (step, changed) in stepped.into_iter().enumerate() {
        let changed = changed?;
        if let Expect::Rows(wanted) = batch.steps[step].expect
            && changed != wanted
        {
            return Ok(Verdict::Missed { step });
        }
        rows.push(changed);
    }
    let seqs = said.into_iter().collect::<Result<Vec<_>, _>>()?;
    Ok(Verdict::Done { seqs, rows })
}

/// Why a commit did not happen.
enum Failed {
    Postgres(tokio_postgres::Error),
    Fault(Fault),
}

impl From<tokio_postgres::Error> for Failed {
    fn from(error: tokio_postgres::Error) -> Failed {
        Failed::Postgres(error)
    }
}

impl Failed {
    /// Tells whether it lost to another commit and may be tried again.
    fn lost_a_race(&self) -> bool {
        let Failed::Postgres(error) = self else { return false };
        error.code().is_some_and(|code| *code == SqlState::T_R_DEADLOCK_DETECTED || *code == SqlState::T_R_SERIALIZATION_FAILURE)
    }

    fn fault(&self) -> Fault {
        match self {
            Failed::Postgres(error) => fault(error),
            Failed::Fault(fault) => fault.clone(),
        }
    }
}

/// Polls futures strictly in their order, so that what they send is sent in that order.
async fn in_order<F: Future>(futures: Vec<F>) -> Vec<F::Output> {
    let mut waiting: Vec<Pin<Box<F>>> = futures.into_iter().map(Box::pin).collect();
    let mut outputs: BTreeMap<usize, F::Output> = BTreeMap::new();
    poll_fn(|context| {
        for (place, future) in waiting.iter_mut().enumerate() {
            if !outputs.contains_key(&place)
                && let Poll::Ready(output) = future.as_mut().poll(context)
            {
                outputs.insert(place, output);
            }
        }
        if outputs.len() == waiting.len() { Poll::Ready(()) } else { Poll::Pending }
    })
    .await;
    outputs.into_values().collect()
}

/// Gives the fault that an error of PostgreSQL stands for.
fn fault(error: &tokio_postgres::Error) -> Fault {
    let cause =
        error.as_db_error().map_or_else(|| format!("{error:?}"), |error| format!("{}: {}", error.code().code(), error.message()));
    let fault = match error.code() {
        None => Fault::unavailable("store_unreachable", "The database does not answer."),
        Some(code) if code.code().starts_with("23") => Fault::conflict("store_constraint", "A rule of the tables forbids it."),
        Some(code) if code.code().starts_with("40") => Fault::unavailable("store_busy", "Too many want the same at once."),
        Some(code) if *code == SqlState::DISK_FULL => Fault::unavailable("disk_full", "The disk is full; nothing was written."),
        Some(code) if code.code().starts_with("53") || code.code().starts_with("57") => {
            Fault::unavailable("store_unreachable", "The database does not take requests now.")
        }
        Some(_) => Fault::internal("store_failed", "The store failed."),
    };
    fault.because(cause)
}

fn for_postgres(text: &str) -> String {
    replace_word(text, "bytes", "bytea")
}

async fn ran(connection: &Connection, service: &str) -> Result<Vec<(i64, i64)>, Fault> {
    let text = format!("select version, checksum from {service}_migrations order by version");
    let rows = connection.client.query(&text, &[]).await.map_err(|error| fault(&error))?;
    Ok(rows.iter().map(|row| (row.get(0), row.get(1))).collect())
}

impl Engine for Postgres {
    fn name(&self) -> &'static str {
        "postgres"
    }

    fn migrate<'a>(
        &'a self,
        service: &'static str,
        system: &'a str,
        migrations: &'a [Migration],
    ) -> BoxFuture<'a, Result<(), Fault>> {
        Box::pin(async move {
            let connection = self.pool.take().await?;
            connection.set_whole(false);
            // Several processes of one service may start at once; the lock goes with the transaction.
            let lock = format!("begin; select pg_advisory_xact_lock({});", checksum(service));
            let made = format!("{lock} {} {} commit;", for_postgres(system), outbox::table(service));
            connection.client.batch_execute(&made).await.map_err(|error| fault(&error))?;
            for migration in pending(service, migrations, &ran(&connection, service).await?)? {
                let Migration { version, name, text } = migration;
                let failed = |error: &tokio_postgres::Error| {
                    let cause = fault(error).cause.unwrap_or_default();
                    Fault::internal("migration_failed", format!("Migration {version} of {service} failed.")).because(cause)
                };
                let done = async {
                    connection.client.batch_execute(&lock).await?;
                    let known = format!("select version from {service}_migrations where version = $1");
                    if connection.client.query_opt(&known, &[version]).await?.is_some() {
                        return connection.client.batch_execute("commit").await;
                    }
                    connection.client.batch_execute(&for_postgres(text)).await?;
                    let record = format!("insert into {service}_migrations (version, name, checksum) values ($1, $2, $3)");
                    connection.client.execute(&record, &[version, name, &checksum(text)]).await?;
                    connection.client.batch_execute("commit").await
                };
                done.await.map_err(|error| failed(&error))?;
            }
            connection.set_whole(true);
            Ok(())
        })
    }

    fn read(&self, text: &'static str, params: Vec<Value>, rows_max: usize) -> BoxFuture<'_, Result<Vec<Row>, Fault>> {
        Box::pin(self.rows(text, params, rows_max))
    }

    fn scan(&self, text: &'static str, params: Vec<Value>, rows_max: usize) -> BoxFuture<'_, Result<Vec<Row>, Fault>> {
        Box::pin(self.rows(text, params, rows_max))
    }

    fn commit(&self, batch: Batch) -> BoxFuture<'_, Result<Verdict, Fault>> {
        Box::pin(async move {
            for attempt in 1.. {
                match self.try_commit(&batch).await {
                    Ok(verdict) => return Ok(verdict),
                    Err(failed) if failed.lost_a_race() && attempt < TRIES_MAX => {
                        let wait = self.world.backoff(
                            attempt,
                            std::time::Duration::from_millis(2),
                            std::time::Duration::from_millis(100),
                        );
                        self.world.sleep(wait).await;
                    }
                    Err(failed) => return Err(failed.fault()),
                }
            }
            Ok(Verdict::Unknown)
        })
    }
}
