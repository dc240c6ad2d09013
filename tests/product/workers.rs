//! Orders are moved along by durable jobs, asked or not, before and after a crash.

use serde_json::json;

use crate::outages::ends_with_clean_books;
use crate::platform::{Folder, Platform};
use crate::watch::Watch;

#[tokio::test]
async fn s3_w01_orders_move_on_by_themselves_after_a_crash_wherever_they_stood() {
    let folder = Folder::new();
    // Dishes take seconds, so that the crash comes in the middle of cooking.
    let settings = ["kitchen_time_scale=200", "delivery_time_scale=20000"];
    let platform = Platform::start_with(&folder, &settings).await;
    let mut terminal = Watch::start(&platform, &[]).await;
    let cooking = platform.order_pizza("margherita", "card").await;
    let seen = terminal.until(&platform, "cooking.started", &cooking).await;
    let last = seen.last().unwrap()["id"].as_str().unwrap().to_owned();
    platform.provider(json!({ "down": true })).await;
    let unpaid = platform.order_pizza("hawaiian", "card").await;
    terminal.until(&platform, "payment.requested", &unpaid).await;
    assert_eq!(platform.look(&format!("/v1/orders/{cooking}")).await["state"], "cooking", "it is in the oven");
    platform.kill();

    let platform = Platform::start_with(&folder, &settings).await;
    let mut terminal = Watch::after(&platform, &last, &[]);
    // The dish comes out of the oven though nobody has asked for it, and the provider is still away.
    terminal.until(&platform, "order.delivered", &cooking).await;
    platform.provider(json!({ "down": false })).await;
    let seen = terminal.until(&platform, "order.delivered", &unpaid).await;
    let paid = seen.iter().filter(|event| event["type"].as_str().unwrap().starts_with("order.paid"));
    assert_eq!(paid.filter(|event| event["subject"] == unpaid.as_str()).count(), 1, "charged once");
    let metrics = platform.get("/metrics").await.text;
    let asked = |line: &&str| {
        let call = line.starts_with("comanda_rpc_duration_seconds_count") && line.contains("from=\"gateway\"");
        call && !line.contains("Operator/GetHealth")
    };
    assert_eq!(metrics.lines().find(asked), None, "nobody asked any service for anything");
    for kind in ["payments", "kitchen", "delivery"] {
        let worked = format!("comanda_jobs_total{{service=\"{kind}\"");
        assert!(metrics.lines().any(|line| line.starts_with(&worked)), "no job of {kind} in {metrics}");
    }
    ends_with_clean_books(platform, &folder).await;
}
