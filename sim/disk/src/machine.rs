//! The machine that has the disk: its files, who has them open, and the moments at which it fails.

use std::collections::BTreeMap;
use std::ops::Range;

use crate::chance::Chance;
use crate::disk::Counters;
use crate::file::File;
use crate::folder::Folder;
use crate::locks::{Level, Locks};
use crate::shared::{Mask, Shared};

/// No file grows beyond this: an offset from a broken file must not take the memory of the machine that simulates.
const FILE_BYTES_MAX: usize = 1 << 32;
/// 2024-01-01, in microseconds since 1970: where time stands until it is set.
const TIME_FIRST: i64 = 1_704_067_200_000_000;

/// Why an operation was not done.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Trouble {
    /// The power is gone, or the process that had opened the file is.
    Dead,
    /// There is no such file, or there is one and there should not be.
    Missing,
    /// No room is left.
    Full,
    /// Another connection holds a lock.
    Busy,
    /// The disk has not done what it should.
    Failed,
    /// The file was opened for reading.
    ReadOnly,
}

/// How a file is to be opened.
#[derive(Debug, Clone, Copy, Default)]
pub(crate) struct Wish {
    /// Made when it is not there.
    pub(crate) create: bool,
    /// Refused when it is there.
    pub(crate) new: bool,
    /// Never written.
    pub(crate) read_only: bool,
    /// Gone when it is closed.
    pub(crate) fleeting: bool,
    /// A journal or log: its first sync takes the folder with it.
    pub(crate) journal: bool,
}

#[derive(Default)]
pub(crate) struct Node {
    pub(crate) file: File,
    pub(crate) locks: Locks,
    pub(crate) shared: Option<u64>,
    open: usize,
}

/// What one connection has of one file.
pub(crate) struct Handle {
    pub(crate) node: u64,
    life: u64,
    name: Option<String>,
    read_only: bool,
    fleeting: bool,
    sync_folder: bool,
    pub(crate) level: Level,
    pub(crate) shared: Option<u64>,
    pub(crate) sharing: Mask,
    pub(crate) alone: Mask,
}

pub(crate) struct Machine {
    chance: Chance,
    pub(crate) sector: usize,
    lying: bool,
    up: bool,
    /// Counts the lives of the process: what an earlier one had opened is dead.
    life: u64,
    folder: Folder,
    pub(crate) nodes: BTreeMap<u64, Node>,
    pub(crate) shared: BTreeMap<u64, Shared>,
    made: u64,
    handles: Vec<Option<Handle>>,
    free: Vec<usize>,
    capacity: Option<usize>,
    cut_at: Option<u64>,
    failing: Range<u64>,
    pub(crate) now_micros: i64,
    pub(crate) counters: Counters,
}

impl Machine {
    pub(crate) fn new(seed: u64, lying: bool) -> Machine {
        let mut chance = Chance::new(seed);
        let sector = if chance.once_in(2) { 512 } else { 4_096 };
        Machine {
            chance,
            sector,
            lying,
            up: true,
            life: 0,
            folder: Folder::default(),
            nodes: BTreeMap::new(),
            shared: BTreeMap::new(),
            made: 0,
            handles: Vec::new(),
            free: Vec::new(),
            capacity: None,
            cut_at: None,
            failing: 0..0,
            now_micros: TIME_FIRST,
            counters: Counters::default(),
        }
    }

    pub(crate) fn open(&mut self, name: Option<&str>, wish: Wish) -> Result<usize, Trouble> {
        self.is_up()?;
        let found = name.and_then(|name| self.folder.find(name));
        let node = match found {
            Some(_) if wish.new => return Err(Trouble::Missing),
            Some(node) => node,
            None if !wish.create => return Err(Trouble::Missing),
            None => {
                let node = self.number();
                self.nodes.insert(node, Node::default());
                if let Some(name) = name {
                    self.folder.create(name, node);
                    self.step()?;
                }
                node
            }
        };
        self.nodes.entry(node).or_default().open += 1;
        let handle = Handle {
            node,
            life: self.life,
            name: name.map(str::to_owned),
            read_only: wish.read_only,
            fleeting: wish.fleeting,
            sync_folder: wish.journal && found.is_none(),
            level: Level::None,
            shared: None,
            sharing: 0,
            alone: 0,
        };
        let at = self.free.pop().unwrap_or(self.handles.len());
        if at == self.handles.len() {
            self.handles.push(None);
        }
        self.handles[at] = Some(handle);
        Ok(at)
    }

