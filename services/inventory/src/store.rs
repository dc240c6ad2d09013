//! Rows of inventory, to the domain and back.
//!
//! What orders take is guarded by quantity, and by where the mark lies: a level becomes low in exactly the commit that
//! says so. Nobody's guess about a level is ever written; every statement adds or subtracts.

mod ledger;

use std::collections::BTreeMap;

use base::id::{EventId, OrderId, ShopId, StockId};
use base::{Fault, Mistake, Principal, Texts, Timestamp, World, planted};
use sql::{Row, Statement, Store, params, statement};

pub use ledger::{Movement, by_movement, tally_of_all};

use crate::domain::{Edited, Level, Needs, Shelf, Take};

const LEVEL: &str = "select l.id, l.shop_id, i.slug, l.available, l.reserved, l.consumed, l.received, l.corrected, l.wasted, i.low_at, l.low, l.version, i.name, i.unit from inventory_levels l join inventory_items i on i.id = l.id where l.id = $1";
const LEVELS: &str = "select l.id, l.shop_id, i.slug, l.available, l.reserved, l.consumed, l.received, l.corrected, l.wasted, i.low_at, l.low, l.version, i.name, i.unit from inventory_levels l join inventory_items i on i.id = l.id where l.id in ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13, $14, $15, $16)";
const LEVEL_BY_SLUG: &str = "select l.id, l.shop_id, i.slug, l.available, l.reserved, l.consumed, l.received, l.corrected, l.wasted, i.low_at, l.low, l.version, i.name, i.unit from inventory_items i join inventory_levels l on l.id = i.id where i.shop_id = $1 and i.slug = $2";
const PAGE: &str = "select l.id, l.shop_id, i.slug, l.available, l.reserved, l.consumed, l.received, l.corrected, l.wasted, i.low_at, l.low, l.version, i.name, i.unit from inventory_items i join inventory_levels l on l.id = i.id where i.shop_id = $1 and i.slug > $2 order by i.slug limit $3";
const PAGE_LOW: &str = "select l.id, l.shop_id, i.slug, l.available, l.reserved, l.consumed, l.received, l.corrected, l.wasted, i.low_at, l.low, l.version, i.name, i.unit from inventory_items i join inventory_levels l on l.id = i.id where i.shop_id = $1 and i.slug > $2 and l.low = true order by i.slug limit $3";

const ITEM_PUT: &str =
    "insert into inventory_items (id, shop_id, slug, name, unit, low_at) values ($1, $2, $3, $4, $5, $6) on conflict do nothing";
const LEVEL_PUT: &str = "insert into inventory_levels (id, shop_id, available, reserved, consumed, received, corrected, wasted, low, version) values ($1, $2, $3, 0, 0, $3, 0, 0, $4, 1)";

const TAKE: &str = "update inventory_levels set available = available - $2, reserved = reserved + $2 where id = $1 and available >= $2 and (low or available - $2 >= $3)";
const TAKE_CROSSING: &str = "update inventory_levels set available = available - $2, reserved = reserved + $2, low = true where id = $1 and available >= $2 and not low and available - $2 < $3";
const TAKE_UNGUARDED: &str = "update inventory_levels set available = case when available > $2 then available - $2 else 0 end, reserved = reserved + $2 where id = $1 and $3 >= 0";
const PUT_BACK: &str = "update inventory_levels set available = available + $2, reserved = reserved - $2, low = (low and available + $2 < $3) where id = $1 and reserved >= $2";
const USE_UP: &str =
    "update inventory_levels set reserved = reserved - $2, consumed = consumed + $2 where id = $1 and reserved >= $2";
const RECEIVE: &str = "update inventory_levels set available = available + $2, received = received + $2, low = (low and available + $2 < $3), version = version + 1 where id = $1 and version = $4 and available = $5 and reserved = $6";
const WASTE: &str = "update inventory_levels set available = available - $2, wasted = wasted + $2, version = version + 1 where id = $1 and version = $4 and available = $5 and reserved = $6 and (low or available - $2 >= $3)";
const WASTE_CROSSING: &str = "update inventory_levels set available = available - $2, wasted = wasted + $2, low = true, version = version + 1 where id = $1 and version = $4 and available = $5 and reserved = $6 and not low and available - $2 < $3";
const COUNT: &str = "update inventory_levels set available = available + $2, corrected = corrected + $2, low = $3, version = version + 1 where id = $1 and version = $4 and available = $5 and reserved = $6";

const RESERVATION: &str = "select order_id, shop_id, state, needs, announced from inventory_reservations where order_id = $1";
const RESERVATIONS: &str = "select order_id, shop_id, state, needs, announced from inventory_reservations where order_id in ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13, $14, $15, $16)";
const RESERVATION_PUT: &str = "insert into inventory_reservations (order_id, shop_id, state, needs, announced, taken_by) values ($1, $2, $3, $4, $5, $6) on conflict do nothing";
const RESERVATION_END: &str =
    "update inventory_reservations set state = $2, ended_by = $3 where order_id = $1 and state = 'held'";
