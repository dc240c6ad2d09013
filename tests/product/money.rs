//! Money: a provider that says no, is slow, fails, and loses its answers; and nobody pays twice, or shows a card.

use std::fs;
use std::path::Path;
use std::time::{Duration, Instant};

use serde_json::{Value, json};

use crate::outages::ends_with_clean_books;
use crate::platform::{Answer, Folder, Platform};

async fn at_the_provider(platform: &Platform, method: &str, path: &str, body: &Value) -> Option<Answer> {
    let headers = [("content-type", "application/json")];
    let body = if body.is_null() { String::new() } else { body.to_string() };
    platform.raw(method, &format!("{}{path}", platform.provider), &headers, body.as_bytes()).await
}

/// What the provider's own books say about an order.
async fn books(platform: &Platform, order: &str) -> Vec<(String, i64)> {
    let books = at_the_provider(platform, "GET", "/v1/books?limit=1000", &Value::Null).await.unwrap().json();
    let rows = books["rows"].as_array().unwrap().iter().filter(|row| row["order_reference"] == order);
    rows.map(|row| (row["kind"].as_str().unwrap().to_owned(), row["amount_minor"].as_i64().unwrap())).collect()
}

#[tokio::test]
async fn s4_c06_s4_e06_the_provider_is_a_company_of_its_own_that_pays_fails_delays_and_says_no() {
    const PROCESS: &str = "/api/v1/payments/process";
    let folder = Folder::new();
    let platform = Platform::start(&folder).await;
    let pay = json!({ "orderId": "o-1", "amount": 25.98, "currency": "USD", "paymentMethod": "card" });
    let ask = async |body: &Value| at_the_provider(&platform, "POST", PROCESS, body).await;
    let paid = ask(&pay).await.unwrap();
    assert_eq!((paid.status, &paid.json()["status"], &paid.json()["success"]), (200, &json!("success"), &json!(true)));
    assert_eq!(ask(&pay).await.unwrap().json()["transactionId"], paid.json()["transactionId"], "asked twice, paid once");
    assert_eq!(books(&platform, "o-1").await, [("capture".to_owned(), 2_598)]);
    let declined =
        json!({ "orderId": "o-2", "amount": 1.0, "currency": "USD", "paymentMethod": "card", "token": "tok_declined" });
    let declined = ask(&declined).await.unwrap();
    assert_eq!((declined.status, &declined.json()["status"]), (402, &json!("failed")));
    // FAILURE_RATE and the delay of the original, while it runs.
    platform.provider(json!({ "failure_rate": 1.0, "latency_ms": 80 })).await;
    let other = json!({ "orderId": "o-3", "amount": 3.0, "currency": "USD", "paymentMethod": "card" });
    let begun = Instant::now();
    assert_eq!(ask(&other).await.unwrap().status, 503);
    assert!(begun.elapsed() >= Duration::from_millis(80));
    assert_eq!(books(&platform, "o-3").await, []);
    platform.provider(json!({ "failure_rate": 0.0, "latency_ms": 0, "lost_answer_rate": 1.0 })).await;
    assert!(ask(&other).await.is_none(), "the answer is lost");
    assert_eq!(books(&platform, "o-3").await, [("capture".to_owned(), 300)], "and the money moved");
    platform.provider(json!({ "lost_answer_rate": 0.0, "down": true })).await;
    assert!(ask(&pay).await.is_none());
    assert!(platform.stop());
    // Its books and its ways are its own, and outlive it.
    let platform = Platform::start(&folder).await;
    assert!(at_the_provider(&platform, "POST", PROCESS, &pay).await.is_none(), "it is still down");
    platform.provider(json!({ "down": false })).await;
    assert_eq!(books(&platform, "o-3").await, [("capture".to_owned(), 300)]);
}

