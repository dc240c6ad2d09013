//! Services speak by events, and act on what they hear: nobody is told what to do.

use std::collections::{BTreeMap, BTreeSet};

use serde_json::Value;

use crate::platform::{Folder, Platform};
use crate::watch::{self, Watch, names, said_of, story_of, story_until};

/// Who takes part in an order.
const ACTORS: [&str; 6] = ["orders", "inventory", "payments", "kitchen", "delivery", "notifications"];

/// One act after another: whoever wakes up, what it says, and what has been said by then.
const STORY: [(&str, &[&str]); 4] = [
    ("inventory", &["stock.reserved"]),
    ("payments", &["payment.requested", "order.paid"]),
    ("kitchen", &["cooking.started", "order.ready"]),
    ("delivery", &["order.shipped", "order.delivered"]),
];

#[tokio::test]
async fn s1_a04_s4_s05_s4_p01_each_act_waits_for_the_event_that_causes_it_and_nobody_calls_anybody() {
    let folder = Folder::new();
    let platform = Platform::start(&folder).await;
    for (service, _) in STORY.iter().filter(|(service, _)| *service != "payments") {
        set_paused(&platform, service, true);
    }
    // Placing registers the card with payments; from then on payments sleeps too.
    let id = platform.order_pizza("margherita", "card").await;
    set_paused(&platform, "payments", true);
    let calls = calls_between_services(&platform).await;
    let mut story = vec!["order.created"];
    story_is(&platform, &id, &story).await;
    for (service, says) in STORY {
        set_paused(&platform, service, false);
        story.extend(says);
        story_is(&platform, &id, &story).await;
    }
    assert_eq!(platform.look(&format!("/v1/orders/{id}")).await["state"], "delivered");
    assert_eq!(calls_between_services(&platform).await, calls, "a service called another to move the order along");
}

/// Waits until exactly these events were said and everybody who is awake has heard them.
async fn story_is(platform: &Platform, id: &str, story: &[&str]) {
    story_until(platform, id, story.last().unwrap()).await;
    platform
        .eventually("all who are awake have heard everything", async |platform| {
            let health = platform.look("/v1/services").await;
            let awake = health["services"].as_array().unwrap().iter().filter(|service| service["paused"] == false);
            awake.map(|service| &service["lag_events"]).all(|lag| *lag == 0).then_some(())
        })
        .await;
    assert_eq!(story_of(platform, id).await, story);
}

#[tokio::test]
async fn s3_p02_s1_x02_s4_k05_one_order_is_a_chain_of_events_that_every_service_adds_to_live() {
    let folder = Folder::new();
    let platform = Platform::start(&folder).await;
    let mut terminal = Watch::start(&platform, &[]).await;
    let device = platform.write("POST", "/v1/devices", "", "device", &serde_json::json!({})).await.json()["token"].clone();
    let body = serde_json::json!({ "lines": [{ "item": "margherita", "quantity": 1 }], "payment": { "method": "card", "card_token": "tok_visa" },
        "contact": { "address": "Test Street 123" } });
    let placed = platform.write("POST", "/v1/orders", device.as_str().unwrap(), "the-order", &body).await;
    assert_eq!(placed.status, 201, "{}", placed.text);
    let (id, correlation) =
        (placed.json()["order_id"].as_str().unwrap().to_owned(), placed.header("x-correlation-id").to_owned());
    let seen = terminal.until(&platform, "order.delivered", &id).await;
    let chain: Vec<&Value> = seen.iter().filter(|event| event["subject"] == id.as_str()).collect();
    let speakers: BTreeSet<&str> =
        chain.iter().map(|event| event["source"].as_str().unwrap().trim_start_matches("/services/")).collect();
    assert_eq!(speakers, ACTORS.into_iter().collect(), "every service that takes part speaks");
    for event in &chain {
        assert_eq!(event["correlationid"], correlation.as_str(), "{event}");
    }
    // What the one page of the checkout declares is what happens: an event comes after one that its speaker hears.
    for (cause, effect) in [
        ("order.created", "stock.reserved"),
        ("stock.reserved", "payment.requested"),
        ("payment.requested", "order.paid"),
        ("order.paid", "cooking.started"),
        ("cooking.started", "order.ready"),
        ("order.ready", "order.shipped"),
        ("order.shipped", "order.delivered"),
    ] {
        let place = |kind: &str| chain.iter().position(|event| watch::is(event, kind)).unwrap_or_else(|| panic!("no {kind}"));
        assert!(place(cause) < place(effect), "{cause} before {effect}");
        assert_eq!(chain.iter().filter(|event| watch::is(event, effect)).count(), 1, "{effect} once");
    }
}

