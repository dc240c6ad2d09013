//! Lists the pages of docs/problems, so that every page that is written is also served.

use std::fmt::Write;
use std::path::Path;

#[allow(clippy::disallowed_methods)] // A build script reads the source tree.
fn main() {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../docs/problems");
    println!("cargo::rerun-if-changed={}", folder.display());
    let mut codes: Vec<String> = std::fs::read_dir(&folder)
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
    let out = std::env::var("OUT_DIR").expect("cargo says where the output goes");
    std::fs::write(Path::new(&out).join("pages.rs"), list).expect("the list can be written");
}