    pub(crate) fn close(&mut self, at: usize) {
        self.unlock(at, Level::None);
        self.unmap(at);
        let Some(handle) = self.handles.get_mut(at).and_then(Option::take) else { return };
        self.free.push(at);
        if handle.life != self.life {
            return;
        }
        if let Some(node) = self.nodes.get_mut(&handle.node) {
            node.open -= 1;
        }
        match handle.name {
            Some(name) if handle.fleeting && self.up => self.folder.delete(&name),
            _ => {}
        }
        self.sweep(handle.node);
    }

    /// Gives a handle and its file, if they still live.
    pub(crate) fn alive(&mut self, at: usize) -> Result<(&mut Handle, &mut Node), Trouble> {
        self.is_up()?;
        let handle = self.handles.get_mut(at).and_then(Option::as_mut).ok_or(Trouble::Dead)?;
        let node = self.nodes.get_mut(&handle.node).filter(|_| handle.life == self.life).ok_or(Trouble::Dead)?;
        Ok((handle, node))
    }

    /// Gives what there is from a place on, `length` bytes at most.
    pub(crate) fn read(&mut self, at: usize, offset: usize, length: usize) -> Result<&[u8], Trouble> {
        let (_, node) = self.alive(at)?;
        let content = node.file.content();
        Ok(&content[offset.min(content.len())..(offset.saturating_add(length)).min(content.len())])
    }

    pub(crate) fn size(&mut self, at: usize) -> Result<usize, Trouble> {
        Ok(self.alive(at)?.1.file.content().len())
    }

    pub(crate) fn write(&mut self, at: usize, offset: usize, bytes: &[u8]) -> Result<(), Trouble> {
        let room = self.room();
        let (handle, node) = self.alive(at)?;
        if handle.read_only {
            return Err(Trouble::ReadOnly);
        }
        let may_end = node.file.content().len().saturating_add(room).min(FILE_BYTES_MAX);
        // As on a real one, what fits is written before the disk is full.
        let fits = may_end.saturating_sub(offset).min(bytes.len());
        if fits > 0 {
            node.file.write(offset, &bytes[..fits]);
            self.counters.writes += 1;
            self.counters.bytes += fits as u64;
        }
        self.step()?;
        if fits < bytes.len() {
            self.counters.refused += 1;
            return Err(Trouble::Full);
        }
        Ok(())
    }

    pub(crate) fn truncate(&mut self, at: usize, to: usize) -> Result<(), Trouble> {
        let (handle, node) = self.alive(at)?;
        if handle.read_only {
            return Err(Trouble::ReadOnly);
        }
        if to > FILE_BYTES_MAX {
            return Err(Trouble::Full);
        }
        node.file.truncate(to);
        self.step()
    }

    pub(crate) fn sync(&mut self, at: usize) -> Result<(), Trouble> {
        self.alive(at)?;
        self.counters.syncs += 1;
        // The power may go before it is done, or after, and nobody has been told.
        let cut_after = self.cut_at == Some(self.counters.operations + 1) && self.chance.once_in(2);
        if !cut_after {
            self.step()?;
        }
        if !self.lying {
            self.make_durable(at)?;
        }
        if cut_after { self.step() } else { Ok(()) }
    }

    fn make_durable(&mut self, at: usize) -> Result<(), Trouble> {
        let fails = self.failing.contains(&self.counters.syncs);
        let Some(handle) = self.handles.get_mut(at).and_then(Option::as_mut) else { return Err(Trouble::Dead) };
        let Some(node) = self.nodes.get_mut(&handle.node) else { return Err(Trouble::Dead) };
        if fails {
            self.counters.failed_syncs += 1;
            node.file.fail_sync(&mut self.chance);
            return Err(Trouble::Failed);
        }
        node.file.sync();
        self.folder.sync_file(handle.node);
        if let (true, Some(name)) = (handle.sync_folder, &handle.name) {
            self.folder.sync_beside(name);
            handle.sync_folder = false;
        }
        Ok(())
    }

