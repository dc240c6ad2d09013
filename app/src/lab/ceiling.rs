//! The ceiling of the machine: bare grouped SQLite commits of the rows of placing an order, flushed to the disk.
//!
//! The rows are copies of those that the platform itself writes when it places orders of the year (`placing.rs`): the
//! same tables, indexes and sizes, with ids that grow as its ids do. There is nothing else: one thread, statements that
//! are held, no reading, no guard, no answer to anybody.
//!
//! The first seconds do not count: while the file is new, nothing of it has to be written back to the disk yet and each
//! index lies in the nearest cache, which no platform that runs for a minute can keep.
#![allow(clippy::disallowed_methods)] // A measurement lives in real time.

use std::path::Path;
use std::time::{Duration, Instant};

use base::Fault;
use embedded::rusqlite::types::Value;
use embedded::rusqlite::{Connection, Statement};

use super::placing::{ORDERS, Role, Rows, Sample};

/// For how long rows are written before it is measured.
const WARMING: Duration = Duration::from_secs(6);

/// What was measured.
#[derive(Debug, Clone, Copy)]
pub struct Ceiling {
    /// Orders per second.
    pub rate: f64,
    /// Rows per order.
    pub rows: f64,
    /// Bytes of values per order.
    pub bytes: f64,
}

fn failed(error: impl std::fmt::Display) -> Fault {
    Fault::internal("lab_failed", "The ceiling could not be measured.").because(error)
}

/// Measures how many orders per second the machine could place if there were nothing but their rows.
pub fn measure(folder: &Path, sample: &Sample, span: Duration, flush_delay: Duration) -> Result<Ceiling, Fault> {
    let path = folder.join("ceiling.db");
    let connection = Connection::open(&path).map_err(failed)?;
    // As the platform sets its own file.
    connection
        .execute_batch(
            "pragma page_size = 4096; pragma journal_mode = wal; pragma synchronous = full; pragma wal_autocheckpoint = 4000;
            pragma journal_size_limit = 67108864; pragma temp_store = memory; pragma cache_size = -32000;",
        )
        .and_then(|()| connection.execute_batch(&sample.schema))
        .map_err(failed)?;
    let mut inserts =
        sample.tables.iter().map(|rows| connection.prepare(&rows.insert)).collect::<Result<Vec<_>, _>>().map_err(failed)?;
    let mut begun = Instant::now();
    let (mut copies, mut warm, mut chance) = (0, None, 0x9e37_79b9_7f4a_7c15_u64);
    while warm.is_none() || begun.elapsed() < span {
        if warm.is_none() && begun.elapsed() >= WARMING {
            (warm, begun) = (Some(copies), Instant::now());
        }
        connection.execute_batch("begin immediate").map_err(failed)?;
        for order in 0..ORDERS {
            for (rows, insert) in sample.tables.iter().zip(&mut inserts) {
                write(rows, insert, order, copies, &mut chance).map_err(failed)?;
            }
        }
        std::thread::sleep(flush_delay); // allowed: it makes the disk slow on purpose, on a thread of its own
        connection.execute_batch("commit").map_err(failed)?;
        copies += 1;
    }
    let counted = copies - warm.unwrap_or_default();
    let rate = (counted * ORDERS as i64) as f64 / begun.elapsed().as_secs_f64();
    drop(inserts);
    drop(connection);
    for end in ["", "-wal", "-shm"] {
        let _ = std::fs::remove_file(folder.join(format!("ceiling.db{end}")));
    }
    Ok(Ceiling { rate, rows: sample.rows_per_order(), bytes: sample.bytes_per_order() })
}

fn write(rows: &Rows, insert: &mut Statement<'_>, order: usize, copy: i64, chance: &mut u64) -> embedded::rusqlite::Result<()> {
    for row in &rows.of_order[order] {
        for (place, (value, role)) in row.iter().zip(&rows.roles).enumerate() {
            match (role, value) {
                (Role::Grows(span), Value::Integer(number)) => insert.raw_bind_parameter(place + 1, number + copy * span)?,
                (Role::Random, Value::Integer(_)) => {
                    // A xorshift (Marsaglia, 2003): what matters is that the keys are not in order.
                    *chance ^= *chance << 13;
                    *chance ^= *chance >> 7;
                    *chance ^= *chance << 17;
                    insert.raw_bind_parameter(place + 1, chance.cast_signed())?;
                }
                _ => insert.raw_bind_parameter(place + 1, value)?,
            }
        }
        insert.raw_execute()?;
    }
    Ok(())
}
