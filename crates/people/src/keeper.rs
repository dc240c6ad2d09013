//! Those who keep the menu: they say what is sold out, what costs something else now and what is gone for good, and look
//! whether it counts.

use std::time::Duration;

use futures_util::future::join;
use serde_json::{Value, json};

use crate::book::{Book, Wish};
use crate::menu::Menu;
use crate::net::{Ask, Net};
use crate::whims::Whims;
use crate::{TRIES, insist, insist_counting};

/// A little longer than the menu at hand may be old where clocks are right, and than it may be old in any case.
const SOON: Duration = Duration::from_secs(3);
const AT_LAST: Duration = Duration::from_secs(75);

/// What the till says of something.
#[derive(Debug, PartialEq)]
enum Till {
    Costs(i64),
    SoldOut,
    /// It is off the menu for good.
    Gone,
}

/// Asks the till for one of something, as somebody who will not pay what it costs: so nothing is ever ordered.
async fn till(net: &Net, book: &Book, item: &str, size: &str, name: &str) -> Option<Till> {
    let body = json!({
        "lines": [{ "item": item, "size": size, "quantity": 1 }],
        "fulfilment": "pickup",
        "payment": { "method": "cash" },
        "expected_total_minor": 1,
    });
    let answer = insist(net, Ask::post("/v1/orders", format!("the-till-{name}"), body).by(net.staff()), TRIES).await?;
    if answer.status < 300 {
        book.wrong(format!("MoneyIsConserved: {item} was sold for 1: {}", answer.body));
    }
    match answer.code() {
        "total_changed" => answer.body["total_minor"].as_i64().map(Till::Costs),
        "item_unavailable" => Some(Till::SoldOut),
        "item_retired" => Some(Till::Gone),
        _ => None,
    }
}

/// Stands at the till while the menu is being changed: whatever it says is right, but it makes the till look at the menu.
async fn meanwhile(net: &Net, book: &Book, (item, size): (&str, &str), name: &str) {
    if net.world.happens(500) {
        net.world.sleep(Duration::from_millis(net.world.below(60))).await;
        till(net, book, item, size, &format!("meanwhile-{name}")).await;
    }
}

/// Looks whether a change of the menu counts at the till, soon and at last.
async fn counts(net: &Net, book: &Book, (item, size): (&str, &str), name: &str, fits: impl Fn(&Till) -> bool) {
    net.world.sleep(SOON).await;
    match till(net, book, item, size, &format!("soon-{name}")).await {
        Some(says) if !fits(&says) => {
            book.late(format!("EffectsHappenOnce: {item} was changed, and {SOON:?} later the till says {says:?}"));
        }
        _ => return book.count("changes looked at"),
    }
    net.world.sleep(AT_LAST).await;
    if let Some(says) = till(net, book, item, size, &format!("at-last-{name}")).await.filter(|says| !fits(says)) {
        book.wrong(format!("EffectsHappenOnce: {item} was changed, and {AT_LAST:?} later the till still says {says:?}"));
    }
}

/// Says that something is sold out, and then that it is there again; whoever has not seen that must not say so too.
pub async fn sold_out(net: &Net, book: &Book, menu: &Menu, round: u64) {
    let (item, size) = menu.any(&net.world);
    let Some(read) = insist(net, Ask::get(format!("/v1/items/{item}")).by(net.staff()), 4).await else { return };
    let (Some(id), Some(version)) = (read.body["item_id"].as_str(), read.body["version"].as_i64()) else { return };
    // What is sold out already, as an earlier round may have left it, does not change by being sold out once more.
    if read.body["available"].as_bool() != Some(true) {
        return;
    }
    for (step, available) in [false, true].into_iter().enumerate() {
        let put = |name: &str, available: bool, reason: &str| {
            let body = json!({ "available": available, "version": version + step as i64, "reason": reason });
            let ask = Ask::post(format!("/v1/items/{id}/availability"), format!("{name}-{round}-{available}"), body);
            Ask { method: "PUT", ..ask.by(net.staff()) }
        };
        let name = format!("{round}-{available}");
        let (done, ()) =
            join(insist(net, put("sold-out", available, ""), TRIES), meanwhile(net, book, (&item, &size), &name)).await;
        let done = done.is_some_and(|answer| answer.status == 200);
        if done {
            book.count("availability changes");
            let stale = insist(net, put("stale", !available, "не видел"), TRIES).await;
            if stale.is_some_and(|answer| answer.status == 200) {
                book.wrong(format!("EffectsHappenOnce: {item} was changed twice at one version: one change is lost"));
            }
        }
        if done && net.world.happens(500) {
            let fits = |says: &Till| *says == Till::Gone || (*says != Till::SoldOut) == available;
            counts(net, book, (&item, &size), &name, fits).await;
        }
        net.world.sleep(Duration::from_millis(net.world.below(20_000))).await;
    }
}

