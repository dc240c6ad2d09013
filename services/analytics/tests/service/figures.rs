//! What the figures say, and to whom.

use std::time::Duration;

use analytics_api as api;
use base::Principal;
use base::id::{ShopId, StaffId};
use host::testing::{guest, staff};

use crate::{SHOP, cancelled, client, created, delivered, placed, platform, ready, refunded, seen, series};

#[tokio::test]
async fn s1_b02_revenue_and_the_average_order_come_from_what_was_delivered() {
    let platform = platform().await;
    for (id, total) in [(1, 1_000), (2, 2_001), (3, 9_999), (4, 500)] {
        platform.say("orders", &created(id, total, placed(0))).await;
    }
    platform.say("delivery", &delivered(1)).await;
    platform.say("delivery", &delivered(2)).await;
    platform.say("orders", &cancelled(4, placed(0))).await;
    platform.say("payments", &refunded(4, 500)).await;
    platform.settled().await;
    let seen = seen(&platform).await;
    let summary = seen.summary;
    assert_eq!((summary.orders_created, summary.orders_delivered, summary.orders_cancelled), (4, 2, 1));
    assert_eq!((summary.revenue_minor, summary.average_order_minor, summary.refunded_minor), (3_001, 1_501, 500));
    assert_eq!(summary.currency, "USD");
    assert_eq!((seen.counts["order.created"], seen.counts["order.delivered"], seen.counts["payment.refunded"]), (4, 2, 1));
    let top: Vec<_> = seen.top.iter().map(|item| (item.slug.as_str(), item.quantity, item.revenue_minor)).collect();
    assert_eq!(top, [("ham", 4, 2_801), ("cola", 2, 200)]);
}

#[tokio::test]
async fn s1_b01_orders_are_counted_by_the_minute_and_by_the_shops_own_day_and_month() {
    let platform = platform().await;
    for minute in 0..20 {
        let id = i64::try_from(minute).unwrap() + 1;
        platform.say("orders", &created(id, 1_000, placed(minute))).await;
        platform.say("delivery", &delivered(id)).await;
    }
    platform.settled().await;
    let minutes = series(&platform, "minute").await;
    assert_eq!((minutes.len(), minutes[0].at.as_str(), minutes[0].orders), (20, "2015-02-01T04:50Z", 1));
    let days: Vec<_> =
        series(&platform, "day").await.into_iter().map(|point| (point.at, point.orders, point.revenue_minor)).collect();
    assert_eq!(days, [("2015-01-31".to_owned(), 10, 10_000), ("2015-02-01".to_owned(), 10, 10_000)]);
    let months: Vec<_> = series(&platform, "month").await.into_iter().map(|point| (point.at, point.delivered)).collect();
    assert_eq!(months, [("2015-01".to_owned(), 10), ("2015-02".to_owned(), 10)]);
    let some =
        api::SeriesRequest { shop_id: 1, step: "day".into(), from: "2015-02-01".into(), to: "2015-02-28".into(), limit: 9 };
    assert_eq!(client(&platform, staff()).series(some).await.unwrap().into_inner().points.len(), 1);
    let month = api::TopItemsRequest { shop_id: 1, month: "2015-02".into(), limit: 1 };
    let top = client(&platform, staff()).top_items(month).await.unwrap().into_inner().items;
    assert_eq!((top.len(), top[0].quantity, top[0].revenue_minor), (1, 20, 9_000));

    // What is delivered now counts for this minute, and is told in the next one.
    let state = platform
        .ctx("analytics")
        .store()
        .read("select at, delivered from analytics_series where step = 'door'", vec![])
        .await
        .unwrap();
    let delivered: i64 = state.iter().map(|row| row.int(1).unwrap()).sum();
    assert_eq!(delivered, 20);
    let now = platform.now();
    assert!(state.iter().all(|row| row.text(0).unwrap() >= (now - Duration::from_secs(120)).to_string().as_str()));
}

