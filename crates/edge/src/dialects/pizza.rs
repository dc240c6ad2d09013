//! The dialect of the pizza place: its paths and its camel case, over our orders.
//!
//! Whoever holds an order's id may follow its status, and nothing more. What would let anybody read or change what is
//! others' asks for the staff's token. docs/guide/dialect-pizza.md tells the whole of it.

use axum::Json;
use axum::extract::{Path, State};
use axum::response::{IntoResponse, Response};
use base::Fault;
use base::id::OrderId;
use bytes::Bytes;
use http::{HeaderMap, StatusCode};
use orders_api::{BoardRequest, CancelRequest, GetOrderRequest, Order as Message};
use payments_api::{GetPaymentByOrderRequest, Payment as MessagePayment};
use serde::{Deserialize, Serialize};
use serde_json::json;
use utoipa::ToSchema;

use crate::api::{self, Api, Who};
use crate::asked::{Asked, Asking, Named, Sent};
use crate::problem::Problem;
use crate::routes::Reply;
use crate::routes::devices::with_device;
use crate::routes::orders::{NewContact, NewLine, NewOrder, Payment, wished};
use crate::routes::payments;
use crate::shape::{PAGE, PageAsked, Reason, rows, some, time};
use crate::{Edge, ask, menu as kept};

/// The card of the provider mock with which the pizza place pays, for its orders name none.
const CARD_TOKEN: &str = "tok_visa";

pub(crate) fn add(api: &mut Api) {
    api.chapter("pizza place");
    api.add(api::get("/api/v1/menu", "Gives the menu").open_to(Who::Anyone).gives::<PizzaMenu>(), show_menu);
    api.add(api::post("/api/v1/orders", "Places an order, by anyone").open_to(Who::Anyone).takes::<PizzaOrder>().gives::<PizzaStatus>().with(201), place);
    api.add(api::get("/api/v1/orders", "Lists the orders; staff only").asks(PAGE).gives::<PizzaOrders>(), list);
    api.add(api::get("/api/v1/orders/{order}", "Tells how far an order has come, to whoever holds its id").open_to(Who::Anyone).gives::<PizzaStatus>(), status);
    api.add(api::get("/api/v1/orders/{order}/status", "The same").open_to(Who::Anyone).gives::<PizzaStatus>(), status);
    api.add(api::put("/api/v1/orders/{order}/status", "Cancels an order; staff only, other states come by themselves").takes::<NewStatus>().gives::<PizzaStatus>(), set_status);
    api.add(api::post("/api/v1/payments", "Shows the payment of an order, which was asked for when it was placed; staff only").takes::<NewPayment>().gives::<PizzaPayment>(), pay);
    api.add(api::get("/api/v1/payments/{payment}", "Shows a payment; staff only").gives::<PizzaPayment>(), payment);
    api.add(api::get("/api/v1/payments/order/{order}", "Shows the payment of an order; staff only").gives::<PizzaPayment>(), payment_of);
    api.add(api::get("/api/v1/payments/circuit-breaker/status", "Shows the breaker towards the provider; staff only").gives::<payments::Breaker>(), payments::breaker);
    api.add(api::post("/api/v1/payments/circuit-breaker/reset", "Closes the breaker; staff only").takes::<Reason>().gives::<payments::Breaker>(), payments::reset);
}

/// A pizza and its price in the first size, as a decimal number.
#[derive(Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
struct Pizza {
    id: String,
    name: String,
    description: String,
    #[schema(value_type = f64)]
    price: serde_json::Number,
    currency: String,
    sizes: Vec<PizzaSize>,
    available: bool,
}

#[derive(Serialize, ToSchema)]
struct PizzaSize {
    size: String,
    #[schema(value_type = f64)]
    price: serde_json::Number,
}

#[derive(Serialize, ToSchema)]
struct PizzaMenu {
    items: Vec<Pizza>,
}

