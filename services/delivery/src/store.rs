//! Rows and deliveries: the only place that knows the tables.

use std::collections::BTreeMap;

use base::id::{OrderId, ShopId};
use base::{Currency, Fault, Id, Timestamp};
use sql::{NewJob, Row, Statement, Store, params, statement};

use crate::domain::{Delivery, Order, Settings, State};

/// The timer of packing.
pub const SHIP: &str = "ship";
/// The timer of the way to the door.
pub const DELIVER: &str = "deliver";

macro_rules! deliveries {
    ($rest:literal) => {
        concat!(
            "select id, delivery_id, shop_id, state, carried, pickup, cash, total_minor, currency, shipped_at, expected_at, ",
            "delivered_at, cash_taken_minor, proof, reason, version from delivery_deliveries ",
            $rest
        )
    };
}

/// Finds deliveries by their orders.
pub async fn deliveries(store: &Store, orders: &[OrderId]) -> Result<BTreeMap<OrderId, Delivery>, Fault> {
    let text = deliveries!(
        "where id in ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13, $14, $15, $16,
         $17, $18, $19, $20, $21, $22, $23, $24, $25, $26, $27, $28, $29, $30, $31, $32)"
    );
    let mut found = BTreeMap::new();
    for row in &store.read_each(deliveries!("where id = $1"), text, orders).await? {
        let delivery = delivery_of(row)?;
        found.insert(delivery.order_id, delivery);
    }
    Ok(found)
}

/// Finds the delivery of an order.
pub async fn delivery(store: &Store, order: OrderId) -> Result<Option<Delivery>, Fault> {
    Ok(deliveries(store, &[order]).await?.remove(&order))
}

/// Lists a shop's deliveries by order, the newest first, beginning before one; of one state or of all.
pub async fn page(store: &Store, shop: ShopId, state: Option<State>, before: i64, limit: u32) -> Result<Vec<Delivery>, Fault> {
    let rows = match state {
        None => {
            // What was only heard about early is nothing to show.
            let text = deliveries!("where shop_id = $1 and id < $2 and state < 6 order by id desc limit $3");
            store.scan(text, params![shop, before, limit]).await?
        }
        Some(state) if state.is_open() => {
            let text = deliveries!("where is_open and shop_id = $1 and id < $2 and state = $4 order by id desc limit $3");
            store.scan(text, params![shop, before, limit, number_of(state)]).await?
        }
        Some(state) => {
            let text = deliveries!("where shop_id = $1 and id < $2 and state = $4 order by id desc limit $3");
            store.scan(text, params![shop, before, limit, number_of(state)]).await?
        }
    };
    rows.iter().map(delivery_of).collect()
}

fn delivery_of(row: &Row) -> Result<Delivery, Fault> {
    let state = usize::try_from(row.int(3)?).ok().and_then(|number| State::ALL.get(number).copied());
    Ok(Delivery {
        order_id: row.id(0)?,
        delivery_id: row.id(1)?,
        shop_id: row.id(2)?,
        state: state.ok_or_else(|| Fault::internal("store_row", "A delivery has a state that nobody knows."))?,
        order: Order {
            carried: row.bool(4)?,
            pickup: row.bool(5)?,
            cash: row.bool(6)?,
            total_minor: row.int(7)?,
            currency: Currency::parse(row.text(8)?)?,
        },
        shipped_at: row.time(9)?,
        expected_at: row.time(10)?,
        delivered_at: row.time(11)?,
        cash_taken_minor: row.int(12)?,
        proof: row.text(13)?.to_owned(),
        reason: row.text(14)?.to_owned(),
        version: row.int(15)?,
    })
}

fn number_of(state: State) -> i64 {
    let place = State::ALL.iter().position(|known| *known == state).expect("the list has every state: the enum is its index");
    i64::try_from(place).expect("there are a handful of states")
}

