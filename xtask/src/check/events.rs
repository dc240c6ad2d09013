//! Every event that the topology says has a golden file per version, kept by the service that says it.
//!
//! `order.created` of orders is kept as `services/orders/api/events/order.created.v1.json`.

use std::collections::BTreeSet;

use super::Violation;
use crate::graph::Graph;
use crate::tree::Tree;

pub fn find(tree: &Tree, _: &Graph) -> Vec<Violation> {
    let topology = tree.topology();
    let mut found = Vec::new();
    for (service, entry) in topology.get("services").and_then(toml::Value::as_table).into_iter().flatten() {
        let folder = format!("services/{service}/api/events/");
        let said = said(entry);
        let mut kept = BTreeSet::new();
        for (path, text) in tree.under(&folder) {
            match kind_of(&path[folder.len()..]) {
                Some(kind) if said.contains(kind) => {
                    kept.insert(kind);
                }
                Some(kind) => found.push(Violation::new(path, 1, format!("`{kind}` is not among what {service} says"))),
                None => found.push(Violation::new(path, 1, "a golden event is named like `order.created.v1.json`")),
            }
            if let Err(error) = serde_json::from_str::<serde_json::Value>(text) {
                found.push(Violation::new(path, error.line().max(1), format!("is no JSON: {error}")));
            }
        }
        for kind in said.iter().filter(|kind| !kept.contains(**kind)) {
            let line = tree.line_of("topology.toml", &format!("\"{kind}\""));
            let text = format!("`{kind}` has no golden file: {folder}{kind}.v1.json");
            found.push(Violation::new("topology.toml", line, text));
        }
    }
    found
}

/// Every event of a service, whatever its topic.
fn said(service: &toml::Value) -> BTreeSet<&str> {
    let topics = service.get("says").and_then(toml::Value::as_table).into_iter().flatten();
    topics.flat_map(|(_, events)| events.as_array().into_iter().flatten()).filter_map(toml::Value::as_str).collect()
}

/// `order.created` of `order.created.v2.json`.
fn kind_of(name: &str) -> Option<&str> {
    let (kind, version) = name.strip_suffix(".json")?.rsplit_once(".v")?;
    let number = !version.is_empty() && version.chars().all(|c| c.is_ascii_digit());
    (number && kind.contains('.')).then_some(kind)
}

#[cfg(test)]
mod tests {
    use super::*;

    const TOPOLOGY: &str = "[services.orders]\nsays.order-events = [\n\"order.created\",\n\"order.cancelled\"]\n";

    #[test]
    fn each_event_has_a_file_and_each_file_an_event() {
        let tree = Tree::of([
            ("topology.toml", TOPOLOGY),
            ("services/orders/api/events/order.created.v1.json", "{}"),
            ("services/orders/api/events/order.cancelled.v1.json", "{\n"),
            ("services/orders/api/events/order.paid.v1.json", "{}"),
            ("services/orders/api/events/notes.txt", "{}"),
        ]);
        let found = find(&tree, &Graph::default());
        let texts: Vec<_> = found.iter().map(|violation| violation.text.as_str()).collect();
        assert_eq!(found.len(), 3, "{texts:?}");
        assert!(texts[0].contains("named like") && texts[1].contains("no JSON") && texts[2].contains("order.paid"));
    }

    #[test]
    fn a_missing_file_is_found_where_the_event_is_declared() {
        let tree = Tree::of([("topology.toml", TOPOLOGY), ("services/orders/api/events/order.created.v2.json", "{}")]);
        let found = find(&tree, &Graph::default());
        assert_eq!((found.len(), found[0].line), (1, 4));
    }
}
