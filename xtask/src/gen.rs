//! Hands over to `xtask-gen`, a crate of its own so that this one stays quick to compile.

use std::path::Path;

use crate::cargo::cargo;

/// Runs the generator over the workspace; `check` only compares. True when nothing differs or all was written.
pub fn run(root: &Path, check: bool) -> Result<bool, String> {
    run_in(root, root, check)
}

/// Runs the generator of the workspace at `home` over the workspace at `root`.
pub fn run_in(home: &Path, root: &Path, check: bool) -> Result<bool, String> {
    let mut command = cargo(home);
    command.args(["run", "--quiet", "-p", "xtask-gen", "--"]);
    if root != home {
        command.arg(root);
    }
    if check {
        command.arg("--check");
    }
    let status = command.status().map_err(|error| format!("cargo run -p xtask-gen: {error}"))?;
    Ok(status.success())
}
