//! Bad input gets a clear error and loses nothing.

use serde_json::{Value, json};

use crate::platform::{Folder, Platform};

async fn device(platform: &Platform) -> String {
    platform.write("POST", "/v1/devices", "", "device", &json!({})).await.json()["token"].as_str().unwrap().to_owned()
}

fn order(lines: Value) -> Value {
    json!({ "lines": lines, "fulfilment": "pickup", "payment": { "method": "cash" } })
}

#[tokio::test]
async fn bad_orders_are_refused_with_a_code_each() {
    let folder = Folder::new();
    let platform = Platform::start(&folder).await;
    let token = device(&platform).await;
    let line = |quantity: i64| json!({ "item": "hawaiian", "size": "M", "quantity": quantity });
    let cases = [
        (order(json!([])), 400, "empty_order"),
        (order(json!([line(-1)])), 400, "bad_quantity"),
        (order(json!([line(0)])), 400, "bad_quantity"),
        (order(json!([line(1_000_000_000_000)])), 400, "bad_quantity"),
        (order(Value::Array(vec![line(1); 10_000])), 400, "too_many_lines"),
        (order(json!([{ "item": "no_such_pizza", "size": "M", "quantity": 1 }])), 400, "item_unknown"),
        (order(json!([{ "item": "hawaiian", "size": "GIANT", "quantity": 1 }])), 400, "size_unknown"),
        (order(json!([{ "item": "hawaiian", "size": "M", "quantity": 1, "price_minor": 1 }])), 400, "unknown_field"),
        (
            json!({ "lines": [line(1)], "fulfilment": "pickup", "payment": { "method": "card", "card_token": "4242424242424242" } }),
            400,
            "card_number_refused",
        ),
    ];
    for (index, (body, status, code)) in cases.into_iter().enumerate() {
        let answer = platform.write("POST", "/v1/orders", &token, &format!("bad-{index}"), &body).await;
        assert_eq!((answer.status, answer.problem().as_str()), (status, code), "{}", answer.text);
    }
    let headers =
        [("content-type", "application/json"), ("idempotency-key", "malformed"), ("authorization", &format!("Bearer {token}"))];
    let malformed = platform.send("POST", "/v1/orders", &headers, b"{\"lines\": [").await;
    assert_eq!(malformed.status, 400);
    malformed.problem();
    let huge = platform.send("POST", "/v1/orders", &headers, &vec![b' '; 10 << 20]).await;
    assert_eq!(huge.status, 413);
    huge.problem();
    let statistics = platform.look("/v1/orders/statistics").await;
    assert_eq!(statistics["orders"], 0, "{statistics}");
}

#[tokio::test]
async fn cyrillic_and_emoji_go_everywhere_and_come_back() {
    let folder = Folder::new();
    let platform = Platform::start(&folder).await;
    let token = device(&platform).await;
    let mut body = order(json!([{ "item": "hawaiian", "size": "M", "quantity": 1 }]));
    body["contact"] = json!({ "name": "Ёжик 🦔 в тумане", "address": "ул. Льва Толстого, 16", "note": "домофон не работает 🔕" });
    let answer = platform.write("POST", "/v1/orders", &token, "кириллица".len().to_string().as_str(), &body).await;
    assert_eq!(answer.status, 201, "{}", answer.text);
    let id = answer.json()["order_id"].as_str().unwrap().to_owned();
    let contact = platform.look(&format!("/v1/orders/{id}/contact")).await;
    assert_eq!(contact["name"], "Ёжик 🦔 в тумане");
    assert_eq!(contact["note"], "домофон не работает 🔕");
}

#[tokio::test]
async fn identity_headers_from_outside_count_for_nothing() {
    let folder = Folder::new();
    let platform = Platform::start(&folder).await;
    for header in ["x-comanda-principal", "x-user-id", "x-staff"] {
        let answer = platform.send("GET", "/v1/board", &[(header, "staff:1:1")], b"").await;
        assert_eq!(answer.status, 401, "{header}");
    }
    let bad = platform.send("GET", "/v1/board", &[("authorization", "Bearer nonsense")], b"").await;
    assert_eq!(bad.status, 401);
    bad.problem();
}
