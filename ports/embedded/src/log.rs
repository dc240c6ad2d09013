//! The event log: written by the writer in the same commit as the state, read from memory or from the table.

use std::collections::BTreeMap;
use std::sync::{Arc, RwLock};

use base::event::Known;
use base::{Event, Fault, NewEvent, Timestamp};
use rusqlite::{Connection, Row, ToSql, params};
use serde_json::value::RawValue;

use crate::held::Held;
use crate::meta;

/// The key under which the highest place ever given away is kept when old rows are dropped.
const HIGH: &str = "log_high";

/// Makes an event of a service, not yet placed in the log. Done before the queue: the writer has no time for it.
pub fn event(source: &'static str, new: NewEvent) -> Result<Arc<Event>, Fault> {
    let data = RawValue::from_string(new.data).map_err(|error| {
        Fault::internal("event_unwritable", format!("The data of a {} is not JSON.", new.kind)).because(error)
    })?;
    Ok(Arc::new(Event {
        seq: 0,
        source: source.into(),
        topic: new.topic.into(),
        kind: new.kind.into(),
        key: new.key,
        at: new.at,
        correlation: new.correlation,
        data,
        known: Known::default(),
    }))
}

/// Source, topic and kind of an event: the same few over and over, so a row holds their number only.
#[derive(Debug, Clone)]
struct Kind {
    source: String,
    topic: String,
    kind: String,
}

fn load_kinds(connection: &Connection) -> rusqlite::Result<BTreeMap<i64, Kind>> {
    let mut statement = connection.prepare_cached("select id, source, topic, kind from log_kinds")?;
    let kinds =
        statement.query_map([], |row| Ok((row.get(0)?, Kind { source: row.get(1)?, topic: row.get(2)?, kind: row.get(3)? })))?;
    kinds.collect()
}

/// The writer's side.
pub(crate) struct Appender {
    /// The highest place given away. Places of rolled back commits are given again: nobody has seen them.
    pub(crate) high: i64,
    /// The highest place that is certainly there: whoever was told of one beyond it would pass over the event that gets it next.
    pub(crate) certain: i64,
    /// Of each source: the numbers of its kinds.
    numbers: BTreeMap<String, Vec<(Kind, i64)>>,
}

impl Appender {
    pub(crate) fn new(connection: &Connection) -> rusqlite::Result<Appender> {
        let mut appender = Appender { high: 0, certain: 0, numbers: BTreeMap::new() };
        appender.reload(connection)?;
        appender.keep();
        Ok(appender)
    }

    /// Notes that all places that were given away are there, and that no commit is open.
    pub(crate) fn keep(&mut self) {
        self.certain = self.high;
    }

    /// Reads everything again, after a commit that did not happen or may not have.
    pub(crate) fn reload(&mut self, connection: &Connection) -> rusqlite::Result<()> {
        let last: Option<i64> = connection.prepare_cached("select max(seq) from log")?.query_row([], |row| row.get(0))?;
        let kept = meta::get(connection, HIGH)?.and_then(|text| text.parse::<i64>().ok());
        self.high = last.unwrap_or(0).max(kept.unwrap_or(0));
        self.numbers.clear();
        for (number, kind) in load_kinds(connection)? {
            self.numbers.entry(kind.source.clone()).or_default().push((kind, number));
        }
        Ok(())
    }

    pub(crate) fn append<'c>(
        &mut self,
        connection: &'c Connection,
        held: &mut Held<'c>,
        event: &mut Arc<Event>,
    ) -> rusqlite::Result<i64> {
        let number = self.number(connection, event)?;
        let seq = self.high + 1;
        held.append(connection)?.execute(params![
            seq,
            number,
            event.key,
            event.at.micros(),
            event.correlation,
            event.data.get()
        ])?;
        self.high = seq;
        Arc::make_mut(event).seq = seq;
        Ok(seq)
    }

    fn number(&mut self, connection: &Connection, event: &Event) -> rusqlite::Result<i64> {
        let of_source = self.numbers.get(&*event.source);
        let known =
            of_source.and_then(|kinds| kinds.iter().find(|(kind, _)| kind.kind == event.kind && kind.topic == event.topic));
        if let Some((_, number)) = known {
            return Ok(*number);
        }
        connection.prepare_cached("insert into log_kinds (source, topic, kind) values (?1, ?2, ?3)")?.execute(params![
            event.source,
            event.topic,
            event.kind
        ])?;
        let number = connection.last_insert_rowid();
        let kind = Kind { source: event.source.to_string(), topic: event.topic.to_string(), kind: event.kind.to_string() };
        self.numbers.entry(kind.source.clone()).or_default().push((kind, number));
        Ok(number)
    }
}

