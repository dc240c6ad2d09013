//! A customer: orders, asks again, changes their mind, or goes away.

use std::time::Duration;

use serde_json::{Value, json};

use super::{TRIES, insist};
use crate::book::{Book, Wish};
use crate::menu::Menu;
use crate::net::{Ask, Net};

/// Lives one customer's life.
pub async fn customer(net: Net, book: Book, menu: Menu, number: u64) {
    let kernel = net.kernel.clone();
    let key = format!("a customer's key, number {number:04}").replace(' ', "-");
    let by_card = kernel.happens(750);
    let declined = by_card && kernel.happens(120);
    let lines: Vec<(String, String, i64)> = (0..kernel.between(1, 3))
        .map(|_| {
            let (item, sizes) = menu.any(&kernel);
            (item, sizes, i64::try_from(kernel.between(1, 3)).unwrap_or(1))
        })
        .collect();
    let token = match kernel.happens(500) {
        true => device(&net, number).await,
        false => None,
    };
    let card = match declined {
        true if kernel.happens(500) => "tok_insufficient_funds",
        true => "tok_declined",
        false => "tok_visa",
    };
    let payment = if by_card { json!({ "method": "card", "card_token": card }) } else { json!({ "method": "cash" }) };
    let wanted: Vec<Value> =
        lines.iter().map(|(item, size, quantity)| json!({ "item": item, "size": size, "quantity": quantity })).collect();
    let pickup = kernel.happens(400);
    let contact = if pickup {
        Value::Null
    } else {
        json!({ "name": "Зоя", "phone": "+1 555 0100", "address": "ул. Длинная, 1" })
    };
    let body = json!({
        "lines": wanted,
        "fulfilment": if pickup { "pickup" } else { "delivery" },
        "payment": payment,
        "contact": contact,
        "tip_minor": if kernel.happens(200) { 150 } else { 0 },
    });
    let wish = Wish {
        key: key.clone(),
        lines: lines.into_iter().map(|(item, _, quantity)| (item, quantity)).collect(),
        card: by_card.then_some(declined),
    };
    book.wished(&wish);
    book.count("wishes");
    let mut ask = Ask::post("/v1/orders", &key, body.clone());
    ask.token.clone_from(&token);
    if kernel.happens(100) {
        // A double click: the twin goes its own way, and its answer must be the same.
        let (twin, book, ask, key) = (net.clone(), book.clone(), ask.clone(), key.clone());
        kernel.spawn(
            0,
            Box::pin(async move {
                if let Some(answer) = insist(&twin, ask, TRIES).await
                    && answer.status == 201
                {
                    book.acknowledged(&key, &answer.body);
                }
            }),
        );
    }
    // Some vanish before they know.
    let tries = if kernel.happens(60) { 1 } else { TRIES };
    let Some(answer) = insist(&net, ask, tries).await else {
        book.count("gave up");
        return book.doubted(&key);
    };
    if answer.status != 201 {
        book.count(refusal(answer.code()));
        if answer.status < 400 || answer.code().is_empty() {
            book.wrong(format!("an order was answered with {} {}", answer.status, answer.body));
        }
        return book.doubted(&key);
    }
    book.acknowledged(&key, &answer.body);
    book.count("placed");
    let token = token.or(answer.device.clone());
    let id = answer.body["order_id"].as_str().unwrap_or_default().to_owned();
    if let (Some(token), true) = (&token, kernel.happens(50)) {
        other_body(&net, &book, &key, token, body).await;
    }
    kernel.sleep(Duration::from_millis(kernel.below(40_000))).await;
    if let (Some(token), true) = (&token, kernel.happens(200)) {
        cancel(&net, &book, &key, token, &id).await;
    }
    if let (Some(token), true) = (&token, kernel.happens(300)) {
        let read = net.send(Ask::get(format!("/v1/orders/{id}")).by(token)).await;
        if let Some(answer) = read.filter(|answer| answer.status == 404 || answer.status == 403) {
            book.wrong(format!("NobodyElsesData: {id} is not shown to whoever placed it: {}", answer.body));
        }
    }
    if kernel.happens(100) {
        strange(&net, &book, &id, number).await;
    }
}

fn refusal(code: &str) -> &'static str {
    match code {
        "item_unavailable" | "variant_unavailable" => "refused: sold out",
        "shop_closed" => "refused: closed",
        "idempotency_key_reused" => "refused: key reused",
        _ => "refused: other",
    }
}

async fn device(net: &Net, number: u64) -> Option<String> {
    let answer = insist(net, Ask::post("/v1/devices", format!("the-device-of-customer-{number:04}"), json!({})), 3).await?;
    answer.device.or_else(|| answer.body["token"].as_str().map(str::to_owned))
}

/// The same key for another wish is refused, whatever happens around it.
async fn other_body(net: &Net, book: &Book, key: &str, token: &str, mut body: Value) {
    body["tip_minor"] = json!(999);
    let Some(answer) = insist(net, Ask::post("/v1/orders", key, body).by(token), 4).await else { return };
    if answer.status == 201 {
        book.wrong(format!("EffectsHappenOnce: the key {key} was taken for another order too: {}", answer.body));
    }
    book.count("keys reused");
}

async fn cancel(net: &Net, book: &Book, key: &str, token: &str, id: &str) {
    let ask = Ask::post(format!("/v1/orders/{id}/cancel"), format!("cancel-{key}"), json!({ "reason": "передумал" })).by(token);
    match insist(net, ask, TRIES).await {
        Some(answer) if answer.status == 200 => {
            book.count("cancelled");
            book.cancelled(key);
        }
        Some(_) => book.count("cancelled too late"),
        None => book.count("cancelled in doubt"),
    }
}

/// Somebody who has placed nothing looks at another's order.
async fn strange(net: &Net, book: &Book, id: &str, number: u64) {
    let answer = insist(net, Ask::post("/v1/devices", format!("the-device-of-stranger-{number:04}"), json!({})), 3).await;
    let Some(token) = answer.and_then(|answer| answer.device.or_else(|| answer.body["token"].as_str().map(str::to_owned))) else {
        return;
    };
    let read = net.send(Ask::get(format!("/v1/orders/{id}")).by(token)).await;
    if read.is_some_and(|answer| answer.status == 200) {
        book.wrong(format!("NobodyElsesData: {id} is shown to a stranger"));
    }
}
