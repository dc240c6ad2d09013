//! The files of a connection, as SQLite has opened them: for what it has no words for.

// SQLite gives them through C only.
#![allow(unsafe_code)]

use std::ffi::{c_int, c_void};

use rusqlite::{Connection, ffi};

/// One of the two files.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Which {
    /// The write-ahead log.
    Log,
    /// The data file.
    Data,
}

/// An open file.
pub(crate) struct File<'a> {
    file: *mut ffi::sqlite3_file,
    methods: &'a ffi::sqlite3_io_methods,
}

impl<'a> File<'a> {
    /// Gives a file of a connection; none if it keeps no log, or is not to be durable.
    pub(crate) fn of(connection: &'a Connection, which: Which) -> rusqlite::Result<Option<File<'a>>> {
        let mode: String = connection.query_row("pragma journal_mode", [], |row| row.get(0))?;
        let flushes: bool = connection.query_row("pragma synchronous", [], |row| row.get(0))?;
        if mode != "wal" || !flushes {
            return Ok(None);
        }
        let what = match which {
            Which::Log => ffi::SQLITE_FCNTL_JOURNAL_POINTER,
            Which::Data => ffi::SQLITE_FCNTL_FILE_POINTER,
        };
        let mut file: *mut ffi::sqlite3_file = std::ptr::null_mut();
        // SAFETY: the connection is open, and SQLite answers this question with the address of a file, which lives as long
        // as the connection keeps a log; so do its methods, which are none while it is not open.
        unsafe {
            said(ffi::sqlite3_file_control(connection.handle(), c"main".as_ptr(), what, (&raw mut file).cast::<c_void>()))?;
            Ok(file.as_ref().and_then(|opened| opened.pMethods.as_ref()).map(|methods| File { file, methods }))
        }
    }

    pub(crate) fn length(&self) -> rusqlite::Result<i64> {
        let mut length = 0;
        let size = self.methods.xFileSize.ok_or_else(missing)?;
        // SAFETY: the file is open, and the answer has a place.
        said(unsafe { size(self.file, &raw mut length) })?;
        Ok(length)
    }

    pub(crate) fn read(&self, at: i64, bytes: &mut [u8]) -> rusqlite::Result<()> {
        let (to, count) = (bytes.as_mut_ptr().cast(), bytes.len() as c_int);
        let read = self.methods.xRead.ok_or_else(missing)?;
        // SAFETY: the file is open, and there is room for as many bytes.
        said(unsafe { read(self.file, to, count, at) })
    }

    pub(crate) fn write(&self, at: i64, bytes: &[u8]) -> rusqlite::Result<()> {
        let (from, count) = (bytes.as_ptr().cast(), bytes.len() as c_int);
        let write = self.methods.xWrite.ok_or_else(missing)?;
        // SAFETY: the file is open, and there are as many bytes.
        said(unsafe { write(self.file, from, count, at) })
    }

    /// Tells whether a write leaves the bytes beside it as they are, even if the power goes meanwhile.
    pub(crate) fn is_safe_beside_writes(&self) -> bool {
        // SAFETY: the file is open.
        let traits = self.methods.xDeviceCharacteristics.map_or(0, |traits| unsafe { traits(self.file) });
        traits & ffi::SQLITE_IOCAP_POWERSAFE_OVERWRITE != 0
    }

    /// Gives the file other methods, made of its own, which are to give it these back before it is closed.
    pub(crate) fn wrap(self, made: impl FnOnce(&ffi::sqlite3_io_methods) -> *const ffi::sqlite3_io_methods) {
        // SAFETY: the file is open, and SQLite looks its methods up for each call.
        unsafe { (*self.file).pMethods = made(self.methods) };
    }

    pub(crate) fn flush(&self) -> rusqlite::Result<()> {
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
