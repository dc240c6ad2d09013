//! The disk's door to SQLite: names under which disks are known, and the calls that concern names and time.
//!
//! A VFS that SQLite was told of is never taken back, because a connection may hold its address for as long as it lives.
//! Instead its name is used again, by the next disk, when the last has gone with all that was open on it.

// SQLite calls a VFS through C.
#![allow(unsafe_code)]

use std::ffi::{CStr, CString, c_char, c_int, c_void};
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex, PoisonError, Weak};

use rusqlite::ffi;

use crate::calls::{METHODS, OpenFile};
use crate::disk::Inner;
use crate::machine::{Trouble, Wish};

/// The longest name of a file, with the closing zero.
const NAME_MAX: c_int = 1_024;
/// The milliseconds from noon on 24 November 4714 BC, where SQLite's days begin, to 1970.
const MILLIS_TO_1970: i64 = 210_866_760_000_000;

static FREE: Mutex<Vec<&'static Slot>> = Mutex::new(Vec::new());
static MADE: AtomicUsize = AtomicUsize::new(0);

/// A name that SQLite knows, and the disk that has it now.
pub(crate) struct Slot {
    name: String,
    disk: Mutex<Weak<Inner>>,
}

impl Slot {
    /// Gives a name that no disk has.
    pub(crate) fn take() -> &'static Slot {
        let free = FREE.lock().unwrap_or_else(PoisonError::into_inner).pop();
        free.unwrap_or_else(Slot::register)
    }

    pub(crate) fn give_back(&'static self) {
        FREE.lock().unwrap_or_else(PoisonError::into_inner).push(self);
    }

    pub(crate) fn set(&self, disk: &Arc<Inner>) {
        *self.disk.lock().unwrap_or_else(PoisonError::into_inner) = Arc::downgrade(disk);
    }

    pub(crate) fn name(&self) -> &str {
        &self.name
    }

    fn disk(&self) -> Option<Arc<Inner>> {
        self.disk.lock().unwrap_or_else(PoisonError::into_inner).upgrade()
    }

    fn register() -> &'static Slot {
        let name = format!("sim-disk-{}", MADE.fetch_add(1, Ordering::Relaxed));
        let c_name = CString::new(name.as_str()).unwrap_or_default();
        let slot: &'static Slot = Box::leak(Box::new(Slot { name, disk: Mutex::default() }));
        let vfs = Box::leak(Box::new(ffi::sqlite3_vfs {
            iVersion: 2,
            szOsFile: size_of::<OpenFile>() as c_int,
            mxPathname: NAME_MAX,
            pNext: std::ptr::null_mut(),
            zName: c_name.into_raw(),
            pAppData: std::ptr::from_ref(slot).cast_mut().cast(),
            xOpen: Some(open),
            xDelete: Some(delete),
            xAccess: Some(access),
            xFullPathname: Some(full_name),
            xDlOpen: Some(no_library),
            xDlError: Some(no_library_error),
            xDlSym: None,
            xDlClose: None,
            xRandomness: Some(randomness),
            xSleep: Some(sleep),
            xCurrentTime: Some(julian_days),
            xGetLastError: None,
            xCurrentTimeInt64: Some(julian_millis),
            xSetSystemCall: None,
            xGetSystemCall: None,
            xNextSystemCall: None,
        }));
        // SAFETY: the structure, its name and its slot are leaked, so they outlive every use; it is registered once.
        let said = unsafe { ffi::sqlite3_vfs_register(vfs, 0) };
        assert_eq!(said, ffi::SQLITE_OK, "SQLite takes every VFS but when there is no memory at all");
        slot
    }
}

pub(crate) fn seed_sqlite(seed: u32) {
    let seed = seed.max(1) as c_int; // zero would mean none
    // SAFETY: this operation takes an int and a connection, or none, and locks what it changes.
    unsafe {
        ffi::sqlite3_test_control(ffi::SQLITE_TESTCTRL_PRNG_SEED, seed, std::ptr::null_mut::<ffi::sqlite3>());
    }
}

/// Finds the disk behind a VFS.
///
/// # Safety
/// The VFS is one that [`Slot::register`] has made.
unsafe fn disk_of(vfs: *mut ffi::sqlite3_vfs) -> Option<Arc<Inner>> {
    // SAFETY: the application data of such a VFS is a slot that lives for ever.
    unsafe { (*vfs).pAppData.cast::<Slot>().as_ref() }.and_then(Slot::disk)
}

/// Reads a name, none for the null pointer or one that is not text.
///
/// # Safety
/// The pointer is null or leads to a text that ends with zero and outlives the answer.
unsafe fn text<'a>(name: *const c_char) -> Option<&'a str> {
    // SAFETY: as the caller promises.
    (!name.is_null()).then(|| unsafe { CStr::from_ptr(name) }).and_then(|name| name.to_str().ok())
}