#[tokio::test]
async fn s4_k01_s4_s01_order_events_carries_the_way_of_an_order_and_nothing_else() {
    let folder = Folder::new();
    let platform = Platform::start(&folder).await;
    let mut terminal = Watch::start(&platform, &["--topic", "order-events"]).await;
    let delivered = platform.order_pizza("hawaiian", "card").await;
    let seen = terminal.until(&platform, "order.delivered", &delivered).await.to_vec();
    assert_eq!(names(&seen), ["order.created", "order.shipped", "order.delivered"]);
    assert!(seen.iter().all(|event| event["topic"] == "order-events"));
    let order = platform.look(&format!("/v1/orders/{delivered}")).await;
    assert_eq!(seen[0]["data"]["total_minor"], order["total"]["amount_minor"], "{}", seen[0]);
    assert_eq!(
        names(&said_of(&platform, &delivered, "order-events").await),
        ["order.created", "order.shipped", "order.delivered"]
    );
    platform.provider(serde_json::json!({ "declined_tokens": ["tok_visa"] })).await;
    let declined = platform.order_pizza("hawaiian", "card").await;
    terminal.until(&platform, "order.cancelled", &declined).await;
    let said = said_of(&platform, &declined, "order-events").await;
    assert_eq!(names(&said), ["order.created", "order.cancelled"]);
    assert_eq!(said[1]["data"]["reason"], "payment_declined");
    only_on_its_topic(&platform, "order-events", &["order.created", "order.cancelled", "order.shipped", "order.delivered"]).await;
}

#[tokio::test]
async fn s4_k02_s4_s02_s4_s03_payment_events_carries_what_became_of_the_money_and_nothing_else() {
    let folder = Folder::new();
    let platform = Platform::start(&folder).await;
    let mut terminal = Watch::start(&platform, &["--topic", "payment-events"]).await;
    let paid = platform.order_pizza("hawaiian", "card").await;
    let seen = terminal.until(&platform, "order.paid", &paid).await.to_vec();
    assert_eq!(names(&seen), ["payment.requested", "order.paid"]);
    assert!(seen.iter().all(|event| event["topic"] == "payment-events" && event["subject"] == paid.as_str()));
    let order = platform.look(&format!("/v1/orders/{paid}")).await;
    assert_eq!((&seen[1]["data"]["amount_minor"], &seen[1]["data"]["method"]), (&order["total"]["amount_minor"], &"card".into()));
    platform.provider(serde_json::json!({ "declined_tokens": ["tok_visa"] })).await;
    let declined = platform.order_pizza("hawaiian", "card").await;
    terminal.until(&platform, "payment.failed", &declined).await;
    let said = said_of(&platform, &declined, "payment-events").await;
    assert_eq!(names(&said), ["payment.requested", "payment.failed"]);
    assert_eq!(said[1]["data"]["reason"], "declined");
    let cash = platform.order_pizza("hawaiian", "cash").await;
    platform.reaches(&cash, "delivered").await;
    terminal.until(&platform, "order.paid", &cash).await;
    assert_eq!(names(&said_of(&platform, &cash, "payment-events").await), ["payment.promised", "order.paid"]);
    let kinds = ["payment.requested", "order.paid", "payment.failed", "payment.promised"];
    only_on_its_topic(&platform, "payment-events", &kinds).await;
}

