//! The handle: what a test or a simulated world does to a disk.

use std::ops::Range;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use crate::machine::Machine;
use crate::vfs::Slot;

/// What has happened to a disk so far.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Counters {
    /// Everything that changes something or makes it durable, in the order that [`Disk::cut_at`] counts: new names,
    /// writes, truncations, syncs, deletions.
    pub operations: u64,
    /// Writes.
    pub writes: u64,
    /// Bytes written.
    pub bytes: u64,
    /// Syncs of files and folders, with those that failed or lied.
    pub syncs: u64,
    /// Syncs that were made to fail.
    pub failed_syncs: u64,
    /// Writes that found no room.
    pub refused: u64,
    /// Losses of power.
    pub cuts: u64,
    /// Deaths of the process alone.
    pub kills: u64,
    /// Changes that a loss of power took back.
    pub dropped: u64,
    /// Writes of which a loss of power left a part.
    pub torn: u64,
    /// Writes that a loss of power let land before or after their turn.
    pub reordered: u64,
    /// Stretches in which a loss of power left nonsense.
    pub garbled: u64,
}

/// What handles and open files share; the name is free for the next disk when the last of them is gone.
pub(crate) struct Inner {
    slot: &'static Slot,
    machine: Mutex<Machine>,
}

impl Inner {
    pub(crate) fn machine(&self) -> MutexGuard<'_, Machine> {
        self.machine.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Drop for Inner {
    fn drop(&mut self) {
        self.slot.give_back();
    }
}

/// A disk in memory with a machine around it. Clones are the same disk.
///
/// Connections are opened on it by its name: `Connection::open_with_flags_and_vfs(path, flags, disk.vfs())`, or with
/// `embedded::Options { vfs: Some(disk.vfs().to_owned()), .. }`. Its files live as long as it, or a connection on it, does.
///
/// The seed also decides whether its sectors are of 512 or 4,096 bytes.
#[derive(Clone)]
pub struct Disk(Arc<Inner>);

impl std::fmt::Debug for Disk {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let machine = self.0.machine();
        write!(f, "Disk({}, sectors of {}, {:?})", self.vfs(), machine.sector, machine.counters)
    }
}

impl Disk {
    /// Makes an empty disk, whose chance is that of the seed.
    pub fn new(seed: u64) -> Disk {
        Disk::make(seed, false)
    }

    /// Makes a disk with a defect: every sync succeeds and makes nothing durable. For proof that a loss would be seen.
    pub fn lying(seed: u64) -> Disk {
        Disk::make(seed, true)
    }

    fn make(seed: u64, lying: bool) -> Disk {
        let slot = Slot::take();
        let inner = Arc::new(Inner { slot, machine: Mutex::new(Machine::new(seed, lying)) });
        slot.set(&inner);
        Disk(inner)
    }

    /// Gives the name by which SQLite knows it; no other living disk of this process has it.
    pub fn vfs(&self) -> &str {
        self.0.slot.name()
    }

    /// Takes the power away, now. What was synced stays; of what was written since, chance decides.
    ///
    /// Whatever was open is dead: it gives `SQLITE_IOERR`, and closing it works. So that nothing of the dead process opens
    /// anything anew, the disk stays down until [`Disk::start`].
    pub fn cut(&self) {
        self.0.machine().cut();
    }

    /// Takes the power away at the n-th operation from now (see [`Counters::operations`]; the next is the first). That
    /// one fails, whether it was done or not, and all after it do.
    pub fn cut_at(&self, operation: u64) {
        self.0.machine().cut_at(operation);
    }

    /// Kills the process alone, now: what was written stays, and so does what a sync is still needed for. The rest is as
    /// with [`Disk::cut`].
    pub fn kill(&self) {
        self.0.machine().kill();
    }

    /// Starts the machine, or the process, again: files can be opened.
    pub fn start(&self) {
        self.0.machine().start();
    }

    /// True from a cut or kill until the start.
    pub fn is_down(&self) -> bool {
        self.0.machine().is_down()
    }

    /// Lets all files together grow by so many bytes more, or without a limit. A write beyond is done in part and gives
    /// `SQLITE_FULL`; what is deleted or cut off makes room.
    pub fn set_room(&self, bytes: Option<u64>) {
        self.0.machine().set_room(bytes);
    }

    /// Lets these syncs of files from now (the next is 1) fail with `SQLITE_IOERR_FSYNC`. What they were to make durable is
    /// still read, but half of it is lost when the power goes, whatever later syncs say, unless it is written again.
    pub fn fail_syncs(&self, these: Range<u64>) {
        self.0.machine().fail_syncs(these);
    }

    /// Sets the time that SQLite sees, in microseconds since 1970. It stands still but for SQLite's own sleeps, which
    /// take no time in the world outside.
    pub fn set_time(&self, micros: i64) {
        self.0.machine().now_micros = micros;
    }

    /// Gives the bytes of all files together.
    pub fn used(&self) -> u64 {
        self.0.machine().used() as u64
    }

    /// Puts a file there under its whole name (`/a.db`), as if it had always been there. Nobody may have one of that name open.
    pub fn put(&self, name: &str, content: Vec<u8>) {
        self.0.machine().lay(name, content);
    }

    /// Gives what a file holds, as it is read now.
    pub fn get(&self, name: &str) -> Option<Vec<u8>> {
        self.0.machine().contents().find(|(known, _)| *known == name).map(|(_, content)| content.to_vec())
    }

    /// Gives what has happened so far.
    pub fn counters(&self) -> Counters {
        self.0.machine().counters
    }

    /// Gives a number that stands for all names and contents as they are read now (FNV-1a), to compare two runs by.
    pub fn digest(&self) -> u64 {
        let mut digest = 0xcbf2_9ce4_8422_2325_u64;
        for (name, content) in self.0.machine().contents() {
            for byte in name.bytes().chain(content.len().to_le_bytes()).chain(content.iter().copied()) {
                digest = (digest ^ u64::from(byte)).wrapping_mul(0x0100_0000_01b3);
            }
        }
        digest
    }
}

/// Sets SQLite's own chance (the salts of its logs, `random()`), which all connections of the process share. With it, and
/// one thread, two runs are alike to the byte; without it, in what they hold.
pub fn seed_sqlite(seed: u32) {
    crate::vfs::seed_sqlite(seed);
}
