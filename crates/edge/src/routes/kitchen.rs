//! The kitchen, for staff.

use axum::Json;
use axum::extract::{Path, State};
use base::id::{OrderId, StationId};
use kitchen_api::{
    GetSettingsRequest, GetTicketRequest, ListStationsRequest, ListTicketsRequest, PutStationRequest, Settings as MessageSettings, Station as MessageStation,
    StationRequest, Ticket as Message,
};
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use super::Reply;
use crate::api::{self, Api};
use crate::asked::{Asked, Asking, Named, Sent};
use crate::shape::{Reason, Texts, rows, some, time};
use crate::{Edge, ask};

const LIST: &[(&str, &str)] = &[("limit", "How many rows."), ("station_kind", "Only tickets with dishes for this kind of station.")];

pub(crate) fn add(api: &mut Api) {
    api.chapter("kitchen");
    api.add(api::get("/v1/kitchen/tickets", "Lists open tickets, oldest first").asks(LIST).gives::<TicketList>(), tickets);
    api.add(api::get("/v1/orders/{order}/ticket", "Shows the ticket of an order").gives::<Ticket>(), ticket);
    api.add(api::get("/v1/kitchen/stations", "Lists stations").gives::<StationList>(), stations);
    api.add(api::put("/v1/kitchen/stations", "Adds a station or changes its places").takes::<StationSent>().gives::<Station>(), put_station);
    api.add(api::post("/v1/kitchen/stations/{station}/break", "Breaks a station: its dishes move or their orders end").takes::<Reason>().gives::<Station>(), break_station);
    api.add(api::post("/v1/kitchen/stations/{station}/repair", "Repairs a station").takes::<Reason>().gives::<Station>(), repair_station);
    api.add(api::get("/v1/kitchen/settings", "Shows the kitchen's settings").gives::<KitchenSettings>(), settings);
    api.add(api::put("/v1/kitchen/settings", "Changes the kitchen's settings").takes::<KitchenSettingsSent>().gives::<KitchenSettings>(), put_settings);
}

#[derive(Serialize, ToSchema)]
struct DishStep {
    station_kind: String,
    station_id: Option<String>,
    place: u32,
    starts_at: Option<String>,
    ends_at: Option<String>,
    celsius: i32,
}

/// A dish on its way.
#[derive(Serialize, ToSchema)]
struct Dish {
    dish: u32,
    line: u32,
    item: String,
    size: String,
    options: Vec<String>,
    /// `queued`, `prepared`, `baking`, `plated` or `ready`.
    state: String,
    steps: Vec<DishStep>,
}

/// A ticket of the kitchen.
#[derive(Serialize, ToSchema)]
struct Ticket {
    order_id: String,
    state: String,
    dishes: Vec<Dish>,
    starts_at: Option<String>,
    ready_at: Option<String>,
    as_of: Option<String>,
    reason: Option<String>,
    version: i64,
}

#[derive(Serialize, ToSchema)]
struct TicketList {
    tickets: Vec<Ticket>,
    as_of: Option<String>,
}

/// A station.
#[derive(Serialize, ToSchema)]
struct Station {
    station_id: String,
    slug: String,
    kind: String,
    name: Texts,
    places: u32,
    busy: u32,
    broken: bool,
    version: i64,
}

#[derive(Serialize, ToSchema)]
struct StationList {
    stations: Vec<Station>,
}

/// A station as staff send it; without an id it is a new one.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
struct StationSent {
    #[serde(default)]
    station_id: Option<String>,
    slug: String,
    kind: String,
    name: Texts,
    places: u32,
    #[serde(default)]
    version: i64,
    #[serde(default)]
    reason: String,
}

/// How fast the kitchen's time runs.
#[derive(Serialize, ToSchema)]
struct KitchenSettings {
    time_scale: f64,
    version: i64,
}

#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
struct KitchenSettingsSent {
    time_scale: f64,
    version: i64,
    #[serde(default)]
    reason: String,
}

