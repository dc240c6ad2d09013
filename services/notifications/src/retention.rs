//! What notifications keeps only for a time: what it knows of orders. Messages have an expiry of their own.

use base::Fault;
use host::{Ctx, Dropped, Old};
use sql::{params, statement};

/// How many notes go in one commit.
const NOTES: u32 = 200;

/// Whoever has a dead letter is still to be told something.
const OLD: &str = "select n.order_id from notifications_orders n where n.order_id > $1 and n.order_id < $2 and n.at < $3 and not exists (select 1 from notifications_parked p where p.key = n.order_id) order by n.order_id limit $4";
const NOTE: &str = "delete from notifications_orders where order_id = $1";

/// Drops what is known of orders that have ended: no order takes as long as anything is kept.
pub async fn drop_notes(ctx: Ctx, old: Old) -> Result<Dropped, Fault> {
    let rows = ctx.store().read(OLD, params![old.after, old.below, old.before, NOTES]).await?;
    let ids = rows.iter().map(|row| row.int(0)).collect::<Result<Vec<_>, _>>()?;
    Ok(Dropped::each(&ids, NOTES, |id| statement(NOTE, params![id])))
}
