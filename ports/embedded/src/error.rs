//! What SQLite's errors mean to those who asked.

use base::Fault;
use rusqlite::ErrorCode;

/// Why a write could not run.
#[derive(Debug, thiserror::Error)]
pub enum WriteError {
    /// SQLite said so.
    #[error("the store refused a statement")]
    Sqlite(#[from] rusqlite::Error),
    /// The write itself said so.
    #[error("{0}")]
    Fault(Fault),
}

impl From<Fault> for WriteError {
    fn from(fault: Fault) -> WriteError {
        WriteError::Fault(fault)
    }
}

impl WriteError {
    /// Gives the fault for the one who asked.
    pub fn fault(&self) -> Fault {
        match self {
            WriteError::Sqlite(error) => fault(error),
            WriteError::Fault(fault) => fault.clone(),
        }
    }
}

/// Gives the fault that an error of SQLite stands for.
pub(crate) fn fault(error: &rusqlite::Error) -> Fault {
    let fault = match error.sqlite_error_code() {
        Some(ErrorCode::DiskFull) => Fault::unavailable("disk_full", "The disk is full; nothing was written."),
        Some(ErrorCode::SystemIoFailure) => Fault::unavailable("disk_failed", "The disk does not answer as it should."),
        Some(ErrorCode::ConstraintViolation) => Fault::conflict("store_constraint", "A rule of the tables forbids it."),
        Some(ErrorCode::DatabaseBusy | ErrorCode::DatabaseLocked) => {
            Fault::unavailable("store_busy", "The store is held by another program.")
        }
        Some(ErrorCode::DatabaseCorrupt | ErrorCode::NotADatabase) => {
            Fault::internal("store_corrupt", "The data file is damaged.")
        }
        _ => Fault::internal("store_failed", "The store failed."),
    };
    fault.because(error)
}

/// Gives the fault of a database whose writer has ended.
pub(crate) fn closed() -> Fault {
    Fault::unavailable("store_closed", "The store is closed.")
}

/// Tells whether a failed COMMIT certainly left nothing behind.
///
/// A full disk stops the write-ahead log before its commit frame; after any other failure of the disk the frame may
/// be there, and would be found by the next start.
pub(crate) fn certainly_not_committed(error: &rusqlite::Error) -> bool {
    !matches!(error.sqlite_error_code(), Some(ErrorCode::SystemIoFailure | ErrorCode::DatabaseCorrupt))
}