/// A line: the pizza's short name, and how many.
#[derive(Deserialize, ToSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
struct PizzaLine {
    #[schema(example = "margherita")]
    pizza_id: String,
    quantity: i64,
    /// The first size when it is left out.
    #[serde(default)]
    size: String,
}

/// An order of the pizza place.
#[derive(Deserialize, ToSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
struct PizzaOrder {
    items: Vec<PizzaLine>,
    #[schema(example = "Test Street 123")]
    delivery_address: String,
    /// `card` or `cash`.
    #[schema(example = "card")]
    payment_method: String,
}

/// How far an order has come: no address, no name.
#[derive(Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
struct PizzaStatus {
    order_id: String,
    status: String,
    reason: Option<String>,
    created_at: Option<String>,
    updated_at: Option<String>,
}

#[derive(Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
struct PizzaOrderRow {
    order_id: String,
    status: String,
    #[schema(value_type = f64)]
    total: serde_json::Number,
    currency: String,
    payment_method: String,
    created_at: Option<String>,
}

#[derive(Serialize, ToSchema)]
struct PizzaOrders {
    orders: Vec<PizzaOrderRow>,
    next: Option<String>,
}

#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
struct NewStatus {
    /// `cancelled`.
    status: String,
    #[serde(default)]
    reason: String,
}

#[derive(Deserialize, ToSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
struct NewPayment {
    order_id: String,
}

#[derive(Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
struct PizzaPayment {
    payment_id: String,
    order_id: String,
    status: String,
    #[schema(value_type = f64)]
    amount: serde_json::Number,
    currency: String,
    method: String,
    reason: Option<String>,
}

/// Writes minor units as a decimal number, exactly: 1325 becomes 13.25, as text that JSON takes for a number.
fn decimal(minor: i64, currency: &str) -> serde_json::Number {
    let decimals = base::Currency::parse(currency).map_or(2, |currency| currency.decimals());
    let value = minor as f64 / 10f64.powi(i32::try_from(decimals).unwrap_or(2));
    serde_json::Number::from_f64(value).unwrap_or_else(|| 0.into())
}

/// Writes the menu down as the pizza place has it.
pub(crate) fn menu(items: &[catalog_api::Item], currency: &str) -> Bytes {
    let pizza = |item: &catalog_api::Item| Pizza {
        id: item.slug.clone(),
        name: item.name.get("en").or_else(|| item.name.values().next()).cloned().unwrap_or_default(),
        description: item.description.get("en").or_else(|| item.description.values().next()).cloned().unwrap_or_default(),
        price: decimal(item.variants.first().map_or(item.from_minor, |variant| variant.price_minor), currency),
        currency: currency.to_owned(),
        sizes: item.variants.iter().map(|variant| PizzaSize { size: variant.size.clone(), price: decimal(variant.price_minor, currency) }).collect(),
        available: item.available,
    };
    let items = items.iter().filter(|item| item.kind == "dish").map(pizza).collect();
    serde_json::to_vec(&PizzaMenu { items }).unwrap_or_default().into()
}

async fn show_menu(State(edge): State<Edge>, headers: HeaderMap) -> Result<Response, Problem> {
    Ok(kept::serve(&edge, &headers, true).await?)
}

async fn place(State(edge): State<Edge>, asked: Asked, Sent(order): Sent<PizzaOrder>) -> Result<Response, Problem> {
    let line = |line: PizzaLine| NewLine { item: line.pizza_id, item_id: String::new(), size: line.size, quantity: line.quantity, options: Vec::new() };
    let card_token = if order.payment_method == "card" { CARD_TOKEN.to_owned() } else { String::new() };
    let new = NewOrder {
        lines: order.items.into_iter().map(line).collect(),
        fulfilment: "delivery".to_owned(),
        payment: Payment { method: order.payment_method, card_token },
        contact: Some(NewContact { address: order.delivery_address, ..NewContact::default() }),
        tip_minor: 0,
        language: String::new(),
        placed_at: None,
        reference: String::new(),
    };
    let wish = wished(&edge, asked.shop(), new)?;
    let placed = ask!(edge, &asked.call, orders.place, wish);
    Ok(with_device(asked.fresh_token.as_deref(), (StatusCode::CREATED, Json(shown(&edge, placed))).into_response()))
}

