//! The outbox: what was said and has not reached the log yet.

use base::event::Known;
use base::{BoxFuture, Event, Fault, Timestamp};
use serde_json::value::RawValue;
use tokio::sync::watch;

use super::{Postgres, fault};
use crate::migration::checksum;
use crate::tables::intern;
use crate::{CLOCKS_APART, Outbox};

pub(super) fn table(p: &str) -> String {
    format!(
        "create table if not exists {p}_outbox (id bigint generated always as identity primary key, topic text not null,
            kind text not null, key bigint not null, at bigint not null, correlation text not null, data text not null,
            claimed_until bigint not null default 0);"
    )
}

pub(super) fn put(p: &str) -> &'static str {
    intern(format!(
        "insert into {p}_outbox (topic, kind, key, at, correlation, data) values ($1, $2, $3, $4, $5, $6) returning id"
    ))
}

fn event(service: &str, row: &tokio_postgres::Row) -> Result<Event, Fault> {
    let data = RawValue::from_string(row.get(6))
        .map_err(|error| Fault::internal("event_unreadable", "An event in the outbox is not JSON.").because(error))?;
    Ok(Event {
        seq: row.get(0),
        source: service.to_owned().into(),
        topic: row.get::<_, String>(1).into(),
        kind: row.get::<_, String>(2).into(),
        key: row.get(3),
        at: Timestamp(row.get(4)),
        correlation: row.get(5),
        data,
        known: Known::default(),
    })
}

impl Outbox for Postgres {
    fn claim<'a>(
        &'a self,
        service: &'a str,
        limit: usize,
        now: Timestamp,
        until: Timestamp,
    ) -> BoxFuture<'a, Result<Vec<Event>, Fault>> {
        Box::pin(async move {
            let text = intern(format!(
                "update {service}_outbox set claimed_until = $3 where id in (select id from {service}_outbox
                    where (claimed_until <= $1 or claimed_until > $4)
                    and key not in (select key from {service}_outbox where claimed_until > $1 and claimed_until <= $4)
                    order by id limit $2) returning id, topic, kind, key, at, correlation, data"
            ));
            let limit = i64::try_from(limit).unwrap_or(i64::MAX);
            let latest = until + CLOCKS_APART;
            let mut connection = self.pool.take().await?;
            let statement = connection.statement(text).await.map_err(|error| fault(&error))?;
            let client = &connection.client;
            connection.set_whole(false);
            // One claims at a time, in a statement of its own: the next must begin with what this one has claimed in sight.
            let lock = format!("begin; select pg_advisory_xact_lock({})", checksum(&format!("{service} outbox")));
            let claimed = async {
                client.batch_execute(&lock).await?;
                let rows = client.query(&statement, &[&now.micros(), &limit, &until.micros(), &latest.micros()]).await?;
                client.batch_execute("commit").await?;
                Ok(rows)
            };
            let rows = claimed.await.map_err(|error: tokio_postgres::Error| fault(&error))?;
            connection.set_whole(true);
            let mut events = rows.iter().map(|row| event(service, row)).collect::<Result<Vec<_>, _>>()?;
            events.sort_by_key(|event| event.seq);
            Ok(events)
        })
    }

    fn mark_sent<'a>(&'a self, service: &'a str, seqs: &'a [i64]) -> BoxFuture<'a, Result<(), Fault>> {
        Box::pin(async move {
            let text = intern(format!("delete from {service}_outbox where id = any($1)"));
            let mut connection = self.pool.take().await?;
            let statement = connection.statement(text).await.map_err(|error| fault(&error))?;
            connection.client.execute(&statement, &[&seqs]).await.map_err(|error| fault(&error))?;
            Ok(())
        })
    }

    fn unsent<'a>(&'a self, service: &'a str, limit: usize) -> BoxFuture<'a, Result<Vec<Event>, Fault>> {
        Box::pin(async move {
            let text =
                intern(format!("select id, topic, kind, key, at, correlation, data from {service}_outbox order by id limit $1"));
            let limit = i64::try_from(limit).unwrap_or(i64::MAX);
            let mut connection = self.pool.take().await?;
            let statement = connection.statement(text).await.map_err(|error| fault(&error))?;
            let rows = connection.client.query(&statement, &[&limit]).await.map_err(|error| fault(&error))?;
            rows.iter().map(|row| event(service, row)).collect()
        })
    }

    fn news(&self) -> watch::Receiver<u64> {
        self.said.subscribe()
    }
}
