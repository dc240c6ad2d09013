//! Figures: what the owner of the shop sees is what happened, to the cent.

use serde_json::{Value, json};

use crate::platform::{Folder, Platform};

#[tokio::test]
async fn s1_b01_s1_b02_s1_b04_the_owners_figures_are_those_of_the_orders() {
    let folder = Folder::new();
    let platform = Platform::start(&folder).await;
    platform.provider(json!({ "declined_tokens": ["tok_declined"] })).await;
    let device = platform.write("POST", "/v1/devices", "", "device", &json!({})).await.json()["token"].clone();
    let (mut delivered, mut revenue, mut cooked) = (0, 0, Vec::new());
    for (key, item, quantity, token, ends) in [
        ("one", "hawaiian", 1, "tok_visa", "delivered"),
        ("two", "margherita", 3, "tok_visa", "delivered"),
        ("three", "hawaiian", 2, "tok_declined", "cancelled"),
        ("four", "pepperoni", 2, "tok_visa", "delivered"),
    ] {
        let body = json!({ "lines": [{ "item": item, "size": "M", "quantity": quantity }], "fulfilment": "pickup",
            "payment": { "method": "card", "card_token": token } });
        let placed = platform.write("POST", "/v1/orders", device.as_str().unwrap(), key, &body).await;
        let id = placed.json()["order_id"].as_str().unwrap().to_owned();
        let order = platform.reaches(&id, ends).await;
        if ends == "delivered" {
            delivered += 1;
            revenue += order["total"]["amount_minor"].as_i64().unwrap();
            cooked.push(cooking_ms(&platform, &id).await);
        }
    }
    let summary = platform
        .eventually("all is counted", async |platform| {
            let summary = platform.look("/v1/analytics/summary").await;
            (summary["orders_delivered"] == delivered && summary["orders_cancelled"] == 1).then_some(summary)
        })
        .await;
    assert_eq!((&summary["orders_created"], &summary["revenue"]["amount_minor"]), (&json!(4), &json!(revenue)), "{summary}");
    assert_eq!(summary["average_order"]["amount_minor"], revenue / delivered);
    assert_eq!(summary["refunded"]["amount_minor"], 0);
    let cooking = platform.look("/v1/analytics/cooking-time").await;
    assert_eq!((&cooking["orders"], &cooking["longest_ms"]), (&json!(delivered), &json!(cooked.iter().max())), "{cooking}");
    assert_eq!(cooking["average_ms"], cooked.iter().sum::<i64>() / delivered);
    // However they are cut, the same orders and the same money: by minute, by day and month of the shop.
    for step in ["minute", "day", "month"] {
        let points = platform.look(&format!("/v1/analytics/series?step={step}")).await["points"].as_array().unwrap().clone();
        let sum = |number: &dyn Fn(&Value) -> i64| points.iter().map(number).sum::<i64>();
        let counted = ["orders", "delivered", "cancelled"].map(|name| sum(&|point| point[name].as_i64().unwrap()));
        assert_eq!(counted, [4, delivered, 1], "{step}: {points:?}");
        assert_eq!(sum(&|point| point["revenue"]["amount_minor"].as_i64().unwrap()), revenue, "{step}");
    }
    let top = platform.look("/v1/analytics/top-items").await;
    assert_eq!((&top["items"][0]["slug"], &top["items"][0]["quantity"]), (&json!("margherita"), &json!(3)), "{top}");
}

/// How long the recipe of an order cooks: from its first step to its last, at the pace of a real kitchen.
async fn cooking_ms(platform: &Platform, order: &str) -> i64 {
    let history = platform.look("/v1/events/log?limit=200&topic=kitchen-events").await;
    let ready = history["events"]
        .as_array()
        .unwrap()
        .iter()
        .find(|event| event["subject"] == order && event["type"].as_str().unwrap().starts_with("order.ready"));
    ready.unwrap_or_else(|| panic!("{order} was never ready: {history}"))["data"]["cooking_ms"].as_i64().unwrap()
}
