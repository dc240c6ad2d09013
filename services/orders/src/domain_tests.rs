//! Given, when, then.

use base::id::{DeviceId, ItemId, OrderId, ShopId, StockId};
use base::{Currency, Principal, Texts, Timestamp};
use orders_api::events::{CancelReason, Fulfilment, ItemKind, Need, PaymentKind};

use crate::domain::{Error, Frozen, Happening, Line, Order, State, needs, price};

fn line(unit_minor: i64, quantity: i64, tax_rate_bp: i64) -> Line {
    Line {
        item_id: ItemId(1),
        slug: "hawaiian".into(),
        name: Texts::en_ru("Hawaiian", "Гавайская"),
        size: "M".into(),
        quantity,
        unit_minor,
        kind: ItemKind::Dish,
        tax_rate_bp,
        options: vec![],
    }
}

fn frozen(payment: PaymentKind) -> Frozen {
    Frozen {
        shop_id: ShopId(1),
        placed_at: Timestamp(5),
        lines: vec![line(1_325, 2, 0)],
        charges: vec![],
        total_minor: 2_650,
        currency: Currency::USD,
        payment,
        method_id: None,
        fulfilment: Fulfilment::Delivery,
        language: "en".into(),
        device_id: Some(DeviceId(7)),
        contact_id: None,
        reference: String::new(),
    }
}

fn given(steps: &[State]) -> Order {
    let (mut order, _) = Order::place(OrderId(1), frozen(PaymentKind::Card), Timestamp(10));
    for step in steps {
        if let Some(happening) = order.advance(*step) {
            order.apply(&happening, Timestamp(11));
        }
    }
    order
}

fn guest() -> Principal {
    Principal::Guest { device: DeviceId(7) }
}

fn staff() -> Principal {
    Principal::Staff { staff: base::id::StaffId(1), shop: ShopId(1) }
}

#[test]
fn a_customer_may_cancel_until_the_kitchen_begins_and_staff_until_it_leaves() {
    use State::{Cooking, Delivered, Paid, Pending, Ready, Reserved, Shipped};
    let reached = [Pending, Reserved, Paid, Cooking, Ready, Shipped, Delivered];
    for (index, state) in reached.iter().enumerate() {
        let order = given(&reached[..=index]);
        assert_eq!(order.state, *state);
        assert_eq!(order.cancel(&guest()).is_ok(), *state <= Paid, "guest at {state:?}");
        assert_eq!(order.is_cancellable(), *state <= Paid);
        assert_eq!(order.cancel(&staff()).is_ok(), *state <= Ready, "staff at {state:?}");
    }
    assert_eq!(given(&[Pending, Shipped]).cancel(&guest()), Err(Error::TooLate(Shipped)));
}

#[test]
fn cancelling_twice_is_not_an_error_and_changes_nothing() {
    let mut order = given(&[State::Paid]);
    let happening = order.cancel(&guest()).unwrap().unwrap();
    order.apply(&happening, Timestamp(12));
    assert_eq!(order.state, State::Cancelled);
    assert_eq!(order.cancel(&guest()), Ok(None));
    assert_eq!(order.fail(CancelReason::TooLate), None, "it ends once");
}

#[test]
fn news_may_come_in_any_order_and_only_leads_forward() {
    use State::{Cooking, Delivered, Paid, Ready, Reserved, Shipped};
    let news = [Reserved, Paid, Cooking, Ready, Shipped, Delivered];
    // Every rotation stands for a different source being late.
    for turn in 0..news.len() {
        let mut late = news;
        late.rotate_left(turn);
        let order = given(&late);
        assert_eq!(order.state, Delivered, "{late:?}");
        assert!(order.paid, "{late:?}");
    }
}

#[test]
fn nothing_brings_a_cancelled_order_back() {
    let mut order = given(&[State::Reserved]);
    let happening = order.fail(CancelReason::PaymentDeclined).unwrap();
    order.apply(&happening, Timestamp(12));
    for state in State::ALL {
        assert_eq!(order.advance(state), None);
    }
}

