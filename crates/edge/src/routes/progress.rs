//! How far an order has come, in one view: for the guest who waits for it, and for whoever the guest shows it to.
//!
//! A link to share carries the order's id under the platform's seal. It opens this view and its events, never the person.

use axum::Json;
use axum::extract::{Path, State};
use axum::http::HeaderMap;
use axum::response::Response;
use base::id::OrderId;
use base::{Fault, Id, Kind, Principal};
use delivery_api::{GetDeliveryRequest, GetSettingsRequest, Settings, Shipment};
use kitchen_api::{GetTicketRequest, Ticket};
use orders_api::GetOrderRequest;
use payments_api::GetPaymentByOrderRequest;
use serde::Serialize;
use utoipa::ToSchema;
use wire::Call;

use super::Reply;
use super::order_view::{Order, shown};
use super::orders::{FOLLOW, Following, follow, one};
use crate::api::{Api, Who, get};
use crate::asked::{Asked, Asking, Named};
use crate::problem::Problem;
use crate::public::Sight;
use crate::shape::{Money, Time, money, some, time};
use crate::{Edge, ask};

/// The seal's purpose.
const PURPOSE: &str = "share";

pub(crate) fn add(api: &mut Api) {
    api.chapter("orders");
    api.add(
        get("/v1/orders/{order}/progress", "Tells how far an order has come, dish by dish")
            .open_to(Who::Known)
            .gives::<Progress>(),
        own,
    );
    api.add(
        get("/v1/shared/{share}", "Tells how far an order has come, to whoever has its link")
            .open_to(Who::Anyone)
            .gives::<Progress>(),
        shared,
    );
    api.add(
        get("/v1/shared/{share}/events", "Follows an order by its link: its state first, then each event")
            .open_to(Who::Anyone)
            .asks(FOLLOW)
            .streams(),
        shared_events,
    );
}

/// A step of a dish.
#[derive(Serialize, ToSchema)]
struct ProgressStep {
    /// The kind of station, such as `oven`.
    station: String,
    starts_at: Option<Time>,
    ends_at: Option<Time>,
}

/// A dish on its way through the kitchen.
#[derive(Serialize, ToSchema)]
struct ProgressDish {
    /// Which line of the order, counted from 0.
    line: u32,
    /// `queued`, `prepared`, `baking`, `plated` or `ready`, as it is at `as_of`.
    state: String,
    steps: Vec<ProgressStep>,
}

/// What the kitchen does for an order.
#[derive(Serialize, ToSchema)]
struct ProgressKitchen {
    /// `waiting` (not paid), `booked`, `cooking`, `ready`, `failed` or `cancelled`.
    state: String,
    /// When all of it will be ready, as it is booked now.
    ready_at: Option<Time>,
    dishes: Vec<ProgressDish>,
}

/// How an order comes to the door.
#[derive(Serialize, ToSchema)]
struct ProgressDelivery {
    /// `waiting`, `packing`, `shipped`, `delivered`, `failed` or `cancelled`.
    state: String,
    shipped_at: Option<Time>,
    delivered_at: Option<Time>,
}

/// What was paid for an order.
#[derive(Serialize, ToSchema)]
struct ProgressPayment {
    /// The state of the payment, as `GET /v1/payments/{payment}` has it.
    state: String,
    taken: Money,
    refunded: Money,
    /// Why it failed or was given back.
    reason: Option<String>,
}

/// How far an order has come.
#[derive(Serialize, ToSchema)]
struct Progress {
    order: Order,
    /// None before its payment is settled, and while the kitchen does not answer.
    kitchen: Option<ProgressKitchen>,
    delivery: Option<ProgressDelivery>,
    /// None for whoever came by a link.
    payment: Option<ProgressPayment>,
    /// When it is expected at the door or at the counter, as far as is known.
    expected_at: Option<Time>,
    /// The moment of which all this is told.
    as_of: Option<Time>,
    /// What opens `/v1/shared/{share}` to others; none for whoever came by a link.
    share: Option<String>,
}

/// Seals the link of an order.
fn sealed(edge: &Edge, order: i64) -> String {
    edge.key().seal(PURPOSE, &OrderId(order).show(edge.key()))
}

/// Opens a link; what this platform did not seal names no order.
fn opened(edge: &Edge, share: &str) -> Result<GetOrderRequest, Fault> {
    let none = || Fault::not_found("order_not_found", "There is no such order.");
    let order = edge.key().open(PURPOSE, share).ok_or_else(none)?;
    one(edge, order)
}

/// The same errand by the platform itself: the seal has shown already who may see the order.
fn errand(call: &Call) -> Call {
    Call { principal: Principal::platform("gateway"), ..call.clone() }
}

/// Takes what is not there, or not now, as nothing: the order itself tells enough meanwhile.
fn there<T>(answer: Result<T, Fault>) -> Result<Option<T>, Fault> {
    match answer {
        Ok(found) => Ok(Some(found)),
        Err(fault) if fault.kind == Kind::NotFound || fault.is_retryable() => Ok(None),
        Err(fault) => Err(fault),
    }
}

