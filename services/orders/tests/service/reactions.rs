//! What orders does about the news of the others.

use std::collections::BTreeMap;

use base::Currency;
use base::id::{DeliveryId, OrderId, PaymentId, ShopId, TicketId};
use delivery_api::events::{DeliveryRecalled, OrderDelivered, OrderShipped};
use host::testing::{Platform, guest, staff};
use inventory_api::events::{Shortage, StockRejected, StockReserved};
use kitchen_api::events::{CookingStarted, OrderReady};
use orders_api::events::{CancelReason, OrderCancelled};
use orders_api::{CancelRequest, GetOrderRequest, Order, RebuildRequest, StatisticsRequest};
use payments_api::events::{FailureReason, OrderPaid, PaymentFailed};
use wire::fault_of;

use crate::fakes::{Couriers, client, place, services, services_with};

const SHOP: ShopId = ShopId(1);

async fn seen(platform: &Platform, order_id: i64) -> Order {
    client(platform, staff()).get_order(GetOrderRequest { order_id }).await.unwrap().into_inner()
}

async fn reaches(platform: &Platform, order_id: i64, state: &str) -> Order {
    platform
        .eventually(&format!("the order is {state}"), || async {
            let order = seen(platform, order_id).await;
            Ok(if order.state == state { Ok(order) } else { Err(format!("it is {}", order.state)) })
        })
        .await
}

fn paid(order: &Order) -> OrderPaid {
    OrderPaid {
        order_id: OrderId(order.order_id),
        shop_id: SHOP,
        payment_id: PaymentId(order.order_id),
        amount_minor: order.total_minor,
        currency: Currency::USD,
        method: "card".to_owned(),
    }
}

async fn say_all(platform: &Platform, order: &Order) {
    let order_id = OrderId(order.order_id);
    platform.say("inventory", &StockReserved { order_id, shop_id: SHOP }).await;
    platform.say("payments", &paid(order)).await;
    platform.say("kitchen", &CookingStarted { order_id, shop_id: SHOP, ticket_id: TicketId(1), ready_at: platform.now() }).await;
    platform.say("kitchen", &OrderReady { order_id, shop_id: SHOP, ticket_id: TicketId(1), cooking_ms: 5 }).await;
    platform
        .say("delivery", &OrderShipped { order_id, shop_id: SHOP, delivery_id: DeliveryId(1), expected_at: platform.now() })
        .await;
    let delivered = OrderDelivered {
        order_id,
        shop_id: SHOP,
        delivery_id: DeliveryId(1),
        cash_taken_minor: 0,
        currency: Currency::USD,
        delivered_at: platform.now(),
        proof: "by_itself".to_owned(),
    };
    platform.say("delivery", &delivered).await;
}

#[tokio::test]
async fn s1_o01_s1_o04_an_order_goes_to_the_door_and_its_happenings_rebuild_it() {
    let platform = Platform::start(services()).await;
    let order = place(&platform, guest(7)).await;
    say_all(&platform, &order).await;
    reaches(&platform, order.order_id, "delivered").await;
    let mut staff = client(&platform, staff());
    let check = staff.check_order(GetOrderRequest { order_id: order.order_id }).await.unwrap().into_inner();
    assert!(check.equal, "{}", check.difference);
    let history = staff.get_history(GetOrderRequest { order_id: order.order_id }).await.unwrap().into_inner().happenings;
    assert_eq!(history.first().unwrap().kind, "placed");
    // What payments says may be heard after what delivery says: between services nothing is promised.
    assert!(history.iter().any(|happening| happening.kind == "delivered"));
}

