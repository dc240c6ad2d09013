//! What the edge carries inside: the pages of docs/problems, so that every page that is written is also served, and the
//! files of web/shop, joined and packed ahead.
#![allow(clippy::disallowed_methods)] // A build script reads the source tree.

mod join;
mod shop;

use std::fmt::Write;
use std::path::{Path, PathBuf};

fn main() {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("../..");
    let out = PathBuf::from(std::env::var("OUT_DIR").expect("cargo says where the output goes"));
    println!("cargo::rerun-if-changed=build");
    problems(&root.join("docs/problems"), &out);
    shop::pack(&root.join("web/shop"), &out);
}

fn problems(folder: &Path, out: &Path) {
    println!("cargo::rerun-if-changed={}", folder.display());
    let mut codes: Vec<String> = std::fs::read_dir(folder)
        .expect("docs/problems is part of the source")
        .filter_map(|entry| entry.ok()?.file_name().to_str()?.strip_suffix(".md").map(str::to_owned))
        .collect();
    codes.sort_unstable();
    let mut list = String::from("pub(crate) static PAGES: &[(&str, &str)] = &[\n");
    for code in codes {
        let path = folder.join(format!("{code}.md"));
        let _ = writeln!(list, "    ({code:?}, include_str!({:?})),", path.display().to_string());
    }
    list.push_str("];\n");
    std::fs::write(out.join("pages.rs"), list).expect("the list can be written");
}
