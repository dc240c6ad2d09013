//! The client's journal: what the platform acknowledged, written down before anything is built upon it.
//!
//! Without it nobody could tell that an acknowledged order was lost.

use std::collections::BTreeMap;
use std::fs::{File, OpenOptions};
use std::io::{BufRead, BufReader, Write};
use std::path::Path;

use base::Fault;
use serde::{Deserialize, Serialize};

/// One acknowledged order.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Entry {
    /// The client's name for it.
    pub reference: String,
    /// The platform's id of it, as shown outside.
    pub order_id: String,
    /// What the platform said it costs.
    pub total_minor: i64,
}

/// An open journal.
pub struct Journal {
    file: File,
    known: BTreeMap<String, Entry>,
}

fn failed(path: &Path, error: impl std::fmt::Display) -> Fault {
    Fault::internal("journal_failed", format!("The journal {} cannot be used.", path.display())).because(error)
}

/// Reads a journal; a last line that a crash has cut is left out: nothing was built upon it.
#[allow(clippy::disallowed_methods)] // A command that works on a file.
pub fn read(path: &Path) -> Result<BTreeMap<String, Entry>, Fault> {
    let mut known = BTreeMap::new();
    let Ok(file) = File::open(path) else { return Ok(known) };
    for line in BufReader::new(file).lines() {
        let line = line.map_err(|error| failed(path, error))?;
        if let Ok(entry) = serde_json::from_str::<Entry>(&line) {
            known.insert(entry.reference.clone(), entry);
        }
    }
    Ok(known)
}

impl Journal {
    /// Opens a journal, or begins it.
    #[allow(clippy::disallowed_methods)] // As above.
    pub fn open(path: &Path) -> Result<Journal, Fault> {
        let known = read(path)?;
        let mut file = OpenOptions::new().create(true).append(true).open(path).map_err(|error| failed(path, error))?;
        // After a cut line the next entry begins on a line of its own.
        if file.metadata().map_err(|error| failed(path, error))?.len() > 0 {
            file.write_all(b"\n").map_err(|error| failed(path, error))?;
        }
        Ok(Journal { file, known })
    }

    /// Tells what was acknowledged before.
    pub fn known(&self, reference: &str) -> Option<&Entry> {
        self.known.get(reference)
    }

    /// Writes entries down; they are on the disk when this returns.
    pub fn write(&mut self, entries: &[Entry]) -> Result<(), Fault> {
        let mut text = String::new();
        for entry in entries {
            text.push_str(&serde_json::to_string(entry).expect("an entry is always JSON"));
            text.push('\n');
        }
        let written = self.file.write_all(text.as_bytes()).and_then(|()| self.file.sync_data());
        written.map_err(|error| Fault::internal("journal_failed", "The journal cannot be written.").because(error))?;
        for entry in entries {
            self.known.insert(entry.reference.clone(), entry.clone());
        }
        Ok(())
    }

    /// Gives everything acknowledged so far.
    pub fn entries(&self) -> impl Iterator<Item = &Entry> {
        self.known.values()
    }
}
