//! Backups: one file that holds everything a platform keeps, as it was at one moment.
//!
//! The file is a SQLite database: the platform's own, with one table more, in which the other files of the data folder
//! stand in parts: keys, settings, mails, and the books of the provider mock when it runs with the platform.
//! Promises: whoever restores it gets a platform whose audit is clean; nothing that exists is overwritten, by neither command.
//! Start reading at [`copy::copy`] and [`restore::restore`].
#![allow(clippy::disallowed_methods)] // Commands that work on files.

mod copy;
mod parts;
mod restore;

use std::path::{Path, PathBuf};
use std::process::ExitCode;

use base::Fault;
use clap::Args;

/// What to back up.
#[derive(Args, Clone)]
pub struct BackupOptions {
    /// The data folder of the platform, which may be running.
    #[arg(long, default_value = "comanda-data")]
    data: PathBuf,
    /// The file to write; it must not exist.
    file: PathBuf,
}

/// What to restore.
#[derive(Args, Clone)]
pub struct RestoreOptions {
    /// The data folder to make; it must be empty if it is there.
    #[arg(long, default_value = "comanda-data")]
    data: PathBuf,
    /// The backup.
    file: PathBuf,
}

/// Copies the data of a platform, running or not, into one file.
pub async fn backup(options: BackupOptions) -> Result<ExitCode, Fault> {
    let taking = tokio::task::spawn_blocking(move || copy::copy(&options.data, &options.file));
    let bytes = taking.await.map_err(|error| failed("The backup broke off", error))??;
    println!("{bytes} bytes are safe.");
    Ok(ExitCode::SUCCESS)
}

/// Makes a data folder of a backup.
pub fn restore(options: RestoreOptions) -> Result<ExitCode, Fault> {
    restore::restore(&options.data, &options.file)?;
    println!("{} is ready: comanda up --data {}", options.data.display(), options.data.display());
    Ok(ExitCode::SUCCESS)
}

fn failed(what: &str, error: impl std::fmt::Display) -> Fault {
    Fault::internal("backup_failed", format!("{what}.")).because(error)
}

/// Makes a file that was not there, readable by its owner alone from its first byte on: it will hold secrets.
fn fresh(path: &Path) -> std::io::Result<std::fs::File> {
    use std::os::unix::fs::OpenOptionsExt;
    std::fs::OpenOptions::new().create_new(true).write(true).mode(0o600).open(path)
}

/// Makes the names in a folder last through a crash of the machine.
fn flush_names(folder: &Path) -> std::io::Result<()> {
    let folder = if folder.as_os_str().is_empty() { Path::new(".") } else { folder };
    std::fs::File::open(folder)?.sync_all()
}
