//! The proof that the checkers see: worlds whose platform commits a planted mistake, until a checker has seen it.

use std::time::Duration;

use base::Mistake;
use base::mutant::choose;

use crate::command::say::say;
use crate::parts::PARTS;
use crate::run::{Ended, Ground, Script};
use crate::town::{HISTORY, WATCH};
use crate::weather::Trouble;

/// No mistake may need more worlds than those below.
pub const SEEDS_END: u64 = 2_001;

/// How many of the troubles of a world are told.
const STRUCK_TOLD: usize = 3;

/// The promises of the platform.
const PROMISES: [&str; 8] = [
    "NoOrderIsLost",
    "EveryOrderEnds",
    "MoneyIsConserved",
    "StockIsNeverNegative",
    "EffectsHappenOnce",
    "OrderPerKey",
    "NothingIsSwallowed",
    "NobodyElsesData",
];

/// Finds a mistake by its name.
pub fn named(name: &str) -> Option<Mistake> {
    Mistake::ALL.iter().copied().find(|mistake| mistake.name() == name)
}

/// What became of a hunt for a mistake.
#[derive(Debug, Default)]
pub struct Hunt {
    /// How many worlds it took.
    pub worlds: u64,
    /// The promise and the checker that saw it; none when nobody did.
    pub seen: Option<(&'static str, String)>,
    /// The world in which it was seen.
    pub seed: u64,
    /// What else was seen before, of promises that it does not break.
    pub beside: Vec<String>,
    /// All that was wrong in the last world.
    pub wrong: Vec<String>,
    /// What struck most often in the world in which it was seen.
    pub struck: Vec<Trouble>,
}

/// Lives worlds whose platform commits a mistake, until it was seen by a checker whose promise it breaks.
pub fn hunt(ground: &Ground, mistake: Mistake, seeds: std::ops::Range<u64>, customers: u64) -> Hunt {
    choose(Some(mistake));
    let mut hunt = Hunt::default();
    for seed in seeds {
        let ended: Ended = ground.live(&Script::of(seed, customers));
        hunt.worlds += 1;
        let seen: Vec<(&'static str, String)> = ended.wrong.iter().map(|wrong| seen_by(wrong)).collect();
        hunt.seen = seen.iter().find(|(promise, _)| mistake.breaks().contains(promise)).cloned();
        if hunt.seen.is_none() {
            hunt.beside.extend(seen.into_iter().map(|(promise, checker)| format!("{promise}/{checker} at {seed}")));
            hunt.beside.truncate(5);
        }
        if !ended.wrong.is_empty() {
            hunt.wrong = ended.wrong;
        }
        if hunt.seen.is_some() {
            hunt.seed = seed;
            let mut struck: Vec<(Trouble, u64)> = ended.struck.into_iter().collect();
            struck.sort_by_key(|(_, times)| std::cmp::Reverse(*times));
            hunt.struck = struck.into_iter().map(|(trouble, _)| trouble).take(STRUCK_TOLD).collect();
            break;
        }
    }
    choose(None);
    hunt
}

/// Tells which promise a finding speaks of, and which checker has found it: the audit names its checks, a service's part is
/// named after the service, the watch and the history name themselves, all others are the bookkeeper's.
fn seen_by(wrong: &str) -> (&'static str, String) {
    let promise = PROMISES.into_iter().filter_map(|promise| Some((wrong.find(promise)?, promise))).min();
    let check = wrong.split_once("code: \"").and_then(|(_, rest)| rest.split_once('"')).map(|(code, _)| code.to_owned());
    let part = || {
        let who = wrong.split(": ").nth(1)?;
        let part = PARTS.iter().find(|part| part.service == who).map(|part| format!("part {}", part.service));
        part.or_else(|| [WATCH, HISTORY].contains(&who).then(|| who.to_owned()))
    };
    (promise.map_or("none", |(_, promise)| promise), check.or_else(part).unwrap_or_else(|| "book".to_owned()))
}

/// Lists all mistakes: name, promises, what is done wrong.
pub fn list() {
    for mistake in Mistake::ALL {
        say!("{}\t{}\t{}", mistake.name(), mistake.breaks().join(" "), mistake.text());
    }
}

impl Hunt {
    /// Tells it in one line that a program can read, and what was wrong for people.
    pub fn tell(&self, mistake: Mistake, took: Duration) -> bool {
        for wrong in self.wrong.iter().take(6) {
            say!("  {}", wrong.chars().take(300).collect::<String>());
        }
        for beside in &self.beside {
            say!("  beside: {beside}");
        }
        let (promise, checker) = self.seen.clone().unwrap_or(("nobody", "nobody".to_owned()));
        let struck: Vec<String> = self.struck.iter().map(|trouble| format!("{trouble:?}")).collect();
        say!(
            "mistake\t{}\t{}\t{}\t{promise}\t{checker}\t{:.1}\t{}",
            mistake.name(),
            self.worlds,
            self.seed,
            took.as_secs_f64(),
            struck.join(" ")
        );
        self.seen.is_some()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_finding_leads_to_its_promise_and_its_checker() {
        let audit = "Violation { promise: MoneyIsConserved, code: \"taken_twice\", message: \"…\" }";
        assert_eq!(seen_by(audit), ("MoneyIsConserved", "taken_twice".to_owned()));
        assert_eq!(seen_by("NobodyElsesData: ord_1 is shown to a stranger"), ("NobodyElsesData", "book".to_owned()));
        let part = seen_by("EffectsHappenOnce: analytics: 3 against 2 is the sum of the days, not the number of orders");
        assert_eq!(part, ("EffectsHappenOnce", "part analytics".to_owned()));
        let history = seen_by("MoneyIsConserved: history: 300 of ord_1 are said to be back, and the provider gave 0");
        assert_eq!(history, ("MoneyIsConserved", "history".to_owned()));
        assert_eq!(seen_by("a task panicked: x").0, "none");
    }

    #[test]
    fn every_mistake_breaks_promises_that_there_are_and_has_a_name_of_its_own() {
        let mut names = std::collections::BTreeSet::new();
        for mistake in Mistake::ALL {
            assert!(names.insert(mistake.name()) && named(mistake.name()) == Some(*mistake));
            assert!(!mistake.breaks().is_empty() && mistake.breaks().iter().all(|promise| PROMISES.contains(promise)));
            assert!(mistake.text().ends_with('.'));
        }
        assert!(names.len() >= 30);
    }

    #[test]
    fn no_mistake_is_chosen_unless_somebody_chooses_it() {
        assert!(Mistake::ALL.iter().all(|mistake| !base::planted(*mistake)));
    }
}