unsafe extern "C" fn open(
    vfs: *mut ffi::sqlite3_vfs,
    name: ffi::sqlite3_filename,
    file: *mut ffi::sqlite3_file,
    flags: c_int,
    flags_out: *mut c_int,
) -> c_int {
    let has = |flag| flags & flag != 0;
    let wish = Wish {
        create: has(ffi::SQLITE_OPEN_CREATE),
        new: has(ffi::SQLITE_OPEN_EXCLUSIVE),
        read_only: has(ffi::SQLITE_OPEN_READONLY),
        fleeting: has(ffi::SQLITE_OPEN_DELETEONCLOSE),
        journal: has(ffi::SQLITE_OPEN_MAIN_JOURNAL | ffi::SQLITE_OPEN_SUPER_JOURNAL | ffi::SQLITE_OPEN_WAL),
    };
    let file = file.cast::<OpenFile>();
    // SAFETY: SQLite gives as many bytes for the file as the VFS asks for, a name that ends with zero or none, and a place
    // for the flags or none. Without methods it takes the file as not opened.
    unsafe {
        (*file).base.pMethods = std::ptr::null();
        let Some(disk) = disk_of(vfs) else { return ffi::SQLITE_CANTOPEN };
        let named = text(name);
        if named.is_none() && !name.is_null() {
            return ffi::SQLITE_CANTOPEN;
        }
        let opened = disk.machine().open(named, wish);
        let handle = match opened {
            Ok(handle) => handle,
            Err(Trouble::Dead) => return ffi::SQLITE_IOERR,
            Err(_) => return ffi::SQLITE_CANTOPEN,
        };
        (*file).disk = Arc::into_raw(disk);
        (*file).handle = handle;
        (*file).base.pMethods = &raw const METHODS;
        if !flags_out.is_null() {
            *flags_out = flags;
        }
    }
    ffi::SQLITE_OK
}

unsafe extern "C" fn delete(vfs: *mut ffi::sqlite3_vfs, name: *const c_char, sync_folder: c_int) -> c_int {
    // SAFETY: SQLite gives the VFS that it was given, and a name that ends with zero.
    let (disk, name) = unsafe { (disk_of(vfs), text(name)) };
    let (Some(disk), Some(name)) = (disk, name) else { return ffi::SQLITE_IOERR_DELETE };
    match disk.machine().delete(name, sync_folder != 0) {
        Ok(()) => ffi::SQLITE_OK,
        Err(Trouble::Missing) => ffi::SQLITE_IOERR_DELETE_NOENT,
        Err(_) => ffi::SQLITE_IOERR_DELETE,
    }
}

unsafe extern "C" fn access(vfs: *mut ffi::sqlite3_vfs, name: *const c_char, flags: c_int, found: *mut c_int) -> c_int {
    // SAFETY: SQLite gives the VFS that it was given, and a name that ends with zero.
    let (disk, name) = unsafe { (disk_of(vfs), text(name)) };
    let (Some(disk), Some(name)) = (disk, name) else { return ffi::SQLITE_IOERR_ACCESS };
    let Ok(size) = disk.machine().look(name) else { return ffi::SQLITE_IOERR_ACCESS };
    // To SQLite's own VFS for Unix an empty file does not exist: an empty journal is none.
    let there = size.is_some_and(|size| size > 0 || flags != ffi::SQLITE_ACCESS_EXISTS);
    // SAFETY: SQLite gives a place for the answer.
    unsafe { *found = c_int::from(there) };
    ffi::SQLITE_OK
}

unsafe extern "C" fn full_name(_: *mut ffi::sqlite3_vfs, name: *const c_char, room: c_int, out: *mut c_char) -> c_int {
    // SAFETY: SQLite gives a name that ends with zero, and room for the answer.
    unsafe {
        let Some(name) = text(name) else { return ffi::SQLITE_CANTOPEN };
        let slash = if name.starts_with('/') { "" } else { "/" };
        let full = format!("{slash}{name}\0");
        if full.len() > usize::try_from(room).unwrap_or(0) {
            return ffi::SQLITE_CANTOPEN;
        }
        std::ptr::copy_nonoverlapping(full.as_ptr(), out.cast(), full.len());
    }
    ffi::SQLITE_OK
}

unsafe extern "C" fn no_library(_: *mut ffi::sqlite3_vfs, _: *const c_char) -> *mut c_void {
    std::ptr::null_mut()
}

unsafe extern "C" fn no_library_error(_: *mut ffi::sqlite3_vfs, room: c_int, out: *mut c_char) {
    if room > 0 {
        // SAFETY: SQLite gives that much room.
        unsafe { *out = 0 };
    }
}

unsafe extern "C" fn randomness(vfs: *mut ffi::sqlite3_vfs, count: c_int, out: *mut c_char) -> c_int {
    let mut bytes = vec![0; usize::try_from(count).unwrap_or(0)];
    // SAFETY: SQLite gives the VFS that it was given, and room for as many bytes as it asks for.
    unsafe {
        if let Some(disk) = disk_of(vfs) {
            disk.machine().chance().fill(&mut bytes);
        }
        std::ptr::copy_nonoverlapping(bytes.as_ptr(), out.cast(), bytes.len());
    }
    count
}

unsafe extern "C" fn sleep(vfs: *mut ffi::sqlite3_vfs, micros: c_int) -> c_int {
    // SAFETY: SQLite gives the VFS that it was given.
    if let Some(disk) = unsafe { disk_of(vfs) } {
        disk.machine().now_micros += i64::from(micros);
    }
    micros
}

unsafe extern "C" fn julian_millis(vfs: *mut ffi::sqlite3_vfs, out: *mut ffi::sqlite3_int64) -> c_int {
    // SAFETY: SQLite gives the VFS that it was given, and a place for the answer.
    unsafe {
        let Some(disk) = disk_of(vfs) else { return ffi::SQLITE_ERROR };
        *out = disk.machine().now_micros.div_euclid(1_000) + MILLIS_TO_1970;
    }
    ffi::SQLITE_OK
}

unsafe extern "C" fn julian_days(vfs: *mut ffi::sqlite3_vfs, out: *mut f64) -> c_int {
    let mut millis = 0;
    // SAFETY: as for the other time, whose answer has a place here.
    let said = unsafe { julian_millis(vfs, &raw mut millis) };
    #[allow(clippy::cast_precision_loss)]
    // SAFETY: SQLite gives a place for the answer.
    unsafe {
        *out = millis as f64 / 86_400_000.0
    };
    said
}