fn shown(edge: &Edge, order: Message) -> PizzaStatus {
    PizzaStatus {
        order_id: edge.id::<OrderId>(order.order_id),
        status: order.state,
        reason: some(order.reason),
        created_at: time(order.placed_at),
        updated_at: time(order.changed_at),
    }
}

async fn status(State(edge): State<Edge>, asked: Asked, Path(order): Named) -> Reply<PizzaStatus> {
    // The id itself is the key here: it cannot be guessed. So the edge asks in its own name, and shows the status alone.
    let call = edge.0.ctx.call(&asked.call.correlation);
    let message = GetOrderRequest { order_id: edge.read::<OrderId>(&order)? };
    Ok(Json(shown(&edge, ask!(edge, &call, orders.get_order, message))))
}

async fn list(State(edge): State<Edge>, asked: Asked, Asking(page): Asking<PageAsked>) -> Reply<PizzaOrders> {
    let message = BoardRequest { shop_id: asked.shop(), state: String::new(), after: edge.after(&page.after)?, limit: rows(page.limit)? };
    let told = ask!(edge, &asked.call, orders.board, message);
    let row = |order: Message| PizzaOrderRow {
        order_id: edge.id::<OrderId>(order.order_id),
        status: order.state,
        total: decimal(order.total_minor, &order.currency),
        currency: order.currency,
        payment_method: order.payment,
        created_at: time(order.placed_at),
    };
    let next = edge.next(&told.next);
    Ok(Json(PizzaOrders { orders: told.orders.into_iter().map(row).collect(), next }))
}

async fn set_status(State(edge): State<Edge>, asked: Asked, Path(order): Named, Sent(new): Sent<NewStatus>) -> Reply<PizzaStatus> {
    if new.status != "cancelled" {
        let fault = Fault::refused("status_not_settable", "An order comes to its states by what happens to it; only `cancelled` can be asked for.");
        return Err(fault.with("settable", json!(["cancelled"])).into());
    }
    let message = CancelRequest { order_id: edge.read::<OrderId>(&order)?, reason: new.reason };
    Ok(Json(shown(&edge, ask!(edge, &asked.call, orders.cancel, message))))
}

fn shown_payment(edge: &Edge, payment: MessagePayment) -> PizzaPayment {
    PizzaPayment {
        payment_id: edge.id::<base::id::PaymentId>(payment.payment_id),
        order_id: edge.id::<OrderId>(payment.order_id),
        status: payment.state,
        amount: decimal(payment.amount_minor, &payment.currency),
        currency: payment.currency,
        method: payment.method,
        reason: some(payment.reason),
    }
}

async fn of_order(edge: &Edge, asked: &Asked, order: &str) -> Reply<PizzaPayment> {
    let mut call = asked.call.clone();
    call.request = None;
    let message = GetPaymentByOrderRequest { order_id: edge.read::<OrderId>(order)? };
    Ok(Json(shown_payment(edge, ask!(edge, &call, payments.get_payment_by_order, message))))
}

async fn pay(State(edge): State<Edge>, asked: Asked, Sent(new): Sent<NewPayment>) -> Reply<PizzaPayment> {
    of_order(&edge, &asked, &new.order_id).await
}

async fn payment_of(State(edge): State<Edge>, asked: Asked, Path(order): Named) -> Reply<PizzaPayment> {
    of_order(&edge, &asked, &order).await
}

async fn payment(State(edge): State<Edge>, asked: Asked, Path(payment): Named) -> Reply<PizzaPayment> {
    let message = payments_api::GetPaymentRequest { payment_id: edge.read::<base::id::PaymentId>(&payment)? };
    Ok(Json(shown_payment(&edge, ask!(edge, &asked.call, payments.get_payment, message))))
}
