//! Xtask: the house rules as commands.
//!
//! Owns: `cargo xtask gen`. Promises: nothing here is needed to build or run the product.
//! Never: talks to the network, changes a file that is not generated.
//! Start reading at [`main`].
#![allow(clippy::disallowed_methods)] // a build tool lives on files and processes

mod r#gen;

use std::path::Path;
use std::process::ExitCode;

fn main() -> ExitCode {
    let args: Vec<String> = std::env::args().skip(1).collect();
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).parent().expect("xtask is a folder of the workspace");
    let outcome = match args.first().map(String::as_str) {
        Some("gen") => r#gen::run(root, false),
        _ => Err("usage: cargo xtask gen".to_owned()),
    };
    match outcome {
        Ok(true) => ExitCode::SUCCESS,
        Ok(false) => ExitCode::FAILURE,
        Err(error) => {
            eprintln!("xtask: {error}");
            ExitCode::FAILURE
        }
    }
}
