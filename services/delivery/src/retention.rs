//! What delivery keeps only for a time: deliveries that were handed over, given up or called back.

use base::Fault;
use host::{Ctx, Dropped, Old};
use sql::{params, statement};

/// How many deliveries go in one commit.
const DELIVERIES: u32 = 200;

/// The states are delivered, failed and cancelled; whoever has a dead letter or a timer has not ended.
const ENDED: &str = "select d.id from delivery_deliveries d where d.id > $1 and d.id < $2 and d.shipped_at < $3 and d.delivered_at < $3 and d.state in (3, 4, 5) and not exists (select 1 from delivery_parked p where p.key = d.id) and not exists (select 1 from delivery_jobs j where j.key = d.id) order by d.id limit $4";
const DELIVERY: &str = "delete from delivery_deliveries where id = $1 and not is_open";

/// Drops deliveries that ended long ago.
pub async fn drop_deliveries(ctx: Ctx, old: Old) -> Result<Dropped, Fault> {
    let rows = ctx.store().read(ENDED, params![old.after, old.below, old.before, DELIVERIES]).await?;
    let ids = rows.iter().map(|row| row.int(0)).collect::<Result<Vec<_>, _>>()?;
    Ok(Dropped::each(&ids, DELIVERIES, |id| statement(DELIVERY, params![id])))
}
