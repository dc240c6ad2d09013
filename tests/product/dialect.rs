//! The pizza place's payments and their breaker.

use serde_json::{Value, json};

use crate::platform::{Answer, Folder, Platform};

async fn as_staff(platform: &Platform, method: &str, path: &str, body: &Value) -> Answer {
    let bearer = format!("Bearer {}", platform.staff());
    let headers = [("authorization", bearer.as_str()), ("content-type", "application/json")];
    let body = if body.is_null() { String::new() } else { body.to_string() };
    platform.send(method, path, &headers, body.as_bytes()).await
}

async fn guest(platform: &Platform) -> String {
    platform.write("POST", "/v1/devices", "", "a-guest", &json!({})).await.json()["token"].as_str().unwrap().to_owned()
}

#[tokio::test]
async fn s4_e04_a_payment_is_begun_once_and_read_by_its_id_and_by_its_order() {
    let folder = Folder::new();
    let platform = Platform::start(&folder).await;
    let order = platform.order_pizza("hawaiian", "card").await;
    let total = platform.reaches(&order, "delivered").await["total"]["amount_minor"].as_i64().unwrap();
    let begin = json!({ "orderId": order });
    let begun = as_staff(&platform, "POST", "/api/v1/payments", &begin).await;
    assert_eq!(begun.status, 200, "{}", begun.text);
    let payment = begun.json();
    assert_eq!(payment["orderId"], order);
    assert_eq!(payment["status"], "CAPTURED");
    assert_eq!(payment["amount"], format!("{}.{:02}", total / 100, total % 100));
    assert_eq!((&payment["currency"], &payment["paymentMethod"]), (&json!("USD"), &json!("card")));
    let id = payment["paymentId"].as_str().unwrap();
    let (by_id, by_order) = (format!("/api/v1/payments/{id}"), format!("/api/v1/payments/order/{order}"));
    for path in [&by_id, &by_order] {
        let read = as_staff(&platform, "GET", path, &Value::Null).await;
        assert_eq!((read.status, read.json()), (200, payment.clone()), "{path}");
    }
    // Asked again it is the same payment, and no money moves twice.
    assert_eq!(as_staff(&platform, "POST", "/api/v1/payments", &begin).await.json(), payment);
    let kept = platform.look(&format!("/v1/payments/{id}")).await;
    assert_eq!(kept["taken"]["amount_minor"], total);
    assert_eq!(kept["transactions"].as_array().unwrap().iter().filter(|moved| moved["kind"] == "capture").count(), 1, "{kept}");
    // Others' payments are nobody's to see.
    let guest = guest(&platform).await;
    for (method, path, body) in
        [("POST", "/api/v1/payments", &begin), ("GET", &by_id, &Value::Null), ("GET", &by_order, &Value::Null)]
    {
        assert_eq!(platform.write(method, path, "", "a-key-of-nobody-at-all", body).await.status, 401, "{path}");
        assert_eq!(platform.write(method, path, &guest, "a-key-of-a-stranger", body).await.status, 403, "{path}");
    }
    let unknown = as_staff(&platform, "GET", "/api/v1/payments/pay_0000000000001", &Value::Null).await;
    assert_eq!((unknown.status, unknown.problem().as_str()), (404, "payment_not_found"));
}

#[tokio::test]
async fn s4_e05_the_breaker_opens_is_seen_and_is_reset_by_staff_who_say_why() {
    const STATUS: &str = "/api/v1/payments/circuit-breaker/status";
    const RESET: &str = "/api/v1/payments/circuit-breaker/reset";
    let folder = Folder::new();
    let platform = Platform::start(&folder).await;
    let closed = as_staff(&platform, "GET", STATUS, &Value::Null).await;
    assert_eq!((closed.status, &closed.json()["state"]), (200, &json!("closed")));
    platform.provider(json!({ "failure_rate": 1.0 })).await;
    let mut orders = Vec::new();
    for _ in 0..30 {
        orders.push(platform.order_pizza("hawaiian", "card").await);
    }
    let open = platform
        .eventually("the breaker is open", async |platform| {
            let breaker = as_staff(platform, "GET", STATUS, &Value::Null).await.json();
            (breaker["state"] == "open").then_some(breaker)
        })
        .await;
    assert!(open["openedTimes"].as_u64().unwrap() >= 1 && open["since"].is_string(), "{open}");
    let guest = guest(&platform).await;
    for (method, path) in [("GET", STATUS), ("POST", RESET)] {
        assert_eq!(platform.write(method, path, "", "a-key-of-nobody-at-all", &json!({})).await.status, 401, "{path}");
        assert_eq!(platform.write(method, path, &guest, "a-key-of-a-stranger", &json!({})).await.status, 403, "{path}");
    }
    platform.provider(json!({ "failure_rate": 0.0 })).await;
    let reset = as_staff(&platform, "POST", RESET, &json!({ "reason": "the provider is back" })).await;
    assert_eq!(
        (reset.status, &reset.json()["state"], &reset.json()["failures"]),
        (200, &json!("closed"), &json!(0)),
        "{}",
        reset.text
    );
    // The original's words say no reason; then that is what is kept.
    assert_eq!(as_staff(&platform, "POST", RESET, &Value::Null).await.status, 200);
    let acts = platform.look("/v1/services/payments/acts").await;
    let resets: Vec<&Value> = acts["acts"].as_array().unwrap().iter().filter(|act| act["act"] == "reset_breaker").collect();
    assert_eq!(resets.len(), 2, "who may not reset it leaves no act: {acts}");
    assert_eq!(resets[1]["reason"], "the provider is back");
    assert!(resets[0]["reason"].as_str().unwrap().contains("give no reason"), "{acts}");
    assert!(resets.iter().all(|act| act["principal"].as_str().unwrap().starts_with("staff") && act["at"].is_string()), "{acts}");
    for order in &orders {
        platform.reaches(order, "delivered").await;
    }
}
