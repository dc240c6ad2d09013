//! Every service has the same rooms.

use super::Violation;
use crate::graph::Graph;
use crate::tree::Tree;

const ROOMS: [&str; 7] =
    ["Cargo.toml", "api/Cargo.toml", "src/lib.rs", "src/domain.rs", "src/store.rs", "src/rpc.rs", "src/reactions.rs"];

pub fn find(tree: &Tree, _: &Graph) -> Vec<Violation> {
    let topology = tree.topology();
    let mut found = Vec::new();
    for service in tree.services() {
        let home = format!("services/{service}/");
        let mut missing = |room: &str| found.push(Violation::new(format!("{home}{room}"), 1, "this room is missing"));
        for room in ROOMS {
            if tree.text(&format!("{home}{room}")).is_none() {
                missing(room);
            }
        }
        if !tree.under(&format!("{home}tests/")).any(|(path, _)| path.ends_with(".rs")) {
            missing("tests/");
        }
        let store = topology.get("services").and_then(|all| all.get(service)?.get("store")?.as_str());
        if store == Some("sql") && !tree.under(&format!("{home}migrations/")).any(|(path, _)| path.ends_with(".sql")) {
            missing("migrations/");
        }
        // A service joins the simulated world from its first day.
        let part = format!("sim/src/parts/{service}.rs");
        if tree.text(&part).is_none() {
            found.push(Violation::new(part, 1, "the service takes no part in the simulated world"));
        }
    }
    found
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_missing_room_is_found() {
        let all = [
            ("topology.toml", "[services.orders]\nstore = \"sql\"\n"),
            ("services/orders/Cargo.toml", ""),
            ("services/orders/api/Cargo.toml", ""),
            ("services/orders/src/lib.rs", ""),
            ("services/orders/src/domain.rs", ""),
            ("services/orders/src/store.rs", ""),
            ("services/orders/src/rpc.rs", ""),
            ("services/orders/src/reactions.rs", ""),
            ("services/orders/tests/contract.rs", ""),
            ("services/orders/migrations/0001_orders.sql", ""),
            ("sim/src/parts/orders.rs", ""),
        ];
        assert_eq!(find(&Tree::of(all), &Graph::default()), []);
        for at in 1..all.len() {
            let mut less = all;
            less[at] = ("services/orders/other.txt", "");
            assert_eq!(find(&Tree::of(less), &Graph::default()).len(), 1, "without {}", all[at].0);
        }
    }
}
