//! Planted mistakes stay in the simulator: nothing that a product is made of may ask for them.

use std::collections::BTreeSet;

use super::Violation;
use crate::graph::{Graph, Package};
use crate::tree::Tree;

/// The feature that plants them, in `base`.
const FEATURE: &str = "mutants";
/// Who may ask for it.
const ALLOWED: &str = "sim";
/// What users get.
const PRODUCT: &str = "comanda";

pub fn find(tree: &Tree, graph: &Graph) -> Vec<Violation> {
    let mut found = Vec::new();
    for (package, folder) in graph.members().filter(|(_, folder)| *folder != ALLOWED) {
        let manifest = format!("{folder}/Cargo.toml");
        let mut say = |text: &str| found.push(Violation::new(&manifest, tree.line_of(&manifest, FEATURE), text));
        if package.dependencies.iter().any(|dependency| dependency.features.iter().any(|feature| feature == FEATURE)) {
            say("planted mistakes are asked for by `sim` only");
        }
        if package.features.values().flatten().any(|part| part == FEATURE || part.ends_with(&format!("/{FEATURE}"))) {
            say("no feature turns the planted mistakes on");
        }
    }
    if product(graph).contains(ALLOWED) {
        found.push(Violation::new("app/Cargo.toml", 1, "the product leans on the simulator, and so has its planted mistakes"));
    }
    found
}

/// The names of all that the product is made of.
fn product(graph: &Graph) -> BTreeSet<&str> {
    let mut made_of = BTreeSet::new();
    let mut open = vec![PRODUCT];
    while let Some(name) = open.pop() {
        if !made_of.insert(name) {
            continue;
        }
        let packages = graph.packages.iter().filter(|package: &&Package| package.name == name);
        open.extend(
            packages.flat_map(|package| &package.dependencies).filter(|needed| !needed.dev).map(|needed| needed.name.as_str()),
        );
    }
    made_of
}

#[cfg(test)]
mod tests {
    use super::*;

    fn asking(name: &str, folder: &str) -> Package {
        let mut package = Package::member(name, folder).needs("base");
        package.dependencies[0].features.push(FEATURE.to_owned());
        package
    }

    fn find_in(packages: Vec<Package>) -> Vec<String> {
        find(&Tree::default(), &Graph { packages }).into_iter().map(|violation| violation.text).collect()
    }

    #[test]
    fn the_simulator_may_plant_mistakes_and_nobody_else() {
        assert_eq!(find_in(vec![asking("sim", "sim"), Package::member("comanda", "app").needs("base")]), Vec::<String>::new());
        assert!(find_in(vec![asking("orders", "services/orders")])[0].contains("`sim` only"));
        let mut saga = Package::member("saga", "crates/saga");
        saga.features.insert("default".into(), vec!["base/mutants".into()]);
        assert!(find_in(vec![saga])[0].contains("turns"));
        let mut base = Package::member("base", "crates/base");
        base.features.insert("mutants".into(), vec![]);
        assert_eq!(find_in(vec![base.clone()]), Vec::<String>::new());
        base.features.insert("default".into(), vec!["mutants".into()]);
        assert!(find_in(vec![base])[0].contains("turns"));
    }

    #[test]
    fn a_product_that_leans_on_the_simulator_is_found_however_far_off() {
        let packages = vec![
            Package::member("comanda", "app").needs("edge"),
            Package::member("edge", "crates/edge").needs("sim"),
            asking("sim", "sim"),
        ];
        assert!(find_in(packages)[0].contains("leans"));
        let tested = Package::member("comanda", "app").tests_with("sim");
        assert_eq!(find_in(vec![tested, asking("sim", "sim")]), Vec::<String>::new());
    }
}
