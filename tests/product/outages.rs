//! What happens when something is away, says no, or dies.

use std::process::Output;
use std::time::{Duration, Instant};

use serde_json::json;

use crate::platform::{Folder, PATIENCE, Platform, comanda};

#[tokio::test]
async fn s4_s03_a_declined_card_ends_the_order_with_its_reason_and_costs_nothing() {
    let folder = Folder::new();
    let platform = Platform::start(&folder).await;
    platform.provider(json!({ "declined_tokens": ["tok_visa"] })).await;
    let id = platform.order_pizza("hawaiian", "card").await;
    let order = platform.reaches(&id, "cancelled").await;
    assert_eq!(order["reason"], "payment_declined");
    ends_with_clean_books(platform, &folder).await;
}

#[tokio::test]
async fn s4_x02_s4_x03_s0_p07_payments_pause_orders_wait_and_go_on_when_it_resumes() {
    let folder = Folder::new();
    let platform = Platform::start(&folder).await;
    let first = platform.order_pizza("hawaiian", "cash").await;
    platform.reaches(&first, "delivered").await;
    assert!(platform.command(&["pause", "payments", "--reason", "a test"]).status.success());
    assert_eq!(platform.get("/readyz").await.status, 503);
    // The rest works: the menu is read, an order that needs no rpc of payments is accepted, and waits.
    assert_eq!(platform.get("/v1/menu").await.status, 200);
    let second = platform.order_pizza("hawaiian", "cash").await;
    platform.reaches(&second, "reserved").await;
    assert!(platform.command(&["resume", "payments"]).status.success());
    platform.reaches(&second, "delivered").await;
    ends_with_clean_books(platform, &folder).await;
}

#[tokio::test]
async fn s1_n05_s4_n04_s4_p03_killed_in_the_middle_it_goes_on_where_it_was() {
    let folder = Folder::new();
    let mut platform = Platform::start(&folder).await;
    platform.provider(json!({ "latency_ms": 100, "failure_rate": 0.2, "lost_answer_rate": 0.2 })).await;
    let mut orders = Vec::new();
    for _ in 0..3 {
        for _ in 0..5 {
            orders.push(platform.order_pizza("hawaiian", "card").await);
        }
        platform.kill();
        platform = Platform::start(&folder).await;
    }
    for id in &orders {
        platform
            .eventually("it ends", async |platform| {
                let order = platform.look(&format!("/v1/orders/{id}")).await;
                ["delivered", "cancelled"].iter().any(|end| order["state"] == *end).then_some(())
            })
            .await;
    }
    ends_with_clean_books(platform, &folder).await;
}

/// Ends a platform once everybody has heard how its orders ended, and runs the audit on what it leaves. Whoever sees that an
/// order has ended sees the orders' own row: the kitchen may hear of it later.
pub async fn ends_with_clean_books(platform: Platform, folder: &Folder) {
    let until = Instant::now() + PATIENCE;
    while !audit_at_rest(folder).status.success() && Instant::now() < until {
        tokio::time::sleep(Duration::from_millis(10)).await;
    }
    assert!(platform.stop(), "it ends well");
    let output = audit_at_rest(folder);
    assert!(output.status.success(), "{}{}", String::from_utf8_lossy(&output.stdout), String::from_utf8_lossy(&output.stderr));
}

/// Runs the audit on a platform's data, on which nothing is to be on its way.
pub fn audit_at_rest(folder: &Folder) -> Output {
    comanda().args(["audit", "--at-rest", "--data"]).arg(folder.path().join("data")).output().unwrap()
}
