use kitchen_api::events::{CookingFailed, CookingStarted, OrderReady};

use super::*;

#[tokio::test]
async fn s1_x04_a_paid_order_is_cooked_and_becomes_ready() {
    let platform = kitchen(FAST).await;
    platform.say("orders", &created(1, vec![pizzas(2)])).await;
    platform.say("payments", &paid(1, "card")).await;
    let ready = platform.heard("order.ready", 1).await;
    let started: CookingStarted = platform.events("cooking.started").await[0].read().unwrap();
    let fact: OrderReady = ready[0].read().unwrap();
    assert_eq!((started.order_id, fact.ticket_id), (OrderId(1), started.ticket_id));
    assert_eq!(ready[0].correlation, "test");
    // One place of each kind: the second pizza waits for the oven, and its end is the order's.
    assert_eq!(fact.cooking_ms, (120 + 360 + 360 + 40) * 1_000);
    platform.settled().await;
    let ticket = ticket(&platform, 1).await;
    assert_eq!(ticket.state, "ready");
    assert!(ticket.dishes.len() == 2 && ticket.dishes.iter().all(|dish| dish.state == "ready"));
}

#[tokio::test]
async fn a_promise_is_as_good_as_money_and_cash_at_the_door_cooks_nothing() {
    let platform = kitchen(FAST).await;
    platform.say("orders", &created(1, vec![pizzas(1)])).await;
    platform.say("orders", &created(2, vec![pizzas(1)])).await;
    platform.say("payments", &promised(1)).await;
    platform.say("payments", &paid(1, "cash")).await;
    platform.say("payments", &paid(2, "cash")).await;
    platform.heard("order.ready", 1).await;
    platform.settled().await;
    assert_eq!(state(&platform, 2).await, "waiting");
    assert_eq!(platform.events("cooking.started").await.len(), 1);
}

#[tokio::test]
async fn a_payment_heard_before_its_order_is_remembered() {
    let platform = kitchen(FAST).await;
    platform.say("payments", &paid(1, "card")).await;
    platform.say("payments", &paid(2, "card")).await;
    platform.settled().await;
    let mut client = KitchenClient::new(platform.channel("kitchen", staff()));
    assert!(client.get_ticket(api::GetTicketRequest { order_id: 1 }).await.is_err(), "it is no ticket yet");
    platform.say("orders", &created(1, vec![pizzas(1)])).await;
    platform.say("orders", &created(2, vec![])).await;
    platform.heard("order.ready", 1).await;
    platform.settled().await;
    assert_eq!(state(&platform, 1).await, "ready");
    assert!(client.get_ticket(api::GetTicketRequest { order_id: 2 }).await.is_err(), "goods need no ticket");
}

#[tokio::test]
async fn an_order_of_goods_makes_no_ticket_and_its_payment_starts_nothing() {
    let platform = kitchen(FAST).await;
    let goods = Line { kind: ItemKind::Goods, steps: vec![], ..pizzas(1) };
    platform.say("orders", &created(1, vec![goods])).await;
    platform.say("payments", &paid(1, "card")).await;
    platform.settled().await;
    assert!(platform.events("cooking.started").await.is_empty());
}

#[tokio::test]
async fn s1_x04_what_is_said_twice_is_cooked_once() {
    let platform = kitchen(FAST).await;
    for _ in 0..2 {
        platform.say("orders", &created(1, vec![pizzas(1)])).await;
        platform.say("payments", &paid(1, "card")).await;
        platform.say("payments", &promised(1)).await;
    }
    platform.heard("order.ready", 1).await;
    platform.say("payments", &paid(1, "card")).await;
    platform.settled().await;
    assert_eq!(platform.events("cooking.started").await.len(), 1);
    assert_eq!(platform.events("order.ready").await.len(), 1);
}

#[tokio::test]
async fn s1_k01_a_burst_is_booked_together_and_no_place_is_given_away_twice() {
    let platform = kitchen(&[]).await;
    for order in 1..=60 {
        platform.say("orders", &created(order, vec![pizzas(1)])).await;
    }
    for order in 1..=60 {
        if order % 2 == 0 {
            platform.say("payments", &promised(order)).await
        } else {
            platform.say("payments", &paid(order, "card")).await
        };
    }
    platform.settled().await;
    let mut spans: BTreeMap<i64, Vec<(i64, i64)>> = BTreeMap::new();
    for order in 1..=60 {
        for step in &ticket(&platform, order).await.dishes[0].steps {
            spans.entry(step.station_id).or_default().push((step.starts_at, step.ends_at));
        }
    }
    assert_eq!(spans.len(), 3);
    for (station, mut spans) in spans {
        spans.sort_unstable();
        assert!(spans.len() == 60 && spans.windows(2).all(|pair| pair[0].1 <= pair[1].0), "station {station}");
    }
}

