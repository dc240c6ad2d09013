//! Orders: placing, following, cancelling; the board and its upkeep for staff.

use axum::Json;
use axum::extract::{Path, State};
use axum::response::{IntoResponse, Response};
use base::Fault;
use base::id::{ContactId, ItemId, OrderId, ShopId};
use http::{HeaderMap, HeaderValue, StatusCode, header};
use orders_api::{
    BoardRequest, CancelRequest, EraseContactRequest, GetOrderRequest, LineRequest, ListMineRequest, Order as Message,
    OrderPage as MessagePage, PlaceRequest, RebuildRequest, StatisticsRequest,
};
use serde::{Deserialize, Serialize};
use serde_json::Value;
use utoipa::ToSchema;

use super::Reply;
use super::devices::with_device;
use crate::api::{self, Api, Who};
use crate::asked::{Asked, Asking, Named, Sent};
use crate::problem::Problem;
use crate::shape::{Money, PAGE, PageAsked, Reason, Texts, money, read_time, rows, some, time};
use crate::{Edge, ask, stream};

const BOARD: &[(&str, &str)] =
    &[("state", "Only orders in this state."), ("after", "`next` of the page before."), ("limit", "How many rows.")];

pub(crate) fn add(api: &mut Api) {
    api.chapter("orders");
    api.add(
        api::post("/v1/orders", "Places an order; without a token a new device is made for it")
            .open_to(Who::Anyone)
            .takes::<NewOrder>()
            .gives::<Order>()
            .with(201),
        place,
    );
    api.add(
        api::get("/v1/orders", "Lists the orders of the guest who asks, newest first")
            .open_to(Who::Known)
            .asks(PAGE)
            .gives::<OrderPage>(),
        mine,
    );
    api.add(api::get("/v1/orders/statistics", "Counts orders by state").gives::<Statistics>(), statistics);
    api.add(api::get("/v1/orders/{order}", "Shows an order").open_to(Who::Known).gives::<Order>(), show);
    api.add(
        api::post("/v1/orders/{order}/cancel", "Cancels an order that nobody cooks yet")
            .open_to(Who::Known)
            .takes::<Reason>()
            .gives::<Order>(),
        cancel,
    );
    api.add(
        api::get("/v1/orders/{order}/history", "Tells what happened to an order").open_to(Who::Known).gives::<History>(),
        history,
    );
    api.add(
        api::get("/v1/orders/{order}/events", "Follows an order: its state first, then each event; resumable by Last-Event-ID")
            .open_to(Who::Known)
            .asks(&[("after", "The id of the last event that was seen.")])
            .gives_text("text/event-stream"),
        events,
    );
    api.add(api::get("/v1/orders/{order}/contact", "Tells who gets an order").gives::<Contact>(), contact);
    api.add(
        api::delete("/v1/orders/{order}/contact", "Forgets the person behind an order").takes::<Reason>().gives::<Contact>(),
        erase,
    );
    api.add(api::get("/v1/orders/{order}/check", "Rebuilds an order from its events and compares").gives::<Check>(), check);
    api.add(api::get("/v1/board", "Lists the shop's orders").asks(BOARD).gives::<OrderPage>(), board);
    api.add(
        api::post("/v1/projections/{projection}/rebuild", "Drops a projection and builds it again")
            .takes::<Reason>()
            .gives::<Rebuilt>(),
        rebuild,
    );
}

/// One line of a new order: an item by id or by short name. Prices are the shop's.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct NewLine {
    /// The item's short name.
    #[schema(example = "margherita")]
    #[serde(default)]
    pub(crate) item: String,
    /// The item's id, instead of its name.
    #[serde(default)]
    pub(crate) item_id: String,
    /// The size; the first one when it is left out.
    #[serde(default)]
    pub(crate) size: String,
    pub(crate) quantity: i64,
    #[serde(default)]
    pub(crate) options: Vec<String>,
}

/// Who gets an order.
#[derive(Default, Deserialize, ToSchema)]
#[serde(deny_unknown_fields, default)]
pub(crate) struct NewContact {
    pub(crate) name: String,
    pub(crate) phone: String,
    pub(crate) email: String,
    pub(crate) address: String,
    pub(crate) note: String,
}

/// How an order is paid.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct Payment {
    /// `card` or `cash`.
    pub(crate) method: String,
    /// The provider's token of the card; never its number.
    #[serde(default)]
    pub(crate) card_token: String,
}

