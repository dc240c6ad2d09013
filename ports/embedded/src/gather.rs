//! What a commit adds to the log goes to the file in a few large writes.
//!
//! SQLite writes each page of a commit by itself, and in two pieces, the head of a frame and the page. Nobody but the writer
//! looks at the end of the log before it is flushed: readers are told of a commit afterwards, and a pass that puts the log
//! away goes no further than commits. So the pieces that follow each other are held until the flush, and go out together. The
//! writer itself reads them from where they are held. What is taken back is not written at all.
//!
//! That holds where each commit is flushed whole: `synchronous = full`, and a disk on which a write spoils nothing beside it
//! (`SQLITE_IOCAP_POWERSAFE_OVERWRITE`; elsewhere SQLite adds to a commit after its flush). Elsewhere nothing is held.

// SQLite calls a file through C.
#![allow(unsafe_code)]

use std::ffi::{c_int, c_void};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use rusqlite::{Connection, ffi};

use crate::file::{File, Which};

/// How many bytes go out at once: SQLite's own way to the disk takes no more than 128 KiB, less one.
const HELD_MAX: usize = 1 << 16;
/// Each commit is flushed before anybody is told of it.
const FULL: i64 = 2;

/// Holds what the writer adds to its log, for as long as that log is open.
pub(crate) fn gather(connection: &mut Connection) -> rusqlite::Result<()> {
    let synchronous: i64 = connection.query_row("pragma synchronous", [], |row| row.get(0))?;
    // SQLite asks the data file what the disk is like, for both.
    let is_safe = File::of(connection, Which::Data)?.is_some_and(|data| data.is_safe_beside_writes());
    let pending = Arc::<Mutex<Pending>>::default();
    match File::of(connection, Which::Log)? {
        Some(log) if synchronous >= FULL && is_safe && log.is_safe_beside_writes() => {
            log.wrap(|own| Gathering::boxed(own, pending.clone()));
        }
        _ => return Ok(()),
    }
    connection.rollback_hook(Some(move || lock(&pending).forget()))
}

/// A file that can be read and written at any place, in SQLite's words.
trait Bytes {
    fn put(&mut self, at: i64, bytes: &[u8]) -> c_int;
    fn get(&mut self, at: i64, bytes: &mut [u8]) -> c_int;
}

/// Bytes on their way to a file.
#[derive(Debug, Default)]
struct Pending {
    at: i64,
    bytes: Vec<u8>,
    /// Why they could not be written, though SQLite has been told that they were; the transaction comes to nothing.
    failed: Option<c_int>,
}

impl Pending {
    fn add(&mut self, at: i64, bytes: &[u8], file: &mut impl Bytes) -> c_int {
        if let Some(why) = self.failed {
            return why;
        }
        let start = usize::try_from(at - self.at).unwrap_or(usize::MAX);
        if let Some(here) = self.bytes.get_mut(start..start.saturating_add(bytes.len())) {
            here.copy_from_slice(bytes);
            return ffi::SQLITE_OK;
        }
        let follows = start == self.bytes.len();
        if !follows || start + bytes.len() > HELD_MAX {
            let said = self.put_out(file);
            if said != ffi::SQLITE_OK {
                return said;
            }
            self.at = at;
        }
        self.bytes.extend_from_slice(bytes);
        ffi::SQLITE_OK
    }

    fn put_out(&mut self, file: &mut impl Bytes) -> c_int {
        if let Some(why) = self.failed {
            return why;
        }
        let mut at = self.at;
        for part in self.bytes.chunks(HELD_MAX) {
            let said = file.put(at, part);
            if said != ffi::SQLITE_OK {
                self.failed = Some(said);
                return said;
            }
            at += part.len() as i64;
        }
        self.at = at;
        self.bytes.clear();
        ffi::SQLITE_OK
    }

