//! Delivery from outside: through its client, and through the events that it hears.

#[path = "service/contract.rs"]
mod contract;
#[path = "service/reactions.rs"]
mod reactions;

use base::id::{ItemId, OrderId, PaymentId, ShopId, TicketId};
use base::{Currency, Timestamp};
use delivery_api as api;
use delivery_api::delivery_client::DeliveryClient;
use host::testing::{Platform, staff};
use kitchen_api::events::OrderReady;
use orders_api::events::{CancelReason, Fulfilment, ItemKind, Line, OrderCancelled, OrderCreated, PaymentKind};
use payments_api::events::{OrderPaid, PaymentPromised};

/// So fast that a day is a tenth of a second.
const FAST: &[(&str, &str)] = &[("delivery_time_scale", "1000000")];

async fn delivery(settings: &[(&str, &str)]) -> Platform {
    Platform::start_set([delivery::service()], settings).await
}

async fn shipment(platform: &Platform, order: i64) -> api::Shipment {
    let mut client = DeliveryClient::new(platform.channel("delivery", staff()));
    client.get_delivery(api::GetDeliveryRequest { order_id: order }).await.unwrap().into_inner()
}

async fn state(platform: &Platform, order: i64) -> String {
    shipment(platform, order).await.state
}

/// Lets couriers end deliveries.
async fn by_hand(platform: &Platform) {
    let mut client = DeliveryClient::new(platform.channel("delivery", staff()));
    let settings = client.get_settings(api::GetSettingsRequest { shop_id: 1 }).await.unwrap().into_inner();
    client.put_settings(api::Settings { by_itself: false, reason: "real couriers".into(), ..settings }).await.unwrap();
}

fn created(order: i64, kind: ItemKind) -> OrderCreated {
    let line = Line {
        item_id: ItemId(1),
        slug: "margherita".into(),
        size: "M".into(),
        quantity: 1,
        total_minor: 1_000,
        kind,
        options: vec![],
        steps: vec![],
    };
    OrderCreated {
        order_id: OrderId(order),
        shop_id: ShopId(1),
        placed_at: Timestamp(1),
        lines: vec![line],
        needs: vec![],
        total_minor: 1_250,
        currency: Currency::EUR,
        payment: PaymentKind::Card,
        method_id: None,
        fulfilment: Fulfilment::Delivery,
        language: "en".into(),
        device_id: None,
        has_email: false,
    }
}

fn in_cash(order: OrderCreated) -> OrderCreated {
    OrderCreated { payment: PaymentKind::Cash, ..order }
}

fn paid(order: i64, method: &str) -> OrderPaid {
    OrderPaid {
        order_id: OrderId(order),
        shop_id: ShopId(1),
        payment_id: PaymentId(order),
        amount_minor: 1_250,
        currency: Currency::EUR,
        method: method.into(),
    }
}

fn promised(order: i64) -> PaymentPromised {
    PaymentPromised {
        order_id: OrderId(order),
        shop_id: ShopId(1),
        payment_id: PaymentId(order),
        amount_minor: 1_250,
        currency: Currency::EUR,
    }
}

fn ready(order: i64) -> OrderReady {
    OrderReady { order_id: OrderId(order), shop_id: ShopId(1), ticket_id: TicketId(order), cooking_ms: 520_000 }
}

fn cancelled(order: i64) -> OrderCancelled {
    OrderCancelled {
        order_id: OrderId(order),
        shop_id: ShopId(1),
        reason: CancelReason::CustomerAsked,
        by: "guest".into(),
        total_minor: 1_250,
        fee_minor: 0,
        placed_at: Timestamp(1),
    }
}
