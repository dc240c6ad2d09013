//! The names of files, and which of them would still be there without power.
//!
//! A new name is durable when its file was synced, as on the file systems of today, or when its folder was. SQLite syncs
//! a folder through its VFS: when a delete asks for it, and at the first sync of a journal or log that it has made.
//! Until then each name may stay as it was, or go as far as its changes went; half the time the names share a moment,
//! as on file systems with a journal, and half the time each has its own.

use std::collections::{BTreeMap, BTreeSet};

use crate::chance::Chance;

/// Beyond this many pending changes the older half goes to the disk by itself.
const PENDING_MAX: usize = 1_024;

#[derive(Default)]
pub(crate) struct Folder {
    now: BTreeMap<String, u64>,
    durable: BTreeMap<String, u64>,
    /// In order: a name and the file that it was given, or none when it was deleted.
    pending: Vec<(String, Option<u64>)>,
}

impl Folder {
    pub(crate) fn find(&self, name: &str) -> Option<u64> {
        self.now.get(name).copied()
    }

    pub(crate) fn files(&self) -> impl Iterator<Item = (&str, u64)> {
        self.now.iter().map(|(name, file)| (name.as_str(), *file))
    }

    pub(crate) fn create(&mut self, name: &str, file: u64) {
        self.now.insert(name.to_owned(), file);
        self.note(name, Some(file));
    }

    pub(crate) fn delete(&mut self, name: &str) {
        self.now.remove(name);
        self.note(name, None);
    }

    /// True while a name leads to the file, or may again after a loss of power.
    pub(crate) fn holds(&self, file: u64) -> bool {
        let lead = |names: &BTreeMap<String, u64>| names.values().any(|other| *other == file);
        lead(&self.now) || lead(&self.durable) || self.pending.iter().any(|(_, other)| *other == Some(file))
    }

    /// Makes the name that a file was given durable, and whatever the name was before.
    pub(crate) fn sync_file(&mut self, file: u64) {
        let Some(last) = self.pending.iter().rposition(|(_, other)| *other == Some(file)) else { return };
        let name = self.pending[last].0.clone();
        let done: Vec<_> = self.pending.extract_if(..=last, |(other, _)| *other == name).collect();
        self.settle(done);
    }

    /// Makes all names in the folder of this one durable.
    pub(crate) fn sync_beside(&mut self, name: &str) {
        let folder = folder_of(name);
        let done: Vec<_> = self.pending.extract_if(.., |(other, _)| folder_of(other) == folder).collect();
        self.settle(done);
    }

    /// Loses power; gives how many changes are lost.
    pub(crate) fn cut(&mut self, chance: &mut Chance) -> usize {
        let pending = std::mem::take(&mut self.pending);
        let count = pending.len();
        let mut kept = Vec::new();
        if chance.once_in(2) {
            kept.extend(pending.into_iter().take(chance.below(count + 1)));
        } else {
            let names: BTreeSet<&String> = pending.iter().map(|(name, _)| name).collect();
            for name in names {
                let of_name: Vec<_> = pending.iter().filter(|(other, _)| other == name).cloned().collect();
                let upto = chance.below(of_name.len() + 1);
                kept.extend(of_name.into_iter().take(upto));
            }
        }
        let lost = count - kept.len();
        self.settle(kept);
        self.now = self.durable.clone();
        lost
    }

    fn note(&mut self, name: &str, file: Option<u64>) {
        self.pending.push((name.to_owned(), file));
        if self.pending.len() > PENDING_MAX {
            let done = self.pending.drain(..PENDING_MAX / 2).collect();
            self.settle(done);
        }
    }

    fn settle(&mut self, done: Vec<(String, Option<u64>)>) {
        for (name, file) in done {
            match file {
                Some(file) => self.durable.insert(name, file),
                None => self.durable.remove(&name),
            };
        }
    }
}

fn folder_of(name: &str) -> &str {
    name.rsplit_once('/').map_or("", |(folder, _)| folder)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn after_cuts(make: impl Fn(&mut Folder)) -> BTreeSet<Vec<(String, u64)>> {
        let cut = |seed| {
            let mut folder = Folder::default();
            make(&mut folder);
            folder.cut(&mut Chance::new(seed));
            folder.files().map(|(name, file)| (name.to_owned(), file)).collect()
        };
        (0..200).map(cut).collect()
    }

    fn names(names: &[(&str, u64)]) -> Vec<(String, u64)> {
        names.iter().map(|(name, file)| ((*name).to_owned(), *file)).collect()
    }

    #[test]
    fn a_synced_file_has_its_name_and_others_may() {
        let seen = after_cuts(|folder| {
            folder.create("/a", 1);
            folder.create("/b", 2);
            folder.sync_file(1);
        });
        assert_eq!(seen, BTreeSet::from([names(&[("/a", 1)]), names(&[("/a", 1), ("/b", 2)])]));
    }

    #[test]
    fn a_synced_folder_has_all_its_names_and_a_deleted_file_comes_back_only_before() {
        let seen = after_cuts(|folder| {
            folder.create("/a", 1);
            folder.create("/x/b", 2);
            folder.sync_beside("/c");
            folder.delete("/a");
        });
        let b = ("/x/b", 2);
        assert_eq!(seen, BTreeSet::from([names(&[]), names(&[b]), names(&[("/a", 1)]), names(&[("/a", 1), b])]));
        let gone = after_cuts(|folder| {
            folder.create("/a", 1);
            folder.delete("/a");
            folder.create("/a", 2);
            folder.sync_file(2);
        });
        assert_eq!(gone, BTreeSet::from([names(&[("/a", 2)])]));
    }
}
