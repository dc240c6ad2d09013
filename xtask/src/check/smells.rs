//! What was meant to be temporary does not stay.
//!
//! A line that is meant as it stands says why, on the line itself: `// allowed: …`.

use super::Violation;
use crate::graph::Graph;
use crate::source::find_word;
use crate::tree::{Tree, is_generated};

const SMELLS: [&str; 8] = ["todo!(", "unimplemented!(", "dbg!(", "#[ignore", "allow(dead_code)", "thread::sleep", "FIXME", "XXX"];
const MEANT: &str = "// allowed: ";

pub fn find(tree: &Tree, _: &Graph) -> Vec<Violation> {
    let mut found = Vec::new();
    for (path, text) in tree.rust().filter(|(path, _)| !path.starts_with("xtask/") && !is_generated(path)) {
        for (at, line) in text.lines().enumerate().filter(|(_, line)| !line.contains(MEANT)) {
            let smell = SMELLS.into_iter().find(|smell| find_word(line, smell).is_some());
            let note = find_word(line, "TODO").is_some_and(|at| !line[at..].starts_with("TODO(#")).then_some("TODO");
            if let Some(smell) = smell.or(note) {
                found.push(Violation::new(path, at + 1, format!("`{smell}` does not stay")));
            }
        }
    }
    found
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_smell_is_found() {
        let smells = ["todo!()", "  unimplemented!(\"x\")", "dbg!(x)", "#[ignore = \"slow\"]", "#![allow(dead_code)]"];
        for smell in smells.into_iter().chain(["std::thread::sleep(x)", "// FIXME", "// XXX: later", "// TODO later"]) {
            assert_eq!(find(&Tree::of([("a.rs", smell)]), &Graph::default()).len(), 1, "{smell}");
        }
    }

    #[test]
    fn what_is_meant_is_not_found() {
        let tree = Tree::of([
            ("a.rs", "thread::sleep(flush) // allowed: stands for a slow disk\n\"XXXX\" // TODO(#7) later"),
            ("xtask/src/main.rs", "todo!()"),
            ("services/orders/api/src/generated.rs", "#![allow(dead_code)]"),
        ]);
        assert_eq!(find(&tree, &Graph::default()), []);
    }
}
