//! `cargo xtask test`: everything that must be green, in one command; it installs what it needs or says how.

use std::fs::{self, File};
use std::io::{BufRead, BufReader, Write};
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use crate::{journeys, red};

/// Where Debian keeps the programs of PostgreSQL.
const POSTGRES: &str = "/usr/lib/postgresql";
/// The line that installs it.
const INSTALL: &str = "apt-get install -y --no-install-recommends postgresql";
/// How many tests go on at once for each core: most of them wait for most of their time.
const PER_CORE: usize = 2;
/// Tells the runner of tests how many go on at once.
const THREADS: &str = "RUST_TEST_THREADS";
/// Tells the tests where their rows lie: `start` lets each of them start a server, anything else is the URL of one.
const ASKS: &str = "COMANDA_TEST_POSTGRES";

/// Runs all tests; `true` when everything is green. The output is kept in `target/rows/` for `cargo xtask rows`.
pub fn run(root: &Path) -> Result<bool, String> {
    have_postgres()?;
    let logs = root.join("target/rows");
    fs::create_dir_all(&logs).map_err(|error| format!("{}: {error}", logs.display()))?;
    let services = Services::read(root)?;
    let mut green = true;
    // The product's own tests run the binary as a user would get it.
    green &= cargo(root, &logs, "build", &["build", "--release", "--locked", "-p", "comanda"])?;
    green &= cargo(root, &logs, "workspace", &services.everything())?;
    green &= on_postgres(root, &logs, &services)?;
    green &= journeys::run(root, &logs)?;
    if !green && red::say(&logs, &["workspace", "postgres", "first-view", "journeys"]) == 0 {
        println!("No test says that it is red: something could not be built or run, see above.");
    }
    println!("{}", if green { "All tests are green." } else { "Some tests are red." });
    Ok(green)
}

/// Builds what the tests need, and nothing else, so that it can be done beside something that leaves a core free.
pub fn build(root: &Path) -> Result<bool, String> {
    let args = [Services::read(root)?.everything(), vec!["--no-run".to_owned()]].concat();
    let program = std::env::var_os("CARGO").map_or_else(|| PathBuf::from("cargo"), PathBuf::from);
    let built = Command::new(program).args(&args).current_dir(root).status();
    built.map(|status| status.success()).map_err(|error| format!("cargo {}: {error}", args.join(" ")))
}

/// What to tell cargo for the simulator that it builds for the tests anyway.
pub fn builds_simulator(root: &Path) -> Result<Vec<String>, String> {
    let only = ["--no-run", "--quiet", "--test", "worlds"].map(str::to_owned);
    Ok([Services::read(root)?.everything(), only.into()].concat())
}

/// Runs on PostgreSQL what can be there: the laws of the sql port, the mechanisms of the host, and every service on rows.
fn on_postgres(root: &Path, logs: &Path, services: &Services) -> Result<bool, String> {
    let green = cargo(root, logs, "postgres", &services.rows())?;
    let log = fs::read_to_string(logs.join("postgres.log")).map_err(|error| format!("postgres.log: {error}"))?;
    let ran = Ran::of(&log);
    println!(
        "On PostgreSQL: {} tests passed in {} of {} suites, {} left out.",
        ran.passed,
        ran.suites,
        services.suites(),
        ran.left_out
    );
    Ok(green && ran.suites == services.suites() && ran.passed > 0)
}

/// The services, by what they keep their state in.
struct Services {
    on_rows: Vec<String>,
    others: Vec<String>,
}

impl Services {
    fn read(root: &Path) -> Result<Services, String> {
        let topology = fs::read_to_string(root.join("topology.toml")).map_err(|error| format!("topology.toml: {error}"))?;
        Services::of(&topology)
    }

    fn of(topology: &str) -> Result<Services, String> {
        let table: toml::Table = topology.parse().map_err(|error: toml::de::Error| format!("topology.toml: {error}"))?;
        let services = table.get("services").and_then(toml::Value::as_table).ok_or("topology.toml names no services")?;
        let store = |service: &toml::Value| service.get("store").and_then(toml::Value::as_str).unwrap_or("none").to_owned();
        let of = |wanted: &str| {
            let fits = services.iter().filter(|(_, service)| store(service) == wanted);
            fits.map(|(name, _)| name.clone()).collect::<Vec<_>>()
        };
        Ok(Services { on_rows: of("sql"), others: of("documents") })
    }

    /// All tests there are, with the features of those on PostgreSQL: so nothing has to be built again for them.
    fn everything(&self) -> Vec<String> {
        let mut args: Vec<String> = ["test", "--workspace", "--locked", "--no-fail-fast"].map(str::to_owned).into();
        let engines = self.on_rows.iter().map(String::as_str).chain(["host", "sql"]).map(|name| format!("{name}/postgres"));
        args.extend(["--features".to_owned(), engines.chain(["sql/testing".to_owned()]).collect::<Vec<_>>().join(",")]);
        args
    }

