//! The memory that the connections of one log share, and its eight locks (sqlite.org: `walformat.html`, section 2).

use std::ffi::c_void;
use std::sync::atomic::AtomicU64;

use rusqlite::ffi::SQLITE_SHM_NLOCK;

/// How many locks there are.
pub(crate) const LOCKS: usize = SQLITE_SHM_NLOCK as usize;

/// A set of locks, one bit each.
pub(crate) type Mask = u8;

#[derive(Default)]
pub(crate) struct Shared {
    /// Atomics, because SQLite writes into them while others hold the same address; they never move.
    regions: Vec<Box<[AtomicU64]>>,
    /// Per lock: how many share it, or -1 for one that has it alone.
    held: [i32; LOCKS],
    /// How many connections have it.
    pub(crate) users: usize,
}

impl Shared {
    /// Gives the address of a region; none when it is not there and is not to be made.
    pub(crate) fn region(&mut self, number: usize, bytes: usize, make: bool) -> Option<*mut c_void> {
        while make && self.regions.len() <= number {
            self.regions.push((0..bytes.div_ceil(8)).map(|_| AtomicU64::new(0)).collect());
        }
        self.regions.get(number).map(|region| region.as_ptr().cast_mut().cast())
    }

    /// Takes locks together with others that share them; false when somebody has one alone.
    pub(crate) fn share(&mut self, wanted: Mask) -> bool {
        let free = each(wanted).all(|lock| self.held[lock] >= 0);
        if free {
            each(wanted).for_each(|lock| self.held[lock] += 1);
        }
        free
    }

    /// Takes locks alone; false when somebody has one.
    pub(crate) fn exclude(&mut self, wanted: Mask) -> bool {
        let free = each(wanted).all(|lock| self.held[lock] == 0);
        if free {
            each(wanted).for_each(|lock| self.held[lock] = -1);
        }
        free
    }

    /// Gives locks back.
    pub(crate) fn release(&mut self, shared: Mask, alone: Mask) {
        each(shared).for_each(|lock| self.held[lock] -= 1);
        each(alone).for_each(|lock| self.held[lock] = 0);
    }
}

/// The set of `count` locks from one on.
pub(crate) fn mask(first: usize, count: usize) -> Mask {
    (first..(first + count).min(LOCKS)).fold(0, |mask, lock| mask | 1 << lock)
}

fn each(mask: Mask) -> impl Iterator<Item = usize> {
    (0..LOCKS).filter(move |lock| mask & (1 << lock) != 0)
}
