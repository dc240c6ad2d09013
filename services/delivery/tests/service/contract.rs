use base::Principal;
use delivery_api::events::{DeliveryFailed, DeliveryRecalled, OrderDelivered};
use host::testing::guest;

use super::*;

fn code(status: &tonic::Status) -> String {
    wire::fault_of(status.clone()).code
}

#[tokio::test]
async fn a_courier_hands_over_once_and_takes_what_is_due() {
    let platform = delivery(&[]).await;
    by_hand(&platform).await;
    platform.say("orders", &in_cash(created(1, ItemKind::Dish))).await;
    platform.settled().await;
    let hand_over = async |cash, proof: &str, key: &str| {
        let mut client = DeliveryClient::new(platform.writing("delivery", staff(), key, ""));
        client.hand_over(api::HandOverRequest { order_id: 1, proof: proof.into(), cash_taken_minor: cash }).await
    };
    assert_eq!(code(&hand_over(1_250, "signed", "early").await.unwrap_err()), "delivery_not_shipped");
    platform.say("kitchen", &ready(1)).await;
    platform.settled().await;
    assert_eq!((state(&platform, 1).await.as_str(), shipment(&platform, 1).await.cash_due_minor), ("shipped", 1_250));
    assert_eq!(platform.ctx("delivery").store().job_count().await.unwrap(), 0, "nothing ends by itself here");
    assert_eq!(code(&hand_over(1_200, "signed", "less").await.unwrap_err()), "cash_differs");
    assert_eq!(code(&hand_over(1_250, "", "unproved").await.unwrap_err()), "proof_needed");
    let first = hand_over(1_250, "signed", "right").await.unwrap().into_inner();
    let again = hand_over(1_250, "signed", "right").await.unwrap().into_inner();
    assert_eq!(first, again);
    assert_eq!((first.state.as_str(), first.cash_taken_minor, first.cash_due_minor), ("delivered", 1_250, 0));
    assert_eq!(first.version, shipment(&platform, 1).await.version);
    assert_eq!(code(&hand_over(1_250, "signed", "twice").await.unwrap_err()), "delivery_over");
    let said: OrderDelivered = platform.heard("order.delivered", 1).await[0].read().unwrap();
    assert_eq!((said.cash_taken_minor, said.currency, said.proof.as_str()), (1_250, Currency::EUR, "signed"));
    let acts = platform.ctx("delivery").store().acts(i64::MAX, 10).await.unwrap();
    assert_eq!(acts.iter().map(|act| act.act.as_str()).collect::<Vec<_>>(), ["hand_over", "put_settings"]);
}

#[tokio::test]
async fn a_courier_who_gives_up_says_why() {
    let platform = delivery(&[]).await;
    platform.say("orders", &created(1, ItemKind::Dish)).await;
    platform.say("kitchen", &ready(1)).await;
    platform.heard("order.shipped", 1).await;
    let mut client = DeliveryClient::new(platform.writing("delivery", staff(), "up", ""));
    assert_eq!(
        code(&client.give_up(api::GiveUpRequest { order_id: 1, reason: String::new() }).await.unwrap_err()),
        "reason_needed"
    );
    client.give_up(api::GiveUpRequest { order_id: 1, reason: "Nobody opened.".into() }).await.unwrap();
    let said: DeliveryFailed = platform.heard("delivery.failed", 1).await[0].read().unwrap();
    assert_eq!(said.reason, "Nobody opened.");
    assert_eq!(platform.ctx("delivery").store().job_count().await.unwrap(), 0, "its timer is gone");
    platform.say("orders", &cancelled(1)).await;
    platform.settled().await;
    assert_eq!(state(&platform, 1).await, "failed");
}

