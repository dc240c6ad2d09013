//! The kitchen: tickets and stations.

use axum::Json;
use axum::extract::State;
use base::id::{OrderId, StationId, TicketId};
use kitchen_api::{
    BumpRequest, GetSettingsRequest, GetTicketRequest, ListStationsRequest, ListTicketsRequest, PutStationRequest,
    Settings as SettingsMessage, Station as StationMessage, StationRequest, Ticket as TicketMessage,
};
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use super::Reply;
use crate::api::{Api, get, post, put};
use crate::asked::{Asked, Asking, Named, Sent};
use crate::document::{AFTER, LIMIT, Param};
use crate::shape::{Reason, Texts, Time, rows, some, time};
use crate::{Edge, ask};

const TICKETS: &[Param] =
    &[Param::text("station", "Only tickets with something left to do for this kind of station, such as `oven`."), AFTER, LIMIT];

pub(crate) fn add(api: &mut Api) {
    api.chapter("kitchen");
    api.add(get("/v1/kitchen/tickets", "Lists open tickets, oldest first").asks(TICKETS).gives::<TicketList>(), tickets);
    api.add(get("/v1/kitchen/tickets/{order}", "Shows the ticket of an order").gives::<Ticket>(), ticket);
    api.add(
        post("/v1/kitchen/tickets/{order}/bump", "Says that dishes are done up to a step, or the whole ticket")
            .takes::<Bump>()
            .gives::<Ticket>(),
        bump,
    );
    api.add(
        post("/v1/kitchen/tickets/{order}/recall", "Takes a bump back, while the order has not left the kitchen")
            .takes::<Bump>()
            .gives::<Ticket>(),
        recall,
    );
    api.add(
        get("/v1/kitchen/stations", "Lists the stations, how many places they have and how many are busy").gives::<StationList>(),
        stations,
    );
    api.add(
        put("/v1/kitchen/stations", "Adds a station or changes its places").takes::<StationSent>().gives::<Station>(),
        put_station,
    );
    api.add(
        post("/v1/kitchen/stations/{station}/break", "Breaks a station: its dishes move, or their orders end with a refund")
            .takes::<Reason>()
            .gives::<Station>(),
        break_station,
    );
    api.add(
        post("/v1/kitchen/stations/{station}/repair", "Repairs a station").takes::<Reason>().gives::<Station>(),
        repair_station,
    );
    api.add(
        get("/v1/kitchen/settings", "Shows how the kitchen works: by the clock or by hand, and how fast")
            .gives::<KitchenSettings>(),
        settings,
    );
    api.add(
        put(
            "/v1/kitchen/settings",
            "Says whether cooks alone end a dish, and speeds the kitchen up for demonstrations and replays",
        )
        .takes::<KitchenSettingsSent>()
        .gives::<KitchenSettings>(),
        put_settings,
    );
}

/// A step of a dish, on a place of a station.
#[derive(Serialize, ToSchema)]
struct DishStep {
    /// The kind of station that it needs.
    station: String,
    /// The station that was booked, `stn_…`; none before that.
    station_id: Option<String>,
    /// Which of the station's places, counted from 0.
    place: u32,
    starts_at: Option<Time>,
    ends_at: Option<Time>,
    /// How hot, in degrees Celsius; 0 where heat plays no part.
    celsius: i32,
}

/// A dish on its way.
#[derive(Serialize, ToSchema)]
struct Dish {
    /// Which dish of the ticket, counted from 0.
    dish: u32,
    /// Which line of the order, counted from 0.
    line: u32,
    /// The item's short name.
    slug: String,
    size: String,
    /// The options, by their short names.
    options: Vec<String>,
    /// `queued`, `prepared`, `baking`, `plated` or `ready`, as it is at `as_of` of the ticket.
    state: String,
    steps: Vec<DishStep>,
    /// The first step that is not done, counted from 0; the number of its steps when it is ready.
    step: u32,
    /// The first step to which a recall can take it back; the same as `step` when there is none.
    recall_step: u32,
    /// When it was to be ready as it was first booked; what comes later is late.
    promised_at: Option<Time>,
}

/// A dish and one of its steps.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
struct DishMark {
    /// Which dish of the ticket, counted from 0.
    dish: u32,
    /// Which of its steps, counted from 0: a bump says that it and those before it are done, a recall goes back to it.
    step: u32,
}

/// What a cook says about dishes.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
struct Bump {
    /// The dishes; without any a bump means all of them, and a recall the last bump.
    #[serde(default)]
    dishes: Vec<DishMark>,
    /// Why; it is kept with the act.
    #[serde(default)]
    #[schema(max_length = 1000)]
    reason: String,
}

