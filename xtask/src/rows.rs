//! Rows: which rows of `docs/rows.tsv` ran green, by kind, from the logs of a run.
//!
//! A behaviour is shown by a test whose name carries the id (`test menu::s4_e02_the_menu_is_read ... ok`), a number by
//! a figure of a benchmark (`row S4-N01: …`), structure by `cargo xtask check` (`structure S1-A06 ok`), an artefact by
//! a test or by `artefact S4-O02 ok`. Evidence of another kind is named and not counted.
//! A row with one red test is red, however many of its tests are green.

use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::path::{Path, PathBuf};

/// What a log line can show, in the words of the list.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Debug)]
enum Evidence {
    Test,
    Figure,
    Structure,
    Artefact,
}

/// The list: id to kind.
type List = BTreeMap<String, String>;

/// What the logs show.
#[derive(Default)]
struct Shown {
    green: BTreeSet<String>,
    red: BTreeSet<String>,
    /// Shown, but not by what its kind asks for.
    other: BTreeSet<String>,
    /// Ids that are not in the list.
    unknown: BTreeSet<String>,
}

pub fn run(root: &Path, logs: &[&str]) -> Result<bool, String> {
    let list = list(&read(&root.join("docs/rows.tsv"))?);
    let mut text = String::new();
    for log in found(root, logs)? {
        text.push_str(&read(&log)?);
        text.push('\n');
    }
    let shown = shown(&list, &text);
    print!("{}", report(&list, &shown));
    Ok(shown.red.is_empty() && shown.unknown.is_empty())
}

fn read(path: &Path) -> Result<String, String> {
    let bytes = fs::read(path).map_err(|error| format!("{}: {error}", path.display()))?;
    Ok(String::from_utf8_lossy(&bytes).into_owned())
}

fn found(root: &Path, logs: &[&str]) -> Result<Vec<PathBuf>, String> {
    if !logs.is_empty() {
        return Ok(logs.iter().map(PathBuf::from).collect());
    }
    let folder = root.join("target/rows");
    let said = |error| format!("{}: {error} (name the logs, or run the tests with their output kept there)", folder.display());
    let mut paths: Vec<PathBuf> = fs::read_dir(&folder).map_err(said)?.flatten().map(|entry| entry.path()).collect();
    paths.retain(|path| path.extension().is_some_and(|end| end == "log"));
    paths.sort();
    Ok(paths)
}

fn list(text: &str) -> List {
    let rows = text.lines().skip(1).filter_map(|line| {
        let mut fields = line.split('\t');
        Some((fields.next()?.to_owned(), fields.next()?.to_owned()))
    });
    rows.collect()
}

fn shown(list: &List, text: &str) -> Shown {
    let mut shown = Shown::default();
    for (id, evidence, good) in text.lines().flat_map(evidence) {
        let Some(kind) = list.get(&id) else {
            // A name such as `s1_a01` is only taken for an id when a line says it on purpose.
            if evidence != Evidence::Test {
                shown.unknown.insert(id);
            }
            continue;
        };
        let fits = match kind.as_str() {
            "behaviour" => evidence == Evidence::Test,
            "number" => evidence == Evidence::Figure,
            "structure" => evidence == Evidence::Structure,
            _ => matches!(evidence, Evidence::Test | Evidence::Artefact),
        };
        let set = match (good, fits) {
            (false, _) => &mut shown.red,
            (true, true) => &mut shown.green,
            (true, false) => &mut shown.other,
        };
        set.insert(id);
    }
    shown.green = &shown.green - &shown.red;
    shown.other = &(&shown.other - &shown.green) - &shown.red;
    shown
}

/// What one line shows: ids, by what, and whether it was good. A figure that misses its mark says `MISSED`.
fn evidence(line: &str) -> Vec<(String, Evidence, bool)> {
    let line = line.trim();
    if let Some((id, figure)) = line.strip_prefix("row ").and_then(|rest| rest.split_once(':')) {
        return vec![(id.to_owned(), Evidence::Figure, !figure.contains("MISSED"))];
    }
    for (word, evidence) in [("structure ", Evidence::Structure), ("artefact ", Evidence::Artefact)] {
        if let Some(id) = line.strip_prefix(word).and_then(|rest| rest.strip_suffix(" ok")) {
            return vec![(id.to_owned(), evidence, true)];
        }
    }
    let Some((name, result)) = line.strip_prefix("test ").and_then(|rest| rest.rsplit_once(" ... ")) else {
        return Vec::new();
    };
    let good = match result.split_whitespace().next() {
        Some("ok") => true,
        Some("FAILED") => false,
        _ => return Vec::new(),
    };
    let name = name.split(" - ").next().unwrap_or_default();
    ids(name).into_iter().map(|id| (id, Evidence::Test, good)).collect()
}

