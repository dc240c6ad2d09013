//! The files of the workspace, read once and handed to every rule; a test plants its own.

use std::collections::BTreeMap;
use std::fs;
use std::path::Path;

/// What is read; everything else is known by its path alone.
const READ: [&str; 12] = ["rs", "toml", "sql", "json", "proto", "md", "html", "css", "js", "mjs", "svg", "webmanifest"];
const SKIPPED: [&str; 3] = ["target", "node_modules", "dist"];
/// Larger files are data, not text that a rule would read.
const READ_BYTES_MAX: u64 = 1 << 20;

/// Paths relative to the root, with `/`, and their text.
#[derive(Default)]
pub struct Tree {
    files: BTreeMap<String, String>,
}

impl Tree {
    /// Reads a folder, without hidden and built ones.
    pub fn read(root: &Path) -> Result<Tree, String> {
        let mut tree = Tree::default();
        tree.walk(root, "")?;
        Ok(tree)
    }

    fn walk(&mut self, folder: &Path, prefix: &str) -> Result<(), String> {
        let said = |error: std::io::Error| format!("{}: {error}", folder.display());
        for entry in fs::read_dir(folder).map_err(said)? {
            let entry = entry.map_err(said)?;
            let name = entry.file_name().to_string_lossy().into_owned();
            let path = format!("{prefix}{name}");
            let kind = entry.file_type().map_err(said)?;
            if name.starts_with('.') || kind.is_symlink() {
                continue;
            }
            if kind.is_dir() {
                if !SKIPPED.contains(&name.as_str()) {
                    self.walk(&entry.path(), &format!("{path}/"))?;
                }
                continue;
            }
            let small = entry.metadata().map_err(said)?.len() <= READ_BYTES_MAX;
            let known = name.rsplit_once('.').is_some_and(|(_, end)| READ.contains(&end));
            let text = if known && small { fs::read_to_string(entry.path()).unwrap_or_default() } else { String::new() };
            self.files.insert(path, text);
        }
        Ok(())
    }

    /// A tree that never lay on a disk.
    #[cfg(test)]
    pub fn of<P: Into<String>, T: Into<String>>(files: impl IntoIterator<Item = (P, T)>) -> Tree {
        Tree { files: files.into_iter().map(|(path, text)| (path.into(), text.into())).collect() }
    }

    /// Every path with its text, in order.
    pub fn files(&self) -> impl Iterator<Item = (&str, &str)> {
        self.files.iter().map(|(path, text)| (path.as_str(), text.as_str()))
    }

    /// Every Rust file.
    pub fn rust(&self) -> impl Iterator<Item = (&str, &str)> {
        self.files().filter(|(path, _)| path.ends_with(".rs"))
    }

    /// Everything beneath a folder, which is given with its closing `/`.
    pub fn under<'a>(&'a self, folder: &'a str) -> impl Iterator<Item = (&'a str, &'a str)> {
        self.files().filter(move |(path, _)| path.starts_with(folder))
    }

    /// The text of one file, if it is there.
    pub fn text(&self, path: &str) -> Option<&str> {
        self.files.get(path).map(String::as_str)
    }

    /// The names of the folders in `services/`.
    pub fn services(&self) -> Vec<&str> {
        let mut names: Vec<&str> = self
            .under("services/")
            .filter_map(|(path, _)| path["services/".len()..].split_once('/').map(|(name, _)| name))
            .collect();
        names.dedup();
        names
    }

    /// The first line of a file that contains the needle, or 1.
    pub fn line_of(&self, path: &str, needle: &str) -> usize {
        let text = self.text(path).unwrap_or_default();
        text.lines().position(|line| line.contains(needle)).map_or(1, |at| at + 1)
    }

    /// `topology.toml`, empty when it is missing or broken: the topology crate says why, this one only looks things up.
    pub fn topology(&self) -> toml::Table {
        self.text("topology.toml").and_then(|text| text.parse().ok()).unwrap_or_default()
    }
}

/// True for generated code, which no rule about style applies to.
pub fn is_generated(path: &str) -> bool {
    path.ends_with("/generated.rs")
}

/// True for test code that stands in a file of its own.
pub fn is_test(path: &str) -> bool {
    path.starts_with("tests/") || path.contains("/tests/") || path.ends_with("/tests.rs") || path.ends_with("/laws.rs")
}
