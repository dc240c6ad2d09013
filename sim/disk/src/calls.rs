//! SQLite's calls on an open file, each handed to the machine and its answer put into SQLite's words.

// SQLite calls the methods of a file through C.
#![allow(unsafe_code)]

use std::ffi::{c_int, c_void};
use std::sync::Arc;
use std::sync::atomic::{Ordering, fence};

use rusqlite::ffi;

use crate::disk::Inner;
use crate::locks::Level;
use crate::machine::{Machine, Trouble};

/// What SQLite keeps for us of an open file.
#[repr(C)]
pub(crate) struct OpenFile {
    pub(crate) base: ffi::sqlite3_file,
    /// A counted reference: open files keep their disk.
    pub(crate) disk: *const Inner,
    pub(crate) handle: usize,
}

pub(crate) static METHODS: ffi::sqlite3_io_methods = ffi::sqlite3_io_methods {
    iVersion: 2,
    xClose: Some(close),
    xRead: Some(read),
    xWrite: Some(write),
    xTruncate: Some(truncate),
    xSync: Some(sync),
    xFileSize: Some(size),
    xLock: Some(lock),
    xUnlock: Some(unlock),
    xCheckReservedLock: Some(check_reserved),
    xFileControl: Some(control),
    xSectorSize: Some(sector),
    xDeviceCharacteristics: Some(characteristics),
    xShmMap: Some(map),
    xShmLock: Some(take),
    xShmBarrier: Some(barrier),
    xShmUnmap: Some(unmap),
    xFetch: None,
    xUnfetch: None,
};

/// Does something with the machine that a file lies on.
///
/// # Safety
/// The file was opened by this VFS and not closed.
unsafe fn with<T>(file: *mut ffi::sqlite3_file, work: impl FnOnce(&mut Machine, usize) -> T) -> T {
    // SAFETY: such a file is an `OpenFile`, whose disk is kept by the reference that it counts.
    let (disk, handle) = unsafe {
        let file = file.cast::<OpenFile>();
        (&*(*file).disk, (*file).handle)
    };
    work(&mut disk.machine(), handle)
}

/// Puts an answer into SQLite's words; whatever has no word of its own is an error of the operation.
fn said(answer: Result<(), Trouble>, error: c_int) -> c_int {
    match answer {
        Ok(()) => ffi::SQLITE_OK,
        Err(Trouble::Full) => ffi::SQLITE_FULL,
        Err(Trouble::Busy) => ffi::SQLITE_BUSY,
        Err(Trouble::ReadOnly) => ffi::SQLITE_READONLY,
        Err(_) => error,
    }
}

fn place(number: impl TryInto<usize>) -> usize {
    number.try_into().unwrap_or(usize::MAX)
}

unsafe extern "C" fn close(file: *mut ffi::sqlite3_file) -> c_int {
    // SAFETY: SQLite closes a file that was opened once, so its reference is given back once.
    unsafe {
        with(file, Machine::close);
        drop(Arc::from_raw((*file.cast::<OpenFile>()).disk));
    }
    ffi::SQLITE_OK
}

unsafe extern "C" fn read(file: *mut ffi::sqlite3_file, out: *mut c_void, count: c_int, offset: ffi::sqlite3_int64) -> c_int {
    let (count, out) = (place(count), out.cast::<u8>());
    // SAFETY: SQLite gives an open file and room for as many bytes as it asks for.
    unsafe {
        with(file, |machine, handle| match machine.read(handle, place(offset), count) {
            Ok(bytes) => {
                std::ptr::copy_nonoverlapping(bytes.as_ptr(), out, bytes.len());
                // What is not there reads as zero, and SQLite is told.
                out.add(bytes.len()).write_bytes(0, count - bytes.len());
                if bytes.len() < count { ffi::SQLITE_IOERR_SHORT_READ } else { ffi::SQLITE_OK }
            }
            Err(_) => ffi::SQLITE_IOERR_READ,
        })
    }
}

unsafe extern "C" fn write(
    file: *mut ffi::sqlite3_file,
    bytes: *const c_void,
    count: c_int,
    offset: ffi::sqlite3_int64,
) -> c_int {
    // SAFETY: SQLite gives an open file and as many bytes as it says.
    unsafe {
        let bytes = std::slice::from_raw_parts(bytes.cast::<u8>(), place(count));
        said(with(file, |machine, handle| machine.write(handle, place(offset), bytes)), ffi::SQLITE_IOERR_WRITE)
    }
}

unsafe extern "C" fn truncate(file: *mut ffi::sqlite3_file, size: ffi::sqlite3_int64) -> c_int {
    // SAFETY: SQLite gives an open file.
    said(unsafe { with(file, |machine, handle| machine.truncate(handle, place(size))) }, ffi::SQLITE_IOERR_TRUNCATE)
}

