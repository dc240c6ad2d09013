//! A domain is pure: it neither waits, nor looks at a clock, nor knows rows.

use super::Violation;
use crate::graph::Graph;
use crate::source::{code, find_word, line_at};
use crate::tree::Tree;

const BANNED: [&str; 9] = ["async", ".await", "SystemTime", "Instant", "rusqlite", "sql::", "documents::", "tokio", "HashMap"];

pub fn find(tree: &Tree, _: &Graph) -> Vec<Violation> {
    let mut found = Vec::new();
    for (path, text) in tree.rust().filter(|(path, _)| is_domain(path)) {
        let code = code(text);
        for word in BANNED {
            if let Some(at) = find_word(&code, word) {
                found.push(Violation::new(path, line_at(&code, at), format!("a domain is pure: no `{word}`")));
            }
        }
    }
    found
}

fn is_domain(path: &str) -> bool {
    let parts: Vec<&str> = path.split('/').collect();
    matches!(parts.as_slice(), ["services", _, "src", "domain.rs"] | ["services", _, "src", "domain", ..])
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn impurity_is_found_and_comments_are_not() {
        let tree = Tree::of([
            ("services/orders/src/domain.rs", "// async\nlet s = \"Instant\";\nasync fn f() {}"),
            ("services/orders/src/domain/price.rs", "x.await"),
            ("services/orders/src/rpc.rs", "async fn f() {}"),
        ]);
        let found = find(&tree, &Graph::default());
        assert_eq!(found.len(), 2);
        assert_eq!(found.iter().map(|violation| violation.line).collect::<Vec<_>>(), [3, 1]);
    }
}
