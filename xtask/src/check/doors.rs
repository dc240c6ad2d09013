//! Every crate of the product says at its door what it owns, what it promises and what it never does.

use super::Violation;
use crate::graph::Graph;
use crate::tree::Tree;

const SAYS: [&str; 3] = ["Owns:", "Promises:", "Never:"];
const LINES_MAX: usize = 25;

pub fn find(tree: &Tree, _: &Graph) -> Vec<Violation> {
    let mut found = Vec::new();
    for (path, text) in tree.rust() {
        let parts: Vec<&str> = path.split('/').collect();
        let ["crates" | "ports" | "services", name, "src", "lib.rs"] = parts.as_slice() else { continue };
        if name.ends_with("-api") {
            continue; // a contract speaks for itself, and its service has the door
        }
        for complaint in complaints(name, text) {
            found.push(Violation::new(path, 1, complaint));
        }
    }
    found
}

fn complaints(name: &str, text: &str) -> Vec<String> {
    let door: Vec<&str> = text.lines().map_while(|line| line.strip_prefix("//!")).collect();
    let mut said = Vec::new();
    let first = door.first().copied().unwrap_or_default().trim();
    let named = first.split_once(": ").is_some_and(|(who, what)| who.to_lowercase().replace(' ', "") == name && !what.is_empty());
    if !named {
        said.push(format!("the door is to begin with its name and one task: `//! {}: …`", capital(name)));
    }
    for word in SAYS {
        if !door.iter().any(|line| line.contains(word)) {
            said.push(format!("the door does not say `{word}`"));
        }
    }
    if door.len() > LINES_MAX {
        said.push(format!("the door has {} lines, {LINES_MAX} are enough", door.len()));
    }
    said
}

fn capital(name: &str) -> String {
    let mut chars = name.chars();
    chars.next().map(|first| first.to_uppercase().chain(chars).collect()).unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_door_says_it_all() {
        let good = "//! Orders: what was asked for.\n//!\n//! Owns: orders. Promises: `X`.\n//! Never: money.\n\nmod a;";
        assert_eq!(complaints("orders", good), Vec::<String>::new());
        assert_eq!(complaints("orders", &good.replace("Never", "Rarely")).len(), 1);
        assert_eq!(complaints("kitchen", good).len(), 1);
        assert_eq!(complaints("orders", "mod a;").len(), 4);
        assert_eq!(complaints("orders", &format!("{}{good}", "//!\n".repeat(25))).len(), 2);
    }

    #[test]
    fn only_the_product_has_doors() {
        let tree = Tree::of([("services/orders/src/lib.rs", ""), ("services/orders/api/src/lib.rs", ""), ("app/src/lib.rs", "")]);
        assert!(find(&tree, &Graph::default()).iter().all(|violation| violation.path == "services/orders/src/lib.rs"));
        assert_eq!(find(&tree, &Graph::default()).len(), 4);
    }
}
