//! What staff and the provider can tell when all is at rest: that is what the bookkeeper compares.

use std::collections::{BTreeMap, BTreeSet};
use std::time::Duration;

use serde_json::Value;

use crate::book::Book;
use crate::insist;
use crate::net::{Ask, Net};

/// How often each thing is asked for before it counts as not there.
pub const TRIES: u32 = 20;

/// Reads all pages of a list.
pub async fn all(net: &Net, path: &str, name: &str) -> Vec<Value> {
    let (mut rows, mut after) = (Vec::new(), String::new());
    loop {
        let joint = if path.ends_with('?') { "" } else { "&" };
        let ask = Ask::get(format!("{path}{joint}limit=200{after}")).by(net.staff());
        let Some(answer) = net.send(ask).await else { continue };
        if answer.status != 200 {
            net.world.sleep(Duration::from_secs(1)).await;
            continue;
        }
        rows.extend(answer.body[name].as_array().cloned().unwrap_or_default());
        match answer.body["next"].as_str() {
            Some(next) => after = format!("&after={next}"),
            None => return rows,
        }
    }
}

/// Tells whether anything is still being cooked: what was begun is cooked to its end, though its order may have been
/// cancelled meanwhile.
pub async fn is_cooking(net: &Net) -> bool {
    let page = insist(net, Ask::get("/v1/kitchen/tickets?limit=1").by(net.staff()), TRIES).await;
    page.is_some_and(|page| page.body["tickets"].as_array().is_some_and(|tickets| !tickets.is_empty()))
}

/// Tells whether money is still asked for, called off or on its way back.
pub async fn is_money_moving(net: &Net) -> bool {
    for state in ["requested", "withdrawing", "refunding"] {
        let ask = Ask::get(format!("/v1/payments?state={state}&limit=1")).by(net.staff());
        let page = insist(net, ask, TRIES).await;
        if page.is_none_or(|page| page.body["payments"].as_array().is_none_or(|payments| !payments.is_empty())) {
            return true;
        }
    }
    false
}

/// Asks for every order that was acknowledged or that anybody was to pay for.
pub async fn orders(net: &Net, book: &Book) -> Vec<Value> {
    let mut ids: BTreeSet<String> = book.orders().into_iter().map(|(_, order)| order.id).collect();
    for payment in all(net, "/v1/payments?", "payments").await {
        ids.extend(payment["order_id"].as_str().map(str::to_owned));
    }
    for order in all(net, "/v1/board?", "orders").await {
        ids.extend(order["order_id"].as_str().map(str::to_owned));
    }
    let mut found = Vec::new();
    for id in ids {
        let ask = Ask::get(format!("/v1/orders/{id}")).by(net.staff());
        match insist(net, ask, TRIES).await {
            Some(answer) if answer.status == 200 => found.push(answer.body),
            _ => {}
        }
    }
    found
}

/// Tells whether an order has come to its end.
pub fn has_ended(order: &Value) -> bool {
    order["state"] == "delivered" || order["state"] == "cancelled"
}

/// Asks who is behind each order.
pub async fn names(net: &Net, found: &[Value]) -> BTreeMap<String, String> {
    let mut names = BTreeMap::new();
    for id in found.iter().filter_map(|order| order["order_id"].as_str()) {
        let ask = Ask::get(format!("/v1/orders/{id}/contact")).by(net.staff());
        let answer = insist(net, ask, TRIES).await;
        if let Some(name) = answer.as_ref().and_then(|answer| answer.body["name"].as_str()).filter(|name| !name.is_empty()) {
            names.insert(id.to_owned(), name.to_owned());
        }
    }
    names
}

/// Sums up the rows of the provider's books: what it took and gave back, of each order and charge.
pub fn held(rows: &[Value]) -> BTreeMap<String, Vec<(i64, i64)>> {
    let mut charges: BTreeMap<(String, String), (i64, i64)> = BTreeMap::new();
    for row in rows {
        let text = |name: &str| row[name].as_str().unwrap_or_default().to_owned();
        let amount = row["amount_minor"].as_i64().unwrap_or(0);
        let entry = charges.entry((text("order_reference"), text("charge_id"))).or_default();
        match row["kind"].as_str() {
            Some("capture") => entry.0 += amount,
            Some("refund") => entry.1 += amount,
            _ => {}
        }
    }
    let mut held: BTreeMap<String, Vec<(i64, i64)>> = BTreeMap::new();
    for ((order, _), sums) in charges {
        held.entry(order).or_default().push(sums);
    }
    held
}
