//! The data folder: one owner at a time, one secret, one token for the staff.

use std::fs::{self, File, OpenOptions};
use std::io::{ErrorKind, Read, Write};
use std::os::unix::fs::DirBuilderExt;
use std::path::{Path, PathBuf};

use base::{Fault, PlatformKey};
use fs4::fs_std::FileExt;

/// The file of a folder into which a backup is being restored; it gets its last name when everything else is there.
pub const RESTORING: &str = "comanda.db.draft";

/// What stands before the key of a folder whose ids are permuted with SipHash.
const NEW_KEY: &str = "sip:";

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
        let key =
            secret_text(&path.join("platform.key"), 32, NEW_KEY).map_err(|error| failed("The key could not be read", error))?;
        let key = key_of(&key)?;
        let token = secret_text(&path.join("staff.token"), 24, "")
            .map_err(|error| failed("The staff's token could not be read", error))?;
        Ok(Folder { path: path.to_owned(), key, staff_token: token, _lock: lock })
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

/// Reads what the file of a platform's key holds: 32 bytes in hexadecimal, and before them how ids are shown. Nothing stands
/// there in folders from before there was a choice.
pub fn key_of(text: &str) -> Result<PlatformKey, Fault> {
    let bad = || Fault::internal("bad_platform_key", "The file platform.key does not hold 32 bytes in hexadecimal.");
    let text = text.trim();
    let (make, digits): (fn(&[u8; 32]) -> PlatformKey, &str) = match text.strip_prefix(NEW_KEY) {
        Some(digits) => (PlatformKey::new, digits),
        None => (PlatformKey::of_old, text),
    };
    let secret = data_encoding::HEXLOWER.decode(digits.as_bytes()).map_err(|error| bad().because(error))?;
    Ok(make(&secret.try_into().map_err(|_| bad())?))
}

/// Reads a secret in hexadecimal, or makes one that only the owner may read, with a word before it.
#[allow(clippy::disallowed_methods)] // As above.
fn secret_text(path: &Path, bytes: usize, before: &str) -> std::io::Result<String> {
    use std::os::unix::fs::OpenOptionsExt;
    match File::open(path) {
        Ok(mut file) => {
            let mut text = String::new();
            file.read_to_string(&mut text)?;
            return Ok(text.trim().to_owned());
        }
        Err(error) if error.kind() == ErrorKind::NotFound => {}
        // One that is there and cannot be read must not be replaced: all ids and tokens would be lost with it.
        Err(error) => return Err(error),
    }
    let mut random = vec![0; bytes];
    getrandom::fill(&mut random).map_err(std::io::Error::other)?;
    let text = format!("{before}{}", data_encoding::HEXLOWER.encode(&random));
    // Written whole under another name first: a crash in between must not leave half a secret.
    let draft = path.with_extension("draft");
    let mut file = OpenOptions::new().create(true).truncate(true).write(true).mode(0o600).open(&draft)?;
    file.write_all(text.as_bytes())?;
    file.write_all(b"\n")?;
    file.sync_all()?;
    fs::rename(&draft, path)?;
    Ok(text)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    #[allow(clippy::disallowed_methods)] // A test on a folder of its own.
    fn a_secret_that_cannot_be_read_is_not_replaced() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("platform.key");
        // A link in a circle: it is there, and nobody can open it, not even root.
        std::os::unix::fs::symlink(&path, &path).unwrap();
        assert!(secret_text(&path, 32, NEW_KEY).is_err());
        assert!(fs::symlink_metadata(&path).unwrap().is_symlink());
    }

    #[test]
    fn a_key_says_how_its_ids_are_shown() {
        let digits = "07".repeat(32);
        let shown = |text: &str| key_of(text).unwrap().permute("ord", 1);
        assert_eq!(shown(&format!("{digits}\n")), PlatformKey::of_old(&[7; 32]).permute("ord", 1));
        assert_eq!(shown(&format!("sip:{digits}\n")), PlatformKey::new(&[7; 32]).permute("ord", 1));
        for bad in ["", "sip:", "07", "SIP:07", &digits[1..], &format!("sip:{digits}07")] {
            assert_eq!(key_of(bad).unwrap_err().code, "bad_platform_key", "{bad}");
        }
    }
}
