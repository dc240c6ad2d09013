//! What analytics does about the events it hears: it adds a whole batch to the figures with a few statements.

use std::collections::BTreeSet;
use std::sync::Arc;

use base::id::{OrderId, ShopId};
use base::{Event, Fault};
use host::{Change, Ctx};

use crate::clocks::Clocks;
use crate::domain::{Ledger, is_about_an_order, shop_of};
use crate::store;

/// Adds events to the figures that are shown, and to those that are being rebuilt.
pub async fn when_anything_happened_count(ctx: Ctx, clocks: Clocks, events: Vec<Arc<Event>>) -> Result<Change, Fault> {
    let state = store::state(ctx.store()).await?;
    let mut change = Change::new().guarded(store::same_epoch(state));
    for generation in state.generations() {
        change = change.and(counted(&ctx, &clocks, generation, &events).await?);
    }
    Ok(change)
}

/// Adds events to the figures of one generation.
pub async fn counted(ctx: &Ctx, clocks: &Clocks, generation: i64, events: &[Arc<Event>]) -> Result<Change, Fault> {
    let about: BTreeSet<OrderId> =
        events.iter().filter(|event| is_about_an_order(event)).map(|event| OrderId(event.key)).collect();
    let about: Vec<OrderId> = about.into_iter().collect();
    let before = store::orders(ctx.store(), generation, &about).await?;
    let shops: BTreeSet<ShopId> = events.iter().filter_map(|event| shop_of(event)).collect();
    let clocks = clocks.of(ctx, shops).await?;
    let mut ledger = Ledger { orders: before.clone(), clocks, ..Ledger::default() };
    for event in events {
        ledger.hear(event)?;
    }
    let change = store::change_orders(generation, &before, &ledger.orders).into_iter().fold(Change::new(), Change::guarded);
    let said_at = events.iter().map(|event| event.at).max().unwrap_or_default();
    Ok(store::add(generation, &ledger.figures, said_at, ctx.now()).into_iter().fold(change, Change::write))
}
