//! One file: what reads see, and what a loss of power may take back.
//!
//! Only the overwritten bytes are kept beside the file, so that a write costs its own length, a sync nothing, and no
//! file is ever copied. To lose power the pending changes are undone, last first, which also gives them back to be
//! done again in another way.

use std::cell::RefCell;

use crate::chance::Chance;
use crate::disk::Counters;
use crate::loss::land;

/// Beyond this many pending changes the older half goes to the disk by itself, as it does when memory is short.
const PENDING_MAX: usize = 16_384;
/// How much room for bytes is kept for the next file, in how many pieces. The logs of databases come and go, and grow to
/// megabytes each time: memory that was in use before costs a fraction of fresh memory.
const SPARE_BYTES: usize = 1 << 25;
const SPARE_PIECES: usize = 16;
/// So much room for what is overwritten stays with its file from sync to sync.
const OLD_BYTES_KEPT: usize = 1 << 20;
/// Less than that is not worth keeping.
const SPARE_BYTES_MIN: usize = 1 << 16;

thread_local! {
    static SPARE: RefCell<Vec<Vec<u8>>> = const { RefCell::new(Vec::new()) };
}

/// Keeps the room of bytes that nobody needs any more.
fn spare(mut bytes: Vec<u8>) {
    if (SPARE_BYTES_MIN..=SPARE_BYTES).contains(&bytes.capacity()) {
        bytes.clear();
        // At the end of a thread there may be no place for it any more.
        let _ = SPARE.try_with(|spare| {
            let mut spare = spare.borrow_mut();
            if spare.len() < SPARE_PIECES {
                spare.push(bytes);
            }
        });
    }
}

/// Gives room for bytes: what was kept, if there is any.
fn room() -> Vec<u8> {
    SPARE.try_with(|spare| spare.borrow_mut().pop()).ok().flatten().unwrap_or_default()
}

/// A change to the bytes of a file.
pub(crate) enum Change {
    /// Bytes from a place on; what lies between the end and that place becomes zero.
    Write { at: usize, bytes: Vec<u8> },
    /// The file is this long from now on.
    Truncate { to: usize },
}

impl Change {
    pub(crate) fn apply(&self, content: &mut Vec<u8>) {
        match self {
            Change::Write { at, bytes } => put(content, *at, bytes),
            Change::Truncate { to } => content.resize(*to, 0),
        }
    }
}

/// Puts bytes into a file and makes it longer where it has to be.
pub(crate) fn put(content: &mut Vec<u8>, at: usize, bytes: &[u8]) {
    if at > content.len() {
        content.resize(at, 0);
    }
    let inside = bytes.len().min(content.len() - at);
    content[at..at + inside].copy_from_slice(&bytes[..inside]);
    content.extend_from_slice(&bytes[inside..]);
}

/// A change since the last sync; what it overwrote lies in `File::old`.
struct Pending {
    what: What,
    size_before: usize,
    old_bytes: usize,
}

enum What {
    Write { at: usize, length: usize },
    Truncate { to: usize },
}

pub(crate) struct File {
    now: Vec<u8>,
    pending: Vec<Pending>,
    old: Vec<u8>,
    /// What is really on the disk without the pending changes; only when a sync has failed, else `now` undone is it.
    settled: Option<Vec<u8>>,
}

impl Default for File {
    fn default() -> File {
        File { now: room(), pending: Vec::new(), old: Vec::new(), settled: None }
    }
}

impl Drop for File {
    fn drop(&mut self) {
        spare(std::mem::take(&mut self.now));
        spare(std::mem::take(&mut self.old));
    }
}

impl File {
    /// Makes a file that holds something already, all of it durable.
    pub(crate) fn holding(content: Vec<u8>) -> File {
        File { now: content, pending: Vec::new(), old: Vec::new(), settled: None }
    }

    pub(crate) fn content(&self) -> &[u8] {
        &self.now
    }

    pub(crate) fn write(&mut self, at: usize, bytes: &[u8]) {
        let size_before = self.now.len();
        let overwritten = at.min(size_before)..(at + bytes.len()).min(size_before);
        let old_bytes = overwritten.len();
        self.old.extend_from_slice(&self.now[overwritten]);
        put(&mut self.now, at, bytes);
        self.note(Pending { what: What::Write { at, length: bytes.len() }, size_before, old_bytes });
    }

    pub(crate) fn truncate(&mut self, to: usize) {
        let size_before = self.now.len();
        let gone = to.min(size_before)..size_before;
        let old_bytes = gone.len();
        if self.old.capacity() == 0 && old_bytes > SPARE_BYTES_MIN {
            self.old = room();
        }
        self.old.extend_from_slice(&self.now[gone]);
        self.now.resize(to, 0);
        self.note(Pending { what: What::Truncate { to }, size_before, old_bytes });
    }

    fn note(&mut self, pending: Pending) {
        self.pending.push(pending);
        if self.pending.len() > PENDING_MAX {
            self.write_back();
        }
    }

