//! What orders keeps only for a time: orders that have ended, with all that belongs to them.

use std::collections::BTreeMap;

use base::Fault;
use base::id::ShopId;
use host::{Ctx, Dropped, Old};
use sql::{params, statement};

use crate::domain::State;

/// How many orders go in one commit, each with a dozen rows.
const ORDERS: u32 = 25;
/// How many lines of orders that are gone go in one commit.
const LINES: u32 = 250;

/// Whoever has a dead letter or a timer has not ended.
const ENDED: &str = "select o.id, o.version, o.state, o.shop_id, o.total_minor, o.contact_id from orders_orders o where o.id > $1 and o.id < $2 and o.changed_at < $3 and o.state in ('delivered', 'cancelled') and not exists (select 1 from orders_parked p where p.key = o.id) and not exists (select 1 from orders_jobs j where j.key = o.id) order by o.id limit $4";
const ORDER: &str = "delete from orders_orders where id = $1 and version = $2";
const REST: [&str; 2] = ["delete from orders_events where order_id = $1", "delete from orders_mine where order_id = $1"];
const CONTACT: &str = "delete from orders_contacts where id = $1";
const CLOSED: &str = "insert into orders_closed (id, shop_id, state, orders, total_minor) values ($1, $2, $3, $4, $5) on conflict (id) do update set orders = orders_closed.orders + excluded.orders, total_minor = orders_closed.total_minor + excluded.total_minor";
const LEFT: &str = "select i.id from orders_items i where i.id > $1 and i.id < $2 and not exists (select 1 from orders_orders o where o.id = i.order_id) order by i.id limit $3";
const LINE: &str = "delete from orders_items where id = $1";

/// Drops orders that ended long ago, their happenings and their people; the statistics go on counting them.
pub async fn drop_orders(ctx: Ctx, old: Old) -> Result<Dropped, Fault> {
    let rows = ctx.store().read(ENDED, params![old.after, old.below, old.before, ORDERS]).await?;
    let mut dropped = Dropped::default();
    let mut closed: BTreeMap<(ShopId, String), (i64, i64)> = BTreeMap::new();
    for row in &rows {
        let (id, contact) = (row.int(0)?, row.int(5)?);
        dropped.change = dropped.change.guarded(statement(ORDER, params![id, row.int(1)?]));
        for text in REST {
            dropped.change = dropped.change.write(statement(text, params![id]));
        }
        if contact != 0 {
            dropped.change = dropped.change.write(statement(CONTACT, params![contact]));
        }
        let sum = closed.entry((row.id(3)?, row.text(2)?.to_owned())).or_default();
        *sum = (sum.0 + 1, sum.1 + row.int(4)?);
        dropped.next = Some(id);
    }
    dropped.next = dropped.next.filter(|_| rows.len() >= ORDERS as usize);
    for ((shop, state), (orders, total)) in closed {
        let code = State::ALL.iter().position(|known| known.word() == state).unwrap_or(0) as i64;
        let params = params![shop.0 * 16 + code, shop, state, orders, total];
        dropped.change = dropped.change.write(statement(CLOSED, params));
    }
    Ok(dropped)
}

/// Drops the lines of orders that are gone. They are no part of the orders' own drop because nothing finds them by order:
/// an index would cost every order that is placed.
pub async fn drop_lines(ctx: Ctx, old: Old) -> Result<Dropped, Fault> {
    let rows = ctx.store().read(LEFT, params![old.after, old.below, LINES]).await?;
    let ids = rows.iter().map(|row| row.int(0)).collect::<Result<Vec<_>, _>>()?;
    Ok(Dropped::each(&ids, LINES, |id| statement(LINE, params![id])))
}
