//! An api crate is a leaf: it carries a contract and drags nothing along.

use super::Violation;
use crate::graph::Graph;
use crate::tree::Tree;

const ALLOWED: [&str; 6] = ["base", "prost", "tonic", "tonic-prost", "serde", "serde_json"];

pub fn find(tree: &Tree, graph: &Graph) -> Vec<Violation> {
    let mut found = Vec::new();
    for (package, folder) in graph.members() {
        let Some(service) = folder.strip_prefix("services/").and_then(|rest| rest.strip_suffix("/api")) else { continue };
        let manifest = format!("{folder}/Cargo.toml");
        if package.name != format!("{service}-api") {
            found.push(Violation::new(&manifest, 1, format!("the package is to be called `{service}-api`")));
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

#[cfg(test)]
mod tests {
    use super::*;
    use crate::graph::Package;

    #[test]
    fn a_heavy_or_misnamed_contract_is_found() {
        let good = Package::member("orders-api", "services/orders/api").needs("base").needs("prost").tests_with("insta");
        let heavy = Package::member("kitchen-api", "services/kitchen/api").needs("tokio");
        let misnamed = Package::member("money", "services/payments/api");
        let found = find(&Tree::default(), &Graph { packages: vec![good, heavy, misnamed] });
        assert_eq!(found.len(), 2);
        assert!(found[0].text.contains("`tokio`") && found[1].text.contains("payments-api"));
    }
}
