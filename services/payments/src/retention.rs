//! What payments keeps only for a time: payments that are settled, and cards that nobody pays with any more.

use std::time::Duration;

use base::Fault;
use host::{Change, Ctx, Dropped, Old};
use sql::{params, statement};

/// How many payments go in one commit, each with its movements.
const PAYMENTS: u32 = 80;
/// How many cards go in one commit.
const CARDS: u32 = 200;
/// A card that is used again is noted once in so long: see [`crate::store::keep_method`].
pub const CARD_NOTED_EVERY: Duration = Duration::from_secs(24 * 3_600);

/// Whoever has a dead letter or a job is not settled.
const SETTLED: &str = "select p.id, p.version from payments_payments p where p.id > $1 and p.id < $2 and p.changed_at < $3 and p.state in ('captured', 'refunded', 'failed', 'voided', 'cancelled') and p.refunding_minor = 0 and not exists (select 1 from payments_parked l where l.key = p.id) and not exists (select 1 from payments_jobs j where j.key = p.id) order by p.id limit $4";
const PAYMENT: &str = "delete from payments_payments where id = $1 and version = $2";
const MOVEMENTS: &str = "delete from payments_transactions where payment_id = $1";
const UNUSED: &str = "select m.id from payments_methods m where m.id > $1 and m.created_at < $2 order by m.id limit $3";
const CARD: &str = "delete from payments_methods where id = $1 and created_at < $2";

/// Drops payments that were settled long ago, with their movements.
pub async fn drop_payments(ctx: Ctx, old: Old) -> Result<Dropped, Fault> {
    let rows = ctx.store().read(SETTLED, params![old.after, old.below, old.before, PAYMENTS]).await?;
    let (mut change, mut next) = (Change::new(), None);
    for row in &rows {
        let id = row.int(0)?;
        change = change.guarded(statement(PAYMENT, params![id, row.int(1)?])).write(statement(MOVEMENTS, params![id]));
        next = Some(id);
    }
    Ok(Dropped { change, next: next.filter(|_| rows.len() >= PAYMENTS as usize) })
}

/// Forgets the tokens of cards with which nobody has paid since the oldest payment that is kept.
pub async fn drop_cards(ctx: Ctx, old: Old) -> Result<Dropped, Fault> {
    let unused = old.before - CARD_NOTED_EVERY - CARD_NOTED_EVERY;
    let rows = ctx.store().scan(UNUSED, params![old.after, unused, CARDS]).await?;
    let ids = rows.iter().map(|row| row.int(0)).collect::<Result<Vec<_>, _>>()?;
    Ok(Dropped::each(&ids, CARDS, |id| statement(CARD, params![id, unused])))
}
