//! `cargo xtask new-service NAME`: a service with all its rooms, declared, generated and tested; a start, not a sketch.
//!
//! The templates lie in `xtask/templates/`; `{{name}}` and `{{Name}}` stand for the service's name. That they compile and
//! pass is shown by `trial.rs`.

mod edits;
mod trial;

use std::fs;
use std::path::Path;

pub use trial::run as try_out;

use crate::cargo::cargo;
use crate::r#gen;

/// A template and where it goes, below the root of the workspace.
struct Template {
    path: &'static str,
    text: &'static str,
}

macro_rules! templates {
    ($($file:literal => $path:literal,)*) => {
        [$(Template { path: $path, text: include_str!(concat!("../templates/", $file)) }),*]
    };
}

const TEMPLATES: [Template; 17] = templates! {
    "Cargo.toml.tmpl" => "services/{{name}}/Cargo.toml",
    "lib.rs.tmpl" => "services/{{name}}/src/lib.rs",
    "domain.rs.tmpl" => "services/{{name}}/src/domain.rs",
    "store.rs.tmpl" => "services/{{name}}/src/store.rs",
    "rpc.rs.tmpl" => "services/{{name}}/src/rpc.rs",
    "reactions.rs.tmpl" => "services/{{name}}/src/reactions.rs",
    "begin.sql.tmpl" => "services/{{name}}/migrations/0001_begin.sql",
    "tests/main.rs.tmpl" => "services/{{name}}/tests/service/main.rs",
    "tests/contract.rs.tmpl" => "services/{{name}}/tests/service/contract.rs",
    "tests/reactions.rs.tmpl" => "services/{{name}}/tests/service/reactions.rs",
    "api/Cargo.toml.tmpl" => "services/{{name}}/api/Cargo.toml",
    "api/contract.proto.tmpl" => "services/{{name}}/api/{{name}}.proto",
    "api/lib.rs.tmpl" => "services/{{name}}/api/src/lib.rs",
    "api/events.rs.tmpl" => "services/{{name}}/api/src/events.rs",
    "api/closed.json.tmpl" => "services/{{name}}/api/events/{{name}}.closed.v1.json",
    "part.rs.tmpl" => "sim/src/parts/{{name}}.rs",
    "not_found.md.tmpl" => "docs/problems/{{name}}_not_found.md",
};

/// Names that the templates, the language or the proto compiler already give to something.
const TAKEN: &str = "abstract alloc api as async await base become box break call change const continue core crate ctx do dyn \
    else entry enum error extern false final fn for gateway gen host if impl in let loop macro main match message mod move mut \
    option override platform priv prost pub ref request response result return rpc saga self sql static status std store \
    string struct super test tokio tonic trait true try type typeof union unsafe unsized use virtual where while wire yield";
const NAME_LETTERS_MAX: usize = 24;

/// Makes the service and says what to do next.
pub fn run(root: &Path, name: &str) -> Result<bool, String> {
    make(root, root, name)?;
    println!("{}", next_steps(name));
    Ok(true)
}

/// Writes the rooms into a workspace and declares them; the generator is run by the workspace at `home`.
fn make(home: &Path, root: &Path, name: &str) -> Result<(), String> {
    may_be_called(root, name)?;
    // All edits are computed before the first byte is written: a file that does not fit leaves nothing half done.
    let mut files = edits::all(root, name)?;
    files.extend(TEMPLATES.iter().map(|template| (filled(template.path, name), filled(template.text, name))));
    for (path, text) in &files {
        let target = root.join(path);
        let said = |error: std::io::Error| format!("{path}: {error}");
        fs::create_dir_all(target.parent().ok_or("a file has a folder")?).map_err(said)?;
        fs::write(&target, text).map_err(said)?;
        println!("wrote {path}");
    }
    if !r#gen::run_in(home, root, false)? {
        return Err(format!("the contract services/{name}/api/{name}.proto could not be generated"));
    }
    format(root, name);
    Ok(())
}

/// The order of lines depends on the name, so the formatter has the last word; without one the service works as well.
fn format(root: &Path, name: &str) {
    let api = format!("{name}-api");
    let done = cargo(root).args(["fmt", "-p", name, "-p", &api]).status();
    if !done.is_ok_and(|status| status.success()) {
        println!("cargo fmt could not be run: run it yourself, with -p {name} -p {api}");
    }
}

fn may_be_called(root: &Path, name: &str) -> Result<(), String> {
    let plain = !name.is_empty() && name.len() <= NAME_LETTERS_MAX && name.bytes().all(|byte| byte.is_ascii_lowercase());
    if !plain {
        return Err(format!("`{name}` cannot be a service's name: small Latin letters, {NAME_LETTERS_MAX} at most"));
    }
    if TAKEN.split_whitespace().any(|taken| taken == name) {
        return Err(format!("`{name}` already means something else in a service: choose another name"));
    }
    if root.join("services").join(name).exists() {
        return Err(format!("services/{name} is there already"));
    }
    Ok(())
}

fn filled(template: &str, name: &str) -> String {
    template.replace("{{name}}", name).replace("{{Name}}", &capital(name))
}

fn capital(name: &str) -> String {
    let mut letters = name.chars();
    letters.next().map(|first| first.to_uppercase().chain(letters).collect()).unwrap_or_default()
}

fn next_steps(name: &str) -> String {
    format!(
        "
{name} has its rooms. Next:
 1. cargo test -p {name} -p {name}-api
 2. Say what it is: `owns` and the topic in topology.toml, the door in services/{name}/src/lib.rs.
 3. Replace the example: rules and their tests in src/domain.rs first, then migrations/0001_begin.sql and store.rs,
    the contract in api/{name}.proto (then `cargo xtask gen`), rpc.rs and reactions.rs last.
 4. Nobody hears `{name}.closed` yet, of which the tests of crates/topology warn: add it to `hears` of who needs it, and
    the service to the lists in crates/topology/src/real_file.rs.
 5. Give its rpcs addresses: a route in crates/edge, which already may call it.
 6. cargo xtask check --generated && cargo xtask test"
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn no_placeholder_is_left_in_any_file() {
        for template in &TEMPLATES {
            for text in [filled(template.path, "loyalty"), filled(template.text, "loyalty")] {
                assert!(!text.contains("{{name") && !text.contains("{{Name"), "{}: {text}", template.path);
                // Nested format arguments and match arms may end in two braces, but nothing begins with two.
                assert!(!text.contains("{{"), "{}", template.path);
            }
        }
    }

    #[test]
    fn every_template_says_the_name_or_lies_below_it_and_none_is_forgotten() {
        let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("templates");
        let mut kept = 0;
        for folder in [folder.clone(), folder.join("api"), folder.join("tests")] {
            kept += fs::read_dir(folder).unwrap().filter(|entry| entry.as_ref().unwrap().path().is_file()).count();
        }
        assert_eq!(kept, TEMPLATES.len());
        assert!(TEMPLATES.iter().all(|template| template.path.contains("{{name}}")));
    }

    #[test]
    fn names_that_cannot_be_are_refused() {
        let root = Path::new(env!("CARGO_MANIFEST_DIR")).parent().unwrap();
        let long = "a".repeat(25);
        for bad in
            ["", "Loyalty", "loyal_ty", "loyal-ty", "лояльность", "match", "entry", "gateway", "orders", "1st", long.as_str()]
        {
            assert!(may_be_called(root, bad).is_err(), "{bad}");
        }
        assert_eq!(may_be_called(root, "loyalty"), Ok(()));
    }
}