/// An order to be placed.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct NewOrder {
    pub(crate) lines: Vec<NewLine>,
    /// `delivery` (the default) or `pickup`.
    #[serde(default)]
    pub(crate) fulfilment: String,
    pub(crate) payment: Payment,
    #[serde(default)]
    pub(crate) contact: Option<NewContact>,
    #[serde(default)]
    pub(crate) tip_minor: i64,
    #[serde(default)]
    pub(crate) language: String,
    /// Only staff may say when an order was placed.
    #[serde(default)]
    pub(crate) placed_at: Option<String>,
    /// Staff's own name for the order.
    #[serde(default)]
    pub(crate) reference: String,
}

/// A line of an order.
#[derive(Serialize, ToSchema)]
pub(crate) struct OrderLine {
    item_id: String,
    item: String,
    name: Texts,
    size: String,
    quantity: i64,
    unit: Money,
    total: Money,
    /// `dish` or `goods`.
    kind: String,
    options: Vec<String>,
}

/// A charge beside the lines.
#[derive(Serialize, ToSchema)]
pub(crate) struct OrderCharge {
    /// `delivery_fee`, `tax`, `discount` or `tip`.
    kind: String,
    amount: Money,
    /// An included charge is part of the lines.
    included: bool,
    rate_bp: i64,
}

/// An order.
#[derive(Serialize, ToSchema)]
pub(crate) struct Order {
    pub(crate) order_id: String,
    shop_id: String,
    /// `pending`, `reserved`, `paid`, `promised`, `cooking`, `ready`, `shipped`, `delivered` or `cancelled`.
    pub(crate) state: String,
    lines: Vec<OrderLine>,
    charges: Vec<OrderCharge>,
    total: Money,
    /// `card` or `cash`.
    payment: String,
    fulfilment: String,
    placed_at: Option<String>,
    accepted_at: Option<String>,
    changed_at: Option<String>,
    /// Why it was cancelled.
    reason: Option<String>,
    cancelled_by: Option<String>,
    /// What a cancelled order still costs.
    fee: Option<Money>,
    cancellable: bool,
    language: String,
    reference: Option<String>,
    version: i64,
}

/// A page of orders.
#[derive(Serialize, ToSchema)]
pub(crate) struct OrderPage {
    orders: Vec<Order>,
    next: Option<String>,
}

/// One thing that happened to an order.
#[derive(Serialize, ToSchema)]
struct Happened {
    kind: String,
    at: Option<String>,
    #[schema(value_type = Object)]
    data: Value,
}

#[derive(Serialize, ToSchema)]
struct History {
    happenings: Vec<Happened>,
}

/// Who gets an order.
#[derive(Serialize, ToSchema)]
struct Contact {
    contact_id: Option<String>,
    name: String,
    phone: String,
    email: String,
    address: String,
    note: String,
    erased: bool,
}

#[derive(Serialize, ToSchema)]
struct Check {
    equal: bool,
    difference: String,
}

#[derive(Serialize, ToSchema)]
struct StateCount {
    state: String,
    orders: i64,
    total_minor: i64,
}

#[derive(Serialize, ToSchema)]
struct Statistics {
    orders: i64,
    in_flight: i64,
    delivered_minor: i64,
    states: Vec<StateCount>,
}

#[derive(Serialize, ToSchema)]
struct Rebuilt {
    orders: u64,
}

pub(crate) fn shown(edge: &Edge, order: Message) -> Order {
    let currency = &order.currency;
    let lines = order.lines.into_iter().map(|line| OrderLine {
        item_id: edge.id::<ItemId>(line.item_id),
        item: line.slug,
        name: line.name.into_iter().collect(),
        size: line.size,
        quantity: line.quantity,
        unit: money(line.unit_minor, currency),
        total: money(line.total_minor, currency),
        kind: line.kind,
        options: line.options,
    });
    let charges = order.charges.into_iter().map(|charge| OrderCharge {
        kind: charge.kind,
        amount: money(charge.amount_minor, currency),
        included: charge.included,
        rate_bp: charge.rate_bp,
    });
    Order {
        order_id: edge.id::<OrderId>(order.order_id),
        shop_id: edge.id::<ShopId>(order.shop_id),
        lines: lines.collect(),
        charges: charges.collect(),
        total: money(order.total_minor, currency),
        fee: (order.state == "cancelled").then(|| money(order.fee_minor, currency)),
        state: order.state,
        payment: order.payment,
        fulfilment: order.fulfilment,
        placed_at: time(order.placed_at),
        accepted_at: time(order.accepted_at),
        changed_at: time(order.changed_at),
        reason: some(order.reason),
        cancelled_by: some(order.cancelled_by),
        cancellable: order.cancellable,
        language: order.language,
        reference: some(order.reference),
        version: order.version,
    }
}