#[test]
fn cash_that_comes_at_the_door_is_noted_after_the_delivery() {
    let mut order = given(&[State::Promised, State::Cooking, State::Delivered]);
    assert!(!order.paid);
    let happening = order.advance(State::Paid).unwrap();
    assert_eq!(happening, Happening::MoneyTaken);
    order.apply(&happening, Timestamp(13));
    assert!(order.paid && order.state == State::Delivered);
    assert_eq!(order.advance(State::Paid), None, "heard twice");
}

#[test]
fn a_deadline_ends_what_nobody_answered_and_spares_what_is_on_its_way() {
    let reason = |order: &Order, last| match order.overdue(last) {
        Some(Happening::Cancelled(ending)) => Some(ending.reason),
        _ => None,
    };
    assert_eq!(reason(&given(&[]), false), Some(CancelReason::StockTimeout));
    assert_eq!(reason(&given(&[State::Reserved]), false), Some(CancelReason::PaymentTimeout));
    assert_eq!(reason(&given(&[State::Cooking]), false), None);
    assert_eq!(reason(&given(&[State::Cooking]), true), Some(CancelReason::TooLate));
    assert_eq!(reason(&given(&[State::Delivered]), true), None);
}

#[test]
fn an_order_rebuilt_from_its_happenings_is_the_order_kept() {
    let (mut order, placed) = Order::place(OrderId(1), frozen(PaymentKind::Cash), Timestamp(10));
    let mut history = vec![(Timestamp(10), placed)];
    for (at, state) in [(11, State::Reserved), (12, State::Promised), (13, State::Cooking)] {
        let happening = order.advance(state).unwrap();
        order.apply(&happening, Timestamp(at));
        history.push((Timestamp(at), happening));
    }
    let happening = order.fail(CancelReason::KitchenFailed).unwrap();
    order.apply(&happening, Timestamp(14));
    history.push((Timestamp(14), happening));
    assert_eq!(Order::rebuild(OrderId(1), history.clone()), Some(order));
    assert_eq!(Order::rebuild(OrderId(1), history.drain(1..)), None, "without its placing it is no order");
}

#[test]
fn tax_is_rounded_once_on_the_line_and_only_added_tax_is_added() {
    let lines = [line(1_325, 1, 887), line(1_600, 1, 887), line(333, 3, 0)];
    let (charges, total) = price(&lines, Currency::USD, true, 250, 100).unwrap();
    // 1325 × 887 / 10887 = 107.95 → 108; 1600 × 887 / 10887 = 130.36 → 130.
    assert_eq!(charges.iter().find(|charge| charge.kind == "tax").unwrap().amount_minor, 238);
    assert_eq!(total, 1_325 + 1_600 + 999 + 250 + 100);
    let (charges, total) = price(&lines, Currency::USD, false, 0, 0).unwrap();
    // 1325 × 0.0887 = 117.53 → 118; 1600 × 0.0887 = 141.92 → 142.
    assert_eq!(charges.len(), 1);
    assert_eq!(total, 1_325 + 1_600 + 999 + 118 + 142);
    assert_eq!(price(&[line(i64::MAX, 2, 0)], Currency::USD, true, 0, 0), Err(Error::TooLarge));
}

#[test]
fn needs_are_summed_over_lines_and_never_overflow() {
    let flour = |quantity| Need { stock_id: StockId(1), quantity };
    let ham = Need { stock_id: StockId(2), quantity: 80 };
    let sums = needs(&[(2, vec![flour(250), ham]), (1, vec![flour(100)])]).unwrap();
    assert_eq!(sums, [flour(600), Need { quantity: 160, ..ham }]);
    assert_eq!(needs(&[(i64::MAX, vec![flour(2)])]), Err(Error::TooLarge));
}
