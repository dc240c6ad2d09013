//! Figures are dropped and computed again from the log, while events go on.

use analytics_api as api;
use host::testing::{Platform, staff};

use crate::{SHOP, cancelled, client, created, delivered, placed, platform, ready, refunded, seen};

async fn flow(platform: &Platform, ids: std::ops::Range<i64>) {
    for id in ids {
        let at = placed(u64::try_from(id % 30).unwrap());
        platform.say("orders", &created(id, 1_000 + id, at)).await;
        platform.say("kitchen", &ready(id, id * 1_000)).await;
        match id % 5 {
            0 => {
                platform.say("orders", &cancelled(id, at)).await;
                platform.say("payments", &refunded(id, 10)).await;
            }
            1 => {} // still open
            _ => {
                platform.say("delivery", &delivered(id)).await;
            }
        }
    }
}

async fn rebuilt(platform: &Platform) {
    platform
        .eventually("the rebuild has ended", || async {
            let left = platform.ctx("analytics").store().job_count().await?;
            Ok(if left == 0 { Ok(()) } else { Err("it is at work".to_owned()) })
        })
        .await;
}

async fn rebuild(platform: &Platform) -> Result<u64, String> {
    let answer = client(platform, staff()).rebuild(api::RebuildRequest { shop_id: SHOP.0 }).await;
    answer.map(|answer| answer.into_inner().events).map_err(|status| wire::fault_of(status).code)
}

/// Makes the figures wrong, so that only a rebuild can set them right.
async fn spoil(platform: &Platform) {
    for wrong in [
        "update analytics_series set orders = orders + 7, revenue_minor = 1",
        "update analytics_counts set events = 1",
        "update analytics_items set quantity = 0",
        "delete from analytics_cooking",
    ] {
        platform.tamper("analytics", wrong, vec![]).await;
    }
}

#[tokio::test]
async fn a_rebuild_ends_with_the_same_figures() {
    let platform = platform().await;
    flow(&platform, 1..120).await;
    platform.settled().await;
    let before = seen(&platform).await;
    spoil(&platform).await;
    assert_ne!(seen(&platform).await, before);
    rebuild(&platform).await.unwrap();
    rebuilt(&platform).await;
    assert_eq!(seen(&platform).await, before);
    // Orders that were open then end as they would have.
    platform.say("delivery", &delivered(1)).await;
    platform.settled().await;
    assert_eq!(seen(&platform).await.summary.revenue_minor, before.summary.revenue_minor + 1_001);
}

#[tokio::test]
async fn orders_that_flow_during_a_rebuild_are_counted_once() {
    let (platform, plain) = (platform().await, platform().await);
    flow(&plain, 1..601).await;
    let rebuilds = async {
        for _ in 0..4 {
            rebuild(&platform).await.unwrap();
            rebuilt(&platform).await;
        }
    };
    tokio::join!(flow(&platform, 1..601), rebuilds);
    platform.settled().await;
    plain.settled().await;
    let (seen, wanted) = (seen(&platform).await, seen(&plain).await);
    assert_eq!(seen, wanted);
    assert_eq!(seen.summary.orders_created, 600);
}

#[tokio::test]
async fn a_rebuild_survives_a_crash() {
    let mut platform = platform().await;
    flow(&platform, 1..400).await;
    platform.settled().await;
    let before = seen(&platform).await;
    spoil(&platform).await;
    rebuild(&platform).await.unwrap();
    platform = platform.crash_and_restart([crate::stand_in::catalog(), analytics::service()], Default::default()).await;
    rebuilt(&platform).await;
    assert_eq!(seen(&platform).await, before);
}

#[tokio::test]
async fn a_rebuild_from_a_log_without_its_beginning_is_refused() {
    let platform = platform().await;
    flow(&platform, 1..20).await;
    platform.settled().await;
    let before = seen(&platform).await;
    let dropped = platform.inner().database().trim_log(platform.now(), 10).await.unwrap();
    assert_eq!(dropped, 10);
    assert_eq!(rebuild(&platform).await, Err("log_too_short".to_owned()));
    assert_eq!(seen(&platform).await, before);
}

#[tokio::test]
async fn a_second_rebuild_waits_for_the_first() {
    let platform = platform().await;
    // As if a rebuild had begun that is not at work now.
    let begun = "update analytics_state set building = 2, epoch = epoch + 1";
    platform.tamper("analytics", begun, vec![]).await;
    assert_eq!(rebuild(&platform).await, Err("rebuild_running".to_owned()));
}

#[tokio::test]
async fn a_dead_letter_that_goes_through_while_a_rebuild_is_at_work_is_counted_once() {
    let platform = platform().await;
    let zone = "insert into analytics_shops (id, time_zone, currency) values ($1, 'Mars/Olympus', 'USD')";
    platform.tamper("analytics", zone, vec![sql::Value::Int(SHOP.0)]).await;
    platform.say("orders", &created(1, 1_000, placed(1))).await;
    platform.heard("dead_letter.parked", 1).await;
    platform.settled().await;
    assert_eq!(seen(&platform).await.summary.orders_created, 0);
    let running = platform.inner().running("analytics").unwrap();
    // The rebuild begins while the letter lies there, and replays after it has gone.
    running.gate.set_open(false);
    rebuild(&platform).await.unwrap();
    let letter = platform.ctx("analytics").store().parked(None, 0, 1).await.unwrap().remove(0);
    assert_eq!(running.letters.redrive(base::id::DeadLetterId(letter.id), &staff()).await.unwrap(), 1);
    running.gate.set_open(true);
    rebuilt(&platform).await;
    platform.settled().await;
    let seen = seen(&platform).await;
    assert_eq!((seen.summary.orders_created, seen.counts["order.created"]), (1, 1));
}
