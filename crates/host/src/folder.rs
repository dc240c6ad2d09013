//! The data folder: one owner at a time, one secret, one token for the staff.

use std::fs::{self, File, OpenOptions};
use std::io::{Read, Write};
use std::os::unix::fs::DirBuilderExt;
use std::path::{Path, PathBuf};

use base::{Fault, PlatformKey};
use fs4::fs_std::FileExt;

/// The file of a folder into which a backup is being restored; it gets its last name when everything else is there.
pub const RESTORING: &str = "comanda.db.draft";

/// An open data folder. It is locked until this is dropped.
#[derive(Debug)]
pub struct Folder {
    path: PathBuf,
    key: PlatformKey,
    staff_token: String,
    _lock: File,
}

#[allow(clippy::disallowed_methods)] // The folder is the platform's own, opened once at start.
impl Folder {
    /// Opens the folder, or makes it; a second owner is refused.
    pub fn open(path: &Path) -> Result<Folder, Fault> {
        let failed = |what: &str, error: std::io::Error| {
            Fault::internal("data_folder_failed", format!("{what} in the data folder {}: {error}.", path.display()))
                .because(error)
        };
        // What the folder holds of people and secrets is for its owner alone.
        let mut folder = fs::DirBuilder::new();
        folder.recursive(true).mode(0o700);
        folder.create(path).map_err(|error| failed("No folder could be made", error))?;
        let lock = OpenOptions::new()
            .create(true)
            .truncate(false)
            .write(true)
            .open(path.join("lock"))
            .map_err(|error| failed("The lock could not be opened", error))?;
        if !lock.try_lock_exclusive().map_err(|error| failed("The lock could not be taken", error))? {
            return Err(Fault::conflict(
                "data_folder_in_use",
                format!(
                    "Another comanda is running on the data folder {}. Stop it first, or choose another folder with --data.",
                    path.display()
                ),
            ));
        }
        if path.join(RESTORING).exists() {
            return Err(Fault::conflict(
                "restore_unfinished",
                format!("A restore into {} broke off. Remove the folder and restore again.", path.display()),
            ));
        }
        let secret = secret(&path.join("platform.key"), 32).map_err(|error| failed("The key could not be read", error))?;
        let secret: [u8; 32] = secret
            .try_into()
            .map_err(|_| Fault::internal("bad_platform_key", "The file platform.key does not hold 32 bytes in hexadecimal."))?;
        let token =
            secret_text(&path.join("staff.token"), 24).map_err(|error| failed("The staff's token could not be read", error))?;
        Ok(Folder { path: path.to_owned(), key: PlatformKey::new(&secret), staff_token: token, _lock: lock })
    }

    /// Gives the path of something in the folder.
    pub fn path(&self, name: &str) -> PathBuf {
        self.path.join(name)
    }

    /// Gives the platform's key.
    pub fn key(&self) -> &PlatformKey {
        &self.key
    }

    /// Gives the token with which the shop's staff shows itself.
    pub fn staff_token(&self) -> &str {
        &self.staff_token
    }
}

fn secret(path: &Path, bytes: usize) -> std::io::Result<Vec<u8>> {
    let text = secret_text(path, bytes)?;
    data_encoding::HEXLOWER.decode(text.as_bytes()).map_err(std::io::Error::other)
}

/// Reads a secret in hexadecimal, or makes one that only the owner may read.
#[allow(clippy::disallowed_methods)] // As above.
fn secret_text(path: &Path, bytes: usize) -> std::io::Result<String> {
    use std::os::unix::fs::OpenOptionsExt;
    if let Ok(mut file) = File::open(path) {
        let mut text = String::new();
        file.read_to_string(&mut text)?;
        return Ok(text.trim().to_owned());
    }
    let mut random = vec![0; bytes];
    getrandom::fill(&mut random).map_err(std::io::Error::other)?;
    let text = data_encoding::HEXLOWER.encode(&random);
    // Written whole under another name first: a crash in between must not leave half a secret.
    let draft = path.with_extension("draft");
    let mut file = OpenOptions::new().create(true).truncate(true).write(true).mode(0o600).open(&draft)?;
    file.write_all(text.as_bytes())?;
    file.write_all(b"\n")?;
    file.sync_all()?;
    fs::rename(&draft, path)?;
    Ok(text)
}