#[tokio::test]
async fn s4_k03_notification_events_carries_every_message_and_nothing_else() {
    let folder = Folder::new();
    let platform = Platform::start(&folder).await;
    let mut terminal = Watch::start(&platform, &["--topic", "notification-events"]).await;
    let body = serde_json::json!({ "items": [{ "pizzaId": "hawaiian", "quantity": 1 }], "deliveryAddress": "Test Street 123",
        "paymentMethod": "card" });
    let json = [("content-type", "application/json")];
    let placed = platform.send("POST", "/api/v1/orders", &json, body.to_string().as_bytes()).await;
    let (id, token) = (placed.json()["orderId"].as_str().unwrap().to_owned(), placed.header("comanda-device").to_owned());
    platform.reaches(&id, "delivered").await;
    let messages = platform
        .eventually("the guest was told that it is there", async |platform| {
            let page = platform.send("GET", "/v1/notifications", &[("authorization", &format!("Bearer {token}"))], b"").await;
            let messages = page.json()["notifications"].as_array().unwrap().clone();
            (messages.len() >= 5).then_some(messages)
        })
        .await;
    let seen = terminal.until(&platform, "notification.created", &id).await;
    assert!(seen.iter().all(|event| event["topic"] == "notification-events" && event["subject"] == id.as_str()), "{seen:?}");
    let said = platform
        .eventually("every message is in the log", async |platform| {
            let said = said_of(platform, &id, "notification-events").await;
            (said.len() >= messages.len()).then_some(said)
        })
        .await;
    assert_eq!(said.len(), messages.len(), "each message is said once");
    assert!(!Value::from(said).to_string().contains("Test Street"), "a message's words and people stay where they are");
    only_on_its_topic(&platform, "notification-events", &["notification.created"]).await;
}

/// Checks over the whole log that these types are said on this topic, and this topic carries no others.
async fn only_on_its_topic(platform: &Platform, topic: &str, kinds: &[&str]) {
    let all = watch::log(platform, "").await;
    for event in &all {
        assert_eq!(event["topic"] == topic, kinds.contains(&watch::name(event)), "{event}");
    }
    let of_topic = watch::log(platform, topic).await;
    let counted = |events: &[Value]| events.iter().filter(|event| event["topic"] == topic).count();
    assert!(!of_topic.is_empty() && of_topic.len() == counted(&all) && of_topic.len() == counted(&of_topic));
}

/// How often each actor of an order has called another service, by caller and callee.
async fn calls_between_services(platform: &Platform) -> BTreeMap<String, u64> {
    let metrics = platform.get("/metrics").await.text;
    let calls = metrics.lines().filter_map(|line| {
        let line = line.strip_prefix("comanda_rpc_duration_seconds_count{")?;
        let (labels, count) = line.rsplit_once("} ")?;
        let from = labels.split("from=\"").nth(1)?.split('"').next()?;
        ACTORS.contains(&from).then(|| (labels.to_owned(), count.parse().unwrap()))
    });
    let calls: BTreeMap<String, u64> = calls.collect();
    assert!(calls.keys().any(|labels| labels.contains("catalog.Catalog/Quote")), "placing asks for prices: {calls:?}");
    calls
}

/// Pauses or resumes a service by the command.
fn set_paused(platform: &Platform, service: &str, paused: bool) {
    let output = platform.command(&[if paused { "pause" } else { "resume" }, service, "--reason", "a test"]);
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
}

#[tokio::test]
async fn whoever_follows_is_told_that_the_platform_has_ended() {
    let folder = Folder::new();
    let platform = Platform::start(&folder).await;
    let mut watch = Watch::start(&platform, &[]).await;
    let order = platform.order_pizza("hawaiian", "card").await;
    watch.until(&platform, "order.created", &order).await;
    assert!(platform.stop());
    assert!(!watch.ended(), "events are missing from here on, and nobody was told");
}
