//! The dialect of a pizza place (rows S4-E01 to S4-E05): its paths and bodies, word for word.
//!
//! Ordering needs no account, and whoever holds an order's id may follow its status, nothing more. Where the words of the
//! original would let anybody read or change what is others', the staff's token is asked for: docs/guide/dialect-pizza.md.

use axum::Json;
use axum::extract::State;
use axum::response::{IntoResponse, Response};
use base::Fault;
use base::id::{ItemId, OrderId, PaymentId};
use bytes::Bytes;
use catalog_api::Item;
use http::{HeaderMap, StatusCode};
use orders_api::{BoardRequest, CancelRequest, Contact, GetOrderRequest, LineRequest, Order, PlaceRequest};
use payments_api::{GetBreakerRequest, GetPaymentByOrderRequest, GetPaymentRequest, ResetBreakerRequest};
use serde::Deserialize;
use serde_json::{Value, json};
use utoipa::ToSchema;

use crate::api::{Api, Who, get, post, put};
use crate::asked::{Asked, Named, Sent};
use crate::problem::Problem;
use crate::routes::Answer;
use crate::routes::devices::with_device;
use crate::routes::payments::{shown, shown_breaker};
use crate::shape::time;
use crate::{Edge, ask, menu as kept};

/// The card of whoever says `card` and no more: the provider mock takes it.
const CARD: &str = "tok_visa";

pub(crate) fn add(api: &mut Api) {
    api.chapter("dialect of a pizza place");
    api.add(get("/api/v1/menu", "The menu of pizzas.").open_to(Who::Anyone), menu_of_pizzas);
    api.add(
        post("/api/v1/orders", "Orders pizzas, without an account.").open_to(Who::Anyone).takes::<OrderBody>().with(201),
        create,
    );
    api.add(get("/api/v1/orders", "The open orders; for staff."), board);
    api.add(get("/api/v1/orders/{id}", "The status of an order, for whoever holds its id.").open_to(Who::Anyone), status);
    api.add(get("/api/v1/orders/{id}/status", "The status of an order, for whoever holds its id.").open_to(Who::Anyone), status);
    api.add(put("/api/v1/orders/{id}/status", "Cancels an order; for staff.").takes::<StatusBody>(), set_status);
    api.add(get("/api/v1/payments/circuit-breaker/status", "The circuit breaker; for staff."), breaker);
    api.add(post("/api/v1/payments/circuit-breaker/reset", "Closes the circuit breaker; for staff."), reset);
    api.add(get("/api/v1/payments/order/{id}", "The payment of an order; for staff."), payment_of_order);
    api.add(get("/api/v1/payments/{id}", "A payment; for staff."), payment);
    api.add(
        post("/api/v1/payments", "Payments begin by themselves when an order is placed; gives the one of an order. For staff.")
            .takes::<PaymentBody>(),
        begin_payment,
    );
}

/// The menu in the words of the pizza place.
pub(crate) fn menu(items: &[Item], currency: &str) -> Bytes {
    let pizzas: Vec<Value> = items
        .iter()
        .filter(|item| item.available)
        .map(|item| {
            let text = |texts: &std::collections::BTreeMap<String, String>| texts.get("en").cloned().unwrap_or_default();
            let decimal = |minor: i64| format!("{}.{:02}", minor / 100, minor % 100);
            let sizes: Vec<Value> = item.variants.iter().map(|variant| json!({ "size": variant.size, "price": decimal(variant.price_minor), "available": !variant.sold_out })).collect();
            json!({ "id": item.slug, "name": text(&item.name), "description": text(&item.description), "category": item.category, "price": decimal(item.from_minor),
                "currency": currency, "sizes": sizes })
        })
        .collect();
    json!({ "menu": pizzas }).to_string().into()
}

/// Makes a line of an item's id or slug.
fn line(edge: &Edge, item: &str, size: String, quantity: i64) -> LineRequest {
    match edge.read::<ItemId>(item) {
        Ok(item_id) => LineRequest { item_id, size, quantity, ..LineRequest::default() },
        Err(_) => LineRequest { slug: item.to_owned(), size, quantity, ..LineRequest::default() },
    }
}

async fn menu_of_pizzas(State(edge): State<Edge>, headers: HeaderMap) -> Result<Response, Problem> {
    Ok(kept::serve(&edge, &headers, true).await?)
}

#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields, rename_all = "camelCase")]
struct ItemBody {
    pizza_id: String,
    quantity: i64,
    #[serde(default)]
    size: String,
}

#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields, rename_all = "camelCase")]
struct OrderBody {
    items: Vec<ItemBody>,
    delivery_address: String,
    /// `card` or `cash`.
    payment_method: String,
    /// A token of the payment provider, for `card`.
    #[serde(default)]
    card_token: String,
}

