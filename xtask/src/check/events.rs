//! Every event that the topology says has a golden file per version, kept by the service that says it.
//!
//! `order.created` of orders is kept as `services/orders/api/events/order.created.v1.json`. Versions have no gap, and each
//! but the newest is named in the service's api by what lifts it to the next: see `base::event::Upcast`.

use std::collections::{BTreeMap, BTreeSet};

use super::Violation;
use crate::graph::Graph;
use crate::tree::Tree;

pub fn find(tree: &Tree, _: &Graph) -> Vec<Violation> {
    let topology = tree.topology();
    let mut found = Vec::new();
    for (service, entry) in topology.get("services").and_then(toml::Value::as_table).into_iter().flatten() {
        let folder = format!("services/{service}/api/events/");
        let said = said(entry);
        let mut kept: BTreeMap<&str, BTreeSet<u32>> = BTreeMap::new();
        for (path, text) in tree.under(&folder) {
            match kind_of(&path[folder.len()..]) {
                Some((kind, version)) if said.contains(kind) => {
                    kept.entry(kind).or_default().insert(version);
                }
                Some((kind, _)) => found.push(Violation::new(path, 1, format!("`{kind}` is not among what {service} says"))),
                None => found.push(Violation::new(path, 1, "a golden event is named like `order.created.v1.json`")),
            }
            if let Err(error) = serde_json::from_str::<serde_json::Value>(text) {
                found.push(Violation::new(path, error.line().max(1), format!("is no JSON: {error}")));
            }
        }
        for (kind, versions) in &kept {
            found.extend(old_versions(tree, service, kind, versions));
        }
        for kind in said.iter().filter(|kind| !kept.contains_key(**kind)) {
            let line = tree.line_of("topology.toml", &format!("\"{kind}\""));
            let text = format!("`{kind}` has no golden file: {folder}{kind}.v1.json");
            found.push(Violation::new("topology.toml", line, text));
        }
    }
    found
}

/// Old versions must stay readable: none is missing, and each is lifted to the next.
fn old_versions(tree: &Tree, service: &str, kind: &str, versions: &BTreeSet<u32>) -> Vec<Violation> {
    let newest = versions.last().copied().unwrap_or(1);
    let api = format!("services/{service}/api/src/");
    let mut found = Vec::new();
    for version in 1..newest {
        let named = format!("{kind}.v{version}");
        let path = format!("services/{service}/api/events/{named}.json");
        if !versions.contains(&version) {
            found.push(Violation::new(&path, 1, "this golden file is missing: there is a newer version"));
        }
        let lifted = format!("\"{named}\" =>");
        if !tree.under(&api).any(|(_, text)| text.contains(&lifted)) {
            found.push(Violation::new(&path, 1, format!("nothing in {api} lifts `{named}` to the next version")));
        }
    }
    found
}

/// Every event of a service, whatever its topic.
fn said(service: &toml::Value) -> BTreeSet<&str> {
    let topics = service.get("says").and_then(toml::Value::as_table).into_iter().flatten();
    topics.flat_map(|(_, events)| events.as_array().into_iter().flatten()).filter_map(toml::Value::as_str).collect()
}

/// `order.created` and 2 of `order.created.v2.json`.
fn kind_of(name: &str) -> Option<(&str, u32)> {
    let (kind, version) = name.strip_suffix(".json")?.rsplit_once(".v")?;
    let version = version.parse().ok()?;
    kind.contains('.').then_some((kind, version))
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
    fn an_old_version_needs_its_file_and_its_step() {
        let facts = |older: &str| format!("base::facts! {{ Created = \"order.created.v3\" on \"t\", key k{older} {{}} }}");
        let violations = |older: &str, files: &[&str]| {
            let mut all = vec![("topology.toml".to_owned(), "[services.orders]\nsays.t = [\"order.created\"]\n".to_owned())];
            all.push(("services/orders/api/src/events.rs".to_owned(), facts(older)));
            all.extend(
                files.iter().map(|file| (format!("services/orders/api/events/order.created.{file}.json"), "{}".to_owned())),
            );
            find(&Tree::of(all), &Graph::default()).len()
        };
        let steps = ", older [\"order.created.v1\" => a, \"order.created.v2\" => b]";
        assert_eq!(violations(steps, &["v1", "v2", "v3"]), 0);
        assert_eq!(violations(steps, &["v1", "v3"]), 1, "a file is missing");
        assert_eq!(violations(", older [\"order.created.v1\" => a]", &["v1", "v2", "v3"]), 1, "a step is missing");
    }

    #[test]
    fn a_missing_file_is_found_where_the_event_is_declared() {
        let tree = Tree::of([("topology.toml", TOPOLOGY), ("services/orders/api/events/order.created.v1.json", "{}")]);
        let found = find(&tree, &Graph::default());
        assert_eq!((found.len(), found[0].line), (1, 4));
    }
}
