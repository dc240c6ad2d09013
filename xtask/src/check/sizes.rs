//! A file is one idea: long before 500 lines it is two.

use super::Violation;
use crate::graph::Graph;
use crate::tree::{Tree, is_generated};

const LINES_MAX: usize = 500;
const LINES_SMELL: usize = 400;

pub fn find(tree: &Tree, _: &Graph) -> Vec<Violation> {
    let mut found = Vec::new();
    for (path, text) in tree.rust().filter(|(path, _)| !is_generated(path)) {
        let lines = text.lines().count();
        if lines > LINES_SMELL {
            let text = format!("{lines} lines, {LINES_MAX} at most: which are the two ideas?");
            found.push(Violation { warning: lines <= LINES_MAX, ..Violation::new(path, LINES_SMELL + 1, text) });
        }
    }
    found
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn long_files_are_found() {
        let (fine, long, too_long) = ("x\n".repeat(400), "x\n".repeat(401), "x\n".repeat(501));
        let tree = Tree::of([("a.rs", &fine), ("b.rs", &long), ("c.rs", &too_long), ("api/src/generated.rs", &too_long)]);
        let found = find(&tree, &Graph::default());
        let seen: Vec<_> = found.iter().map(|violation| (violation.path.as_str(), violation.warning)).collect();
        assert_eq!(seen, [("b.rs", true), ("c.rs", false)]);
    }
}
