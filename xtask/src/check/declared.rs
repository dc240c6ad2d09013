//! What runs is what `topology.toml` declares: every service has its folder, every folder its entry.

use super::Violation;
use crate::graph::Graph;
use crate::tree::Tree;

pub fn find(tree: &Tree, _: &Graph) -> Vec<Violation> {
    let topology = tree.topology();
    let Some(services) = topology.get("services").and_then(toml::Value::as_table) else {
        return vec![Violation::new("topology.toml", 1, "declares no services, or cannot be read")];
    };
    let folders = tree.services();
    let mut found = Vec::new();
    for name in services.keys() {
        if !folders.contains(&name.as_str()) {
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
    }
}
