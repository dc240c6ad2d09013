//! What inventory does about the events it hears. Batches of orders share levels, so each batch is one decision.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use base::id::{OrderId, StockId};
use base::{Event, Fault, Mistake, NewEvent, Principal, planted};
use host::{Change, Ctx};
use inventory_api::events::{StockLow, StockRejected, StockReserved};
use orders_api::events::{OrderCancelled, OrderCreated};

use crate::domain::{Demand, Error, Level, Needs, needs_of, serve};
use crate::store::{self, Mover, Reservation, State};

/// Sets aside what orders need: each gets all of it, or is told what is missing.
pub async fn when_orders_created_set_aside(ctx: Ctx, events: Vec<Arc<Event>>) -> Result<Change, Fault> {
    let me = Principal::platform(ctx.name());
    let now = ctx.now();
    let mover = Mover { world: ctx.world(), at: now, principal: &me, reason: "" };
    let orders: Vec<OrderId> = events.iter().map(|event| OrderId(event.key)).collect();
    let known = store::reservations(ctx.store(), &orders).await?;
    let mut change = Change::new();
    let mut demands = Vec::new();
    let mut heard = Vec::new();
    for event in &events {
        let order = event.fact::<OrderCreated>()?;
        let needs = needs_of(order.needs.iter().filter(|need| need.quantity != 0).map(|need| (need.stock_id, need.quantity)))
            .map_err(|error| error.fault())?;
        match known.get(&order.order_id) {
            None => {
                demands.push(Demand { order_id: order.order_id, shop_id: order.shop_id, needs });
                heard.push(event);
            }
            // Set aside before the order was heard of, as carts do it.
            Some(held) if held.state == State::Held && !held.announced => {
                if held.needs != needs {
                    return Err(Error::HoldsOther.fault());
                }
                let said = StockReserved { order_id: order.order_id, shop_id: order.shop_id };
                change = change.guarded(store::announce(order.order_id)).say(NewEvent::of(&said, now, &event.correlation));
            }
            Some(_) => {}
        }
    }
    let things: BTreeSet<StockId> = demands.iter().flat_map(|demand| demand.needs.keys().copied()).collect();
    let served = serve(store::shelf(ctx.store(), things).await?, &demands);
    for take in &served.takes {
        change = change.guarded(store::take(take));
    }
    for ((demand, event), shortages) in demands.into_iter().zip(heard).zip(served.shortages) {
        let Demand { order_id, shop_id, needs } = demand;
        let (state, said, movement) = if shortages.is_empty() {
            let said = NewEvent::of(&StockReserved { order_id, shop_id }, now, &event.correlation);
            (State::Held, said, Some(mover.order_step("reserve", shop_id, order_id)))
        } else {
            let said = NewEvent::of(&StockRejected { order_id, shop_id, shortages }, now, &event.correlation);
            (State::Rejected, said, None)
        };
        let taken_by = movement.as_ref().map(|(id, _)| *id);
        change =
            change.guarded(store::put_reservation(&Reservation { order_id, shop_id, state, needs, announced: true }, taken_by));
        change = movement.into_iter().fold(change, |change, (_, movement)| change.write(movement)).say(said);
    }
    let correlation = events.first().map_or("", |event| event.correlation.as_str());
    Ok(served.lows.iter().fold(change, |change, low| change.say(NewEvent::of(&low_said(low), now, correlation))))
}

/// Says that a level fell below its mark.
pub fn low_said(level: &Level) -> StockLow {
    StockLow {
        stock_id: level.stock_id,
        shop_id: level.shop_id,
        slug: level.slug.clone(),
        available: level.available,
        low_at: level.low_at,
    }
}

/// Puts back what cancelled orders hold.
pub async fn when_orders_cancelled_put_back(ctx: Ctx, events: Vec<Arc<Event>>) -> Result<Change, Fault> {
    let mut ended = held_of(&ctx, &events).await?;
    if planted(Mistake::NotPutBack) {
        ended.held.clear();
    }
    let mut change = put_back(&ctx, &ended.held, "order cancelled").await?;
    for event in events.iter().filter(|event| ended.unknown.contains(&OrderId(event.key))) {
        // Should its placing be heard after all, nothing may be set aside any more.
        let OrderCancelled { order_id, shop_id, .. } = event.read()?;
        let grave = Reservation { order_id, shop_id, state: State::Released, needs: Needs::new(), announced: true };
        change = change.guarded(store::put_reservation(&grave, None));
    }
    Ok(change)
}

