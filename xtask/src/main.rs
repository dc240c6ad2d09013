//! Xtask: the house rules as commands.
//!
//! Owns: `cargo xtask check`, `gen`, `new-service`, `test`, `journeys`, `mutants` and `rows`. Promises: nothing here is needed to build or run the product.
//! Never: talks to the network itself, changes a file that is not generated, unless told to begin a service.
//! Start reading at [`main`], then `check.rs`.
#![allow(clippy::disallowed_methods)] // a build tool lives on files and processes

mod cargo;
mod check;
mod examples;
mod r#gen;
mod graph;
mod journeys;
mod mutants;
mod new_service;
mod pool;
mod red;
mod rows;
mod source;
mod suites;
mod test;
mod tree;

use std::path::Path;
use std::process::ExitCode;

const USAGE: &str = "usage: cargo xtask COMMAND

check [--generated]   the structural rules; with --generated also that generated code is what `gen` would write
gen                   writes src/generated.rs of every contract (services/*/api, crates/*-api) from its proto
new-service NAME      a service with all its rooms, declared and tested; a start to be filled with its own rules
new-service --try     the same in a copy of the workspace, checked, tested and linted there; builds into this target folder
test                  all tests, with what they need installed; their output is kept for `rows`; --no-run only builds them
journeys              those of the pages alone, in Chromium
mutants [NAME…]       plants mistakes, and expects the simulator to see each of them; --write: puts the table of them into the guide;
                      --known: only in a world where each was seen, and in a few others, with the build of the tests
rows [LOGFILE…]       which rows of docs/rows.tsv the logs of tests, benchmarks and checks show green
                      (without names: target/rows/*.log)";

fn main() -> ExitCode {
    let args: Vec<String> = std::env::args().skip(1).collect();
    let args: Vec<&str> = args.iter().map(String::as_str).collect();
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).parent().expect("xtask is a folder of the workspace");
    let outcome = match args.as_slice() {
        ["check"] => check::run(root),
        // Both are run, so that one report shows all.
        ["check", "--generated"] => check::run(root).and_then(|clean| Ok(r#gen::run(root, true)? && clean)),
        ["gen"] => r#gen::run(root, false),
        ["new-service", "--try"] => new_service::try_out(root),
        ["new-service", name] => new_service::run(root, name),
        ["test"] => test::run(root),
        ["test", "--no-run"] => test::build(root),
        ["mutants", names @ ..] => mutants::run(root, names),
        ["journeys"] => journeys::alone(root),
        ["rows", logs @ ..] => rows::run(root, logs),
        _ => Err(USAGE.to_owned()),
    };
    match outcome {
        Ok(true) => ExitCode::SUCCESS,
        Ok(false) => ExitCode::FAILURE,
        Err(error) => {
            eprintln!("{error}");
            ExitCode::FAILURE
        }
    }
}
