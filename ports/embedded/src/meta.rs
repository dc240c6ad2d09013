//! What the file knows of itself: its version, and numbers that must never come back.

use base::Fault;
use rusqlite::{Connection, OptionalExtension};

use crate::error::fault;

/// The version of the tables that this crate makes.
const VERSION: i64 = 1;

pub(crate) fn get(connection: &Connection, key: &str) -> rusqlite::Result<Option<String>> {
    connection.prepare_cached("select value from platform_meta where key = ?1")?.query_row([key], |row| row.get(0)).optional()
}

pub(crate) fn set(connection: &Connection, key: &str, value: &str) -> rusqlite::Result<()> {
    let text = "insert into platform_meta (key, value) values (?1, ?2) on conflict (key) do update set value = excluded.value";
    connection.prepare_cached(text)?.execute([key, value])?;
    Ok(())
}

/// Makes the tables of an empty file, and refuses one that a newer program has made.
pub(crate) fn prepare(connection: &Connection) -> Result<(), Fault> {
    let failed = |error: rusqlite::Error| fault(&error);
    let tables: i64 = connection
        .query_row("select count(*) from sqlite_master where type = 'table' and name = 'platform_meta'", [], |row| row.get(0))
        .map_err(failed)?;
    if tables > 0 {
        let version = get(connection, "version").map_err(failed)?.and_then(|text| text.parse::<i64>().ok()).unwrap_or(0);
        if version > VERSION {
            let message = format!("The data file is of version {version}, this program knows {VERSION}: use a newer program.");
            return Err(Fault::refused("data_newer", message).with("version", version));
        }
        return Ok(());
    }
    let make = format!(
        "begin immediate;
        create table platform_meta (key text primary key, value text not null);
        create table log_kinds (id integer primary key, source text not null, topic text not null, kind text not null);
        create table log (seq integer primary key, kind_id integer not null, key integer not null, at integer not null,
            correlation text not null, data text not null);
        create index log_key on log (key, seq);
        insert into platform_meta (key, value) values ('version', '{VERSION}');
        commit;"
    );
    connection.execute_batch(&make).map_err(failed)
}
