//! What is heard twice, late, or over a crash; and what expires.

use host::testing::Platform;

use crate::{cooking, delivered, list, order, paid, platform, refunded, say_and_settle, templates};

#[tokio::test]
async fn what_is_heard_twice_is_told_once_but_each_refund_is_told() {
    let platform = platform().await;
    for _ in 0..2 {
        platform.say("orders", &order(1, 7)).await;
        platform.say("payments", &paid(1)).await;
    }
    platform.say("payments", &refunded(1, 100)).await;
    platform.say("payments", &refunded(1, 200)).await;
    platform.settled().await;
    let mut told = templates(&platform, 7).await;
    told.sort();
    assert_eq!(told, ["order_paid", "order_received", "payment_refunded", "payment_refunded"]);
    assert_eq!(platform.events("notification.created").await.len(), 4);
}

#[tokio::test]
async fn what_is_heard_before_its_order_reaches_the_guest_when_the_order_comes() {
    let platform = platform().await;
    say_and_settle(&platform, "payments", &paid(1)).await;
    say_and_settle(&platform, "kitchen", &cooking(1)).await;
    assert_eq!(list(&platform, 7).await, []);
    say_and_settle(&platform, "orders", &order(1, 7)).await;
    assert_eq!(templates(&platform, 7).await, ["order_paid", "cooking_started", "order_received"]);
}

#[tokio::test]
async fn every_message_finds_its_guest_whatever_comes_first() {
    let platform = platform().await;
    for number in 1..=150 {
        // Both lanes run at once, so either may be ahead, and the two may meet in between.
        let (order, paid) = (order(number, 7), paid(number));
        if number % 2 == 0 {
            platform.say("orders", &order).await;
            platform.say("payments", &paid).await;
        } else {
            platform.say("payments", &paid).await;
            platform.say("orders", &order).await;
        }
    }
    platform.settled().await;
    let request = notifications_api::ListNotificationsRequest { limit: 200, ..Default::default() };
    let mut me = crate::client(&platform, host::testing::guest(7));
    let page = me.list_notifications(request.clone()).await.unwrap().into_inner();
    let rest = me
        .list_notifications(notifications_api::ListNotificationsRequest { after: page.next, ..request })
        .await
        .unwrap()
        .into_inner();
    assert_eq!(page.notifications.len() + rest.notifications.len(), 300);
}

#[tokio::test]
async fn a_crash_neither_loses_nor_repeats_a_message() {
    let mut platform = platform().await;
    for round in 0..4 {
        for number in 0..40 {
            platform.say("orders", &order(round * 40 + number + 1, 7)).await;
            platform.say("delivery", &delivered(round * 40 + number + 1)).await;
        }
        if round % 2 == 1 {
            platform.heard("notification.created", usize::try_from(round * 80 + 20).unwrap()).await;
        }
        platform = platform.crash_and_restart([notifications::service()], Default::default()).await;
    }
    platform.settled().await;
    assert_eq!(platform.events("notification.created").await.len(), 320);
}

#[tokio::test]
async fn what_has_expired_is_not_seen_and_is_removed() {
    // A day's 500,000th part: 0.17 seconds.
    let platform = Platform::start_set([notifications::service()], &[("notification_days", "0.000002")]).await;
    platform.say("orders", &order(1, 7)).await;
    platform.heard("notification.created", 1).await;
    let empty = "select count(*) from notifications_messages";
    platform
        .eventually("expired messages are gone", || async {
            let row = platform.ctx("notifications").store().read_one(empty, vec![]).await?;
            let rows = row.map_or(Ok(0), |row| row.int(0))?;
            Ok(if rows == 0 { Ok(()) } else { Err(format!("{rows} rows are left")) })
        })
        .await;
    assert_eq!(list(&platform, 7).await, []);
}

#[tokio::test]
async fn what_is_known_of_an_order_goes_after_a_season() {
    let platform = platform().await;
    platform.say("orders", &order(1, 7)).await;
    let notes = || async {
        let text = "select count(*) from notifications_orders";
        platform.ctx("notifications").store().read_one(text, vec![]).await.unwrap().unwrap().int(0).unwrap()
    };
    platform.drop_what_is_old(89).await;
    assert_eq!(notes().await, 1);
    platform.drop_what_is_old(91).await;
    assert_eq!(notes().await, 0);
    assert_eq!(list(&platform, 7).await.len(), 1, "messages have an expiry of their own");
}
