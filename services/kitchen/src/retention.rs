//! What the kitchen keeps only for a time: tickets of which nothing is left to do.

use base::Fault;
use host::{Ctx, Dropped, Old};
use sql::{params, statement};

/// How many tickets go in one commit.
const TICKETS: u32 = 200;

/// A payment whose order was not heard of yet (state 7) has not even begun; whoever has a dead letter or a timer has not ended.
const ENDED: &str = "select t.id from kitchen_tickets t where t.id > $1 and t.id < $2 and t.starts_at < $3 and t.ready_at < $3 and not t.is_open and t.state <> 7 and not exists (select 1 from kitchen_parked p where p.key = t.id) and not exists (select 1 from kitchen_jobs j where j.key = t.id) order by t.id limit $4";
const TICKET: &str = "delete from kitchen_tickets where id = $1 and not is_open";

/// Drops tickets that were ready, given up or taken back long ago.
pub async fn drop_tickets(ctx: Ctx, old: Old) -> Result<Dropped, Fault> {
    let rows = ctx.store().read(ENDED, params![old.after, old.below, old.before, TICKETS]).await?;
    let ids = rows.iter().map(|row| row.int(0)).collect::<Result<Vec<_>, _>>()?;
    Ok(Dropped::each(&ids, TICKETS, |id| statement(TICKET, params![id])))
}
