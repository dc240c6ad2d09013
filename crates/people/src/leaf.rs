//! Somebody who leafs through a list, a few rows at a time: what is there all the while is on one of its pages, and on one only.

use std::collections::BTreeSet;

use crate::book::Book;
use crate::net::{Ask, Net};
use crate::whims::Whims;

/// The lists of the house: path, what holds the rows, and what tells them apart.
const LISTS: [(&str, &str, &str); 5] = [
    ("/v1/board?", "orders", "order_id"),
    ("/v1/payments?", "payments", "payment_id"),
    ("/v1/deliveries?", "deliveries", "order_id"),
    ("/v1/stock?", "levels", "stock_id"),
    ("/v1/items?", "items", "item_id"),
];
/// More pages than any of them has.
const PAGES_MAX: u32 = 400;
/// The longest page.
const WHOLE: u64 = 200;

/// Reads a list from its beginning to its end; none when a page could not be had.
async fn leafed(net: &Net, (path, list, id): (&str, &str, &str), token: &str, limit: u64) -> Option<Vec<String>> {
    let (mut rows, mut after) = (Vec::new(), String::new());
    for _ in 0..PAGES_MAX {
        let answer = net.send(Ask::get(format!("{path}limit={limit}{after}")).by(token)).await?;
        if answer.status != 200 {
            return None;
        }
        rows.extend(answer.body[list].as_array()?.iter().filter_map(|row| row[id].as_str().map(str::to_owned)));
        match answer.body["next"].as_str() {
            Some(next) => after = format!("&after={next}"),
            None => return Some(rows),
        }
    }
    None
}

/// Says what is wrong with the pages of a list: rows that are missing, and rows that come again.
fn look(book: &Book, path: &str, limit: u64, pages: &[String], there: &BTreeSet<String>) {
    let seen: BTreeSet<&String> = pages.iter().collect();
    if let Some(missing) = there.iter().find(|row| !seen.contains(row)) {
        book.wrong(format!("NoOrderIsLost: {path} by {limit} a page passes over {missing}"));
    }
    if seen.len() < pages.len() {
        book.wrong(format!("EffectsHappenOnce: {path} by {limit} a page shows rows twice: {pages:?}"));
    }
    book.count("lists leafed through");
}

/// Leafs through some list of the house.
pub async fn any(net: &Net, book: &Book) {
    let list = LISTS[usize::try_from(net.world.below(LISTS.len() as u64)).unwrap_or(0)];
    let limit = net.world.between(1, 4);
    let staff = net.staff().to_owned();
    let Some(before) = leafed(net, list, &staff, WHOLE).await else { return };
    let Some(pages) = leafed(net, list, &staff, limit).await else { return };
    let Some(after) = leafed(net, list, &staff, WHOLE).await else { return };
    // What came or went meanwhile may be on a page or not.
    let after: BTreeSet<String> = after.into_iter().collect();
    let there = before.into_iter().filter(|row| after.contains(row)).collect();
    look(book, list.0, limit, &pages, &there);
}

/// Leafs through the orders of a guest, who has placed these.
pub async fn own(net: &Net, book: &Book, token: &str, placed: &[String]) {
    let limit = net.world.between(1, 3);
    let Some(pages) = leafed(net, ("/v1/orders?", "orders", "order_id"), token, limit).await else { return };
    look(book, "/v1/orders?", limit, &pages, &placed.iter().cloned().collect());
}
