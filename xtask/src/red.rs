//! What was red, said once more at the end: a thousand green lines hide it.

use std::fs;
use std::path::Path;

/// How many lines of its own words a red test is given.
const WORDS: usize = 20;
/// How the lines begin that are no longer a test's own words.
const OTHERS: [&str; 6] = ["---- ", "failures:", "stack backtrace:", "test ", "row ", "journeys:"];

/// Prints every red test in the logs with what it said, and tells how many there are.
pub fn say(logs: &Path, names: &[&str]) -> usize {
    let mut told = 0;
    for name in names {
        let log = fs::read_to_string(logs.join(format!("{name}.log"))).unwrap_or_default();
        for red in of(&log) {
            println!("\nRed in {name}: {red}");
            told += 1;
        }
    }
    told
}

/// The red tests of a log, each with its first words, and the suites that died before they could say anything.
fn of(log: &str) -> Vec<String> {
    let mut found: Vec<String> = Vec::new();
    let (mut under_way, mut last) = (false, "");
    for line in log.lines() {
        let begins = line.starts_with("running ") && line.trim_end_matches('s').ends_with(" test");
        if begins && under_way {
            found.push(died_after(last));
        }
        under_way = begins || under_way && !line.starts_with("test result: ");
        if let Some(test) = line.strip_prefix("test ") {
            last = line;
            found.extend(test.strip_suffix(" ... FAILED").map(|test| format!("{test}{}", words_of(log, test))));
        }
    }
    found.extend(under_way.then(|| died_after(last)));
    found
}

fn died_after(last: &str) -> String {
    format!("a suite that died and gave no result; the line before it: {last}")
}

/// What a test said: cargo tells it below, in a part of its own, the journeys at once.
fn words_of(log: &str, test: &str) -> String {
    let told = [format!("---- {test} stdout ----\n"), format!("test {test} ... FAILED\n")];
    let Some(at) = told.iter().find_map(|told| log.find(told).map(|at| at + told.len())) else { return String::new() };
    let own = log[at..].lines().take_while(|line| !OTHERS.iter().any(|other| line.starts_with(other)));
    own.filter(|line| !line.trim().is_empty()).take(WORDS).map(|line| format!("\n  {line}")).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_red_test_is_named_with_what_it_said() {
        let log = "running 2 tests\ntest a ... ok\ntest b::c ... FAILED\n\nfailures:\n\n---- b::c stdout ----\n\nthread 'b::c' panicked at x.rs:1:1:\n\
            left is not right\nstack backtrace:\n   0: begin\n\n\nfailures:\n    b::c\n\ntest result: FAILED. 1 passed; 1 failed;\n";
        assert_eq!(of(log), ["b::c\n  thread 'b::c' panicked at x.rs:1:1:\n  left is not right"]);
    }

    #[test]
    fn a_red_journey_is_named_with_what_it_said() {
        let log = "test one: ends ... ok (1.0 s)\ntest two ... FAILED\nError: no such line\n    at two.mjs:3\ntest three ... ok (1.0 s)\n";
        assert_eq!(of(log), ["two\n  Error: no such line\n      at two.mjs:3"]);
    }

    #[test]
    fn a_suite_that_died_is_told() {
        let log = "running 2 tests\ntest a ... ok\nrunning 1 test\ntest b ... ok\ntest result: ok. 1 passed\nrunning 3 tests\n";
        let found = of(log);
        assert_eq!(found.len(), 2, "{found:?}");
        assert!(found[0].ends_with("test a ... ok"), "{found:?}");
    }
}
