//! Deliveries: carried, packed, handed over.

use axum::Json;
use axum::extract::State;
use base::id::{DeliveryId, OrderId};
use delivery_api::{
    GetDeliveryRequest, GetSettingsRequest, GiveUpRequest, HandOverRequest, ListDeliveriesRequest, Settings, Shipment,
};
use serde::Deserialize;
use serde_json::{Value, json};
use utoipa::ToSchema;

use super::Answer;
use crate::api::{Api, get, post, put};
use crate::asked::{Asked, Asking, Named, Sent};
use crate::shape::{Reason, money, rows, some, time};
use crate::{Edge, ask};

const LIST: &[(&str, &str)] =
    &[("state", "Only deliveries in this state."), ("after", "`next` of the page before."), ("limit", "How many rows.")];

pub(crate) fn add(api: &mut Api) {
    api.chapter("delivery");
    api.add(get("/v1/deliveries", "The shop's deliveries.").asks(LIST), list);
    api.add(get("/v1/deliveries/settings", "How long packing and carrying take."), settings);
    api.add(put("/v1/deliveries/settings", "Changes how long packing and carrying take.").takes::<SettingsBody>(), put_settings);
    api.add(get("/v1/deliveries/{id}", "The delivery of an order."), one);
    api.add(
        post("/v1/deliveries/{id}/hand-over", "The courier hands an order over, with a proof.").takes::<HandOverBody>(),
        hand_over,
    );
    api.add(post("/v1/deliveries/{id}/give-up", "The courier could not hand an order over.").takes::<Reason>(), give_up);
}

fn shown(edge: &Edge, shipment: &Shipment) -> Value {
    json!({
        "delivery_id": edge.id::<DeliveryId>(shipment.delivery_id), "order_id": edge.id::<OrderId>(shipment.order_id), "state": shipment.state, "way": shipment.way,
        "cash_due": money(shipment.cash_due_minor, &shipment.currency), "cash_taken": money(shipment.cash_taken_minor, &shipment.currency),
        "shipped_at": time(shipment.shipped_at), "expected_at": time(shipment.expected_at), "delivered_at": time(shipment.delivered_at),
        "proof": some(shipment.proof.clone()), "reason": some(shipment.reason.clone()), "version": shipment.version,
    })
}

#[derive(Deserialize, Default)]
#[serde(default, deny_unknown_fields)]
struct ListAsked {
    state: String,
    after: String,
    limit: u32,
}

async fn list(State(edge): State<Edge>, asked: Asked, Asking(page): Asking<ListAsked>) -> Answer {
    let request = ListDeliveriesRequest {
        shop_id: asked.shop(),
        state: page.state,
        after: edge.after(&page.after)?,
        limit: rows(page.limit)?,
    };
    let page = ask!(edge, &asked.call, delivery.list_deliveries, request);
    Ok(Json(
        json!({ "deliveries": page.shipments.iter().map(|shipment| shown(&edge, shipment)).collect::<Vec<_>>(), "next": edge.next(&page.next) }),
    ))
}

async fn one(State(edge): State<Edge>, asked: Asked, name: Named) -> Answer {
    let request = GetDeliveryRequest { order_id: edge.read::<OrderId>(&name)? };
    Ok(Json(shown(&edge, &ask!(edge, &asked.call, delivery.get_delivery, request))))
}

#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
struct HandOverBody {
    proof: String,
    #[serde(default)]
    cash_taken_minor: i64,
}

async fn hand_over(State(edge): State<Edge>, asked: Asked, name: Named, Sent(body): Sent<HandOverBody>) -> Answer {
    let request =
        HandOverRequest { order_id: edge.read::<OrderId>(&name)?, proof: body.proof, cash_taken_minor: body.cash_taken_minor };
    Ok(Json(shown(&edge, &ask!(edge, &asked.call, delivery.hand_over, request))))
}

async fn give_up(State(edge): State<Edge>, asked: Asked, name: Named, Sent(body): Sent<Reason>) -> Answer {
    let request = GiveUpRequest { order_id: edge.read::<OrderId>(&name)?, reason: body.reason };
    Ok(Json(shown(&edge, &ask!(edge, &asked.call, delivery.give_up, request))))
}

#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
struct SettingsBody {
    packing_seconds: i64,
    carrying_seconds: i64,
    shipping_seconds: i64,
    time_scale: f64,
    by_itself: bool,
    #[serde(default)]
    version: i64,
    #[serde(default)]
    reason: String,
}

fn shown_settings(settings: &Settings) -> Value {
    json!({ "packing_seconds": settings.packing_seconds, "carrying_seconds": settings.carrying_seconds, "shipping_seconds": settings.shipping_seconds,
        "time_scale": settings.time_scale, "by_itself": settings.by_itself, "version": settings.version })
}

async fn settings(State(edge): State<Edge>, asked: Asked) -> Answer {
    Ok(Json(shown_settings(&ask!(edge, &asked.call, delivery.get_settings, GetSettingsRequest { shop_id: asked.shop() }))))
}

async fn put_settings(State(edge): State<Edge>, asked: Asked, Sent(body): Sent<SettingsBody>) -> Answer {
    let wanted = Settings {
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