#[tokio::test]
async fn s1_b04_cooking_times_fall_into_classes() {
    let platform = platform().await;
    for (id, ms) in [(1, 400_000), (2, 500_000), (3, 550_000), (4, 4_000_000)] {
        platform.say("kitchen", &ready(id, ms)).await;
    }
    platform.settled().await;
    let cooking = seen(&platform).await.cooking;
    assert_eq!((cooking.orders, cooking.average_ms, cooking.longest_ms), (4, 1_362_500, 4_000_000));
    let buckets: Vec<_> = cooking.buckets.iter().map(|bucket| (bucket.up_to_ms, bucket.orders)).collect();
    assert_eq!(buckets, [(420_000, 1), (600_000, 2), (i64::MAX, 1)]);
}

#[tokio::test]
async fn a_delivery_heard_before_its_order_is_counted_when_that_comes() {
    let platform = platform().await;
    platform.say("delivery", &delivered(1)).await;
    platform.settled().await;
    assert_eq!(seen(&platform).await.summary.orders_delivered, 0);
    platform.say("orders", &created(1, 1_000, placed(0))).await;
    platform.settled().await;
    let summary = seen(&platform).await.summary;
    assert_eq!((summary.orders_delivered, summary.revenue_minor), (1, 1_000));
}

#[tokio::test]
async fn a_crash_anywhere_counts_each_event_once() {
    let mut platform = platform().await;
    for round in 0..4_i64 {
        for number in 0..50 {
            let id = round * 50 + number + 1;
            platform.say("orders", &created(id, 1_000, placed(0))).await;
            platform.say("delivery", &delivered(id)).await;
            platform.say("kitchen", &ready(id, 1_000)).await;
        }
        if round % 2 == 1 {
            platform
                .eventually("something of this round is counted", || async {
                    let counted = seen(&platform).await.summary.orders_created;
                    Ok(if counted > round * 50 { Ok(()) } else { Err(format!("{counted}")) })
                })
                .await;
        }
        platform = platform.crash_and_restart([crate::stand_in::catalog(), analytics::service()], Default::default()).await;
    }
    platform.settled().await;
    let seen = seen(&platform).await;
    assert_eq!((seen.summary.orders_delivered, seen.summary.revenue_minor, seen.cooking.orders), (200, 200_000, 200));
    assert_eq!(seen.counts["order.created"], 200);
}

#[tokio::test]
async fn figures_are_for_the_shops_staff() {
    let platform = platform().await;
    let other = Principal::Staff { staff: StaffId(1), shop: ShopId(2) };
    for (who, code) in [(guest(1), "staff_only"), (Principal::Nobody, "token_needed"), (other, "staff_only")] {
        let mut client = client(&platform, who);
        let shop_id = SHOP.0;
        let codes = [
            client.summary(api::SummaryRequest { shop_id }).await.map(|_| ()),
            client.count_events(api::CountEventsRequest { shop_id, kind: String::new() }).await.map(|_| ()),
            client.series(api::SeriesRequest { shop_id, step: "day".into(), ..Default::default() }).await.map(|_| ()),
            client.top_items(api::TopItemsRequest { shop_id, ..Default::default() }).await.map(|_| ()),
            client.cooking_time(api::CookingTimeRequest { shop_id }).await.map(|_| ()),
            client.rebuild(api::RebuildRequest { shop_id }).await.map(|_| ()),
        ];
        for answer in codes {
            assert_eq!(wire::fault_of(answer.unwrap_err()).code, code);
        }
    }
    let wrong = api::SeriesRequest { shop_id: 1, step: "year".into(), ..Default::default() };
    assert_eq!(wire::fault_of(client(&platform, staff()).series(wrong).await.unwrap_err()).code, "bad_step");
}

#[tokio::test]
async fn minutes_go_a_season_after_they_were_written_whatever_year_they_are_of() {
    let platform = platform().await;
    platform.say("orders", &created(1, 1_000, placed(0))).await;
    platform.say("delivery", &delivered(1)).await;
    platform.settled().await;
    let before = seen(&platform).await;
    assert_eq!(before.minutes.len(), 1);
    platform.drop_what_is_old(89).await;
    assert_eq!(seen(&platform).await, before, "replayed today, however long ago it was placed");
    platform.drop_what_is_old(91).await;
    let after = seen(&platform).await;
    assert_eq!(after, crate::Seen { minutes: vec![], ..before });
}
