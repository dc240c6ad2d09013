//! Rows of orders: the only file that knows the tables.

use std::collections::{BTreeMap, BTreeSet};

use base::id::{ContactId, DeviceId, OrderId, ShopId};
use base::{Fault, Mistake, NewEvent, Timestamp, planted};
use orders_api::events::OrderCancelled;
use serde::{Deserialize, Serialize};
use sql::{Change, Row, Store, params, statement};

use crate::domain::{Ending, Frozen, Happening, Order, State};

/// Goes from the board to the orders on it: as a join, SQLite would read every order there ever was and look which are open.
macro_rules! count_pending {
    () => {
        "select count(*) from orders_orders where id in (select order_id from orders_board) and state in ('pending', 'reserved')"
    };
}

macro_rules! select_order {
    ($rest:literal) => {
        concat!(
            "select o.id, o.version, o.state, o.paid, o.ending, o.accepted_at, o.changed_at, o.shop_id, o.placed_at, ",
            "o.device_id, o.contact_id, o.total_minor from orders_orders o ",
            $rest
        )
    };
}

/// The person behind an order: the one record that holds names, phones and addresses, and that can be erased.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
pub struct Person {
    /// The name.
    pub name: String,
    /// The phone.
    pub phone: String,
    /// The e-mail address.
    pub email: String,
    /// The address.
    pub address: String,
    /// A note for the courier.
    pub note: String,
}

fn order_of(row: &Row) -> Result<Order, Fault> {
    let broken = |what: &str| Fault::internal("row_unreadable", format!("A row of orders holds no {what}."));
    let ending =
        row.opt_text(4)?.map(serde_json::from_str::<Ending>).transpose().map_err(|error| broken("ending").because(error))?;
    let some = |id: i64| (id != 0).then_some(id);
    Ok(Order {
        id: row.id(0)?,
        version: row.int(1)?,
        state: State::of(row.text(2)?).ok_or_else(|| broken("state"))?,
        paid: row.bool(3)?,
        ending,
        accepted_at: row.time(5)?,
        changed_at: row.time(6)?,
        shop_id: row.id(7)?,
        placed_at: row.time(8)?,
        device_id: some(row.int(9)?).map(DeviceId),
        contact_id: some(row.int(10)?).map(ContactId),
        total_minor: row.int(11)?,
    })
}

fn happening_of(text: &str) -> Result<Happening, Fault> {
    serde_json::from_str(text).map_err(|error| Fault::internal("row_unreadable", "A happening cannot be read.").because(error))
}

/// Loads an order.
pub async fn load(store: &Store, id: OrderId) -> Result<Option<Order>, Fault> {
    store.read_one(select_order!("where o.id = $1"), params![id]).await?.as_ref().map(order_of).transpose()
}

/// Loads many orders; those that are not there are left out.
pub async fn load_all(store: &Store, ids: &BTreeSet<OrderId>) -> Result<BTreeMap<OrderId, Order>, Fault> {
    let text = select_order!(
        "where o.id in ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13, $14, $15, $16,
         $17, $18, $19, $20, $21, $22, $23, $24, $25, $26, $27, $28, $29, $30, $31, $32)"
    );
    let ids: Vec<OrderId> = ids.iter().copied().collect();
    let mut orders = BTreeMap::new();
    for row in &store.read_each(select_order!("where o.id = $1"), text, &ids).await? {
        let order = order_of(row)?;
        orders.insert(order.id, order);
    }
    Ok(orders)
}

/// Loads what was frozen when an order was placed.
pub async fn load_frozen(store: &Store, id: OrderId) -> Result<Frozen, Fault> {
    let text = "select data from orders_events where order_id = $1 and version = 1";
    let row = store.read_one(text, params![id]).await?;
    match row.map(|row| happening_of(row.text(0)?)).transpose()? {
        Some(Happening::Placed(frozen)) => Ok(*frozen),
        _ => Err(Fault::internal("row_unreadable", "An order has no beginning.")),
    }
}