/// Every id in a test's name: `s4_p04_s1_3d01_it_retries` carries S4-P04 and S1-3D01.
fn ids(name: &str) -> Vec<String> {
    let parts: Vec<&str> = name.split([':', '_']).collect();
    let pairs = parts.windows(2).filter(|pair| is_seed(pair[0]) && is_row(pair[1]));
    pairs.map(|pair| format!("{}-{}", pair[0], pair[1]).to_uppercase()).collect()
}

fn is_seed(part: &str) -> bool {
    part.len() == 2 && part.starts_with('s') && part.ends_with(|c: char| c.is_ascii_digit())
}

/// `e01`, or `3d01`.
fn is_row(part: &str) -> bool {
    let row = part.strip_prefix('3').unwrap_or(part);
    row.len() == 3 && row.starts_with(|c: char| c.is_ascii_lowercase()) && row[1..].chars().all(|c| c.is_ascii_digit())
}

fn report(list: &List, shown: &Shown) -> String {
    let mut text = String::new();
    for kind in ["behaviour", "number", "structure", "artefact"] {
        let of_kind: Vec<&String> = list.iter().filter(|(_, other)| *other == kind).map(|(id, _)| id).collect();
        let green: Vec<&str> = of_kind.iter().filter(|id| shown.green.contains(**id)).map(|id| id.as_str()).collect();
        text.push_str(&format!("{kind}: {} green of {}\n{}", green.len(), of_kind.len(), wrapped(&green)));
    }
    let notes = [
        ("red", &shown.red),
        ("not in docs/rows.tsv", &shown.unknown),
        ("shown by another kind of evidence, not counted", &shown.other),
    ];
    for (title, ids) in notes.into_iter().filter(|(_, ids)| !ids.is_empty()) {
        let ids: Vec<&str> = ids.iter().map(String::as_str).collect();
        text.push_str(&format!("{title}: {}\n{}", ids.len(), wrapped(&ids)));
    }
    text.push_str(&format!("rows: {} green of {}\n", shown.green.len(), list.len()));
    text
}

fn wrapped(ids: &[&str]) -> String {
    ids.chunks(14).map(|line| format!("  {}\n", line.join(" "))).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    const LIST: &str = "id\tkind\ttitle\nS4-E01\tbehaviour\ta\nS4-E02\tbehaviour\tb\nS1-3D01\tbehaviour\tc\n\
        S4-N01\tnumber\td\nS4-N02\tnumber\te\nS1-A06\tstructure\tf\nS4-O02\tartefact\tg\n";

    fn shown_in(log: &str) -> Shown {
        shown(&list(LIST), log)
    }

    #[test]
    fn each_kind_is_shown_by_its_own_evidence() {
        let shown = shown_in(
            "running 3 tests\ntest menu::s4_e01_s1_3d01_a_guest_orders ... ok\ntest s4_n01_x ... ok\n\
             row S4-N02: 41 ms of 100\nstructure S1-A06 ok\nartefact S4-O02 ok\ntest s9_e01_other ... ok\n",
        );
        assert_eq!(shown.green.into_iter().collect::<Vec<_>>(), ["S1-3D01", "S1-A06", "S4-E01", "S4-N02", "S4-O02"]);
        assert_eq!(shown.other.into_iter().collect::<Vec<_>>(), ["S4-N01"]);
        assert!(shown.red.is_empty() && shown.unknown.is_empty());
    }

    #[test]
    fn one_red_test_makes_a_row_red() {
        let shown =
            shown_in("test a::s4_e01_x ... ok\ntest a::s4_e01_y ... FAILED\nrow S4-N01: 3 MISSED 5\ntest s4_e02 ... ignored\n");
        assert!(shown.green.is_empty());
        assert_eq!(shown.red.into_iter().collect::<Vec<_>>(), ["S4-E01", "S4-N01"]);
    }

    #[test]
    fn a_claim_about_no_row_is_told() {
        assert_eq!(shown_in("structure S1-A99 ok").unknown.len(), 1);
    }

    #[test]
    fn the_report_counts_by_kind_and_in_total() {
        let list = list(LIST);
        let text = report(&list, &shown(&list, "test s4_e01_x ... ok\nrow S4-N01: 5"));
        assert!(text.contains("behaviour: 1 green of 3\n  S4-E01\n") && text.ends_with("rows: 2 green of 7\n"), "{text}");
    }
}
