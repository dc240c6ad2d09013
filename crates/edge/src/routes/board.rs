//! The board and its upkeep: orders as staff see them.

use axum::Json;
use axum::extract::{Path, State};
use base::id::{ContactId, OrderId};
use orders_api::{BoardRequest, EraseContactRequest, RebuildRequest, StatisticsRequest};
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use super::Reply;
use super::order_view::{OrderPage, STATES, page};
use super::orders::one;
use crate::api::{Api, delete, get, post};
use crate::asked::{Asked, Asking, Named, Sent};
use crate::document::{AFTER, LIMIT, Param};
use crate::shape::{Reason, rows};
use crate::{Edge, ask};

const BOARD: &[Param] =
    &[Param::words("state", "Only orders in this state; all open ones when it is left out.", STATES), AFTER, LIMIT];

pub(crate) fn add(api: &mut Api) {
    api.chapter("orders");
    api.add(get("/v1/board", "Lists the shop's orders").asks(BOARD).gives::<OrderPage>(), board);
    api.add(get("/v1/orders/statistics", "Counts orders by state").gives::<Statistics>(), statistics);
    api.add(get("/v1/orders/{order}/contact", "Tells who gets an order").gives::<Contact>(), contact);
    api.add(
        delete("/v1/orders/{order}/contact", "Forgets the person behind an order").takes::<Reason>().gives::<Contact>(),
        erase,
    );
    api.add(get("/v1/orders/{order}/check", "Rebuilds an order from its events and compares").gives::<OrderCheck>(), check);
    api.add(
        post("/v1/projections/{projection}/rebuild", "Drops a projection and builds it again")
            .takes::<Reason>()
            .gives::<ProjectionRebuilt>(),
        rebuild,
    );
}

/// Who gets an order.
#[derive(Serialize, ToSchema)]
struct Contact {
    /// Its id, `con_…`; none for an order without a person.
    contact_id: Option<String>,
    name: String,
    phone: String,
    email: String,
    address: String,
    note: String,
    /// Whether the person was forgotten.
    erased: bool,
}

/// What a rebuild of an order found.
#[derive(Serialize, ToSchema)]
struct OrderCheck {
    /// Whether its happenings add up to what is kept.
    equal: bool,
    /// Where they do not.
    difference: String,
}

/// The orders of one state.
#[derive(Serialize, ToSchema)]
struct StateCount {
    state: String,
    /// How many they are.
    orders: i64,
    /// What they cost, in minor units of the shop's currency.
    total_minor: i64,
}

/// How many orders there are.
#[derive(Serialize, ToSchema)]
struct Statistics {
    /// How many were ever placed.
    orders: i64,
    /// How many have not ended yet.
    in_flight: i64,
    /// What the delivered ones cost, in minor units of the shop's currency.
    delivered_minor: i64,
    states: Vec<StateCount>,
}

/// What was built again.
#[derive(Serialize, ToSchema)]
struct ProjectionRebuilt {
    /// From how many orders.
    orders: u64,
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

async fn check(State(edge): State<Edge>, asked: Asked, Path(order): Named) -> Reply<OrderCheck> {
    let message = one(&edge, &order)?;
    let told = ask!(edge, &asked.call, orders.check_order, message);
    Ok(Json(OrderCheck { equal: told.equal, difference: told.difference }))
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

async fn rebuild(
    State(edge): State<Edge>,
    asked: Asked,
    Path(projection): Named,
    Sent(body): Sent<Reason>,
) -> Reply<ProjectionRebuilt> {
    let told = ask!(edge, &asked.call, orders.rebuild_projection, RebuildRequest { projection, reason: body.reason });
    Ok(Json(ProjectionRebuilt { orders: told.orders }))
}
