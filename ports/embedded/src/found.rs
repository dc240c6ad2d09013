//! What a process finds in the log of one that died, made durable whatever that one has seen of the disk.
//!
//! When a flush fails, the system may forget that these pages are yet to be written (Rebello et al., "Can applications
//! recover from fsync failures?", USENIX ATC 2020). A process that then dies leaves a commit in the write-ahead log that can
//! be read and is not on the disk, and no later flush puts it there. Whatever rests on it goes with it when the power does:
//! commits that are added to the log after it, and, worse, pages of it that a checkpoint has put into the data file when
//! the others are in the lost log only.
//!
//! So the log is written again, byte for byte where it lies, and flushed; only then a checkpoint puts it where it belongs. No
//! byte of a commit that was told of is changed by that, and a sector that is written with the bytes that it has is taken to
//! have them afterwards, even if the power goes meanwhile. That much any log in a file rests on: systems write whole pages, so
//! the end of one commit is written again with the beginning of the next.
//!
//! What another program, which keeps the file open meanwhile, makes SQLite remember as put away is not put away again.
//!
//! Until all that is done nobody may read: a repeat of a request would be told of a commit that can still be lost. So a
//! disk that is full or fails, and another program that reads for longer than the busy timeout, refuse the start; nothing is
//! lost by trying again.

use base::Fault;
use rusqlite::Connection;
use rusqlite::config::DbConfig;

use crate::error::fault;
use crate::file::{File, Which};

/// How many bytes are read and written at once: SQLite's own way to the disk takes no more than 128 KiB, less one.
const CHUNK_BYTES: usize = 1 << 16;

/// Lets a connection put the log into the data file when it is the last to close, or not: what may not be on the disk must not
/// get there, whatever ends the start.
pub(crate) fn checkpoint_on_close(connection: &Connection, wanted: bool) -> rusqlite::Result<()> {
    connection.set_db_config(DbConfig::SQLITE_DBCONFIG_NO_CKPT_ON_CLOSE, !wanted).map(drop)
}

/// Writes the log again and flushes it, in a moment in which nobody adds to it; false if there is none. Whoever goes on opens
/// the file anew, to see what was written and not what was found.
pub(crate) fn write_again(connection: &Connection) -> rusqlite::Result<bool> {
    connection.execute_batch("begin immediate")?;
    let written = write_all_again(connection);
    let ended = connection.execute_batch("rollback");
    // Why it could not be written says more than that there was nothing to take back.
    written.and_then(|written| ended.map(|()| written))
}

/// Puts the log into the data file, and begins it anew.
pub(crate) fn checkpoint(connection: &Connection) -> Result<(), Fault> {
    let text = "pragma wal_checkpoint(truncate)";
    let is_held: bool = connection.query_row(text, [], |row| row.get(0)).map_err(|error| fault(&error))?;
    if is_held {
        return Err(Fault::unavailable("store_busy", "Another program reads the store, which cannot be taken over meanwhile."));
    }
    Ok(())
}

fn write_all_again(connection: &Connection) -> rusqlite::Result<bool> {
    let Some(log) = File::of(connection, Which::Log)? else { return Ok(false) };
    let (length, mut chunk) = (log.length()?, vec![0; CHUNK_BYTES]);
    let mut at = 0;
    while at < length {
        let count = usize::try_from(length - at).map_or(CHUNK_BYTES, |rest| rest.min(CHUNK_BYTES));
        log.read(at, &mut chunk[..count])?;
        log.write(at, &chunk[..count])?;
        at += count as i64;
    }
    if length > 0 {
        log.flush()?;
    }
    Ok(length > 0)
}
