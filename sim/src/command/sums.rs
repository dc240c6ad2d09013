//! What many worlds come to, added up and told.

use std::collections::{BTreeMap, BTreeSet};
use std::time::Duration;

use serde::{Deserialize, Serialize};

use super::say::say;
use super::table;
use crate::cover::{Covered, more};
use crate::run::Ended;
use crate::weather::Trouble;

/// How many orders and troubles a world has that counts as a full one: a seed may draw hardly any trouble.
const FULL: (u64, u64) = (50, 10);
/// How many lines of what was wrong are shown of one world.
const WRONG_MAX: usize = 12;

/// Sums over worlds.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
pub struct Sums {
    /// How many worlds.
    pub worlds: u64,
    /// How many orders there were.
    pub orders: u64,
    /// How many steps were taken.
    pub steps: u64,
    /// For how many microseconds the processor was busy with them.
    pub busy_micros: u64,
    /// How many of the worlds had orders and troubles enough to mean something.
    pub full: u64,
    /// How often each trouble struck, by its name.
    pub struck: BTreeMap<String, u64>,
    /// What was exercised.
    pub covered: Covered,
    /// What people did.
    pub counts: BTreeMap<String, u64>,
    /// The seeds whose worlds broke a promise, with what was said of each.
    pub broken: BTreeMap<u64, String>,
    /// Those of them that took their process with them.
    pub died: BTreeSet<u64>,
}

impl Sums {
    /// Sums one world up.
    pub fn of(ended: &Ended) -> Sums {
        let mut sums = Sums { worlds: 1, orders: ended.orders, steps: ended.steps, ..Sums::default() };
        sums.full = u64::from(ended.orders >= FULL.0 && ended.struck.values().sum::<u64>() >= FULL.1);
        sums.covered = ended.covered.clone();
        sums.struck = ended.struck.iter().map(|(trouble, count)| (trouble.name(), *count)).collect();
        sums.counts = ended.counts.iter().map(|(what, count)| ((*what).to_owned(), *count)).collect();
        if !ended.wrong.is_empty() {
            sums.broken.insert(ended.seed, verdict(ended));
        }
        sums
    }

    /// Adds other sums.
    pub fn add(&mut self, other: &Sums) {
        self.worlds += other.worlds;
        self.orders += other.orders;
        self.steps += other.steps;
        self.busy_micros += other.busy_micros;
        self.full += other.full;
        self.covered.add(&other.covered);
        more(&mut self.struck, &other.struck);
        more(&mut self.counts, &other.counts);
        self.died.extend(&other.died);
        self.broken.extend(other.broken.iter().map(|(seed, verdict)| (*seed, verdict.clone())));
    }

    /// Says how it goes, in a line that fits.
    pub fn progress(&self, took: Duration) -> String {
        let seconds = took.as_secs_f64().max(0.001);
        let (struck, refused): (u64, u64) = (self.struck.values().sum(), self.covered.refusals.values().sum());
        format!(
            "{seconds:.0} s: {} worlds ({:.1}/s), {} orders ({:.0}/s), {struck} troubles ({} of {}), {} events, {refused} refusals, {} broken",
            self.worlds,
            self.worlds as f64 / seconds,
            self.orders,
            self.orders as f64 / seconds,
            self.struck.len(),
            Trouble::ALL.len(),
            self.covered.events.len(),
            self.broken.len()
        )
    }

    /// Says how fast it went.
    pub fn pace(&self, took: Duration) -> String {
        let (seconds, busy) = (took.as_secs_f64().max(0.001), (self.busy_micros as f64 / 1e6).max(0.001));
        format!(
            "{} worlds, {} orders, {} steps in {seconds:.1} s: {:.1} worlds and {:.0} orders per second; \
             of a processor {busy:.1} s: {:.2} worlds and {:.1} orders per second of one",
            self.worlds,
            self.orders,
            self.steps,
            self.worlds as f64 / seconds,
            self.orders as f64 / seconds,
            self.worlds as f64 / busy,
            self.orders as f64 / busy
        )
    }

    /// Prints all.
    pub fn tell(&self, took: Duration) {
        for line in table::write(&self.covered, &self.struck) {
            say!("{line}");
        }
        say!("people: {:?}", self.counts);
        let never: Vec<&str> = people::DEEDS.into_iter().filter(|deed| !self.counts.contains_key(*deed)).collect();
        if !never.is_empty() {
            say!("what people never got done: {}", never.join(", "));
        }
        say!("{}", self.pace(took));
        say!("{} of them had {} orders and {} troubles at least", self.full, FULL.0, FULL.1);
        match self.broken.len() {
            0 => say!("every promise was kept"),
            count => say!("{count} worlds broke a promise: {:?}", self.broken.keys().collect::<Vec<_>>()),
        }
    }
}

/// Says how a world ended.
pub fn verdict(ended: &Ended) -> String {
    if ended.wrong.is_empty() {
        return format!("seed {}: every promise was kept", ended.seed);
    }
    let mut lines = vec![format!("seed {} broke a promise; it had {:?}", ended.seed, ended.troubles)];
    lines.extend(ended.wrong.iter().take(WRONG_MAX).map(|wrong| format!("  {wrong}")));
    if ended.wrong.len() > WRONG_MAX {
        lines.push(format!("  and {} more", ended.wrong.len() - WRONG_MAX));
    }
    lines.join("\n")
}
