//! The dialect of a pizza place (rows S4-E01 to S4-E05): its paths and bodies, word for word.
//!
//! Ordering needs no account, and whoever holds an order's id may follow its status, nothing more. Where the words of the
//! original would let anybody read or change what is others', the staff's token is asked for: docs/guide/dialect-pizza.md.

mod payments;

use axum::Json;
use axum::extract::State;
use axum::response::{IntoResponse, Response};
use base::id::{ItemId, OrderId};
use base::{Currency, Fault};
use bytes::Bytes;
use catalog_api::Item;
use http::{HeaderMap, StatusCode};
use orders_api::{BoardRequest, CancelRequest, Contact, GetOrderRequest, LineRequest, Order, PlaceRequest};
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use crate::api::{Api, Who, get, post, put};
use crate::asked::{Asked, Asking, Named, Sent};
use crate::document::{AFTER, Param};
use crate::problem::Problem;
use crate::routes::Reply;
use crate::routes::devices::with_device;
use crate::shape::{PageAsked, Time, rows, some, time};
use crate::{Edge, ask, menu as kept};

/// The card of whoever says `card` and no more: the provider mock takes it.
const CARD: &str = "tok_visa";
const ROWS_MAX: u32 = base::limits::PAGE_ROWS_MAX;
const LIST: &[Param] = &[AFTER, Param::count("limit", "How many rows.", ROWS_MAX, ROWS_MAX)];

pub(crate) fn add(api: &mut Api) {
    api.chapter("dialect of a pizza place");
    api.add(get("/api/v1/menu", "Gives the menu of pizzas").open_to(Who::Anyone).gives::<PizzaMenu>().tagged(), show_menu);
    api.add(
        post("/api/v1/orders", "Orders pizzas, without an account")
            .open_to(Who::Anyone)
            .takes::<PizzaOrder>()
            .gives::<PizzaOrderPlaced>()
            .hands_device()
            .with(201),
        create,
    );
    api.add(get("/api/v1/orders", "Lists the open orders; for staff").asks(LIST).gives::<PizzaOrders>(), board);
    for path in ["/api/v1/orders/{order}", "/api/v1/orders/{order}/status"] {
        let act = get(path, "Tells the status of an order, to whoever holds its id");
        api.add(act.open_to(Who::Anyone).gives::<PizzaOrderStatus>(), status);
    }
    api.add(
        put("/api/v1/orders/{order}/status", "Cancels an order; for staff").takes::<NewStatus>().gives::<PizzaOrderStatus>(),
        set_status,
    );
    payments::add(api);
}

/// A size of a pizza and its price.
#[derive(Serialize, ToSchema)]
struct PizzaSize {
    size: String,
    /// Decimal text in the menu's currency.
    #[schema(example = "13.25")]
    price: String,
    /// Whether it can be had now.
    available: bool,
}

/// A pizza.
#[derive(Serialize, ToSchema)]
struct Pizza {
    /// Its short name, which is what an order names.
    #[schema(example = "margherita")]
    id: String,
    name: String,
    description: String,
    category: String,
    /// The lowest price of its sizes, decimal text.
    #[schema(example = "13.25")]
    price: String,
    /// The currency's code (ISO 4217).
    #[schema(example = "USD")]
    currency: String,
    sizes: Vec<PizzaSize>,
}

/// The menu.
#[derive(Serialize, ToSchema)]
struct PizzaMenu {
    menu: Vec<Pizza>,
}

/// Writes an amount down as the pizza place does: `13.25`, and `1325` where the currency has no smaller unit.
fn decimal(minor: i64, currency: &str) -> String {
    let decimals = Currency::parse(currency).map_or(2, |currency| currency.decimals());
    let sign = if minor < 0 { "-" } else { "" };
    let (minor, unit) = (minor.unsigned_abs(), 10_u64.pow(decimals));
    match decimals {
        0 => format!("{sign}{minor}"),
        _ => format!("{sign}{}.{:0width$}", minor / unit, minor % unit, width = decimals as usize),
    }
}

