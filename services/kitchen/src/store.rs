//! Rows and tickets: the only place that knows the tables.

use std::collections::BTreeMap;

use base::id::{OrderId, ShopId, StationId};
use base::{Fault, Id, Mistake, Texts, Timestamp, planted};
use serde::{Deserialize, Serialize};
use sql::{NewJob, Row, Statement, Store, params, statement};

use crate::domain::{BookedStep, Cut, Floor, State, Station, Step, Ticket, TicketLine};

/// The timer of a ticket's first dish.
pub const START: &str = "start";
/// The timer of a ticket's last dish.
pub const READY: &str = "ready";
/// The work of moving dishes away from a broken station; its key is the station.
pub const LEAVE: &str = "leave";

macro_rules! tickets {
    ($rest:literal) => {
        concat!(
            "select id, shop_id, ticket_id, state, lines, starts_at, ready_at, time_scale, reason, version from kitchen_tickets ",
            $rest
        )
    };
}

/// Finds tickets by their orders.
pub async fn tickets(store: &Store, orders: &[OrderId]) -> Result<BTreeMap<OrderId, Ticket>, Fault> {
    let text = tickets!(
        "where id in ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13, $14, $15, $16,
         $17, $18, $19, $20, $21, $22, $23, $24, $25, $26, $27, $28, $29, $30, $31, $32)"
    );
    let mut found = BTreeMap::new();
    for row in &store.read_each(tickets!("where id = $1"), text, orders).await? {
        let ticket = ticket_of(row)?;
        found.insert(ticket.order_id, ticket);
    }
    Ok(found)
}

/// Finds the ticket of an order.
pub async fn ticket(store: &Store, order: OrderId) -> Result<Option<Ticket>, Fault> {
    Ok(tickets(store, &[order]).await?.remove(&order))
}

/// Lists a shop's open tickets by order, beginning after one.
pub async fn open_tickets(store: &Store, shop: ShopId, after: OrderId, limit: u32) -> Result<Vec<Ticket>, Fault> {
    let text = tickets!("where is_open and shop_id = $1 and id > $2 order by id limit $3");
    store.read(text, params![shop, after, limit]).await?.iter().map(ticket_of).collect()
}

/// A line as it is kept: short names, because there is one in every row.
#[derive(Serialize, Deserialize)]
struct KeptLine {
    l: u32,
    i: String,
    #[serde(default, skip_serializing_if = "String::is_empty")]
    z: String,
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    o: Vec<String>,
    n: u32,
    /// Station kind, seconds, degrees.
    s: Vec<(String, i64, i32)>,
    /// By dish and step: station, place, microseconds from the ticket's beginning, and for how many.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    b: Vec<Vec<(usize, usize, i64, i64)>>,
    /// When it was first to be ready, in microseconds from the ticket's beginning as it is now.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    p: Option<i64>,
    /// Whether its steps end by hand only.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    h: bool,
    /// By dish, what cooks said was done: which bump, which step, microseconds left.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    c: Vec<Vec<(u32, usize, i64)>>,
}

fn ticket_of(row: &Row) -> Result<Ticket, Fault> {
    let broken = |what: &str| Fault::internal("store_row", format!("A ticket has {what} that nobody can read."));
    let state = usize::try_from(row.int(3)?).ok().and_then(|number| State::ALL.get(number).copied());
    let kept: Vec<KeptLine> = serde_json::from_str(row.text(4)?).map_err(|error| broken("lines").because(error))?;
    let starts_at = row.time(5)?;
    Ok(Ticket {
        order_id: row.id(0)?,
        shop_id: row.id(1)?,
        ticket_id: row.id(2)?,
        state: state.ok_or_else(|| broken("a state"))?,
        lines: kept.into_iter().map(|line| line_of(line, starts_at)).collect(),
        starts_at,
        ready_at: row.time(6)?,
        time_scale: row.real(7)?,
        reason: row.text(8)?.to_owned(),
        version: row.int(9)?,
    })
}

fn line_of(kept: KeptLine, begin: Timestamp) -> TicketLine {
    let booked = |(station, place, from, span): (usize, usize, i64, i64)| {
        let starts_at = Timestamp(begin.0 + from);
        BookedStep { station, place, starts_at, ends_at: Timestamp(starts_at.0.saturating_add(span)) }
    };
    let cut = |(bump, step, left)| Cut { bump, step, left };
    TicketLine {
        line: kept.l,
        slug: kept.i,
        size: kept.z,
        options: kept.o,
        quantity: kept.n,
        steps: kept.s.into_iter().map(|(station_kind, seconds, celsius)| Step { station_kind, seconds, celsius }).collect(),
        booked: kept.b.into_iter().map(|dish| dish.into_iter().map(booked).collect()).collect(),
        promised_at: kept.p.map_or(Timestamp(0), |from| Timestamp(begin.0.saturating_add(from))),
        by_hand: kept.h,
        cuts: kept.c.into_iter().map(|dish| dish.into_iter().map(cut).collect()).collect(),
    }
}