/// What the kitchen does for an order.
#[derive(Serialize, ToSchema)]
struct Ticket {
    /// Its id: `tkt_…`.
    ticket_id: String,
    /// The order's id: `ord_…`.
    order_id: String,
    /// `waiting` (not paid), `booked`, `cooking`, `ready`, `failed` or `cancelled`.
    state: String,
    dishes: Vec<Dish>,
    starts_at: Option<Time>,
    ready_at: Option<Time>,
    /// The moment of which states are told.
    as_of: Option<Time>,
    /// Why it failed or was cancelled.
    reason: Option<String>,
    /// When its last dish was to be ready as it was first booked; what comes later is late.
    promised_at: Option<Time>,
    /// Whether dishes are done only when a cook says so.
    by_hand: bool,
    /// Grows with every change.
    version: i64,
}

/// A page of open tickets.
#[derive(Serialize, ToSchema)]
struct TicketList {
    tickets: Vec<Ticket>,
    /// What to send as `after` for the next page.
    next: Option<String>,
    /// The moment of which states are told.
    as_of: Option<Time>,
}

/// A station of the kitchen.
#[derive(Serialize, ToSchema)]
struct Station {
    /// Its id: `stn_…`.
    station_id: String,
    /// Its short name.
    slug: String,
    /// What it does, such as `oven`.
    kind: String,
    name: Texts,
    /// How many dishes it takes at once.
    places: u32,
    /// How many of its places are taken now.
    busy: u32,
    broken: bool,
    /// Grows with every change; an edit names the one it has seen.
    version: i64,
}

/// The stations of a kitchen.
#[derive(Serialize, ToSchema)]
struct StationList {
    stations: Vec<Station>,
}

/// A station as staff send it.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
struct StationSent {
    /// Its short name; a new one makes a new station.
    slug: String,
    /// What it does, such as `oven`; it stays what it is.
    kind: String,
    name: Texts,
    /// How many dishes it takes at once.
    places: u32,
    /// The version that was read; 0 for a new station.
    #[serde(default)]
    version: i64,
    /// Why; it is kept with the act.
    #[serde(default)]
    #[schema(max_length = 1000)]
    reason: String,
}

/// How the kitchen works.
#[derive(Serialize, ToSchema)]
struct KitchenSettings {
    /// How many times faster than real time.
    time_scale: f64,
    /// Whether dishes are done only when a cook says so; else their recipes' times end them too.
    by_hand: bool,
    /// Grows with every change; an edit names the one it has seen.
    version: i64,
}

/// How the kitchen is to work, for what is booked from now on.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
struct KitchenSettingsSent {
    /// How many times faster than real time.
    time_scale: f64,
    /// Whether dishes are to be done only when a cook says so; left as it is when it is not sent.
    #[serde(default)]
    by_hand: Option<bool>,
    /// The version that was read.
    #[serde(default)]
    version: i64,
    /// Why; it is kept with the act.
    #[serde(default)]
    #[schema(max_length = 1000)]
    reason: String,
}

fn shown_dish(edge: &Edge, dish: kitchen_api::Dish) -> Dish {
    let step = |step: kitchen_api::DishStep| DishStep {
        station: step.station_kind,
        station_id: edge.show::<StationId>(step.station_id),
        place: step.place,
        starts_at: time(step.starts_at),
        ends_at: time(step.ends_at),
        celsius: step.celsius,
    };
    Dish {
        dish: dish.dish,
        line: dish.line,
        slug: dish.slug,
        size: dish.size,
        options: dish.options,
        state: dish.state,
        steps: dish.steps.into_iter().map(step).collect(),
        step: dish.step,
        recall_step: dish.recall_step,
        promised_at: time(dish.promised_at),
    }
}

fn shown(edge: &Edge, ticket: TicketMessage) -> Ticket {
    Ticket {
        ticket_id: edge.id::<TicketId>(ticket.ticket_id),
        order_id: edge.id::<OrderId>(ticket.order_id),
        state: ticket.state,
        dishes: ticket.dishes.into_iter().map(|dish| shown_dish(edge, dish)).collect(),
        starts_at: time(ticket.starts_at),
        ready_at: time(ticket.ready_at),
        as_of: time(ticket.as_of),
        reason: some(ticket.reason),
        promised_at: time(ticket.promised_at),
        by_hand: ticket.by_hand,
        version: ticket.version,
    }
}

fn shown_station(edge: &Edge, station: StationMessage) -> Station {
    Station {
        station_id: edge.id::<StationId>(station.station_id),
        slug: station.slug,
        kind: station.kind,
        name: station.name.into_iter().collect(),
        places: station.places,
        busy: station.busy,
        broken: station.broken,
        version: station.version,
    }
}

