//! The locks that connections hold on files, and the memory that they share.

use std::ffi::c_void;

use crate::locks::Level;
use crate::machine::{Machine, Trouble};
use crate::shared::{Shared, mask};

impl Machine {
    pub(crate) fn lock(&mut self, at: usize, wanted: Level) -> Result<(), Trouble> {
        let (handle, node) = self.alive(at)?;
        let (level, reached) = node.locks.lock(at, handle.level, wanted);
        handle.level = level;
        if reached { Ok(()) } else { Err(Trouble::Busy) }
    }

    /// Works for the dead too: their locks are gone already.
    pub(crate) fn unlock(&mut self, at: usize, wanted: Level) {
        if let Ok((handle, node)) = self.alive(at) {
            handle.level = node.locks.unlock(at, handle.level, wanted);
        }
    }

    pub(crate) fn is_reserved(&mut self, at: usize) -> Result<bool, Trouble> {
        Ok(self.alive(at)?.1.locks.is_reserved())
    }

    /// Gives the address of a region of the shared memory, which stays until everybody who has it has let go; none when
    /// it is not there and is not to be made.
    pub(crate) fn map(&mut self, at: usize, region: usize, bytes: usize, make: bool) -> Result<Option<*mut c_void>, Trouble> {
        let (handle, node) = self.alive(at)?;
        let number = match (handle.shared, node.shared) {
            (Some(own), _) => own,
            (None, found) => {
                let number = found.unwrap_or_else(|| self.number());
                let (handle, node) = self.alive(at)?;
                handle.shared = Some(number);
                node.shared = Some(number);
                self.shared.entry(number).or_default().users += 1;
                number
            }
        };
        Ok(self.shared.get_mut(&number).and_then(|shared| shared.region(region, bytes, make)))
    }

    /// Works for the dead too, who still have the memory.
    pub(crate) fn unmap(&mut self, at: usize) {
        let Some(handle) = self.handle(at) else { return };
        let Some(number) = handle.shared.take() else { return };
        let (node, sharing, alone) = (handle.node, std::mem::take(&mut handle.sharing), std::mem::take(&mut handle.alone));
        let Some(shared) = self.shared.get_mut(&number) else { return };
        shared.release(sharing, alone);
        shared.users -= 1;
        if shared.users == 0 {
            self.shared.remove(&number);
            if let Some(node) = self.nodes.get_mut(&node).filter(|node| node.shared == Some(number)) {
                node.shared = None;
            }
        }
    }

    /// Takes locks of the shared memory, alone or with others who share them.
    pub(crate) fn take(&mut self, at: usize, first: usize, count: usize, alone: bool) -> Result<(), Trouble> {
        let (wanted, (handle, _)) = (mask(first, count), self.alive(at)?);
        let (sharing, has_alone) = (handle.sharing, handle.alone);
        let shared = self.memory_of(at)?;
        let taken = match alone {
            true => has_alone & wanted == wanted || shared.exclude(wanted),
            false => sharing & wanted == wanted || shared.share(wanted),
        };
        let (handle, _) = self.alive(at)?;
        match (taken, alone) {
            (false, _) => return Err(Trouble::Busy),
            (true, true) => handle.alone |= wanted,
            (true, false) => handle.sharing |= wanted,
        }
        Ok(())
    }

    /// Gives locks of the shared memory back.
    pub(crate) fn give(&mut self, at: usize, first: usize, count: usize) -> Result<(), Trouble> {
        let (handle, _) = self.alive(at)?;
        let all = mask(first, count);
        let (sharing, alone) = (handle.sharing & all, handle.alone & all);
        handle.sharing &= !all;
        handle.alone &= !all;
        self.memory_of(at)?.release(sharing, alone);
        Ok(())
    }

    fn memory_of(&mut self, at: usize) -> Result<&mut Shared, Trouble> {
        let number = self.alive(at)?.0.shared.ok_or(Trouble::Failed)?;
        self.shared.get_mut(&number).ok_or(Trouble::Failed)
    }
}
