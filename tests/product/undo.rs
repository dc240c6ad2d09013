//! A checkout over many services ends whole, or everything that was done is undone.

use std::collections::BTreeMap;

use serde_json::{Value, json};

use crate::outages::ends_with_clean_books;
use crate::platform::{Folder, Platform};
use crate::watch::{names, said_of, story_until};

/// What is on the shelves: available, reserved, consumed, by name.
type Shelves = BTreeMap<String, (i64, i64, i64)>;

#[tokio::test]
async fn s1_o03_s4_p01_a_checkout_is_kept_whole_or_undone_in_every_service() {
    let folder = Folder::new();
    let platform = Platform::start(&folder).await;
    let before = shelves(&platform).await;

    // The card says no: the stock goes back, nothing is charged, and the order says why.
    platform.provider(json!({ "declined_tokens": ["tok_visa"] })).await;
    let declined = platform.order_pizza("hawaiian", "card").await;
    let order = platform.reaches(&declined, "cancelled").await;
    assert_eq!(order["reason"], "payment_declined");
    shelves_become(&platform, &before).await;
    assert_eq!(names(&said_of(&platform, &declined, "stock-events").await)[0], "stock.reserved", "it had been set aside");
    let total = order["total"]["amount_minor"].as_i64().unwrap();
    assert_eq!(moved_at_the_provider(&platform, &declined).await, [("decline".to_owned(), total)], "no money moved");
    let payment = platform.look(&format!("/v1/orders/{declined}/payment")).await;
    assert_eq!((&payment["state"], &payment["taken"]["amount_minor"]), (&"failed".into(), &0.into()), "{payment}");
    platform.provider(json!({ "declined_tokens": [] })).await;

    // The kitchen cannot: the money goes back, the stock too.
    let oven = oven(&platform).await;
    staff(&platform, &format!("/v1/kitchen/stations/{oven}/break"), "break").await;
    let uncooked = platform.order_pizza("hawaiian", "card").await;
    let order = platform.reaches(&uncooked, "cancelled").await;
    assert_eq!(order["reason"], "kitchen_failed");
    let payment = platform
        .eventually("the money goes back", async |platform| {
            let payment = platform.look(&format!("/v1/orders/{uncooked}/payment")).await;
            (payment["refunded"]["amount_minor"] == total).then_some(payment)
        })
        .await;
    assert_eq!((&payment["state"], &payment["taken"]["amount_minor"]), (&"refunded".into(), &total.into()), "{payment}");
    let moved = moved_at_the_provider(&platform, &uncooked).await;
    assert_eq!(moved, [("capture".to_owned(), total), ("refund".to_owned(), total)]);
    shelves_become(&platform, &before).await;
    let said = story_until(&platform, &uncooked, "payment.refunded").await;
    let story = ["order.created", "stock.reserved", "payment.requested", "order.paid", "cooking.failed", "order.cancelled"];
    assert_eq!(said[..story.len()], story);

    // Whole: with the oven repaired the same order goes to the door, is charged once, and uses up what it needs.
    staff(&platform, &format!("/v1/kitchen/stations/{oven}/repair"), "repair").await;
    let whole = platform.order_pizza("hawaiian", "card").await;
    platform.reaches(&whole, "delivered").await;
    assert_eq!(moved_at_the_provider(&platform, &whole).await, [("capture".to_owned(), total)]);
    let after = platform
        .eventually("its ingredients are used up", async |platform| {
            let now = shelves(platform).await;
            now.values().all(|(_, reserved, _)| *reserved == 0).then_some(now)
        })
        .await;
    let used: Vec<&String> = before.keys().filter(|slug| after[*slug].2 > before[*slug].2).collect();
    assert!(!used.is_empty() && used.iter().all(|slug| after[*slug].0 + after[*slug].2 == before[*slug].0), "{used:?}");
    let unused = before.keys().filter(|slug| !used.contains(slug));
    assert!(unused.into_iter().all(|slug| after[slug] == before[slug]));
    ends_with_clean_books(platform, &folder).await;
}

async fn shelves(platform: &Platform) -> Shelves {
    let (mut shelves, mut after) = (Shelves::new(), String::new());
    loop {
        let page = platform.look(&format!("/v1/stock?limit=200&after={after}")).await;
        for level in page["levels"].as_array().unwrap() {
            let number = |name: &str| level[name].as_i64().unwrap();
            let slug = level["slug"].as_str().unwrap().to_owned();
            shelves.insert(slug, (number("available"), number("reserved"), number("consumed")));
        }
        match page["next"].as_str() {
            Some(next) => after = next.to_owned(),
            None => return shelves,
        }
    }
}

async fn shelves_become(platform: &Platform, wanted: &Shelves) {
    platform.eventually("the shelves are as before", async |platform| (shelves(platform).await == *wanted).then_some(())).await;
}

/// What the provider's own books say about an order.
async fn moved_at_the_provider(platform: &Platform, order: &str) -> Vec<(String, i64)> {
    let books = platform.raw("GET", &format!("{}/v1/books", platform.provider), &[], b"").await.unwrap().json();
    let rows = books["rows"].as_array().unwrap().iter().filter(|row| row["order_reference"] == order);
    rows.map(|row| (row["kind"].as_str().unwrap().to_owned(), row["amount_minor"].as_i64().unwrap())).collect()
}

async fn oven(platform: &Platform) -> String {
    let stations = platform.look("/v1/kitchen/stations").await;
    let ovens: Vec<&Value> =
        stations["stations"].as_array().unwrap().iter().filter(|station| station["kind"] == "oven").collect();
    assert_eq!(ovens.len(), 1, "the kitchen has one oven, so nothing can move elsewhere");
    ovens[0]["station_id"].as_str().unwrap().to_owned()
}

async fn staff(platform: &Platform, path: &str, key: &str) {
    let answer = platform.write("POST", path, &platform.staff(), key, &json!({ "reason": "a test" })).await;
    assert_eq!(answer.status, 200, "{}", answer.text);
}