#[tokio::test]
async fn an_order_that_goes_on_while_it_is_checked_is_not_taken_for_a_forged_one() {
    let platform = Platform::start(services()).await;
    let order = place(&platform, guest(7)).await;
    let checked = async {
        let mut staff = client(&platform, staff());
        let mut checks = 0;
        while seen(&platform, order.order_id).await.state != "delivered" {
            let check = staff.check_order(GetOrderRequest { order_id: order.order_id }).await.unwrap().into_inner();
            assert!(check.equal, "{}", check.difference);
            checks += 1;
            assert!(checks < 100_000, "the order is never delivered");
            tokio::task::yield_now().await;
        }
        checks
    };
    let ((), checks) = tokio::join!(say_all(&platform, &order), checked);
    assert!(checks > 0);
}

#[tokio::test]
async fn news_that_comes_twice_changes_the_order_once() {
    let platform = Platform::start(services()).await;
    let order = place(&platform, guest(7)).await;
    say_all(&platform, &order).await;
    reaches(&platform, order.order_id, "delivered").await;
    platform.settled().await;
    let version = seen(&platform, order.order_id).await.version;
    say_all(&platform, &order).await;
    platform.settled().await;
    assert_eq!(seen(&platform, order.order_id).await.version, version);
}

#[tokio::test]
async fn s4_s03_a_declined_payment_ends_the_order_with_its_reason() {
    let platform = Platform::start(services()).await;
    let order = place(&platform, guest(7)).await;
    let order_id = OrderId(order.order_id);
    platform.say("inventory", &StockReserved { order_id, shop_id: SHOP }).await;
    platform
        .say("payments", &PaymentFailed { order_id, shop_id: SHOP, payment_id: PaymentId(1), reason: FailureReason::Declined })
        .await;
    let ended = reaches(&platform, order.order_id, "cancelled").await;
    assert_eq!((ended.reason.as_str(), ended.cancelled_by.as_str(), ended.fee_minor), ("payment_declined", "platform", 0));
    let said: OrderCancelled = platform.heard("order.cancelled", 1).await[0].read().unwrap();
    assert_eq!(said.reason, CancelReason::PaymentDeclined);
}

#[tokio::test]
async fn what_is_not_in_stock_ends_the_order_and_nothing_brings_it_back() {
    let platform = Platform::start(services()).await;
    let order = place(&platform, guest(7)).await;
    let order_id = OrderId(order.order_id);
    let shortages = vec![Shortage { stock_id: base::id::StockId(11), wanted: 500, available: 3 }];
    platform.say("inventory", &StockRejected { order_id, shop_id: SHOP, shortages }).await;
    reaches(&platform, order.order_id, "cancelled").await;
    say_all(&platform, &order).await;
    platform.settled().await;
    let ended = seen(&platform, order.order_id).await;
    assert_eq!((ended.state.as_str(), ended.reason.as_str()), ("cancelled", "out_of_stock"));
    assert_eq!(platform.events("order.cancelled").await.len(), 1);
}

#[tokio::test]
async fn a_guest_cancels_in_time_and_is_refused_when_the_kitchen_has_begun() {
    let platform = Platform::start(services()).await;
    let (early, late) = (place(&platform, guest(7)).await, place(&platform, guest(7)).await);
    let mut guest = client(&platform, guest(7));
    for _ in 0..2 {
        let cancelled =
            guest.cancel(CancelRequest { order_id: early.order_id, reason: "передумал".into() }).await.unwrap().into_inner();
        assert_eq!((cancelled.state.as_str(), cancelled.reason.as_str()), ("cancelled", "customer_asked"));
    }
    assert_eq!(platform.events("order.cancelled").await.len(), 1, "asked twice, ended once");
    let order_id = OrderId(late.order_id);
    platform.say("kitchen", &CookingStarted { order_id, shop_id: SHOP, ticket_id: TicketId(1), ready_at: platform.now() }).await;
    reaches(&platform, late.order_id, "cooking").await;
    let refusal = fault_of(guest.cancel(CancelRequest { order_id: late.order_id, reason: String::new() }).await.unwrap_err());
    assert_eq!((refusal.code.as_str(), refusal.kind.http_status()), ("too_late_to_cancel", 422));
}