/// Loads all that happened to an order, in order.
pub async fn load_history(store: &Store, id: OrderId) -> Result<Vec<(Timestamp, Happening)>, Fault> {
    let text = "select at, data from orders_events where order_id = $1 order by version";
    let rows = store.read(text, params![id]).await?;
    rows.iter().map(|row| Ok((row.time(0)?, happening_of(row.text(1)?)?))).collect()
}

/// Lists the orders of a device, newest first, beginning before an id.
pub async fn list_mine(store: &Store, device: DeviceId, before: i64, limit: u32) -> Result<Vec<Order>, Fault> {
    if planted(Mistake::ListOfAll) {
        let text = select_order!("where $1 = $1 and o.id < $2 order by o.id desc limit $3");
        return store.read(text, params![device, before, i64::from(limit)]).await?.iter().map(order_of).collect();
    }
    let text = select_order!(
        "join orders_mine m on m.order_id = o.id where m.device_id = $1 and m.order_id < $2 order by m.order_id desc limit $3"
    );
    store.read(text, params![device, before, i64::from(limit)]).await?.iter().map(order_of).collect()
}

/// Lists the open orders of a shop, oldest first, beginning after an id; of one state, or of all.
pub async fn list_board(store: &Store, shop: ShopId, state: Option<State>, after: i64, limit: u32) -> Result<Vec<Order>, Fault> {
    let limit = i64::from(limit);
    let rows = match state {
        Some(state) => {
            let text = select_order!(
                "join orders_board b on b.order_id = o.id where b.shop_id = $1 and o.state = $2 and b.order_id > $3 order by b.order_id limit $4"
            );
            store.read(text, params![shop, state.word(), after, limit]).await?
        }
        None => {
            let text = select_order!(
                "join orders_board b on b.order_id = o.id where b.shop_id = $1 and b.order_id > $2 order by b.order_id limit $3"
            );
            store.read(text, params![shop, after, limit]).await?
        }
    };
    rows.iter().map(order_of).collect()
}

/// Counts a shop's orders by state.
pub async fn statistics(store: &Store, shop: ShopId) -> Result<Vec<(String, i64, i64)>, Fault> {
    let text = "select state, orders, total_minor from orders_statistics where shop_id = $1 and orders <> 0 order by id";
    store.read(text, params![shop]).await?.iter().map(|row| Ok((row.text(0)?.to_owned(), row.int(1)?, row.int(2)?))).collect()
}

/// Counts the orders of all shops that wait for stock or money.
pub async fn count_pending(store: &Store) -> Result<i64, Fault> {
    store.read_one(count_pending!(), params![]).await?.map_or(Ok(0), |row| row.int(0))
}

/// Loads the person behind an order.
pub async fn load_person(store: &Store, contact: ContactId) -> Result<Option<(Person, bool)>, Fault> {
    let row = store.read_one("select body, erased from orders_contacts where id = $1", params![contact]).await?;
    row.map(|row| {
        let person = serde_json::from_str(row.text(0)?)
            .map_err(|error| Fault::internal("row_unreadable", "The record of a person cannot be read.").because(error))?;
        Ok((person, row.bool(1)?))
    })
    .transpose()
}

/// Makes the change that keeps the person behind an order.
pub fn keep_person(contact: ContactId, order: OrderId, person: &Person) -> Change {
    let body = serde_json::to_string(person).expect("texts are always JSON");
    Change::new().write(statement(
        "insert into orders_contacts (id, order_id, body, erased) values ($1, $2, $3, $4)",
        params![contact, order, body, false],
    ))
}

/// Makes the change that forgets a person.
pub fn erase_person(contact: ContactId) -> Change {
    let nobody = serde_json::to_string(&Person::default()).expect("texts are always JSON");
    Change::new()
        .guarded(statement("update orders_contacts set body = $2, erased = true where id = $1", params![contact, nobody]))
}

