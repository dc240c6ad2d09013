//! The one door to all services: what it leads to, what it documents, how much it lets one client ask.

use serde_json::{Value, json};

use crate::platform::{Answer, Folder, Platform};
use crate::schema::{found, misfits};

async fn device(platform: &Platform, key: &str) -> String {
    let made = platform
        .eventually("there is a device", async |platform| {
            let made = platform.write("POST", "/v1/devices", "", key, &json!({})).await;
            // Where little may be asked, waiting for the start has used some of it up.
            (made.status != 429).then_some(made)
        })
        .await;
    made.json()["token"].as_str().unwrap().to_owned()
}

async fn ask(platform: &Platform, path: &str, token: &str) -> Answer {
    platform.send("GET", path, &[("authorization", &format!("Bearer {token}"))], b"").await
}

/// One resource of each service behind the door.
const RESOURCES: [(&str, &str); 8] = [
    ("analytics", "/v1/analytics/events"),
    ("catalog", "/v1/shop"),
    ("delivery", "/v1/deliveries"),
    ("inventory", "/v1/stock"),
    ("kitchen", "/v1/kitchen/stations"),
    ("notifications", "/v1/notifications/unread"),
    ("orders", "/v1/orders"),
    ("payments", "/v1/payments/pay_0000000000000"),
];

#[tokio::test]
async fn s1_g01_one_door_knows_the_way_to_every_service() {
    let folder = Folder::new();
    let platform = Platform::start(&folder).await;
    let (guest, staff) = (device(&platform, "guest").await, platform.staff());
    // What a guest may ask is asked as a guest, the rest as staff; there is no such payment.
    let as_guest = |path: &str| path.starts_with("/v1/notifications") || path.starts_with("/v1/orders");
    let resource = async |path: &str| ask(&platform, path, if as_guest(path) { &guest } else { &staff }).await;
    for (away, _) in RESOURCES {
        assert!(platform.command(&["pause", away, "--reason", "who answers?"]).status.success());
        for (service, path) in RESOURCES {
            let answer = resource(path).await;
            if service == away {
                assert_eq!((answer.status, answer.problem().as_str()), (503, "service_paused"), "{path} is of {service}");
            } else {
                assert!([200, 400, 404].contains(&answer.status), "{path} without {away}: {}", answer.text);
            }
        }
        assert!(platform.command(&["resume", away]).status.success());
    }
    for path in ["/nowhere", "/v1", "/v1/", "/v1/nowhere", "/v1/orders/x/y/z", "/api/v1/nowhere", "/v1/services/nobody/acts"] {
        let answer = ask(&platform, path, &staff).await;
        assert_eq!(answer.status, 404, "{path}: {}", answer.text);
        let code = answer.problem();
        assert!(["route_not_found", "service_not_found"].contains(&code.as_str()), "{path}: {code}");
    }
    let wrong = platform.write("PUT", "/v1/menu", &staff, "wrong-method", &json!({})).await;
    assert_eq!((wrong.status, wrong.problem().as_str(), wrong.header("allow")), (405, "method_not_allowed", "GET,HEAD"));
}

#[tokio::test]
async fn s1_g03_the_door_limits_how_much_one_client_may_ask() {
    let folder = Folder::new();
    let limits = ["rate_limit_per_second=5", "rate_limit_devices_per_second=2", "sse_connections_per_client=2"];
    let platform = Platform::start_with(&folder, &limits).await;
    let devices = [device(&platform, "one").await, device(&platform, "two").await];
    let exhaust = async |path: &str, token: &str| {
        for _ in 0..200 {
            let answer = ask(&platform, path, token).await;
            if answer.status == 429 {
                assert_eq!(answer.problem(), "too_many_requests");
                assert!(answer.header("retry-after").parse::<u64>().unwrap() >= 1);
                let page = answer.json()["type"].as_str().unwrap().to_owned();
                assert_eq!(ask(&platform, &page, &platform.staff()).await.status, 200, "{page}");
                return true;
            }
        }
        false
    };
    assert!(exhaust("/v1/notifications/unread", &devices[0]).await, "a guest is put off");
    assert_eq!(ask(&platform, "/v1/notifications/unread", &devices[1]).await.status, 200, "another is not");
    assert!(!exhaust("/v1/board", &platform.staff()).await, "staff are not limited");
    // New devices do not help, and neither does another address that somebody only claims to have.
    let mut made = 0;
    let put_off = 'made: {
        for attempt in 0..200 {
            let from = format!("198.51.100.{attempt}");
            let headers = [("idempotency-key", "again"), ("x-forwarded-for", from.as_str())];
            let answer = platform.send("POST", "/v1/devices", &headers, b"").await;
            if answer.status == 429 {
                break 'made answer;
            }
            made += 1;
        }
        panic!("{made} devices were made and nobody minded");
    };
    assert_eq!(put_off.problem(), "too_many_requests");
    // Whoever shows nothing, or guesses at tokens, is counted by the address.
    assert!(exhaust("/v1/board", "a guess").await);
    // Streams are counted apart: a third page of one client is put off, and staff still follow.
    let order = platform
        .write(
            "POST",
            "/v1/orders",
            &devices[1],
            "an-order",
            &json!({
        "lines": [{ "item": "hawaiian", "quantity": 1 }], "fulfilment": "pickup", "payment": { "method": "cash" } }),
        )
        .await;
    let path = format!("/v1/orders/{}/events", order.json()["order_id"].as_str().unwrap());
    let held = (platform.follow(&path, &devices[1]).await, platform.follow(&path, &devices[1]).await);
    assert_eq!((held.0.0, held.1.0), (200, 200));
    let refused = ask(&platform, &path, &devices[1]).await;
    assert_eq!((refused.status, refused.problem().as_str()), (429, "too_many_own_streams"));
    assert!(refused.header("retry-after").parse::<u64>().unwrap() >= 1);
    assert_eq!(platform.follow("/v1/events", &platform.staff()).await.0, 200);
}

