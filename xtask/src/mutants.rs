//! Mutants: every planted mistake has to be seen by a checker whose promise it breaks (`sim/src/mistakes.rs`).

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::sync::Mutex;
use std::time::Instant;

/// How many worlds a mistake may take.
const SEEDS_MAX: u64 = 2_000;
/// How many people come to each world: mistakes are found sooner in small ones.
const CUSTOMERS: &str = "14";
/// How many hunts go on at once.
const AT_ONCE: usize = 2;

/// How one mistake was found.
struct Told {
    name: String,
    worlds: String,
    seed: String,
    promise: String,
    checker: String,
    seconds: String,
    struck: String,
    found: bool,
    said: String,
}

/// Where the table of all mistakes stands.
const PAGE: &str = "docs/guide/how-we-know.md";
/// Between these lines.
const TABLE: (&str, &str) = ("<!-- the table that `cargo xtask mutants --write` makes -->\n", "<!-- the end of the table -->\n");

/// Builds the simulator once and lets it hunt for every mistake, or for those that are named; true when all were found.
/// With `--write` the table of them is put into the guide.
pub fn run(root: &Path, names: &[&str]) -> Result<bool, String> {
    let (flags, names): (Vec<&str>, Vec<&str>) = names.iter().partition(|name| **name == "--write");
    let started = Instant::now();
    let program = build(root)?;
    let built = started.elapsed();
    let listed = Command::new(&program).arg("--mistakes").output().map_err(|error| format!("sim: {error}"))?;
    let listed = String::from_utf8_lossy(&listed.stdout).into_owned();
    let texts: BTreeMap<&str, &str> =
        listed.lines().filter_map(|line| Some((line.split('\t').next()?, line.rsplit('\t').next()?))).collect();
    let all: Vec<&str> = listed.lines().filter_map(|line| line.split('\t').next()).collect();
    let wanted: Vec<&str> = all.into_iter().filter(|name| names.is_empty() || names.contains(name)).collect();
    if wanted.is_empty() {
        return Err("there are no such mistakes".to_owned());
    }
    println!("{:<26} {:>6} {:>6}  {:<22} {:<34} {:>7}", "mistake", "worlds", "seed", "promise", "seen by", "seconds");
    let open = Mutex::new(wanted.iter().rev().copied().collect::<Vec<_>>());
    let (all, missed) = (Mutex::new(BTreeMap::new()), Mutex::new(Vec::new()));
    std::thread::scope(|scope| {
        for _ in 0..AT_ONCE {
            scope.spawn(|| {
                while let Some(name) = open.lock().ok().and_then(|mut open| open.pop()) {
                    let told = hunt(&program, name);
                    let Told { worlds, seed, promise, checker, seconds, .. } = &told;
                    println!("{name:<26} {worlds:>6} {seed:>6}  {promise:<22} {checker:<34} {seconds:>7}");
                    if !told.found {
                        println!("{}", told.said);
                        if let Ok(mut missed) = missed.lock() {
                            missed.push(told.name.clone());
                        }
                    }
                    if let Ok(mut all) = all.lock() {
                        all.insert((told.promise.clone(), told.name.clone()), told);
                    }
                }
            });
        }
    });
    let missed = missed.into_inner().unwrap_or_default();
    let (found, seconds) = (wanted.len() - missed.len(), (started.elapsed() - built).as_secs());
    println!("mutants: {found} of {} were seen by a checker whose promise they break, in {seconds} s", wanted.len());
    if !missed.is_empty() {
        println!("mutants: not seen: {}", missed.join(", "));
    }
    if !flags.is_empty() {
        write(root, &texts, &all.into_inner().unwrap_or_default())?;
    }
    Ok(missed.is_empty())
}

/// Puts the table into the guide.
fn write(root: &Path, texts: &BTreeMap<&str, &str>, all: &BTreeMap<(String, String), Told>) -> Result<(), String> {
    let path = root.join(PAGE);
    let said = |error: std::io::Error| format!("{PAGE}: {error}");
    let page = std::fs::read_to_string(&path).map_err(said)?;
    let split = page.split_once(TABLE.0).and_then(|(before, rest)| Some((before, rest.split_once(TABLE.1)?.1)));
    let (before, after) = split.ok_or_else(|| format!("{PAGE} has no place for the table"))?;
    let mut table = String::from("| promise | planted mistake | seen by | worlds | what struck there |\n|---|---|---|---|---|\n");
    for ((promise, name), told) in all {
        let text = texts.get(name.as_str()).copied().unwrap_or_default();
        table.push_str(&format!("| `{promise}` | `{name}`: {text} | {} | {} | {} |\n", told.checker, told.worlds, told.struck));
    }
    std::fs::write(&path, format!("{before}{}{table}{}{after}", TABLE.0, TABLE.1)).map_err(said)
}

fn build(root: &Path) -> Result<PathBuf, String> {
    let cargo = std::env::var_os("CARGO").map_or_else(|| PathBuf::from("cargo"), PathBuf::from);
    let built = Command::new(cargo).args(["build", "--release", "--locked", "-p", "sim"]).current_dir(root).status();
    if !built.is_ok_and(|status| status.success()) {
        return Err("the simulator could not be built".to_owned());
    }
    let target = std::env::var_os("CARGO_TARGET_DIR").map_or_else(|| root.join("target"), |target| root.join(target));
    Ok(target.join("release/sim"))
}

fn hunt(program: &Path, name: &str) -> Told {
    let seeds = format!("1..{}", SEEDS_MAX + 1);
    let ended = Command::new(program).args(["--mistake", name, "--customers", CUSTOMERS, "--seeds", &seeds]).output();
    let (said, found) = match ended {
        Ok(output) => {
            let said = format!("{}{}", String::from_utf8_lossy(&output.stdout), String::from_utf8_lossy(&output.stderr));
            (said, output.status.success())
        }
        Err(error) => (format!("sim: {error}"), false),
    };
    read(name, &said, found)
}

/// Reads the line in which a hunt is summed up.
fn read(name: &str, said: &str, found: bool) -> Told {
    let line = said.lines().rev().find_map(|line| line.strip_prefix("mistake\t")).unwrap_or_default();
    let mut words = line.split('\t').skip(1).map(str::to_owned);
    let mut next = || words.next().unwrap_or_else(|| "-".to_owned());
    Told {
        name: name.to_owned(),
        worlds: next(),
        seed: next(),
        promise: next(),
        checker: next(),
        seconds: next(),
        struck: next(),
        found,
        said: said.to_owned(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_line_of_a_hunt_is_read_and_a_broken_one_is_no_find() {
        let told = read("RefundOfHalf", "  words\nmistake\tRefundOfHalf\t3\t3\tMoneyIsConserved\ttaken_twice\t0.4\n", true);
        assert_eq!((told.worlds.as_str(), told.checker.as_str(), told.seconds.as_str()), ("3", "taken_twice", "0.4"));
        let told = read("RefundOfHalf", "it crashed", false);
        assert!(!told.found && told.promise == "-");
    }
}
