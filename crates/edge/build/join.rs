//! Joins the scripts of a guest's page into one: a browser on a slow network fetches six files at a time, and a page of
//! fifteen small ones would wait three times.
//!
//! Each module becomes a function that is called once and gives what it exports, in the order in which a browser would run
//! them. What is in `vendor` stays a file of its own, so that all pages share it. Only what our own modules use is known here;
//! whatever else is met ends the build, so that a joined page is never another one than the folder's.

use std::fmt::Write as _;
use std::fs;
use std::path::Path;

/// Pages whose script is joined load it from here.
const ENTRIES: &str = "<script type=\"module\" src=\"/js/shop/";

/// Names the scripts with which the pages of guests begin, by their paths beneath the folder.
pub fn entries(root: &Path, files: &[(String, std::path::PathBuf)]) -> Vec<String> {
    let mut found = Vec::new();
    for (name, _) in files.iter().filter(|(name, _)| name.ends_with(".html")) {
        let page = read(root, name);
        for (at, _) in page.match_indices(ENTRIES) {
            let path = page[at..].split('"').nth(3).expect("it has a source");
            found.push(path.trim_start_matches('/').to_owned());
        }
    }
    found
}

/// Gives a script with all that it imports.
pub fn joined(root: &Path, entry: &str) -> String {
    let mut joint = Joint { root, done: Vec::new(), open: Vec::new(), vendored: Vec::new(), text: String::new() };
    joint.module(entry);
    joint.vendored.concat() + &joint.text
}

struct Joint<'a> {
    root: &'a Path,
    done: Vec<String>,
    /// Modules that wait for what they import; one that comes up again is in a circle.
    open: Vec<String>,
    vendored: Vec<String>,
    text: String,
}

impl Joint<'_> {
    fn module(&mut self, path: &str) {
        if self.done.iter().any(|known| known == path) {
            return;
        }
        assert!(!self.open.iter().any(|known| known == path), "{path} imports itself, by way of others");
        self.open.push(path.to_owned());
        let (mut body, mut exports) = (String::new(), Vec::new());
        let source = read(self.root, path);
        for line in bare(path, &source) {
            if let Some(rest) = line.strip_prefix("import ") {
                body += &self.import(path, rest);
            } else if let Some(rest) = line.strip_prefix("export ") {
                body += &export(path, rest, &mut exports);
            } else {
                assert!(!line.contains("import(") && !line.contains("import.meta"), "{path}: {line}");
                body += line;
            }
            body.push('\n');
        }
        let name = name_of(path);
        let exports = exports.join(", ");
        let _ = writeln!(self.text, "const {name} = (() => {{\n{body}return {{ {exports} }};\n}})();");
        self.open.pop();
        self.done.push(path.to_owned());
    }

    /// `{ a, b as c } from './other.js';` or `* as all from './other.js';`
    fn import(&mut self, path: &str, rest: &str) -> String {
        let (what, from) = rest.split_once(" from '").unwrap_or_else(|| panic!("{path}: import {rest}"));
        let target = resolved(path, from.trim_end_matches("';"));
        if target.starts_with("vendor/") {
            let line = format!("import {what} from '/{target}';\n");
            if !self.vendored.contains(&line) {
                self.vendored.push(line);
            }
            return String::new();
        }
        self.module(&target);
        let whole = what.strip_prefix("* as ");
        assert!(whole.is_some() || what.starts_with('{'), "{path}: import {rest}");
        format!("const {} = {};", whole.unwrap_or(&what.replace(" as ", ": ")), name_of(&target))
    }
}

/// Notes what is exported, and gives the line without the word.
fn export(path: &str, rest: &str, exports: &mut Vec<String>) -> String {
    if let Some(list) = rest.strip_prefix("{ ").and_then(|rest| rest.strip_suffix(" };")) {
        exports.push(list.to_owned());
        return String::new();
    }
    // What is exported as `let` may change later, and whoever took it out would not see it.
    let kinds = ["async function ", "function ", "const ", "class "];
    let named = kinds.iter().find_map(|kind| rest.strip_prefix(kind)).unwrap_or_else(|| panic!("{path}: export {rest}"));
    exports.push(named.chars().take_while(|c| c.is_ascii_alphanumeric() || *c == '_').collect());
    rest.to_owned()
}

/// Gives the lines of a module without those that are comments.
fn bare<'a>(path: &str, source: &'a str) -> Vec<&'a str> {
    let mut within = false;
    let mut lines = Vec::new();
    for line in source.lines() {
        assert!(line.matches('`').count() % 2 == 0, "{path}: a text over several lines may look like a comment: {line}");
        let start = line.trim_start();
        within |= start.starts_with("/*");
        if !within && !start.starts_with("//") && !start.is_empty() {
            lines.push(line);
        }
        within &= !line.contains("*/");
    }
    lines
}

/// Finds a module from another one.
fn resolved(from: &str, to: &str) -> String {
    let mut parts: Vec<&str> = from.split('/').collect();
    parts.pop();
    for part in to.split('/') {
        match part {
            "." => {}
            ".." => _ = parts.pop(),
            part => parts.push(part),
        }
    }
    parts.join("/")
}

fn name_of(path: &str) -> String {
    path.trim_end_matches(".js").replace(|c: char| !c.is_ascii_alphanumeric(), "_")
}

fn read(root: &Path, path: &str) -> String {
    fs::read_to_string(root.join(path)).unwrap_or_else(|error| panic!("web/shop/{path}: {error}"))
}
