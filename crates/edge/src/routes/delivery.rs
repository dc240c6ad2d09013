//! Deliveries, for staff and couriers.

use axum::Json;
use axum::extract::{Path, State};
use base::id::OrderId;
use delivery_api::{
    GetDeliveryRequest, GetSettingsRequest, GiveUpRequest, HandOverRequest, ListDeliveriesRequest, Settings as MessageSettings, Shipment as Message,
};
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use super::Reply;
use crate::api::{self, Api};
use crate::asked::{Asked, Asking, Named, Sent};
use crate::shape::{Money, Reason, money, rows, some, time};
use crate::{Edge, ask};

const LIST: &[(&str, &str)] = &[("state", "Only in this state."), ("after", "`next` of the page before."), ("limit", "How many rows.")];

pub(crate) fn add(api: &mut Api) {
    api.chapter("delivery");
    api.add(api::get("/v1/deliveries", "Lists deliveries").asks(LIST).gives::<DeliveryPage>(), list);
    api.add(api::get("/v1/orders/{order}/delivery", "Shows the delivery of an order").gives::<Delivery>(), show);
    api.add(api::post("/v1/orders/{order}/delivery/hand-over", "Says that it was handed over, with a proof").takes::<HandOver>().gives::<Delivery>(), hand_over);
    api.add(api::post("/v1/orders/{order}/delivery/give-up", "Says that it could not be handed over").takes::<Reason>().gives::<Delivery>(), give_up);
    api.add(api::get("/v1/delivery/settings", "Shows how long deliveries take").gives::<DeliverySettings>(), settings);
    api.add(api::put("/v1/delivery/settings", "Changes how long deliveries take").takes::<DeliverySettings>().gives::<DeliverySettings>(), put_settings);
}

/// A delivery.
#[derive(Serialize, ToSchema)]
struct Delivery {
    order_id: String,
    /// `waiting`, `packing`, `shipped`, `delivered`, `failed` or `cancelled`.
    state: String,
    /// `carried` or `packed`.
    way: String,
    cash_due: Money,
    cash_taken: Money,
    shipped_at: Option<String>,
    expected_at: Option<String>,
    delivered_at: Option<String>,
    proof: Option<String>,
    reason: Option<String>,
    version: i64,
}

#[derive(Serialize, ToSchema)]
struct DeliveryPage {
    deliveries: Vec<Delivery>,
    next: Option<String>,
}

/// What a courier says at the door.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
struct HandOver {
    proof: String,
    #[serde(default)]
    cash_taken_minor: i64,
}

/// How long deliveries take.
#[derive(Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
struct DeliverySettings {
    packing_seconds: i64,
    carrying_seconds: i64,
    shipping_seconds: i64,
    time_scale: f64,
    /// Whether a delivery ends by itself when its time is over.
    by_itself: bool,
    version: i64,
    #[serde(default, skip_serializing)]
    reason: String,
}

fn shown(edge: &Edge, delivery: Message) -> Delivery {
    Delivery {
        order_id: edge.id::<OrderId>(delivery.order_id),
        cash_due: money(delivery.cash_due_minor, &delivery.currency),
        cash_taken: money(delivery.cash_taken_minor, &delivery.currency),
        state: delivery.state,
        way: delivery.way,
        shipped_at: time(delivery.shipped_at),
        expected_at: time(delivery.expected_at),
        delivered_at: time(delivery.delivered_at),
        proof: some(delivery.proof),
        reason: some(delivery.reason),
        version: delivery.version,
    }
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct ListAsked {
    #[serde(default)]
    state: String,
    #[serde(default)]
    after: String,
    #[serde(default)]
    limit: u32,
}

async fn list(State(edge): State<Edge>, asked: Asked, Asking(query): Asking<ListAsked>) -> Reply<DeliveryPage> {
    let message = ListDeliveriesRequest { shop_id: asked.shop(), state: query.state, after: edge.after(&query.after)?, limit: rows(query.limit)? };
    let told = ask!(edge, &asked.call, delivery.list_deliveries, message);
    let next = edge.next(&told.next);
    Ok(Json(DeliveryPage { deliveries: told.shipments.into_iter().map(|shipment| shown(&edge, shipment)).collect(), next }))
}

async fn show(State(edge): State<Edge>, asked: Asked, Path(order): Named) -> Reply<Delivery> {
    let message = GetDeliveryRequest { order_id: edge.read::<OrderId>(&order)? };
    Ok(Json(shown(&edge, ask!(edge, &asked.call, delivery.get_delivery, message))))
}

async fn hand_over(State(edge): State<Edge>, asked: Asked, Path(order): Named, Sent(body): Sent<HandOver>) -> Reply<Delivery> {
    let message = HandOverRequest { order_id: edge.read::<OrderId>(&order)?, proof: body.proof, cash_taken_minor: body.cash_taken_minor };
    Ok(Json(shown(&edge, ask!(edge, &asked.call, delivery.hand_over, message))))
}

async fn give_up(State(edge): State<Edge>, asked: Asked, Path(order): Named, Sent(body): Sent<Reason>) -> Reply<Delivery> {
    let message = GiveUpRequest { order_id: edge.read::<OrderId>(&order)?, reason: body.reason };
    Ok(Json(shown(&edge, ask!(edge, &asked.call, delivery.give_up, message))))
}

fn shown_settings(settings: MessageSettings) -> DeliverySettings {
    DeliverySettings {
        packing_seconds: settings.packing_seconds,
        carrying_seconds: settings.carrying_seconds,
        shipping_seconds: settings.shipping_seconds,
        time_scale: settings.time_scale,
        by_itself: settings.by_itself,
        version: settings.version,
        reason: String::new(),
    }
}

async fn settings(State(edge): State<Edge>, asked: Asked) -> Reply<DeliverySettings> {
    let told = ask!(edge, &asked.call, delivery.get_settings, GetSettingsRequest { shop_id: asked.shop() });
    Ok(Json(shown_settings(told)))
}

async fn put_settings(State(edge): State<Edge>, asked: Asked, Sent(sent): Sent<DeliverySettings>) -> Reply<DeliverySettings> {
    let message = MessageSettings {
        shop_id: asked.shop(),
        packing_seconds: sent.packing_seconds,
        carrying_seconds: sent.carrying_seconds,
        shipping_seconds: sent.shipping_seconds,
        time_scale: sent.time_scale,
        by_itself: sent.by_itself,
        version: sent.version,
        reason: sent.reason,
    };
    let told = ask!(edge, &asked.call, delivery.put_settings, message);
    Ok(Json(shown_settings(told)))
}
