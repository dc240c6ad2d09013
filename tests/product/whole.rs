//! An order and its lines are written together or not at all.

use std::process::Command;
use std::sync::Arc;

use embedded::rusqlite::Connection;
use serde_json::json;
use tokio::task::JoinSet;

use crate::outages::ends_with_clean_books;
use crate::platform::{Folder, Platform};

/// Tables that get rows when an order is placed, and the column that names the order.
const WRITTEN: [(&str, &str); 5] = [
    ("orders_orders", "id"),
    ("orders_items", "order_id"),
    ("orders_events", "order_id"),
    ("orders_contacts", "order_id"),
    ("orders_mine", "order_id"),
];

#[tokio::test]
async fn s0_p10_s4_p02_an_order_and_its_lines_are_there_together_or_nothing_is() {
    let folder = Folder::new();
    let platform = Platform::start(&folder).await;
    let token =
        platform.write("POST", "/v1/devices", "", "device", &json!({})).await.json()["token"].as_str().unwrap().to_owned();
    let body = |last: &str| {
        let line = |item: &str, quantity: i64| json!({ "item": item, "size": "M", "quantity": quantity });
        json!({ "lines": [line("hawaiian", 1), line("margherita", 2), line(last, 3)], "payment": { "method": "cash" },
            "contact": { "address": "Test Street 123" } })
    };
    // Everything of it is sound but its last line.
    let refused = platform.write("POST", "/v1/orders", &token, "refused", &body("unicorn")).await;
    assert_eq!((refused.status, refused.problem().as_str()), (400, "item_unknown"));
    assert!(platform.stop());
    for (table, _) in WRITTEN {
        assert_eq!(count(&folder, &format!("select count(*) from {table}")), 0, "{table}");
    }

    // Killed while orders are being placed: whatever is there is whole.
    let mut acknowledged = 0;
    for round in 0..3 {
        let platform = Arc::new(Platform::start(&folder).await);
        let mut orders = JoinSet::new();
        for number in 0..40 {
            let (platform, token, body) = (platform.clone(), token.clone(), body("pepperoni").to_string());
            orders.spawn(async move {
                let (key, bearer) = (format!("round-{round}-order-{number}"), format!("Bearer {token}"));
                let headers = [("content-type", "application/json"), ("idempotency-key", &*key), ("authorization", &*bearer)];
                let answer = platform.raw("POST", &format!("{}/v1/orders", platform.url), &headers, body.as_bytes()).await;
                answer.is_some_and(|answer| answer.status == 201)
            });
        }
        // It dies when some have their answer and others are somewhere on their way.
        for _ in 0..5 + round {
            acknowledged += i64::from(orders.join_next().await.unwrap().unwrap());
        }
        Command::new("kill").args(["-9", &platform.process().to_string()]).status().unwrap();
        acknowledged += orders.join_all().await.into_iter().map(i64::from).sum::<i64>();
    }
    assert!(acknowledged > 0);
    let there = count(&folder, "select count(*) from orders_orders");
    assert!(there >= acknowledged, "{there} are there, {acknowledged} were acknowledged");
    for (table, column) in WRITTEN {
        let orders = count(&folder, &format!("select count(distinct {column}) from {table}"));
        assert_eq!(orders, there, "{table}");
    }
    let whole =
        "select count(*) from (select order_id from orders_items group by order_id having count(*) = 3 and sum(quantity) = 6)";
    assert_eq!(count(&folder, whole), there, "each has all of its lines");
    let said = "select count(*) from log where kind_id in (select id from log_kinds where kind = 'order.created.v1')";
    assert_eq!(count(&folder, said), there, "and has been said");
    let platform = Platform::start(&folder).await;
    platform
        .eventually("all have ended", async |platform| {
            (platform.look("/v1/orders/statistics").await["in_flight"] == 0).then_some(())
        })
        .await;
    ends_with_clean_books(platform, &folder).await;
}

/// Counts in the file of a platform that does not run.
fn count(folder: &Folder, question: &str) -> i64 {
    let file = Connection::open(folder.path().join("data").join("comanda.db")).unwrap();
    file.query_row(question, [], |row| row.get(0)).unwrap()
}
