//! An api crate is a leaf: it carries a contract and drags nothing along.

use super::Violation;
use crate::graph::Graph;
use crate::tree::Tree;

const ALLOWED: [&str; 6] = ["base", "prost", "tonic", "tonic-prost", "serde", "serde_json"];

pub fn find(tree: &Tree, graph: &Graph) -> Vec<Violation> {
    let mut found = Vec::new();
    for (package, folder) in graph.members() {
        let Some(name) = contract(folder) else { continue };
        let manifest = format!("{folder}/Cargo.toml");
        if package.name != name {
            found.push(Violation::new(&manifest, 1, format!("the package is to be called `{name}`")));
        }
        for dependency in package.dependencies.iter().filter(|dependency| !dependency.dev) {
            if !ALLOWED.contains(&dependency.name.as_str()) {
                let text = format!("an api crate may depend on {} only, not on `{}`", ALLOWED.join(", "), dependency.name);
                found.push(Violation::new(&manifest, tree.line_of(&manifest, &dependency.name), text));
            }
        }
    }
    found
}

/// The name that the contract in a folder is to have: a service's, or one that every service answers to.
fn contract(folder: &str) -> Option<String> {
    if let Some(service) = folder.strip_prefix("services/").and_then(|rest| rest.strip_suffix("/api")) {
        return Some(format!("{service}-api"));
    }
    folder.strip_prefix("crates/").filter(|name| name.ends_with("-api")).map(str::to_owned)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::graph::Package;

    #[test]
    fn a_heavy_or_misnamed_contract_is_found() {
        let good = Package::member("orders-api", "services/orders/api").needs("base").needs("prost").tests_with("insta");
        let heavy = Package::member("kitchen-api", "services/kitchen/api").needs("tokio");
        let misnamed = Package::member("money", "services/payments/api");
        let common = Package::member("operator-api", "crates/operator-api").needs("host");
        let found = find(&Tree::default(), &Graph { packages: vec![good, heavy, misnamed, common] });
        assert_eq!(found.len(), 3);
        assert!(found[0].text.contains("`tokio`") && found[1].text.contains("payments-api"));
    }
}
