use base::event::Known;
use base::{Currency, NewEvent};
use orders_api::events::{CancelReason, Fulfilment, ItemKind, Line, PaymentKind};
use serde_json::value::RawValue;

use super::*;

const SHOP: ShopId = ShopId(1);

fn event<F: Fact>(fact: &F, at: Timestamp) -> Event {
    let new = NewEvent::of(fact, at, "");
    let data = RawValue::from_string(new.data).unwrap();
    Event {
        seq: 1,
        source: "x".into(),
        topic: new.topic.into(),
        kind: new.kind.into(),
        key: new.key,
        at,
        correlation: String::new(),
        data,
        known: Known::default(),
    }
}

fn ledger() -> Ledger {
    Ledger { clocks: [(SHOP, ShopClock::new("America/New_York", 0).unwrap())].into(), ..Ledger::default() }
}

/// Ten minutes before midnight in New York, in February already in London.
fn late() -> Timestamp {
    Timestamp::parse("2015-01-31T23:50:10-05:00").unwrap()
}

fn created(id: i64, total_minor: i64) -> Event {
    let line = |slug: &str, quantity, total_minor| Line {
        item_id: base::id::ItemId(1),
        slug: slug.into(),
        size: "M".into(),
        quantity,
        total_minor,
        kind: ItemKind::Dish,
        options: vec![],
        steps: vec![],
    };
    let order = OrderCreated {
        order_id: OrderId(id),
        shop_id: SHOP,
        placed_at: late(),
        lines: vec![line("ham", 2, total_minor - 100), line("cola", 1, 100)],
        needs: vec![],
        total_minor,
        currency: Currency::USD,
        payment: PaymentKind::Cash,
        method_id: None,
        fulfilment: Fulfilment::Delivery,
        language: "en".into(),
        device_id: None,
        has_email: false,
    };
    event(&order, late())
}

fn delivered(id: i64) -> Event {
    let data = format!(r#"{{"order_id":{id},"shop_id":1}}"#);
    Event {
        seq: 2,
        source: "delivery".into(),
        topic: "order-events".into(),
        kind: "order.delivered.v1".into(),
        key: id,
        at: late(),
        correlation: String::new(),
        data: RawValue::from_string(data).unwrap(),
        known: Known::default(),
    }
}

fn cancelled(id: i64) -> Event {
    let order = OrderCancelled {
        order_id: OrderId(id),
        shop_id: SHOP,
        reason: CancelReason::TooLate,
        by: "platform".into(),
        total_minor: 5,
        fee_minor: 0,
        placed_at: late(),
    };
    event(&order, late())
}

fn heard(events: &[Event]) -> Ledger {
    let mut ledger = ledger();
    for event in events {
        ledger.hear(event).unwrap();
    }
    ledger
}

#[test]
fn an_order_counts_for_the_shops_own_day_and_month_when_it_was_placed() {
    let ledger = heard(&[created(1, 1_100), delivered(1)]);
    let sums = Sums { orders: 1, delivered: 1, revenue_minor: 1_100, ..Sums::default() };
    for (step, at) in [("minute", "2015-02-01T04:50Z"), ("day", "2015-01-31"), ("month", "2015-01"), ("all", "")] {
        assert_eq!(ledger.figures.series[&(SHOP, step, at.to_owned())], sums, "{step}");
    }
    assert_eq!(ledger.figures.items[&(SHOP, "2015-01".into(), "ham".into(), "M".into())], (2, 1_000));
    assert!(ledger.orders.is_empty());
}

#[test]
fn whichever_comes_first_the_figures_are_the_same() {
    let early = heard(&[created(1, 900), delivered(1), created(2, 500), cancelled(2)]);
    let late = heard(&[delivered(1), cancelled(2), created(2, 500), created(1, 900)]);
    assert_eq!(early.figures, late.figures);
    assert!(late.orders.is_empty());
    let open = heard(&[created(1, 900), created(1, 900)]);
    assert_eq!(open.figures.series[&(SHOP, "all", String::new())].orders, 1);
    assert_eq!(open.orders.len(), 1);
}

#[test]
fn cooking_times_fall_into_classes() {
    let ready = |id, cooking_ms| {
        event(&OrderReady { order_id: OrderId(id), shop_id: SHOP, ticket_id: base::id::TicketId(1), cooking_ms }, late())
    };
    let ledger = heard(&[ready(1, 60_000), ready(2, 60_001), ready(3, 100_000_000)]);
    let cooking: Vec<_> =
        ledger.figures.cooking.iter().map(|((_, up_to), cooking)| (*up_to, cooking.orders, cooking.longest_ms)).collect();
    assert_eq!(cooking, [(60_000, 1, 60_000), (120_000, 1, 60_001), (i64::MAX, 1, 100_000_000)]);
}
