//! Rows of analytics, to the domain and back. Figures are only ever added to.

use std::collections::BTreeMap;

use base::id::{OrderId, ShopId};
use base::{Fault, Timestamp};
use sql::{Statement, Store, params, statement};

use crate::domain::{Figures, Kept, Sums, minute};

const STATE: &str = "select generation, building, epoch from analytics_state where id = 1";
const SAME_EPOCH: &str = "update analytics_state set epoch = epoch where id = 1 and epoch = $1";
const BEGIN: &str =
    "update analytics_state set building = generation + 1, epoch = epoch + 1 where id = 1 and epoch = $1 and building = 0";
const TAKE_PLACE: &str = "update analytics_state set generation = building, building = 0, epoch = epoch + 1 where id = 1 and epoch = $1 and building > 0";

const SHOP: &str = "select time_zone, currency from analytics_shops where id = $1";
const SHOP_PUT: &str = "insert into analytics_shops (id, time_zone, currency) values ($1, $2, $3) on conflict (id) do update set time_zone = excluded.time_zone, currency = excluded.currency";
const SHOPS: &str = "select id from analytics_shops order by id";

const COUNT_ADD: &str = "insert into analytics_counts (generation, shop_id, kind, events) values ($1, $2, $3, $4) on conflict (generation, shop_id, kind) do update set events = analytics_counts.events + excluded.events";
const SERIES_ADD: &str = "insert into analytics_series (generation, shop_id, step, at, orders, delivered, cancelled, revenue_minor, refunded_minor, touched_at) values ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10) on conflict (generation, shop_id, step, at) do update set orders = analytics_series.orders + excluded.orders, delivered = analytics_series.delivered + excluded.delivered, cancelled = analytics_series.cancelled + excluded.cancelled, revenue_minor = analytics_series.revenue_minor + excluded.revenue_minor, refunded_minor = analytics_series.refunded_minor + excluded.refunded_minor, touched_at = case when excluded.touched_at > analytics_series.touched_at then excluded.touched_at else analytics_series.touched_at end";
const DOOR_DROP: &str = "delete from analytics_series where generation = $1 and shop_id = $2 and step = 'door' and at < $3";
const ITEM_ADD: &str = "insert into analytics_items (generation, shop_id, month, slug, size, quantity, revenue_minor) values ($1, $2, $3, $4, $5, $6, $7) on conflict (generation, shop_id, month, slug, size) do update set quantity = analytics_items.quantity + excluded.quantity, revenue_minor = analytics_items.revenue_minor + excluded.revenue_minor";
const COOKING_ADD: &str = "insert into analytics_cooking (generation, shop_id, up_to_ms, orders, total_ms, longest_ms) values ($1, $2, $3, $4, $5, $6) on conflict (generation, shop_id, up_to_ms) do update set orders = analytics_cooking.orders + excluded.orders, total_ms = analytics_cooking.total_ms + excluded.total_ms, longest_ms = case when excluded.longest_ms > analytics_cooking.longest_ms then excluded.longest_ms else analytics_cooking.longest_ms end";

const ORDERS: &str = "select order_id, body from analytics_orders where generation = $1 and order_id in ($2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13, $14, $15, $16, $17)";
const ORDER_PUT: &str = "insert into analytics_orders (generation, order_id, body) values ($1, $2, $3) on conflict do nothing";
const ORDER_DROP: &str = "delete from analytics_orders where generation = $1 and order_id = $2";

const REPLAYS_DROP: &str = "delete from analytics_replays";
const REPLAYS_PUT: &str = "insert into analytics_replays (source, seq, cut) select source, 0, seq from analytics_cursors";
const AHEAD_DROP: &str = "delete from analytics_replays_ahead";
const AHEAD_PUT: &str = "insert into analytics_replays_ahead (source, seq) select source, seq from analytics_ahead";
const REPLAYS: &str = "select source, seq, cut from analytics_replays order by source";
const REPLAY_MOVE: &str = "update analytics_replays set seq = $3 where source = $1 and seq = $2";
const AHEAD: &str = "select seq from analytics_replays_ahead where source = $1 order by seq";
const PARKED_DROP: &str = "delete from analytics_replays_parked";
const PARKED_PUT: &str =
    "insert into analytics_replays_parked (source, seq) select source, seq from analytics_parked where what = 'event'";