#[tokio::test]
async fn a_cancelled_order_is_not_cooked_and_one_that_is_cooking_goes_on() {
    let platform = kitchen(&[]).await;
    for order in 1..=3 {
        platform.say("orders", &created(order, vec![pizzas(1)])).await;
    }
    platform.say("payments", &paid(1, "card")).await;
    platform.settled().await;
    platform.say("payments", &paid(2, "card")).await;
    platform.settled().await;
    let states = async || [state(&platform, 1).await, state(&platform, 2).await, state(&platform, 3).await];
    assert_eq!(states().await, ["cooking", "booked", "waiting"]);
    for order in 1..=3 {
        platform.say("orders", &cancelled(order)).await;
    }
    platform.settled().await;
    platform.say("payments", &paid(3, "card")).await;
    platform.settled().await;
    assert_eq!(states().await, ["cooking", "cancelled", "cancelled"]);
    assert_eq!(platform.ctx("kitchen").store().job_count().await.unwrap(), 1, "only the first order has a timer");
}

#[tokio::test]
async fn an_order_about_which_news_lies_in_the_dead_letters_is_not_begun() {
    let platform = kitchen(FAST).await;
    for order in 1..=2 {
        platform.say("orders", &created(order, vec![pizzas(1)])).await;
    }
    platform.settled().await;
    let letter = "insert into kitchen_parked (id, what, source, seq, kind, key, body, cause, attempts, parked_at) values (1, 'event', 'orders', 9, 'order.cancelled.v1', 1, '{}', 'It could not be read.', 1, 1)";
    platform.tamper("kitchen", letter, vec![]).await;
    for order in 1..=2 {
        platform.say("payments", &paid(order, "card")).await;
    }
    let begun = |kind| platform.ctx("kitchen").store().job(kind, 1);
    platform
        .eventually("the first dish waits", || async {
            let waits = [begun("start").await?, begun("ready").await?].map(|job| job.is_some_and(|job| job.due > platform.now()));
            Ok(if waits == [true, true] { Ok(()) } else { Err(format!("{waits:?}")) })
        })
        .await;
    platform.heard("order.ready", 1).await;
    assert_eq!((state(&platform, 1).await.as_str(), state(&platform, 2).await.as_str()), ("booked", "ready"));
    let letters = &platform.inner().running("kitchen").unwrap().letters;
    letters.discard(base::id::DeadLetterId(1), &staff(), "it said that the order was cancelled").await.unwrap();
    platform.say("orders", &cancelled(1)).await;
    platform.settled().await;
    assert_eq!(state(&platform, 1).await, "cancelled");
    assert_eq!(platform.events("cooking.started").await.len(), 1, "only the other order was begun");
}

#[tokio::test]
async fn an_order_that_needs_what_the_shop_has_not_fails() {
    let platform = kitchen(FAST).await;
    platform.say("orders", &created(1, vec![dishes(1, &[("tandoor", 60, 400)])])).await;
    platform.say("payments", &paid(1, "card")).await;
    let failed: CookingFailed = platform.heard("cooking.failed", 1).await[0].read().unwrap();
    assert_eq!((failed.order_id, failed.reason.as_str()), (OrderId(1), "no_station"));
    platform.settled().await;
    assert_eq!((state(&platform, 1).await.as_str(), ticket(&platform, 1).await.reason.as_str()), ("failed", "no_station"));
}

#[tokio::test]
async fn s1_k01_a_station_that_breaks_in_the_middle_moves_its_dishes_or_ends_their_orders() {
    let platform = kitchen(&[]).await;
    let second = put(&platform, "oven-2", "oven", 1).await;
    for order in 1..=2 {
        platform.say("orders", &created(order, vec![dishes(1, &[("oven", 600, 300), ("pass", 10, 0)])])).await;
        platform.say("payments", &paid(order, "card")).await;
    }
    platform.settled().await;
    let before = ticket(&platform, 2).await;
    let ovens = [ticket(&platform, 1).await.dishes[0].steps[0].station_id, before.dishes[0].steps[0].station_id];
    assert!(ovens[0] != ovens[1] && ovens.contains(&second.station_id));

    // Both bake. The second one's oven breaks, so it bakes anew behind the first.
    let oven = api::Station { station_id: ovens[1], ..Default::default() };
    assert!(broken(&platform, &oven, true, "break").await.broken);
    platform.settled().await;
    let (first, moved) = (ticket(&platform, 1).await, ticket(&platform, 2).await);
    assert_eq!(moved.dishes[0].steps[0].station_id, ovens[0]);
    assert_eq!(moved.dishes[0].steps[0].starts_at, first.dishes[0].steps[0].ends_at);
    assert!(moved.state == "cooking" && moved.ready_at > before.ready_at);
    assert_eq!(platform.ctx("kitchen").store().job("ready", 2).await.unwrap().unwrap().due, Timestamp(moved.ready_at));

    // The other oven breaks too: both orders end, and say why.
    broken(&platform, &api::Station { station_id: ovens[0], ..Default::default() }, true, "break too").await;
    let failed = platform.heard("cooking.failed", 2).await;
    assert!(failed.iter().all(|event| event.read::<CookingFailed>().unwrap().reason == "station_broken"));
    platform.settled().await;
    assert_eq!(platform.ctx("kitchen").store().job_count().await.unwrap(), 0);

    // Repaired, it takes the next order at once.
    assert!(!broken(&platform, &oven, false, "repair").await.broken);
    platform.say("orders", &created(3, vec![dishes(1, &[("oven", 600, 300)])])).await;
    platform.say("payments", &paid(3, "card")).await;
    platform.settled().await;
    assert_eq!(state(&platform, 3).await, "cooking");
    let acts = platform.ctx("kitchen").store().acts(i64::MAX, 10).await.unwrap();
    assert_eq!(acts.iter().map(|act| act.act.as_str()).collect::<Vec<_>>(), ["repair_station", "break_station", "break_station"]);
}

