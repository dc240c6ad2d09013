//! The packages and who leans on whom, as `cargo metadata` tells it.

use std::collections::BTreeMap;
use std::path::Path;
use std::process::Command;

use serde_json::Value;

use crate::cargo::cargo;

/// Every package of the dependency graph with all features on, on this machine's platform.
#[derive(Default)]
pub struct Graph {
    /// Ours and the world's.
    pub packages: Vec<Package>,
}

/// One package.
#[derive(Default, Clone)]
pub struct Package {
    /// Its name, such as `orders-api`.
    pub name: String,
    /// Its version.
    pub version: String,
    /// Its folder relative to the workspace when it is a member.
    pub folder: Option<String>,
    /// The licence expression that it declares.
    pub licence: Option<String>,
    /// Where it comes from; none for a path.
    pub source: Option<String>,
    /// What its manifest names.
    pub dependencies: Vec<Dependency>,
    /// Its features and what each turns on.
    pub features: BTreeMap<String, Vec<String>>,
}

/// One line of a manifest.
#[derive(Default, Clone)]
pub struct Dependency {
    /// The package's name.
    pub name: String,
    /// The name in code, where it differs.
    pub rename: Option<String>,
    /// Only for tests.
    pub dev: bool,
    /// Behind a feature.
    pub optional: bool,
    /// The features asked for.
    pub features: Vec<String>,
}

impl Graph {
    /// Asks cargo: without the network first, with it when something was never fetched.
    pub fn load(root: &Path) -> Result<Graph, String> {
        let platform = platform()?;
        let mut said = String::new();
        for reach in [&["--offline"][..], &[]] {
            let output = cargo(root)
                .args(["metadata", "--format-version", "1", "--all-features", "--filter-platform", &platform])
                .args(reach)
                .output()
                .map_err(|error| format!("cargo metadata: {error}"))?;
            if output.status.success() {
                let value = serde_json::from_slice(&output.stdout).map_err(|error| format!("cargo metadata: {error}"))?;
                return Ok(Graph::parse(&value));
            }
            said = String::from_utf8_lossy(&output.stderr).into_owned();
        }
        Err(format!("cargo metadata: {said}"))
    }

    /// Reads the answer of cargo.
    pub fn parse(value: &Value) -> Graph {
        let root = value["workspace_root"].as_str().unwrap_or_default();
        let packages = value["packages"].as_array().into_iter().flatten().map(|entry| package(entry, root)).collect();
        Graph { packages }
    }

    /// The packages of the workspace with their folders.
    pub fn members(&self) -> impl Iterator<Item = (&Package, &str)> {
        self.packages.iter().filter_map(|package| Some((package, package.folder.as_deref()?)))
    }

    /// The folder of a member by the package's name.
    pub fn folder_of(&self, name: &str) -> Option<&str> {
        self.members().find(|(package, _)| package.name == name).map(|(_, folder)| folder)
    }
}

fn platform() -> Result<String, String> {
    let rustc = std::env::var_os("RUSTC").unwrap_or_else(|| "rustc".into());
    let output = Command::new(rustc).arg("-vV").output().map_err(|error| format!("rustc -vV: {error}"))?;
    let text = String::from_utf8_lossy(&output.stdout);
    let host = text.lines().find_map(|line| line.strip_prefix("host: "));
    host.map(str::to_owned).ok_or_else(|| "rustc -vV names no host".to_owned())
}

fn text(value: &Value) -> Option<String> {
    value.as_str().map(str::to_owned)
}

fn texts(value: &Value) -> Vec<String> {
    value.as_array().into_iter().flatten().filter_map(text).collect()
}

fn package(entry: &Value, root: &str) -> Package {
    let manifest = entry["manifest_path"].as_str().unwrap_or_default();
    let inside = manifest.strip_prefix(root).map(|path| path.trim_start_matches('/'));
    let source = text(&entry["source"]);
    Package {
        name: text(&entry["name"]).unwrap_or_default(),
        version: text(&entry["version"]).unwrap_or_default(),
        folder: inside
            .filter(|_| source.is_none())
            .map(|path| path.trim_end_matches("Cargo.toml").trim_end_matches('/').to_owned()),
        licence: text(&entry["license"]),
        source,
        dependencies: entry["dependencies"].as_array().into_iter().flatten().map(dependency).collect(),
        features: entry["features"].as_object().into_iter().flatten().map(|(k, v)| (k.clone(), texts(v))).collect(),
    }
}

fn dependency(entry: &Value) -> Dependency {
    Dependency {
        name: text(&entry["name"]).unwrap_or_default(),
        rename: text(&entry["rename"]),
        dev: entry["kind"] == "dev",
        optional: entry["optional"] == true,
        features: texts(&entry["features"]),
    }
}

#[cfg(test)]
impl Package {
    /// A member of a workspace, for a test.
    pub fn member(name: &str, folder: &str) -> Package {
        Package { name: name.into(), folder: Some(folder.into()), ..Package::default() }
    }

    /// The same with one dependency more.
    pub fn needs(mut self, name: &str) -> Package {
        self.dependencies.push(Dependency { name: name.into(), ..Dependency::default() });
        self
    }

    /// The same with one dependency more that only its tests use.
    pub fn tests_with(mut self, name: &str) -> Package {
        self.dependencies.push(Dependency { name: name.into(), dev: true, ..Dependency::default() });
        self
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_answer_of_cargo_is_read() {
        let graph = Graph::parse(&serde_json::json!({
            "workspace_root": "/w",
            "packages": [
                {"name": "orders", "version": "0.1.0", "manifest_path": "/w/services/orders/Cargo.toml", "source": null,
                 "dependencies": [{"name": "base", "kind": null, "optional": false, "features": []},
                                  {"name": "host", "kind": "dev", "optional": true, "features": ["x"]}]},
                {"name": "serde", "version": "1.0.0", "manifest_path": "/r/serde/Cargo.toml", "license": "MIT",
                 "source": "registry+https://registry.example/index", "dependencies": []},
            ]
        }));
        assert_eq!(graph.folder_of("orders"), Some("services/orders"));
        assert_eq!(graph.folder_of("serde"), None);
        let tests = &graph.packages[0].dependencies[1];
        assert!(tests.dev && tests.optional && tests.features == ["x"]);
        assert_eq!(graph.packages[1].licence.as_deref(), Some("MIT"));
    }
}
