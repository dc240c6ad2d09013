//! What the world's packages may be: under which licences, from where, and which never.

use super::Violation;
use crate::graph::{Graph, Package};
use crate::tree::Tree;

const ALLOWED: [&str; 12] = [
    "MIT",
    "MIT-0",
    "Apache-2.0",
    "Apache-2.0 WITH LLVM-exception",
    "BSD-2-Clause",
    "BSD-3-Clause",
    "ISC",
    "Zlib",
    "Unicode-3.0",
    "CC0-1.0",
    "Unlicense",
    "BSL-1.0",
];
/// Packages of data alone, and those whose copyleft ends at their own files; by name, because each was looked at.
const EXCEPTIONS: [(&str, &str); 2] = [("webpki-roots", "CDLA-Permissive-2.0"), ("option-ext", "MPL-2.0")];
const BANNED: [(&str, &str); 6] = [
    ("openssl-sys", "TLS is rustls: no system library"),
    ("openssl", "TLS is rustls: no system library"),
    ("native-tls", "TLS is rustls: no system library"),
    ("aws-lc-sys", "one crypto provider: ring"),
    ("aws-lc-rs", "one crypto provider: ring"),
    ("aws-lc-fips-sys", "one crypto provider: ring"),
];
/// How cargo names a registry as a source. A git repository or a file begins otherwise, whichever registry serves here.
const REGISTRIES: [&str; 2] = ["registry+", "sparse+"];

pub fn find(tree: &Tree, graph: &Graph) -> Vec<Violation> {
    let mut found = Vec::new();
    for package in graph.packages.iter().filter(|package| package.folder.is_none()) {
        let line = tree.line_of("Cargo.lock", &format!("name = \"{}\"", package.name));
        for text in complaints(package) {
            let text = format!("{} {}: {text}", package.name, package.version);
            found.push(Violation::new("Cargo.lock", line, text));
        }
    }
    found
}

fn complaints(package: &Package) -> Vec<String> {
    let mut said = Vec::new();
    if let Some((_, why)) = BANNED.iter().find(|(name, _)| *name == package.name) {
        said.push(format!("is banned: {why}"));
    }
    if !package.source.as_deref().is_some_and(|source| REGISTRIES.iter().any(|registry| source.starts_with(registry))) {
        said.push(format!("comes from {}, not from the registry", package.source.as_deref().unwrap_or("a path outside")));
    }
    let allowed = |licence: &str| ALLOWED.contains(&licence) || EXCEPTIONS.contains(&(package.name.as_str(), licence));
    match &package.licence {
        None => said.push("declares no licence".to_owned()),
        Some(expression) if !satisfiable(expression, &allowed) => said.push(format!("licence `{expression}` is not allowed")),
        Some(_) => {}
    }
    said
}

/// True when the expression can be met with allowed licences alone. `/` is an old spelling of `OR`.
fn satisfiable(expression: &str, allowed: &dyn Fn(&str) -> bool) -> bool {
    let spaced = expression.replace('(', " ( ").replace(')', " ) ").replace('/', " OR ");
    let tokens: Vec<&str> = spaced.split_whitespace().collect();
    let mut parser = Parser { tokens: &tokens, at: 0, allowed };
    parser.any() && parser.at == tokens.len()
}

struct Parser<'a> {
    tokens: &'a [&'a str],
    at: usize,
    allowed: &'a dyn Fn(&str) -> bool,
}

impl Parser<'_> {
    fn take(&mut self, word: &str) -> bool {
        let here = self.tokens.get(self.at) == Some(&word);
        self.at += usize::from(here);
        here
    }

    fn any(&mut self) -> bool {
        let mut met = self.all();
        while self.take("OR") {
            met |= self.all();
        }
        met
    }

    fn all(&mut self) -> bool {
        let mut met = self.one();
        while self.take("AND") {
            met &= self.one();
        }
        met
    }

    fn one(&mut self) -> bool {
        if self.take("(") {
            let met = self.any();
            return self.take(")") && met;
        }
        let Some(licence) = self.tokens.get(self.at) else { return false };
        self.at += 1;
        let mut name = (*licence).to_owned();
        if self.take("WITH") {
            let exception = self.tokens.get(self.at).copied().unwrap_or_default();
            self.at += 1;
            name = format!("{name} WITH {exception}");
        }
        (self.allowed)(&name)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn from_registry(name: &str, licence: &str) -> Package {
        let source = Some("registry+https://registry.example/index".to_owned());
        Package { name: name.into(), licence: Some(licence.into()), source, ..Package::default() }
    }

    #[test]
    fn expressions_are_judged() {
        let fine = ["MIT", "MIT/Apache-2.0", "GPL-3.0 OR MIT", "(MIT OR GPL-2.0) AND Unicode-3.0", "LGPL-2.1 OR (ISC AND Zlib)"];
        for expression in fine.into_iter().chain(["Apache-2.0 WITH LLVM-exception OR GPL-2.0"]) {
            assert_eq!(complaints(&from_registry("x", expression)), Vec::<String>::new(), "{expression}");
        }
        for expression in ["GPL-3.0", "MIT AND MPL-2.0", "MIT WITH x", "", "MIT AND", "(MIT", "CDLA-Permissive-2.0"] {
            assert_eq!(complaints(&from_registry("x", expression)).len(), 1, "{expression}");
        }
        assert!(complaints(&from_registry("webpki-roots", "CDLA-Permissive-2.0")).is_empty());
    }

    #[test]
    fn banned_and_foreign_packages_are_found() {
        assert_eq!(complaints(&from_registry("openssl-sys", "MIT")).len(), 1);
        let git = Package { source: Some("git+https://example.org/x".into()), ..from_registry("x", "MIT") };
        let path = Package { source: None, ..from_registry("x", "MIT") };
        let bare = Package { licence: None, ..from_registry("x", "MIT") };
        let found = find(&Tree::default(), &Graph { packages: vec![git, path, bare, Package::member("base", "crates/base")] });
        assert_eq!(found.len(), 3);
    }
}
