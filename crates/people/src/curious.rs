//! Those who try what they may not: another's key, another's order, one key for two things.

use serde_json::{Value, json};

use crate::book::Book;
use crate::net::{Ask, Net};
use crate::{TRIES, insist};

/// What somebody has placed.
pub struct Placed<'a> {
    /// The key under which.
    pub key: &'a str,
    /// What was sent.
    pub body: &'a Value,
    /// The order.
    pub id: &'a str,
    /// Whose it is.
    pub token: &'a str,
}

/// Gets a token for somebody of that name.
pub async fn device(net: &Net, name: &str) -> Option<String> {
    let answer = insist(net, Ask::post("/v1/devices", format!("the-device-of-{name}"), json!({})), 3).await?;
    answer.device.or_else(|| answer.body["token"].as_str().map(str::to_owned))
}

/// The same key for another wish is refused, whatever happens around it.
pub async fn other_body(net: &Net, book: &Book, placed: &Placed<'_>) {
    let mut body = placed.body.clone();
    body["tip_minor"] = json!(999);
    let Some(answer) = insist(net, Ask::post("/v1/orders", placed.key, body).by(placed.token), 4).await else { return };
    if answer.status == 201 {
        book.wrong(format!("EffectsHappenOnce: the key {} was taken for another order too: {}", placed.key, answer.body));
    }
    book.count("keys reused");
}

/// Another guest happens to use the same key for the same wish, and gets an order of their own.
pub async fn same_key(net: &Net, book: &Book, placed: &Placed<'_>, number: u64) {
    let Some(token) = device(net, &format!("the-twin-of-{number:04}")).await else { return };
    let own = format!("{} of another guest", placed.key);
    book.wished_again(placed.key, &own);
    match insist(net, Ask::post("/v1/orders", placed.key, placed.body.clone()).by(&token), TRIES).await {
        Some(answer) if answer.status == 201 && answer.body["order_id"] == placed.id => {
            book.wrong(format!("NobodyElsesData: {} was answered to another guest who used the same key", placed.id));
        }
        Some(answer) if answer.status == 201 => book.acknowledged(&own, &answer.body),
        _ => book.doubted(placed.key),
    }
    book.count("keys of two guests");
}

/// A guest's list holds what that guest has ordered, and nothing else.
pub async fn list(net: &Net, book: &Book, placed: &Placed<'_>) {
    let Some(answer) = net.send(Ask::get("/v1/orders?limit=50").by(placed.token)).await else { return };
    if answer.status != 200 {
        return;
    }
    let others = answer.body["orders"].as_array().into_iter().flatten().filter_map(|order| order["order_id"].as_str());
    for other in others.filter(|other| *other != placed.id && book.is_of_another(other, placed.key)) {
        book.wrong(format!("NobodyElsesData: the list of whoever placed {} has {other}", placed.id));
    }
    book.count("lists read");
}

/// Somebody who has placed nothing looks at another's order, at its people and its money, and tries to cancel it.
pub async fn strange(net: &Net, book: &Book, id: &str, number: u64) {
    let Some(token) = device(net, &format!("stranger-{number:04}")).await else { return };
    for what in ["", "/history", "/contact", "/payment", "/progress", "/check"] {
        let path = format!("/v1/orders/{id}{what}");
        let read = net.send(Ask::get(&path).by(&token)).await;
        if read.is_some_and(|answer| answer.status == 200) {
            book.wrong(format!("NobodyElsesData: {path} is shown to a stranger"));
        }
    }
    // These may be answered, but not with anything of this order.
    for path in [
        "/v1/orders?".to_owned(),
        format!("/v1/notifications?order_id={id}&"),
        "/v1/notifications?".to_owned(),
        "/v1/board?".to_owned(),
        "/v1/payments?".to_owned(),
        "/v1/deliveries?".to_owned(),
        "/v1/kitchen/tickets?".to_owned(),
    ] {
        let read = net.send(Ask::get(format!("{path}limit=50")).by(&token)).await;
        if read.is_some_and(|answer| answer.status == 200 && answer.body.to_string().contains(id)) {
            book.wrong(format!("NobodyElsesData: {path} tells a stranger of {id}"));
        }
    }
    let ask = Ask::post(format!("/v1/orders/{id}/cancel"), format!("a-stranger-cancels-{number}"), json!({ "reason": "" }));
    if insist(net, ask.by(&token), 3).await.is_some_and(|answer| answer.status == 200) {
        book.wrong(format!("NobodyElsesData: {id} was cancelled by a stranger"));
    }
    book.count("strangers");
}
