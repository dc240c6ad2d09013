//! Cargo, called as a person would call it.

use std::path::{Path, PathBuf};
use std::process::Command;

/// What cargo says of the package that it runs, by the beginning of the name. Build scripts ask for it: handed on, it would have
/// half of the workspace built anew whenever somebody calls cargo by hand in between.
const SAID_OF_THIS: [&str; 5] = ["CARGO_MANIFEST_", "CARGO_PKG_", "CARGO_CRATE_NAME", "CARGO_BIN_NAME", "CARGO_PRIMARY_PACKAGE"];

/// The cargo that runs this, in a workspace, with what it said of this taken away.
pub fn cargo(root: &Path) -> Command {
    let mut command = Command::new(std::env::var_os("CARGO").unwrap_or_else(|| "cargo".into()));
    command.current_dir(root);
    for name in std::env::vars_os().filter_map(|(name, _)| name.into_string().ok()).filter(|name| is_of_this(name)) {
        command.env_remove(name);
    }
    command
}

/// The folder into which a workspace is built.
pub fn target(root: &Path) -> PathBuf {
    std::env::var_os("CARGO_TARGET_DIR").map_or_else(|| root.join("target"), |given| root.join(given))
}

fn is_of_this(name: &str) -> bool {
    SAID_OF_THIS.iter().any(|said| name.starts_with(said))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_cargo_says_of_this_is_taken_away_and_what_it_was_told_stays() {
        let taken = |name: &str| cargo(Path::new(".")).get_envs().any(|(key, value)| key == name && value.is_none());
        assert!(taken("CARGO_MANIFEST_DIR") && taken("CARGO_PKG_NAME"));
        for name in ["CARGO_HOME", "CARGO_TARGET_DIR", "CARGO_INCREMENTAL", "PATH"] {
            assert!(!taken(name), "{name}");
        }
    }
}