#[tokio::test]
async fn s1_f04_s1_m01_s1_m02_s2_r04_s4_c04_s4_p05_whatever_the_provider_does_each_order_is_paid_once() {
    const ORDERS: usize = 20;
    let folder = Folder::new();
    let platform = Platform::start(&folder).await;
    // Few enough failures that the breaker towards the provider mostly stays closed: it is tried elsewhere, and each time that
    // it opens is seconds.
    for behaviour in [
        json!({ "failure_rate": 0.0, "lost_answer_rate": 0.0 }),
        json!({ "failure_rate": 0.3, "lost_answer_rate": 0.0 }),
        json!({ "failure_rate": 0.0, "lost_answer_rate": 1.0 }),
        json!({ "failure_rate": 0.2, "lost_answer_rate": 0.3 }),
    ] {
        platform.provider(behaviour.clone()).await;
        let mut orders = Vec::new();
        for _ in 0..ORDERS {
            orders.push(platform.order_pizza("hawaiian", "card").await);
        }
        for id in &orders {
            let order = platform.reaches(id, "delivered").await;
            let total = order["total"]["amount_minor"].as_i64().unwrap();
            assert_eq!(books(&platform, id).await, [("capture".to_owned(), total)], "{behaviour}");
            let payment = platform.look(&format!("/v1/orders/{id}/payment")).await;
            assert_eq!((&payment["state"], &payment["taken"]), (&json!("captured"), &order["total"]), "{behaviour}");
            assert_eq!(payment["transactions"].as_array().unwrap().len(), 1, "{payment}");
        }
    }
    let agreed = platform.look("/v1/payments/reconciliation").await;
    assert_eq!(agreed, json!({ "compared": 4 * ORDERS, "discrepancies": [] }));
    ends_with_clean_books(platform, &folder).await;
}

#[tokio::test]
async fn s1_m04_a_card_number_is_refused_at_every_door_and_is_in_no_file_and_no_answer() {
    const NUMBER: &str = "4242424242424242";
    let folder = Folder::new();
    let platform = Platform::start(&folder).await;
    let order =
        |payment: Value| json!({ "lines": [{ "item": "hawaiian", "quantity": 1 }], "fulfilment": "pickup", "payment": payment });
    for (number, payment, code) in [
        (1, json!({ "method": "card", "card_token": NUMBER }), "card_number_refused"),
        (2, json!({ "method": "card", "card_token": format!("tok_{NUMBER}") }), "card_number_refused"),
        (3, json!({ "method": "card", "card_number": NUMBER }), "unknown_field"),
    ] {
        let key = format!("a-key-that-is-long-enough-{number}");
        let refused = platform.write("POST", "/v1/orders", "", &key, &order(payment)).await;
        assert_eq!((refused.status, refused.problem().as_str()), (400, code), "{}", refused.text);
        assert!(!refused.text.contains(NUMBER), "{}", refused.text);
    }
    let dialect = json!({ "items": [{ "pizzaId": "hawaiian", "quantity": 1 }], "deliveryAddress": "x", "paymentMethod": "card",
        "cardToken": NUMBER });
    let json = [("content-type", "application/json")];
    let refused = platform.send("POST", "/api/v1/orders", &json, dialect.to_string().as_bytes()).await;
    assert_eq!((refused.status, refused.text.contains(NUMBER)), (400, false), "{}", refused.text);
    // Who pays with a token sees where it leads, and the token is told to nobody.
    let paid = platform.order_pizza("hawaiian", "card").await;
    platform.reaches(&paid, "delivered").await;
    for path in [format!("/v1/orders/{paid}"), format!("/v1/orders/{paid}/payment"), "/v1/events/log?limit=200".to_owned()] {
        let answer = platform.look(&path).await.to_string();
        assert!(!answer.contains("tok_visa"), "{path}: {answer}");
    }
    platform.stop();
    let mut files = 0;
    look_for(&folder.path().join("data"), NUMBER, &mut files);
    assert!(files >= 4, "{files}");
}

/// Looks into every file of a folder as a thief would.
fn look_for(folder: &Path, secret: &str, files: &mut usize) {
    for entry in fs::read_dir(folder).unwrap().flatten() {
        let path = entry.path();
        if path.is_dir() {
            look_for(&path, secret, files);
            continue;
        }
        let bytes = fs::read(&path).unwrap();
        assert!(!bytes.windows(secret.len()).any(|window| window == secret.as_bytes()), "{}", path.display());
        *files += 1;
    }
}
