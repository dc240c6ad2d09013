//! The pages: what they may hold, where it comes from, and how much of it there is.

use std::io::Write;

use super::Violation;
use crate::graph::Graph;
use crate::tree::Tree;

const SHOP: &str = "web/shop/";
const VENDOR: &str = "web/shop/vendor/";
/// All scripts that somebody can come to load, compressed as the least of browsers takes them. Guests never load those of the
/// staff, nor staff those of guests.
const SCRIPTS_BYTES_MAX: usize = 60_000;
/// What the first view of the shop reads before it asks for the menu; pictures are counted by a journey.
const FIRST_VIEW_BYTES_MAX: usize = 100_000;
/// Names of formats that look like addresses and are never asked for.
const NAMESPACES: [&str; 3] = ["http://www.w3.org/2000/svg", "http://www.w3.org/1999/xlink", "http://www.w3.org/1999/xhtml"];
const LICENCES: [&str; 5] = ["MIT", "Apache-2.0", "BSD-3-Clause", "ISC", "OFL-1.1"];

pub fn find(tree: &Tree, _: &Graph) -> Vec<Violation> {
    let mut found = Vec::new();
    for (path, text) in tree.under(SHOP) {
        if path.ends_with(".html") {
            inline(path, text, &mut found);
        }
        if !path.starts_with(VENDOR) && !path.ends_with(".md") {
            elsewhere(path, text, &mut found);
        }
    }
    vendored(tree, &mut found);
    sizes(tree, &mut found);
    found
}

/// Nothing inline: the policy of the pages would not let it run.
fn inline(path: &str, text: &str, found: &mut Vec<Violation>) {
    let mut say = |at: usize, what: &str| {
        let line = text[..at].matches('\n').count() + 1;
        found.push(Violation::new(path, line, format!("{what}: the policy of the pages refuses it")));
    };
    for (at, _) in text.match_indices('<').filter(|(at, _)| !text[at + 1..].starts_with('/')) {
        let Some(end) = end_of_tag(&text[at..]) else { continue };
        let tag = &text[at + 1..at + end];
        let name: String = tag.chars().take_while(char::is_ascii_alphanumeric).collect();
        let names = attributes(tag);
        match name.as_str() {
            "script" if !names.iter().any(|name| name == "src") => say(at, "a script inside the page"),
            "style" => say(at, "a style inside the page"),
            _ => {}
        }
        for name in names {
            let listens = name.starts_with("on") && name[2..].chars().all(|c| c.is_ascii_lowercase()) && name.len() > 3;
            if name == "style" || listens {
                say(at, &format!("the attribute `{name}`"));
            }
        }
    }
}

/// Finds the `>` that ends a tag; one within quotes does not.
fn end_of_tag(text: &str) -> Option<usize> {
    let mut quote = None;
    for (at, c) in text.char_indices() {
        match (quote, c) {
            (None, '>') => return Some(at),
            (None, '"' | '\'') => quote = Some(c),
            (Some(open), c) if open == c => quote = None,
            _ => {}
        }
    }
    None
}

/// The names of a tag's attributes, without their values.
fn attributes(tag: &str) -> Vec<String> {
    let (mut names, mut name, mut quote) = (Vec::new(), String::new(), None);
    for c in tag.chars().skip_while(char::is_ascii_alphanumeric) {
        match (quote, c) {
            (Some(open), c) if open == c => quote = None,
            (Some(_), _) => {}
            (None, '"' | '\'') => quote = Some(c),
            (None, '=') | (None, '/') => {}
            (None, c) if c.is_whitespace() => {
                names.push(std::mem::take(&mut name));
            }
            (None, c) => name.push(c.to_ascii_lowercase()),
        }
    }
    names.push(name);
    names.retain(|name| !name.is_empty());
    names
}

/// No request to another host: no address of one.
fn elsewhere(path: &str, text: &str, found: &mut Vec<Violation>) {
    for (number, line) in text.lines().enumerate() {
        let named = NAMESPACES.iter().fold(line.to_owned(), |line, namespace| line.replace(namespace, ""));
        let other =
            ["http://", "https://", "ws://", "wss://", "=\"//", "='//", "url(//"].iter().find(|start| named.contains(**start));
        if let Some(start) = other {
            found.push(Violation::new(
                path,
                number + 1,
                format!("an address that begins with `{start}`: pages ask no other host"),
            ));
        }
    }
}

/// What is somebody else's is named with its licence.
fn vendored(tree: &Tree, found: &mut Vec<Violation>) {
    let list = format!("{VENDOR}README.md");
    let named = tree.text(&list).unwrap_or_default();
    for (path, _) in tree.under(VENDOR).filter(|(path, _)| *path != list) {
        let name = &path[VENDOR.len()..];
        let row = named.lines().find(|line| line.starts_with('|') && line.contains(&format!("`{name}`")));
        if !row.is_some_and(|row| LICENCES.iter().any(|licence| row.contains(licence))) {
            found.push(Violation::new(path, 1, format!("`{list}` names it with no version and licence")));
        }
    }
}