    fn read(&mut self, at: i64, to: &mut [u8], file: &mut impl Bytes) -> c_int {
        let (end, held_to) = (at + to.len() as i64, self.at + self.bytes.len() as i64);
        if self.bytes.is_empty() || end <= self.at || at >= held_to {
            return file.get(at, to);
        }
        if end > held_to {
            let said = self.put_out(file);
            return if said == ffi::SQLITE_OK { file.get(at, to) } else { said };
        }
        let (out, held) = to.split_at_mut(usize::try_from(self.at - at).unwrap_or(0));
        let said = if out.is_empty() { ffi::SQLITE_OK } else { file.get(at, out) };
        let start = usize::try_from(at - self.at).unwrap_or(0);
        held.copy_from_slice(&self.bytes[start..start + held.len()]);
        said
    }

    /// Lets go of what belongs to a transaction that is taken back.
    fn forget(&mut self) {
        self.bytes.clear();
        self.failed = None;
    }
}

fn lock(pending: &Mutex<Pending>) -> MutexGuard<'_, Pending> {
    pending.lock().unwrap_or_else(PoisonError::into_inner)
}

/// The methods of a log whose writes are held. SQLite finds them by their address, and they find what they hold by it.
#[repr(C)]
struct Gathering {
    methods: ffi::sqlite3_io_methods,
    own: *const ffi::sqlite3_io_methods,
    pending: Arc<Mutex<Pending>>,
}

impl Gathering {
    fn boxed(own: &ffi::sqlite3_io_methods, pending: Arc<Mutex<Pending>>) -> *const ffi::sqlite3_io_methods {
        let methods = ffi::sqlite3_io_methods {
            xClose: Some(close),
            xRead: Some(read),
            xWrite: Some(write),
            xTruncate: Some(truncate),
            xSync: Some(flush),
            xFileSize: Some(size),
            ..*own
        };
        Box::into_raw(Box::new(Gathering { methods, own, pending })).cast()
    }
}

/// A log as it is without us.
struct Own<'a> {
    file: *mut ffi::sqlite3_file,
    methods: &'a ffi::sqlite3_io_methods,
}

impl Own<'_> {
    /// Finds what a log holds, and the log itself.
    ///
    /// # Safety
    /// The file is open and stays so, and its methods are from [`Gathering::boxed`].
    unsafe fn of<'a>(file: *mut ffi::sqlite3_file) -> (MutexGuard<'a, Pending>, Own<'a>) {
        // SAFETY: its methods are the beginning of this structure, which lives until the file is closed; the file's own ones
        // belong to its VFS and live for ever.
        unsafe {
            let gathering = &*(*file).pMethods.cast::<Gathering>();
            (lock(&gathering.pending), Own { file, methods: &*gathering.own })
        }
    }
}

impl Bytes for Own<'_> {
    fn put(&mut self, at: i64, bytes: &[u8]) -> c_int {
        let Some(write) = self.methods.xWrite else { return ffi::SQLITE_IOERR_WRITE };
        // SAFETY: there are as many bytes, and the file is open: whoever made this promised it.
        unsafe { write(self.file, bytes.as_ptr().cast(), bytes.len() as c_int, at) }
    }

    fn get(&mut self, at: i64, bytes: &mut [u8]) -> c_int {
        let Some(read) = self.methods.xRead else { return ffi::SQLITE_IOERR_READ };
        // SAFETY: there is room for as many bytes, and the file is open: whoever made this promised it.
        unsafe { read(self.file, bytes.as_mut_ptr().cast(), bytes.len() as c_int, at) }
    }
}

unsafe extern "C" fn close(file: *mut ffi::sqlite3_file) -> c_int {
    // SAFETY: SQLite closes an open file, once. It is its own again before that, so nobody finds what is dropped here: what
    // was not flushed was promised to nobody.
    unsafe {
        let gathering = (*file).pMethods.cast_mut().cast::<Gathering>();
        (*file).pMethods = (*gathering).own;
        drop(Box::from_raw(gathering));
        (*(*file).pMethods).xClose.map_or(ffi::SQLITE_IOERR_CLOSE, |close| close(file))
    }
}

