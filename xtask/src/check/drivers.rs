//! Drivers of engines live in ports, behind a feature that only the product as a whole turns on.

use std::collections::BTreeSet;

use super::Violation;
use crate::graph::{Graph, Package};
use crate::tree::Tree;

const DRIVERS: [&str; 15] = [
    "tokio-postgres",
    "deadpool-postgres",
    "postgres",
    "mongodb",
    "rdkafka",
    "krafka",
    "lapin",
    "redis",
    "scylla",
    "clickhouse",
    "opensearch",
    "object_store",
    "vaultrs",
    "sqlx",
    "diesel",
];
/// The engine within: always there, but its calls belong to ports, and to those who look at a data folder from outside.
const EMBEDDED: &str = "rusqlite";
const WHOLE: [&str; 4] = ["app", "tests", "lab", "sim"];

pub fn find(tree: &Tree, graph: &Graph) -> Vec<Violation> {
    let mut found = Vec::new();
    for (package, folder) in graph.members() {
        let manifest = format!("{folder}/Cargo.toml");
        let mut say = |name: &str, text: String| {
            found.push(Violation::new(&manifest, tree.line_of(&manifest, name), text));
        };
        let port = folder.starts_with("ports/");
        let whole = WHOLE.contains(&folder) || folder.starts_with("sim/");
        for dependency in &package.dependencies {
            let name = dependency.name.as_str();
            if name == EMBEDDED && !port && !whole {
                say(name, format!("`{name}` belongs to ports"));
            }
            if DRIVERS.contains(&name) && !port {
                say(name, format!("the driver `{name}` belongs to a port"));
            } else if DRIVERS.contains(&name) && !dependency.optional && !dependency.dev {
                say(name, format!("the driver `{name}` has to be optional"));
            }
            let engines = graph.members().find(|(other, _)| other.name == name).map(|(other, _)| engines(other));
            let asked = dependency.features.iter().find(|asked| engines.as_ref().is_some_and(|all| all.contains(*asked)));
            if let Some(asked) = asked.filter(|_| !whole && !dependency.dev) {
                say(name, format!("the engine `{asked}` of `{name}` is turned on by {} only", WHOLE.join(", ")));
            }
        }
        if engines(package).contains("default") {
            say("default", "a driver is part of the default features".to_owned());
        }
    }
    found
}

/// The features of a package that bring a driver in, directly or through another feature.
fn engines(package: &Package) -> BTreeSet<String> {
    let mut engines = BTreeSet::new();
    loop {
        let before = engines.len();
        for (feature, turns_on) in &package.features {
            let drives = |part: &String| {
                let name = part.trim_start_matches("dep:").split(['/', '?']).next().unwrap_or_default();
                DRIVERS.contains(&name) || engines.contains(name)
            };
            if turns_on.iter().any(drives) {
                engines.insert(feature.clone());
            }
        }
        if engines.len() == before {
            return engines;
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::graph::Dependency;

    fn sql(default: &[&str]) -> Package {
        let mut port = Package::member("sql", "ports/sql").needs("rusqlite");
        let driver = Dependency { name: "tokio-postgres".into(), optional: true, ..Dependency::default() };
        port.dependencies.push(driver);
        port.features.insert("postgres".into(), vec!["dep:tokio-postgres".into()]);
        port.features.insert("default".into(), default.iter().map(|name| (*name).to_owned()).collect());
        port
    }

    fn find_in(packages: Vec<Package>) -> Vec<String> {
        find(&Tree::default(), &Graph { packages }).into_iter().map(|violation| violation.text).collect()
    }

    #[test]
    fn an_optional_driver_of_a_port_is_fine() {
        assert_eq!(find_in(vec![sql(&[])]), Vec::<String>::new());
    }

    #[test]
    fn the_simulator_stands_beneath_the_engine_and_sees_the_whole() {
        assert_eq!(find_in(vec![Package::member("sim-disk", "sim/disk").needs("rusqlite")]), Vec::<String>::new());
        assert!(find_in(vec![Package::member("sim-world", "sim/world").needs("mongodb")])[0].contains("belongs"));
    }

    #[test]
    fn a_driver_elsewhere_or_always_on_is_found() {
        assert!(find_in(vec![Package::member("orders", "services/orders").needs("mongodb")])[0].contains("belongs"));
        assert!(find_in(vec![Package::member("orders", "services/orders").needs("rusqlite")])[0].contains("rusqlite"));
        assert!(find_in(vec![Package::member("eventlog", "ports/eventlog").needs("rdkafka")])[0].contains("optional"));
        assert!(find_in(vec![sql(&["postgres"])])[0].contains("default"));
    }

    #[test]
    fn an_engine_turned_on_by_a_service_is_found() {
        let mut orders = Package::member("orders", "services/orders").needs("sql");
        orders.dependencies[0].features.push("postgres".into());
        assert!(find_in(vec![sql(&[]), orders])[0].contains("`postgres`"));
    }
}