/// Writes the menu down in the words of the pizza place.
pub(crate) fn menu(items: &[Item], currency: &str) -> Bytes {
    let english = |texts: &std::collections::BTreeMap<String, String>| texts.get("en").cloned().unwrap_or_default();
    let size = |variant: &catalog_api::Variant| PizzaSize {
        size: variant.size.clone(),
        price: decimal(variant.price_minor, currency),
        available: !variant.sold_out,
    };
    let pizza = |item: &Item| Pizza {
        id: item.slug.clone(),
        name: english(&item.name),
        description: english(&item.description),
        category: item.category.clone(),
        price: decimal(item.from_minor, currency),
        currency: currency.to_owned(),
        sizes: item.variants.iter().map(size).collect(),
    };
    let menu = PizzaMenu { menu: items.iter().filter(|item| item.available).map(pizza).collect() };
    serde_json::to_vec(&menu).expect("a menu is plain JSON").into()
}

/// Makes a line of an item's id or slug.
fn line(edge: &Edge, item: PizzaLine) -> LineRequest {
    let PizzaLine { pizza_id, quantity, size } = item;
    match edge.read::<ItemId>(&pizza_id) {
        Ok(item_id) => LineRequest { item_id, size, quantity, ..LineRequest::default() },
        Err(_) => LineRequest { slug: pizza_id, size, quantity, ..LineRequest::default() },
    }
}

async fn show_menu(State(edge): State<Edge>, headers: HeaderMap) -> Result<Response, Problem> {
    Ok(kept::serve(&edge, &headers, true).await?)
}

/// A pizza, and how many of it.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields, rename_all = "camelCase")]
struct PizzaLine {
    /// The pizza's short name.
    #[schema(example = "margherita")]
    pizza_id: String,
    /// How many.
    #[schema(minimum = 1, maximum = 999)]
    quantity: i64,
    /// The size; the first one when it is left out.
    #[serde(default)]
    size: String,
}

/// An order of pizzas.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields, rename_all = "camelCase")]
struct PizzaOrder {
    #[schema(min_items = 1, max_items = 100)]
    items: Vec<PizzaLine>,
    #[schema(example = "Test Street 123")]
    delivery_address: String,
    /// `card` or `cash`.
    #[schema(example = "card")]
    payment_method: String,
    /// A token of the payment provider, for `card`.
    #[serde(default)]
    card_token: String,
}

/// How far an order has come, and nothing more of it.
#[derive(Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
struct PizzaOrderStatus {
    /// Its id: `ord_…`.
    order_id: String,
    /// `PENDING`, `RESERVED`, `PAID`, `PROMISED`, `COOKING`, `READY`, `SHIPPED`, `DELIVERED` or `CANCELLED`.
    status: String,
    created_at: Option<Time>,
    updated_at: Option<Time>,
    /// Why it was cancelled.
    reason: Option<String>,
}

/// An order that was placed.
#[derive(Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
struct PizzaOrderPlaced {
    /// Its id: `ord_…`; whoever holds it may follow the status.
    order_id: String,
    /// `PENDING` at first.
    status: String,
    created_at: Option<Time>,
    updated_at: Option<Time>,
    /// Why it was cancelled, if the answer is a repeated one.
    reason: Option<String>,
    /// What it costs, decimal text.
    #[schema(example = "13.25")]
    total_amount: String,
    /// The currency's code (ISO 4217).
    #[schema(example = "USD")]
    currency: String,
}

/// A page of orders.
#[derive(Serialize, ToSchema)]
struct PizzaOrders {
    orders: Vec<PizzaOrderStatus>,
    /// What to send as `after` for the next page.
    next: Option<String>,
}

fn told(edge: &Edge, order: Order) -> PizzaOrderStatus {
    PizzaOrderStatus {
        order_id: edge.id::<OrderId>(order.order_id),
        // In capital letters, as the original writes it.
        status: order.state.to_uppercase(),
        created_at: time(order.placed_at),
        updated_at: time(order.changed_at),
        reason: some(order.reason),
    }
}

