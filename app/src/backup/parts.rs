//! Files in parts inside a database: what a data folder holds besides the platform's own file.

use std::io::{Read, Write};
use std::path::Path;

use base::Fault;
use embedded::rusqlite::{Connection, OptionalExtension, params};

use super::{failed, fresh};

/// How large a part is, in bytes; a value in SQLite must not grow without bound.
const PART_BYTES: usize = 1 << 20;
/// The folder of mails.
pub const OUTBOX: &str = "outbox";
/// The books of the provider mock.
pub const BOOKS: &str = "provider/provider.db";
/// What every platform has beside its database, and cannot do without.
pub const NEEDED: [&str; 2] = ["platform.key", "staff.token"];
/// What it may have.
pub const SETTINGS: &str = "settings.toml";

/// Makes the table of the parts.
pub fn begin(archive: &Connection) -> Result<(), Fault> {
    archive
        .execute_batch(
            "create table backup_parts (name text, part integer, bytes blob not null, primary key (name, part)) without rowid",
        )
        .map_err(|error| failed("The copy could not be written", error))
}

/// Takes the table of the parts away, and the room that it took.
pub fn end(archive: &Connection) -> Result<(), Fault> {
    archive.execute_batch("drop table backup_parts; vacuum").map_err(|error| failed("The data could not be prepared", error))
}

/// Puts a file into the archive under a name.
pub fn put(archive: &Connection, name: &str, path: &Path) -> Result<(), Fault> {
    let unreadable = |error: std::io::Error| failed(&format!("{} cannot be read", path.display()), error);
    let mut file = std::fs::File::open(path).map_err(unreadable)?;
    for part in 0_i64.. {
        let mut bytes = Vec::new();
        Read::by_ref(&mut file).take(PART_BYTES as u64).read_to_end(&mut bytes).map_err(unreadable)?;
        if bytes.is_empty() && part > 0 {
            break;
        }
        let put = archive.execute("insert into backup_parts (name, part, bytes) values (?1, ?2, ?3)", params![name, part, bytes]);
        put.map_err(|error| failed("The copy could not be written", error))?;
    }
    Ok(())
}

/// Tells the names of the files in the archive; those that no backup writes are refused.
pub fn names(archive: &Connection) -> Result<Vec<String>, Fault> {
    let read = |error| failed("The backup cannot be read", error);
    let has = "select 1 from sqlite_schema where type = 'table' and name = 'backup_parts'";
    if archive.query_row(has, [], |_| Ok(())).optional().map_err(read)?.is_none() {
        return Err(Fault::invalid("backup_damaged", "This is no backup of a platform: it holds no keys."));
    }
    let mut select = archive.prepare("select distinct name from backup_parts order by name").map_err(read)?;
    let names = select.query_map([], |row| row.get(0)).and_then(Iterator::collect::<Result<Vec<String>, _>>).map_err(read)?;
    if let Some(name) = names.iter().find(|name| !is_known(name)) {
        return Err(Fault::invalid("backup_damaged", format!("The backup holds `{name}`, which no backup writes.")));
    }
    match NEEDED.iter().find(|needed| !names.iter().any(|name| name == *needed)) {
        None => Ok(names),
        Some(needed) => Err(Fault::invalid("backup_damaged", format!("The backup lacks `{needed}`."))),
    }
}

/// Tells whether a backup may hold a file of this name: nothing outside of the folder is ever written.
fn is_known(name: &str) -> bool {
    let mail = |name: &str| !name.is_empty() && !name.starts_with('.') && !name.contains(['/', '\\', '\0']);
    NEEDED.contains(&name) || [BOOKS, SETTINGS].contains(&name) || name.strip_prefix("outbox/").is_some_and(mail)
}

/// Writes a file of the archive to a path where nothing was.
pub fn take(archive: &Connection, name: &str, path: &Path) -> Result<(), Fault> {
    let unwritable = |error: std::io::Error| failed(&format!("{} could not be written", path.display()), error);
    let mut file = fresh(path).map_err(unwritable)?;
    let read = |error| failed("The backup cannot be read", error);
    let mut select = archive.prepare("select bytes from backup_parts where name = ?1 order by part").map_err(read)?;
    let mut parts = select.query([name]).map_err(read)?;
    while let Some(row) = parts.next().map_err(read)? {
        let bytes = row.get_ref(0).and_then(|value| Ok(value.as_blob()?)).map_err(read)?;
        file.write_all(bytes).map_err(unwritable)?;
    }
    file.sync_all().map_err(unwritable)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn nothing_is_written_outside_of_the_folder() {
        for name in ["platform.key", "staff.token", "settings.toml", "provider/provider.db", "outbox/1.eml"] {
            assert!(is_known(name), "{name}");
        }
        for name in ["", "/etc/passwd", "../x", "outbox/../../x", "outbox/", "outbox/.hidden", "comanda.db", "lock"] {
            assert!(!is_known(name), "{name}");
        }
    }
}