/// Makes the change that inserts a new order with its first happening and its place in every projection.
pub fn insert(store: &Store, order: &Order, frozen: &Frozen, happening: &Happening) -> Change {
    let device = order.device_id.map_or(0, |id| id.0);
    let contact = order.contact_id.map_or(0, |id| id.0);
    let mut change = Change::new()
        .write(statement(
            "insert into orders_orders (id, version, state, paid, ending, accepted_at, changed_at, shop_id, placed_at, device_id, contact_id, total_minor) values ($1, $2, $3, $4, null, $5, $5, $6, $7, $8, $9, $10)",
            params![order.id, order.version, order.state.word(), order.paid, order.accepted_at, order.shop_id, order.placed_at, device, contact, order.total_minor],
        ))
        .write(keep(store, order.id, order.version, order.changed_at, happening))
        .write(statement(
            "insert into orders_board (order_id, shop_id) values ($1, $2)",
            params![order.id, order.shop_id],
        ));
    for line in &frozen.lines {
        let id = store.world().next_id::<base::id::EventId>();
        change = change.write(statement(
            "insert into orders_items (id, order_id, item_id, size, quantity, total_minor) values ($1, $2, $3, $4, $5, $6)",
            params![id, order.id, line.item_id, line.size.as_str(), line.quantity, line.total_minor()],
        ));
    }
    if device != 0 {
        change =
            change.write(statement("insert into orders_mine (order_id, device_id) values ($1, $2)", params![order.id, device]));
    }
    let mut tally = Tally::default();
    tally.enter(order);
    change.and(tally.change())
}

/// One thing that happened, with the version and the time that the order has by it.
#[derive(Debug, Clone, PartialEq)]
pub struct Happened {
    /// What.
    pub happening: Happening,
    /// The order's version after it.
    pub version: i64,
    /// When.
    pub at: Timestamp,
}

/// Makes the change that saves an order after what happened to it, unless somebody else changed it meanwhile.
///
/// The statistics of many orders are summed into `tally`, so that a batch touches each of their rows once.
pub fn save(store: &Store, before: &Order, after: &Order, happened: &[Happened], tally: &mut Tally) -> Change {
    let ending = after.ending.as_ref().map(|ending| serde_json::to_string(ending).expect("an ending is always JSON"));
    let text = if planted(Mistake::OrderOverwritten) {
        "update orders_orders set version = $3, state = $4, paid = $5, ending = $6, changed_at = $7 where id = $1 and $2 > 0"
    } else {
        "update orders_orders set version = $3, state = $4, paid = $5, ending = $6, changed_at = $7 where id = $1 and version = $2"
    };
    let mut change = Change::new().guarded(statement(
        text,
        params![after.id, before.version, after.version, after.state.word(), after.paid, ending, after.changed_at],
    ));
    for happened in happened {
        change = change.write(keep(store, after.id, happened.version, happened.at, &happened.happening));
    }
    if after.state != before.state {
        let stays = planted(Mistake::BoardNotCleared) && after.state == State::Cancelled;
        if after.state.is_over() && !stays {
            change = change
                .write(statement("delete from orders_board where order_id = $1", params![after.id]))
                .cancel_job("deadline", after.id.0);
        }
        if !planted(Mistake::ProjectionCountsTwice) {
            tally.leave(before);
        }
        tally.enter(after);
    }
    change
}

fn keep(store: &Store, order: OrderId, version: i64, at: Timestamp, happening: &Happening) -> sql::Statement {
    let data = serde_json::to_string(happening).expect("a happening is always JSON");
    let id = store.world().next_id::<base::id::EventId>();
    statement(
        "insert into orders_events (id, order_id, version, at, data) values ($1, $2, $3, $4, $5)",
        params![id, order, version, at, data],
    )
}