const RESERVATION_ANNOUNCE: &str =
    "update inventory_reservations set announced = true where order_id = $1 and state = 'held' and announced = false";
const MOVEMENT_PUT: &str = "insert into inventory_movements (id, shop_id, kind, order_id, stock_id, quantity, at, principal, reason) values ($1, $2, $3, $4, $5, $6, $7, $8, $9)";

/// How many ids one read asks for; a shorter list repeats its last.
const AT_ONCE: usize = 16;

/// A level with what people see of the thing.
#[derive(Debug, Clone)]
pub struct Shown {
    pub level: Level,
    pub name: Texts,
    pub unit: String,
}

/// A thing that is about to be kept.
#[derive(Debug, Clone)]
pub struct NewItem {
    pub shop_id: ShopId,
    pub slug: String,
    pub name: Texts,
    pub unit: String,
    pub low_at: i64,
}

/// How far a reservation has come.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum State {
    Held,
    Rejected,
    Released,
    Consumed,
}

const STATES: [(State, &str); 4] =
    [(State::Held, "held"), (State::Rejected, "rejected"), (State::Released, "released"), (State::Consumed, "consumed")];

impl State {
    pub fn word(self) -> &'static str {
        STATES.iter().find(|(state, _)| *state == self).map_or("", |(_, word)| word)
    }
}

/// What is set aside for an order.
#[derive(Debug, Clone)]
pub struct Reservation {
    pub order_id: OrderId,
    pub shop_id: ShopId,
    pub state: State,
    pub needs: Needs,
    pub announced: bool,
}

fn level_of(row: &Row) -> Result<Shown, Fault> {
    let level = Level {
        stock_id: row.id(0)?,
        shop_id: row.id(1)?,
        slug: row.text(2)?.to_owned(),
        available: row.int(3)?,
        reserved: row.int(4)?,
        consumed: row.int(5)?,
        received: row.int(6)?,
        corrected: row.int(7)?,
        wasted: row.int(8)?,
        low_at: row.int(9)?,
        low: row.bool(10)?,
        version: row.int(11)?,
    };
    let name = serde_json::from_str(row.text(12)?).map_err(|error| unreadable("name", &error))?;
    Ok(Shown { level, name, unit: row.text(13)?.to_owned() })
}

fn unreadable(what: &str, error: &serde_json::Error) -> Fault {
    Fault::internal("stock_row_unreadable", format!("The {what} of a row of inventory cannot be read.")).because(error)
}

fn reservation_of(row: &Row) -> Result<Reservation, Fault> {
    let word = row.text(2)?;
    let state = STATES.iter().find(|(_, known)| *known == word).map(|(state, _)| *state);
    let unknown = || Fault::internal("stock_row_unreadable", "A reservation has a state that is not known.").because(word);
    Ok(Reservation {
        order_id: row.id(0)?,
        shop_id: row.id(1)?,
        state: state.ok_or_else(unknown)?,
        needs: needs_from(row.text(3)?)?,
        announced: row.bool(4)?,
    })
}

/// Reads `[[stock_id,quantity],…]`.
pub fn needs_from(text: &str) -> Result<Needs, Fault> {
    let pairs: Vec<(StockId, i64)> = serde_json::from_str(text).map_err(|error| unreadable("needs", &error))?;
    Ok(pairs.into_iter().collect())
}

/// Writes `[[stock_id,quantity],…]`, each thing once, by id.
fn needs_text(needs: &Needs) -> String {
    let pairs: Vec<String> = needs.iter().map(|(stock_id, quantity)| format!("[{},{quantity}]", stock_id.0)).collect();
    format!("[{}]", pairs.join(","))
}

/// Reads one level.
pub async fn level(store: &Store, stock_id: StockId) -> Result<Option<Shown>, Fault> {
    store.read_one(LEVEL, params![stock_id]).await?.as_ref().map(level_of).transpose()
}

/// Reads a level by its short name.
pub async fn level_by_slug(store: &Store, shop: ShopId, slug: &str) -> Result<Option<Shown>, Fault> {
    store.read_one(LEVEL_BY_SLUG, params![shop, slug]).await?.as_ref().map(level_of).transpose()
}

/// Reads a page of levels by short name.
pub async fn levels(store: &Store, shop: ShopId, low_only: bool, after: &str, limit: u32) -> Result<Vec<Shown>, Fault> {
    let text = if low_only { PAGE_LOW } else { PAGE };
    store.read(text, params![shop, after, limit]).await?.iter().map(level_of).collect()
}

fn padded(ids: &[i64]) -> Vec<sql::Value> {
    let last = ids.last().copied().unwrap_or_default();
    (0..AT_ONCE).map(|place| ids.get(place).copied().unwrap_or(last).into()).collect()
}

/// Reads the levels of things; what is not kept is missing in the answer.
pub async fn shelf(store: &Store, things: impl IntoIterator<Item = StockId>) -> Result<Shelf, Fault> {
    let ids: Vec<i64> = things.into_iter().map(|id| id.0).collect();
    let mut shelf = Shelf::new();
    for ids in ids.chunks(AT_ONCE) {
        for row in store.read(LEVELS, padded(ids)).await? {
            let shown = level_of(&row)?;
            shelf.insert(shown.level.stock_id, shown.level);
        }
    }
    Ok(shelf)
}

