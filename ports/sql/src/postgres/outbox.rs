//! The outbox: what was said and has not reached the log yet.

use base::{Event, Fault, Timestamp};
use serde_json::value::RawValue;

use super::{Postgres, fault};
use crate::tables::intern;

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
        source: service.to_owned(),
        topic: row.get(1),
        kind: row.get(2),
        key: row.get(3),
        at: Timestamp(row.get(4)),
        correlation: row.get(5),
        data,
    })
}

/// The relay's side. It claims rows and never follows `id > last`, because ids become visible out of commit order.
impl Postgres {
    /// Claims at most `limit` events of a service that nobody else holds at `now`, the oldest first, until `until`.
    ///
    /// One relay per service keeps the order of a key; a second one only takes over when the claims of the first end.
    pub async fn claim_unsent(&self, service: &str, limit: usize, now: Timestamp, until: Timestamp) -> Result<Vec<Event>, Fault> {
        let text = intern(format!(
            "update {service}_outbox set claimed_until = $3 where id in (select id from {service}_outbox where claimed_until <= $1
                order by id limit $2 for update skip locked) returning id, topic, kind, key, at, correlation, data"
        ));
        let limit = i64::try_from(limit).unwrap_or(i64::MAX);
        let mut connection = self.pool.take().await?;
        let statement = connection.statement(text).await.map_err(|error| fault(&error))?;
        let rows = connection
            .client
            .query(&statement, &[&now.micros(), &limit, &until.micros()])
            .await
            .map_err(|error| fault(&error))?;
        let mut events = rows.iter().map(|row| event(service, row)).collect::<Result<Vec<_>, _>>()?;
        events.sort_by_key(|event| event.seq);
        Ok(events)
    }

    /// Takes events out of the outbox, once the log has acknowledged them.
    pub async fn mark_sent(&self, service: &str, seqs: &[i64]) -> Result<(), Fault> {
        let text = intern(format!("delete from {service}_outbox where id = any($1)"));
        let mut connection = self.pool.take().await?;
        let statement = connection.statement(text).await.map_err(|error| fault(&error))?;
        connection.client.execute(&statement, &[&seqs]).await.map_err(|error| fault(&error))?;
        Ok(())
    }

    /// Gives what is in the outbox of a service, claimed or not, the oldest first.
    pub async fn unsent(&self, service: &str, limit: usize) -> Result<Vec<Event>, Fault> {
        let text =
            intern(format!("select id, topic, kind, key, at, correlation, data from {service}_outbox order by id limit $1"));
        let limit = i64::try_from(limit).unwrap_or(i64::MAX);
        let mut connection = self.pool.take().await?;
        let statement = connection.statement(text).await.map_err(|error| fault(&error))?;
        let rows = connection.client.query(&statement, &[&limit]).await.map_err(|error| fault(&error))?;
        rows.iter().map(|row| event(service, row)).collect()
    }
}
