//! What is heard twice, late, or over a crash.

use base::Timestamp;
use base::id::{DeliveryId, OrderId, PaymentId, ShopId, TicketId};
use delivery_api::events::OrderShipped;
use host::testing::staff;
use inventory_api as api;
use inventory_api::events::{StockLow, StockRejected};
use kitchen_api::events::CookingStarted;
use payments_api::events::{FailureReason, PaymentFailed};

use crate::{add, cancelled, ledger_agrees, level, order, platform, read, state, terms, write};

fn cooking(id: i64) -> CookingStarted {
    CookingStarted { order_id: OrderId(id), shop_id: ShopId(1), ticket_id: TicketId(id), ready_at: Timestamp(9) }
}

fn shipped(id: i64) -> OrderShipped {
    OrderShipped { order_id: OrderId(id), shop_id: ShopId(1), delivery_id: DeliveryId(id), expected_at: Timestamp(9) }
}

fn unpaid(id: i64) -> PaymentFailed {
    PaymentFailed { order_id: OrderId(id), shop_id: ShopId(1), payment_id: PaymentId(id), reason: FailureReason::Declined }
}

#[tokio::test]
async fn s1_f03_s1_i02_stock_is_set_aside_for_an_order_and_used_up_by_the_kitchen() {
    let platform = platform().await;
    let (flour, cheese) = (add(&platform, "flour", 1_000, 0).await.stock_id, add(&platform, "cheese", 500, 0).await.stock_id);
    platform.say("orders", &order(1, &[(flour, 300), (cheese, 120)])).await;
    platform.heard("stock.reserved", 1).await;
    assert_eq!(terms(&platform, flour).await, (700, 300, 0));
    platform.say("kitchen", &cooking(1)).await;
    platform.settled().await;
    assert_eq!(terms(&platform, flour).await, (700, 0, 300));
    assert_eq!(terms(&platform, cheese).await, (380, 0, 120));
    assert_eq!(state(&platform, 1).await, "consumed");
    platform.say("delivery", &shipped(1)).await;
    platform.settled().await;
    assert_eq!(terms(&platform, flour).await, (700, 0, 300), "what the kitchen used up does not leave again at the door");

    let request = api::ListMovementsRequest { shop_id: 1, order_id: 1, ..Default::default() };
    let movements = read(&platform, staff()).list_movements(request).await.unwrap().into_inner().movements;
    let kinds: Vec<_> = movements.iter().map(|movement| (movement.kind.as_str(), movement.needs.len())).collect();
    assert_eq!(kinds, [("consume", 2), ("reserve", 2)]);
    assert_eq!(ledger_agrees(&platform).await, 4);
}

#[tokio::test]
async fn s1_x03_a_new_order_asks_the_stock_before_anybody_asks_for_money() {
    let platform = platform().await;
    let flour = add(&platform, "flour", 100, 0).await.stock_id;
    platform.say("orders", &order(1, &[(flour, 60)])).await;
    platform.say("orders", &order(2, &[(flour, 60)])).await;
    platform.say("orders", &order(3, &[(flour, 40)])).await;
    platform.heard("stock.reserved", 2).await;
    let rejected = platform.heard("stock.rejected", 1).await;
    let rejected: StockRejected = rejected[0].read().unwrap();
    assert_eq!((rejected.order_id, rejected.shortages[0].wanted, rejected.shortages[0].available), (OrderId(2), 60, 40));
    assert_eq!(terms(&platform, flour).await, (0, 100, 0));
    assert_eq!(state(&platform, 2).await, "rejected");
}

