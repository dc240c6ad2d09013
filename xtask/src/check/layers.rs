//! Dependencies point one way, and a service knows of another only its contract.

use super::Violation;
use crate::graph::Graph;
use crate::tree::Tree;

/// How far up a folder stands: what is higher may lean on what is lower.
///
/// A new folder gets its place here, by hand, because somebody should think about it.
fn height(folder: &str) -> Option<u8> {
    let parts: Vec<&str> = folder.split('/').collect();
    Some(match parts.as_slice() {
        ["crates", "base"] => 0,
        ["services", _, "api"] | ["crates", "operator-api"] => 1,
        ["ports", "embedded"] => 2,
        ["ports", _] | ["crates", "wire" | "topology"] => 3,
        ["crates", "saga"] => 4,
        ["crates", "host"] | ["services", _, "provider-mock"] => 5,
        ["crates", "edge"] | ["services", _] => 6,
        ["crates", "audit" | "people"] => 7,
        ["app"] | ["sim", "disk"] => 8,
        ["xtask" | "lab" | "sim" | "tests"] | ["xtask", "gen"] | ["sim", _] => 9,
        _ => return None,
    })
}

/// Steps sideways that are meant: client policies come from the topology.
const SIDEWAYS: [(&str, &str); 1] = [("crates/wire", "crates/topology")];

pub fn find(tree: &Tree, graph: &Graph) -> Vec<Violation> {
    let mut found = Vec::new();
    for (package, from) in graph.members() {
        let manifest = format!("{from}/Cargo.toml");
        let Some(height_from) = height(from) else {
            found.push(Violation::new(&manifest, 1, "has no layer: give it one in xtask/src/check/layers.rs"));
            continue;
        };
        for dependency in &package.dependencies {
            let Some(to) = graph.folder_of(&dependency.name) else { continue };
            let Some(height_to) = height(to) else { continue };
            let line = tree.line_of(&manifest, &dependency.name);
            if is_service(from) && is_service(to) {
                let text = format!("a service never depends on another: use `{}-api`", dependency.name);
                found.push(Violation::new(&manifest, line, text));
            } else if !allowed((from, height_from), (to, height_to), dependency.dev) {
                let text = format!("`{from}` stands below or beside `{to}` and may not depend on it");
                found.push(Violation::new(&manifest, line, text));
            }
        }
    }
    found
}

/// Tests may look sideways as well, but not up.
fn allowed(from: (&str, u8), to: (&str, u8), dev: bool) -> bool {
    from.1 > to.1 || (dev && from.1 == to.1) || SIDEWAYS.contains(&(from.0, to.0))
}

fn is_service(folder: &str) -> bool {
    folder.starts_with("services/") && folder.matches('/').count() == 1
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::graph::Package;

    fn house(extra: Package) -> Vec<Violation> {
        let packages = vec![
            Package::member("base", "crates/base"),
            Package::member("topology", "crates/topology"),
            Package::member("wire", "crates/wire").needs("topology").needs("base"),
            Package::member("embedded", "ports/embedded"),
            Package::member("sql", "ports/sql").needs("embedded"),
            Package::member("host", "crates/host").needs("wire").needs("sql"),
            Package::member("orders-api", "services/orders/api").needs("base"),
            Package::member("orders", "services/orders").needs("orders-api").needs("host"),
            Package::member("app", "app").needs("orders"),
            extra,
        ];
        find(&Tree::default(), &Graph { packages })
    }

    #[test]
    fn the_house_as_designed_is_clean() {
        assert_eq!(house(Package::member("tests", "tests").needs("app").needs("orders")), []);
    }

    #[test]
    fn a_step_up_is_found() {
        assert_eq!(house(Package::member("saga", "crates/saga").needs("host")).len(), 1);
        assert_eq!(house(Package::member("eventlog", "ports/eventlog").needs("sql")).len(), 1);
        assert_eq!(house(Package::member("edge", "crates/edge").needs("orders")).len(), 1);
        assert_eq!(house(Package::member("documents", "ports/documents").tests_with("host")).len(), 1);
    }

    #[test]
    fn the_simulator_and_its_disk_stand_above_the_product() {
        let disk = Package::member("sim-disk", "sim/disk").tests_with("embedded");
        assert_eq!(house(disk), []);
        assert_eq!(house(Package::member("sim-world", "sim/world").needs("app").needs("orders")), []);
        assert_eq!(house(Package::member("sim-disk", "sim/disk").needs("app")).len(), 1);
    }

    #[test]
    fn a_service_that_leans_on_another_is_found_even_in_tests() {
        let text = &house(Package::member("kitchen", "services/kitchen").tests_with("orders"))[0].text;
        assert!(text.contains("orders-api"), "{text}");
        assert_eq!(house(Package::member("kitchen", "services/kitchen").needs("orders-api")), []);
        assert_eq!(house(Package::member("mock", "services/payments/provider-mock").needs("orders")).len(), 1);
    }

    #[test]
    fn a_folder_without_a_layer_is_found() {
        assert!(house(Package::member("helpers", "crates/helpers"))[0].text.contains("no layer"));
    }
}
