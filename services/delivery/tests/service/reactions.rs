use std::collections::BTreeMap;

use delivery_api::events::{OrderDelivered, OrderShipped};

use super::*;

#[tokio::test]
async fn s1_x05_what_the_kitchen_has_ready_is_carried_and_delivered() {
    let platform = delivery(FAST).await;
    platform.say("orders", &created(1, ItemKind::Dish)).await;
    platform.say("payments", &paid(1, "card")).await;
    platform.settled().await;
    assert_eq!(state(&platform, 1).await, "waiting", "dishes wait for the kitchen");
    platform.say("kitchen", &ready(1)).await;
    let delivered: OrderDelivered = platform.heard("order.delivered", 1).await[0].read().unwrap();
    let shipped: OrderShipped = platform.events("order.shipped").await[0].read().unwrap();
    assert_eq!((delivered.order_id, delivered.delivery_id), (OrderId(1), shipped.delivery_id));
    assert!(delivered.delivered_at >= shipped.expected_at);
    assert_eq!((delivered.cash_taken_minor, delivered.proof.as_str()), (0, "by_itself"));
    assert_eq!(shipment(&platform, 1).await.way, "carried");
}

#[tokio::test]
async fn goods_are_packed_and_shipped_once_they_are_paid() {
    let platform = delivery(FAST).await;
    platform.say("orders", &in_cash(created(1, ItemKind::Goods))).await;
    platform.say("payments", &promised(1)).await;
    let delivered: OrderDelivered = platform.heard("order.delivered", 1).await[0].read().unwrap();
    assert_eq!((delivered.cash_taken_minor, delivered.currency), (1_250, Currency::EUR));
    platform.say("payments", &paid(1, "cash")).await;
    platform.settled().await;
    assert_eq!(platform.events("order.shipped").await.len(), 1);
    assert_eq!(shipment(&platform, 1).await.way, "packed");
}

#[tokio::test]
async fn what_is_fetched_is_shipped_and_delivered_by_one_commit() {
    let platform = delivery(&[]).await;
    let order = OrderCreated { fulfilment: Fulfilment::Pickup, ..created(1, ItemKind::Dish) };
    platform.say("orders", &order).await;
    platform.say("kitchen", &ready(1)).await;
    platform.heard("order.delivered", 1).await;
    platform.settled().await;
    assert_eq!(platform.ctx("delivery").store().job_count().await.unwrap(), 0);
}

#[tokio::test]
async fn the_order_in_which_others_are_heard_does_not_matter() {
    let platform = delivery(FAST).await;
    platform.say("kitchen", &ready(1)).await;
    platform.say("payments", &paid(1, "card")).await;
    platform.say("payments", &paid(2, "card")).await;
    platform.say("payments", &paid(3, "card")).await;
    platform.settled().await;
    platform.say("kitchen", &ready(3)).await;
    platform.settled().await;
    let mut client = DeliveryClient::new(platform.channel("delivery", staff()));
    assert!(client.get_delivery(api::GetDeliveryRequest { order_id: 1 }).await.is_err(), "nothing is known of it yet");
    platform.say("orders", &created(1, ItemKind::Dish)).await;
    platform.say("orders", &in_cash(created(2, ItemKind::Goods))).await;
    platform.say("orders", &created(3, ItemKind::Dish)).await;
    platform.heard("order.delivered", 3).await;
    platform.settled().await;
    assert_eq!(platform.events("order.shipped").await.len(), 3);
    assert_eq!(shipment(&platform, 2).await.cash_taken_minor, 1_250);
}

#[tokio::test]
async fn s1_x05_what_is_said_twice_is_delivered_once() {
    let platform = delivery(FAST).await;
    for _ in 0..2 {
        platform.say("orders", &created(1, ItemKind::Dish)).await;
        platform.say("orders", &created(2, ItemKind::Goods)).await;
        platform.say("payments", &paid(2, "card")).await;
        platform.say("kitchen", &ready(1)).await;
    }
    platform.heard("order.delivered", 2).await;
    platform.say("kitchen", &ready(1)).await;
    platform.say("payments", &promised(2)).await;
    platform.settled().await;
    assert_eq!(platform.events("order.shipped").await.len(), 2);
    assert_eq!(platform.events("order.delivered").await.len(), 2);
}

