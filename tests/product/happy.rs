//! An order goes from the menu to the door.

use serde_json::json;

use crate::platform::{Folder, Platform};

#[tokio::test]
async fn s4_e01_s4_e02_s4_x01_s4_s05_s1_x01_s1_x02_a_pizza_is_ordered_paid_baked_and_delivered() {
    let folder = Folder::new();
    let platform = Platform::start(&folder).await;
    let menu = platform.get("/api/v1/menu").await;
    assert_eq!(menu.status, 200);
    assert!(menu.text.contains("margherita"), "{}", menu.text);
    let before = charges(&platform).await;
    // Word for word what the pizza place's own README sends.
    let body = json!({ "items": [{ "pizzaId": "margherita", "quantity": 2 }], "deliveryAddress": "Test Street 123", "paymentMethod": "card" });
    let placed =
        platform.send("POST", "/api/v1/orders", &[("content-type", "application/json")], body.to_string().as_bytes()).await;
    assert_eq!(placed.status, 201, "{}", placed.text);
    let (answer, token) = (placed.json(), placed.header("comanda-device").to_owned());
    assert_eq!(
        (&answer["status"], &answer["totalAmount"], &answer["currency"]),
        (&json!("PENDING"), &json!("19.00"), &json!("USD"))
    );
    let id = answer["orderId"].as_str().unwrap().to_owned();
    let order = platform.reaches(&id, "delivered").await;
    assert_eq!((&order["payment"], &order["total"]["amount_minor"]), (&json!("card"), &json!(1_900)));
    assert_eq!(platform.get(&format!("/api/v1/orders/{id}")).await.json()["status"], "DELIVERED");
    let log = platform.look("/v1/events/log?limit=200").await;
    let kinds: Vec<&str> = log["events"]
        .as_array()
        .unwrap()
        .iter()
        .filter(|event| event["subject"] == id)
        .filter_map(|event| event["type"].as_str())
        .collect();
    for kind in [
        "order.created",
        "stock.reserved",
        "payment.requested",
        "order.paid",
        "cooking.started",
        "order.ready",
        "order.shipped",
        "order.delivered",
    ] {
        assert!(kinds.iter().any(|said| said.starts_with(kind)), "{kind} is missing in {kinds:?}");
    }
    // Who ordered is told of it, and whoever watches the metrics sees one more order.
    let told = platform
        .eventually("the guest was told of each step", async |platform| {
            let page = platform.send("GET", "/v1/notifications", &[("authorization", &format!("Bearer {token}"))], b"").await;
            let told = page.json()["notifications"].as_array().unwrap().clone();
            (told.len() >= 5).then_some(told)
        })
        .await;
    assert!(told.iter().all(|message| message["order_id"] == id.as_str()), "{told:?}");
    assert_eq!(charges(&platform).await, before + 1);
}

/// How many charges payments has made, by the metrics.
async fn charges(platform: &Platform) -> u64 {
    let metrics = platform.get("/metrics").await.text;
    let count = metrics.lines().find_map(|line| line.strip_prefix("comanda_jobs_total{service=\"payments\",kind=\"charge\"}"));
    count.map_or(0, |count| count.trim().parse().unwrap())
}

#[tokio::test]
async fn s4_e03_whoever_holds_the_id_sees_the_status_and_nothing_more() {
    let folder = Folder::new();
    let platform = Platform::start(&folder).await;
    let id = platform.order_pizza("hawaiian", "cash").await;
    for path in [format!("/api/v1/orders/{id}"), format!("/api/v1/orders/{id}/status")] {
        let answer = platform.get(&path).await;
        assert_eq!(answer.status, 200, "{}", answer.text);
        assert!(!answer.text.contains("Test Street"), "{}", answer.text);
    }
    assert_eq!(platform.get("/api/v1/orders").await.status, 401, "the open list is for staff");
    assert_eq!(platform.get(&format!("/v1/orders/{id}")).await.status, 401, "who are you?");
    platform.reaches(&id, "delivered").await;
}

#[tokio::test]
async fn cash_is_taken_at_the_door_and_the_books_agree() {
    let folder = Folder::new();
    let platform = Platform::start(&folder).await;
    let id = platform.order_pizza("hawaiian", "cash").await;
    let order = platform.reaches(&id, "delivered").await;
    let payment = platform
        .eventually("the cash is in the books", async |platform| {
            let payment = platform.look(&format!("/v1/orders/{id}/payment")).await;
            (payment["state"] == "captured").then_some(payment)
        })
        .await;
    assert_eq!(payment["taken"], order["total"]);
}

#[tokio::test]
async fn s4_p05_an_order_sent_twice_is_one_order_and_another_body_is_a_conflict() {
    let folder = Folder::new();
    let platform = Platform::start(&folder).await;
    let device =
        platform.write("POST", "/v1/devices", "", "device", &json!({})).await.json()["token"].as_str().unwrap().to_owned();
    let body = json!({ "lines": [{ "item": "hawaiian", "size": "M", "quantity": 2 }], "fulfilment": "pickup", "payment": { "method": "cash" } });
    let first = platform.write("POST", "/v1/orders", &device, "key-1", &body).await;
    assert_eq!(first.status, 201, "{}", first.text);
    let again = platform.write("POST", "/v1/orders", &device, "key-1", &body).await;
    assert_eq!(first.json()["order_id"], again.json()["order_id"]);
    assert_eq!(first.json()["total"]["amount_minor"], 2_650);
    let other = json!({ "lines": [{ "item": "hawaiian", "size": "M", "quantity": 3 }], "fulfilment": "pickup", "payment": { "method": "cash" } });
    let conflict = platform.write("POST", "/v1/orders", &device, "key-1", &other).await;
    assert_eq!((conflict.status, conflict.problem().as_str()), (409, "idempotency_key_reused"));
    let missing = platform
        .send(
            "POST",
            "/v1/orders",
            &[("content-type", "application/json"), ("authorization", &format!("Bearer {device}"))],
            body.to_string().as_bytes(),
        )
        .await;
    assert_eq!((missing.status, missing.problem().as_str()), (400, "idempotency_key_missing"));
}

#[tokio::test]
async fn s1_g05_s1_g06_s4_o05_correlation_ids_health_and_metrics_are_there() {
    let folder = Folder::new();
    let platform = Platform::start(&folder).await;
    let answer = platform.send("GET", "/v1/menu", &[("x-correlation-id", "abc-123")], b"").await;
    assert_eq!(answer.header("x-correlation-id"), "abc-123");
    assert_eq!(platform.get("/healthz").await.status, 200);
    let id = platform.order_pizza("margherita", "card").await;
    platform.reaches(&id, "delivered").await;
    let metrics = platform.get("/metrics").await.text;
    for name in [
        "comanda_rpc_duration_seconds",
        "comanda_reaction_seconds",
        "comanda_reaction_lag_events",
        "comanda_dead_letters",
        "comanda_store_commits_per_flush",
        "comanda_http_request",
    ] {
        assert!(metrics.contains(name), "{name} is missing");
    }
}

#[tokio::test]
async fn s1_a03_the_api_documents_itself_and_nothing_comes_from_elsewhere() {
    let folder = Folder::new();
    let platform = Platform::start(&folder).await;
    let document = platform.get("/openapi.json").await.json();
    assert!(document["openapi"].as_str().unwrap().starts_with("3.1"), "{}", document["openapi"]);
    assert!(document["paths"].as_object().unwrap().len() > 20);
    let page = platform.get("/docs/api").await;
    assert_eq!(page.status, 200);
    assert!(!page.text.contains("https://"), "{}", page.text);
}