fn sizes(tree: &Tree, found: &mut Vec<Violation>) {
    for (who, others) in [("guests", "web/shop/js/staff/"), ("staff", "web/shop/js/shop/")] {
        let theirs = tree.under(SHOP).filter(|(path, _)| is_script(path) && !path.starts_with(others));
        let all: usize = theirs.map(|(_, text)| packed(text)).sum();
        if all > SCRIPTS_BYTES_MAX {
            let text = format!("all scripts for {who} have {all} bytes compressed, {SCRIPTS_BYTES_MAX} at most");
            found.push(Violation::new(SHOP, 1, text));
        }
    }
    let first: usize = first_view(tree).iter().filter_map(|path| tree.text(path)).map(packed).sum();
    if first > FIRST_VIEW_BYTES_MAX {
        let text = format!("the first view reads {first} bytes compressed, {FIRST_VIEW_BYTES_MAX} at most");
        found.push(Violation::new(format!("{SHOP}index.html"), 1, text));
    }
}

fn is_script(path: &str) -> bool {
    path.ends_with(".js") || path.ends_with(".mjs")
}

/// What the first page names, and what its scripts and styles import.
fn first_view(tree: &Tree) -> Vec<String> {
    let mut files = vec![format!("{SHOP}index.html")];
    let mut next = 0;
    while let Some(path) = files.get(next).cloned() {
        next += 1;
        let text = tree.text(&path).unwrap_or_default();
        for named in text.split(['"', '\'']).skip(1) {
            if named.len() > 200 || !(is_script(named) || named.ends_with(".css")) {
                continue;
            }
            let file = resolved(&path, named);
            if tree.text(&file).is_some() && !files.contains(&file) {
                files.push(file);
            }
        }
    }
    files
}

/// The file that a path in another file means.
fn resolved(from: &str, named: &str) -> String {
    if let Some(path) = named.strip_prefix('/') {
        return format!("{SHOP}{path}");
    }
    let mut parts: Vec<&str> = from.split('/').collect();
    parts.pop();
    for part in named.split('/') {
        match part {
            "." => {}
            ".." => drop(parts.pop()),
            part => parts.push(part),
        }
    }
    parts.join("/")
}

/// How long a text is when it is packed.
fn packed(text: &str) -> usize {
    let mut packer = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::best());
    packer.write_all(text.as_bytes()).and_then(|()| packer.finish()).map_or(text.len(), |packed| packed.len())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn said(files: &[(&str, &str)]) -> Vec<String> {
        let found = find(&Tree::of(files.iter().copied()), &Graph::default());
        found.into_iter().map(|violation| format!("{}:{} {}", violation.path, violation.line, violation.text)).collect()
    }

    #[test]
    fn nothing_inline_and_no_other_host() {
        let page = "<!doctype html>\n<p x-on:click=\"a > b\" @keydown=\"on = 1\" x-bind:style=\"s\">style= onclick=</p>\n\
            <script type=\"module\" src=\"/js/a.js\"></script>\n<svg xmlns=\"http://www.w3.org/2000/svg\"></svg>";
        assert_eq!(said(&[("web/shop/index.html", page)]), [""; 0]);
        for (bad, what) in [
            ("<p>\n<b style=\"color:red\">", "2 the attribute `style`"),
            ("<p onclick='go()'>", "1 the attribute `onclick`"),
            ("<script>go()</script>", "1 a script inside"),
            ("<style>p{}</style>", "1 a style inside"),
            ("\n\n<img src=\"https://elsewhere/x.png\">", "3 an address that begins with `https://`"),
            ("<img src=\"//elsewhere/x.png\">", "1 an address"),
        ] {
            let said = said(&[("web/shop/a.html", bad)]);
            assert!(said.len() == 1 && said[0].contains(&format!("web/shop/a.html:{what}")), "{bad}: {said:?}");
        }
    }

    #[test]
    fn what_is_vendored_is_named_with_its_licence() {
        let list = "| `a.js` | MIT |\n| `b.js` | whatever |\n";
        let said = said(&[
            ("web/shop/vendor/README.md", list),
            ("web/shop/vendor/a.js", "https://a"),
            ("web/shop/vendor/b.js", ""),
            ("web/shop/vendor/c.js", ""),
        ]);
        assert!(said.len() == 2 && said[0].contains("b.js") && said[1].contains("c.js"), "{said:?}");
    }

    #[test]
    fn scripts_and_the_first_view_are_weighed_with_what_they_import() {
        // Hardly anything can be packed here.
        let noise = |bytes: usize| {
            (0..bytes as u64)
                .map(|n| char::from(b'a' + (n.wrapping_mul(n).wrapping_mul(2_654_435_761) >> 13) as u8 % 26))
                .collect::<String>()
        };
        let heavy = noise(250_000);
        let first = [("web/shop/index.html", "<script src=\"/js/a.js\">"), ("web/shop/js/a.js", "import '../css/b.css'")];
        let seen = said(&[first[0], first[1], ("web/shop/css/b.css", heavy.as_str())]);
        assert!(seen.len() == 1 && seen[0].contains("the first view reads"), "{seen:?}");
        assert_eq!(said(&[first[0], first[1], ("web/shop/css/other.css", heavy.as_str())]), [""; 0]);
        for (path, who) in [("js/staff/a.js", "staff"), ("js/shop/a.js", "guests"), ("js/core/a.js", "guests, staff")] {
            let seen = said(&[(&format!("{SHOP}{path}"), heavy.as_str())]);
            let expected: Vec<String> = who.split(", ").map(|who| format!("all scripts for {who} have")).collect();
            assert!(seen.len() == expected.len() && seen.iter().zip(&expected).all(|(seen, who)| seen.contains(who)), "{seen:?}");
        }
    }
}
