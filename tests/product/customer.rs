//! What a customer sees of an order, and what staff may do about it.

use serde_json::{Value, json};

use crate::platform::{Folder, Platform};

async fn device(platform: &Platform) -> String {
    platform.write("POST", "/v1/devices", "", "device", &json!({})).await.json()["token"].as_str().unwrap().to_owned()
}

async fn ask(platform: &Platform, path: &str, token: &str) -> Value {
    let answer = platform.send("GET", path, &[("authorization", &format!("Bearer {token}"))], b"").await;
    assert_eq!(answer.status, 200, "{path}: {}", answer.text);
    answer.json()
}

#[tokio::test]
async fn s1_x05_s1_t04_s4_s04_s4_c05_once_cooked_the_customer_is_told_and_the_order_moves_on() {
    let folder = Folder::new();
    let platform = Platform::start(&folder).await;
    assert!(platform.command(&["pause", "kitchen"]).status.success());
    let guest = device(&platform).await;
    let body = json!({ "lines": [{ "item": "margherita", "quantity": 1 }], "fulfilment": "pickup", "language": "ru",
        "payment": { "method": "card", "card_token": "tok_visa" } });
    let placed = platform.write("POST", "/v1/orders", &guest, "the-order", &body).await;
    assert_eq!(placed.status, 201, "{}", placed.text);
    let id = placed.json()["order_id"].as_str().unwrap().to_owned();
    platform.reaches(&id, "paid").await;
    let told = told(&platform, &guest, 2).await;
    assert_eq!(told, ["We have your order", "Your order is paid"]);

    // One after the other: of two services that speak at once, the order may hear the later step first, and then skips the earlier.
    assert!(platform.command(&["pause", "delivery"]).status.success());
    assert!(platform.command(&["resume", "kitchen"]).status.success());
    platform.reaches(&id, "ready").await;
    assert!(platform.command(&["resume", "delivery"]).status.success());
    platform.reaches(&id, "delivered").await;
    let history = platform.look(&format!("/v1/orders/{id}/history")).await;
    let kinds: Vec<&str> =
        history["happenings"].as_array().unwrap().iter().map(|happening| happening["kind"].as_str().unwrap()).collect();
    let ready = kinds.iter().position(|kind| *kind == "ready").expect("the order knows that it is ready");
    assert!(kinds[ready..].contains(&"delivered"), "{kinds:?}");
    let told = self::told(&platform, &guest, 5).await;
    assert!(told.contains(&"Your order waits for you".to_owned()), "{told:?}");
    // In both languages, unread until they are read, and nobody else's.
    let messages = ask(&platform, "/v1/notifications", &guest).await;
    for message in messages["notifications"].as_array().unwrap() {
        assert!(!message["text"]["en"].as_str().unwrap().is_empty() && !message["text"]["ru"].as_str().unwrap().is_empty());
    }
    assert_eq!(ask(&platform, "/v1/notifications/unread", &guest).await["unread"], 5);
    let stranger = platform.write("POST", "/v1/devices", "", "stranger", &json!({})).await.json()["token"].clone();
    let others = ask(&platform, "/v1/notifications", stranger.as_str().unwrap()).await;
    assert_eq!(others["notifications"], json!([]));
}

/// The titles of what a guest was told, oldest first, once there are so many.
async fn told(platform: &Platform, guest: &str, count: usize) -> Vec<String> {
    platform
        .eventually(&format!("{count} messages"), async |platform| {
            let page = ask(platform, "/v1/notifications", guest).await;
            let titles = page["notifications"].as_array().unwrap().iter().rev();
            let titles: Vec<String> = titles.map(|message| message["title"]["en"].as_str().unwrap().to_owned()).collect();
            (titles.len() >= count).then_some(titles)
        })
        .await
}

#[tokio::test]
async fn s1_f02_s1_o01_s4_c03_orders_are_listed_for_their_guest_managed_by_staff_and_called_off_in_time() {
    let folder = Folder::new();
    let platform = Platform::start(&folder).await;
    assert!(platform.command(&["pause", "kitchen"]).status.success());
    let guest = device(&platform).await;
    let mut ids = Vec::new();
    for (key, quantity) in [("one", 1), ("two", 2), ("three", 3)] {
        let body = json!({ "lines": [{ "item": "hawaiian", "size": "M", "quantity": quantity }], "fulfilment": "pickup",
            "payment": { "method": "cash" } });
        let placed = platform.write("POST", "/v1/orders", &guest, key, &body).await;
        assert_eq!((placed.status, &placed.json()["total"]["amount_minor"]), (201, &json!(1_325 * quantity)), "{}", placed.text);
        ids.push(placed.json()["order_id"].as_str().unwrap().to_owned());
    }
    for id in &ids {
        platform.reaches(id, "promised").await;
    }
    let page = ask(&platform, "/v1/orders", &guest).await;
    let listed: Vec<&str> = page["orders"].as_array().unwrap().iter().map(|order| order["order_id"].as_str().unwrap()).collect();
    assert_eq!(listed, [ids[2].as_str(), &ids[1], &ids[0]], "newest first");
    let board = platform.look("/v1/board?state=promised").await;
    assert_eq!(board["orders"].as_array().unwrap().len(), 3);

    // The guest takes one back, staff another; what is eaten cannot be taken back.
    let called_off =
        platform.write("POST", &format!("/v1/orders/{}/cancel", ids[0]), &guest, "c1", &json!({ "reason": "no hunger" })).await;
    assert_eq!((called_off.status, &called_off.json()["state"]), (200, &json!("cancelled")), "{}", called_off.text);
    let by_staff = platform
        .write("POST", &format!("/v1/orders/{}/cancel", ids[1]), &platform.staff(), "c2", &json!({ "reason": "no dough" }))
        .await;
    assert_eq!(by_staff.json()["reason"], "staff_decided", "{}", by_staff.text);
    assert!(platform.command(&["resume", "kitchen"]).status.success());
    platform.reaches(&ids[2], "delivered").await;
    let late =
        platform.write("POST", &format!("/v1/orders/{}/cancel", ids[2]), &guest, "c3", &json!({ "reason": "too late" })).await;
    assert_eq!((late.status, late.problem().as_str()), (422, "already_delivered"));
    let told = platform.look("/v1/orders/statistics").await;
    assert_eq!((&told["orders"], &told["in_flight"], &told["delivered_minor"]), (&json!(3), &json!(0), &json!(3_975)), "{told}");
}

