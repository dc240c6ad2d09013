//! What analytics keeps only for a time: figures by the minute. Days, months, items and totals are few, and stay.

use base::Fault;
use host::{Change, Ctx, Dropped, Old};
use sql::{params, statement};

/// How many minutes go in one commit.
const MINUTES: u32 = 250;

const UNTOUCHED: &str =
    "select generation, shop_id, at from analytics_series where step = 'minute' and touched_at > 0 and touched_at < $1 limit $2";
const MINUTE: &str =
    "delete from analytics_series where generation = $1 and shop_id = $2 and step = 'minute' and at = $3 and touched_at < $4";

/// Drops minutes to which nothing was added for long.
pub async fn drop_minutes(ctx: Ctx, old: Old) -> Result<Dropped, Fault> {
    let rows = ctx.store().scan(UNTOUCHED, params![old.before, MINUTES]).await?;
    let mut change = Change::new();
    for row in &rows {
        change = change.write(statement(MINUTE, params![row.int(0)?, row.int(1)?, row.text(2)?, old.before]));
    }
    // What was found is gone with the commit: the walk begins again until there is nothing to find.
    Ok(Dropped { change, next: (rows.len() >= MINUTES as usize).then_some(old.after) })
}