/// Reads what is set aside for an order.
pub async fn reservation(store: &Store, order: OrderId) -> Result<Option<Reservation>, Fault> {
    store.read_one(RESERVATION, params![order]).await?.as_ref().map(reservation_of).transpose()
}

/// Reads what is set aside for several orders.
pub async fn reservations(store: &Store, orders: &[OrderId]) -> Result<BTreeMap<OrderId, Reservation>, Fault> {
    let ids: Vec<i64> = orders.iter().map(|id| id.0).collect();
    let mut found = BTreeMap::new();
    for ids in ids.chunks(AT_ONCE) {
        for row in store.read(RESERVATIONS, padded(ids)).await? {
            let reservation = reservation_of(&row)?;
            found.insert(reservation.order_id, reservation);
        }
    }
    Ok(found)
}

/// Begins to keep a thing; both must change a row.
pub fn put_item(id: StockId, item: &NewItem, initial: i64, low: bool) -> [Statement; 2] {
    let name = serde_json::to_string(&item.name).expect("texts are plain data with text keys");
    [
        statement(ITEM_PUT, params![id, item.shop_id, &item.slug, name, &item.unit, item.low_at]).expecting(1),
        statement(LEVEL_PUT, params![id, item.shop_id, initial, low]).expecting(1),
    ]
}

/// Takes units from what is available.
pub fn take(take: &Take) -> Statement {
    let text = match take.crosses {
        _ if planted(Mistake::GuardReadBefore) => TAKE_UNGUARDED,
        true => TAKE_CROSSING,
        false => TAKE,
    };
    statement(text, params![take.stock_id, take.quantity, take.low_at]).expecting(1)
}

/// Gives units back to what is available.
pub fn put_back(stock_id: StockId, quantity: i64, low_at: i64) -> Statement {
    statement(PUT_BACK, params![stock_id, quantity, low_at]).expecting(1)
}

/// Uses up units that were set aside.
pub fn use_up(stock_id: StockId, quantity: i64) -> Statement {
    statement(USE_UP, params![stock_id, quantity]).expecting(1)
}

/// Carries out an edit of staff on the level that was read, if it still stands so: orders take from it meanwhile, and who
/// edits is shown what there is afterwards.
pub fn edit(before: &Level, edited: &Edited, word: &str) -> Statement {
    let (id, moved, low_at, version) = (before.stock_id, edited.difference, before.low_at, before.version);
    let (available, reserved) = (before.available, before.reserved);
    let statement = match word {
        "receive" => statement(RECEIVE, params![id, moved, low_at, version, available, reserved]),
        "waste" if edited.crosses => statement(WASTE_CROSSING, params![id, -moved, low_at, version, available, reserved]),
        "waste" => statement(WASTE, params![id, -moved, low_at, version, available, reserved]),
        _ => statement(COUNT, params![id, moved, edited.after.low, version, available, reserved]),
    };
    statement.expecting(1)
}

/// Notes what is set aside; refused when the order has a reservation already.
pub fn put_reservation(reservation: &Reservation, taken_by: Option<EventId>) -> Statement {
    let Reservation { order_id, shop_id, state, needs, announced } = reservation;
    statement(RESERVATION_PUT, params![*order_id, *shop_id, state.word(), needs_text(needs), *announced, taken_by]).expecting(1)
}

/// Ends what is held.
pub fn end_reservation(order: OrderId, state: State, ended_by: EventId) -> Statement {
    statement(RESERVATION_END, params![order, state.word(), ended_by]).expecting(1)
}

/// Notes that the order of a reservation was heard of.
pub fn announce(order: OrderId) -> Statement {
    statement(RESERVATION_ANNOUNCE, params![order]).expecting(1)
}

/// Somebody moves something, now.
#[derive(Clone, Copy)]
pub struct Mover<'a> {
    pub world: &'a World,
    pub at: Timestamp,
    pub principal: &'a Principal,
    pub reason: &'a str,
}

impl Mover<'_> {
    /// Notes a step of an order; what it moved stands in its reservation.
    pub fn order_step(&self, kind: &'static str, shop: ShopId, order: OrderId) -> (EventId, Statement) {
        self.movement(kind, shop, Some(order), None, 0)
    }

    /// Notes that the available units of a thing changed by an edit.
    pub fn edit(&self, kind: &'static str, shop: ShopId, stock: StockId, difference: i64) -> Statement {
        self.movement(kind, shop, None, Some(stock), difference).1
    }

    fn movement(
        &self,
        kind: &'static str,
        shop: ShopId,
        order: Option<OrderId>,
        stock: Option<StockId>,
        quantity: i64,
    ) -> (EventId, Statement) {
        let id: EventId = self.world.next_id();
        let params = params![id, shop, kind, order, stock, quantity, self.at, self.principal.to_string(), self.reason];
        (id, statement(MOVEMENT_PUT, params))
    }
}
