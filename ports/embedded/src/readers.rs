//! Connections for reading: each reader has one to itself, and none waits for the writer.

use std::path::{Path, PathBuf};
use std::sync::Mutex;
use std::time::Duration;

use rusqlite::config::DbConfig;
use rusqlite::{Connection, OpenFlags};

use crate::found;

/// How many idle connections are kept; more are opened in a crowd and closed after it.
const IDLE_MAX: usize = 16;
/// How long a connection waits for another program that holds what it needs.
pub(crate) const BUSY_WAIT: Duration = Duration::from_secs(5);
/// How many statements each keeps prepared.
const STATEMENTS_MAX: usize = 256;

pub(crate) struct Readers {
    path: PathBuf,
    pub(crate) vfs: Option<String>,
    idle: Mutex<Vec<Connection>>,
}

/// Opens a connection, on the disk that is named or on the machine's own.
pub(crate) fn connect(path: &Path, flags: OpenFlags, vfs: Option<&str>) -> rusqlite::Result<Connection> {
    match vfs {
        Some(vfs) => Connection::open_with_flags_and_vfs(path, flags, vfs),
        None => Connection::open_with_flags(path, flags),
    }
}

/// Keeps the plan of a statement whatever its parameters are: SQLite would prepare it again for every new value of a limit.
pub(crate) fn steady(connection: &Connection) -> rusqlite::Result<()> {
    connection.set_db_config(DbConfig::SQLITE_DBCONFIG_ENABLE_QPSG, true).map(drop)
}

impl Readers {
    pub(crate) fn new(path: &Path, vfs: Option<String>) -> Readers {
        Readers { path: path.to_owned(), vfs, idle: Mutex::default() }
    }

    pub(crate) fn read<T>(&self, work: impl FnOnce(&Connection) -> rusqlite::Result<T>) -> rusqlite::Result<T> {
        let idle = self.idle.lock().expect("nothing panics while the list is held").pop();
        let connection = match idle {
            Some(connection) => connection,
            None => self.open()?,
        };
        let answer = work(&connection);
        let mut idle = self.idle.lock().expect("nothing panics while the list is held");
        if idle.len() < IDLE_MAX {
            idle.push(connection);
        }
        answer
    }

    pub(crate) fn open(&self) -> rusqlite::Result<Connection> {
        // Not opened read-only: the first reader after a crash may have to recover the shared index of the log.
        let flags = OpenFlags::SQLITE_OPEN_READ_WRITE | OpenFlags::SQLITE_OPEN_NO_MUTEX;
        let connection = connect(&self.path, flags, self.vfs.as_deref())?;
        connection.busy_timeout(BUSY_WAIT)?;
        steady(&connection)?;
        // Only the writer knows whether the log may be put away; a reader may be the last to close.
        found::checkpoint_on_close(&connection, false)?;
        connection.execute_batch("pragma query_only = on; pragma temp_store = memory; pragma cache_size = -4000;")?;
        connection.set_prepared_statement_cache_capacity(STATEMENTS_MAX);
        Ok(connection)
    }

    pub(crate) fn close(&self) {
        self.idle.lock().expect("nothing panics while the list is held").clear();
    }
}
