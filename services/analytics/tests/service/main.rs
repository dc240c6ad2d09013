//! Analytics from outside: figures over the wire, and that they stay the same over other orders of events, crashes and rebuilds.

mod figures;
mod rebuild;
mod stand_in;

use std::collections::BTreeMap;

use analytics_api as api;
use analytics_api::analytics_client::AnalyticsClient;
use base::id::{DeliveryId, ItemId, OrderId, PaymentId, ShopId, TicketId};
use base::{Currency, Principal, Timestamp};
use delivery_api::events::OrderDelivered;
use host::testing::{Platform, staff};
use kitchen_api::events::OrderReady;
use orders_api::events::{CancelReason, Fulfilment, ItemKind, Line, OrderCancelled, OrderCreated, PaymentKind};
use payments_api::events::PaymentRefunded;
use wire::Channel;

pub const SHOP: ShopId = ShopId(1);

pub async fn platform() -> Platform {
    Platform::start([stand_in::catalog(), analytics::service()]).await
}

pub fn client(platform: &Platform, principal: Principal) -> AnalyticsClient<Channel> {
    AnalyticsClient::new(platform.channel("analytics", principal))
}

/// Ten minutes before midnight in New York, plus some minutes.
pub fn placed(minutes: u64) -> Timestamp {
    Timestamp::parse("2015-01-31T23:50:10-05:00").unwrap() + std::time::Duration::from_secs(60 * minutes)
}

pub fn created(id: i64, total_minor: i64, placed_at: Timestamp) -> OrderCreated {
    let line = |slug: &str, quantity, total_minor| Line {
        item_id: ItemId(1),
        slug: slug.into(),
        size: "M".into(),
        quantity,
        total_minor,
        kind: ItemKind::Dish,
        options: vec![],
        steps: vec![],
    };
    OrderCreated {
        order_id: OrderId(id),
        shop_id: SHOP,
        placed_at,
        lines: vec![line("ham", 2, total_minor - 100), line("cola", 1, 100)],
        needs: vec![],
        total_minor,
        currency: Currency::USD,
        payment: PaymentKind::Card,
        method_id: None,
        fulfilment: Fulfilment::Delivery,
        language: "en".into(),
        device_id: None,
        has_email: false,
    }
}

pub fn delivered(id: i64) -> OrderDelivered {
    OrderDelivered {
        order_id: OrderId(id),
        shop_id: SHOP,
        delivery_id: DeliveryId(id),
        cash_taken_minor: 0,
        currency: Currency::USD,
        delivered_at: Timestamp(9),
        proof: "signed".into(),
    }
}

pub fn cancelled(id: i64, placed_at: Timestamp) -> OrderCancelled {
    OrderCancelled {
        order_id: OrderId(id),
        shop_id: SHOP,
        reason: CancelReason::TooLate,
        by: "platform".into(),
        total_minor: 500,
        fee_minor: 0,
        placed_at,
    }
}

pub fn ready(id: i64, cooking_ms: i64) -> OrderReady {
    OrderReady { order_id: OrderId(id), shop_id: SHOP, ticket_id: TicketId(id), cooking_ms }
}

pub fn refunded(id: i64, amount_minor: i64) -> PaymentRefunded {
    PaymentRefunded { order_id: OrderId(id), shop_id: SHOP, payment_id: PaymentId(id), amount_minor, currency: Currency::USD }
}

/// All that can be seen of the figures, in one comparable value.
#[derive(Debug, Clone, PartialEq)]
pub struct Seen {
    pub summary: api::SummaryAnswer,
    pub counts: BTreeMap<String, i64>,
    pub days: Vec<api::Point>,
    pub minutes: Vec<api::Point>,
    pub top: Vec<api::TopItem>,
    pub cooking: api::CookingTimeAnswer,
}

pub async fn seen(platform: &Platform) -> Seen {
    let mut client = client(platform, staff());
    let shop_id = SHOP.0;
    let mut summary = client.summary(api::SummaryRequest { shop_id }).await.unwrap().into_inner();
    // It moves with the clock, and is looked at by itself.
    summary.orders_per_minute = 0;
    let counts = client.count_events(api::CountEventsRequest { shop_id, kind: String::new() }).await.unwrap().into_inner().counts;
    Seen {
        summary,
        counts: counts.into_iter().map(|count| (count.kind, count.events)).collect(),
        days: series(platform, "day").await,
        minutes: series(platform, "minute").await,
        top: client.top_items(api::TopItemsRequest { shop_id, month: String::new(), limit: 0 }).await.unwrap().into_inner().items,
        cooking: client.cooking_time(api::CookingTimeRequest { shop_id }).await.unwrap().into_inner(),
    }
}

pub async fn series(platform: &Platform, step: &str) -> Vec<api::Point> {
    let request = api::SeriesRequest { shop_id: SHOP.0, step: step.into(), ..Default::default() };
    client(platform, staff()).series(request).await.unwrap().into_inner().points
}
