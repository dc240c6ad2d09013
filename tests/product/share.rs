//! The link by which a guest shows others how far the order has come.

use serde_json::{Value, json};

use crate::platform::{Folder, Platform};

/// What nobody learns from a link.
const SECRETS: [&str; 4] = ["Hidden Lane 7", "+1 555 0100", "Ring twice", "Ada"];

#[tokio::test]
async fn s4_u05_a_shared_link_tells_how_far_an_order_is_and_nothing_of_the_person() {
    let folder = Folder::new();
    let platform = Platform::start(&folder).await;
    assert!(platform.command(&["pause", "delivery"]).status.success());
    let owner =
        platform.write("POST", "/v1/devices", "", "device", &json!({})).await.json()["token"].as_str().unwrap().to_owned();
    let body = json!({ "lines": [{ "item": "hawaiian", "size": "M", "quantity": 2 }, { "item": "cola_can", "quantity": 1 }],
        "payment": { "method": "card", "card_token": "tok_visa" }, "expected_total_minor": 2_900,
        "contact": { "name": SECRETS[3], "phone": SECRETS[1], "address": SECRETS[0], "note": SECRETS[2] } });
    let placed = platform.write("POST", "/v1/orders", &owner, "the-order", &body).await;
    assert_eq!(placed.status, 201, "{}", placed.text);
    let order = placed.json()["order_id"].as_str().unwrap().to_owned();
    platform.reaches(&order, "ready").await;

    let bearer = format!("Bearer {owner}");
    let own = platform.send("GET", &format!("/v1/orders/{order}/progress"), &[("authorization", &bearer)], b"").await;
    assert_eq!(own.status, 200, "{}", own.text);
    let own = own.json();
    let dishes = own["kitchen"]["dishes"].as_array().unwrap();
    assert_eq!(dishes.len(), 2, "a can of cola is no dish: {own}");
    assert!(
        dishes.iter().all(|dish| dish["line"] == 0 && dish["state"] == "ready" && dish["steps"].as_array().unwrap().len() == 3)
    );
    assert_eq!((&own["payment"]["state"], &own["payment"]["taken"]["amount_minor"]), (&json!("captured"), &json!(2_900)));

    let share = own["share"].as_str().unwrap();
    let address = format!("/v1/shared/{share}");
    let seen = platform.get(&address).await;
    assert_eq!(seen.status, 200, "{}", seen.text);
    let told: Value = seen.json();
    assert_eq!((&told["order"]["order_id"], &told["order"]["state"]), (&json!(order), &own["order"]["state"]));
    assert_eq!((&told["payment"], &told["share"], &told["order"]["cancellable"]), (&Value::Null, &Value::Null, &json!(false)));

    // A seal that was tampered with, or made for something else, opens nothing; and the link is no key to anything else.
    let device_seal = owner.rsplit('.').next().unwrap();
    let zeros = "0".repeat(32);
    for bad in [order.clone(), format!("{order}.{zeros}"), format!("{order}.{device_seal}"), share.replacen("ord_", "ord_1", 1)] {
        let answer = platform.get(&format!("/v1/shared/{bad}")).await;
        assert_eq!((answer.status, answer.problem().as_str()), (404, "order_not_found"), "{bad}");
    }
    let as_token =
        platform.send("GET", &format!("/v1/orders/{order}"), &[("authorization", &format!("Bearer {share}"))], b"").await;
    assert_eq!(as_token.status, 401);

    // The stream of the link ends with the order.
    assert!(platform.command(&["resume", "delivery"]).status.success());
    let stream = platform.get(&format!("{address}/events")).await;
    assert!(stream.text.starts_with("retry: 1000\nevent: snapshot\n") && stream.text.contains("event: order.delivered"));
    for secret in SECRETS {
        assert!(!seen.text.contains(secret) && !stream.text.contains(secret), "{secret}");
    }
}
