//! Backups: one file that holds everything a platform keeps.

use std::path::PathBuf;
use std::process::ExitCode;

use base::Fault;
use clap::Args;
use embedded::rusqlite::{self, Connection, OpenFlags};
use host::Folder;

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
    /// The data folder to make; it must not hold data.
    #[arg(long, default_value = "comanda-data")]
    data: PathBuf,
    /// The backup.
    file: PathBuf,
}

/// The files of a data folder besides the database, which travel inside the backup.
const SECRETS: [&str; 2] = ["platform.key", "staff.token"];

fn failed(what: &str, error: impl std::fmt::Display) -> Fault {
    Fault::internal("backup_failed", format!("{what}.")).because(error)
}

/// Copies the database of a platform while it runs: readers do not stand in the writer's way.
#[allow(clippy::disallowed_methods)] // A command that works on files.
pub async fn backup(options: BackupOptions) -> Result<ExitCode, Fault> {
    let source = options.data.join("comanda.db");
    if !source.exists() {
        return Err(Fault::not_found("no_data", format!("{} holds no data of a platform.", options.data.display())));
    }
    if options.file.exists() {
        return Err(Fault::conflict(
            "file_exists",
            format!("{} exists already; a backup overwrites nothing.", options.file.display()),
        ));
    }
    let draft = options.file.with_extension("draft");
    let bytes = tokio::task::spawn_blocking(move || copy(&options, &source, &draft))
        .await
        .map_err(|error| failed("The backup broke off", error))??;
    println!("{bytes} bytes are safe.");
    Ok(ExitCode::SUCCESS)
}

#[allow(clippy::disallowed_methods)] // As above.
fn copy(options: &BackupOptions, source: &std::path::Path, draft: &std::path::Path) -> Result<u64, Fault> {
    let _ = std::fs::remove_file(draft);
    let reader = Connection::open_with_flags(source, OpenFlags::SQLITE_OPEN_READ_ONLY)
        .map_err(|error| failed("The data cannot be read", error))?;
    reader
        .execute("vacuum into ?1", [draft.to_string_lossy()])
        .map_err(|error| failed("The copy could not be written", error))?;
    let copied = Connection::open(draft).map_err(|error| failed("The copy cannot be opened", error))?;
    copied
        .execute_batch("create table backup_secrets (name text primary key, value text not null)")
        .map_err(|error| failed("The copy could not be written", error))?;
    for name in SECRETS {
        let value = std::fs::read_to_string(options.data.join(name)).map_err(|error| failed("A secret cannot be read", error))?;
        copied
            .execute("insert into backup_secrets (name, value) values (?1, ?2)", [name, &value])
            .map_err(|error| failed("The copy could not be written", error))?;
    }
    drop(copied);
    let file =
        std::fs::OpenOptions::new().write(true).open(draft).map_err(|error| failed("The copy could not be flushed", error))?;
    {
        use std::os::unix::fs::PermissionsExt;
        // The backup holds the platform's secrets: it is for its owner alone.
        file.set_permissions(std::fs::Permissions::from_mode(0o600))
            .map_err(|error| failed("The copy could not be protected", error))?;
    }
    file.sync_all().map_err(|error| failed("The copy could not be flushed", error))?;
    std::fs::rename(draft, &options.file).map_err(|error| failed("The copy could not be named", error))?;
    std::fs::metadata(&options.file).map(|data| data.len()).map_err(|error| failed("The copy is not there", error))
}

/// Makes a data folder of a backup.
#[allow(clippy::disallowed_methods)] // A command that works on files.
pub fn restore(options: RestoreOptions) -> Result<ExitCode, Fault> {
    let target = options.data.join("comanda.db");
    if target.exists() {
        return Err(Fault::conflict(
            "data_exists",
            format!("{} holds data already; a restore overwrites nothing.", options.data.display()),
        ));
    }
    let backup = Connection::open_with_flags(&options.file, OpenFlags::SQLITE_OPEN_READ_ONLY)
        .map_err(|error| failed("The backup cannot be opened", error))?;
    let whole: String = backup
        .query_row("pragma integrity_check", [], |row| row.get(0))
        .map_err(|error| failed("The backup cannot be read", error))?;
    if whole != "ok" {
        return Err(Fault::invalid("backup_damaged", format!("The backup is damaged: {whole}.")));
    }
    std::fs::create_dir_all(&options.data).map_err(|error| failed("The folder could not be made", error))?;
    for name in SECRETS {
        let value: String = backup
            .query_row("select value from backup_secrets where name = ?1", [name], |row| row.get(0))
            .map_err(|error| failed("The backup holds no secrets: is it one of a platform", error))?;
        write_secret(&options.data.join(name), &value)?;
    }
    drop(backup);
    let draft = options.data.join("comanda.db.draft");
    std::fs::copy(&options.file, &draft).map_err(|error| failed("The data could not be written", error))?;
    let restored = Connection::open(&draft).map_err(|error| failed("The data cannot be opened", error))?;
    restored
        .execute_batch("drop table backup_secrets; pragma journal_mode = wal;")
        .map_err(|error: rusqlite::Error| failed("The data could not be prepared", error))?;
    drop(restored);
    std::fs::rename(&draft, &target).map_err(|error| failed("The data could not be named", error))?;
    drop(Folder::open(&options.data)?);
    println!("{} is ready: comanda up --data {}", options.data.display(), options.data.display());
    Ok(ExitCode::SUCCESS)
}

#[allow(clippy::disallowed_methods)] // As above.
fn write_secret(path: &std::path::Path, value: &str) -> Result<(), Fault> {
    use std::io::Write;
    use std::os::unix::fs::OpenOptionsExt;
    let mut file = std::fs::OpenOptions::new()
        .create(true)
        .truncate(true)
        .write(true)
        .mode(0o600)
        .open(path)
        .map_err(|error| failed("A secret could not be written", error))?;
    file.write_all(value.as_bytes())
        .and_then(|()| file.sync_all())
        .map_err(|error| failed("A secret could not be written", error))
}