    pub(crate) fn delete(&mut self, name: &str, sync_folder: bool) -> Result<(), Trouble> {
        self.is_up()?;
        let node = self.folder.find(name).ok_or(Trouble::Missing)?;
        self.folder.delete(name);
        self.step()?;
        if sync_folder && !self.lying {
            self.counters.syncs += 1;
            self.folder.sync_beside(name);
        }
        self.sweep(node);
        Ok(())
    }

    /// Gives the size of a file by its name; none when it is not there.
    pub(crate) fn look(&self, name: &str) -> Result<Option<usize>, Trouble> {
        self.is_up()?;
        Ok(self.folder.find(name).and_then(|node| self.nodes.get(&node)).map(|node| node.file.content().len()))
    }

    /// Loses power. The disk stays down until it is started.
    pub(crate) fn cut(&mut self) {
        self.counters.cuts += 1;
        self.end_life();
        self.cut_at = None;
        self.failing = 0..0;
        self.counters.dropped += self.folder.cut(&mut self.chance) as u64;
        for node in self.nodes.values_mut() {
            node.file.cut(self.sector, &mut self.chance, &mut self.counters);
        }
        self.sweep_all();
    }

    /// Ends the process alone: everything written stays.
    pub(crate) fn kill(&mut self) {
        self.counters.kills += 1;
        self.end_life();
        self.sweep_all();
    }

    pub(crate) fn start(&mut self) {
        self.up = true;
    }

    pub(crate) fn is_down(&self) -> bool {
        !self.up
    }

    pub(crate) fn cut_at(&mut self, operation: u64) {
        self.cut_at = Some(self.counters.operations.saturating_add(operation.max(1)));
    }

    pub(crate) fn fail_syncs(&mut self, these: Range<u64>) {
        let from_now = |sync| self.counters.syncs.saturating_add(sync);
        self.failing = from_now(these.start)..from_now(these.end);
    }

    pub(crate) fn set_room(&mut self, bytes: Option<u64>) {
        self.capacity = bytes.map(|bytes| usize::try_from(bytes).unwrap_or(usize::MAX).saturating_add(self.used()));
    }

    /// Gives the bytes of all files.
    pub(crate) fn used(&self) -> usize {
        self.nodes.values().map(|node| node.file.content().len()).sum()
    }

    /// Puts a file there in place of any other of its name, as if it had always been there.
    pub(crate) fn lay(&mut self, name: &str, content: Vec<u8>) {
        let node = self.number();
        self.nodes.insert(node, Node { file: File::holding(content), ..Node::default() });
        self.folder.create(name, node);
        self.folder.sync_file(node);
    }

    /// Gives every file's name and content, by name.
    pub(crate) fn contents(&self) -> impl Iterator<Item = (&str, &[u8])> {
        self.folder.files().filter_map(|(name, node)| Some((name, self.nodes.get(&node)?.file.content())))
    }

    pub(crate) fn chance(&mut self) -> &mut Chance {
        &mut self.chance
    }

    pub(crate) fn number(&mut self) -> u64 {
        self.made += 1;
        self.made
    }

    pub(crate) fn handle(&mut self, at: usize) -> Option<&mut Handle> {
        self.handles.get_mut(at).and_then(Option::as_mut)
    }

    fn is_up(&self) -> Result<(), Trouble> {
        if self.up { Ok(()) } else { Err(Trouble::Dead) }
    }

    fn room(&self) -> usize {
        self.capacity.map_or(usize::MAX, |capacity| capacity.saturating_sub(self.used()))
    }

    /// Counts an operation that was done, and loses power if this is the one.
    fn step(&mut self) -> Result<(), Trouble> {
        self.counters.operations += 1;
        if self.cut_at == Some(self.counters.operations) {
            self.cut();
            return Err(Trouble::Dead);
        }
        Ok(())
    }

    fn end_life(&mut self) {
        self.life += 1;
        self.up = false;
        for node in self.nodes.values_mut() {
            node.open = 0;
            node.locks = Locks::default();
            node.shared = None;
        }
    }

    fn sweep(&mut self, node: u64) {
        if self.nodes.get(&node).is_some_and(|node| node.open == 0) && !self.folder.holds(node) {
            self.nodes.remove(&node);
        }
    }

    fn sweep_all(&mut self) {
        let all: Vec<u64> = self.nodes.keys().copied().collect();
        all.into_iter().for_each(|node| self.sweep(node));
    }
}
