//! Making a data folder of a backup: everything under its own name first, the platform's database last.

use std::os::unix::fs::DirBuilderExt;
use std::path::{Path, PathBuf};

use base::Fault;
use embedded::rusqlite::{Connection, OpenFlags};
use host::Folder;

use super::{failed, flush_names, fresh, parts};

/// What a folder may hold and still count as empty: the lock of a platform that ended, and what file systems put there.
const NOTHING: [&str; 2] = ["lock", "lost+found"];

/// Makes a data folder of a backup; one that holds anything is left alone.
pub fn restore(data: &Path, file: &Path) -> Result<(), Fault> {
    must_be_empty(data)?;
    let archive = Connection::open_with_flags(file, OpenFlags::SQLITE_OPEN_READ_ONLY)
        .map_err(|error| failed("The backup cannot be opened", error))?;
    let whole: String = archive
        .query_row("pragma integrity_check", [], |row| row.get(0))
        .map_err(|error| Fault::invalid("backup_damaged", "This is no backup of a platform.").because(error))?;
    if whole != "ok" {
        return Err(Fault::invalid("backup_damaged", format!("The backup is damaged: {whole}.")));
    }
    let names = parts::names(&archive)?;
    let mut made = Made(Vec::new());
    made.folder(data)?;
    // Under this name no platform takes it for its own (`host::Folder`): a restore that breaks off is seen.
    let draft = made.path(data.join(host::RESTORING));
    copy_database(file, &draft)?;
    for name in &names {
        let path = data.join(name);
        made.folder(path.parent().unwrap_or(data))?;
        parts::take(&archive, name, &made.path(path))?;
    }
    let target = data.join("comanda.db");
    std::fs::rename(&draft, &target)
        .and_then(|()| {
            names.iter().filter_map(|name| Path::new(name).parent()).try_for_each(|part| flush_names(&data.join(part)))
        })
        .map_err(|error| failed("The data could not be named", error))?;
    made.0.clear();
    drop(Folder::open(data)?);
    Ok(())
}

/// What was made so far; it goes away again unless all of it was made.
struct Made(Vec<PathBuf>);

impl Made {
    fn path(&mut self, path: PathBuf) -> PathBuf {
        self.0.push(path.clone());
        path
    }

    fn folder(&mut self, path: &Path) -> Result<(), Fault> {
        if path.exists() {
            return Ok(());
        }
        let mut builder = std::fs::DirBuilder::new();
        builder.recursive(true).mode(0o700);
        builder.create(path).map_err(|error| failed(&format!("{} could not be made", path.display()), error))?;
        self.0.push(path.to_owned());
        Ok(())
    }
}

impl Drop for Made {
    fn drop(&mut self) {
        for path in self.0.iter().rev() {
            let _ = if path.is_dir() { std::fs::remove_dir(path) } else { std::fs::remove_file(path) };
        }
    }
}

fn must_be_empty(data: &Path) -> Result<(), Fault> {
    let Ok(mut there) = std::fs::read_dir(data) else { return Ok(()) };
    let something = there.find_map(|entry| {
        let name = entry.ok()?.file_name().to_string_lossy().into_owned();
        (!NOTHING.contains(&name.as_str())).then_some(name)
    });
    match something {
        None => Ok(()),
        Some(name) => Err(Fault::conflict(
            "data_exists",
            format!("{} holds `{name}` already; a restore needs an empty folder, and overwrites nothing.", data.display()),
        )),
    }
}

fn copy_database(file: &Path, draft: &Path) -> Result<(), Fault> {
    let unwritten = |error: std::io::Error| failed("The data could not be written", error);
    let mut from = std::fs::File::open(file).map_err(unwritten)?;
    let mut into = fresh(draft).map_err(unwritten)?;
    std::io::copy(&mut from, &mut into).map_err(unwritten)?;
    drop(into);
    let restored = Connection::open(draft).map_err(|error| failed("The data cannot be opened", error))?;
    parts::end(&restored)?;
    restored
        .query_row("pragma journal_mode = wal", [], |_| Ok(()))
        .map_err(|error| failed("The data could not be prepared", error))?;
    restored.close().map_err(|(_, error)| failed("The data could not be written", error))?;
    std::fs::File::open(draft).and_then(|draft| draft.sync_all()).map_err(unwritten)
}
