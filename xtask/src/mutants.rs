//! Mutants: every planted mistake has to be seen by a checker whose promise it breaks (`sim/src/mistakes.rs`).

mod known;

use std::collections::BTreeMap;
use std::ops::Range;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::sync::Mutex;
use std::time::Instant;

use known::Known;

use crate::cargo::{cargo, target};
use crate::test;

/// The worlds of a hunt.
const SEEDS: Range<u64> = 1..2_001;
/// How many people come to each world: mistakes are found sooner in small ones.
const CUSTOMERS: &str = "14";
/// How many hunts go on at once.
const AT_ONCE: usize = 2;

/// A world that takes so many seconds is cheap enough to be lived at every change,
const CHEAP: f64 = 0.3;
/// and so many are tried to find one.
const NEXT: u64 = 12;

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

/// How the worlds of a hunt are chosen.
#[derive(Clone, Copy, PartialEq, Eq)]
enum How {
    /// One after the other, until it was seen.
    Hunt,
    /// The same, and then the table of them is put into the guide.
    Write,
    /// Where each is known to be seen, and a few others: with the build of the tests, in minutes.
    Known,
}

/// Builds the simulator once and lets it hunt for every mistake, or for those that are named; true when all were found.
pub fn run(root: &Path, words: &[&str]) -> Result<bool, String> {
    let (flags, names): (Vec<&str>, Vec<&str>) = words.iter().partition(|word| word.starts_with("--"));
    let how = match flags[..] {
        [] => How::Hunt,
        ["--write"] => How::Write,
        ["--known"] => How::Known,
        _ => return Err(format!("mutants knows --write and --known, not {}", flags.join(" "))),
    };
    let started = Instant::now();
    let program = build(root, how)?;
    let built = started.elapsed();
    let known = known::read(root)?;
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
                    let told = match how {
                        How::Known => again(&program, name, known.get(name)),
                        How::Hunt | How::Write => hunt(&program, name, SEEDS),
                    };
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
    let all = all.into_inner().unwrap_or_default();
    match how {
        How::Hunt => Ok(missed.is_empty()),
        How::Write => {
            write(root, &texts, &all)?;
            known::write(root, all.values().filter_map(|told| Known::of(told, &cheapest(&program, told))))?;
            Ok(missed.is_empty())
        }
        // A rare one may be in other worlds since the last change; one that is met often is missed for a reason.
        How::Known => Ok(!missed.iter().any(|name| known.get(name.as_str()).is_some_and(Known::is_frequent))),
    }
}

/// Looks for a mistake where it is known to be seen, and otherwise in a few other worlds.
fn again(program: &Path, name: &str, known: Option<&Known>) -> Told {
    let there = known.map(|known| hunt(program, name, known.seed..known.seed + 1)).filter(|told| told.found);
    there.unwrap_or_else(|| hunt(program, name, 1..1 + known::WORLDS_MAX))
}

/// The world that shows a mistake with the least work: the one where it was seen first, or one of the next.
fn cheapest(program: &Path, first: &Told) -> String {
    let Ok(seed) = first.seed.parse::<u64>() else { return first.seed.clone() };
    let mut cheapest = (f64::MAX, first.seed.clone());
    for seed in seed..seed + NEXT {
        let told = hunt(program, &first.name, seed..seed + 1);
        let seconds = told.seconds.parse().unwrap_or(f64::MAX);
        if told.found && seconds < cheapest.0 {
            cheapest = (seconds, told.seed);
        }
        if cheapest.0 <= CHEAP {
            break;
        }
    }
    cheapest.1
}

/// Puts the table into the guide.
fn write(root: &Path, texts: &BTreeMap<&str, &str>, all: &BTreeMap<(String, String), Told>) -> Result<(), String> {
    let path = root.join(PAGE);
    let said = |error: std::io::Error| format!("{PAGE}: {error}");
    let page = std::fs::read_to_string(&path).map_err(said)?;
    let split = page.split_once(TABLE.0).and_then(|(before, rest)| Some((before, rest.split_once(TABLE.1)?.1)));
    let (before, after) = split.ok_or_else(|| format!("{PAGE} has no place for the table"))?;
    let mut table = String::from("| promise | planted mistake | seen by | worlds | what struck there |\n|---|---|---|---|---|\n");
    for ((promise, name), told) in all.iter().filter(|(_, told)| told.found) {
        let text = texts.get(name.as_str()).copied().unwrap_or_default();
        table.push_str(&format!("| `{promise}` | `{name}`: {text} | {} | {} | {} |\n", told.checker, told.worlds, told.struck));
    }
    std::fs::write(&path, format!("{before}{}{table}{}{after}", TABLE.0, TABLE.1)).map_err(said)
}

/// Builds the simulator: for a hunt as fast as it can be, for what is known as the tests have built it already.
fn build(root: &Path, how: How) -> Result<PathBuf, String> {
    let (built, folder) = match how {
        How::Known => (test::build(root)?, "debug/sim"),
        How::Hunt | How::Write => {
            let built = cargo(root).args(["build", "--release", "--locked", "-p", "sim"]).status();
            (built.is_ok_and(|status| status.success()), "release/sim")
        }
    };
    if !built {
        return Err("the simulator could not be built".to_owned());
    }
    Ok(target(root).join(folder))
}

fn hunt(program: &Path, name: &str, seeds: Range<u64>) -> Told {
    let seeds = format!("{}..{}", seeds.start, seeds.end);
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
