//! `cargo xtask test`: everything that must be green, in one command; it installs what it needs or says how.

use std::fs::{self, File};
use std::io::{self, BufRead, BufReader, Write};
use std::path::Path;
use std::process::{Command, Stdio};
use std::thread;

use crate::cargo::cargo;
use crate::pool::{self, Job};
use crate::suites::{self, Suite};
use crate::tree::Tree;
use crate::{examples, journeys, red};

/// Where Debian keeps the programs of PostgreSQL.
const POSTGRES: &str = "/usr/lib/postgresql";
/// The line that installs it.
const INSTALL: &str = "apt-get install -y --no-install-recommends postgresql";
/// How many tests of a suite go on at once, unless somebody says; of the suites, as many as there are cores. Most tests wait for most
/// of their time.
const AT_ONCE: &str = "2";
/// Tells the runner of tests how many go on at once.
const THREADS: &str = "RUST_TEST_THREADS";
/// Tells the tests where their rows lie: `start` lets each of them start a server, anything else is the URL of one.
const ASKS: &str = "COMANDA_TEST_POSTGRES";

/// The logs of the suites.
const WORKSPACE: &str = "workspace";
const POSTGRES_LOG: &str = "postgres";

/// Runs all tests; `true` when everything is green. The output is kept in `target/rows/` for `cargo xtask rows`.
pub fn run(root: &Path) -> Result<bool, String> {
    have_postgres()?;
    let logs = root.join("target/rows");
    fs::create_dir_all(&logs).map_err(|error| format!("{}: {error}", logs.display()))?;
    let mut green = true;
    // The product's own tests run the binary as a user would get it.
    green &= run_cargo(root, &logs, "build", &["build", "--release", "--locked", "-p", "comanda"])?;
    green &= run_suites(root, &logs, &Services::read(root)?)?;
    green &= run_examples(root, &logs)?;
    green &= journeys::run(root, &logs)?;
    if !green && red::say(&logs, &[WORKSPACE, POSTGRES_LOG, "examples", "first-view", "journeys"]) == 0 {
        println!("No test says that it is red: something could not be built or run, see above.");
    }
    println!("{}", if green { "All tests are green." } else { "Some tests are red." });
    Ok(green)
}

/// Builds what the tests need, and nothing else, so that it can be done beside something that leaves a core free.
pub fn build(root: &Path) -> Result<bool, String> {
    suites::built(root, &Services::read(root)?.everything()).map(|suites| !suites.is_empty())
}

/// Runs every suite, and once more on PostgreSQL what can be there: the laws of the sql port, the mechanisms of the host, and every
/// service on rows.
fn run_suites(root: &Path, logs: &Path, services: &Services) -> Result<bool, String> {
    let said = |error: io::Error| format!("{}: {error}", logs.display());
    let path = |name: &str| logs.join(format!("{name}.log"));
    for name in [WORKSPACE, POSTGRES_LOG] {
        File::create(path(name)).map_err(said)?;
    }
    let mut suites = suites::built(root, &services.everything())?;
    // The largest first, so that none is left alone at the end.
    suites.sort_by_cached_key(|suite| std::cmp::Reverse(fs::metadata(&suite.program).map_or(0, |file| file.len())));
    let asked = std::env::var(ASKS).unwrap_or_else(|_| "start".to_owned());
    let plain = suites.iter().map(|suite| (suite, None, WORKSPACE));
    let on_postgres =
        suites.iter().filter(|suite| services.is_on_rows(suite)).map(|suite| (suite, Some(asked.as_str()), POSTGRES_LOG));
    let jobs = plain.chain(on_postgres).map(|(suite, asked, log)| job(suite, asked, log)).collect();
    let cores = thread::available_parallelism().map_or(1, usize::from);
    let green =
        pool::run(jobs, cores, |log, said| File::options().append(true).open(path(log))?.write_all(said)).map_err(said)?;
    let ran = |name| fs::read_to_string(path(name)).map(|log| Ran::of(&log)).map_err(said);
    let (plain, rows) = (ran(WORKSPACE)?, ran(POSTGRES_LOG)?);
    println!("\n{} tests passed in {} of {} suites, {} left out.", plain.passed, plain.suites, suites.len(), plain.left_out);
    println!(
        "On PostgreSQL: {} tests passed in {} of {} suites, {} left out.",
        rows.passed,
        rows.suites,
        services.suites(),
        rows.left_out
    );
    Ok(green && plain.suites == suites.len() && rows.suites == services.suites() && rows.passed > 0)
}

/// A suite as a program; the URL of a server, or `start`, when it is to be on PostgreSQL.
fn job<'a>(suite: &Suite, asked: Option<&str>, log: &'a str) -> Job<&'a str> {
    let mut command = Command::new(&suite.program);
    command.current_dir(&suite.folder).env_remove(ASKS).envs(asked.map(|asked| (ASKS, asked)));
    if std::env::var_os(THREADS).is_none() {
        command.env(THREADS, AT_ONCE);
    }
    let asks = asked.map_or_else(String::new, |asked| format!("{ASKS}={asked} "));
    Job { title: format!("{asks}{} ({})", suite.program.display(), suite.package), command, log }
}

