//! In which world each planted mistake is looked for first: `sim/mutants.tsv`, written by `cargo xtask mutants --write`.

use std::collections::BTreeMap;
use std::path::Path;

use super::Told;

/// Where it is kept.
const FILE: &str = "sim/mutants.tsv";
/// The first line of it.
const HEAD: &str = "# Where each planted mistake is seen: name, worlds that it took, a seed of a cheap world. Made by `cargo xtask mutants --write`.";
/// In so many worlds a mistake is looked for that is not where it was.
pub(super) const WORLDS_MAX: u64 = 24;
/// What was seen within so many worlds is seen again within three times as many, whatever has changed.
const FREQUENT: u64 = WORLDS_MAX / 3;

/// Where a mistake was seen.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Known {
    name: String,
    worlds: u64,
    pub(super) seed: u64,
}

impl Known {
    /// A mistake that was found, with the world to look for it in from now on.
    pub(super) fn of(told: &Told, seed: &str) -> Option<Known> {
        let (worlds, seed) = (told.worlds.parse().ok()?, seed.parse().ok()?);
        told.found.then(|| Known { name: told.name.clone(), worlds, seed })
    }

    /// Tells whether it must be seen however the worlds have changed.
    pub(super) fn is_frequent(&self) -> bool {
        self.worlds <= FREQUENT
    }
}

/// Reads what is known, by the name of the mistake.
pub(super) fn read(root: &Path) -> Result<BTreeMap<String, Known>, String> {
    let text = std::fs::read_to_string(root.join(FILE)).map_err(|error| format!("{FILE}: {error}"))?;
    parse(&text).ok_or_else(|| format!("{FILE} has a line that is not a name and two numbers"))
}

fn parse(text: &str) -> Option<BTreeMap<String, Known>> {
    let known = |line: &str| {
        let mut words = line.split('\t');
        let (name, worlds, seed) = (words.next()?.to_owned(), words.next()?.parse().ok()?, words.next()?.parse().ok()?);
        Some((name.clone(), Known { name, worlds, seed }))
    };
    text.lines().filter(|line| !line.starts_with('#')).map(known).collect()
}

/// Writes what is known.
pub(super) fn write(root: &Path, known: impl Iterator<Item = Known>) -> Result<(), String> {
    std::fs::write(root.join(FILE), shown(known)).map_err(|error| format!("{FILE}: {error}"))
}

fn shown(known: impl Iterator<Item = Known>) -> String {
    let mut lines: Vec<String> = known.map(|Known { name, worlds, seed }| format!("{name}\t{worlds}\t{seed}\n")).collect();
    lines.sort();
    format!("{HEAD}\n{}", lines.concat())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_written_is_read_again_and_a_torn_line_is_refused() {
        let known = |name: &str, worlds, seed| Known { name: name.to_owned(), worlds, seed };
        let all = [known("RefundOfHalf", 2, 7), known("CancelOvertaken", 40, 40)];
        let read = parse(&shown(all.iter().cloned())).unwrap();
        assert_eq!(read.values().cloned().collect::<Vec<_>>(), [all[1].clone(), all[0].clone()]);
        assert!(all[0].is_frequent() && !all[1].is_frequent());
        assert_eq!(parse("RefundOfHalf\t2"), None);
        assert_eq!(parse("RefundOfHalf\tmany\t7"), None);
    }
}