const PARKED: &str = "select seq from analytics_replays_parked where source = $1 order by seq";
const OLD: [&str; 5] = [
    "delete from analytics_counts where generation <> $1",
    "delete from analytics_series where generation <> $1",
    "delete from analytics_items where generation <> $1",
    "delete from analytics_cooking where generation <> $1",
    "delete from analytics_orders where generation <> $1",
];

const COUNTS_READ: &str = "select kind, cast(sum(events) as bigint) from analytics_counts where generation = $1 and shop_id in (0, $2) group by kind order by kind";
const ALL_EVENTS: &str = "select cast(coalesce(sum(events), 0) as bigint) from analytics_counts where generation = $1";
const SERIES_READ: &str = "select at, orders, delivered, cancelled, revenue_minor, refunded_minor from analytics_series where generation = $1 and shop_id = $2 and step = $3 and at >= $4 and at <= $5 order by at limit $6";
const TOP: &str = "select slug, size, cast(sum(quantity) as bigint), cast(sum(revenue_minor) as bigint) from analytics_items where generation = $1 and shop_id = $2 and month = $3 group by slug, size order by 3 desc, 4 desc, slug, size limit $4";
const TOP_EVER: &str = "select slug, size, cast(sum(quantity) as bigint), cast(sum(revenue_minor) as bigint) from analytics_items where generation = $1 and shop_id = $2 group by slug, size order by 3 desc, 4 desc, slug, size limit $3";
const COOKING_READ: &str = "select up_to_ms, orders, total_ms, longest_ms from analytics_cooking where generation = $1 and shop_id = $2 order by up_to_ms";

/// How many ids one read asks for; a shorter list repeats its last.
const AT_ONCE: usize = 16;
/// How long deliveries are kept by the minute in which they happened.
const DOOR_KEPT: std::time::Duration = std::time::Duration::from_secs(3_600);

/// Which figures are shown, and which are being rebuilt.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct State {
    pub generation: i64,
    /// 0 for none.
    pub building: i64,
    pub epoch: i64,
}

impl State {
    /// Gives the generations that new events are added to.
    pub fn generations(self) -> impl Iterator<Item = i64> {
        [self.generation, self.building].into_iter().filter(|generation| *generation > 0)
    }
}

pub async fn state(store: &Store) -> Result<State, Fault> {
    let row = store.read_one(STATE, params![]).await?;
    let row = row.ok_or_else(|| Fault::internal("analytics_state_missing", "The state of analytics is gone."))?;
    Ok(State { generation: row.int(0)?, building: row.int(1)?, epoch: row.int(2)? })
}

/// Refuses the commit when a rebuild began or ended meanwhile.
pub fn same_epoch(state: State) -> Statement {
    statement(SAME_EPOCH, params![state.epoch]).expecting(1)
}

/// Begins a rebuild. What is replayed is exactly what was counted: it is noted in the same commit. A dead letter was heard
/// but not counted; whenever it is redriven, it is counted then, in both generations.
pub fn begin_rebuild(state: State) -> Vec<Statement> {
    vec![
        statement(BEGIN, params![state.epoch]).expecting(1),
        statement(REPLAYS_DROP, params![]),
        statement(REPLAYS_PUT, params![]),
        statement(AHEAD_DROP, params![]),
        statement(AHEAD_PUT, params![]),
        statement(PARKED_DROP, params![]),
        statement(PARKED_PUT, params![]),
    ]
}

/// Shows the rebuilt figures and drops the old ones.
pub fn take_place(state: State) -> Vec<Statement> {
    let mut statements = vec![statement(TAKE_PLACE, params![state.epoch]).expecting(1)];
    statements.extend(OLD.into_iter().map(|text| statement(text, params![state.building])));
    statements
}