/// Keeps a new delivery, unless another event of its order was quicker.
pub fn insert(new: &Delivery) -> Statement {
    let text = "insert into delivery_deliveries
        (id, delivery_id, shop_id, state, is_open, carried, pickup, cash, total_minor, currency, shipped_at, expected_at,
         delivered_at, cash_taken_minor, proof, reason, version)
        values ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, 0, 0, 0, 0, '', '', 1) on conflict (id) do nothing";
    let Order { carried, pickup, cash, total_minor, currency } = new.order;
    let open = new.state.is_open();
    let params = params![
        new.order_id,
        new.delivery_id,
        new.shop_id,
        number_of(new.state),
        open,
        carried,
        pickup,
        cash,
        total_minor,
        currency.code()
    ];
    statement(text, params).expecting(1)
}

/// Keeps what became of a delivery, if nobody has changed it since it was loaded.
///
/// Only what can have changed is written: a column that is left alone leaves its index alone.
pub fn update(before: &Delivery, after: &Delivery) -> Statement {
    let (id, version, state) = (after.order_id, before.version, number_of(after.state));
    let statement = match (before.state.is_early(), after.state.is_open()) {
        (false, true) => {
            let text = "update delivery_deliveries set state = $3, shipped_at = $4, expected_at = $5, version = version + 1
                where id = $1 and version = $2";
            statement(text, params![id, version, state, after.shipped_at, after.expected_at])
        }
        (false, false) => {
            let text =
                "update delivery_deliveries set state = $3, is_open = $4, shipped_at = $5, expected_at = $6, delivered_at = $7,
                cash_taken_minor = $8, proof = $9, reason = $10, version = version + 1 where id = $1 and version = $2";
            let params = params![
                id,
                version,
                state,
                false,
                after.shipped_at,
                after.expected_at,
                after.delivered_at,
                after.cash_taken_minor,
                &after.proof,
                &after.reason
            ];
            statement(text, params)
        }
        (true, open) => {
            let text =
                "update delivery_deliveries set state = $3, is_open = $4, shipped_at = $5, expected_at = $6, delivered_at = $7,
                cash_taken_minor = $8, proof = $9, carried = $10, pickup = $11, cash = $12, total_minor = $13, currency = $14,
                version = version + 1 where id = $1 and version = $2";
            let Order { carried, pickup, cash, total_minor, currency } = after.order;
            let params = params![
                id,
                version,
                state,
                open,
                after.shipped_at,
                after.expected_at,
                after.delivered_at,
                after.cash_taken_minor,
                &after.proof,
                carried,
                pickup,
                cash,
                total_minor,
                currency.code()
            ];
            statement(text, params)
        }
    };
    statement.expecting(1)
}

/// Finds the settings of a shop.
pub async fn settings(store: &Store, shop: ShopId) -> Result<Option<Settings>, Fault> {
    let text = "select packing_seconds, carrying_seconds, shipping_seconds, time_scale, by_itself, version from delivery_settings where id = $1";
    let Some(row) = store.read_one(text, params![shop]).await? else { return Ok(None) };
    Ok(Some(Settings {
        packing_seconds: row.int(0)?,
        carrying_seconds: row.int(1)?,
        shipping_seconds: row.int(2)?,
        time_scale: row.real(3)?,
        by_itself: row.bool(4)?,
        version: row.int(5)?,
    }))
}

/// Keeps the settings of a shop, if nobody has changed them since they were loaded.
pub fn save_settings(shop: ShopId, new: &Settings) -> Statement {
    let Settings { packing_seconds, carrying_seconds, shipping_seconds, time_scale, by_itself, version } = *new;
    let params = params![shop, packing_seconds, carrying_seconds, shipping_seconds, time_scale, by_itself, version];
    let text = if version == 1 {
        "insert into delivery_settings (id, packing_seconds, carrying_seconds, shipping_seconds, time_scale, by_itself, version)
         values ($1, $2, $3, $4, $5, $6, $7) on conflict (id) do nothing"
    } else {
        "update delivery_settings set packing_seconds = $2, carrying_seconds = $3, shipping_seconds = $4, time_scale = $5, by_itself = $6,
         version = $7 where id = $1 and version = $7 - 1"
    };
    statement(text, params).expecting(1)
}

/// Makes a timer of a delivery.
pub fn timer(kind: &'static str, order: OrderId, due: Timestamp, correlation: &str) -> NewJob {
    NewJob {
        kind,
        key: order.number(),
        due,
        deadline: None,
        body: "{}".to_owned(),
        correlation: correlation.to_owned(),
        lease: None,
    }
}
