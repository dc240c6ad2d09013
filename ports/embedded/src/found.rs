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
//! Until all that is done nobody may read: a repeat of a request would be told of a commit that can still be lost. So a
//! disk that is full or fails, and another program that reads for longer than the busy timeout, refuse the start; nothing is
//! lost by trying again.

// SQLite gives the file of its log through C only.
#![allow(unsafe_code)]

use std::ffi::{c_int, c_void};

use base::Fault;
use rusqlite::config::DbConfig;
use rusqlite::{Connection, ffi};

use crate::error::fault;

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
    let Some(log) = Log::of(connection)? else { return Ok(false) };
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

/// The file of the write-ahead log, as SQLite has opened it.
struct Log<'a> {
    file: *mut ffi::sqlite3_file,
    methods: &'a ffi::sqlite3_io_methods,
}

impl<'a> Log<'a> {
    /// Gives the log of a connection; none if it keeps none, or is not to be durable.
    fn of(connection: &'a Connection) -> rusqlite::Result<Option<Log<'a>>> {
        let mode: String = connection.query_row("pragma journal_mode", [], |row| row.get(0))?;
        let flushes: bool = connection.query_row("pragma synchronous", [], |row| row.get(0))?;
        if mode != "wal" || !flushes {
            return Ok(None);
        }
        let mut file: *mut ffi::sqlite3_file = std::ptr::null_mut();
        // SAFETY: the connection is open, and SQLite answers this question with the address of a file, which lives as long
        // as the connection keeps a log; so do its methods, which are none while it is not open.
        unsafe {
            let (place, what) = ((&raw mut file).cast::<c_void>(), ffi::SQLITE_FCNTL_JOURNAL_POINTER);
            said(ffi::sqlite3_file_control(connection.handle(), c"main".as_ptr(), what, place))?;
            Ok(file.as_ref().and_then(|opened| opened.pMethods.as_ref()).map(|methods| Log { file, methods }))
        }
    }

    fn length(&self) -> rusqlite::Result<i64> {
        let mut length = 0;
        let size = self.methods.xFileSize.ok_or_else(missing)?;
        // SAFETY: the file is open, and the answer has a place.
        said(unsafe { size(self.file, &raw mut length) })?;
        Ok(length)
    }

    fn read(&self, at: i64, bytes: &mut [u8]) -> rusqlite::Result<()> {
        let (to, count) = (bytes.as_mut_ptr().cast(), bytes.len() as c_int);
        let read = self.methods.xRead.ok_or_else(missing)?;
        // SAFETY: the file is open, and there is room for as many bytes.
        said(unsafe { read(self.file, to, count, at) })
    }

    fn write(&self, at: i64, bytes: &[u8]) -> rusqlite::Result<()> {
        let (from, count) = (bytes.as_ptr().cast(), bytes.len() as c_int);
        let write = self.methods.xWrite.ok_or_else(missing)?;
        // SAFETY: the file is open, and there are as many bytes.
        said(unsafe { write(self.file, from, count, at) })
    }

    fn flush(&self) -> rusqlite::Result<()> {
        let sync = self.methods.xSync.ok_or_else(missing)?;
        // SAFETY: the file is open.
        said(unsafe { sync(self.file, ffi::SQLITE_SYNC_NORMAL) })
    }
}

/// A file that cannot do what is asked of every file: what it did not do must not pass for done.
fn missing() -> rusqlite::Error {
    rusqlite::Error::SqliteFailure(ffi::Error::new(ffi::SQLITE_IOERR), None)
}

/// Gives SQLite's answer in the words of its library.
fn said(code: c_int) -> rusqlite::Result<()> {
    if code == ffi::SQLITE_OK { Ok(()) } else { Err(rusqlite::Error::SqliteFailure(ffi::Error::new(code), None)) }
}
