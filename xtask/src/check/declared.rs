//! What runs is what `topology.toml` declares: every service has its folder, every folder its entry.

use super::Violation;
use crate::graph::Graph;
use crate::tree::Tree;

/// The edge is declared like a service, because it calls others under policies, but it is built as a crate.
const EDGE: (&str, &str) = ("gateway", "crates/edge/Cargo.toml");

pub fn find(tree: &Tree, _: &Graph) -> Vec<Violation> {
    let topology = tree.topology();
    let Some(services) = topology.get("services").and_then(toml::Value::as_table) else {
        return vec![Violation::new("topology.toml", 1, "declares no services, or cannot be read")];
    };
    let folders = tree.services();
    let mut found = Vec::new();
    for name in services.keys() {
        let edge = name == EDGE.0 && tree.text(EDGE.1).is_some();
        if !folders.contains(&name.as_str()) && !edge {
            let line = tree.line_of("topology.toml", &format!("[services.{name}]"));
            found.push(Violation::new("topology.toml", line, format!("`{name}` has no folder services/{name}")));
        }
    }
    for name in folders.into_iter().filter(|name| !services.contains_key(*name)) {
        let text = format!("`{name}` is not declared: add [services.{name}] to topology.toml");
        found.push(Violation::new(format!("services/{name}/Cargo.toml"), 1, text));
    }
    found
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_declared_and_what_is_there_are_compared() {
        let topology = "[services.orders]\n[services.kitchen]\n";
        let tree = Tree::of([("topology.toml", topology), ("services/orders/Cargo.toml", ""), ("services/x/y.rs", "")]);
        let found = find(&tree, &Graph::default());
        assert_eq!(found.len(), 2);
        assert_eq!((found[0].line, found[1].path.as_str()), (2, "services/x/Cargo.toml"));
        assert_eq!(find(&Tree::default(), &Graph::default()).len(), 1);
        let gateway = ("topology.toml", "[services.gateway]\n");
        assert_eq!(find(&Tree::of([gateway]), &Graph::default()).len(), 1);
        assert_eq!(find(&Tree::of([gateway, (EDGE.1, "")]), &Graph::default()), []);
    }
}