#[derive(Deserialize, Default)]
#[serde(default, deny_unknown_fields)]
struct TicketsAsked {
    station: String,
    after: String,
    limit: u32,
}

async fn tickets(State(edge): State<Edge>, asked: Asked, Asking(page): Asking<TicketsAsked>) -> Reply<TicketList> {
    let request = ListTicketsRequest {
        shop_id: asked.shop(),
        station_kind: page.station,
        after: edge.after(&page.after)?,
        limit: rows(page.limit)?,
    };
    let list = ask!(edge, &asked.call, kitchen.list_tickets, request);
    let next = edge.next(&list.next);
    let tickets = list.tickets.into_iter().map(|ticket| shown(&edge, ticket)).collect();
    Ok(Json(TicketList { tickets, next, as_of: time(list.as_of) }))
}

async fn ticket(State(edge): State<Edge>, asked: Asked, name: Named) -> Reply<Ticket> {
    let request = GetTicketRequest { order_id: edge.read::<OrderId>(&name)? };
    Ok(Json(shown(&edge, ask!(edge, &asked.call, kitchen.get_ticket, request))))
}

fn said(edge: &Edge, order: &str, body: Bump) -> Result<BumpRequest, base::Fault> {
    let marks = body.dishes.into_iter().map(|DishMark { dish, step }| kitchen_api::DishMark { dish, step }).collect();
    Ok(BumpRequest { order_id: edge.read::<OrderId>(order)?, marks, reason: body.reason })
}

async fn bump(State(edge): State<Edge>, asked: Asked, name: Named, Sent(body): Sent<Bump>) -> Reply<Ticket> {
    let request = said(&edge, &name, body)?;
    Ok(Json(shown(&edge, ask!(edge, &asked.call, kitchen.bump, request))))
}

async fn recall(State(edge): State<Edge>, asked: Asked, name: Named, Sent(body): Sent<Bump>) -> Reply<Ticket> {
    let request = said(&edge, &name, body)?;
    Ok(Json(shown(&edge, ask!(edge, &asked.call, kitchen.recall, request))))
}

async fn stations(State(edge): State<Edge>, asked: Asked) -> Reply<StationList> {
    let list = ask!(edge, &asked.call, kitchen.list_stations, ListStationsRequest { shop_id: asked.shop() });
    Ok(Json(StationList { stations: list.stations.into_iter().map(|station| shown_station(&edge, station)).collect() }))
}

async fn put_station(State(edge): State<Edge>, asked: Asked, Sent(body): Sent<StationSent>) -> Reply<Station> {
    let station = StationMessage {
        shop_id: asked.shop(),
        slug: body.slug,
        kind: body.kind,
        name: body.name.into_iter().collect(),
        places: body.places,
        version: body.version,
        ..StationMessage::default()
    };
    let station = ask!(edge, &asked.call, kitchen.put_station, PutStationRequest { station: Some(station), reason: body.reason });
    Ok(Json(shown_station(&edge, station)))
}

async fn break_station(State(edge): State<Edge>, asked: Asked, name: Named, Sent(body): Sent<Reason>) -> Reply<Station> {
    let request = StationRequest { station_id: edge.read::<StationId>(&name)?, reason: body.reason };
    Ok(Json(shown_station(&edge, ask!(edge, &asked.call, kitchen.break_station, request))))
}

async fn repair_station(State(edge): State<Edge>, asked: Asked, name: Named, Sent(body): Sent<Reason>) -> Reply<Station> {
    let request = StationRequest { station_id: edge.read::<StationId>(&name)?, reason: body.reason };
    Ok(Json(shown_station(&edge, ask!(edge, &asked.call, kitchen.repair_station, request))))
}

fn shown_settings(settings: &SettingsMessage) -> KitchenSettings {
    KitchenSettings { time_scale: settings.time_scale, by_hand: settings.by_hand.unwrap_or_default(), version: settings.version }
}

async fn settings(State(edge): State<Edge>, asked: Asked) -> Reply<KitchenSettings> {
    Ok(Json(shown_settings(&ask!(edge, &asked.call, kitchen.get_settings, GetSettingsRequest { shop_id: asked.shop() }))))
}

async fn put_settings(State(edge): State<Edge>, asked: Asked, Sent(body): Sent<KitchenSettingsSent>) -> Reply<KitchenSettings> {
    let KitchenSettingsSent { time_scale, by_hand, version, reason } = body;
    let wanted = SettingsMessage { shop_id: asked.shop(), time_scale, version, reason, by_hand };
    Ok(Json(shown_settings(&ask!(edge, &asked.call, kitchen.put_settings, wanted))))
}