/// Puts back what orders hold that nobody will pay; should none be held yet, their cancelling follows.
pub async fn when_payments_failed_put_back(ctx: Ctx, events: Vec<Arc<Event>>) -> Result<Change, Fault> {
    let ended = held_of(&ctx, &events).await?;
    put_back(&ctx, &ended.held, "payment failed").await
}

/// Uses up what orders hold when the kitchen begins with them, or when they leave without having seen a kitchen.
pub async fn when_orders_leave_the_shelf_use_up(ctx: Ctx, events: Vec<Arc<Event>>) -> Result<Change, Fault> {
    let mut ended = held_of(&ctx, &events).await?;
    if planted(Mistake::NotUsedUp) && events.iter().all(|event| event.name() == "order.shipped") {
        ended.held.clear();
    }
    if let Some(order) = ended.unknown.first() {
        return Err(Fault::unavailable("reservation_not_yet", "What this order needs was not heard of yet.").because(order.0));
    }
    let me = Principal::platform(ctx.name());
    let reason = events.first().map_or("", |event| event.name());
    let mover = Mover { world: ctx.world(), at: ctx.now(), principal: &me, reason };
    let mut change = Change::new();
    for (stock_id, quantity) in summed(&ended.held) {
        change = change.guarded(store::use_up(stock_id, quantity));
    }
    Ok(end(change, &ended.held, State::Consumed, "consume", mover))
}

/// Puts back what reservations hold.
pub async fn put_back(ctx: &Ctx, held: &[Reservation], reason: &str) -> Result<Change, Fault> {
    let me = Principal::platform(ctx.name());
    put_back_by(ctx, held, Mover { world: ctx.world(), at: ctx.now(), principal: &me, reason }).await
}

/// Puts back what reservations hold, in the name of somebody.
pub async fn put_back_by(ctx: &Ctx, held: &[Reservation], mover: Mover<'_>) -> Result<Change, Fault> {
    let sums = summed(held);
    let shelf = store::shelf(ctx.store(), sums.keys().copied()).await?;
    let mut change = Change::new();
    for (stock_id, quantity) in sums {
        let low_at = shelf.get(&stock_id).map_or(0, |level| level.low_at);
        change = change.guarded(store::put_back(stock_id, quantity, low_at));
    }
    Ok(end(change, held, State::Released, "release", mover))
}

fn end(mut change: Change, held: &[Reservation], state: State, kind: &'static str, mover: Mover<'_>) -> Change {
    for reservation in held {
        let (id, movement) = mover.order_step(kind, reservation.shop_id, reservation.order_id);
        change = change.guarded(store::end_reservation(reservation.order_id, state, id));
        if kind != "release" || !planted(Mistake::LedgerNotWritten) {
            change = change.write(movement);
        }
    }
    change
}

struct Ended {
    held: Vec<Reservation>,
    unknown: Vec<OrderId>,
}

async fn held_of(ctx: &Ctx, events: &[Arc<Event>]) -> Result<Ended, Fault> {
    let orders: Vec<OrderId> = events.iter().map(|event| OrderId(event.key)).collect();
    let mut known = store::reservations(ctx.store(), &orders).await?;
    let unknown = orders.into_iter().filter(|order| !known.contains_key(order)).collect();
    known.retain(|_, reservation| reservation.state == State::Held);
    Ok(Ended { held: known.into_values().collect(), unknown })
}

fn summed(held: &[Reservation]) -> BTreeMap<StockId, i64> {
    let mut sums = BTreeMap::new();
    for (stock_id, quantity) in held.iter().flat_map(|reservation| &reservation.needs) {
        *sums.entry(*stock_id).or_default() += quantity;
    }
    sums
}
