//! What inventory keeps only for a time: reservations that have ended, with their movements, and edits of long ago.
//!
//! Whatever leaves the ledger enters its opening balance in the same commit, so the levels can always be rebuilt.

use std::collections::BTreeMap;

use base::Fault;
use base::id::{ShopId, StockId};
use host::{Change, Ctx, Dropped, Old};
use sql::{params, statement};

use crate::store;

/// How many reservations go in one commit, each with two movements.
const RESERVATIONS: u32 = 80;
/// How many edits go in one commit.
const EDITS: u32 = 200;

const ENDED: &str = "select r.order_id, r.shop_id, r.state, r.needs, r.taken_by, r.ended_by from inventory_reservations r where r.order_id > $1 and r.order_id < $2 and r.state <> 'held' and (r.ended_by is null or r.ended_by < $2) and not exists (select 1 from inventory_parked p where p.key = r.order_id) order by r.order_id limit $3";
const RESERVATION: &str = "delete from inventory_reservations where order_id = $1 and state <> 'held'";
const OLD_EDITS: &str = "select id, shop_id, kind, stock_id, quantity from inventory_movements where id > $1 and id < $2 and stock_id is not null and kind in ('receive', 'count', 'waste') order by id limit $3";
const MOVEMENT: &str = "delete from inventory_movements where id = $1";
const OPENING: &str = "insert into inventory_openings (id, shop_id, received, corrected, wasted, consumed) values ($1, $2, $3, $4, $5, $6) on conflict (id) do update set received = inventory_openings.received + excluded.received, corrected = inventory_openings.corrected + excluded.corrected, wasted = inventory_openings.wasted + excluded.wasted, consumed = inventory_openings.consumed + excluded.consumed";

/// What leaves the ledger, by thing: received, corrected, wasted, consumed.
type Folded = BTreeMap<(ShopId, StockId), [i64; 4]>;

/// Drops reservations that ended long ago. What was only held and given back leaves nothing behind.
pub async fn drop_reservations(ctx: Ctx, old: Old) -> Result<Dropped, Fault> {
    let rows = ctx.store().read(ENDED, params![old.after, old.below, RESERVATIONS]).await?;
    let (mut change, mut folded, mut next) = (Change::new(), Folded::new(), None);
    for row in &rows {
        let (order, shop): (i64, ShopId) = (row.int(0)?, row.id(1)?);
        change = change.guarded(statement(RESERVATION, params![order]));
        // Only what is in the ledger leaves it: a movement that is missing is for the audit to find.
        for movement in [row.opt_int(4)?, row.opt_int(5)?].into_iter().flatten() {
            change = change.guarded(statement(MOVEMENT, params![movement]));
        }
        if row.text(2)? == "consumed" {
            for (stock, quantity) in store::needs_from(row.text(3)?)? {
                folded.entry((shop, stock)).or_default()[3] += quantity;
            }
        }
        next = Some(order);
    }
    Ok(Dropped { change: open_with(change, folded), next: next.filter(|_| rows.len() >= RESERVATIONS as usize) })
}

/// Drops what staff received, counted and threw away long ago; who did it and why stays among the acts.
pub async fn drop_edits(ctx: Ctx, old: Old) -> Result<Dropped, Fault> {
    let rows = ctx.store().read(OLD_EDITS, params![old.after, old.below, EDITS]).await?;
    let (mut change, mut folded, mut next) = (Change::new(), Folded::new(), None);
    for row in &rows {
        let (id, quantity) = (row.int(0)?, row.int(4)?);
        change = change.guarded(statement(MOVEMENT, params![id]));
        let terms = folded.entry((row.id(1)?, row.id(3)?)).or_default();
        match row.text(2)? {
            "receive" => terms[0] += quantity,
            "count" => terms[1] += quantity,
            _ => terms[2] -= quantity,
        }
        next = Some(id);
    }
    Ok(Dropped { change: open_with(change, folded), next: next.filter(|_| rows.len() >= EDITS as usize) })
}

fn open_with(change: Change, folded: Folded) -> Change {
    folded.into_iter().fold(change, |change, ((shop, stock), [received, corrected, wasted, consumed])| {
        change.write(statement(OPENING, params![stock, shop, received, corrected, wasted, consumed]))
    })
}