/// How far the replay of a source has come.
#[derive(Debug, Clone)]
pub struct Replay {
    pub source: String,
    pub seq: i64,
    pub cut: i64,
    pub ahead: Vec<i64>,
    pub parked: Vec<i64>,
}

impl Replay {
    pub fn is_over(&self) -> bool {
        self.seq >= self.cut && self.ahead.last().is_none_or(|last| self.seq >= *last)
    }

    /// Tells whether an event had been counted when the rebuild began.
    pub fn covers(&self, seq: i64) -> bool {
        let heard = seq <= self.cut || self.ahead.binary_search(&seq).is_ok();
        heard && self.parked.binary_search(&seq).is_err()
    }
}

pub async fn replays(store: &Store) -> Result<Vec<Replay>, Fault> {
    let mut replays = Vec::new();
    for row in store.read(REPLAYS, params![]).await? {
        let source = row.text(0)?.to_owned();
        let (ahead, parked) = (seqs(store, AHEAD, &source).await?, seqs(store, PARKED, &source).await?);
        replays.push(Replay { source, seq: row.int(1)?, cut: row.int(2)?, ahead, parked });
    }
    Ok(replays)
}

async fn seqs(store: &Store, of: &'static str, source: &str) -> Result<Vec<i64>, Fault> {
    store.read(of, params![source]).await?.iter().map(|row| row.int(0)).collect()
}

pub fn replayed(replay: &Replay, upto: i64) -> Statement {
    statement(REPLAY_MOVE, params![&replay.source, replay.seq, upto]).expecting(1)
}

/// Reads a shop's time zone and currency.
pub async fn shop(store: &Store, shop: ShopId) -> Result<Option<(String, String)>, Fault> {
    let row = store.read_one(SHOP, params![shop]).await?;
    row.map(|row| Ok((row.text(0)?.to_owned(), row.text(1)?.to_owned()))).transpose()
}

/// Reads the shops whose time zone is known.
pub async fn shops(store: &Store) -> Result<Vec<ShopId>, Fault> {
    store.read(SHOPS, params![]).await?.iter().map(|row| row.id(0)).collect()
}

pub fn put_shop(shop: ShopId, zone: &str, currency: &str) -> Statement {
    statement(SHOP_PUT, params![shop, zone, currency])
}

/// Reads what is kept of orders.
pub async fn orders(store: &Store, generation: i64, orders: &[OrderId]) -> Result<BTreeMap<OrderId, Kept>, Fault> {
    let mut found = BTreeMap::new();
    for ids in orders.chunks(AT_ONCE) {
        let mut values = params![generation];
        values.extend((0..AT_ONCE).filter_map(|place| ids.get(place).or(ids.last()).map(|id| sql::Value::Int(id.0))));
        for row in store.read(ORDERS, values).await? {
            let kept = serde_json::from_str(row.text(1)?);
            let kept = kept.map_err(|error| {
                Fault::internal("analytics_row_unreadable", "A row of analytics cannot be read.").because(error)
            })?;
            found.insert(row.id(0)?, kept);
        }
    }
    Ok(found)
}

/// Turns what was kept of orders into what is kept now. Refused when another lane changed one of them meanwhile.
pub fn change_orders(generation: i64, before: &BTreeMap<OrderId, Kept>, after: &BTreeMap<OrderId, Kept>) -> Vec<Statement> {
    let gone = before
        .iter()
        .filter(|(id, kept)| after.get(id) != Some(*kept))
        .map(|(id, _)| statement(ORDER_DROP, params![generation, *id]).expecting(1));
    let new = after.iter().filter(|(id, kept)| before.get(id) != Some(*kept)).map(|(id, kept)| {
        let body = serde_json::to_string(kept).expect("what is kept is plain data");
        statement(ORDER_PUT, params![generation, *id, body]).expecting(1)
    });
    gone.chain(new).collect()
}