/// The status in capital letters, as the original writes it.
fn word(order: &Order) -> String {
    order.state.to_uppercase()
}

fn told(edge: &Edge, order: &Order) -> Value {
    json!({ "orderId": edge.id::<OrderId>(order.order_id), "status": word(order), "createdAt": time(order.placed_at), "updatedAt": time(order.changed_at),
        "reason": crate::shape::some(order.reason.clone()) })
}

async fn create(State(edge): State<Edge>, asked: Asked, Sent(body): Sent<OrderBody>) -> Result<Response, Problem> {
    let card_token = if body.card_token.is_empty() { CARD.to_owned() } else { body.card_token };
    let request = PlaceRequest {
        shop_id: 1,
        lines: body.items.into_iter().map(|item| line(&edge, &item.pizza_id, item.size, item.quantity)).collect(),
        fulfilment: "delivery".to_owned(),
        contact: Some(Contact { address: body.delivery_address, ..Contact::default() }),
        card_token: if body.payment_method == "card" { card_token } else { String::new() },
        payment: body.payment_method,
        ..PlaceRequest::default()
    };
    let order = ask!(edge, &asked.call, orders.place, request);
    let mut told = told(&edge, &order);
    told["totalAmount"] = json!(format!("{}.{:02}", order.total_minor / 100, order.total_minor % 100));
    told["currency"] = json!(order.currency);
    Ok(with_device(asked.fresh_token.as_deref(), (StatusCode::CREATED, Json(told)).into_response()))
}

/// The id alone opens the status: it cannot be guessed. Nothing else of the order is told.
async fn status(State(edge): State<Edge>, name: Named, asked: Asked) -> Answer {
    let call = edge.0.ctx.call(&asked.call.correlation);
    let order = ask!(edge, &call, orders.get_order, GetOrderRequest { order_id: edge.read::<OrderId>(&name)? });
    Ok(Json(told(&edge, &order)))
}

async fn board(State(edge): State<Edge>, asked: Asked) -> Answer {
    let request = BoardRequest { shop_id: asked.shop(), limit: base::limits::PAGE_ROWS_MAX, ..BoardRequest::default() };
    let page = ask!(edge, &asked.call, orders.board, request);
    Ok(Json(json!({ "orders": page.orders.iter().map(|order| told(&edge, order)).collect::<Vec<_>>() })))
}

#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
struct StatusBody {
    status: String,
}

/// States follow from what happens; the one that staff may set is the end.
async fn set_status(State(edge): State<Edge>, asked: Asked, name: Named, Sent(body): Sent<StatusBody>) -> Answer {
    if !body.status.eq_ignore_ascii_case("cancelled") {
        return Err(
            Fault::refused("status_not_settable", "A status follows from what happens; only CANCELLED can be set.").into()
        );
    }
    let request = CancelRequest { order_id: edge.read::<OrderId>(&name)?, reason: "set by hand".to_owned() };
    Ok(Json(told(&edge, &ask!(edge, &asked.call, orders.cancel, request))))
}

async fn payment(State(edge): State<Edge>, asked: Asked, name: Named) -> Answer {
    let request = GetPaymentRequest { payment_id: edge.read::<PaymentId>(&name)? };
    Ok(Json(shown(&edge, &ask!(edge, &asked.call, payments.get_payment, request))))
}

async fn payment_of_order(State(edge): State<Edge>, asked: Asked, name: Named) -> Answer {
    let request = GetPaymentByOrderRequest { order_id: edge.read::<OrderId>(&name)? };
    Ok(Json(shown(&edge, &ask!(edge, &asked.call, payments.get_payment_by_order, request))))
}

#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields, rename_all = "camelCase")]
struct PaymentBody {
    order_id: String,
}

async fn begin_payment(State(edge): State<Edge>, asked: Asked, Sent(body): Sent<PaymentBody>) -> Answer {
    let request = GetPaymentByOrderRequest { order_id: edge.read::<OrderId>(&body.order_id)? };
    Ok(Json(shown(&edge, &ask!(edge, &asked.call, payments.get_payment_by_order, request))))
}

async fn breaker(State(edge): State<Edge>, asked: Asked) -> Answer {
    Ok(Json(shown_breaker(&ask!(edge, &asked.call, payments.get_breaker, GetBreakerRequest {}))))
}

async fn reset(State(edge): State<Edge>, asked: Asked) -> Answer {
    Ok(Json(shown_breaker(&ask!(edge, &asked.call, payments.reset_breaker, ResetBreakerRequest {}))))
}
