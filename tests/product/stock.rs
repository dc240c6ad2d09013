//! Stock: what is on the shelves, who has set it aside, and what happens when it runs out.

use serde_json::{Value, json};

use crate::outages::ends_with_clean_books;
use crate::platform::{Answer, Folder, Platform};
use crate::watch::{log, name, said_of, story_until};

/// What a small Hawaiian takes of the mozzarella, in grams.
const SLICE: i64 = 84;

/// Gives (available, reserved, consumed) of the mozzarella.
async fn level(platform: &Platform) -> (i64, i64, i64) {
    let level = platform.look("/v1/stock/mozzarella").await;
    let number = |name: &str| level[name].as_i64().unwrap();
    assert_eq!(
        number("received") + number("corrected") - number("wasted"),
        number("available") + number("reserved") + number("consumed"),
        "{level}"
    );
    (number("available"), number("reserved"), number("consumed"))
}

/// Edits the mozzarella as staff.
async fn edit(platform: &Platform, what: &str, key: &str, quantity: i64, version: i64) -> Answer {
    let id = platform.look("/v1/stock/mozzarella").await["stock_id"].as_str().unwrap().to_owned();
    let body = json!({ "quantity": quantity, "version": version, "reason": "a test" });
    platform.write("POST", &format!("/v1/stock/{id}/{what}"), &platform.staff(), key, &body).await
}

#[tokio::test]
async fn s1_f03_s1_i01_s1_i02_s1_i03_stock_is_counted_set_aside_used_up_and_edited_by_one_at_a_time() {
    let folder = Folder::new();
    let platform = Platform::start(&folder).await;
    let (begun, ..) = level(&platform).await;
    let (waste, receive, count) =
        (edit(&platform, "waste", "w", 10, 1).await, edit(&platform, "receive", "r", 500, 2).await, begun + 1_000);
    assert_eq!((waste.status, receive.status), (200, 200), "{} {}", waste.text, receive.text);
    // Two look at the same figures and both correct them: the second is told to look again.
    assert_eq!(edit(&platform, "count", "c", count, 3).await.status, 200);
    let stale = edit(&platform, "count", "c-2", 7, 3).await;
    assert_eq!((stale.status, stale.problem().as_str(), &stale.json()["version"]), (409, "stale_version", &json!(4)));
    assert_eq!(level(&platform).await, (count, 0, 0));
    assert_eq!(edit(&platform, "waste", "w-2", count + 1, 4).await.problem(), "not_enough_stock");

    // An order sets aside what it needs until the kitchen uses it up, or until it is called off.
    assert!(platform.command(&["pause", "kitchen"]).status.success());
    let (eaten, called_off) = (platform.order_pizza("hawaiian", "cash").await, platform.order_pizza("hawaiian", "cash").await);
    platform.reaches(&eaten, "promised").await;
    platform.reaches(&called_off, "promised").await;
    assert_eq!(level(&platform).await, (count - 2 * SLICE, 2 * SLICE, 0));
    let cancel = format!("/v1/orders/{called_off}/cancel");
    assert_eq!(platform.write("POST", &cancel, &platform.staff(), "off", &json!({ "reason": "a test" })).await.status, 200);
    platform
        .eventually("what was set aside is back", async |platform| {
            (level(platform).await == (count - SLICE, SLICE, 0)).then_some(())
        })
        .await;
    assert!(platform.command(&["resume", "kitchen"]).status.success());
    platform.reaches(&eaten, "delivered").await;
    assert_eq!(level(&platform).await, (count - SLICE, 0, SLICE));

    // Each of it is a movement with its who and why, and the levels are what the movements make of them.
    let id = platform.look("/v1/stock/mozzarella").await["stock_id"].as_str().unwrap().to_owned();
    let page = platform.look(&format!("/v1/stock/{id}/movements")).await;
    let movements: Vec<&Value> = page["movements"].as_array().unwrap().iter().rev().collect();
    let kinds: Vec<&str> = movements.iter().map(|movement| movement["kind"].as_str().unwrap()).collect();
    assert_eq!(kinds[1..4], ["waste", "receive", "count"], "{kinds:?}");
    let mut moved = kinds[4..].to_vec();
    moved.sort_unstable();
    assert_eq!(moved, ["consume", "release", "reserve", "reserve"]);
    assert!(movements[1]["principal"].as_str().unwrap().starts_with("staff") && movements[1]["reason"] == "a test");
    assert_eq!(platform.look("/v1/stock/check").await["differences"], json!([]));
    ends_with_clean_books(platform, &folder).await;
}

