//! What an audit found, for people and for programs.

use std::collections::BTreeMap;
use std::fmt::Write;

use base::PlatformKey;
use serde_json::{Value, json};

/// A promise of the platform.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Promise {
    /// An order that was acknowledged is still there.
    NoOrderIsLost,
    /// Every order is delivered or cancelled within its deadline, with a reason.
    EveryOrderEnds,
    /// What was taken and not given back is what the order says it costs; the provider's books agree.
    MoneyIsConserved,
    /// What came in is what is there, set aside or used up.
    StockIsNeverNegative,
    /// What is heard twice, late or after a crash changes state once.
    EffectsHappenOnce,
    /// What one service says about one key is heard in the order in which it was said.
    OrderPerKey,
    /// What could not be processed lies in the dead letters with its cause.
    NothingIsSwallowed,
}

impl Promise {
    /// Every promise that data can show to be broken.
    pub const ALL: [Promise; 7] = [
        Promise::NoOrderIsLost,
        Promise::EveryOrderEnds,
        Promise::MoneyIsConserved,
        Promise::StockIsNeverNegative,
        Promise::EffectsHappenOnce,
        Promise::OrderPerKey,
        Promise::NothingIsSwallowed,
    ];

    /// Gives its name.
    pub fn name(self) -> &'static str {
        match self {
            Promise::NoOrderIsLost => "NoOrderIsLost",
            Promise::EveryOrderEnds => "EveryOrderEnds",
            Promise::MoneyIsConserved => "MoneyIsConserved",
            Promise::StockIsNeverNegative => "StockIsNeverNegative",
            Promise::EffectsHappenOnce => "EffectsHappenOnce",
            Promise::OrderPerKey => "OrderPerKey",
            Promise::NothingIsSwallowed => "NothingIsSwallowed",
        }
    }
}

/// One place where a promise was not kept.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Violation {
    /// The promise.
    pub promise: Promise,
    /// The check that found it.
    pub code: &'static str,
    /// What is wrong, for people.
    pub message: String,
    /// What it is about, by the name of the field: `order_id`, `stock_id`, `seq`…
    pub ids: Vec<(String, i64)>,
}

/// How many more a check found than are named.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Rest {
    /// The promise.
    pub promise: Promise,
    /// The check.
    pub code: &'static str,
    /// How many are not named.
    pub count: u64,
}

/// What was looked at.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Facts {
    /// Counts and sums by name.
    pub numbers: BTreeMap<String, i64>,
    /// The checks that could not run, and what they lacked.
    pub skipped: Vec<String>,
}

/// What an audit found.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Report {
    /// The violations that are named.
    pub violations: Vec<Violation>,
    /// Where there are more than are named.
    pub rest: Vec<Rest>,
    /// What was looked at.
    pub facts: Facts,
}

/// Shows an id as the outside knows it, where it is one that the outside may see.
fn shown(name: &str, number: i64, key: &PlatformKey) -> String {
    match base::id::RULES.iter().find(|rule| rule.field == name) {
        Some(rule) => rule.show(number, key),
        None => number.to_string(),
    }
}

impl Report {
    /// Tells whether every promise was kept.
    pub fn is_clean(&self) -> bool {
        self.violations.is_empty()
    }

    /// Counts all violations, named or not.
    pub fn count(&self) -> u64 {
        self.violations.len() as u64 + self.rest.iter().map(|rest| rest.count).sum::<u64>()
    }

    /// Writes it down for people; ids as the outside knows them.
    pub fn text(&self, key: &PlatformKey) -> String {
        let mut text = String::new();
        for (name, number) in &self.facts.numbers {
            writeln!(text, "  {name:<32} {number:>16}").expect("a text takes everything");
        }
        for skipped in &self.facts.skipped {
            writeln!(text, "  skipped: {skipped}").expect("a text takes everything");
        }
        for promise in Promise::ALL {
            let found: Vec<&Violation> = self.violations.iter().filter(|violation| violation.promise == promise).collect();
            let more: u64 = self.rest.iter().filter(|rest| rest.promise == promise).map(|rest| rest.count).sum();
            let verdict =
                if found.is_empty() { "kept".to_owned() } else { format!("BROKEN, {} times", found.len() as u64 + more) };
            writeln!(text, "{:<21} {verdict}", promise.name()).expect("a text takes everything");
            for violation in found {
                let ids: Vec<String> =
                    violation.ids.iter().map(|(name, number)| format!("{name} {}", shown(name, *number, key))).collect();
                writeln!(text, "  {}: {} [{}]", violation.code, violation.message, ids.join(", "))
                    .expect("a text takes everything");
            }
            for rest in self.rest.iter().filter(|rest| rest.promise == promise) {
                writeln!(text, "  {}: and {} more", rest.code, rest.count).expect("a text takes everything");
            }
        }
        text
    }

    /// Writes it down for programs.
    pub fn json(&self, key: &PlatformKey) -> Value {
        let violation = |violation: &Violation| {
            let ids: BTreeMap<&str, String> =
                violation.ids.iter().map(|(name, number)| (name.as_str(), shown(name, *number, key))).collect();
            json!({ "promise": violation.promise.name(), "code": violation.code, "message": violation.message, "ids": ids })
        };
        let rest = |rest: &Rest| json!({ "promise": rest.promise.name(), "code": rest.code, "count": rest.count });
        json!({
            "clean": self.is_clean(),
            "violations": self.violations.iter().map(violation).collect::<Vec<_>>(),
            "not_named": self.rest.iter().map(rest).collect::<Vec<_>>(),
            "facts": self.facts.numbers,
            "skipped": self.facts.skipped,
        })
    }
}