/// Runs the examples in the docs, where there are any.
fn run_examples(root: &Path, logs: &Path) -> Result<bool, String> {
    let packages = examples::packages(&Tree::read(root)?);
    if packages.is_empty() {
        return Ok(true);
    }
    let asked = packages.iter().flat_map(|name| ["-p", name.as_str()]);
    run_cargo(root, logs, "examples", &["test", "--doc", "--locked"].into_iter().chain(asked).collect::<Vec<_>>())
}

/// The services of the platform.
struct Services {
    /// Those that keep their state in rows.
    on_rows: Vec<String>,
}

impl Services {
    fn read(root: &Path) -> Result<Services, String> {
        let topology = fs::read_to_string(root.join("topology.toml")).map_err(|error| format!("topology.toml: {error}"))?;
        Services::of(&topology)
    }

    fn of(topology: &str) -> Result<Services, String> {
        let table: toml::Table = topology.parse().map_err(|error: toml::de::Error| format!("topology.toml: {error}"))?;
        let services = table.get("services").and_then(toml::Value::as_table).ok_or("topology.toml names no services")?;
        let is_on_rows = |service: &toml::Value| service.get("store").and_then(toml::Value::as_str) == Some("sql");
        let on_rows = services.iter().filter(|(_, service)| is_on_rows(service)).map(|(name, _)| name.clone()).collect();
        Ok(Services { on_rows })
    }

    /// All tests there are, with the features of those on PostgreSQL: so nothing has to be built again for them.
    fn everything(&self) -> Vec<String> {
        let mut args: Vec<String> = ["test", "--workspace", "--locked", "--no-fail-fast"].map(str::to_owned).into();
        let engines = self.on_rows.iter().map(String::as_str).chain(["host", "sql"]).map(|name| format!("{name}/postgres"));
        args.extend(["--features".to_owned(), engines.chain(["sql/testing".to_owned()]).collect::<Vec<_>>().join(",")]);
        args
    }

    /// Tells whether a suite can run on PostgreSQL.
    fn is_on_rows(&self, suite: &Suite) -> bool {
        let is_known = match (suite.package.as_str(), suite.name.as_str()) {
            ("sql", "laws") | ("host", "host") => true,
            (package, "service") => self.on_rows.iter().any(|service| service == package),
            _ => false,
        };
        suite.is_outside && is_known
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
fn run_cargo(root: &Path, logs: &Path, name: &str, args: &[impl AsRef<str>]) -> Result<bool, String> {
    let args: Vec<&str> = args.iter().map(AsRef::as_ref).collect();
    println!("$ cargo {}", args.join(" "));
    let mut command = cargo(root);
    kept(command.args(&args).env_remove(ASKS), &logs.join(format!("{name}.log")))
        .map_err(|error| format!("cargo {}: {error}", args.join(" ")))
}

/// Runs a command, shows its output, and keeps a copy; `true` when it ended well.
pub fn kept(command: &mut Command, log: &Path) -> io::Result<bool> {
    let mut log = File::create(log)?;
    let mut child = command.stdout(Stdio::piped()).spawn()?;
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
    use std::path::PathBuf;

    use super::*;

    #[test]
    fn every_service_on_rows_is_tested_on_postgres() {
        let services = Services::of(include_str!("../../topology.toml")).unwrap();
        assert!(services.on_rows.iter().any(|name| name == "orders") && services.suites() >= 9);
        assert!(services.everything().join(" ").contains("orders/postgres,"));
        let is_there = |package: &str, name: &str, is_outside| {
            let (package, name) = (package.to_owned(), name.to_owned());
            services.is_on_rows(&Suite { package, name, is_outside, program: PathBuf::new(), folder: PathBuf::new() })
        };
        let is_on_rows = |package, name| is_there(package, name, true);
        assert!(is_on_rows("orders", "service") && is_on_rows("sql", "laws") && is_on_rows("host", "host"));
        assert!(!is_there("host", "host", false), "what a crate says of itself needs no engine");
        assert!(!is_on_rows("catalog", "service") && !is_on_rows("audit", "audit"));
    }

    #[test]
    fn what_ran_is_read_from_the_log() {
        let log = "test a ... ok\ntest result: ok. 15 passed; 0 failed; 2 ignored; 0 measured; 0 filtered out; finished in 1.0s\n\
            test result: FAILED. 1 passed; 12 failed; 0 ignored; 0 measured; 0 filtered out; finished in 2.0s\n";
        assert_eq!(Ran::of(log), Ran { suites: 2, passed: 16, left_out: 2 });
    }
}