fn lines_text(ticket: &Ticket) -> String {
    let begin = ticket.starts_at.0;
    let booked = |step: &BookedStep| (step.station, step.place, step.starts_at.0 - begin, step.ends_at.0 - step.starts_at.0);
    let kept = ticket.lines.iter().map(|line| KeptLine {
        l: line.line,
        i: line.slug.clone(),
        z: line.size.clone(),
        o: line.options.clone(),
        n: line.quantity,
        s: line.steps.iter().map(|step| (step.station_kind.clone(), step.seconds, step.celsius)).collect(),
        b: line.booked.iter().map(|dish| dish.iter().map(booked).collect()).collect(),
        p: (line.promised_at.0 != 0).then(|| line.promised_at.0 - begin),
        h: line.by_hand,
        c: line.cuts.iter().map(|dish| dish.iter().map(|cut| (cut.bump, cut.step, cut.left)).collect()).collect(),
    });
    serde_json::to_string(&kept.collect::<Vec<_>>()).expect("lines are plain data")
}

fn number_of(state: State) -> i64 {
    let place = State::ALL.iter().position(|known| *known == state).expect("the list has every state: the enum is its index");
    i64::try_from(place).expect("there are a handful of states")
}

/// Keeps a new ticket, unless another event of its order was quicker.
pub fn insert_ticket(ticket: &Ticket) -> Statement {
    let text = "insert into kitchen_tickets
        (id, shop_id, ticket_id, state, is_open, lines, starts_at, ready_at, time_scale, reason, version)
        values ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, 1) on conflict (id) do nothing";
    let Ticket { order_id, shop_id, ticket_id, state, starts_at, ready_at, time_scale, ref reason, .. } = *ticket;
    let (number, lines) = (number_of(state), lines_text(ticket));
    statement(
        text,
        params![order_id, shop_id, ticket_id, number, state.is_open(), lines, starts_at, ready_at, time_scale, reason],
    )
    .expecting(1)
}

/// Keeps what became of a ticket, if nobody has changed it since it was loaded.
///
/// Only what changed is written: a column that is left alone leaves its index alone.
pub fn update_ticket(before: &Ticket, after: &Ticket) -> Statement {
    let state = number_of(after.state);
    let (id, version) = (after.order_id, before.version);
    let same_lines = before.lines == after.lines && before.starts_at == after.starts_at && before.ready_at == after.ready_at;
    let statement = match (same_lines && before.reason == after.reason, before.state.is_open() == after.state.is_open()) {
        (true, true) => {
            let text = "update kitchen_tickets set state = $3, version = version + 1 where id = $1 and version = $2";
            statement(text, params![id, version, state])
        }
        (true, false) => {
            let text =
                "update kitchen_tickets set state = $3, is_open = $4, version = version + 1 where id = $1 and version = $2";
            statement(text, params![id, version, state, after.state.is_open()])
        }
        (false, true) => {
            let text =
                "update kitchen_tickets set state = $3, lines = $4, starts_at = $5, ready_at = $6, time_scale = $7, reason = $8,
                version = version + 1 where id = $1 and version = $2";
            statement(
                text,
                params![id, version, state, lines_text(after), after.starts_at, after.ready_at, after.time_scale, &after.reason],
            )
        }
        (false, false) => {
            let text =
                "update kitchen_tickets set state = $3, lines = $4, starts_at = $5, ready_at = $6, time_scale = $7, reason = $8,
                shop_id = $9, is_open = $10, version = version + 1 where id = $1 and version = $2";
            let params = params![
                id,
                version,
                state,
                lines_text(after),
                after.starts_at,
                after.ready_at,
                after.time_scale,
                &after.reason,
                after.shop_id,
                after.state.is_open()
            ];
            statement(text, params)
        }
    };
    statement.expecting(1)
}

/// A station as it is kept; the times of its places stand apart, because they change with every order.
#[derive(Serialize, Deserialize)]
struct KeptStation {
    id: StationId,
    slug: String,
    kind: String,
    name: Texts,
    places: usize,
    broken: bool,
    version: i64,
}

/// The times of all places: how long before the latest each is free; -1 for one that was never taken.
#[derive(Serialize, Deserialize)]
struct KeptTimes {
    latest: i64,
    before: Vec<Vec<i64>>,
}

const FLOORS: &str = "select id, version, time_scale, settings_version, stations, free_at, by_hand from kitchen_floors";

/// Finds the floor of a shop.
pub async fn floor(store: &Store, shop: ShopId) -> Result<Option<Floor>, Fault> {
    let text = "select id, version, time_scale, settings_version, stations, free_at, by_hand from kitchen_floors where id = $1";
    store.read_one(text, params![shop]).await?.as_ref().map(floor_of).transpose()
}

