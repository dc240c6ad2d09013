//! The kitchen from outside: through its client, and through the events that it hears.

#[path = "service/bumps.rs"]
mod bumps;
#[path = "service/contract.rs"]
mod contract;
#[path = "service/reactions.rs"]
mod reactions;

use std::collections::BTreeMap;

use base::id::{ItemId, OrderId, PaymentId, ShopId};
use base::{Currency, Principal, Timestamp};
use host::testing::{Platform, staff};
use kitchen_api as api;
use kitchen_api::kitchen_client::KitchenClient;
use orders_api::events::{CancelReason, Fulfilment, ItemKind, Line, OrderCancelled, OrderCreated, PaymentKind, Step};
use payments_api::events::{OrderPaid, PaymentPromised};

/// So fast that whatever is booked is ready by the time it is asked for.
const FAST: &[(&str, &str)] = &[("kitchen_time_scale", "10000000")];

/// A kitchen with one place of each kind.
async fn kitchen(settings: &[(&str, &str)]) -> Platform {
    let platform = Platform::start_set([kitchen::service()], settings).await;
    for kind in ["prep", "oven", "pass"] {
        put(&platform, kind, kind, 1).await;
    }
    platform
}

async fn put(platform: &Platform, slug: &str, kind: &str, places: u32) -> api::Station {
    let station =
        api::Station { shop_id: 1, slug: slug.into(), kind: kind.into(), name: BTreeMap::new(), places, ..Default::default() };
    let mut client = KitchenClient::new(platform.writing("kitchen", Principal::platform("seeding"), slug, ""));
    client.put_station(api::PutStationRequest { station: Some(station), reason: String::new() }).await.unwrap().into_inner()
}

async fn ticket(platform: &Platform, order: i64) -> api::Ticket {
    let mut client = KitchenClient::new(platform.channel("kitchen", staff()));
    client.get_ticket(api::GetTicketRequest { order_id: order }).await.unwrap().into_inner()
}

async fn state(platform: &Platform, order: i64) -> String {
    ticket(platform, order).await.state
}

/// Says by staff that a station is broken, or works again.
async fn broken(platform: &Platform, station: &api::Station, broken: bool, key: &str) -> api::Station {
    let request = api::StationRequest { station_id: station.station_id, reason: "smoke".into() };
    let mut client = KitchenClient::new(platform.writing("kitchen", staff(), key, ""));
    let answer = if broken { client.break_station(request).await } else { client.repair_station(request).await };
    answer.unwrap().into_inner()
}

fn dishes(quantity: i64, steps: &[(&str, i64, i32)]) -> Line {
    let steps =
        steps.iter().map(|(station, seconds, celsius)| Step { station: (*station).into(), seconds: *seconds, celsius: *celsius });
    Line {
        item_id: ItemId(1),
        slug: "margherita".into(),
        size: "M".into(),
        quantity,
        total_minor: 1_000 * quantity,
        kind: ItemKind::Dish,
        options: vec!["extra cheese".into()],
        steps: steps.collect(),
    }
}

fn pizzas(quantity: i64) -> Line {
    dishes(quantity, &[("prep", 120, 0), ("oven", 360, 300), ("pass", 40, 0)])
}

fn created(order: i64, lines: Vec<Line>) -> OrderCreated {
    OrderCreated {
        order_id: OrderId(order),
        shop_id: ShopId(1),
        placed_at: Timestamp(1),
        lines,
        needs: vec![],
        total_minor: 1_000,
        currency: Currency::USD,
        payment: PaymentKind::Card,
        method_id: None,
        fulfilment: Fulfilment::Delivery,
        language: "en".into(),
        device_id: None,
        has_email: false,
    }
}

fn paid(order: i64, method: &str) -> OrderPaid {
    OrderPaid {
        order_id: OrderId(order),
        shop_id: ShopId(1),
        payment_id: PaymentId(order),
        amount_minor: 1_000,
        currency: Currency::USD,
        method: method.into(),
    }
}

fn promised(order: i64) -> PaymentPromised {
    PaymentPromised {
        order_id: OrderId(order),
        shop_id: ShopId(1),
        payment_id: PaymentId(order),
        amount_minor: 1_000,
        currency: Currency::USD,
    }
}

fn cancelled(order: i64) -> OrderCancelled {
    OrderCancelled {
        order_id: OrderId(order),
        shop_id: ShopId(1),
        reason: CancelReason::CustomerAsked,
        by: "guest".into(),
        total_minor: 1_000,
        fee_minor: 0,
        placed_at: Timestamp(1),
    }
}

fn settings(pairs: &[(&str, &str)]) -> BTreeMap<String, String> {
    pairs.iter().map(|(name, value)| ((*name).to_owned(), (*value).to_owned())).collect()
}