#[tokio::test]
async fn nobody_but_the_shops_staff_sees_or_ends_a_delivery() {
    let platform = delivery(&[]).await;
    platform.say("orders", &created(1, ItemKind::Dish)).await;
    platform.settled().await;
    let elsewhere = Principal::Staff { staff: base::id::StaffId(9), shop: ShopId(2) };
    for (principal, one, many) in [
        (guest(1), "staff_only", "staff_only"),
        (Principal::Nobody, "token_needed", "token_needed"),
        (elsewhere, "delivery_not_found", "staff_only"),
    ] {
        let mut client = DeliveryClient::new(platform.channel("delivery", principal));
        assert_eq!(code(&client.get_delivery(api::GetDeliveryRequest { order_id: 1 }).await.unwrap_err()), one);
        let hand_over = api::HandOverRequest { order_id: 1, proof: "signed".into(), cash_taken_minor: 0 };
        assert_eq!(code(&client.hand_over(hand_over).await.unwrap_err()), one);
        assert_eq!(code(&client.give_up(api::GiveUpRequest { order_id: 1, reason: "x".into() }).await.unwrap_err()), one);
        assert_eq!(
            code(&client.list_deliveries(api::ListDeliveriesRequest { shop_id: 1, ..Default::default() }).await.unwrap_err()),
            many
        );
        assert_eq!(code(&client.get_settings(api::GetSettingsRequest { shop_id: 1 }).await.unwrap_err()), many);
        assert_eq!(code(&client.put_settings(api::Settings { shop_id: 1, ..Default::default() }).await.unwrap_err()), many);
    }
}

#[tokio::test]
async fn deliveries_are_listed_by_state_page_by_page() {
    let platform = delivery(&[]).await;
    for order in 1..=5 {
        platform.say("orders", &created(order, ItemKind::Dish)).await;
    }
    platform.settled().await;
    platform.say("kitchen", &ready(2)).await;
    platform.say("kitchen", &ready(77)).await;
    platform.say("orders", &cancelled(4)).await;
    platform.settled().await;
    let mut client = DeliveryClient::new(platform.channel("delivery", staff()));
    let mut list = async |state: &str, after: &str, limit: u32| {
        let request = api::ListDeliveriesRequest { shop_id: 1, state: state.into(), after: after.into(), limit };
        let page = client.list_deliveries(request).await.map_err(|status| code(&status))?.into_inner();
        Ok::<_, String>((page.shipments.iter().map(|shipment| shipment.order_id).collect::<Vec<_>>(), page.next))
    };
    assert_eq!(list("", "", 0).await.unwrap().0, [5, 4, 3, 2, 1]);
    let (first, next) = list("waiting", "", 2).await.unwrap();
    assert_eq!(first, [5, 3]);
    assert_eq!(list("waiting", &next, 2).await.unwrap(), (vec![1], String::new()));
    assert_eq!(list("shipped", "", 0).await.unwrap().0, [2]);
    assert_eq!(list("cancelled", "", 0).await.unwrap().0, [4]);
    assert_eq!(list("lost", "", 0).await.unwrap_err(), "bad_delivery_state");
    assert_eq!(list("", "somewhere", 0).await.unwrap_err(), "bad_page");
}

#[tokio::test]
async fn settings_are_set_once_per_version_and_must_make_sense() {
    let platform = delivery(FAST).await;
    let mut client = DeliveryClient::new(platform.channel("delivery", staff()));
    let usual = client.get_settings(api::GetSettingsRequest { shop_id: 1 }).await.unwrap().into_inner();
    assert_eq!((usual.packing_seconds, usual.carrying_seconds, usual.shipping_seconds), (60, 900, 86_400));
    assert!(usual.by_itself && usual.version == 0 && usual.time_scale == 1_000_000.0);
    let wish = api::Settings { carrying_seconds: 300, reason: "scooters".into(), ..usual.clone() };
    assert_eq!(client.put_settings(wish.clone()).await.unwrap().into_inner().version, 1);
    assert_eq!(code(&client.put_settings(wish.clone()).await.unwrap_err()), "stale_version");
    let bad = api::Settings { time_scale: f64::NAN, version: 1, ..wish.clone() };
    assert_eq!(code(&client.put_settings(bad).await.unwrap_err()), "bad_delivery_settings");
    assert_eq!(client.put_settings(api::Settings { version: 1, ..wish }).await.unwrap().into_inner().version, 2);
}

fn recall(order: i64, from_the_way: bool) -> api::RecallRequest {
    api::RecallRequest { order_id: order, shop_id: 1, reason: "staff_decided".into(), by: "staff".into(), from_the_way }
}

fn platform_asks(platform: &Platform) -> DeliveryClient<wire::Channel> {
    DeliveryClient::new(platform.channel("delivery", base::Principal::platform("orders")))
}

