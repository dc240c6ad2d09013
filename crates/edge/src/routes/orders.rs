//! Orders: placing, following, cancelling.

use axum::Json;
use axum::extract::{Path, State};
use axum::response::{IntoResponse, Response};
use base::Fault;
use base::id::{ItemId, OrderId};
use http::{HeaderMap, HeaderValue, StatusCode, header};
use orders_api::{CancelRequest, GetOrderRequest, LineRequest, ListMineRequest, PlaceRequest};
use serde::{Deserialize, Serialize};
use serde_json::Value;
use utoipa::ToSchema;

use super::Reply;
use super::devices::with_device;
use super::order_view::{Order, OrderPage, page, shown};
use crate::api::{Api, Who, get, post};
use crate::asked::{Asked, Asking, Named, Sent};
use crate::document::{PAGE, Param};
use crate::problem::Problem;
use crate::public::Sight;
use crate::shape::{PageAsked, Reason, Time, read_time, rows, time};
use crate::{Edge, ask, stream};

pub(super) const FOLLOW: &[Param] = &[Param::text("after", "The id of the last event that was seen: `evt_…`.")];

pub(crate) fn add(api: &mut Api) {
    api.chapter("orders");
    api.add(
        post("/v1/orders", "Places an order; without a token a new device is made for it")
            .open_to(Who::Anyone)
            .takes::<NewOrder>()
            .gives::<Order>()
            .hands_device()
            .located()
            .with(201),
        place,
    );
    api.add(
        get("/v1/orders", "Lists the orders of the guest who asks, newest first")
            .open_to(Who::Known)
            .asks(PAGE)
            .gives::<OrderPage>(),
        mine,
    );
    api.add(get("/v1/orders/{order}", "Shows an order").open_to(Who::Known).gives::<Order>(), show);
    api.add(
        post("/v1/orders/{order}/cancel", "Cancels an order that nobody cooks yet")
            .open_to(Who::Known)
            .takes::<Reason>()
            .gives::<Order>(),
        cancel,
    );
    api.add(get("/v1/orders/{order}/history", "Tells what happened to an order").open_to(Who::Known).gives::<History>(), history);
    api.add(
        get("/v1/orders/{order}/events", "Follows an order: its state first, then each event")
            .open_to(Who::Known)
            .asks(FOLLOW)
            .streams(),
        events,
    );
}

/// One line of a new order: an item by id or by short name. Prices are the shop's.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
struct NewLine {
    /// The item's short name.
    #[schema(example = "margherita")]
    #[serde(default)]
    item: String,
    /// The item's id, `itm_…`, instead of its name.
    #[serde(default)]
    item_id: String,
    /// The size; the first one when it is left out.
    #[serde(default)]
    size: String,
    /// How many.
    #[schema(minimum = 1, maximum = 999)]
    quantity: i64,
    /// The options, by their short names.
    #[serde(default)]
    options: Vec<String>,
}

/// Who gets an order. Each text has at most 1,000 bytes.
#[derive(Default, Deserialize, ToSchema)]
#[serde(deny_unknown_fields, default)]
struct NewContact {
    name: String,
    phone: String,
    /// Where messages go by mail; none without it.
    email: String,
    address: String,
    note: String,
}

/// How an order is paid.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
struct NewPayment {
    /// `card` or `cash`.
    method: String,
    /// The provider's token of the card; never its number.
    #[serde(default)]
    card_token: String,
}

/// An order to be placed.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
struct NewOrder {
    #[schema(min_items = 1, max_items = 100)]
    lines: Vec<NewLine>,
    /// `delivery` (the default) or `pickup`.
    #[serde(default)]
    fulfilment: String,
    payment: NewPayment,
    #[serde(default)]
    contact: Option<NewContact>,
    /// In minor units of the shop's currency.
    #[serde(default)]
    #[schema(minimum = 0)]
    tip_minor: i64,
    /// The language of the messages about it, such as `en`.
    #[serde(default)]
    language: String,
    /// When it was ordered (RFC 3339); only staff may say so.
    #[serde(default)]
    #[schema(format = DateTime)]
    placed_at: Option<String>,
    /// Staff's own name for the order.
    #[serde(default)]
    reference: String,
    /// What the guest was told that it costs, in minor units: an order that costs anything else is refused with what it costs
    /// now. Left out, any total will do.
    #[serde(default)]
    expected_total_minor: Option<i64>,
}

/// One thing that happened to an order.
#[derive(Serialize, ToSchema)]
struct Happened {
    /// What, such as `paid`.
    kind: String,
    at: Option<Time>,
    /// What there is to say, its fields those of its kind; staff alone are told.
    #[schema(value_type = Option<Object>)]
    data: Option<Value>,
}