#[tokio::test]
async fn an_order_heard_twice_is_set_aside_used_up_and_put_back_once() {
    let platform = platform().await;
    let flour = add(&platform, "flour", 1_000, 0).await.stock_id;
    for _ in 0..2 {
        platform.say("orders", &order(1, &[(flour, 10)])).await;
        platform.say("orders", &order(2, &[(flour, 100)])).await;
    }
    platform.settled().await;
    for _ in 0..2 {
        platform.say("kitchen", &cooking(1)).await;
    }
    // Between services nothing is promised: what comes after the kitchen has begun must be said after it was heard.
    platform.settled().await;
    for _ in 0..2 {
        platform.say("payments", &unpaid(2)).await;
        platform.say("orders", &cancelled(2)).await;
        platform.say("orders", &cancelled(1)).await;
    }
    platform.settled().await;
    assert_eq!(platform.events("stock.reserved").await.len(), 2);
    assert_eq!(terms(&platform, flour).await, (990, 0, 10), "what was cooked does not come back");
    assert_eq!(state(&platform, 2).await, "released");
    assert_eq!(ledger_agrees(&platform).await, 5);
}

#[tokio::test]
async fn goods_that_see_no_kitchen_are_used_up_when_they_leave() {
    let platform = platform().await;
    let cola = add(&platform, "cola", 10, 0).await.stock_id;
    platform.say("orders", &order(1, &[(cola, 2)])).await;
    platform.heard("stock.reserved", 1).await;
    platform.say("delivery", &shipped(1)).await;
    platform.settled().await;
    assert_eq!(terms(&platform, cola).await, (8, 0, 2));
}

#[tokio::test]
async fn the_kitchen_heard_before_the_order_waits_for_it() {
    let platform = platform().await;
    let flour = add(&platform, "flour", 10, 0).await.stock_id;
    platform.say("kitchen", &cooking(1)).await;
    let unpaid = platform.say("payments", &unpaid(2)).await;
    let store = platform.ctx("inventory").store().clone();
    platform
        .eventually("the payment is heard before its order", || async {
            let (heard, _) = store.cursor("payments").await?;
            Ok(if heard >= unpaid { Ok(()) } else { Err(format!("heard up to {heard}")) })
        })
        .await;
    platform.say("orders", &order(1, &[(flour, 2)])).await;
    platform.say("orders", &order(2, &[(flour, 3)])).await;
    platform
        .eventually("the kitchen is heard after all", || async {
            let seen = terms(&platform, flour).await;
            Ok(if seen == (5, 3, 2) { Ok(()) } else { Err(format!("{seen:?}")) })
        })
        .await;
    platform.say("orders", &cancelled(2)).await;
    platform.say("orders", &cancelled(3)).await;
    platform.say("orders", &order(3, &[(flour, 4)])).await;
    platform.settled().await;
    assert_eq!(terms(&platform, flour).await, (8, 0, 2), "a cancelled order takes nothing any more");
}

#[tokio::test]
async fn s1_i04_running_low_is_said_once_per_crossing() {
    let platform = platform().await;
    let flour = add(&platform, "flour", 100, 50).await;
    let id = flour.stock_id;
    for number in 1..=8 {
        platform.say("orders", &order(number, &[(id, 10)])).await;
    }
    let lows = platform.heard("stock.low", 1).await;
    platform.settled().await;
    assert_eq!(platform.events("stock.low").await.len(), 1);
    let low: StockLow = lows[0].read().unwrap();
    assert!((20..50).contains(&low.available) && low.low_at == 50 && low.slug == "flour", "{low:?}");
    assert!(crate::level(&platform, id).await.low);
    let receive = api::EditRequest { stock_id: id, quantity: 100, ..Default::default() };
    assert!(!write(&platform, "refill", "").receive(receive).await.unwrap().into_inner().low);
    for number in 11..=20 {
        platform.say("orders", &order(number, &[(id, 10)])).await;
    }
    platform.heard("stock.low", 2).await;
    platform.settled().await;
    assert_eq!(platform.events("stock.low").await.len(), 2);
    ledger_agrees(&platform).await;
}

