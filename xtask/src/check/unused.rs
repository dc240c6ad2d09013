//! A dependency that no line of code names costs build time for nothing.

use super::Violation;
use crate::graph::{Dependency, Graph};
use crate::source::{code, find_word};
use crate::tree::Tree;

/// Macros of ours whose expansion names a package that the caller has to depend on.
const NAMED_BY: [(&str, &str); 1] = [("facts!", "serde")];

pub fn find(tree: &Tree, graph: &Graph) -> Vec<Violation> {
    let mut found = Vec::new();
    for (package, folder) in graph.members() {
        let home = format!("{folder}/");
        let nested: Vec<String> = graph
            .members()
            .map(|(_, other)| format!("{other}/"))
            .filter(|other| other.starts_with(&home) && *other != home)
            .collect();
        let texts: Vec<String> = tree
            .under(&home)
            .filter(|(path, _)| path.ends_with(".rs") && !nested.iter().any(|inner| path.starts_with(inner)))
            .map(|(_, text)| code(text))
            .collect();
        let manifest = format!("{folder}/Cargo.toml");
        for dependency in &package.dependencies {
            let word = in_code(dependency);
            let macros = NAMED_BY.iter().filter(|(_, named)| *named == word).map(|(name, _)| *name);
            let names: Vec<&str> = macros.chain([word.as_str()]).collect();
            if !texts.iter().any(|text| names.iter().any(|name| find_word(text, name).is_some())) {
                let line = tree.line_of(&manifest, &dependency.name);
                found.push(Violation::new(&manifest, line, format!("no code names `{word}`: drop the dependency")));
            }
        }
    }
    found
}

fn in_code(dependency: &Dependency) -> String {
    dependency.rename.as_ref().unwrap_or(&dependency.name).replace('-', "_")
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::graph::Package;

    #[test]
    fn a_dependency_that_nothing_names_is_found() {
        let orders = Package::member("orders", "services/orders").needs("orders-api").needs("bytes");
        let api = Package::member("orders-api", "services/orders/api");
        let graph = Graph { packages: vec![orders, api] };
        let tree = Tree::of([
            ("services/orders/Cargo.toml", "[dependencies]\norders-api.x\nbytes.x"),
            ("services/orders/src/lib.rs", "use orders_api::X; // bytes"),
            ("services/orders/api/src/lib.rs", "use bytes::Bytes;"),
        ]);
        let found = find(&tree, &graph);
        assert_eq!((found.len(), found[0].line), (1, 3));
    }

    #[test]
    fn what_a_macro_of_ours_names_is_used() {
        let graph = Graph { packages: vec![Package::member("orders-api", "services/orders/api").needs("serde")] };
        let api = |text| Tree::of([("services/orders/api/src/lib.rs", text)]);
        assert_eq!(find(&api("base::facts! {}"), &graph), []);
        assert_eq!(find(&api("struct Facts;"), &graph).len(), 1);
    }
}