#[tokio::test]
async fn staff_are_refused_when_it_was_handed_over_although_orders_has_not_heard_of_it() {
    let couriers = Couriers::default();
    let platform = Platform::start(services_with(&couriers)).await;
    let mut shop = client(&platform, staff());
    for (state, code) in [("delivered", "already_delivered"), ("shipped", "too_late_to_cancel")] {
        let order = place(&platform, guest(7)).await;
        couriers.0.lock().unwrap().insert(order.order_id, state);
        let refusal = shop.cancel(CancelRequest { order_id: order.order_id, reason: "too slow".into() }).await.unwrap_err();
        assert_eq!(fault_of(refusal).code, code);
        say_all(&platform, &order).await;
        reaches(&platform, order.order_id, "delivered").await;
    }
    platform.settled().await;
    assert!(platform.events("order.cancelled").await.is_empty(), "nobody was told to give money back");
}

#[tokio::test]
async fn what_was_called_back_ends_even_if_whoever_wanted_it_is_gone() {
    let platform = Platform::start(services()).await;
    let order = place(&platform, guest(7)).await;
    let order_id = OrderId(order.order_id);
    platform.say("kitchen", &CookingStarted { order_id, shop_id: SHOP, ticket_id: TicketId(1), ready_at: platform.now() }).await;
    let recalled = DeliveryRecalled {
        order_id,
        shop_id: SHOP,
        delivery_id: DeliveryId(1),
        reason: "customer_asked".to_owned(),
        by: "guest".to_owned(),
    };
    platform.say("delivery", &recalled).await;
    let ended = reaches(&platform, order.order_id, "cancelled").await;
    assert_eq!((ended.reason.as_str(), ended.cancelled_by.as_str()), ("customer_asked", "guest"));
    platform.say("delivery", &recalled).await;
    platform.settled().await;
    assert_eq!(platform.events("order.cancelled").await.len(), 1);
}

#[tokio::test]
async fn a_deadline_does_not_end_what_was_delivered_while_orders_was_not_listening() {
    let couriers = Couriers::default();
    let platform = Platform::start_set(services_with(&couriers), &[("order_first_deadline_seconds", "0.02")]).await;
    let gate = platform.inner().running("orders").unwrap().gate.clone();
    gate.set_open(false);
    let order = place(&platform, guest(7)).await;
    couriers.0.lock().unwrap().insert(order.order_id, "delivered");
    say_all(&platform, &order).await;
    // The deadline has passed, and the news still waits: whichever comes first when the gate opens, the order was delivered.
    let store = platform.ctx("orders").store().clone();
    platform
        .eventually("the deadline is due", || async {
            let due = store.next_due().await?;
            Ok(if due.is_some_and(|due| due <= platform.now()) { Ok(()) } else { Err(format!("{due:?}")) })
        })
        .await;
    gate.set_open(true);
    reaches(&platform, order.order_id, "delivered").await;
    platform.settled().await;
    assert!(platform.events("order.cancelled").await.is_empty());
}

#[tokio::test]
async fn an_order_whose_last_news_got_lost_ends_as_delivery_says() {
    let couriers = Couriers::default();
    let deadlines = [("order_first_deadline_seconds", "0.02"), ("order_last_deadline_seconds", "0.01")];
    let platform = Platform::start_set(services_with(&couriers), &deadlines).await;
    let order = place(&platform, guest(7)).await;
    // Nothing else is ever heard of it, as if the news lay in the dead letters.
    couriers.0.lock().unwrap().insert(order.order_id, "delivered");
    reaches(&platform, order.order_id, "delivered").await;
    platform.settled().await;
    assert!(platform.events("order.cancelled").await.is_empty());
}

#[tokio::test]
async fn an_order_that_nobody_answers_ends_at_its_deadline() {
    let platform = Platform::start_set(services(), &[("order_first_deadline_seconds", "0.05")]).await;
    let order = place(&platform, guest(7)).await;
    let ended = reaches(&platform, order.order_id, "cancelled").await;
    assert_eq!(ended.reason, "stock_timeout");
}