/// Adds figures of what was said until `said_at` to a generation.
pub fn add(generation: i64, figures: &Figures, said_at: Timestamp, now: Timestamp) -> Vec<Statement> {
    let mut statements = Vec::new();
    for ((shop, kind), events) in &figures.counts {
        statements.push(statement(COUNT_ADD, params![generation, *shop, kind, *events]));
    }
    let mut doors = std::collections::BTreeSet::new();
    for ((shop, step, at), sums) in &figures.series {
        let Sums { orders, delivered, cancelled, revenue_minor, refunded_minor } = *sums;
        statements.push(statement(
            SERIES_ADD,
            params![generation, *shop, *step, at, orders, delivered, cancelled, revenue_minor, refunded_minor, said_at],
        ));
        if *step == "door" && doors.insert(*shop) {
            statements.push(statement(DOOR_DROP, params![generation, *shop, minute(now - DOOR_KEPT)]));
        }
    }
    for ((shop, month, slug, size), (quantity, revenue_minor)) in &figures.items {
        statements.push(statement(ITEM_ADD, params![generation, *shop, month, slug, size, *quantity, *revenue_minor]));
    }
    for ((shop, up_to_ms), cooking) in &figures.cooking {
        statements.push(statement(
            COOKING_ADD,
            params![generation, *shop, *up_to_ms, cooking.orders, cooking.total_ms, cooking.longest_ms],
        ));
    }
    statements
}

/// Reads the counts by type; events that name no shop count for all.
pub async fn counts(store: &Store, generation: i64, shop: ShopId) -> Result<Vec<(String, i64)>, Fault> {
    store
        .read(COUNTS_READ, params![generation, shop])
        .await?
        .iter()
        .map(|row| Ok((row.text(0)?.to_owned(), row.int(1)?)))
        .collect()
}

pub async fn all_events(store: &Store, generation: i64) -> Result<i64, Fault> {
    store.read_one(ALL_EVENTS, params![generation]).await?.map_or(Ok(0), |row| row.int(0))
}

/// Reads a series between two stretches, both included.
pub async fn series(
    store: &Store,
    generation: i64,
    shop: ShopId,
    step: &str,
    from: &str,
    to: &str,
    limit: u32,
) -> Result<Vec<(String, Sums)>, Fault> {
    // Every stretch begins with a digit, so a tilde comes after all of them.
    let to = if to.is_empty() { "~" } else { to };
    let rows = store.read(SERIES_READ, params![generation, shop, step, from, to, limit]).await?;
    rows.iter()
        .map(|row| {
            let sums = Sums {
                orders: row.int(1)?,
                delivered: row.int(2)?,
                cancelled: row.int(3)?,
                revenue_minor: row.int(4)?,
                refunded_minor: row.int(5)?,
            };
            Ok((row.text(0)?.to_owned(), sums))
        })
        .collect()
}

/// An item with its size, and how much of it was sold for how much.
pub type Sold = (String, String, i64, i64);

/// Reads what sold most in a month, or ever.
pub async fn top(store: &Store, generation: i64, shop: ShopId, month: &str, limit: u32) -> Result<Vec<Sold>, Fault> {
    let rows = match month {
        "" => store.read(TOP_EVER, params![generation, shop, limit]).await?,
        _ => store.read(TOP, params![generation, shop, month, limit]).await?,
    };
    rows.iter().map(|row| Ok((row.text(0)?.to_owned(), row.text(1)?.to_owned(), row.int(2)?, row.int(3)?))).collect()
}

/// Reads cooking times: upper end of the class, orders, sum, longest.
pub async fn cooking(store: &Store, generation: i64, shop: ShopId) -> Result<Vec<[i64; 4]>, Fault> {
    let rows = store.read(COOKING_READ, params![generation, shop]).await?;
    rows.iter().map(|row| Ok([row.int(0)?, row.int(1)?, row.int(2)?, row.int(3)?])).collect()
}
