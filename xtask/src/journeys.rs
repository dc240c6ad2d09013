//! The pages in a real browser: `tests/browser`, run by node's own test runner.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

use crate::cargo::{cargo, target};
use crate::test::{install, kept};

/// Where Debian puts the browser, and the lines that install it and what runs the journeys.
const CHROMIUM: &str = "/usr/bin/chromium";
const INSTALL_CHROMIUM: &str = "apt-get install -y --no-install-recommends chromium fonts-dejavu-core";
const INSTALL_NODE: &str = "apt-get install -y --no-install-recommends nodejs npm";
/// The oldest node whose test runner tells what the reporter needs.
const NODE_MIN: u32 = 20;
/// The journey that measures how soon a page is of use.
const MEASURES: &str = "first-view.test.mjs";
/// How many of the others go on at once: each waits for its pages for most of its time.
const AT_ONCE: usize = 2;
/// What npm has installed last, beside it: as long as the lock is the same, it is not asked again.
const INSTALLED: &str = "node_modules/.lock";

/// Builds the binary as a user would get it, and runs the journeys.
pub fn alone(root: &Path) -> Result<bool, String> {
    let built = cargo(root).args(["build", "--release", "--locked", "-p", "comanda"]).status();
    if !built.is_ok_and(|status| status.success()) {
        return Err("the binary could not be built".to_owned());
    }
    let logs = root.join("target/rows");
    fs::create_dir_all(&logs).map_err(|error| format!("{}: {error}", logs.display()))?;
    run(root, &logs)
}

/// Runs all journeys against the binary that is built for shipping; `true` when everything is green.
pub fn run(root: &Path, logs: &Path) -> Result<bool, String> {
    have_browser()?;
    have_node()?;
    let folder = root.join("tests/browser");
    have_packages(&folder)?;
    let (measuring, others): (Vec<_>, Vec<_>) = journeys(&folder)?.into_iter().partition(|journey| journey.ends_with(MEASURES));
    let mut green = true;
    // Each has a platform and a browser to itself; what measures the time of a page has the machine to itself, too. It comes
    // last: by then whatever was begun beside the tests has ended.
    for (journeys, at_once, log) in [(others, AT_ONCE, "journeys.log"), (measuring, 1, "first-view.log")] {
        println!("$ node --test tests/browser/journeys ({} files, {at_once} at once)", journeys.len());
        let mut command = Command::new("node");
        command.args(["--test", "--test-reporter=./lib/reporter.mjs", &format!("--test-concurrency={at_once}")]).args(journeys);
        command
            .current_dir(&folder)
            .env("COMANDA", target(root).join("release/comanda"))
            .env("CHROMIUM", CHROMIUM)
            .env_remove("COMANDA_WEB");
        green &= kept(&mut command, &logs.join(log)).map_err(|error| format!("node: {error}"))?;
    }
    Ok(green)
}

/// Gives the journeys, the longest first, so that none is left alone at the end.
fn journeys(folder: &Path) -> Result<Vec<PathBuf>, String> {
    let folder = folder.join("journeys");
    let entries = fs::read_dir(&folder).map_err(|error| format!("{}: {error}", folder.display()))?;
    let mut found: Vec<PathBuf> = entries.flatten().map(|entry| entry.path()).collect();
    found.retain(|path| path.to_string_lossy().ends_with(".test.mjs"));
    found.sort_by_cached_key(|path| (std::cmp::Reverse(fs::metadata(path).map_or(0, |file| file.len())), path.clone()));
    Ok(found)
}

fn have_browser() -> Result<(), String> {
    let there = || Path::new(CHROMIUM).exists();
    if there() {
        return Ok(());
    }
    println!("Chromium is missing; installing it: {INSTALL_CHROMIUM}");
    if install(INSTALL_CHROMIUM) && there() {
        return Ok(());
    }
    Err(format!("Chromium is needed for the journeys. Install it as root with:\n  apt-get update && {INSTALL_CHROMIUM}"))
}

fn have_node() -> Result<(), String> {
    let version = || {
        let said = Command::new("node").arg("--version").output().ok()?;
        major(&String::from_utf8_lossy(&said.stdout))
    };
    let npm = || Command::new("npm").arg("--version").output().is_ok_and(|said| said.status.success());
    if version().is_none() || !npm() {
        println!("node is missing; installing it: {INSTALL_NODE}");
        install(INSTALL_NODE);
    }
    match version() {
        Some(version) if version >= NODE_MIN && npm() => Ok(()),
        found => {
            let found = found.map_or_else(|| "there is none".to_owned(), |version| format!("there is {version}"));
            Err(format!("The journeys need node {NODE_MIN} or newer with npm, and {found}."))
        }
    }
}

/// Reads `v20.11.1`.
fn major(version: &str) -> Option<u32> {
    version.trim().strip_prefix('v')?.split('.').next()?.parse().ok()
}

fn have_packages(folder: &Path) -> Result<(), String> {
    let said = |error: std::io::Error| format!("{}: {error}", folder.display());
    let lock = fs::read(folder.join("package-lock.json")).map_err(said)?;
    if fs::read(folder.join(INSTALLED)).is_ok_and(|installed| installed == lock) {
        return Ok(());
    }
    let installed = Command::new("npm").args(["ci", "--ignore-scripts"]).current_dir(folder).status().map_err(said)?;
    if !installed.success() {
        return Err("npm ci failed in tests/browser".to_owned());
    }
    fs::write(folder.join(INSTALLED), lock).map_err(said)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn versions_of_node_are_read() {
        assert_eq!((major("v20.20.2\n"), major("v9.0.0"), major("20.1"), major("")), (Some(20), Some(9), None, None));
    }
}
