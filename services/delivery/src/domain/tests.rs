use base::id::{DeliveryId, OrderId, ShopId};
use base::{Currency, Timestamp};

use super::*;

const SECOND: i64 = 1_000_000;

fn pizza() -> Order {
    Order { carried: true, pickup: false, cash: false, total_minor: 2_500, currency: Currency::USD }
}

fn goods() -> Order {
    Order { carried: false, ..pizza() }
}

fn given(state: State, order: Order) -> Delivery {
    Delivery {
        order_id: OrderId(1),
        delivery_id: DeliveryId(2),
        shop_id: ShopId(1),
        state,
        order,
        shipped_at: Timestamp(0),
        expected_at: Timestamp(0),
        delivered_at: Timestamp(0),
        cash_taken_minor: 0,
        proof: String::new(),
        reason: String::new(),
        version: 1,
    }
}

fn usual() -> Settings {
    Settings::usual(1.0)
}

fn by_courier() -> Settings {
    Settings { by_itself: false, ..usual() }
}

#[test]
fn dishes_wait_for_the_kitchen_and_leave_when_they_are_ready() {
    let mut delivery = given(State::Waiting, pizza());
    assert_eq!(delivery.is_paid(&usual(), Timestamp(0)), Decision::default());
    let decision = delivery.is_ready(&usual(), Timestamp(5 * SECOND));
    assert_eq!(decision.said, [Said::Shipped]);
    assert_eq!(decision.timers, [Timer::Deliver(Some(Timestamp(905 * SECOND)))]);
    assert_eq!((delivery.state, delivery.shipped_at), (State::Shipped, Timestamp(5 * SECOND)));
    assert_eq!(delivery.is_due(Timestamp(905 * SECOND)).said, [Said::Delivered]);
    assert_eq!((delivery.state, delivery.proof.as_str(), delivery.cash_taken_minor), (State::Delivered, "by_itself", 0));
    assert!(!delivery.is_due(Timestamp(905 * SECOND)).changed && !delivery.is_ready(&usual(), Timestamp(0)).changed);
}

#[test]
fn goods_are_packed_when_paid_and_shipped_when_packed() {
    let mut delivery = given(State::Waiting, goods());
    assert_eq!(delivery.is_paid(&usual(), Timestamp(0)).timers, [Timer::Ship(Some(Timestamp(60 * SECOND)))]);
    assert!(!delivery.is_paid(&usual(), Timestamp(1)).changed, "twice is once");
    let decision = delivery.is_packed(&usual(), Timestamp(60 * SECOND));
    assert_eq!((decision.said, delivery.expected_at), (vec![Said::Shipped], Timestamp(86_460 * SECOND)));
}

#[test]
fn what_is_fetched_is_there_at_once_and_waits_for_a_hand_where_hands_are_wanted() {
    let mut fetched = given(State::Waiting, Order { pickup: true, cash: true, ..pizza() });
    let decision = fetched.is_ready(&usual(), Timestamp(7));
    assert_eq!(decision.said, [Said::Shipped, Said::Delivered]);
    assert!(decision.timers.is_empty() && fetched.cash_taken_minor == 2_500 && fetched.cash_due_minor() == 0);
    let mut waiting = given(State::Waiting, Order { pickup: true, ..pizza() });
    assert_eq!(waiting.is_ready(&by_courier(), Timestamp(7)).said, [Said::Shipped]);
    assert_eq!((waiting.state, waiting.expected_at), (State::Shipped, Timestamp(7)));
}

#[test]
fn a_courier_hands_over_with_a_proof_and_exactly_the_cash_that_is_due() {
    let mut delivery = given(State::Waiting, Order { cash: true, ..pizza() });
    assert_eq!(delivery.hand_over("signed", 2_500, Timestamp(1)), Err(Error::NotShipped));
    let _ = delivery.is_ready(&by_courier(), Timestamp(1));
    assert_eq!(delivery.hand_over(" ", 2_500, Timestamp(2)), Err(Error::ProofNeeded));
    for cash in [0, 2_499, 2_501, -2_500] {
        assert_eq!(delivery.hand_over("signed", cash, Timestamp(2)), Err(Error::CashDiffers { due_minor: 2_500 }));
    }
    let decision = delivery.hand_over("signed", 2_500, Timestamp(2)).unwrap();
    assert_eq!((decision.said, decision.timers), (vec![Said::Delivered], vec![Timer::Deliver(None)]));
    assert_eq!((delivery.cash_taken_minor, delivery.proof.as_str(), delivery.delivered_at), (2_500, "signed", Timestamp(2)));
    assert_eq!(delivery.hand_over("signed", 0, Timestamp(3)), Err(Error::Over { state: "delivered" }));
    assert_eq!(delivery.give_up("nobody opened"), Err(Error::Over { state: "delivered" }));
}