fn shown(edge: &Edge, ticket: Message) -> Ticket {
    let step = |step: kitchen_api::DishStep| DishStep {
        station_kind: step.station_kind,
        station_id: edge.show::<StationId>(step.station_id),
        place: step.place,
        starts_at: time(step.starts_at),
        ends_at: time(step.ends_at),
        celsius: step.celsius,
    };
    let dish = |dish: kitchen_api::Dish| Dish {
        dish: dish.dish,
        line: dish.line,
        item: dish.slug,
        size: dish.size,
        options: dish.options,
        state: dish.state,
        steps: dish.steps.into_iter().map(step).collect(),
    };
    Ticket {
        order_id: edge.id::<OrderId>(ticket.order_id),
        state: ticket.state,
        dishes: ticket.dishes.into_iter().map(dish).collect(),
        starts_at: time(ticket.starts_at),
        ready_at: time(ticket.ready_at),
        as_of: time(ticket.as_of),
        reason: some(ticket.reason),
        version: ticket.version,
    }
}

fn shown_station(edge: &Edge, station: MessageStation) -> Station {
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

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct ListAsked {
    #[serde(default)]
    limit: u32,
    #[serde(default)]
    station_kind: String,
}

async fn tickets(State(edge): State<Edge>, asked: Asked, Asking(query): Asking<ListAsked>) -> Reply<TicketList> {
    let message = ListTicketsRequest { shop_id: asked.shop(), limit: rows(query.limit)?, station_kind: query.station_kind };
    let told = ask!(edge, &asked.call, kitchen.list_tickets, message);
    Ok(Json(TicketList { tickets: told.tickets.into_iter().map(|ticket| shown(&edge, ticket)).collect(), as_of: time(told.as_of) }))
}

async fn ticket(State(edge): State<Edge>, asked: Asked, Path(order): Named) -> Reply<Ticket> {
    let message = GetTicketRequest { order_id: edge.read::<OrderId>(&order)? };
    Ok(Json(shown(&edge, ask!(edge, &asked.call, kitchen.get_ticket, message))))
}

async fn stations(State(edge): State<Edge>, asked: Asked) -> Reply<StationList> {
    let told = ask!(edge, &asked.call, kitchen.list_stations, ListStationsRequest { shop_id: asked.shop() });
    Ok(Json(StationList { stations: told.stations.into_iter().map(|station| shown_station(&edge, station)).collect() }))
}

async fn put_station(State(edge): State<Edge>, asked: Asked, Sent(sent): Sent<StationSent>) -> Reply<Station> {
    let station = MessageStation {
        station_id: sent.station_id.map_or(Ok(0), |id| edge.read::<StationId>(&id))?,
        shop_id: asked.shop(),
        slug: sent.slug,
        kind: sent.kind,
        name: sent.name.into_iter().collect(),
        places: sent.places,
        version: sent.version,
        ..Default::default()
    };
    let message = PutStationRequest { station: Some(station), reason: sent.reason };
    Ok(Json(shown_station(&edge, ask!(edge, &asked.call, kitchen.put_station, message))))
}

async fn break_station(State(edge): State<Edge>, asked: Asked, Path(station): Named, Sent(body): Sent<Reason>) -> Reply<Station> {
    let message = StationRequest { station_id: edge.read::<StationId>(&station)?, reason: body.reason };
    Ok(Json(shown_station(&edge, ask!(edge, &asked.call, kitchen.break_station, message))))
}

async fn repair_station(State(edge): State<Edge>, asked: Asked, Path(station): Named, Sent(body): Sent<Reason>) -> Reply<Station> {
    let message = StationRequest { station_id: edge.read::<StationId>(&station)?, reason: body.reason };
    Ok(Json(shown_station(&edge, ask!(edge, &asked.call, kitchen.repair_station, message))))
}

async fn settings(State(edge): State<Edge>, asked: Asked) -> Reply<KitchenSettings> {
    let told = ask!(edge, &asked.call, kitchen.get_settings, GetSettingsRequest { shop_id: asked.shop() });
    Ok(Json(KitchenSettings { time_scale: told.time_scale, version: told.version }))
}

async fn put_settings(State(edge): State<Edge>, asked: Asked, Sent(sent): Sent<KitchenSettingsSent>) -> Reply<KitchenSettings> {
    let message = MessageSettings { shop_id: asked.shop(), time_scale: sent.time_scale, version: sent.version, reason: sent.reason };
    let told = ask!(edge, &asked.call, kitchen.put_settings, message);
    Ok(Json(KitchenSettings { time_scale: told.time_scale, version: told.version }))
}