#[tokio::test]
async fn s4_e02_the_menu_of_the_pizza_place_prices_every_pizza_that_can_be_had() {
    let folder = Folder::new();
    let platform = Platform::start(&folder).await;
    let answer = platform.get("/api/v1/menu").await;
    assert_eq!((answer.status, answer.header("content-type")), (200, "application/json"));
    let ours = platform.get("/v1/menu").await.text;
    let pizzas = answer.json()["menu"].as_array().unwrap().clone();
    assert!(pizzas.len() > 10);
    for pizza in &pizzas {
        let (price, sizes) = (pizza["price"].as_str().unwrap(), pizza["sizes"].as_array().unwrap());
        let cheapest = sizes.iter().map(|size| size["price"].as_str().unwrap().parse::<f64>().unwrap()).fold(f64::MAX, f64::min);
        assert!((price.parse::<f64>().unwrap() - cheapest).abs() < 0.001, "{pizza}");
        assert!(!pizza["name"].as_str().unwrap().is_empty() && ours.contains(pizza["id"].as_str().unwrap()), "{pizza}");
    }
    // What is on the menu can be ordered at that price; what is sold out is not on it.
    let item = platform.get("/v1/items/hawaiian").await.json();
    let sold_out = json!({ "available": false, "version": item["version"], "reason": "no pineapple" });
    let path = format!("/v1/items/{}/availability", item["item_id"].as_str().unwrap());
    let answer = platform.write("PUT", &path, &platform.staff(), "sold-out", &sold_out).await;
    assert_eq!(answer.status, 200, "{}", answer.text);
    let now = platform.get("/api/v1/menu").await.json();
    assert_eq!(now["menu"].as_array().unwrap().len(), pizzas.len() - 1);
    let body = json!({ "items": [{ "pizzaId": "hawaiian", "quantity": 1 }], "deliveryAddress": "x", "paymentMethod": "cash" });
    let json = [("content-type", "application/json")];
    let refused = platform.send("POST", "/api/v1/orders", &json, body.to_string().as_bytes()).await;
    assert_eq!(refused.problem(), "item_unavailable");
}

#[tokio::test]
async fn s4_e03_staff_lists_orders_and_sets_the_one_status_that_can_be_set() {
    let folder = Folder::new();
    let platform = Platform::start(&folder).await;
    assert!(platform.command(&["pause", "kitchen"]).status.success());
    let (first, second) = (platform.order_pizza("hawaiian", "cash").await, platform.order_pizza("margherita", "card").await);
    platform.reaches(&first, "promised").await;
    platform.reaches(&second, "paid").await;
    let list = platform.look("/api/v1/orders").await;
    let mut listed: Vec<(&str, &str)> = list["orders"]
        .as_array()
        .unwrap()
        .iter()
        .map(|order| (order["orderId"].as_str().unwrap(), order["status"].as_str().unwrap()))
        .collect();
    listed.sort_unstable();
    let mut wanted = [(first.as_str(), "PROMISED"), (second.as_str(), "PAID")];
    wanted.sort_unstable();
    assert_eq!(listed, wanted);

    let path = format!("/api/v1/orders/{second}/status");
    let set = |token: String, key: &'static str, status: &'static str| {
        let (platform, path) = (&platform, &path);
        async move { platform.write("PUT", path, &token, key, &json!({ "status": status })).await }
    };
    assert_eq!(set(String::new(), "set-by-nobody-at-all", "CANCELLED").await.status, 401, "not for everybody");
    let invented = set(platform.staff(), "set-1", "DELIVERED").await;
    assert_eq!((invented.status, invented.problem().as_str()), (422, "status_not_settable"));
    let cancelled = set(platform.staff(), "set-2", "CANCELLED").await;
    assert_eq!((cancelled.status, &cancelled.json()["status"]), (200, &json!("CANCELLED")), "{}", cancelled.text);
    let status = platform.get(&path).await.json();
    assert_eq!((&status["status"], &status["reason"]), (&json!("CANCELLED"), &json!("staff_decided")));
    let unknown = platform.get("/api/v1/orders/ord_0000000000000").await;
    assert_eq!(unknown.status, 404, "{}", unknown.text);
}