/// Finds the floor on which a station stands.
pub async fn floor_with(store: &Store, station: StationId) -> Result<Option<Floor>, Fault> {
    for row in &store.read(FLOORS, params![]).await? {
        let floor = floor_of(row)?;
        if floor.station(station).is_some() {
            return Ok(Some(floor));
        }
    }
    Ok(None)
}

fn floor_of(row: &Row) -> Result<Floor, Fault> {
    let broken = |error: serde_json::Error| Fault::internal("store_row", "A floor cannot be read.").because(error);
    let stations: Vec<KeptStation> = serde_json::from_str(row.text(4)?).map_err(broken)?;
    let times: KeptTimes = serde_json::from_str(row.text(5)?).map_err(broken)?;
    let time = |before: i64| if before < 0 { Timestamp(0) } else { Timestamp(times.latest - before) };
    let stations = stations.into_iter().zip(&times.before).map(|(kept, free)| Station {
        id: kept.id,
        slug: kept.slug,
        kind: kept.kind,
        name: kept.name,
        places: kept.places,
        broken: kept.broken,
        version: kept.version,
        free_at: free.iter().map(|before| time(*before)).collect(),
    });
    Ok(Floor {
        shop_id: row.id(0)?,
        version: row.int(1)?,
        time_scale: row.real(2)?,
        settings_version: row.int(3)?,
        by_hand: false,
        staff_by_hand: row.opt_int(6)?.map(|said| said != 0),
        stations: stations.collect(),
    })
}

fn stations_text(floor: &Floor) -> String {
    let kept = floor.stations.iter().map(|station| KeptStation {
        id: station.id,
        slug: station.slug.clone(),
        kind: station.kind.clone(),
        name: station.name.clone(),
        places: station.places,
        broken: station.broken,
        version: station.version,
    });
    serde_json::to_string(&kept.collect::<Vec<_>>()).expect("stations are plain data")
}

fn times_text(floor: &Floor) -> String {
    let latest = floor.stations.iter().flat_map(|station| &station.free_at).map(|free_at| free_at.0).max().unwrap_or(0);
    let before = |free_at: &Timestamp| if free_at.0 == 0 { -1 } else { latest - free_at.0 };
    let before = floor.stations.iter().map(|station| station.free_at.iter().map(before).collect());
    serde_json::to_string(&KeptTimes { latest, before: before.collect() }).expect("times are plain data")
}

/// Keeps when places are taken, if nobody has booked since the floor was loaded.
pub fn save_times(floor: &Floor) -> Statement {
    let text = if planted(Mistake::FloorNotGuarded) {
        "update kitchen_floors set free_at = $3, version = version + 1 where id = $1 and $2 >= 0"
    } else {
        "update kitchen_floors set free_at = $3, version = version + 1 where id = $1 and version = $2"
    };
    statement(text, params![floor.shop_id, floor.version, times_text(floor)]).expecting(1)
}

/// Keeps a whole floor, if nobody has changed it since it was loaded.
pub fn save_floor(floor: &Floor) -> Statement {
    let Floor { shop_id, version, time_scale, settings_version, staff_by_hand, .. } = *floor;
    let (stations, times) = (stations_text(floor), times_text(floor));
    let statement = if version == 0 {
        let text = "insert into kitchen_floors (id, version, time_scale, settings_version, stations, free_at, by_hand)
            values ($1, 1, $2, $3, $4, $5, $6) on conflict (id) do nothing";
        statement(text, params![shop_id, time_scale, settings_version, stations, times, staff_by_hand])
    } else {
        let text = "update kitchen_floors set time_scale = $3, settings_version = $4, stations = $5, free_at = $6, by_hand = $7,
            version = version + 1 where id = $1 and version = $2";
        statement(text, params![shop_id, version, time_scale, settings_version, stations, times, staff_by_hand])
    };
    statement.expecting(1)
}

/// Makes a timer of a ticket.
pub fn timer(kind: &'static str, order: OrderId, due: Timestamp, correlation: &str) -> NewJob {
    job(kind, order.number(), due, "{}".to_owned(), correlation)
}

/// What the work of moving dishes away knows: the shop, and the order up to which it has come.
#[derive(Serialize, Deserialize)]
pub struct Leaving {
    /// The shop.
    pub shop: ShopId,
    /// The last order that was looked at.
    pub after: OrderId,
}

/// Makes the work of moving dishes away from a broken station.
pub fn leaving(station: StationId, leaving: &Leaving, due: Timestamp, correlation: &str) -> NewJob {
    let body = serde_json::to_string(leaving).expect("it is plain data");
    job(LEAVE, station.number(), due, body, correlation)
}

fn job(kind: &'static str, key: i64, due: Timestamp, body: String, correlation: &str) -> NewJob {
    NewJob { kind, key, due, deadline: None, body, correlation: correlation.to_owned(), lease: None }
}