    /// Makes everything durable, but for what an earlier sync has failed to.
    pub(crate) fn sync(&mut self) {
        if self.settled.is_some() {
            let changes = self.rewind();
            for change in changes {
                self.settle(&change);
            }
        }
        self.pending.clear();
        self.old.clear();
        if self.old.capacity() > OLD_BYTES_KEPT {
            spare(std::mem::take(&mut self.old));
        }
    }

    /// Fails to make things durable as Linux does: reads go on seeing them, but half of them will never be on the disk,
    /// even when a later sync succeeds (Rebello et al., "Can Applications Recover from fsync Failures?", ATC 2020).
    pub(crate) fn fail_sync(&mut self, chance: &mut Chance) {
        if self.pending.is_empty() {
            return;
        }
        let changes = self.rewind();
        let mut settled = self.settled.take().unwrap_or_else(|| self.now.clone());
        for change in changes {
            if chance.once_in(2) {
                change.apply(&mut settled);
            }
            change.apply(&mut self.now);
        }
        self.settled = Some(settled);
    }

    /// Loses power: what is pending has the fate that chance gives it.
    pub(crate) fn cut(&mut self, sector: usize, chance: &mut Chance, counters: &mut Counters) {
        let changes = self.rewind();
        if let Some(settled) = self.settled.take() {
            self.now = settled;
        }
        land(&mut self.now, changes, sector, chance, counters);
    }

    fn write_back(&mut self) {
        let mut changes = self.rewind();
        let later = changes.split_off(changes.len() / 2);
        for change in changes {
            self.settle(&change);
        }
        for change in later {
            match change {
                Change::Write { at, bytes } => self.write(at, &bytes),
                Change::Truncate { to } => self.truncate(to),
            }
        }
    }

    fn settle(&mut self, change: &Change) {
        change.apply(&mut self.now);
        if let Some(settled) = &mut self.settled {
            change.apply(settled);
        }
    }

    /// Undoes all pending changes and gives them in the order in which they were made.
    fn rewind(&mut self) -> Vec<Change> {
        let mut changes = Vec::with_capacity(self.pending.len());
        while let Some(Pending { what, size_before, old_bytes }) = self.pending.pop() {
            let old = self.old.split_off(self.old.len() - old_bytes);
            match what {
                What::Write { at, length } => {
                    changes.push(Change::Write { at, bytes: self.now[at..at + length].to_vec() });
                    self.now.truncate(size_before);
                    put(&mut self.now, at.min(size_before), &old);
                }
                What::Truncate { to } => {
                    changes.push(Change::Truncate { to });
                    self.now.truncate(size_before);
                    self.now.extend_from_slice(&old);
                }
            }
        }
        changes.reverse();
        changes
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn settled(file: &File) -> Vec<u8> {
        file.settled.clone().unwrap_or_else(|| file.now.clone())
    }

    #[test]
    fn undoing_gives_back_what_was_and_what_was_done() {
        let mut chance = Chance::new(3);
        for _ in 0..300 {
            let mut file = File::default();
            file.write(0, &vec![7; chance.below(50)]);
            file.sync();
            let before = file.now.clone();
            for round in 0..chance.below(20) {
                if chance.once_in(4) {
                    file.truncate(chance.below(60));
                } else {
                    file.write(chance.below(60), &vec![round as u8; 1 + chance.below(20)]);
                }
            }
            let after = file.now.clone();
            let changes = file.rewind();
            assert_eq!((&file.now, file.old.len()), (&before, 0));
            changes.iter().for_each(|change| change.apply(&mut file.now));
            assert_eq!(file.now, after);
        }
    }

    #[test]
    fn what_a_sync_failed_to_keep_stays_lost_after_the_next_one() {
        let mut lost = 0;
        for seed in 0..100 {
            let (mut file, mut chance) = (File::default(), Chance::new(seed));
            file.write(0, b"abcd");
            file.sync();
            file.write(1, b"X");
            file.fail_sync(&mut chance);
            file.write(2, b"Y");
            file.sync();
            assert_eq!(file.content(), b"aXYd", "reads see what was written");
            file.cut(512, &mut chance, &mut Counters::default());
            assert!([&b"aXYd"[..], b"abYd"].contains(&file.content()));
            lost += usize::from(file.content() == b"abYd");
        }
        assert!((20..80).contains(&lost), "{lost} of 100");
    }

    #[test]
    fn a_file_that_is_never_synced_does_not_keep_every_change() {
        let mut file = File::default();
        for round in 0..3 * PENDING_MAX {
            file.write(round % 100, &[round as u8]);
        }
        assert!(file.pending.len() <= PENDING_MAX && file.old.len() <= PENDING_MAX);
        let after = settled(&file);
        file.rewind().iter().for_each(|change| change.apply(&mut file.now));
        assert_eq!(file.now, after);
    }
}