/// Says that an order ended early.
pub fn say_cancelled(order: &Order, ending: &Ending, correlation: &str) -> NewEvent {
    let said = OrderCancelled {
        order_id: order.id,
        shop_id: order.shop_id,
        reason: ending.reason,
        by: ending.by.clone(),
        total_minor: order.total_minor,
        fee_minor: ending.fee_minor,
        placed_at: order.placed_at,
    };
    NewEvent::of(&said, order.changed_at, correlation)
}

/// How many orders, and how much money, move between the states of the statistics in one change.
#[derive(Debug, Default)]
pub struct Tally(std::collections::BTreeMap<(ShopId, State), (i64, i64)>);

impl Tally {
    fn enter(&mut self, order: &Order) {
        self.add(order, 1);
    }

    fn leave(&mut self, order: &Order) {
        self.add(order, -1);
    }

    fn add(&mut self, order: &Order, sign: i64) {
        let sum = self.0.entry((order.shop_id, order.state)).or_default();
        sum.0 += sign;
        sum.1 += sign * order.total_minor;
    }

    /// Makes the change that moves them.
    pub fn change(self) -> Change {
        let mut change = Change::new();
        for ((shop, state), (orders, total)) in self.0 {
            if orders == 0 && total == 0 {
                continue;
            }
            let code = State::ALL.iter().position(|known| *known == state).unwrap_or(0) as i64;
            change = change.write(statement(
                "insert into orders_statistics (id, shop_id, state, orders, total_minor) values ($1, $2, $3, $4, $5) on conflict (id) do update set orders = orders_statistics.orders + excluded.orders, total_minor = orders_statistics.total_minor + excluded.total_minor",
                params![shop.0 * 16 + code, shop, state.word(), orders, total],
            ));
        }
        change
    }
}

/// The read sides that can be dropped and built again.
pub const PROJECTIONS: [&str; 3] = ["mine", "board", "statistics"];

/// Makes the change that drops a projection and builds it again, in one commit: orders that flow meanwhile come before
/// or after it, never in between.
pub fn rebuild(projection: &str) -> Option<Change> {
    let (drop, build) = match projection {
        "mine" => (
            "delete from orders_mine",
            "insert into orders_mine (order_id, device_id) select id, device_id from orders_orders where device_id <> 0",
        ),
        "board" => (
            "delete from orders_board",
            "insert into orders_board (order_id, shop_id) select id, shop_id from orders_orders where state not in ('delivered', 'cancelled')",
        ),
        "statistics" => (
            "delete from orders_statistics",
            "insert into orders_statistics (id, shop_id, state, orders, total_minor) select shop_id * 16 + case state when 'pending' then 0 when 'reserved' then 1 when 'promised' then 2 when 'paid' then 3 when 'cooking' then 4 when 'ready' then 5 when 'shipped' then 6 when 'delivered' then 7 else 8 end, shop_id, state, cast(sum(orders) as bigint), cast(sum(total_minor) as bigint) from (select shop_id, state, 1 as orders, total_minor from orders_orders union all select shop_id, state, orders, total_minor from orders_closed) known group by shop_id, state",
        ),
        _ => return None,
    };
    Some(Change::new().write(statement(drop, params![])).write(statement(build, params![])).alone())
}

/// Counts all orders.
pub async fn count(store: &Store) -> Result<i64, Fault> {
    store.read_one("select count(*) from orders_orders", params![]).await?.map_or(Ok(0), |row| row.int(0))
}

#[cfg(test)]
mod tests {
    use host::testing::Platform;

    use super::*;

    #[tokio::test]
    async fn counting_who_waits_looks_at_open_orders_only() {
        let platform = Platform::start([crate::service()]).await;
        let ctx = platform.ctx("orders");
        assert_eq!(count_pending(ctx.store()).await.unwrap(), 0);
        let plan = ctx.store().read(concat!("explain query plan ", count_pending!()), params![]).await.unwrap();
        let plan: Vec<_> = plan.iter().map(|row| row.text(3).unwrap()).collect();
        assert!(plan[0].starts_with("SEARCH orders_orders USING INTEGER PRIMARY KEY"), "{plan:?}");
    }
}
