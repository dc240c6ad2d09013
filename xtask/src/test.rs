//! `cargo xtask test`: everything that must be green, in one command; it installs what it needs or says how.

use std::fs::{self, File};
use std::io::{BufRead, BufReader, Write};
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

/// Where Debian keeps the programs of PostgreSQL.
const POSTGRES: &str = "/usr/lib/postgresql";
/// The line that installs it.
const INSTALL: &str = "apt-get install -y --no-install-recommends postgresql";

/// Runs all tests; `true` when everything is green. The output is kept in `target/rows/` for `cargo xtask rows`.
pub fn run(root: &Path) -> Result<bool, String> {
    have_postgres()?;
    let logs = root.join("target/rows");
    fs::create_dir_all(&logs).map_err(|error| format!("{}: {error}", logs.display()))?;
    let mut green = true;
    // The product's own tests run the binary as a user would get it.
    green &= cargo(root, &logs, "build", &["build", "--release", "--locked", "-p", "comanda"])?;
    green &= cargo(root, &logs, "workspace", &["test", "--workspace", "--locked", "--no-fail-fast"])?;
    green &= cargo(root, &logs, "postgres", &["test", "-p", "sql", "--locked", "--features", "postgres,testing"])?;
    println!("{}", if green { "All tests are green." } else { "Some tests are red." });
    Ok(green)
}

/// Makes sure that a PostgreSQL server is on the machine: the laws of the sql port run on a real one.
fn have_postgres() -> Result<(), String> {
    let there = || {
        fs::read_dir(POSTGRES)
            .is_ok_and(|versions| versions.filter_map(Result::ok).any(|version| version.path().join("bin/initdb").exists()))
    };
    if there() {
        return Ok(());
    }
    println!("PostgreSQL is missing; installing it: {INSTALL}");
    let script = format!("apt-get update -q && DEBIAN_FRONTEND=noninteractive {INSTALL}");
    let installed = Command::new("sh").args(["-c", &script]).status().is_ok_and(|status| status.success());
    if installed && there() {
        return Ok(());
    }
    Err(format!("PostgreSQL is needed for the laws of the sql port. Install it as root with:\n  apt-get update && {INSTALL}"))
}

/// Runs cargo, shows its output, and keeps a copy.
fn cargo(root: &Path, logs: &Path, name: &str, args: &[&str]) -> Result<bool, String> {
    println!("$ cargo {}", args.join(" "));
    let failed = |error: std::io::Error| format!("cargo {}: {error}", args.join(" "));
    let program = std::env::var_os("CARGO").map_or_else(|| PathBuf::from("cargo"), PathBuf::from);
    let mut child = Command::new(program).args(args).current_dir(root).stdout(Stdio::piped()).spawn().map_err(failed)?;
    let mut log = File::create(logs.join(format!("{name}.log"))).map_err(failed)?;
    let output = child.stdout.take().ok_or("cargo has no output")?;
    for line in BufReader::new(output).lines() {
        let line = line.map_err(failed)?;
        println!("{line}");
        writeln!(log, "{line}").map_err(failed)?;
    }
    Ok(child.wait().map_err(failed)?.success())
}