#[tokio::test]
async fn a_cancelled_order_is_called_back_and_never_delivered() {
    let platform = delivery(&[]).await;
    platform.say("orders", &created(1, ItemKind::Dish)).await;
    platform.say("orders", &created(2, ItemKind::Goods)).await;
    platform.say("orders", &created(3, ItemKind::Dish)).await;
    platform.say("payments", &paid(2, "card")).await;
    platform.say("kitchen", &ready(3)).await;
    platform.settled().await;
    let states = async || [state(&platform, 1).await, state(&platform, 2).await, state(&platform, 3).await];
    assert_eq!(states().await, ["waiting", "packing", "shipped"]);
    assert_eq!(platform.ctx("delivery").store().job_count().await.unwrap(), 2);
    for order in 1..=3 {
        platform.say("orders", &cancelled(order)).await;
    }
    platform.settled().await;
    platform.say("kitchen", &ready(1)).await;
    platform.settled().await;
    assert_eq!(states().await, ["cancelled", "cancelled", "cancelled"]);
    assert_eq!(platform.ctx("delivery").store().job_count().await.unwrap(), 0);
    assert!(platform.events("order.delivered").await.is_empty());
}

#[tokio::test]
async fn a_burst_is_carried_together() {
    let platform = delivery(FAST).await;
    for order in 1..=100 {
        platform.say("orders", &created(order, if order % 2 == 0 { ItemKind::Dish } else { ItemKind::Goods })).await;
        platform.say("payments", &paid(order, "card")).await;
        platform.say("kitchen", &ready(order)).await;
    }
    let delivered = platform.heard("order.delivered", 100).await;
    let mut keys: Vec<_> = delivered.iter().map(|event| event.key).collect();
    keys.sort_unstable();
    assert_eq!(keys, (1..=100).collect::<Vec<_>>());
}

#[tokio::test]
async fn a_crash_loses_no_timer_and_delivers_nothing_twice() {
    let slow = delivery(&[("delivery_time_scale", "3000")]).await;
    for order in 1..=5 {
        slow.say("orders", &created(order, ItemKind::Dish)).await;
        slow.say("kitchen", &ready(order)).await;
    }
    slow.heard("order.shipped", 3).await;
    let again = slow
        .crash_and_restart([delivery::service()], BTreeMap::from([("delivery_time_scale".to_owned(), "3000".to_owned())]))
        .await;
    again.heard("order.delivered", 5).await;
    again.settled().await;
    assert_eq!(again.events("order.shipped").await.len(), 5);
    assert_eq!(again.events("order.delivered").await.len(), 5);
}

#[tokio::test]
async fn a_delivery_of_long_ago_goes_and_one_that_waits_stays() {
    let platform = delivery(FAST).await;
    for order in 1..=3 {
        platform.say("orders", &created(order, ItemKind::Goods)).await;
    }
    platform.say("payments", &paid(1, "card")).await;
    platform.say("orders", &cancelled(2)).await;
    platform.heard("order.delivered", 1).await;
    platform.drop_what_is_old(89).await;
    assert_eq!(state(&platform, 1).await, "delivered", "a season has not passed");
    platform.drop_what_is_old(91).await;
    let mut client = DeliveryClient::new(platform.channel("delivery", staff()));
    for gone in [1, 2] {
        assert!(client.get_delivery(api::GetDeliveryRequest { order_id: gone }).await.is_err(), "{gone}");
    }
    assert_eq!(state(&platform, 3).await, "waiting");
    platform.say("payments", &paid(3, "card")).await;
    platform.heard("order.delivered", 2).await;
}