async fn create(State(edge): State<Edge>, asked: Asked, Sent(body): Sent<PizzaOrder>) -> Result<Response, Problem> {
    let card_token = if body.card_token.is_empty() { CARD.to_owned() } else { body.card_token };
    let request = PlaceRequest {
        shop_id: 1,
        lines: body.items.into_iter().map(|item| line(&edge, item)).collect(),
        fulfilment: "delivery".to_owned(),
        contact: Some(Contact { address: body.delivery_address, ..Contact::default() }),
        card_token: if body.payment_method == "card" { card_token } else { String::new() },
        payment: body.payment_method,
        ..PlaceRequest::default()
    };
    let order = ask!(edge, &asked.call, orders.place, request);
    let (total_amount, currency) = (decimal(order.total_minor, &order.currency), order.currency.clone());
    let PizzaOrderStatus { order_id, status, created_at, updated_at, reason } = told(&edge, order);
    let placed = PizzaOrderPlaced { order_id, status, created_at, updated_at, reason, total_amount, currency };
    Ok(with_device(asked.fresh_token.as_deref(), (StatusCode::CREATED, Json(placed)).into_response()))
}

/// The id alone opens the status: it cannot be guessed. Nothing else of the order is told.
async fn status(State(edge): State<Edge>, name: Named, asked: Asked) -> Reply<PizzaOrderStatus> {
    let call = edge.0.ctx.call(&asked.call.correlation);
    let order = ask!(edge, &call, orders.get_order, GetOrderRequest { order_id: edge.read::<OrderId>(&name)? });
    Ok(Json(told(&edge, order)))
}

async fn board(State(edge): State<Edge>, asked: Asked, Asking(page): Asking<PageAsked>) -> Reply<PizzaOrders> {
    let limit = if page.limit == 0 { ROWS_MAX } else { rows(page.limit)? };
    let request = BoardRequest { shop_id: asked.shop(), after: edge.after(&page.after)?, limit, ..BoardRequest::default() };
    let page = ask!(edge, &asked.call, orders.board, request);
    let next = edge.next(&page.next);
    Ok(Json(PizzaOrders { orders: page.orders.into_iter().map(|order| told(&edge, order)).collect(), next }))
}

/// The status that an order is to have.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
struct NewStatus {
    /// `CANCELLED`: the others follow from what happens.
    status: String,
}

/// States follow from what happens; the one that staff may set is the end.
async fn set_status(State(edge): State<Edge>, asked: Asked, name: Named, Sent(body): Sent<NewStatus>) -> Reply<PizzaOrderStatus> {
    if !body.status.eq_ignore_ascii_case("cancelled") {
        return Err(
            Fault::refused("status_not_settable", "A status follows from what happens; only CANCELLED can be set.").into()
        );
    }
    let request = CancelRequest { order_id: edge.read::<OrderId>(&name)?, reason: "set by hand".to_owned() };
    Ok(Json(told(&edge, ask!(edge, &asked.call, orders.cancel, request))))
}

#[cfg(test)]
mod unit {
    use super::*;

    #[test]
    fn prices_have_as_many_decimals_as_their_currency() {
        for (minor, currency, written) in [
            (1_325, "USD", "13.25"),
            (1_305, "EUR", "13.05"),
            (7, "USD", "0.07"),
            (1_325, "JPY", "1325"),
            (0, "JPY", "0"),
            (1_325, "KWD", "1.325"),
            (25, "KWD", "0.025"),
            (-1_325, "USD", "-13.25"),
        ] {
            assert_eq!(decimal(minor, currency), written, "{currency}");
        }
        let item = Item { slug: "unagi".to_owned(), available: true, from_minor: 900, ..Item::default() };
        let menu: serde_json::Value = serde_json::from_slice(&menu(&[item], "JPY")).unwrap();
        assert_eq!((&menu["menu"][0]["price"], &menu["menu"][0]["currency"]), (&"900".into(), &"JPY".into()));
    }
}