/// Tells when an order is expected: what the courier said, else what the kitchen has booked and the way takes.
fn expected(ticket: Option<&Ticket>, shipment: Option<&Shipment>, settings: Option<&Settings>, pickup: bool) -> i64 {
    if let Some(shipment) = shipment.filter(|shipment| shipment.expected_at != 0) {
        return shipment.expected_at;
    }
    let Some(ready_at) = ticket.map(|ticket| ticket.ready_at).filter(|at| *at != 0) else { return 0 };
    if pickup {
        return ready_at;
    }
    let Some(settings) = settings else { return 0 };
    let carried_micros = settings.carrying_seconds as f64 * 1e6 / settings.time_scale.max(0.001);
    ready_at.saturating_add(carried_micros as i64)
}

fn kitchen(ticket: Ticket) -> ProgressKitchen {
    let step = |step: kitchen_api::DishStep| ProgressStep {
        station: step.station_kind,
        starts_at: time(step.starts_at),
        ends_at: time(step.ends_at),
    };
    let dish = |dish: kitchen_api::Dish| ProgressDish {
        line: dish.line,
        state: dish.state,
        steps: dish.steps.into_iter().map(step).collect(),
    };
    ProgressKitchen {
        state: ticket.state,
        ready_at: time(ticket.ready_at),
        dishes: ticket.dishes.into_iter().map(dish).collect(),
    }
}

async fn told(edge: &Edge, call: &Call, message: orders_api::Order, by_link: bool) -> Result<Progress, Fault> {
    let call = errand(call);
    let order_id = message.order_id;
    let ticket = async { Ok(ask!(edge, &call, kitchen.get_ticket, GetTicketRequest { order_id })) };
    let shipment = async { Ok(ask!(edge, &call, delivery.get_delivery, GetDeliveryRequest { order_id })) };
    let settings = async { Ok(ask!(edge, &call, delivery.get_settings, GetSettingsRequest { shop_id: message.shop_id })) };
    let payment = async {
        if by_link {
            return Ok(None);
        }
        let asked: Result<_, Fault> =
            async { Ok(ask!(edge, &call, payments.get_payment_by_order, GetPaymentByOrderRequest { order_id })) }.await;
        there(asked)
    };
    let (ticket, shipment, settings, payment) = futures_util::join!(ticket, shipment, settings, payment);
    let (ticket, shipment, settings, payment) = (there(ticket)?, there(shipment)?, there(settings)?, payment?);
    let expected_at = expected(ticket.as_ref(), shipment.as_ref(), settings.as_ref(), message.fulfilment == "pickup");
    let payment = payment.map(|payment: payments_api::Payment| ProgressPayment {
        taken: money(payment.taken_minor, &payment.currency),
        refunded: money(payment.refunded_minor, &payment.currency),
        state: payment.state,
        reason: some(payment.reason),
    });
    let order = shown(edge, message);
    Ok(Progress {
        order: if by_link { order.by_link() } else { order },
        kitchen: ticket.map(kitchen),
        delivery: shipment.map(|shipment| ProgressDelivery {
            state: shipment.state,
            shipped_at: time(shipment.shipped_at),
            delivered_at: time(shipment.delivered_at),
        }),
        payment,
        expected_at: time(expected_at),
        as_of: Some(Time::of(edge.world().now())),
        share: (!by_link).then(|| sealed(edge, order_id)),
    })
}

async fn own(State(edge): State<Edge>, asked: Asked, Path(order): Named) -> Reply<Progress> {
    let request = one(&edge, &order)?;
    let message = ask!(edge, &asked.call, orders.get_order, request);
    Ok(Json(told(&edge, &asked.call, message, false).await?))
}

async fn shared(State(edge): State<Edge>, asked: Asked, Path(share): Named) -> Reply<Progress> {
    let request = opened(&edge, &share)?;
    let message = ask!(edge, &errand(&asked.call), orders.get_order, request);
    Ok(Json(told(&edge, &asked.call, message, true).await?))
}

async fn shared_events(
    State(edge): State<Edge>,
    asked: Asked,
    Path(share): Named,
    headers: HeaderMap,
    Asking(query): Asking<Following>,
) -> Result<Response, Problem> {
    let request = opened(&edge, &share)?;
    let order = request.order_id;
    let message = ask!(edge, &errand(&asked.call), orders.get_order, request);
    follow(&edge, &asked, Sight::Link, (order, &shown(&edge, message).by_link()), &headers, &query)
}

#[cfg(test)]
mod unit {
    use super::*;

    #[test]
    fn what_the_courier_says_counts_before_what_the_kitchen_has_booked() {
        let ticket = Ticket { ready_at: 60_000_000, ..Ticket::default() };
        let settings = Settings { carrying_seconds: 600, time_scale: 10.0, ..Settings::default() };
        let carried = Shipment { expected_at: 99, ..Shipment::default() };
        assert_eq!(expected(Some(&ticket), Some(&carried), Some(&settings), false), 99);
        assert_eq!(expected(Some(&ticket), Some(&Shipment::default()), Some(&settings), false), 120_000_000);
        assert_eq!(expected(Some(&ticket), None, None, true), 60_000_000);
        assert_eq!(expected(None, None, Some(&settings), false), 0);
    }
}
