//! Taking a backup: two databases at one moment, while both are written to.

use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};

use base::Fault;
use embedded::rusqlite::backup::{Backup, StepResult};
use embedded::rusqlite::config::DbConfig;
use embedded::rusqlite::{self, Connection, OpenFlags};

use super::{failed, flush_names, fresh, parts};

/// How long the way to one moment between two commits of a busy platform may take.
const PATIENCE: Duration = Duration::from_secs(30);
/// How often it is tried: commits follow each other closely.
const TRY_EVERY: Duration = Duration::from_micros(200);

/// A file that goes away unless it was given its name.
struct Draft(PathBuf);

impl Draft {
    /// Makes an empty file beside another, under a name of its own.
    fn beside(file: &Path, what: &str) -> Result<Draft, Fault> {
        let name = file.file_name().unwrap_or_default().to_string_lossy();
        let path = file.with_file_name(format!(".{name}.{}.{what}", crate::operate::fresh_key()?));
        fresh(&path).map_err(|error| failed(&format!("{} could not be made", path.display()), error))?;
        Ok(Draft(path))
    }

    /// Gives it its name, unless something has it.
    fn name(&self, file: &Path) -> Result<(), Fault> {
        let unnamed = |error: std::io::Error| failed("The copy could not be named", error);
        std::fs::File::open(&self.0)
            .and_then(|draft| draft.sync_all())
            .map_err(|error| failed("The copy could not be flushed", error))?;
        // A second name fails where a renaming would replace; some file systems know none.
        match std::fs::hard_link(&self.0, file) {
            Ok(()) => {}
            Err(_) if file.exists() => return Err(exists(file)),
            Err(_) => std::fs::rename(&self.0, file).map_err(unnamed)?,
        }
        flush_names(file.parent().unwrap_or(Path::new("."))).map_err(unnamed)
    }
}

impl Drop for Draft {
    fn drop(&mut self) {
        for end in ["", "-wal", "-shm", "-journal"] {
            let mut path = self.0.clone().into_os_string();
            path.push(end);
            let _ = std::fs::remove_file(path);
        }
    }
}

fn exists(file: &Path) -> Fault {
    Fault::conflict("file_exists", format!("{} exists already; a backup overwrites nothing.", file.display()))
}

/// Copies everything a platform keeps into a file; gives its size in bytes.
pub fn copy(data: &Path, file: &Path) -> Result<u64, Fault> {
    let source = data.join("comanda.db");
    if !source.exists() {
        return Err(Fault::not_found("no_data", format!("{} holds no data of a platform.", data.display())));
    }
    if file.exists() {
        return Err(exists(file));
    }
    let archive = Draft::beside(file, "draft")?;
    let books = data.join(parts::BOOKS);
    let books_copy = books.exists().then(|| Draft::beside(file, "books")).transpose()?;
    {
        let (platform, provider) = at_one_moment(&source, books_copy.as_ref().map(|_| books.as_path()))?;
        copy_database(&platform, &archive.0)?;
        if let (Some(provider), Some(copy)) = (&provider, &books_copy) {
            copy_database(provider, &copy.0)?;
        }
    }
    let into = Connection::open(&archive.0).map_err(|error| failed("The copy cannot be opened", error))?;
    // One transaction for all parts, and no copy of it beside the file: a draft that breaks off is thrown away.
    into.execute_batch("pragma journal_mode = off; pragma synchronous = off; begin")
        .map_err(|error| failed("The copy could not be written", error))?;
    parts::begin(&into)?;
    for name in parts::NEEDED {
        parts::put(&into, name, &data.join(name))?;
    }
    if data.join(parts::SETTINGS).exists() {
        parts::put(&into, parts::SETTINGS, &data.join(parts::SETTINGS))?;
    }
    if let Some(copy) = &books_copy {
        parts::put(&into, parts::BOOKS, &copy.0)?;
    }
    for mail in mails(&data.join(parts::OUTBOX))? {
        let path = data.join(parts::OUTBOX).join(&mail);
        // The platform bounds its outbox: a mail may go while we look.
        if path.exists() {
            parts::put(&into, &format!("{}/{mail}", parts::OUTBOX), &path)?;
        }
    }
    into.execute_batch("commit").map_err(|error| failed("The copy could not be written", error))?;
    into.close().map_err(|(_, error)| failed("The copy could not be written", error))?;
    archive.name(file)?;
    std::fs::metadata(file).map(|data| data.len()).map_err(|error| failed("The copy is not there", error))
}

/// Opens both databases for reading, both as they were at one moment.
///
/// The provider acts only on what the platform has committed before. So while the platform cannot commit, which is for as
/// long as it takes to begin two reads, whatever the books hold has its cause in the platform's file.
fn at_one_moment(source: &Path, books: Option<&Path>) -> Result<(Connection, Option<Connection>), Fault> {
    let unreadable = |error: rusqlite::Error| failed("The data cannot be read", error);
    let hold = Connection::open_with_flags(source, OpenFlags::SQLITE_OPEN_READ_WRITE).map_err(unreadable)?;
    // What a process that died has left in the log is for the next start to make durable, not for us to copy by closing.
    hold.set_db_config(DbConfig::SQLITE_DBCONFIG_NO_CKPT_ON_CLOSE, true).map_err(unreadable)?;
    let until = Instant::now() + PATIENCE;
    while let Err(error) = hold.execute_batch("begin immediate") {
        if error.sqlite_error_code() != Some(rusqlite::ErrorCode::DatabaseBusy) || Instant::now() > until {
            return Err(unreadable(error));
        }
        std::thread::sleep(TRY_EVERY); // allowed: a command of its own waits for another process's commit
    }
    let platform = reader(source).map_err(unreadable)?;
    let provider = books.map(reader).transpose().map_err(unreadable)?;
    hold.execute_batch("rollback").map_err(unreadable)?;
    Ok((platform, provider))
}

/// Opens a database and begins to read: from here on it stands still.
fn reader(path: &Path) -> rusqlite::Result<Connection> {
    let connection = Connection::open_with_flags(path, OpenFlags::SQLITE_OPEN_READ_ONLY)?;
    connection.busy_timeout(Duration::from_secs(5))?;
    connection.execute_batch("begin")?;
    connection.query_row("select count(*) from sqlite_schema", [], |_| Ok(()))?;
    Ok(connection)
}

fn copy_database(source: &Connection, path: &Path) -> Result<(), Fault> {
    let unwritten = |error: rusqlite::Error| failed("The copy could not be written", error);
    let mut target = Connection::open(path).map_err(unwritten)?;
    target.execute_batch("pragma synchronous = off").map_err(unwritten)?;
    let copied = Backup::new(source, &mut target).and_then(|backup| backup.step(-1)).map_err(unwritten)?;
    if copied != StepResult::Done {
        return Err(failed("The copy could not be written", "another program holds it"));
    }
    // The archive is one file: no log stands beside it.
    target.query_row("pragma journal_mode = delete", [], |_| Ok(())).map_err(unwritten)?;
    target.close().map_err(|(_, error)| unwritten(error))
}

fn mails(outbox: &Path) -> Result<Vec<String>, Fault> {
    if !outbox.exists() {
        return Ok(Vec::new());
    }
    let names = std::fs::read_dir(outbox).map_err(|error| failed("The outbox cannot be read", error))?;
    let names = names.filter_map(|entry| entry.ok()?.file_name().into_string().ok());
    Ok(names.filter(|name| name.ends_with(".eml") && !name.starts_with('.')).collect())
}
