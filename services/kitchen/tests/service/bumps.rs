use base::id::StaffId;
use host::testing::guest;
use kitchen_api::events::{OrderReady, TicketChanged};

use super::*;

fn all(order: i64) -> api::BumpRequest {
    api::BumpRequest { order_id: order, marks: vec![], reason: String::new() }
}

fn one(order: i64, dish: u32, step: u32) -> api::BumpRequest {
    api::BumpRequest { marks: vec![api::DishMark { dish, step }], ..all(order) }
}

async fn bump(platform: &Platform, key: &str, request: api::BumpRequest) -> Result<api::Ticket, String> {
    let mut client = KitchenClient::new(platform.writing("kitchen", staff(), key, &format!("{request:?}")));
    client.bump(request).await.map(tonic::Response::into_inner).map_err(|status| wire::fault_of(status).code)
}

async fn recall(platform: &Platform, key: &str, request: api::BumpRequest) -> Result<api::Ticket, String> {
    let mut client = KitchenClient::new(platform.writing("kitchen", staff(), key, &format!("{request:?}")));
    client.recall(request).await.map(tonic::Response::into_inner).map_err(|status| wire::fault_of(status).code)
}

async fn cooking(platform: &Platform, order: i64, quantity: i64) {
    platform.say("orders", &created(order, vec![pizzas(quantity)])).await;
    platform.say("payments", &paid(order, "card")).await;
    platform.settled().await;
}

async fn changes(platform: &Platform) -> Vec<String> {
    let events = platform.events("ticket.changed").await;
    events.iter().map(|event| event.read::<TicketChanged>().unwrap().why).collect()
}

#[tokio::test]
async fn a_bumped_dish_moves_on_at_once_and_a_repeat_of_the_request_moves_nothing_more() {
    let platform = kitchen(&[]).await;
    cooking(&platform, 1, 2).await;
    let before = ticket(&platform, 1).await;
    let first = bump(&platform, "a", one(1, 0, 0)).await.unwrap();
    assert_eq!((first.dishes[0].step, first.dishes[0].recall_step, first.dishes[0].state.as_str()), (1, 0, "baking"));
    let end = |ticket: &api::Ticket| ticket.dishes[0].steps[2].ends_at;
    assert!(end(&first) < end(&before) && first.promised_at == before.promised_at);
    assert_eq!(bump(&platform, "a", one(1, 0, 0)).await.unwrap(), first, "the recorded answer");
    let twice = bump(&platform, "b", one(1, 0, 0)).await.unwrap();
    assert_eq!((twice.version, twice.ready_at), (first.version, first.ready_at), "another cook said the same");
    platform.settled().await;
    assert_eq!(changes(&platform).await, ["bumped"]);
    let kept = ticket(&platform, 1).await;
    assert_eq!((kept.version, kept.ready_at), (first.version, first.ready_at));
    assert_eq!(platform.ctx("kitchen").store().job("ready", 1).await.unwrap().unwrap().due, Timestamp(kept.ready_at));
    let acts = platform.ctx("kitchen").store().acts(i64::MAX, 10).await.unwrap();
    assert_eq!(acts.iter().map(|act| (act.act.as_str(), act.subject.as_str())).collect::<Vec<_>>(), [("bump", "1")]);
}

#[tokio::test]
async fn a_ticket_that_was_bumped_by_mistake_comes_back_and_its_order_is_ready_once() {
    let platform = kitchen(&[("kitchen_time_scale", "20")]).await;
    cooking(&platform, 1, 1).await;
    let done = bump(&platform, "a", all(1)).await.unwrap();
    assert_eq!((done.state.as_str(), done.dishes[0].state.as_str()), ("cooking", "ready"), "it can still be taken back");
    let back = recall(&platform, "b", all(1)).await.unwrap();
    assert_eq!((back.dishes[0].step, back.dishes[0].state.as_str()), (0, "prepared"));
    assert!(back.ready_at > done.ready_at);
    assert_eq!(recall(&platform, "c", all(1)).await.unwrap_err(), "nothing_to_recall");
    bump(&platform, "d", all(1)).await.unwrap();
    let ready: OrderReady = platform.heard("order.ready", 1).await[0].read().unwrap();
    assert_eq!(ready.order_id, OrderId(1));
    platform.settled().await;
    assert_eq!(platform.events("order.ready").await.len(), 1);
    assert_eq!(changes(&platform).await, ["bumped", "recalled", "bumped"]);
    assert_eq!(recall(&platform, "e", all(1)).await.unwrap_err(), "order_left_kitchen");
    assert_eq!(state(&platform, 1).await, "ready");
    bump(&platform, "f", all(1)).await.expect("saying it late is no error");
}

#[tokio::test]
async fn where_cooks_say_what_is_done_a_ticket_waits_for_them() {
    let platform = kitchen(&[("kitchen_by_hand", "1"), ("kitchen_time_scale", "10000000")]).await;
    cooking(&platform, 1, 1).await;
    let late = ticket(&platform, 1).await;
    assert!(late.by_hand && late.promised_at < late.as_of, "its time is over");
    assert_eq!((late.state.as_str(), late.dishes[0].step), ("cooking", 0));
    assert_eq!(platform.ctx("kitchen").store().job_count().await.unwrap(), 0, "no timer ends it");
    bump(&platform, "a", one(1, 0, 1)).await.unwrap();
    assert_eq!(ticket(&platform, 1).await.dishes[0].step, 2);
    bump(&platform, "b", one(1, 0, 2)).await.unwrap();
    platform.heard("order.ready", 1).await;
}