#[test]
fn what_is_given_up_takes_no_cash_and_says_why() {
    let mut delivery = given(State::Shipped, Order { cash: true, ..pizza() });
    assert_eq!(delivery.give_up(""), Err(Error::ReasonNeeded));
    assert_eq!(delivery.give_up("nobody opened").unwrap().said, [Said::Failed]);
    assert_eq!((delivery.state, delivery.cash_taken_minor, delivery.reason.as_str()), (State::Failed, 0, "nobody opened"));
    assert!(!delivery.call_back().changed, "the cancellation that follows finds it over");
}

#[test]
fn a_cancelled_order_is_called_back_from_wherever_it_is_and_never_delivered() {
    for (state, dropped) in
        [(State::Waiting, vec![]), (State::Packing, vec![Timer::Ship(None)]), (State::Shipped, vec![Timer::Deliver(None)])]
    {
        let mut delivery = given(state, pizza());
        let decision = delivery.call_back();
        assert_eq!((decision.changed, decision.timers), (true, dropped));
        assert!(!delivery.is_paid(&usual(), Timestamp(1)).changed && !delivery.is_ready(&usual(), Timestamp(1)).changed);
        assert!(!delivery.is_packed(&usual(), Timestamp(1)).changed && !delivery.is_due(Timestamp(1)).changed);
    }
    assert!(!given(State::Delivered, pizza()).call_back().changed);
}

#[test]
fn an_order_is_recalled_before_it_leaves_or_from_its_way_but_not_from_its_table() {
    for (state, before_it_leaves, from_the_way) in [
        (State::Waiting, true, true),
        (State::Packing, true, true),
        (State::PaidEarly, true, true),
        (State::Shipped, false, true),
        (State::Delivered, false, false),
        (State::Failed, true, true),
        (State::Cancelled, true, true),
    ] {
        for (wish, expected) in [(false, before_it_leaves), (true, from_the_way)] {
            let mut delivery = given(state, Order { cash: true, ..pizza() });
            assert_eq!(delivery.recall(wish).is_some(), expected, "{state:?}, {wish}");
            if expected {
                assert!(delivery.hand_over("signed", 2_500, Timestamp(1)).is_err(), "{state:?}");
                assert_eq!(delivery.cash_taken_minor, 0, "{state:?}");
            } else {
                assert_eq!(delivery.state, state);
            }
        }
    }
}

#[test]
fn what_is_heard_before_the_order_is_not_forgotten() {
    let mut dishes = given(State::PaidEarly, goods());
    assert!(dishes.is_ready(&usual(), Timestamp(1)).changed);
    assert_eq!(dishes.is_created(pizza(), &usual(), Timestamp(2)).said, [Said::Shipped]);
    let mut paid = given(State::PaidEarly, goods());
    assert!(paid.is_created(pizza(), &usual(), Timestamp(2)).changed);
    assert_eq!(paid.state, State::Waiting, "its dishes are not ready");
    let mut packed = given(State::PaidEarly, goods());
    assert_eq!(packed.is_created(goods(), &usual(), Timestamp(0)).timers, [Timer::Ship(Some(Timestamp(60 * SECOND)))]);
    assert!(!packed.is_created(goods(), &usual(), Timestamp(0)).changed);
}

#[test]
fn the_time_scale_divides_all_durations() {
    let fast = Settings::usual(100.0);
    let mut delivery = given(State::Waiting, pizza());
    let _ = delivery.is_ready(&fast, Timestamp(0));
    assert_eq!(delivery.expected_at, Timestamp(9 * SECOND));
    assert_eq!(Settings::usual(f64::NAN), usual());
}

#[test]
fn settings_are_changed_once_per_version_and_within_their_range() {
    let first = usual().change(Settings { carrying_seconds: 60, ..usual() }).unwrap();
    assert_eq!((first.version, first.carrying_seconds), (1, 60));
    assert_eq!(first.change(usual()), Err(Error::Stale { current: 1 }));
    assert_eq!(usual().change(Settings { packing_seconds: -1, ..usual() }), Err(Error::BadSettings { field: "packing_seconds" }));
    assert_eq!(usual().change(Settings { time_scale: 0.0, ..usual() }), Err(Error::BadSettings { field: "time_scale" }));
}
