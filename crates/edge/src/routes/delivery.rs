//! Deliveries: carried, packed, handed over.

use axum::Json;
use axum::extract::State;
use base::id::{DeliveryId, OrderId};
use delivery_api::{
    GetDeliveryRequest, GetSettingsRequest, GiveUpRequest, HandOverRequest, ListDeliveriesRequest, Settings as SettingsMessage,
    Shipment,
};
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use super::Reply;
use crate::api::{Api, get, post, put};
use crate::asked::{Asked, Asking, Named, Sent};
use crate::document::{AFTER, LIMIT, Param};
use crate::shape::{Money, Reason, Time, money, rows, some, time};
use crate::{Edge, ask};

const STATES: &[&str] = &["waiting", "packing", "shipped", "delivered", "failed", "cancelled"];
const LIST: &[Param] = &[Param::words("state", "Only deliveries in this state.", STATES), AFTER, LIMIT];

pub(crate) fn add(api: &mut Api) {
    api.chapter("delivery");
    api.add(get("/v1/deliveries", "Lists the shop's deliveries").asks(LIST).gives::<DeliveryPage>(), list);
    api.add(get("/v1/deliveries/settings", "Shows how long packing and carrying take").gives::<DeliverySettings>(), settings);
    api.add(
        put("/v1/deliveries/settings", "Changes how long packing and carrying take")
            .takes::<DeliverySettingsSent>()
            .gives::<DeliverySettings>(),
        put_settings,
    );
    api.add(get("/v1/deliveries/{order}", "Shows the delivery of an order").gives::<Delivery>(), one);
    api.add(
        post("/v1/deliveries/{order}/hand-over", "Hands an order over, with a proof").takes::<HandOver>().gives::<Delivery>(),
        hand_over,
    );
    api.add(
        post("/v1/deliveries/{order}/give-up", "Says that an order could not be handed over")
            .takes::<Reason>()
            .gives::<Delivery>(),
        give_up,
    );
}

/// How an order comes to the door.
#[derive(Serialize, ToSchema)]
struct Delivery {
    /// Its id: `dlv_…`.
    delivery_id: String,
    /// The order's id: `ord_…`.
    order_id: String,
    /// `waiting`, `packing`, `shipped`, `delivered`, `failed` or `cancelled`.
    state: String,
    /// `carried` (dishes) or `packed` (goods).
    way: String,
    /// What is to be taken at the door.
    cash_due: Money,
    /// What was taken at the door.
    cash_taken: Money,
    shipped_at: Option<Time>,
    expected_at: Option<Time>,
    delivered_at: Option<Time>,
    /// By what it is known that it was handed over.
    proof: Option<String>,
    /// Why it failed or was cancelled.
    reason: Option<String>,
    /// Grows with every change.
    version: i64,
}

/// A page of deliveries.
#[derive(Serialize, ToSchema)]
struct DeliveryPage {
    deliveries: Vec<Delivery>,
    /// What to send as `after` for the next page.
    next: Option<String>,
}

/// What a courier says at the door.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
struct HandOver {
    /// By what it is known, such as a name or a code.
    proof: String,
    /// What was taken at the door, in minor units of the order's currency.
    #[serde(default)]
    cash_taken_minor: i64,
}

/// How long deliveries take.
#[derive(Serialize, ToSchema)]
struct DeliverySettings {
    /// How long goods are packed, in seconds.
    packing_seconds: i64,
    /// How long dishes are carried, in seconds.
    carrying_seconds: i64,
    /// How long parcels travel, in seconds.
    shipping_seconds: i64,
    /// How many times faster than real time all of it goes.
    time_scale: f64,
    /// Whether a delivery ends by itself when its time is over; else a courier says so.
    by_itself: bool,
    /// Grows with every change; an edit names the one it has seen.
    version: i64,
}

/// How long deliveries are to take.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
struct DeliverySettingsSent {
    /// How long goods are packed, in seconds.
    packing_seconds: i64,
    /// How long dishes are carried, in seconds.
    carrying_seconds: i64,
    /// How long parcels travel, in seconds.
    shipping_seconds: i64,
    /// How many times faster than real time all of it goes.
    time_scale: f64,
    /// Whether a delivery ends by itself when its time is over; else a courier says so.
    by_itself: bool,
    /// The version that was read.
    #[serde(default)]
    version: i64,
    /// Why; it is kept with the act.
    #[serde(default)]
    #[schema(max_length = 1000)]
    reason: String,
}