/// Checks an answer against what the document says of it.
fn fits(document: &Value, act: &Value, at: &str, answer: &Answer) {
    let described = found(document, &act["responses"][answer.status.to_string()]);
    assert!(described.is_object(), "{at} answers {}, which is described nowhere: {}", answer.status, answer.text);
    let kind = answer.header("content-type").split(';').next().unwrap().to_owned();
    let schema = &described["content"][&kind]["schema"];
    assert!(schema.is_object(), "{at} answers {} as `{kind}`, which is described nowhere", answer.status);
    if kind.ends_with("json") {
        let wrong = misfits(document, schema, &answer.json());
        assert!(wrong.is_empty(), "{at}: {wrong:#?}\n{}", answer.text);
    }
}

#[tokio::test]
async fn s1_a03_every_answer_fits_its_description() {
    let folder = Folder::new();
    let platform = Platform::start(&folder).await;
    let document = platform.get("/openapi.json").await.json();
    let act = |method: &str, path: &str| &document["paths"][path][method];
    let (staff, guest) = (platform.staff(), device(&platform, "guest").await);
    // What is to be seen: an order that went well, one that did not, money given back, stock counted.
    let body = json!({ "lines": [{ "item": "hawaiian", "size": "M", "quantity": 2 }], "payment": { "method": "card", "card_token": "tok_visa" },
        "contact": { "name": "A Guest", "address": "A Street 1", "email": "guest@example.org" }, "tip_minor": 100 });
    let placed = platform.write("POST", "/v1/orders", &guest, "an-order", &body).await;
    fits(&document, act("post", "/v1/orders"), "POST /v1/orders", &placed);
    let order = placed.json()["order_id"].as_str().unwrap().to_owned();
    platform.provider(json!({ "declined_tokens": ["tok_declined"] })).await;
    let mut declined = body.clone();
    declined["payment"]["card_token"] = json!("tok_declined");
    let declined = platform.write("POST", "/v1/orders", &guest, "a-declined-order", &declined).await;
    platform.reaches(declined.json()["order_id"].as_str().unwrap(), "cancelled").await;
    platform.reaches(&order, "delivered").await;
    let payment = platform.look(&format!("/v1/orders/{order}/payment")).await["payment_id"].as_str().unwrap().to_owned();
    let share = platform.look(&format!("/v1/orders/{order}/progress")).await["share"].as_str().unwrap().to_owned();
    let stock = platform.look("/v1/stock").await["levels"][0]["stock_id"].as_str().unwrap().to_owned();
    let station = platform.look("/v1/kitchen/stations").await["stations"][0]["station_id"].as_str().unwrap().to_owned();
    let shop = platform.look("/v1/shop").await["shop_id"].as_str().unwrap().to_owned();
    let fill = |path: &str, service: &str| {
        let part = |part: &str| match part {
            "{order}" => order.clone(),
            "{payment}" => payment.clone(),
            "{share}" => share.clone(),
            "{item}" => "hawaiian".to_owned(),
            "{stock}" => stock.clone(),
            "{station}" => station.clone(),
            "{shop}" => shop.clone(),
            "{service}" => service.to_owned(),
            "{projection}" => "board".to_owned(),
            "{code}" => "order_not_found".to_owned(),
            "{letter}" => "dlq_0000000000000".to_owned(),
            part => {
                assert!(!part.starts_with('{'), "{path}: what is {part}?");
                part.to_owned()
            }
        };
        path.split('/').map(part).collect::<Vec<_>>().join("/")
    };
    for (status, path, body) in [
        (200, "/v1/payments/{payment}/refund", json!({ "amount_minor": 50, "reason": "cold" })),
        (200, "/v1/stock/{stock}/receive", json!({ "quantity": 7, "reason": "a delivery" })),
        (200, "/v1/kitchen/stations/{station}/break", json!({ "reason": "smoke" })),
        (200, "/v1/kitchen/stations/{station}/repair", json!({})),
        (200, "/v1/kitchen/tickets/{order}/bump", json!({ "dishes": [{ "dish": 0, "step": 0 }], "reason": "done" })),
        (422, "/v1/kitchen/tickets/{order}/recall", json!({})),
        (200, "/v1/services/{service}/pause", json!({ "reason": "a test" })),
        (200, "/v1/services/{service}/resume", json!({})),
        (200, "/v1/breakers/reset", json!({ "from": "gateway", "to": "orders" })),
        (200, "/v1/payments/breaker/reset", json!({ "reason": "a test" })),
        (200, "/v1/projections/{projection}/rebuild", json!({})),
        (200, "/api/v1/payments", json!({ "orderId": order })),
        (400, "/v1/stock", json!({ "slug": "a", "price": 1 })),
        (404, "/v1/breakers/reset", json!({ "from": "nobody", "to": "orders" })),
        (422, "/v1/orders/{order}/cancel", json!({ "reason": "too late" })),
    ] {
        let address = fill(path, "analytics");
        let answer = platform.write("POST", &address, &staff, &format!("{status}-of-{path}"), &body).await;
        assert_eq!(answer.status, status, "POST {address}: {}", answer.text);
        fits(&document, act("post", path), &format!("POST {address}"), &answer);
    }
    platform
        .eventually("the money went back", async |platform| {
            (platform.look(&format!("/v1/payments/{payment}")).await["refunded"]["amount_minor"] == 50).then_some(())
        })
        .await;
    let mut walked = 0;
    for (path, acts) in document["paths"].as_object().unwrap() {
        let act = &acts["get"];
        // Everything that happens has no end; its pages have the same events.
        if !act.is_object() || path == "/v1/events" {
            continue;
        }
        let token = if act["x-comanda-who"] == "staff" { &staff } else { &guest };
        let services: &[&str] = if path.contains("{service}") { &RESOURCES.map(|(service, _)| service) } else { &[""] };
        for service in services {
            let mut address = fill(path, service);
            for parameter in act["parameters"].as_array().unwrap() {
                if parameter["required"] == true && parameter["in"] == "query" {
                    address +=
                        &format!("?{}={}", parameter["name"].as_str().unwrap(), parameter["schema"]["enum"][0].as_str().unwrap());
                }
            }
            let answer = ask(&platform, &address, token).await;
            let there = if path.contains("{letter}") { [400, 404].contains(&answer.status) } else { answer.status == 200 };
            assert!(there, "{address}: {} {}", answer.status, answer.text);
            fits(&document, act, &address, &answer);
            fits(&document, act, &address, &ask(&platform, &address, "a guess").await);
            walked += 1;
        }
    }
    assert!(walked > 60, "{walked}");
}

