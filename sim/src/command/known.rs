//! What could be exercised, read where the product itself says it: so that there is no list to be kept by hand.

use std::collections::BTreeSet;
use std::path::{Path, PathBuf};

use crate::house;

/// Where the sources are.
const ROOT: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/..");
/// How a refusal is made, by whom a request can be refused, and where they live.
const REFUSALS: [&str; 6] = ["invalid", "denied", "not_found", "conflict", "refused", "limited"];
/// Where the reasons stand for which an order is cancelled.
const REASONS: (&str, &str) = ("services/orders/api/src/events.rs", "pub enum CancelReason {");

/// Gives the names of all events that services say.
pub fn events() -> BTreeSet<String> {
    house::topology().events().map(|event| event.name.clone()).collect()
}

/// Gives the states in which an order can be: what its saga says about it before its end.
pub fn states() -> Vec<String> {
    let saga = house::checkout();
    let mut states: Vec<String> = Vec::new();
    for name in &saga.says {
        // What is said about a thing in stock names no order: see the golden file of its first version.
        let of_order = house::topology().producer_of(name).is_some_and(|producer| {
            let golden = Path::new(ROOT).join(format!("services/{producer}/api/events/{name}.v1.json"));
            std::fs::read_to_string(golden).is_ok_and(|text| text.contains("\"order_id\""))
        });
        if of_order && !states.contains(name) && !saga.ends.contains(name) {
            states.push(name.clone());
        }
    }
    states
}

/// Gives the codes with which services refuse a request, as their sources write them.
pub fn refusals() -> BTreeSet<String> {
    let mut codes = BTreeSet::new();
    for source in sources(&Path::new(ROOT).join("services")) {
        let Ok(text) = std::fs::read_to_string(source) else { continue };
        let product = text.split("#[cfg(test)]").next().unwrap_or_default();
        for call in product.split("Fault::").skip(1) {
            let Some((kind, rest)) = call.split_once('(') else { continue };
            if REFUSALS.contains(&kind)
                && let Some((code, _)) = rest.trim_start().strip_prefix('"').and_then(|rest| rest.split_once('"'))
            {
                codes.insert(code.to_owned());
            }
        }
    }
    codes
}

/// Gives the reasons for which an order is cancelled.
pub fn reasons() -> BTreeSet<String> {
    let text = std::fs::read_to_string(Path::new(ROOT).join(REASONS.0)).unwrap_or_default();
    let body = text.split_once(REASONS.1).and_then(|(_, rest)| rest.split_once('}')).map_or("", |(body, _)| body);
    let names = body.lines().map(str::trim).filter(|line| !line.is_empty() && !line.starts_with('/') && !line.starts_with('#'));
    names.map(|line| snake(line.trim_end_matches(','))).collect()
}

fn snake(name: &str) -> String {
    let mut text = String::new();
    for letter in name.chars() {
        if letter.is_ascii_uppercase() && !text.is_empty() {
            text.push('_');
        }
        text.push(letter.to_ascii_lowercase());
    }
    text
}

/// Finds the sources of the product below a folder.
fn sources(folder: &Path) -> Vec<PathBuf> {
    let mut found = Vec::new();
    for entry in std::fs::read_dir(folder).into_iter().flatten().flatten() {
        let path = entry.path();
        let name = entry.file_name();
        if path.is_dir() && name != "tests" {
            found.extend(sources(&path));
        } else if path.extension().is_some_and(|kind| kind == "rs") && name != "generated.rs" {
            found.push(path);
        }
    }
    found.sort();
    found
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_the_product_can_do_is_read_off_the_product() {
        assert!(events().contains("order.created") && events().contains("dead_letter.parked"));
        assert!(states().contains(&"stock.reserved".to_owned()) && !states().contains(&"order.cancelled".to_owned()));
        for code in ["item_unavailable", "order_left_kitchen", "idempotency_key_reused", "stale_version"] {
            assert!(Path::new(ROOT).join(format!("docs/problems/{code}.md")).exists());
        }
        assert!(refusals().len() > 30, "only {:?}", refusals());
        for code in refusals() {
            assert!(Path::new(ROOT).join(format!("docs/problems/{code}.md")).exists(), "{code} has no page");
        }
        assert!(reasons().contains("out_of_stock") && reasons().len() >= 9, "only {:?}", reasons());
    }
}