#[tokio::test]
async fn a_batch_survives_a_crash_before_and_after_its_commit() {
    let mut platform = platform().await;
    let flour = add(&platform, "flour", 100_000, 0).await.stock_id;
    let mut said = 0;
    for round in 0..4 {
        for _ in 0..100 {
            said += 1;
            platform.say("orders", &order(said, &[(flour, 7)])).await;
        }
        // The crash falls wherever the batches of this round happen to be.
        if round % 2 == 1 {
            platform.heard("stock.reserved", usize::try_from(said).unwrap() - 60).await;
        }
        platform = platform.crash_and_restart([inventory::service()], Default::default()).await;
    }
    platform.settled().await;
    assert_eq!(platform.events("stock.reserved").await.len(), 400);
    assert_eq!(terms(&platform, flour).await, (100_000 - 2_800, 2_800, 0));
    assert_eq!(ledger_agrees(&platform).await, 401);
}

#[tokio::test]
async fn what_a_cart_set_aside_is_announced_when_its_order_comes() {
    let platform = platform().await;
    let flour = add(&platform, "flour", 10, 0).await.stock_id;
    let ask = api::ReserveRequest { order_id: 1, shop_id: 1, needs: vec![api::Need { stock_id: flour, quantity: 4 }] };
    write(&platform, "cart", "").reserve(ask.clone()).await.unwrap();
    let again = write(&platform, "cart again", "").reserve(ask).await.unwrap().into_inner();
    assert_eq!(again.state, "held");
    assert_eq!(platform.events("stock.reserved").await.len(), 0);
    platform.say("orders", &order(1, &[(flour, 4)])).await;
    platform.heard("stock.reserved", 1).await;
    assert_eq!(terms(&platform, flour).await, (6, 4, 0));
    write(&platform, "release", "").release(api::ReservationRequest { order_id: 1 }).await.unwrap();
    assert_eq!(
        write(&platform, "release again", "").release(api::ReservationRequest { order_id: 1 }).await.unwrap().into_inner().state,
        "released"
    );
    assert_eq!(terms(&platform, flour).await, (10, 0, 0));
}

#[tokio::test]
async fn what_ended_long_ago_leaves_the_ledger_and_the_levels_can_still_be_rebuilt() {
    let platform = platform().await;
    let flour = add(&platform, "flour", 1_000, 0).await.stock_id;
    let cheese = add(&platform, "cheese", 500, 0).await.stock_id;
    let request = api::EditRequest { stock_id: flour, quantity: 30, version: 0, reason: "spilt".to_owned() };
    let counted = api::EditRequest { version: level(&platform, flour).await.version, ..request };
    write(&platform, "waste", "").waste(counted).await.unwrap();
    for (id, needs) in [(1, [(flour, 300), (cheese, 7)]), (2, [(flour, 50), (cheese, 1)]), (3, [(flour, 9_999), (cheese, 1)])] {
        platform.say("orders", &order(id, &needs)).await;
    }
    platform.say("orders", &order(4, &[(flour, 100)])).await;
    platform.settled().await;
    platform.say("kitchen", &cooking(1)).await;
    platform.say("orders", &cancelled(2)).await;
    platform.settled().await;
    let before = (level(&platform, flour).await, level(&platform, cheese).await);
    assert_eq!(ledger_agrees(&platform).await, 3 + 5);

    platform.drop_what_is_old(89).await;
    assert_eq!(ledger_agrees(&platform).await, 3 + 5, "a season has not passed");
    platform.drop_what_is_old(91).await;
    assert_eq!(ledger_agrees(&platform).await, 3 + 1, "receipts and waste are books, and one order still holds something");
    platform.drop_what_is_old(3_651).await;
    assert_eq!(ledger_agrees(&platform).await, 1);
    assert_eq!((level(&platform, flour).await, level(&platform, cheese).await), before);
    assert_eq!(state(&platform, 4).await, "held");

    // News of what is gone brings nothing back, and what was held goes on.
    platform.say("orders", &cancelled(1)).await;
    platform.say("kitchen", &cooking(4)).await;
    platform.settled().await;
    assert_eq!(terms(&platform, flour).await, (570, 0, 400));
    assert_eq!(ledger_agrees(&platform).await, 2);
}
