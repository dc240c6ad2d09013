//! The kitchen: tickets and stations.

use axum::Json;
use axum::extract::State;
use base::id::{OrderId, StationId, TicketId};
use kitchen_api::{
    GetSettingsRequest, GetTicketRequest, ListStationsRequest, ListTicketsRequest, PutStationRequest, Settings, Station,
    StationRequest, Ticket,
};
use serde::Deserialize;
use serde_json::{Value, json};
use utoipa::ToSchema;

use super::Answer;
use crate::api::{Api, get, post, put};
use crate::asked::{Asked, Asking, Named, Sent};
use crate::shape::{Reason, Texts, rows, some, time};
use crate::{Edge, ask};

const TICKETS: &[(&str, &str)] =
    &[("station", "Only tickets with a dish for this kind of station."), ("limit", "How many rows.")];

pub(crate) fn add(api: &mut Api) {
    api.chapter("kitchen");
    api.add(get("/v1/kitchen/tickets", "Open tickets, oldest first.").asks(TICKETS), tickets);
    api.add(get("/v1/kitchen/tickets/{id}", "The ticket of an order."), ticket);
    api.add(get("/v1/kitchen/stations", "The stations, how many places they have and how many are busy."), stations);
    api.add(put("/v1/kitchen/stations", "Adds a station or changes its places.").takes::<StationBody>(), put_station);
    api.add(
        post("/v1/kitchen/stations/{id}/break", "A station breaks: its dishes move, or their orders end with a refund.")
            .takes::<Reason>(),
        break_station,
    );
    api.add(post("/v1/kitchen/stations/{id}/repair", "A station works again.").takes::<Reason>(), repair_station);
    api.add(get("/v1/kitchen/settings", "How fast the kitchen works."), settings);
    api.add(
        put("/v1/kitchen/settings", "Speeds the kitchen up, for demonstrations and replays.").takes::<SettingsBody>(),
        put_settings,
    );
}

fn shown(edge: &Edge, ticket: &Ticket) -> Value {
    let dishes: Vec<Value> = ticket
        .dishes
        .iter()
        .map(|dish| {
            let steps: Vec<Value> = dish
                .steps
                .iter()
                .map(|step| json!({ "station": step.station_kind, "station_id": edge.show::<StationId>(step.station_id), "place": step.place,
                    "starts_at": time(step.starts_at), "ends_at": time(step.ends_at), "celsius": step.celsius }))
                .collect();
            json!({ "dish": dish.dish, "line": dish.line, "slug": dish.slug, "size": dish.size, "options": dish.options, "state": dish.state, "steps": steps })
        })
        .collect();
    json!({
        "ticket_id": edge.id::<TicketId>(ticket.ticket_id), "order_id": edge.id::<OrderId>(ticket.order_id), "state": ticket.state, "dishes": dishes,
        "starts_at": time(ticket.starts_at), "ready_at": time(ticket.ready_at), "as_of": time(ticket.as_of), "reason": some(ticket.reason.clone()),
    })
}

fn shown_station(edge: &Edge, station: &Station) -> Value {
    json!({ "station_id": edge.id::<StationId>(station.station_id), "slug": station.slug, "kind": station.kind, "name": station.name, "places": station.places,
        "busy": station.busy, "broken": station.broken, "version": station.version })
}

#[derive(Deserialize, Default)]
#[serde(default, deny_unknown_fields)]
struct TicketsAsked {
    station: String,
    limit: u32,
}

async fn tickets(State(edge): State<Edge>, asked: Asked, Asking(page): Asking<TicketsAsked>) -> Answer {
    let request = ListTicketsRequest { shop_id: asked.shop(), limit: rows(page.limit)?, station_kind: page.station };
    let list = ask!(edge, &asked.call, kitchen.list_tickets, request);
    Ok(Json(
        json!({ "tickets": list.tickets.iter().map(|ticket| shown(&edge, ticket)).collect::<Vec<_>>(), "as_of": time(list.as_of) }),
    ))
}

async fn ticket(State(edge): State<Edge>, asked: Asked, name: Named) -> Answer {
    let request = GetTicketRequest { order_id: edge.read::<OrderId>(&name)? };
    Ok(Json(shown(&edge, &ask!(edge, &asked.call, kitchen.get_ticket, request))))
}

async fn stations(State(edge): State<Edge>, asked: Asked) -> Answer {
    let list = ask!(edge, &asked.call, kitchen.list_stations, ListStationsRequest { shop_id: asked.shop() });
    Ok(Json(json!({ "stations": list.stations.iter().map(|station| shown_station(&edge, station)).collect::<Vec<_>>() })))
}

#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
struct StationBody {
    slug: String,
    kind: String,
    name: Texts,
    places: u32,
    #[serde(default)]
    version: i64,
    #[serde(default)]
    reason: String,
}

async fn put_station(State(edge): State<Edge>, asked: Asked, Sent(body): Sent<StationBody>) -> Answer {
    let station = Station {
        shop_id: asked.shop(),
        slug: body.slug,
        kind: body.kind,
        name: body.name,
        places: body.places,
        version: body.version,
        ..Station::default()
    };
    let station = ask!(edge, &asked.call, kitchen.put_station, PutStationRequest { station: Some(station), reason: body.reason });
    Ok(Json(shown_station(&edge, &station)))
}

async fn break_station(State(edge): State<Edge>, asked: Asked, name: Named, Sent(body): Sent<Reason>) -> Answer {
    let request = StationRequest { station_id: edge.read::<StationId>(&name)?, reason: body.reason };
    Ok(Json(shown_station(&edge, &ask!(edge, &asked.call, kitchen.break_station, request))))
}

async fn repair_station(State(edge): State<Edge>, asked: Asked, name: Named, Sent(body): Sent<Reason>) -> Answer {
    let request = StationRequest { station_id: edge.read::<StationId>(&name)?, reason: body.reason };
    Ok(Json(shown_station(&edge, &ask!(edge, &asked.call, kitchen.repair_station, request))))
}

#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
struct SettingsBody {
    time_scale: f64,
    #[serde(default)]
    version: i64,
    #[serde(default)]
    reason: String,
}

fn shown_settings(settings: &Settings) -> Value {
    json!({ "time_scale": settings.time_scale, "version": settings.version })
}

async fn settings(State(edge): State<Edge>, asked: Asked) -> Answer {
    Ok(Json(shown_settings(&ask!(edge, &asked.call, kitchen.get_settings, GetSettingsRequest { shop_id: asked.shop() }))))
}

async fn put_settings(State(edge): State<Edge>, asked: Asked, Sent(body): Sent<SettingsBody>) -> Answer {
    let wanted = Settings { shop_id: asked.shop(), time_scale: body.time_scale, version: body.version, reason: body.reason };
    Ok(Json(shown_settings(&ask!(edge, &asked.call, kitchen.put_settings, wanted))))
}
