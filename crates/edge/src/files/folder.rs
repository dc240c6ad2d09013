//! The files of a folder, for whoever works on pages: what is saved is seen at the next reload.

use std::collections::BTreeSet;
use std::path::{Path, PathBuf};

/// A folder whose files are served as they are.
pub(crate) struct Folder {
    root: Option<PathBuf>,
}

#[allow(clippy::disallowed_methods)] // The outside of the platform: a folder that its owner has named at the start.
impl Folder {
    /// Opens a folder; one that is not there has no files.
    pub(super) fn new(path: &Path) -> Folder {
        let root =
            path.canonicalize().inspect_err(|error| tracing::warn!(%error, path = %path.display(), "there are no pages")).ok();
        Folder { root }
    }

    /// Reads a file; none when its path has a name that is not plain, or leads out of the folder.
    pub(super) fn read(&self, path: &str) -> Option<Vec<u8>> {
        let root = self.root.as_ref()?;
        if !path.split('/').all(is_plain) {
            return None;
        }
        // A link may lie in the folder and lead out of it.
        let file = root.join(path).canonicalize().ok()?;
        if !file.starts_with(root) { None } else { std::fs::read(file).ok() }
    }

    /// Lists the folders of the first level.
    pub(super) fn folders(&self) -> BTreeSet<String> {
        let entries = self.root.as_ref().and_then(|root| std::fs::read_dir(root).ok());
        let folders = entries.into_iter().flatten().flatten().filter(|entry| entry.path().is_dir());
        folders.filter_map(|entry| entry.file_name().into_string().ok()).filter(|name| is_plain(name)).collect()
    }
}

/// Tells whether a name needs no escapes and neither hides nor climbs.
fn is_plain(name: &str) -> bool {
    let plain = |byte: u8| byte.is_ascii_alphanumeric() || b"._-".contains(&byte);
    !name.is_empty() && !name.starts_with('.') && name.bytes().all(plain)
}