    /// Of these, what keeps its state in rows.
    fn rows(&self) -> Vec<String> {
        let mut args = self.everything();
        args.extend(self.others.iter().flat_map(|name| ["--exclude".to_owned(), name.clone()]));
        args.extend(["--test", "laws", "--test", "host", "--test", "service"].map(str::to_owned));
        args
    }

    /// The laws, the host, and each service.
    fn suites(&self) -> usize {
        2 + self.on_rows.len()
    }
}

/// What a log of tests says.
#[derive(Default, PartialEq, Debug)]
struct Ran {
    suites: usize,
    passed: usize,
    left_out: usize,
}

impl Ran {
    fn of(log: &str) -> Ran {
        let mut ran = Ran::default();
        for counts in log.lines().filter_map(|line| line.trim().strip_prefix("test result: ")) {
            let count = |word: &str| {
                let before = counts.split([';', '.']).find_map(|part| part.trim().strip_suffix(word));
                before.and_then(|number| number.trim().parse::<usize>().ok()).unwrap_or(0)
            };
            ran.suites += 1;
            ran.passed += count("passed");
            ran.left_out += count("ignored");
        }
        ran
    }
}

/// Makes sure that a PostgreSQL server is on the machine: the laws of the sql port and the services run on a real one.
fn have_postgres() -> Result<(), String> {
    let there = || {
        fs::read_dir(POSTGRES)
            .is_ok_and(|versions| versions.filter_map(Result::ok).any(|version| version.path().join("bin/initdb").exists()))
    };
    if there() {
        return Ok(());
    }
    println!("PostgreSQL is missing; installing it: {INSTALL}");
    if install(INSTALL) && there() {
        return Ok(());
    }
    Err(format!(
        "PostgreSQL is needed for the laws of the sql port and for the services. Install it as root with:\n  apt-get update && {INSTALL}"
    ))
}

/// Runs a line that installs something from Debian; `true` when it ended well.
pub fn install(line: &str) -> bool {
    let script = format!("apt-get update -q && DEBIAN_FRONTEND=noninteractive {line}");
    Command::new("sh").args(["-c", &script]).status().is_ok_and(|status| status.success())
}

/// Runs cargo, shows its output, and keeps a copy.
fn cargo(root: &Path, logs: &Path, name: &str, args: &[impl AsRef<str>]) -> Result<bool, String> {
    let args: Vec<&str> = args.iter().map(AsRef::as_ref).collect();
    println!("$ cargo {}", args.join(" "));
    let failed = |error: std::io::Error| format!("cargo {}: {error}", args.join(" "));
    let program = std::env::var_os("CARGO").map_or_else(|| PathBuf::from("cargo"), PathBuf::from);
    let mut command = Command::new(program);
    command.args(&args).current_dir(root);
    if std::env::var_os(THREADS).is_none() {
        let cores = std::thread::available_parallelism().map_or(1, usize::from);
        command.env(THREADS, (cores * PER_CORE).to_string());
    }
    match name {
        "postgres" if std::env::var_os(ASKS).is_none() => command.env(ASKS, "start"),
        "postgres" => &mut command,
        _ => command.env_remove(ASKS),
    };
    kept(&mut command, &logs.join(format!("{name}.log"))).map_err(failed)
}

/// Runs a command, shows its output, and keeps a copy; `true` when it ended well.
pub fn kept(command: &mut Command, log: &Path) -> std::io::Result<bool> {
    let mut child = command.stdout(Stdio::piped()).spawn()?;
    let mut log = File::create(log)?;
    if let Some(output) = child.stdout.take() {
        for line in BufReader::new(output).lines() {
            let line = line?;
            println!("{line}");
            writeln!(log, "{line}")?;
        }
    }
    Ok(child.wait()?.success())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_service_on_rows_is_tested_on_postgres_in_one_call() {
        let services = Services::of(include_str!("../../topology.toml")).unwrap();
        assert!(services.on_rows.iter().any(|name| name == "orders") && services.suites() >= 9);
        let args = services.rows().join(" ");
        assert!(args.contains("--exclude catalog") && args.contains("orders/postgres,"), "{args}");
    }

    #[test]
    fn what_ran_is_read_from_the_log() {
        let log = "test a ... ok\ntest result: ok. 15 passed; 0 failed; 2 ignored; 0 measured; 0 filtered out; finished in 1.0s\n\
            test result: FAILED. 1 passed; 12 failed; 0 ignored; 0 measured; 0 filtered out; finished in 2.0s\n";
        assert_eq!(Ran::of(log), Ran { suites: 2, passed: 16, left_out: 2 });
    }
}