#[tokio::test]
async fn more_tickets_than_one_commit_looks_at_are_all_moved() {
    let platform = kitchen(&[]).await;
    for order in 1..=150 {
        platform.say("orders", &created(order, vec![dishes(1, &[("oven", 600, 300)])])).await;
        platform.say("payments", &paid(order, "card")).await;
    }
    platform.settled().await;
    let first = ticket(&platform, 1).await.dishes[0].steps[0].station_id;
    put(&platform, "oven-2", "oven", 4).await;
    broken(&platform, &api::Station { station_id: first, ..Default::default() }, true, "break").await;
    platform.settled().await;
    for order in 1..=150 {
        assert_ne!(ticket(&platform, order).await.dishes[0].steps[0].station_id, first, "order {order}");
    }
}

#[tokio::test]
async fn a_crash_loses_no_timer_and_cooks_nothing_twice() {
    let scale = [("kitchen_time_scale", "1000")];
    let slow = kitchen(&scale).await;
    let paid_for = async |order| {
        slow.say("orders", &created(order, vec![pizzas(1)])).await;
        slow.say("payments", &paid(order, "card")).await;
    };
    for order in 1..=4 {
        paid_for(order).await;
    }
    slow.heard("cooking.started", 2).await;
    // Of this one the kitchen may have heard nothing yet when it crashes.
    paid_for(5).await;
    let again = slow.crash_and_restart([kitchen::service()], settings(&scale)).await;
    again.heard("order.ready", 5).await;
    again.settled().await;
    assert_eq!(again.events("cooking.started").await.len(), 5);
    assert_eq!(again.events("order.ready").await.len(), 5);
    let mut order: Vec<_> = again.events("order.ready").await.iter().map(|event| event.key).collect();
    order.sort_unstable();
    assert_eq!(order, [1, 2, 3, 4, 5]);
}

#[tokio::test]
async fn a_ticket_is_listed_while_somebody_has_something_to_do_for_it_and_no_longer() {
    let platform = kitchen(&[]).await;
    platform.say("payments", &paid(1, "card")).await;
    platform.settled().await;
    platform.say("orders", &created(1, vec![pizzas(1)])).await;
    platform.say("orders", &created(2, vec![dishes(1, &[])])).await;
    platform.say("orders", &created(3, vec![dishes(1, &[("tandoor", 60, 400)])])).await;
    platform.say("orders", &created(4, vec![pizzas(1)])).await;
    platform.settled().await;
    let listed = async || {
        let mut client = KitchenClient::new(platform.channel("kitchen", staff()));
        let request = api::ListTicketsRequest { shop_id: 1, ..Default::default() };
        let tickets = client.list_tickets(request).await.unwrap().into_inner().tickets;
        tickets.iter().map(|ticket| ticket.order_id).collect::<Vec<_>>()
    };
    assert_eq!(listed().await, [1, 2, 3, 4]);
    platform.say("payments", &paid(2, "card")).await;
    platform.say("payments", &paid(3, "card")).await;
    platform.say("orders", &cancelled(4)).await;
    platform.settled().await;
    assert_eq!(
        [state(&platform, 2).await, state(&platform, 3).await, state(&platform, 4).await],
        ["ready", "failed", "cancelled"]
    );
    assert_eq!(listed().await, [1]);
}

#[tokio::test]
async fn a_ticket_of_long_ago_goes_and_one_that_waits_stays() {
    let platform = kitchen(FAST).await;
    for order in 1..=3 {
        platform.say("orders", &created(order, vec![pizzas(1)])).await;
    }
    platform.say("payments", &paid(1, "card")).await;
    platform.say("orders", &cancelled(2)).await;
    platform.heard("order.ready", 1).await;
    platform.drop_what_is_old(89).await;
    assert_eq!(state(&platform, 1).await, "ready", "a season has not passed");
    platform.drop_what_is_old(91).await;
    let mut client = KitchenClient::new(platform.channel("kitchen", staff()));
    for gone in [1, 2] {
        assert!(client.get_ticket(api::GetTicketRequest { order_id: gone }).await.is_err(), "{gone}");
    }
    assert_eq!(state(&platform, 3).await, "waiting");
    platform.say("payments", &paid(3, "card")).await;
    platform.heard("order.ready", 2).await;
}
