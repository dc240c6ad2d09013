//! Check: the rules of the house, each in a module of its own with the violations that it was seen to find.
//!
//! Owns: the list of rules, and which structure rows they prove. Promises: every violation names file, line and rule.
//! Never: changes a file, stops at the first violation.
//! Start reading at [`rules`].

mod claims;
mod contracts;
mod declared;
mod doors;
mod drivers;
mod events;
mod layers;
mod licences;
mod migrations;
mod mutants;
mod pages;
mod problems;
mod purity;
mod rooms;
mod sizes;
mod smells;
mod sql;
mod unused;
mod words;

use std::collections::BTreeSet;
use std::path::Path;

use crate::graph::Graph;
use crate::tree::Tree;

/// Something that a rule does not allow, or (`warning`) will soon not allow.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Violation {
    /// The file, relative to the workspace.
    pub path: String,
    /// Counted from 1.
    pub line: usize,
    /// What is wrong and what to do.
    pub text: String,
    /// Said, but not counted.
    pub warning: bool,
}

impl Violation {
    fn new(path: impl Into<String>, line: usize, text: impl Into<String>) -> Violation {
        Violation { path: path.into(), line, text: text.into(), warning: false }
    }
}

/// A rule: its name, as printed, and the look at the house that finds its violations.
struct Rule {
    name: &'static str,
    find: fn(&Tree, &Graph) -> Vec<Violation>,
}

/// Every rule, in the order of printing.
const RULES: [Rule; 18] = [
    Rule { name: "layers", find: layers::find },
    Rule { name: "contracts", find: contracts::find },
    Rule { name: "drivers", find: drivers::find },
    Rule { name: "declared", find: declared::find },
    Rule { name: "rooms", find: rooms::find },
    Rule { name: "doors", find: doors::find },
    Rule { name: "purity", find: purity::find },
    Rule { name: "sql", find: sql::find },
    Rule { name: "migrations", find: migrations::find },
    Rule { name: "events", find: events::find },
    Rule { name: "problems", find: problems::find },
    Rule { name: "sizes", find: sizes::find },
    Rule { name: "smells", find: smells::find },
    Rule { name: "unused", find: unused::find },
    Rule { name: "mutants", find: mutants::find },
    Rule { name: "licences", find: licences::find },
    Rule { name: "pages", find: pages::find },
    Rule { name: "words", find: words::find },
];

/// Everything that the rules find, with the rule's name.
pub fn violations(root: &Path) -> Result<Vec<(&'static str, Violation)>, String> {
    let (tree, graph) = (Tree::read(root)?, Graph::load(root)?);
    Ok(found(&tree, &graph))
}

fn found(tree: &Tree, graph: &Graph) -> Vec<(&'static str, Violation)> {
    RULES.iter().flat_map(|rule| (rule.find)(tree, graph).into_iter().map(|violation| (rule.name, violation))).collect()
}

/// Prints every violation and every structure row that is proved; true when nothing is wrong.
pub fn run(root: &Path) -> Result<bool, String> {
    let tree = Tree::read(root)?;
    let graph = Graph::load(root)?;
    let mut broken = BTreeSet::new();
    let (mut errors, mut warnings) = (0, 0);
    for (rule, violation) in found(&tree, &graph) {
        let Violation { path, line, text, warning } = violation;
        let level = if warning { "warning: " } else { "" };
        println!("{path}:{line}: {level}{rule}: {text}");
        if warning {
            warnings += 1;
        } else {
            errors += 1;
            broken.insert(rule);
        }
    }
    for row in claims::proved(&tree, &broken) {
        println!("structure {row} ok");
    }
    println!("check: {} rules, {errors} violations, {warnings} warnings", RULES.len());
    Ok(errors == 0)
}
