//! The ceiling of the machine: bare grouped SQLite commits of the rows of placing an order, flushed to the disk.
#![allow(clippy::disallowed_methods)] // A measurement lives in real time.

use std::time::{Duration, Instant};

use base::Fault;
use embedded::rusqlite::{Connection, params};

/// How many orders one commit holds.
const GROUP: i64 = 64;

fn failed(error: impl std::fmt::Display) -> Fault {
    Fault::internal("lab_failed", "The ceiling could not be measured.").because(error)
}

/// Measures how many orders per second the machine could place if there were nothing but their rows.
pub fn measure(folder: &std::path::Path, span: Duration, flush_delay: Duration) -> Result<f64, Fault> {
    let path = folder.join("ceiling.db");
    let connection = Connection::open(&path).map_err(failed)?;
    connection
        .execute_batch(
            "pragma journal_mode = wal; pragma synchronous = full; pragma wal_autocheckpoint = 4000;
            create table orders (id integer primary key, version integer, state text, placed_at integer, device integer, total integer);
            create table events (id integer primary key, order_id integer, version integer, at integer, data text);
            create index events_order on events (order_id, version);
            create table lines (id integer primary key, order_id integer, item integer, size text, quantity integer, total integer);
            create table board (order_id integer primary key, shop integer, state text);
            create index board_state on board (shop, state, order_id);
            create table log (seq integer primary key, kind integer, key integer, at integer, correlation text, data text);
            create index log_key on log (key, seq);
            create table answers (id integer primary key, key integer unique, fingerprint integer, answer blob, at integer);
            create table jobs (id integer primary key, kind text, key integer, due integer, body text);",
        )
        .map_err(failed)?;
    let (frozen, said, answer) = ("f".repeat(900), "s".repeat(700), vec![7u8; 350]);
    let begun = Instant::now();
    let mut id: i64 = 1 << 40;
    let mut orders = 0u64;
    while begun.elapsed() < span {
        connection.execute_batch("begin immediate").map_err(failed)?;
        for _ in 0..GROUP {
            id += 4_096;
            let run = |text: &str, params: &[&dyn embedded::rusqlite::ToSql]| {
                connection.prepare_cached(text).and_then(|mut statement| statement.execute(params)).map_err(failed)
            };
            run("insert into orders values (?1, 1, 'pending', ?2, ?3, 3830)", params![id, id, id])?;
            run("insert into events values (?1, ?2, 1, ?3, ?4)", params![id + 1, id, id, frozen])?;
            run("insert into lines values (?1, ?2, 7, 'M', 1, 1325)", params![id + 2, id])?;
            run("insert into lines values (?1, ?2, 8, 'L', 1, 2505)", params![id + 3, id])?;
            run("insert into board values (?1, 1, 'pending')", params![id])?;
            run("insert into log values (?1, 3, ?2, ?3, 'c0ffee00c0ffee00', ?4)", params![id, id, id, said])?;
            run(
                "insert into answers values (?1, ?2, ?3, ?4, ?5)",
                params![id, id.wrapping_mul(0x5851_f42d_4c95_7f2d), id, answer, id],
            )?;
            run("insert into jobs values (?1, 'deadline', ?2, ?3, 'first')", params![id, id, id])?;
            orders += 1;
        }
        std::thread::sleep(flush_delay); // allowed: it makes the disk slow on purpose, on a thread of its own
        connection.execute_batch("commit").map_err(failed)?;
    }
    let rate = orders as f64 / begun.elapsed().as_secs_f64();
    drop(connection);
    for end in ["", "-wal", "-shm"] {
        let _ = std::fs::remove_file(folder.join(format!("ceiling.db{end}")));
    }
    Ok(rate)
}