fn page(edge: &Edge, page: MessagePage) -> OrderPage {
    let next = edge.next(&page.next);
    OrderPage { orders: page.orders.into_iter().map(|order| shown(edge, order)).collect(), next }
}

/// Translates an order into the words of the service.
pub(crate) fn wished(edge: &Edge, shop_id: i64, new: NewOrder) -> Result<PlaceRequest, Fault> {
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

async fn statistics(State(edge): State<Edge>, asked: Asked) -> Reply<Statistics> {
    let told = ask!(edge, &asked.call, orders.get_statistics, StatisticsRequest { shop_id: asked.shop() });
    let states = told.states.into_iter().map(|count| StateCount {
        state: count.state,
        orders: count.orders,
        total_minor: count.total_minor,
    });
    Ok(Json(Statistics {
        orders: told.orders,
        in_flight: told.in_flight,
        delivered_minor: told.delivered_minor,
        states: states.collect(),
    }))
}

fn one(edge: &Edge, order: &str) -> Result<GetOrderRequest, Fault> {
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
        data: if staff { crate::public::tamed(&happening.data, edge.key(), true) } else { Value::Null },
    };
    Ok(Json(History { happenings: told.happenings.into_iter().map(happened).collect() }))
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct After {
    after: Option<String>,
}

async fn events(
    State(edge): State<Edge>,
    asked: Asked,
    Path(order): Named,
    headers: HeaderMap,
    Asking(query): Asking<After>,
) -> Result<Response, Problem> {
    let message = one(&edge, &order)?;
    let id = message.order_id;
    let after = stream::resume(&edge, &headers, query.after.as_deref())?;
    let now = shown(&edge, ask!(edge, &asked.call, orders.get_order, message));
    let snapshot = serde_json::to_string(&now)
        .map_err(|error| Fault::internal("answer_unwritable", "The order cannot be written down.").because(error))?;
    stream::of_order(&edge, id, &snapshot, asked.is_staff(), after)
}

fn person(edge: &Edge, contact: orders_api::Contact) -> Contact {
    Contact {
        contact_id: edge.show::<ContactId>(contact.contact_id),
        name: contact.name,
        phone: contact.phone,
        email: contact.email,
        address: contact.address,
        note: contact.note,
        erased: contact.erased,
    }
}

async fn contact(State(edge): State<Edge>, asked: Asked, Path(order): Named) -> Reply<Contact> {
    let message = one(&edge, &order)?;
    Ok(Json(person(&edge, ask!(edge, &asked.call, orders.get_contact, message))))
}

async fn erase(State(edge): State<Edge>, asked: Asked, Path(order): Named, Sent(body): Sent<Reason>) -> Reply<Contact> {
    let message = EraseContactRequest { order_id: edge.read::<OrderId>(&order)?, reason: body.reason };
    Ok(Json(person(&edge, ask!(edge, &asked.call, orders.erase_contact, message))))
}

async fn check(State(edge): State<Edge>, asked: Asked, Path(order): Named) -> Reply<Check> {
    let message = one(&edge, &order)?;
    let told = ask!(edge, &asked.call, orders.check_order, message);
    Ok(Json(Check { equal: told.equal, difference: told.difference }))
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct BoardAsked {
    #[serde(default)]
    state: String,
    #[serde(default)]
    after: String,
    #[serde(default)]
    limit: u32,
}

async fn board(State(edge): State<Edge>, asked: Asked, Asking(query): Asking<BoardAsked>) -> Reply<OrderPage> {
    let message =
        BoardRequest { shop_id: asked.shop(), state: query.state, after: edge.after(&query.after)?, limit: rows(query.limit)? };
    Ok(Json(page(&edge, ask!(edge, &asked.call, orders.board, message))))
}

async fn rebuild(State(edge): State<Edge>, asked: Asked, Path(projection): Named, Sent(_): Sent<Reason>) -> Reply<Rebuilt> {
    let told = ask!(edge, &asked.call, orders.rebuild_projection, RebuildRequest { projection });
    Ok(Json(Rebuilt { orders: told.orders }))
}
