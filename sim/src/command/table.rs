//! What was exercised, as text: what never ran is named.

use std::collections::{BTreeMap, BTreeSet};

use crate::cover::{Covered, Table};
use crate::weather::Trouble;

use super::known;

/// How wide lines of names are.
const WIDTH: usize = 150;

/// Writes what was exercised.
pub fn write(covered: &Covered, totals: &BTreeMap<String, u64>) -> Vec<String> {
    let mut lines = struck(&covered.struck, totals);
    let events = covered.events.iter().map(|(name, reasons)| {
        let whole: u64 = reasons.values().sum();
        let named: Vec<String> =
            reasons.iter().filter(|(reason, _)| !reason.is_empty()).map(|(reason, count)| format!("{reason} {count}")).collect();
        format!("{name} {whole}{}", if named.is_empty() { String::new() } else { format!(" ({})", named.join(", ")) })
    });
    lines.extend(listed("events said", events));
    lines.extend(never("events never said", &known::events(), &covered.events));
    for (why, states) in &covered.ends {
        lines.extend(listed(&format!("{why}, after"), states.iter().map(|(state, count)| format!("{state} {count}"))));
    }
    let cancelled: BTreeMap<String, ()> =
        covered.ends.keys().filter_map(|why| Some((why.strip_prefix("order.cancelled ")?.to_owned(), ()))).collect();
    lines.extend(never("never cancelled for", &known::reasons(), &cancelled));
    lines.extend(listed("refused at the edge", covered.refusals.iter().map(|(code, count)| format!("{code} {count}"))));
    lines.extend(never("never refused by a service with", &known::refusals(), &covered.refusals));
    lines
}

/// Writes which troubles struck in which states.
fn struck(table: &Table, totals: &BTreeMap<String, u64>) -> Vec<String> {
    let mut states = known::states();
    for state in table.values().flat_map(BTreeMap::keys) {
        if !states.contains(state) {
            states.push(state.clone());
        }
    }
    let met = |state: &String| table.values().any(|counts| counts.contains_key(state));
    let (columns, unmet): (Vec<String>, Vec<String>) = states.into_iter().partition(met);
    let mut lines = vec!["troubles by the last event of an order on its way when they struck; · is never".to_owned()];
    let legend = columns.iter().enumerate().map(|(place, state)| format!("{} {state}", letter(place)));
    lines.extend(listed("  columns", legend));
    let head: String = (0..columns.len()).map(|place| format!("{:>8}", letter(place))).collect();
    lines.push(format!("{:<22}{:>9}{head}", "", "in all"));
    for trouble in Trouble::ALL.map(Trouble::name) {
        let counts = table.get(&trouble);
        let row: String = columns
            .iter()
            .map(|state| match counts.and_then(|counts| counts.get(state)) {
                Some(count) => format!("{count:>8}"),
                None => format!("{:>8}", "·"),
            })
            .collect();
        let total = totals.get(&trouble).map_or_else(|| "never".to_owned(), u64::to_string);
        lines.push(format!("{trouble:<22}{total:>9}{row}"));
    }
    if !unmet.is_empty() {
        lines.extend(listed("no trouble ever struck in", unmet.into_iter()));
    }
    lines
}

fn letter(place: usize) -> char {
    char::from(b'a' + u8::try_from(place % 26).unwrap_or(0))
}

fn never<T>(title: &str, known: &BTreeSet<String>, met: &BTreeMap<String, T>) -> Vec<String> {
    let missing: Vec<String> = known.iter().filter(|name| !met.contains_key(*name)).cloned().collect();
    if missing.is_empty() { Vec::new() } else { listed(title, missing.into_iter()) }
}

/// Writes a title and its words, broken into lines.
fn listed(title: &str, words: impl Iterator<Item = String>) -> Vec<String> {
    let mut lines = vec![format!("{title}:")];
    for word in words {
        let line = lines.last().map_or(0, String::len);
        if line + word.len() + 2 > WIDTH {
            lines.push("   ".to_owned());
        }
        if let Some(line) = lines.last_mut() {
            let comma = if line.ends_with(':') || line.trim().is_empty() { " " } else { ", " };
            line.push_str(comma);
            line.push_str(&word);
        }
    }
    lines
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_never_ran_is_named() {
        let mut covered = Covered::default();
        covered.events.entry("order.created".to_owned()).or_default().insert(String::new(), 3);
        covered.ends.entry("order.cancelled too_late".to_owned()).or_default().insert("order.paid".to_owned(), 2);
        covered.struck.entry("Freeze".to_owned()).or_default().insert("order.paid".to_owned(), 7);
        let lines = write(&covered, &BTreeMap::from([("Freeze".to_owned(), 9)]));
        let find = |start: &str| lines.iter().position(|line| line.starts_with(start)).unwrap_or_else(|| panic!("{lines:#?}"));
        assert!(lines[find("Freeze")].ends_with(" 7") && lines[find("PowerCut")].contains("never"));
        assert!(lines[find("events said")].contains("order.created 3"));
        assert!(lines[find("events never said")..].concat().contains("order.delivered"));
        let reasons = &lines[find("never cancelled for")];
        assert!(reasons.contains("customer_asked") && !reasons.contains("too_late"), "{reasons}");
        assert!(lines.iter().all(|line| line.chars().count() <= WIDTH + 40));
    }
}