unsafe extern "C" fn read(file: *mut ffi::sqlite3_file, to: *mut c_void, count: c_int, at: i64) -> c_int {
    // SAFETY: SQLite gives an open file, and room for as many bytes.
    unsafe {
        let (mut pending, mut own) = Own::of(file);
        let to = std::slice::from_raw_parts_mut(to.cast::<u8>(), usize::try_from(count).unwrap_or(0));
        pending.read(at, to, &mut own)
    }
}

unsafe extern "C" fn write(file: *mut ffi::sqlite3_file, from: *const c_void, count: c_int, at: i64) -> c_int {
    // SAFETY: SQLite gives an open file, and as many bytes.
    unsafe {
        let (mut pending, mut own) = Own::of(file);
        let bytes = std::slice::from_raw_parts(from.cast::<u8>(), usize::try_from(count).unwrap_or(0));
        pending.add(at, bytes, &mut own)
    }
}

/// Writes what is held, then does what is to come after it.
///
/// # Safety
/// As for [`Own::of`].
unsafe fn after_all(file: *mut ffi::sqlite3_file, then: impl FnOnce(&ffi::sqlite3_io_methods) -> Option<c_int>) -> c_int {
    // SAFETY: as the caller promises.
    let (mut pending, mut own) = unsafe { Own::of(file) };
    match pending.put_out(&mut own) {
        ffi::SQLITE_OK => then(own.methods).unwrap_or(ffi::SQLITE_IOERR),
        failed => failed,
    }
}

unsafe extern "C" fn truncate(file: *mut ffi::sqlite3_file, length: i64) -> c_int {
    // SAFETY: SQLite gives an open file.
    unsafe { after_all(file, |own| own.xTruncate.map(|truncate| truncate(file, length))) }
}

unsafe extern "C" fn flush(file: *mut ffi::sqlite3_file, flags: c_int) -> c_int {
    // SAFETY: SQLite gives an open file.
    unsafe { after_all(file, |own| own.xSync.map(|sync| sync(file, flags))) }
}