unsafe extern "C" fn sync(file: *mut ffi::sqlite3_file, _: c_int) -> c_int {
    // SAFETY: SQLite gives an open file.
    said(unsafe { with(file, Machine::sync) }, ffi::SQLITE_IOERR_FSYNC)
}

unsafe extern "C" fn size(file: *mut ffi::sqlite3_file, out: *mut ffi::sqlite3_int64) -> c_int {
    // SAFETY: SQLite gives an open file and a place for the answer.
    unsafe {
        let Ok(size) = with(file, Machine::size) else { return ffi::SQLITE_IOERR_FSTAT };
        *out = ffi::sqlite3_int64::try_from(size).unwrap_or(ffi::sqlite3_int64::MAX);
    }
    ffi::SQLITE_OK
}

fn level(number: c_int) -> Level {
    match number {
        ffi::SQLITE_LOCK_NONE => Level::None,
        ffi::SQLITE_LOCK_SHARED => Level::Shared,
        ffi::SQLITE_LOCK_RESERVED => Level::Reserved,
        ffi::SQLITE_LOCK_PENDING => Level::Pending,
        _ => Level::Exclusive,
    }
}

unsafe extern "C" fn lock(file: *mut ffi::sqlite3_file, wanted: c_int) -> c_int {
    // SAFETY: SQLite gives an open file.
    said(unsafe { with(file, |machine, handle| machine.lock(handle, level(wanted))) }, ffi::SQLITE_IOERR_LOCK)
}

unsafe extern "C" fn unlock(file: *mut ffi::sqlite3_file, wanted: c_int) -> c_int {
    // SAFETY: SQLite gives an open file.
    unsafe { with(file, |machine, handle| machine.unlock(handle, level(wanted))) };
    ffi::SQLITE_OK
}

unsafe extern "C" fn check_reserved(file: *mut ffi::sqlite3_file, out: *mut c_int) -> c_int {
    // SAFETY: SQLite gives an open file and a place for the answer.
    unsafe {
        let Ok(reserved) = with(file, Machine::is_reserved) else { return ffi::SQLITE_IOERR_CHECKRESERVEDLOCK };
        *out = c_int::from(reserved);
    }
    ffi::SQLITE_OK
}

unsafe extern "C" fn control(_: *mut ffi::sqlite3_file, _: c_int, _: *mut c_void) -> c_int {
    ffi::SQLITE_NOTFOUND
}

unsafe extern "C" fn sector(file: *mut ffi::sqlite3_file) -> c_int {
    // SAFETY: SQLite gives an open file.
    unsafe { with(file, |machine, _| machine.sector as c_int) }
}

/// Promises what SQLite's own VFS for Unix promises of every disk, and nothing more: a write that is torn leaves bytes
/// alone that it was not to write. Without it SQLite takes other ways, which the product never does, and which have
/// holes: after a recovery it goes on writing in the middle of a sector that holds an acknowledged commit, and what it
/// fills sectors up with is not written again when a sync has failed.
unsafe extern "C" fn characteristics(_: *mut ffi::sqlite3_file) -> c_int {
    ffi::SQLITE_IOCAP_POWERSAFE_OVERWRITE
}

unsafe extern "C" fn map(file: *mut ffi::sqlite3_file, region: c_int, bytes: c_int, make: c_int, out: *mut *mut c_void) -> c_int {
    // SAFETY: SQLite gives an open file and a place for the answer.
    unsafe {
        *out = std::ptr::null_mut();
        match with(file, |machine, handle| machine.map(handle, place(region), place(bytes), make != 0)) {
            Ok(region) => {
                *out = region.unwrap_or(std::ptr::null_mut());
                ffi::SQLITE_OK
            }
            Err(_) => ffi::SQLITE_IOERR_SHMMAP,
        }
    }
}

unsafe extern "C" fn take(file: *mut ffi::sqlite3_file, first: c_int, count: c_int, flags: c_int) -> c_int {
    let (first, count, alone) = (place(first), place(count), flags & ffi::SQLITE_SHM_EXCLUSIVE != 0);
    let work = |machine: &mut Machine, handle| match flags & ffi::SQLITE_SHM_UNLOCK != 0 {
        true => machine.give(handle, first, count),
        false => machine.take(handle, first, count, alone),
    };
    // SAFETY: SQLite gives an open file.
    said(unsafe { with(file, work) }, ffi::SQLITE_IOERR_SHMLOCK)
}

unsafe extern "C" fn barrier(_: *mut ffi::sqlite3_file) {
    fence(Ordering::SeqCst);
}

unsafe extern "C" fn unmap(file: *mut ffi::sqlite3_file, _: c_int) -> c_int {
    // SAFETY: SQLite gives an open file, and no longer uses the addresses that it was given.
    unsafe { with(file, Machine::unmap) };
    ffi::SQLITE_OK
}