#[tokio::test]
async fn a_browser_with_the_cookie_of_another_platform_orders_all_the_same() {
    let (elsewhere, folder) = (Folder::new(), Folder::new());
    let other = Platform::start(&elsewhere).await;
    let cookie = format!("comanda_device={}", device(&other, "elsewhere").await);
    drop(other);
    let platform = Platform::start(&folder).await;
    let stale = ("cookie", cookie.as_str());
    assert_eq!(platform.send("GET", "/v1/menu", &[stale], b"").await.status, 200);
    let refused = platform.send("GET", "/v1/orders", &[stale], b"").await;
    assert_eq!((refused.status, refused.problem().as_str()), (401, "token_unknown"));
    assert!(refused.header("set-cookie").starts_with("comanda_device=; ") && refused.header("set-cookie").contains("Max-Age=0"));
    let body =
        json!({ "items": [{ "pizzaId": "hawaiian", "quantity": 1 }], "deliveryAddress": "A Street 1", "paymentMethod": "cash" });
    let placed = platform
        .send("POST", "/api/v1/orders", &[stale, ("content-type", "application/json")], body.to_string().as_bytes())
        .await;
    assert_eq!(placed.status, 201, "{}", placed.text);
    let fresh = placed.header("set-cookie").split(';').next().unwrap().to_owned();
    let own = platform.send("GET", "/v1/orders", &[("cookie", &fresh)], b"").await;
    assert_eq!(own.json()["orders"][0]["order_id"], placed.json()["orderId"]);
    let plain = platform.send("GET", "/v1/menu", &[("authorization", "Bearer nonsense")], b"").await;
    assert_eq!((plain.status, plain.header("set-cookie")), (401, ""));
}
