//! `cargo xtask new-service --try`: makes a service in a copy of the workspace and lets it prove itself.
//!
//! The copy builds into the caller's target folder, so everything of the world is there already. Its own packages bear
//! another version: to cargo they are other packages, so neither tree ever takes what the other has built for its own.

use std::collections::BTreeSet;
use std::fs;
use std::path::{Path, PathBuf};

use super::make;
use crate::cargo::{cargo, target};
use crate::check;

/// The service that is made and thrown away.
const NAME: &str = "loyalty";
/// What is built, or somebody's data, and not part of the house.
const SKIPPED: [&str; 4] = ["target", ".git", "node_modules", "comanda-data"];

/// A folder that goes away.
struct Copy(PathBuf);

impl Drop for Copy {
    fn drop(&mut self) {
        let _ = fs::remove_dir_all(&self.0);
    }
}

/// Makes, checks, tests and lints a service in a copy; true when all of it is green.
pub fn run(home: &Path) -> Result<bool, String> {
    let copy = Copy(std::env::temp_dir().join(format!("comanda-new-service-{}", std::process::id())));
    let root = copy.0.as_path();
    copy_tree(home, root)?;
    rename_versions(root)?;
    let before = said_by_check(root)?;
    make(home, root, NAME)?;
    let mut green = true;
    for (rule, line) in said_by_check(root)?.difference(&before) {
        println!("{line} ({rule})");
        green = false;
    }
    let api = format!("{NAME}-api");
    green &= run_cargo(home, root, &["test", "-p", NAME, "-p", &api])?;
    green &= run_cargo(home, root, &["clippy", "-p", NAME, "-p", &api, "--all-targets", "--no-deps", "--", "-D", "warnings"])?;
    println!("{}", if green { "A new service is green from its first minute." } else { "A new service is NOT green." });
    Ok(green)
}

/// What the rules find: rule, and file with text. Lines move when others are put in before them, so they are left out.
fn said_by_check(root: &Path) -> Result<BTreeSet<(&'static str, String)>, String> {
    let found = check::violations(root)?.into_iter().filter(|(_, violation)| !violation.warning);
    Ok(found.map(|(rule, violation)| (rule, format!("{}: {}", violation.path, violation.text))).collect())
}

fn copy_tree(from: &Path, to: &Path) -> Result<(), String> {
    let said = |error: std::io::Error| format!("{}: {error}", from.display());
    fs::create_dir_all(to).map_err(said)?;
    for entry in fs::read_dir(from).map_err(said)? {
        let entry = entry.map_err(said)?;
        let name = entry.file_name();
        if SKIPPED.iter().any(|skipped| name == *skipped) {
            continue;
        }
        let kind = entry.file_type().map_err(said)?;
        if kind.is_dir() {
            copy_tree(&entry.path(), &to.join(name))?;
        } else if kind.is_file() {
            fs::copy(entry.path(), to.join(name)).map_err(said)?;
        }
    }
    Ok(())
}

/// Gives the packages of the copy another version.
fn rename_versions(root: &Path) -> Result<(), String> {
    let path = root.join("Cargo.toml");
    let text = fs::read_to_string(&path).map_err(|error| format!("{}: {error}", path.display()))?;
    let text = renamed(&text).ok_or("[workspace.package] has no version")?;
    fs::write(&path, text).map_err(|error| format!("{}: {error}", path.display()))
}

fn renamed(text: &str) -> Option<String> {
    let section = text.find("[workspace.package]")?;
    let open = section + text[section..].find("version = \"")? + "version = \"".len();
    let close = open + text[open..].find('"')?;
    Some(format!("{}-try{}", &text[..close], &text[close..]))
}

fn run_cargo(home: &Path, root: &Path, args: &[&str]) -> Result<bool, String> {
    println!("$ cargo {}", args.join(" "));
    let status = cargo(root).args(args).env("CARGO_TARGET_DIR", target(home)).status();
    Ok(status.map_err(|error| format!("cargo {}: {error}", args.join(" ")))?.success())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_packages_of_the_copy_are_others() {
        let text = "[workspace]\nresolver = \"3\"\n[workspace.package]\nversion = \"0.1.0\"\nedition = \"2024\"\n[workspace.dependencies]\nx = { version = \"1\" }\n";
        let text = renamed(text).unwrap();
        assert!(text.contains("\nversion = \"0.1.0-try\"\nedition") && text.contains("{ version = \"1\" }"), "{text}");
        assert_eq!(renamed("[package]\nversion = \"1\"\n"), None);
    }
}