/// What happened to an order, oldest first.
#[derive(Serialize, ToSchema)]
struct History {
    happenings: Vec<Happened>,
}

/// Translates an order into the words of the service.
fn wished(edge: &Edge, shop_id: i64, new: NewOrder) -> Result<PlaceRequest, Fault> {
    let line = |line: NewLine| {
        let item_id = if line.item_id.is_empty() { 0 } else { edge.read::<ItemId>(&line.item_id)? };
        Ok(LineRequest { item_id, slug: line.item, size: line.size, quantity: line.quantity, options: line.options })
    };
    let contact = |contact: NewContact| orders_api::Contact {
        name: contact.name,
        phone: contact.phone,
        email: contact.email,
        address: contact.address,
        note: contact.note,
        ..Default::default()
    };
    Ok(PlaceRequest {
        shop_id,
        lines: new.lines.into_iter().map(line).collect::<Result<_, Fault>>()?,
        fulfilment: new.fulfilment,
        contact: new.contact.map(contact),
        payment: new.payment.method,
        card_token: new.payment.card_token,
        tip_minor: new.tip_minor,
        placed_at: new.placed_at.map_or(Ok(0), |at| read_time("placed_at", &at))?,
        language: new.language,
        reference: new.reference,
        expected_total_minor: new.expected_total_minor,
    })
}

async fn place(State(edge): State<Edge>, asked: Asked, Sent(new): Sent<NewOrder>) -> Result<Response, Problem> {
    let wish = wished(&edge, asked.shop(), new)?;
    let order = shown(&edge, ask!(edge, &asked.call, orders.place, wish));
    let location = HeaderValue::try_from(format!("/v1/orders/{}", order.order_id)).ok();
    let mut response = (StatusCode::CREATED, Json(order)).into_response();
    if let Some(location) = location {
        response.headers_mut().insert(header::LOCATION, location);
    }
    Ok(with_device(asked.fresh_token.as_deref(), response))
}

async fn mine(State(edge): State<Edge>, asked: Asked, Asking(page_asked): Asking<PageAsked>) -> Reply<OrderPage> {
    let message = ListMineRequest { after: edge.after(&page_asked.after)?, limit: rows(page_asked.limit)? };
    Ok(Json(page(&edge, ask!(edge, &asked.call, orders.list_mine, message))))
}

pub(super) fn one(edge: &Edge, order: &str) -> Result<GetOrderRequest, Fault> {
    Ok(GetOrderRequest { order_id: edge.read::<OrderId>(order)? })
}

async fn show(State(edge): State<Edge>, asked: Asked, Path(order): Named) -> Reply<Order> {
    let message = one(&edge, &order)?;
    Ok(Json(shown(&edge, ask!(edge, &asked.call, orders.get_order, message))))
}

async fn cancel(State(edge): State<Edge>, asked: Asked, Path(order): Named, Sent(body): Sent<Reason>) -> Reply<Order> {
    let message = CancelRequest { order_id: edge.read::<OrderId>(&order)?, reason: body.reason };
    Ok(Json(shown(&edge, ask!(edge, &asked.call, orders.cancel, message))))
}

async fn history(State(edge): State<Edge>, asked: Asked, Path(order): Named) -> Reply<History> {
    let message = one(&edge, &order)?;
    let told = ask!(edge, &asked.call, orders.get_history, message);
    let staff = asked.is_staff();
    let happened = |happening: orders_api::Happening| Happened {
        kind: happening.kind,
        at: time(happening.at),
        data: staff.then(|| crate::public::tamed(&happening.data, edge.key(), true)),
    };
    Ok(Json(History { happenings: told.happenings.into_iter().map(happened).collect() }))
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Following {
    after: Option<String>,
}

async fn events(
    State(edge): State<Edge>,
    asked: Asked,
    Path(order): Named,
    headers: HeaderMap,
    Asking(query): Asking<Following>,
) -> Result<Response, Problem> {
    let message = one(&edge, &order)?;
    let id = message.order_id;
    let now = shown(&edge, ask!(edge, &asked.call, orders.get_order, message));
    let sight = if asked.is_staff() { Sight::Staff } else { Sight::Guest };
    follow(&edge, &asked, sight, (id, &now), &headers, &query)
}

/// Opens the stream of an order of which it is certain that whoever asks may see it.
pub(super) fn follow(
    edge: &Edge,
    asked: &Asked,
    sight: Sight,
    (order, now): (i64, &Order),
    headers: &HeaderMap,
    query: &Following,
) -> Result<Response, Problem> {
    let after = stream::resume(edge, headers, query.after.as_deref())?;
    let snapshot = serde_json::to_string(now)
        .map_err(|error| Fault::internal("answer_unwritable", "The order cannot be written down.").because(error))?;
    stream::of_order(edge, asked, sight, order, &snapshot, after)
}
