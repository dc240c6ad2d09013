//! Which rows of `docs/rows.tsv` the rules prove when they find nothing.

use std::collections::BTreeSet;

use super::migrations::tables;
use crate::tree::Tree;

/// A row and the rules that prove it together.
const PROVED: [(&str, &[&str]); 6] = [
    ("S0-P01", &["layers", "contracts", "drivers"]),
    ("S0-P02", &["unused", "drivers"]),
    ("S0-P03", &["doors", "rooms", "declared"]),
    ("S0-P04", &["declared", "events"]),
    ("S1-A02", &["layers", "contracts", "sql"]),
    ("S1-A06", &["migrations", "sql", "rooms"]),
];

/// A row about tables, their owner, and the tables that carry its concepts.
const TABLES: [(&str, &str, &[&str]); 3] = [
    ("S1-O05", "orders", &["orders_orders", "orders_items", "orders_events"]),
    ("S1-I05", "inventory", &["inventory_items", "inventory_levels", "inventory_reservations"]),
    ("S1-M05", "payments", &["payments_transactions", "payments_methods"]),
];

/// The rows that hold, given the names of the rules that found something.
///
/// Nothing is proved of a house without rooms: all declared services have to be there.
pub fn proved(tree: &Tree, broken: &BTreeSet<&str>) -> Vec<&'static str> {
    let mut rows = Vec::new();
    if tree.services().is_empty() || broken.contains("declared") {
        return rows;
    }
    rows.extend(PROVED.iter().filter(|(_, rules)| !rules.iter().any(|rule| broken.contains(rule))).map(|(row, _)| *row));
    for (row, service, wanted) in TABLES {
        let there: Vec<String> = tables(tree, service).into_iter().map(|table| table.name).collect();
        if wanted.iter().all(|table| there.iter().any(|name| name == table)) && !broken.contains("migrations") {
            rows.push(row);
        }
    }
    rows.sort_unstable();
    rows
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::check::RULES;

    const PAYMENTS: (&str, &str) = (
        "services/payments/migrations/0001_a.sql",
        "create table payments_transactions (a text); create table payments_methods (a text);",
    );

    #[test]
    fn a_row_is_proved_by_tables_that_are_there() {
        let rows = proved(&Tree::of([PAYMENTS]), &BTreeSet::new());
        assert!(rows.contains(&"S1-M05") && !rows.contains(&"S1-O05") && rows.contains(&"S1-A06"));
    }

    #[test]
    fn a_broken_rule_proves_nothing() {
        let tree = Tree::of([PAYMENTS]);
        assert!(!proved(&tree, &BTreeSet::from(["layers"])).contains(&"S1-A02"));
        assert!(proved(&tree, &BTreeSet::from(["declared"])).is_empty());
        assert!(proved(&Tree::default(), &BTreeSet::new()).is_empty());
    }

    #[test]
    fn every_rule_that_is_leant_on_exists() {
        for rule in PROVED.iter().flat_map(|(_, rules)| *rules) {
            assert!(RULES.iter().any(|known| known.name == *rule), "{rule}");
        }
    }
}
