//! Migrations are numbered without a gap and touch only tables that bear their service's name.

use super::Violation;
use crate::graph::Graph;
use crate::source::{is_word, line_at};
use crate::tree::Tree;

/// A table or an index that a migration names.
pub struct Named {
    /// Its name, in lower case.
    pub name: String,
    pub path: String,
    pub line: usize,
}

pub fn find(tree: &Tree, _: &Graph) -> Vec<Violation> {
    let mut found = Vec::new();
    for service in tree.services() {
        let folder = format!("services/{service}/migrations/");
        let files = tree.under(&folder).map(|(path, _)| path).filter(|path| path.ends_with(".sql"));
        for (at, path) in files.enumerate() {
            let number = format!("{:04}_", at + 1);
            if !path[folder.len()..].starts_with(&number) {
                found.push(Violation::new(path, 1, format!("migrations are numbered without a gap: `{number}…`")));
            }
        }
        for Named { name, path, line } in named(tree, service, &["table", "index", "view", "into", "update"]) {
            if !name.starts_with(&format!("{service}_")) {
                found.push(Violation::new(path, line, format!("`{name}` is to begin with `{service}_`")));
            }
        }
    }
    found
}

/// The tables that a service's migrations create.
pub fn tables(tree: &Tree, service: &str) -> Vec<Named> {
    named(tree, service, &["table"])
}

fn named(tree: &Tree, service: &str, after: &[&str]) -> Vec<Named> {
    let folder = format!("services/{service}/migrations/");
    let mut found = Vec::new();
    for (path, text) in tree.under(&folder).filter(|(path, _)| path.ends_with(".sql")) {
        let text = without_comments(text).to_lowercase();
        let words: Vec<(usize, &str)> = words(&text);
        for (at, (_, word)) in words.iter().enumerate().filter(|(_, (_, word))| after.contains(word)) {
            let previous = at.checked_sub(1).map_or("", |before| words[before].1);
            let statement = match *word {
                "into" => previous == "insert",
                "update" => !matches!(previous, "do" | "on" | "for"),
                _ => matches!(previous, "create" | "alter" | "drop" | "unique" | "virtual"),
            };
            let name = words[at + 1..].iter().find(|(_, next)| !matches!(*next, "if" | "not" | "exists"));
            if let Some((position, name)) = name.filter(|_| statement) {
                let line = line_at(&text, *position);
                found.push(Named { name: (*name).to_owned(), path: path.to_owned(), line });
            }
        }
    }
    found
}

/// The same text with `-- …` blanked.
fn without_comments(text: &str) -> String {
    let bare = |line: &str| line.split_once("--").map_or(line, |(code, _)| code).to_owned();
    text.lines().map(bare).collect::<Vec<_>>().join("\n")
}

fn words(text: &str) -> Vec<(usize, &str)> {
    let start = text.as_ptr() as usize;
    let parts = text.split(|c: char| !is_word(c)).filter(|word| !word.is_empty());
    parts.map(|word| (word.as_ptr() as usize - start, word)).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    const GOOD: &str = "-- create table things (x)\nCREATE TABLE IF NOT EXISTS orders_orders (\n id bigint primary key);\n\
        create unique index orders_orders_key on orders_orders (key);\n\
        insert into orders_x values (1) on conflict do update set a = 1;\nalter table orders_orders add column b text;";

    #[test]
    fn a_table_of_another_name_is_found() {
        let good = Tree::of([("services/orders/migrations/0001_a.sql", GOOD)]);
        assert_eq!(find(&good, &Graph::default()), []);
        assert!(tables(&good, "orders").iter().all(|table| table.name == "orders_orders"));
        for bad in ["create table items (a text);", "create index key on orders_x (a);", "drop table kitchen_tickets;"] {
            let text = format!("{GOOD}\n{bad}");
            let found = find(&Tree::of([("services/orders/migrations/0001_a.sql", &text)]), &Graph::default());
            assert_eq!((found.len(), found[0].line), (1, 7), "{bad}");
        }
    }

    #[test]
    fn a_gap_in_the_numbers_is_found() {
        let tree = Tree::of([("services/orders/migrations/0001_a.sql", ""), ("services/orders/migrations/0003_b.sql", "")]);
        assert_eq!(find(&tree, &Graph::default()).len(), 1);
    }
}