#[tokio::test]
async fn what_was_recalled_is_not_handed_over_and_what_was_handed_over_is_not_recalled() {
    let platform = delivery(&[]).await;
    by_hand(&platform).await;
    for order in 1..=8 {
        platform.say("orders", &in_cash(created(order, ItemKind::Dish))).await;
        platform.say("kitchen", &ready(order)).await;
    }
    platform.heard("order.shipped", 8).await;
    let left = platform_asks(&platform).recall(recall(1, false)).await.unwrap().into_inner();
    assert_eq!((left.recalled, left.state.as_str()), (false, "shipped"), "it has left the shop");
    let mut handed_over = 0;
    for order in 1..=8 {
        let mut courier = DeliveryClient::new(platform.writing("delivery", staff(), &format!("door {order}"), ""));
        let door = courier.hand_over(api::HandOverRequest { order_id: order, proof: "signed".into(), cash_taken_minor: 1_250 });
        let mut office = platform_asks(&platform);
        let office = office.recall(recall(order, true));
        // Both come at the same moment; who is first is left to chance, and to who is asked first.
        let (door, office) = if order % 2 == 0 {
            tokio::join!(door, office)
        } else {
            let (office, door) = tokio::join!(office, door);
            (door, office)
        };
        let office = office.unwrap().into_inner();
        assert_eq!(door.is_ok(), !office.recalled, "order {order}: one of them, {door:?}, {office:?}");
        let known = shipment(&platform, order).await;
        let (state, cash) = if door.is_ok() { ("delivered", 1_250) } else { ("cancelled", 0) };
        assert_eq!((known.state.as_str(), known.cash_taken_minor, known.cash_due_minor), (state, cash, 0));
        handed_over += usize::from(door.is_ok());
        let again = platform_asks(&platform).recall(recall(order, true)).await.unwrap().into_inner();
        assert_eq!(again.recalled, office.recalled, "asked twice, answered alike");
    }
    platform.settled().await;
    assert_eq!(platform.events("order.delivered").await.len(), handed_over);
    let recalled = platform.events("delivery.recalled").await;
    assert_eq!(recalled.len(), 8 - handed_over, "each is said once");
    if let Some(event) = recalled.first() {
        let said: DeliveryRecalled = event.read().unwrap();
        assert_eq!((said.reason.as_str(), said.by.as_str()), ("staff_decided", "staff"));
    }
}

#[tokio::test]
async fn an_order_that_was_recalled_before_it_was_heard_of_never_leaves() {
    let platform = delivery(FAST).await;
    assert!(platform_asks(&platform).recall(recall(1, false)).await.unwrap().into_inner().recalled);
    platform.say("orders", &created(1, ItemKind::Goods)).await;
    platform.say("payments", &paid(1, "card")).await;
    platform.settled().await;
    assert_eq!(state(&platform, 1).await, "cancelled");
    assert!(platform.events("order.shipped").await.is_empty());
}

#[tokio::test]
async fn an_order_of_which_nothing_is_kept_any_more_is_not_called_back() {
    let platform = delivery(FAST).await;
    let store = platform.ctx("delivery").store().clone();
    let mark = sql::Trimmed { ended_before: platform.now(), ids_below: 100 };
    let change = host::Change::new().write(store.trim(mark));
    store.commit(sql::Once::Nothing, change).await.unwrap();
    let answer = platform_asks(&platform).recall(recall(1, true)).await.unwrap().into_inner();
    assert_eq!((answer.recalled, answer.state.as_str()), (false, "dropped"));
    assert!(platform.events("delivery.recalled").await.is_empty());
    assert!(platform_asks(&platform).recall(recall(100, true)).await.unwrap().into_inner().recalled);
}

#[tokio::test]
async fn only_the_platform_recalls() {
    let platform = delivery(&[]).await;
    for who in [guest(1), staff(), base::Principal::Nobody] {
        let mut client = DeliveryClient::new(platform.channel("delivery", who));
        assert_eq!(code(&client.recall(recall(1, true)).await.unwrap_err()), "delivery_not_found");
    }
    assert!(platform.events("delivery.recalled").await.is_empty());
}