/// The readers' side.
#[derive(Default)]
pub(crate) struct Reading {
    kinds: RwLock<BTreeMap<i64, Kind>>,
}

impl Reading {
    pub(crate) fn after(
        &self,
        connection: &Connection,
        sources: &[&str],
        seq: i64,
        limit: i64,
    ) -> rusqlite::Result<Vec<Arc<Event>>> {
        let mut text = String::from("select seq, kind_id, key, at, correlation, data from log where seq > ?1");
        let mut values: Vec<&dyn ToSql> = vec![&seq, &limit];
        if !sources.is_empty() {
            // The kinds are looked up in the same snapshot: an event of a brand-new kind must not be passed over.
            let marks: Vec<String> = (3..3 + sources.len()).map(|number| format!("?{number}")).collect();
            text.push_str(&format!(" and +kind_id in (select id from log_kinds where source in ({}))", marks.join(", ")));
            values.extend(sources.iter().map(|source| source as &dyn ToSql));
        }
        text.push_str(" order by seq limit ?2");
        self.events(connection, &text, values.as_slice())
    }

    pub(crate) fn of_key(&self, connection: &Connection, key: i64, after: i64, limit: i64) -> rusqlite::Result<Vec<Arc<Event>>> {
        let text = "select seq, kind_id, key, at, correlation, data from log where key = ?1 and seq > ?2 order by seq limit ?3";
        self.events(connection, text, &[&key, &after, &limit])
    }

    fn events(&self, connection: &Connection, text: &str, values: &[&dyn ToSql]) -> rusqlite::Result<Vec<Arc<Event>>> {
        let mut statement = connection.prepare_cached(text)?;
        let mut rows = statement.query(values)?;
        let mut events = Vec::new();
        while let Some(row) = rows.next()? {
            events.push(Arc::new(self.event(connection, row)?));
        }
        Ok(events)
    }

    fn event(&self, connection: &Connection, row: &Row<'_>) -> rusqlite::Result<Event> {
        let Kind { source, topic, kind } = self.kind(connection, row.get(1)?)?;
        let data = RawValue::from_string(row.get(5)?)
            .map_err(|error| rusqlite::Error::FromSqlConversionFailure(5, rusqlite::types::Type::Text, Box::new(error)))?;
        let at = Timestamp::from_micros(row.get(3)?);
        let (source, topic, kind) = (source.into(), topic.into(), kind.into());
        let (seq, key, correlation) = (row.get(0)?, row.get(2)?, row.get(4)?);
        Ok(Event { seq, source, topic, kind, key, at, correlation, data, known: Known::default() })
    }

    fn kind(&self, connection: &Connection, number: i64) -> rusqlite::Result<Kind> {
        if let Some(kind) = self.kinds.read().expect("nothing panics while the kinds are held").get(&number) {
            return Ok(kind.clone());
        }
        let loaded = load_kinds(connection)?;
        let kind = loaded.get(&number).cloned().ok_or(rusqlite::Error::QueryReturnedNoRows)?;
        *self.kinds.write().expect("nothing panics while the kinds are held") = loaded;
        Ok(kind)
    }
}

/// Drops at most `limit` old rows and notes how far the log had come, so that no place is ever given twice.
pub(crate) fn trim(connection: &Connection, older_than: Timestamp, upto: i64, limit: i64, high: i64) -> rusqlite::Result<usize> {
    meta::set(connection, HIGH, &high.to_string())?;
    // Only the oldest rows are looked at: there is no index on the time, and the writer must not read the whole log for it.
    let text = "delete from log where seq in (select seq from (select seq, at from log where seq <= ?1 order by seq limit ?3) where at < ?2)";
    connection.prepare_cached(text)?.execute(params![upto, older_than.micros(), limit])
}