#[tokio::test]
async fn s1_i04_running_low_is_told_once_by_itself_and_again_after_a_delivery() {
    let folder = Folder::new();
    let platform = Platform::start(&folder).await;
    let low_at = platform.look("/v1/stock/mozzarella").await["low_at"].as_i64().unwrap();
    let lows = async |platform: &Platform| -> Vec<Value> {
        let said = log(platform, "stock-events").await;
        said.into_iter().filter(|event| name(event) == "stock.low" && event["data"]["slug"] == "mozzarella").collect()
    };
    let order = async |platform: &Platform| {
        let id = platform.order_pizza("hawaiian", "cash").await;
        platform.reaches(&id, "delivered").await;
    };
    assert_eq!(edit(&platform, "count", "one-above", low_at + SLICE, 1).await.status, 200);
    order(&platform).await;
    assert_eq!((lows(&platform).await.len(), &platform.look("/v1/stock/mozzarella").await["low"]), (0, &json!(false)));
    for _ in 0..3 {
        order(&platform).await;
    }
    let told = lows(&platform).await;
    assert_eq!(told.len(), 1, "once, however long it stays low: {told:?}");
    assert_eq!((&told[0]["data"]["available"], &told[0]["data"]["low_at"]), (&json!(low_at - SLICE), &json!(low_at)));
    assert_eq!(platform.look("/v1/stock/mozzarella").await["low"], true);
    let received = edit(&platform, "receive", "delivery", 3 * SLICE, 2).await;
    assert_eq!(received.json()["low"], false, "{}", received.text);
    order(&platform).await;
    assert_eq!(lows(&platform).await.len(), 2);
}

#[tokio::test]
async fn s1_x03_the_stock_is_asked_before_the_money_and_without_stock_nobody_pays() {
    let folder = Folder::new();
    let platform = Platform::start(&folder).await;
    // While the stock sleeps nobody asks for money, however long all others have had to hear of the order.
    assert!(platform.command(&["pause", "inventory"]).status.success());
    let order = platform.order_pizza("hawaiian", "card").await;
    platform
        .eventually("all others have heard everything", async |platform| {
            let health = platform.look("/v1/services").await;
            let awake = health["services"].as_array().unwrap().iter().filter(|service| service["paused"] == false);
            awake.map(|service| &service["lag_events"]).all(|lag| *lag == 0).then_some(())
        })
        .await;
    assert!(said_of(&platform, &order, "payment-events").await.is_empty());
    assert_eq!(books(&platform, &order).await, 0);
    assert!(platform.command(&["resume", "inventory"]).status.success());
    platform.reaches(&order, "delivered").await;
    assert_eq!(books(&platform, &order).await, 1);
    // Where there is too little, the order ends without anybody having been asked for money.
    let version = platform.look("/v1/stock/mozzarella").await["version"].as_i64().unwrap();
    assert_eq!(edit(&platform, "count", "nearly-gone", SLICE - 1, version).await.status, 200);
    let hungry = platform.order_pizza("hawaiian", "card").await;
    assert_eq!(platform.reaches(&hungry, "cancelled").await["reason"], "out_of_stock");
    let said = story_until(&platform, &hungry, "order.cancelled").await;
    assert_eq!(said, ["order.created", "stock.rejected", "order.cancelled"]);
    assert_eq!(books(&platform, &hungry).await, 0);
    assert_eq!(level(&platform).await, (SLICE - 1, 0, SLICE));
    ends_with_clean_books(platform, &folder).await;
}

/// Counts what the provider's books say about an order.
async fn books(platform: &Platform, order: &str) -> usize {
    let books = platform.raw("GET", &format!("{}/v1/books?limit=1000", platform.provider), &[], b"").await.unwrap().json();
    books["rows"].as_array().unwrap().iter().filter(|row| row["order_reference"] == order).count()
}
