//! Events are heard once, in order per key, in parallel across keys.

use std::collections::BTreeMap;

use host::testing::Platform;

use crate::counting::{Hearing, Moods, counts, created, service};

#[tokio::test]
async fn s4_p01_s4_p03_every_event_counts_once_through_crashes() {
    for hearing in Hearing::ALL {
        let moods = Moods::default();
        let mut platform = Platform::start([service(&moods, hearing)]).await;
        for round in 1..=4 {
            for key in 1..=50 {
                created(&platform, key).await;
            }
            if round == 3 {
                // Somewhere in the middle of the work.
                platform = platform.crash_and_restart([service(&moods, hearing)], BTreeMap::new()).await;
            }
        }
        platform.settled().await;
        for key in 1..=50 {
            assert_eq!(counts(&platform, key).await, 4, "key {key}, {hearing:?}");
        }
    }
}

#[tokio::test]
async fn events_of_a_key_keep_their_order() {
    for hearing in Hearing::ALL {
        let moods = Moods::default();
        // While somebody is away events pile up, so that a key comes several times in one round.
        moods.away.lock().unwrap().extend(1..=5);
        let platform = Platform::start([service(&moods, hearing)]).await;
        for _ in 0..20 {
            for key in 1..=5 {
                created(&platform, key).await;
            }
        }
        moods.away.lock().unwrap().clear();
        platform.settled().await;
        let text = "select about, seq from inventory_order order by id";
        let rows = platform.ctx("inventory").store().read(text, vec![]).await.unwrap();
        assert_eq!(rows.len(), 100, "{hearing:?}");
        let mut last = BTreeMap::new();
        for row in &rows {
            let (key, seq) = (row.int(0).unwrap(), row.int(1).unwrap());
            let before = last.insert(key, seq).unwrap_or(0);
            assert!(before < seq, "{hearing:?}: {seq} of {key} was worked after {before}");
        }
    }
}

#[tokio::test]
async fn s4_p04_a_key_that_waits_for_somebody_holds_up_no_other_and_goes_on_by_itself() {
    for hearing in Hearing::ALL {
        let moods = Moods::default();
        moods.away.lock().unwrap().insert(7);
        let platform = Platform::start([service(&moods, hearing)]).await;
        for key in [7, 8, 7, 9, 7] {
            created(&platform, key).await;
        }
        platform
            .eventually("the others are counted", || async {
                let others = (counts(&platform, 8).await, counts(&platform, 9).await);
                Ok(if others == (1, 1) { Ok(()) } else { Err(format!("{others:?}")) })
            })
            .await;
        assert_eq!(counts(&platform, 7).await, 0);
        moods.away.lock().unwrap().clear();
        platform.settled().await;
        assert_eq!(counts(&platform, 7).await, 3);
    }
}

#[tokio::test]
async fn s4_x03_a_paused_service_waits_and_catches_up() {
    let platform = Platform::start([service(&Moods::default(), Hearing::Batches)]).await;
    created(&platform, 1).await;
    platform.settled().await;
    let mut desk = operator_api::operator_client::OperatorClient::new(
        platform.channel(host::operator_name("inventory"), host::testing::staff()),
    );
    let paused = |paused| operator_api::SetPausedRequest { paused, reason: "a test".to_owned() };
    assert!(desk.set_paused(paused(true)).await.unwrap().into_inner().paused);
    for _ in 0..10 {
        created(&platform, 1).await;
    }
    // The round that had begun before the gate closed may still end; nothing begins after it.
    let before = counts(&platform, 1).await;
    assert!(before <= 2, "{before}");
    assert!(!desk.set_paused(paused(false)).await.unwrap().into_inner().paused);
    platform.settled().await;
    assert_eq!(counts(&platform, 1).await, 11);
    let mut stranger = operator_api::operator_client::OperatorClient::new(
        platform.channel(host::operator_name("inventory"), host::testing::guest(1)),
    );
    assert!(stranger.set_paused(paused(true)).await.is_err());
}

#[tokio::test]
async fn what_concerns_nobody_here_is_neither_waited_for_nor_lag() {
    let platform = Platform::start([service(&Moods::default(), Hearing::Batches)]).await;
    created(&platform, 1).await;
    platform.settled().await;
    let last = say_cancelled(&platform, base::id::OrderId(1)).await;
    platform.settled().await;
    let store = platform.ctx("inventory").store();
    let (cursor, _) = store.cursor("orders").await.unwrap();
    assert!(cursor < last, "the cursor is not moved for what nobody hears: {cursor} of {last}");
    let mut desk = operator_api::operator_client::OperatorClient::new(
        platform.channel(host::operator_name("inventory"), host::testing::staff()),
    );
    let health = desk.get_health(operator_api::GetHealthRequest {}).await.unwrap().into_inner();
    assert_eq!((health.ready, health.lag_events), (true, 0));
    created(&platform, 1).await;
    platform.settled().await;
    assert_eq!(counts(&platform, 1).await, 2);
}

/// Orders says much that this service does not hear; gives the place of the last.
async fn say_cancelled(platform: &Platform, order_id: base::id::OrderId) -> i64 {
    let cancelled = orders_api::events::OrderCancelled {
        order_id,
        shop_id: base::id::ShopId(1),
        reason: orders_api::events::CancelReason::StaffDecided,
        by: "staff".to_owned(),
        total_minor: 1,
        fee_minor: 0,
        placed_at: base::Timestamp(1),
    };
    let mut last = 0;
    for _ in 0..20 {
        last = platform.say("orders", &cancelled).await;
    }
    last
}