/// Has something cost more, or less.
pub async fn reprice(net: &Net, book: &Book, menu: &Menu, round: u64) {
    let (item, size) = menu.any(&net.world);
    let Some(read) = insist(net, Ask::get(format!("/v1/items/{item}")).by(net.staff()), 4).await else { return };
    let item_read = read.body;
    let Some(id) = item_read["item_id"].as_str().filter(|_| read.status == 200) else { return };
    let (mut variants, mut costs) = (Vec::new(), None);
    for variant in item_read["variants"].as_array().into_iter().flatten() {
        let mut price = variant["price"]["amount_minor"].as_i64().unwrap_or(0);
        if variant["size"] == size.as_str() {
            price = (price + i64::try_from(net.world.below(400)).unwrap_or(0) - 200).max(10);
            costs = Some(price);
        }
        variants.push(json!({ "size": variant["size"], "price_minor": price, "sold_out": variant["sold_out"],
            "needs": variant.get("needs").unwrap_or(&json!([])), "percent": variant.get("percent").unwrap_or(&json!(0)) }));
    }
    let Some(costs) = costs else { return };
    let mut body = json!({ "variants": variants, "reason": "подорожало" });
    for name in ["slug", "kind", "category", "name", "description", "attributes", "tax_rate_bp", "available", "version", "steps"]
    {
        if let Some(value) = item_read.get(name).filter(|value| !Value::is_null(value)) {
            body[name] = value.clone();
        }
    }
    book.priced(&item, &size, costs);
    let ask = Ask { method: "PUT", ..Ask::post(format!("/v1/items/{id}"), format!("reprice-{round}"), body).by(net.staff()) };
    let name = format!("price-{round}");
    match join(insist(net, ask, TRIES), meanwhile(net, book, (&item, &size), &name)).await.0 {
        Some(answer) if answer.status == 200 => {
            book.count("prices changed");
            let fits = |says: &Till| !matches!(says, Till::Costs(price) if *price != costs);
            counts(net, book, (&item, &size), &name, fits).await;
        }
        Some(answer) if !["stale_version", "item_retired"].contains(&answer.code()) => {
            book.wrong(format!("EffectsHappenOnce: a price was refused: {}", answer.body));
        }
        _ => {}
    }
}

/// Takes something off the menu for good, while somebody orders the last of it.
pub async fn retire(net: &Net, book: &Book, menu: &Menu, round: u64) {
    let (item, size) = menu.any(&net.world);
    let Some(read) = insist(net, Ask::get(format!("/v1/items/{item}")).by(net.staff()), 4).await else { return };
    let (Some(id), Some(version)) = (read.body["item_id"].as_str(), read.body["version"].as_i64()) else { return };
    // Who takes away what most want has nothing left to sell.
    if menu.wanted() == Some(item.as_str()) || read.body["retired"].as_bool() != Some(false) {
        return;
    }
    let name = format!("retire-{round}");
    let body = json!({ "version": version, "reason": "не берут" });
    let ask = Ask { method: "DELETE", ..Ask::post(format!("/v1/items/{id}"), &name, body).by(net.staff()) };
    let gone = async {
        net.world.sleep(Duration::from_millis(net.world.below(100))).await;
        insist(net, ask, TRIES).await
    };
    let ((), gone) = join(order_the_last(net, book, (&item, &size), &name), gone).await;
    if gone.is_some_and(|answer| answer.status == 200) {
        book.count("retired");
        counts(net, book, (&item, &size), &name, |says| *says == Till::Gone).await;
    }
}

/// Orders one of something as a guest who fetches it and pays there: what was taken in is made, retired or not.
async fn order_the_last(net: &Net, book: &Book, (item, size): (&str, &str), name: &str) {
    let key = format!("the-last-{name}");
    let lines = vec![(item.to_owned(), size.to_owned(), 1)];
    book.wished(&Wish { key: key.clone(), lines, pickup: true, tip: 0, card: None });
    let body = json!({
        "lines": [{ "item": item, "size": size, "quantity": 1 }],
        "fulfilment": "pickup",
        "payment": { "method": "cash" },
        "contact": { "name": key, "phone": "+1 555 0100" },
    });
    match insist_counting(net, Ask::post("/v1/orders", &key, body), TRIES).await {
        Some((answer, _)) if answer.status == 201 => {
            book.acknowledged(&key, &answer.body);
            book.count("the last one ordered");
        }
        Some((_, 1)) => book.refused(&key),
        _ => book.doubted(&key),
    }
}
