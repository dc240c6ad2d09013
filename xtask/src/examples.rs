//! Examples in the docs of code, which are tests too. For a crate without any, cargo still starts the whole of rustdoc: two minutes
//! for nothing in this workspace. So only those crates are asked that have some.

use std::collections::BTreeSet;

use crate::tree::Tree;

/// How docs begin in code, and what begins an example in them.
const DOCS: [&str; 2] = ["///", "//!"];
const EXAMPLE: &str = "```";

/// The packages whose docs have examples, by name.
pub fn packages(tree: &Tree) -> BTreeSet<String> {
    let folders: Vec<(&str, String)> =
        tree.files().filter_map(|(path, text)| Some((path.strip_suffix("/Cargo.toml")?, name(text)?))).collect();
    let with_some = tree.files().filter(|(path, text)| path.ends_with(".rs") && text.lines().any(is_example));
    with_some.filter_map(|(path, _)| home(&folders, path)).collect()
}

fn name(manifest: &str) -> Option<String> {
    let manifest: toml::Table = manifest.parse().ok()?;
    Some(manifest.get("package")?.get("name")?.as_str()?.to_owned())
}

fn is_example(line: &str) -> bool {
    DOCS.iter().filter_map(|docs| line.trim_start().strip_prefix(docs)).any(|text| text.trim_start().starts_with(EXAMPLE))
}

/// The package of a file: that of the nearest folder above it that has one.
fn home(folders: &[(&str, String)], path: &str) -> Option<String> {
    let is_above = |folder: &str| path.strip_prefix(folder).is_some_and(|rest| rest.starts_with('/'));
    let above = folders.iter().filter(|(folder, _)| is_above(folder));
    above.max_by_key(|(folder, _)| folder.len()).map(|(_, name)| name.clone())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_packages_whose_docs_have_examples_are_asked_for_them() {
        let example = "    /// ```\n    /// assert_eq!(2 * 2, 4);\n    /// ```\nfn four() {}";
        let manifest = |name| format!("[package]\nname = \"{name}\"");
        let tree = Tree::of([
            ("services/orders/Cargo.toml", manifest("orders").as_str()),
            ("services/orders/src/lib.rs", "/// Not `one`.\nconst FENCE: &str = \"```\";"),
            ("services/orders/api/Cargo.toml", &manifest("orders-api")),
            ("services/orders/api/src/lib.rs", example),
            ("crates/base/Cargo.toml", &manifest("base")),
            ("crates/base/src/deep/id.rs", "//! ```text\n//! a picture\n//! ```"),
            ("crates/bases/Cargo.toml", &manifest("bases")),
        ]);
        assert_eq!(packages(&tree).into_iter().collect::<Vec<_>>(), ["base", "orders-api"]);
    }
}