#[tokio::test]
async fn staff_switch_a_kitchen_to_cooks_who_say_what_is_done_and_back() {
    let platform = kitchen(&[("kitchen_time_scale", "10000000")]).await;
    let set = async |key: &str, by_hand: Option<bool>, version: i64| {
        let wanted = api::Settings { shop_id: 1, time_scale: 10_000_000.0, version, reason: "rush".into(), by_hand };
        let mut client = KitchenClient::new(platform.writing("kitchen", staff(), key, &format!("{wanted:?}")));
        client.put_settings(wanted).await.map(tonic::Response::into_inner).map_err(|status| wire::fault_of(status).code)
    };
    let by_hand = set("a", Some(true), 0).await.unwrap();
    assert_eq!((by_hand.by_hand, by_hand.version), (Some(true), 1));
    assert_eq!(set("a", Some(true), 0).await.unwrap(), by_hand, "the recorded answer");
    assert_eq!(set("b", Some(false), 0).await.unwrap_err(), "stale_version", "somebody else was quicker");
    cooking(&platform, 1, 1).await;
    assert_eq!((state(&platform, 1).await.as_str(), ticket(&platform, 1).await.by_hand), ("cooking", true), "its time is over");

    assert_eq!(set("c", None, 1).await.unwrap().by_hand, Some(true), "what is not said stays");
    assert_eq!(set("d", Some(false), 2).await.unwrap().by_hand, Some(false));
    cooking(&platform, 2, 1).await;
    platform.heard("order.ready", 1).await;
    assert!(!ticket(&platform, 2).await.by_hand);
    assert_eq!(state(&platform, 1).await, "cooking", "what was booked by hand waits for its cook");
    bump(&platform, "e", all(1)).await.unwrap();
    platform.heard("order.ready", 2).await;
    let acts = platform.ctx("kitchen").store().acts(i64::MAX, 10).await.unwrap();
    let mut acts: Vec<_> = acts.iter().map(|act| (act.act.as_str(), act.subject.as_str())).collect();
    acts.sort_unstable();
    let all = [("bump", "1"), ("put_settings", "by_hand"), ("put_settings", "by_recipe"), ("put_settings", "time_scale")];
    assert_eq!(acts, all, "who did it is kept");
}

#[tokio::test]
async fn staff_who_leave_it_alone_follow_the_platform_and_their_own_word_outlives_its_setting() {
    let platform = kitchen(&[("kitchen_by_hand", "1")]).await;
    let mut client = KitchenClient::new(platform.channel("kitchen", staff()));
    let shown = client.get_settings(api::GetSettingsRequest { shop_id: 1 }).await.unwrap().into_inner();
    assert_eq!(shown.by_hand, Some(true));
    let wanted = api::Settings { by_hand: Some(false), ..shown };
    assert_eq!(client.put_settings(wanted).await.unwrap().into_inner().by_hand, Some(false));
    assert_eq!(client.get_settings(api::GetSettingsRequest { shop_id: 1 }).await.unwrap().into_inner().by_hand, Some(false));
}

#[tokio::test]
async fn what_cannot_be_bumped_is_refused_with_its_reason() {
    let platform = kitchen(&[]).await;
    assert_eq!(bump(&platform, "a", all(9)).await.unwrap_err(), "ticket_not_found");
    assert_eq!(recall(&platform, "b", all(9)).await.unwrap_err(), "ticket_not_found");
    platform.say("orders", &created(1, vec![pizzas(1)])).await;
    platform.settled().await;
    assert_eq!(bump(&platform, "c", all(1)).await.unwrap_err(), "ticket_not_booked");
    platform.say("payments", &paid(1, "card")).await;
    platform.settled().await;
    assert_eq!(bump(&platform, "d", one(1, 0, 7)).await.unwrap_err(), "no_such_dish_step");
    assert_eq!(recall(&platform, "e", one(1, 0, 0)).await.map(|ticket| ticket.version).ok(), Some(2), "it is there already");
    let long = api::BumpRequest { reason: "x".repeat(2_000), ..all(1) };
    assert_eq!(bump(&platform, "f", long).await.unwrap_err(), "text_too_long");
    assert!(changes(&platform).await.is_empty());
}

#[tokio::test]
async fn only_the_shops_staff_bump_and_recall() {
    let platform = kitchen(&[]).await;
    cooking(&platform, 1, 1).await;
    let elsewhere = Principal::Staff { staff: StaffId(9), shop: ShopId(2) };
    for (principal, refused) in [(guest(1), "staff_only"), (Principal::Nobody, "token_needed"), (elsewhere, "ticket_not_found")] {
        let mut client = KitchenClient::new(platform.writing("kitchen", principal, "key", "body"));
        let code = |status: tonic::Status| wire::fault_of(status).code;
        assert_eq!(code(client.bump(all(1)).await.unwrap_err()), refused);
        assert_eq!(code(client.recall(all(1)).await.unwrap_err()), refused);
    }
    assert!(changes(&platform).await.is_empty());
}
