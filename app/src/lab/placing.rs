//! What placing an order writes: taken from orders that a platform has just placed, table by table.
#![allow(clippy::disallowed_methods)] // A measurement on real files.

use std::collections::BTreeMap;
use std::path::Path;

use base::{Fault, ShopClock};
use embedded::rusqlite::types::Value;
use embedded::rusqlite::{Connection, OpenFlags};
use serde_json::json;

use super::child::{Platform, Scratch};
use crate::replay::{self, file};

/// How many orders are looked at: as many as share one commit.
pub const ORDERS: usize = 64;

/// How a column goes on from one copy of the sample to the next.
#[derive(Debug, Clone, Copy, PartialEq)]
pub enum Role {
    /// The same in every copy.
    Same,
    /// Grows from copy to copy by so much, as times do, and ids, which are ordered by time.
    Grows(i64),
    /// Random, as the keys of requests are.
    Random,
}

/// The rows of one table.
pub struct Rows {
    /// `insert into … values …`
    pub insert: String,
    /// How its columns go on.
    pub roles: Vec<Role>,
    /// The rows of each order.
    pub of_order: Vec<Vec<Vec<Value>>>,
}

/// What placing some orders writes.
pub struct Sample {
    /// The tables and their indexes, as the platform makes them.
    pub schema: String,
    /// The rows, by table.
    pub tables: Vec<Rows>,
}

impl Sample {
    /// Tells how many rows an order has, on average.
    pub fn rows_per_order(&self) -> f64 {
        let rows: usize = self.tables.iter().flat_map(|rows| &rows.of_order).map(Vec::len).sum();
        rows as f64 / ORDERS as f64
    }

    /// Tells how many bytes an order's values have, on average.
    pub fn bytes_per_order(&self) -> f64 {
        let size = |value: &Value| match value {
            Value::Text(text) => text.len(),
            Value::Blob(bytes) => bytes.len(),
            Value::Integer(_) | Value::Real(_) => 8,
            Value::Null => 0,
        };
        let bytes: usize = self.tables.iter().flat_map(|rows| &rows.of_order).flatten().flatten().map(size).sum();
        bytes as f64 / ORDERS as f64
    }
}

fn failed(error: impl std::fmt::Display) -> Fault {
    Fault::internal("lab_failed", "What placing an order writes could not be read.").because(error)
}

/// Places real orders on a platform of its own, whose stock is paused so that nothing follows, and reads what they wrote.
pub async fn sample(orders: &Path) -> Result<Sample, Fault> {
    let scratch = Scratch::new()?;
    let data = scratch.path().join("data");
    let platform = Platform::start(&data, &["rate_limit_per_second=1000000".to_owned()]).await?;
    let reason = json!({ "reason": "lab" });
    platform.client.post("/v1/services/inventory/pause", "lab-pause", &reason).await?.good()?;
    let clock = ShopClock::new("America/New_York", 0)?;
    for (index, order) in file::read(orders, &clock, ORDERS)?.iter().enumerate() {
        let shot = replay::shot(order, &format!("sample-{index}"), false);
        platform.client.post_text("/v1/orders", &shot.reference, &shot.body).await?.good()?;
    }
    platform.stop()?;
    read(&data.join("comanda.db"))
}

/// The tables that placing writes, and by which column a row belongs to its order.
const TABLES: [(&str, &str); 9] = [
    ("orders_orders", "id"),
    ("orders_events", "order_id"),
    ("orders_items", "order_id"),
    ("orders_contacts", "order_id"),
    ("orders_mine", "order_id"),
    ("orders_board", "order_id"),
    ("orders_jobs", "key"),
    ("log", "key"),
    ("orders_answers", ""),
];

fn read(path: &Path) -> Result<Sample, Fault> {
    let connection = Connection::open_with_flags(path, OpenFlags::SQLITE_OPEN_READ_WRITE).map_err(failed)?;
    let ids = column(&connection, "select id from orders_orders order by id")?;
    let mut schema = String::new();
    let mut tables = Vec::new();
    for (table, belongs) in TABLES {
        let mut made = connection
            .prepare("select sql from sqlite_master where tbl_name = ?1 and sql is not null order by type desc")
            .map_err(failed)?;
        let texts = made.query_map([table], |row| row.get::<_, String>(0)).map_err(failed)?;
        for text in texts {
            schema.push_str(&text.map_err(failed)?);
            schema.push_str(";\n");
        }
        tables.push(rows(&connection, table, belongs, &ids)?);
    }
    Ok(Sample { schema, tables })
}

fn column(connection: &Connection, text: &str) -> Result<Vec<i64>, Fault> {
    let mut statement = connection.prepare(text).map_err(failed)?;
    statement.query_map([], |row| row.get(0)).and_then(Iterator::collect).map_err(failed)
}

fn rows(connection: &Connection, table: &str, belongs: &str, ids: &[i64]) -> Result<Rows, Fault> {
    // Of the log, only what was said when the order was placed.
    let only = if table == "log" { "where kind_id in (select id from log_kinds where kind like 'order.created%')" } else { "" };
    let mut statement = connection.prepare(&format!("select * from {table} {only} order by 1")).map_err(failed)?;
    let names: Vec<String> = statement.column_names().map(ToOwned::to_owned).collect();
    let width = names.len();
    let all = statement
        .query_map([], |row| (0..width).map(|place| row.get(place)).collect::<Result<Vec<Value>, _>>())
        .and_then(Iterator::collect::<Result<Vec<_>, _>>)
        .map_err(failed)?;
    let mut of_order = vec![Vec::new(); ids.len()];
    let place = names.iter().position(|name| name == belongs);
    let positions: BTreeMap<i64, usize> = ids.iter().enumerate().map(|(place, id)| (*id, place)).collect();
    for (index, row) in all.iter().enumerate() {
        let order = match place.map(|place| &row[place]) {
            Some(Value::Integer(id)) => positions.get(id).copied(),
            // Answers carry a random key only; there is one of each order, in their order.
            _ => (all.len() == ids.len()).then_some(index),
        };
        if let Some(order) = order {
            of_order[order].push(row.clone());
        }
    }
    let roles = names.iter().enumerate().map(|(place, name)| role(table, name, all.iter().map(|row| &row[place]))).collect();
    let marks: Vec<String> = (1..=width).map(|number| format!("?{number}")).collect();
    Ok(Rows { insert: format!("insert into {table} values ({})", marks.join(", ")), roles, of_order })
}

fn role<'a>(table: &str, name: &str, values: impl Iterator<Item = &'a Value>) -> Role {
    if (table, name) == ("orders_answers", "key") {
        return Role::Random;
    }
    if !matches!(name, "id" | "order_id" | "seq" | "contact_id" | "key" | "at" | "due" | "wake") {
        return Role::Same;
    }
    let numbers: Vec<i64> =
        values.filter_map(|value| if let Value::Integer(number) = value { Some(*number) } else { None }).collect();
    match (numbers.iter().min(), numbers.iter().max()) {
        (Some(least), Some(most)) => Role::Grows(most - least + 1),
        _ => Role::Same,
    }
}
