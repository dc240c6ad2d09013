//! The suites of tests, as they are built, to be run without cargo: it runs one after the other, and asked for some of them only it
//! may settle the features of crates anew, and build most of the workspace again.

use std::path::{Path, PathBuf};
use std::process::Stdio;

use serde_json::Value;

use crate::cargo::cargo;

/// A suite of tests.
#[derive(Debug, PartialEq, Eq)]
pub struct Suite {
    /// Whose it is.
    pub package: String,
    /// What it is called there.
    pub name: String,
    /// Whether it looks at its package from outside.
    pub is_outside: bool,
    /// What runs it,
    pub program: PathBuf,
    /// and where.
    pub folder: PathBuf,
}

/// Builds everything that a call of `cargo test` would, and gives the suites among it.
pub fn built(root: &Path, args: &[String]) -> Result<Vec<Suite>, String> {
    let mut command = cargo(root);
    command.args(args).args(["--no-run", "--message-format", "json-render-diagnostics"]);
    let output = command.stderr(Stdio::inherit()).output().map_err(|error| format!("cargo {}: {error}", args.join(" ")))?;
    if !output.status.success() {
        return Err("the tests could not be built".to_owned());
    }
    Ok(String::from_utf8_lossy(&output.stdout).lines().filter_map(read).collect())
}

/// Reads what cargo says of something that it built, if that is a suite.
fn read(line: &str) -> Option<Suite> {
    let said: Value = serde_json::from_str(line).ok()?;
    let (target, program) = (&said["target"], PathBuf::from(said["executable"].as_str()?));
    let folder = Path::new(said["manifest_path"].as_str()?).parent()?.to_owned();
    let package = folder.file_name()?.to_str()?.to_owned();
    let name = target["name"].as_str()?.to_owned();
    let is_outside = target["kind"].as_array()?.iter().any(|kind| kind == "test");
    (said["profile"]["test"] == true).then_some(Suite { package, name, is_outside, program, folder })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_suite_is_read_and_nothing_else() {
        let line = |kind: &str, is_test: bool, program: &str| {
            format!(
                r#"{{"reason":"compiler-artifact","manifest_path":"/x/services/orders/Cargo.toml","target":{{"kind":["{kind}"],"name":"service"}},"profile":{{"test":{is_test}}},"executable":{program}}}"#
            )
        };
        let suite = |is_outside| Suite {
            package: "orders".to_owned(),
            name: "service".to_owned(),
            is_outside,
            program: "/x/target/service-1".into(),
            folder: "/x/services/orders".into(),
        };
        let program = r#""/x/target/service-1""#;
        assert_eq!(read(&line("test", true, program)), Some(suite(true)));
        assert_eq!(read(&line("lib", true, program)), Some(suite(false)));
        assert_eq!(read(&line("bin", false, r#""/x/target/orders""#)), None);
        assert_eq!(read(&line("test", true, "null")), None);
        assert_eq!(read(r#"{"reason":"build-finished","success":true}"#), None);
    }
}