#[tokio::test]
async fn s1_n05_a_crash_loses_neither_order_nor_deadline_nor_place_in_the_log() {
    let platform = Platform::start_set(services(), &[]).await;
    let order = place(&platform, guest(7)).await;
    say_all(&platform, &order).await;
    let waiting = place(&platform, guest(8)).await;
    let settings = BTreeMap::from([("order_last_deadline_seconds".to_owned(), "0.01".to_owned())]);
    let platform = platform.crash_and_restart(services(), settings).await;
    reaches(&platform, order.order_id, "delivered").await;
    platform.settled().await;
    let check = client(&platform, staff()).check_order(GetOrderRequest { order_id: order.order_id }).await.unwrap().into_inner();
    assert!(check.equal, "{}", check.difference);
    assert_eq!(seen(&platform, waiting.order_id).await.state, "pending");
    assert_eq!(platform.ctx("orders").store().job_count().await.unwrap(), 1, "the deadline of the waiting order");
}

#[tokio::test]
async fn s4_p06_s4_p07_s4_c07_news_of_an_unknown_order_is_parked_with_its_cause_and_can_be_discarded() {
    let platform = Platform::start(services()).await;
    platform.say("inventory", &StockReserved { order_id: OrderId(5), shop_id: SHOP }).await;
    let parked = platform.heard("dead_letter.parked", 1).await;
    assert!(parked[0].data.get().contains("order_not_found"), "{}", parked[0].data);
    platform.say("inventory", &StockReserved { order_id: OrderId(5), shop_id: SHOP }).await;
    let order = place(&platform, guest(7)).await;
    say_all(&platform, &order).await;
    reaches(&platform, order.order_id, "delivered").await;
    let store = platform.ctx("orders").store().clone();
    platform
        .eventually("the second letter waits behind the first", || async {
            let letters = store.parked(None, 0, 10).await?;
            Ok(if letters.len() == 2 && letters[1].behind == Some(letters[0].id) { Ok(()) } else { Err(format!("{letters:?}")) })
        })
        .await;
}

#[tokio::test]
async fn an_order_that_ended_long_ago_goes_with_all_that_is_its_own_and_is_still_counted() {
    let platform = Platform::start(services()).await;
    let (gone, open) = (place(&platform, guest(7)).await, place(&platform, guest(8)).await);
    say_all(&platform, &gone).await;
    reaches(&platform, gone.order_id, "delivered").await;
    let counted =
        || async { client(&platform, staff()).get_statistics(StatisticsRequest { shop_id: 1 }).await.unwrap().into_inner() };
    let rows = || async {
        let text = "select (select count(*) from orders_orders), (select count(*) from orders_events), (select count(*) from orders_items), (select count(*) from orders_contacts), (select count(*) from orders_mine)";
        let row = platform.ctx("orders").store().read_one(text, vec![]).await.unwrap().unwrap();
        (0..5).map(|place| row.int(place).unwrap()).collect::<Vec<_>>()
    };
    platform.settled().await;
    let (before, kept) = (counted().await, rows().await);
    assert_eq!((before.orders, before.in_flight, before.delivered_minor), (2, 1, gone.total_minor));
    platform.drop_what_is_old(3_649).await;
    assert_eq!(rows().await, kept, "ten years have not passed");

    platform.drop_what_is_old(3_651).await;
    assert_eq!(rows().await, [1, 1, 1, 1, 1]);
    assert_eq!(seen(&platform, open.order_id).await.state, "pending");
    assert_eq!(counted().await, before);
    for projection in ["mine", "board", "statistics"] {
        let request = RebuildRequest { projection: projection.to_owned(), reason: "a test".to_owned() };
        client(&platform, staff()).rebuild_projection(request).await.unwrap();
    }
    assert_eq!((counted().await, rows().await), (before, vec![1, 1, 1, 1, 1]));
}
