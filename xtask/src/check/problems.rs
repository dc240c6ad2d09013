//! Every public fault code has its page `docs/problems/<code>.md`, and every page its code.
//!
//! A code is seen in three forms, outside of comments and tests: `Fault::not_found("code"`, `Fault::new(kind, "code"`
//! with the literal as the second argument, and a constant whose name ends in `CODE`. A code that is put together at
//! run time would not be seen: do not do that. A code that stands in a table or a match is written out as a literal, which
//! keeps its page, but nothing asks for the page: write it by hand.

use std::collections::{BTreeMap, BTreeSet};

use super::Violation;
use crate::graph::Graph;
use crate::source::{line_at, literals, product, uncommented};
use crate::tree::{Tree, is_test};

const PAGES: &str = "docs/problems/";
const NO_CODE: [&str; 2] = ["README", "index"];

pub fn find(tree: &Tree, _: &Graph) -> Vec<Violation> {
    let mut codes = BTreeMap::new();
    let mut words = BTreeSet::new();
    for (path, text) in tree.rust().filter(|(path, _)| !path.starts_with("xtask/") && !is_test(path)) {
        words.extend(literals(product(text)).into_iter().map(|(_, literal)| literal.trim_matches('"')));
        let text = uncommented(product(text));
        for (at, code) in codes_in(&text) {
            codes.entry(code.to_owned()).or_insert((path, line_at(&text, at)));
        }
    }
    let mut found = Vec::new();
    for (code, (path, line)) in &codes {
        if tree.text(&format!("{PAGES}{code}.md")).is_none_or(|page| page.trim().is_empty()) {
            found.push(Violation::new(*path, *line, format!("the fault `{code}` has no page {PAGES}{code}.md")));
        }
    }
    for (path, _) in tree.under(PAGES) {
        let name = path[PAGES.len()..].trim_end_matches(".md");
        if !codes.contains_key(name) && !words.contains(name) && !NO_CODE.contains(&name) {
            found.push(Violation::new(path, 1, format!("no fault has the code `{name}`")));
        }
    }
    found
}

fn codes_in(text: &str) -> Vec<(usize, &str)> {
    let mut found = Vec::new();
    for (at, _) in text.match_indices("Fault::") {
        let call = &text[at + "Fault::".len()..];
        let Some((name, arguments)) = call.split_once('(') else { continue };
        if !name.chars().all(|c| c.is_ascii_lowercase() || c == '_') {
            continue;
        }
        let first = if name == "new" { arguments.split_once(',').map_or("", |(_, second)| second) } else { arguments };
        found.extend(literal(first).map(|code| (at, code)));
    }
    for (at, _) in text.match_indices("CODE: &") {
        let value = text[at..].split_once('=').map_or("", |(_, value)| value);
        found.extend(literal(value).map(|code| (at, code)));
    }
    found
}

/// The snake case literal that a text begins with.
fn literal(text: &str) -> Option<&str> {
    let (code, _) = text.trim_start().strip_prefix('"')?.split_once('"')?;
    let plain = code.chars().all(|c| c.is_ascii_lowercase() || c.is_ascii_digit() || c == '_');
    (plain && !code.is_empty()).then_some(code)
}

#[cfg(test)]
mod tests {
    use super::*;

    const CODE: &str = "// Fault::invalid(\"in_comment\", x)\nFault::not_found(\n  \"order_not_found\", \"No order.\");\n\
        Fault::new(Kind::Refused, \"too_late\", \"\");\nconst GONE_CODE: &str = \"gone\";\nFault::of(error);\n\
        fn of(line: &Line) -> &str { \"in_a_table\" }\n#[cfg(test)]\nmod tests { Fault::invalid(\"in_test\", x) }";

    #[test]
    fn a_code_without_a_page_and_a_page_without_a_code_are_found() {
        let tree = Tree::of([
            ("services/orders/src/domain.rs", CODE),
            ("services/orders/tests/contract.rs", "Fault::invalid(\"in_test_too\", x)"),
            ("docs/problems/README.md", "All."),
            ("docs/problems/gone.md", "Gone."),
            ("docs/problems/too_late.md", ""),
            ("docs/problems/in_a_table.md", "Said by a table."),
            ("docs/problems/in_test.md", "Said by a test alone."),
            ("docs/problems/old.md", "Old."),
        ]);
        let found = find(&tree, &Graph::default());
        let seen: Vec<_> = found.iter().map(|violation| (violation.path.as_str(), violation.line)).collect();
        let code = "services/orders/src/domain.rs";
        assert_eq!(seen, [(code, 2), (code, 4), ("docs/problems/in_test.md", 1), ("docs/problems/old.md", 1)]);
    }
}