unsafe extern "C" fn size(file: *mut ffi::sqlite3_file, length: *mut i64) -> c_int {
    // SAFETY: SQLite gives an open file, and a place for the answer.
    unsafe { after_all(file, |own| own.xFileSize.map(|size| size(file, length))) }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// A file of memory that takes no byte from a place on, and how long the writes were.
    struct Disk {
        bytes: Vec<u8>,
        writes: Vec<usize>,
        room: usize,
    }

    impl Disk {
        fn new() -> Disk {
            Disk { bytes: Vec::new(), writes: Vec::new(), room: usize::MAX }
        }
    }

    impl Bytes for Disk {
        fn put(&mut self, at: i64, bytes: &[u8]) -> c_int {
            let at = at as usize;
            if at + bytes.len() > self.room {
                return ffi::SQLITE_FULL;
            }
            self.bytes.resize(self.bytes.len().max(at + bytes.len()), 0);
            self.bytes[at..at + bytes.len()].copy_from_slice(bytes);
            self.writes.push(bytes.len());
            ffi::SQLITE_OK
        }

        fn get(&mut self, at: i64, bytes: &mut [u8]) -> c_int {
            match self.bytes.get(at as usize..at as usize + bytes.len()) {
                Some(here) => bytes.copy_from_slice(here),
                None => return ffi::SQLITE_IOERR_SHORT_READ,
            }
            ffi::SQLITE_OK
        }
    }

    #[test]
    fn pieces_that_follow_each_other_go_out_together() {
        let (mut disk, mut pending, mut all) = (Disk::new(), Pending::default(), Vec::new());
        for nth in 0..40u8 {
            for piece in [vec![nth; 24], vec![nth ^ 0xFF; 4_096]] {
                assert_eq!(pending.add(all.len() as i64, &piece, &mut disk), ffi::SQLITE_OK);
                all.extend(piece);
            }
        }
        assert_eq!(pending.put_out(&mut disk), ffi::SQLITE_OK);
        assert!(disk.bytes == all && disk.writes.len() == 3, "{:?}", disk.writes);
        disk.room = 0;
        assert_eq!(pending.put_out(&mut disk), ffi::SQLITE_OK, "nothing is left");
    }

    #[test]
    fn what_is_held_is_mended_in_place_and_what_is_out_is_written_over() {
        let (mut disk, mut pending) = (Disk::new(), Pending::default());
        for (at, bytes) in [(0, b"abcdef".as_slice()), (6, b"ghij"), (2, b"CD"), (9, b"JKL"), (1, b"B"), (4, b"EF")] {
            assert_eq!(pending.add(at, bytes, &mut disk), ffi::SQLITE_OK);
        }
        assert_eq!(pending.put_out(&mut disk), ffi::SQLITE_OK);
        assert_eq!(disk.bytes, b"aBCDEFghiJKL");
    }

    #[test]
    fn a_piece_of_any_length_goes_out_in_parts_that_the_disk_takes() {
        let (mut disk, mut pending) = (Disk::new(), Pending::default());
        let long: Vec<u8> = (0..300_000u32).map(|nth| nth as u8).collect();
        assert_eq!(pending.add(7, &long, &mut disk), ffi::SQLITE_OK);
        assert_eq!(pending.put_out(&mut disk), ffi::SQLITE_OK);
        assert!(disk.bytes[7..] == long && disk.writes.iter().all(|length| *length <= HELD_MAX));
    }

    #[test]
    fn what_is_held_is_read_from_there_and_asks_for_no_room() {
        let (mut disk, mut pending) = (Disk::new(), Pending::default());
        disk.put(0, b"abcdef");
        disk.room = 0;
        assert_eq!(pending.add(4, b"EFGH", &mut disk), ffi::SQLITE_OK);
        for (at, text) in [(0, b"abcd".as_slice()), (2, b"cdEF"), (4, b"EFGH"), (5, b"FG")] {
            let mut read = vec![0; text.len()];
            assert_eq!((pending.read(at, &mut read, &mut disk), read.as_slice()), (ffi::SQLITE_OK, text));
        }
        let mut read = [0; 4];
        assert_eq!(pending.read(8, &mut read, &mut disk), ffi::SQLITE_IOERR_SHORT_READ, "nothing is there");
        assert_eq!(pending.read(6, &mut read, &mut disk), ffi::SQLITE_FULL, "what is beyond is in the file, if anywhere");
    }

    #[test]
    fn nothing_is_written_after_what_could_not_be_until_all_of_it_is_taken_back() {
        let (mut disk, mut pending) = (Disk::new(), Pending::default());
        assert_eq!(pending.add(0, b"kept", &mut disk), ffi::SQLITE_OK);
        assert_eq!(pending.put_out(&mut disk), ffi::SQLITE_OK);
        disk.room = 6;
        assert_eq!(pending.add(4, b"lost", &mut disk), ffi::SQLITE_OK);
        assert_eq!(pending.put_out(&mut disk), ffi::SQLITE_FULL);
        disk.room = usize::MAX;
        for at in [0, 4, 8] {
            assert_eq!(pending.add(at, b"more", &mut disk), ffi::SQLITE_FULL);
            assert_eq!(pending.put_out(&mut disk), ffi::SQLITE_FULL);
        }
        pending.forget();
        assert_eq!(pending.put_out(&mut disk), ffi::SQLITE_OK);
        assert_eq!(disk.bytes, b"kept");
        assert_eq!(pending.add(4, b"anew", &mut disk), ffi::SQLITE_OK);
        assert_eq!(pending.put_out(&mut disk), ffi::SQLITE_OK);
        assert_eq!(disk.bytes, b"keptanew");
    }
}