fn shown(edge: &Edge, shipment: Shipment) -> Delivery {
    Delivery {
        delivery_id: edge.id::<DeliveryId>(shipment.delivery_id),
        order_id: edge.id::<OrderId>(shipment.order_id),
        cash_due: money(shipment.cash_due_minor, &shipment.currency),
        cash_taken: money(shipment.cash_taken_minor, &shipment.currency),
        state: shipment.state,
        way: shipment.way,
        shipped_at: time(shipment.shipped_at),
        expected_at: time(shipment.expected_at),
        delivered_at: time(shipment.delivered_at),
        proof: some(shipment.proof),
        reason: some(shipment.reason),
        version: shipment.version,
    }
}

#[derive(Deserialize, Default)]
#[serde(default, deny_unknown_fields)]
struct ListAsked {
    state: String,
    after: String,
    limit: u32,
}

async fn list(State(edge): State<Edge>, asked: Asked, Asking(page): Asking<ListAsked>) -> Reply<DeliveryPage> {
    let request = ListDeliveriesRequest {
        shop_id: asked.shop(),
        state: page.state,
        after: edge.after(&page.after)?,
        limit: rows(page.limit)?,
    };
    let page = ask!(edge, &asked.call, delivery.list_deliveries, request);
    let next = edge.next(&page.next);
    Ok(Json(DeliveryPage { deliveries: page.shipments.into_iter().map(|shipment| shown(&edge, shipment)).collect(), next }))
}

async fn one(State(edge): State<Edge>, asked: Asked, name: Named) -> Reply<Delivery> {
    let request = GetDeliveryRequest { order_id: edge.read::<OrderId>(&name)? };
    Ok(Json(shown(&edge, ask!(edge, &asked.call, delivery.get_delivery, request))))
}

async fn hand_over(State(edge): State<Edge>, asked: Asked, name: Named, Sent(body): Sent<HandOver>) -> Reply<Delivery> {
    let request =
        HandOverRequest { order_id: edge.read::<OrderId>(&name)?, proof: body.proof, cash_taken_minor: body.cash_taken_minor };
    Ok(Json(shown(&edge, ask!(edge, &asked.call, delivery.hand_over, request))))
}

async fn give_up(State(edge): State<Edge>, asked: Asked, name: Named, Sent(body): Sent<Reason>) -> Reply<Delivery> {
    let request = GiveUpRequest { order_id: edge.read::<OrderId>(&name)?, reason: body.reason };
    Ok(Json(shown(&edge, ask!(edge, &asked.call, delivery.give_up, request))))
}

fn shown_settings(settings: &SettingsMessage) -> DeliverySettings {
    DeliverySettings {
        packing_seconds: settings.packing_seconds,
        carrying_seconds: settings.carrying_seconds,
        shipping_seconds: settings.shipping_seconds,
        time_scale: settings.time_scale,
        by_itself: settings.by_itself,
        version: settings.version,
    }
}

async fn settings(State(edge): State<Edge>, asked: Asked) -> Reply<DeliverySettings> {
    Ok(Json(shown_settings(&ask!(edge, &asked.call, delivery.get_settings, GetSettingsRequest { shop_id: asked.shop() }))))
}

async fn put_settings(State(edge): State<Edge>, asked: Asked, Sent(body): Sent<DeliverySettingsSent>) -> Reply<DeliverySettings> {
    let wanted = SettingsMessage {
        shop_id: asked.shop(),
        packing_seconds: body.packing_seconds,
        carrying_seconds: body.carrying_seconds,
        shipping_seconds: body.shipping_seconds,
        time_scale: body.time_scale,
        by_itself: body.by_itself,
        version: body.version,
        reason: body.reason,
    };
    Ok(Json(shown_settings(&ask!(edge, &asked.call, delivery.put_settings, wanted))))
}
