//! Only a service's store and its retention speak SQL, and only about the service's own tables.

use std::collections::BTreeMap;

use super::Violation;
use super::migrations::tables;
use crate::graph::Graph;
use crate::source::{find_word, is_word, line_at, literals, product};
use crate::tree::Tree;

pub fn find(tree: &Tree, _: &Graph) -> Vec<Violation> {
    let mut owners = BTreeMap::new();
    for service in tree.services() {
        owners.extend(tables(tree, service).into_iter().map(|table| (table.name, service)));
    }
    let mut found = Vec::new();
    for service in tree.services() {
        let home = format!("services/{service}/src/");
        for (path, text) in tree.under(&home).filter(|(path, _)| path.ends_with(".rs")) {
            let room = &path[home.len()..];
            let store = matches!(room, "store.rs" | "retention.rs") || room.starts_with("store/");
            for (line, literal) in literals(product(text)) {
                if !store && speaks_sql(literal) {
                    found.push(Violation::new(path, line, "SQL belongs to store.rs"));
                }
                for (table, owner) in owners.iter().filter(|(_, owner)| **owner != service) {
                    if let Some(at) = find_word(literal, table).filter(|_| speaks_sql(literal)) {
                        let line = line + line_at(literal, at) - 1;
                        found.push(Violation::new(path, line, format!("`{table}` belongs to {owner}: ask its api")));
                    }
                }
            }
        }
    }
    found
}

/// True for a literal that is a statement, not a sentence that happens to say "update".
fn speaks_sql(literal: &str) -> bool {
    let lower = literal.trim_matches(|c: char| !is_word(c)).to_lowercase();
    let words: Vec<&str> = lower.split_whitespace().collect();
    let has = |pair: [&str; 2]| words.windows(2).any(|two| two == pair);
    let updates = words.windows(3).any(|three| three[0] == "update" && three[2] == "set");
    has(["insert", "into"]) || has(["delete", "from"]) || updates || (words.first() == Some(&"select") && words.len() > 1)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn sql_outside_of_the_store_is_found() {
        let tree = Tree::of([
            ("services/orders/src/store.rs", "q(\"select a from orders_orders\")"),
            ("services/orders/src/store/board.rs", "q(\"delete from orders_orders\")"),
            ("services/orders/src/rpc.rs", "e(\"cannot update an order\");\nq(\"update orders_orders\n set a = 1\")"),
            (
                "services/orders/src/lib.rs",
                "q(r#\" INSERT INTO orders_items values (1)\"#)\n#[cfg(test)]\nmod t { q(\"select 1\") }",
            ),
        ]);
        let found = find(&tree, &Graph::default());
        let places: Vec<_> = found.iter().map(|violation| (violation.path.as_str(), violation.line)).collect();
        assert_eq!(places, [("services/orders/src/lib.rs", 1), ("services/orders/src/rpc.rs", 2)]);
    }

    #[test]
    fn a_look_into_another_ones_table_is_found() {
        let tree = Tree::of([
            ("services/orders/migrations/0001_a.sql", "create table orders_orders (id bigint primary key);"),
            ("services/kitchen/src/store.rs", "\nq(\"select id\n from orders_orders\")"),
        ]);
        let found = find(&tree, &Graph::default());
        assert_eq!((found.len(), found[0].line), (1, 3));
    }
}
