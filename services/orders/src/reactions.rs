//! What orders hears from the others. No rules here: they are in `domain`.

use std::collections::btree_map::Entry;
use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;
use std::time::Duration;

use base::event::Fact;
use base::id::OrderId;
use base::{Event, Fault, Id};
use delivery_api::events::{DeliveryFailed, DeliveryRecalled, OrderDelivered, OrderShipped};
use host::{Change, Ctx, Job};
use inventory_api::events::{StockRejected, StockReserved};
use kitchen_api::events::{CookingFailed, CookingStarted, OrderReady};
use orders_api::events::CancelReason;
use payments_api::events::{FailureReason, OrderPaid, PaymentFailed, PaymentPromised};
use sql::NewJob;
use wire::Call;

use crate::domain::{Happening, Order, State};
use crate::recall::{Recalled, recall};
use crate::store::{self, Happened, Tally};

/// How long an overdue order waits that could not be called back.
const ASKED_AGAIN_AFTER: Duration = Duration::from_secs(30);

type Heard = Result<Change, Fault>;

/// The others have brought orders further. A run may tell several things of one order: each follows from the one before.
pub async fn when_orders_come_further_note_it(ctx: Ctx, events: Vec<Arc<Event>>) -> Heard {
    let ids: BTreeSet<OrderId> = events.iter().map(|event| OrderId(event.key)).collect();
    let before = store::load_all(ctx.store(), &ids).await?;
    let mut further: BTreeMap<OrderId, (Order, Vec<Happened>)> = BTreeMap::new();
    for event in &events {
        let id = OrderId(event.key);
        let (order, happened) = match further.entry(id) {
            Entry::Occupied(entry) => entry.into_mut(),
            Entry::Vacant(entry) => entry.insert((before.get(&id).ok_or_else(unknown)?.clone(), Vec::new())),
        };
        let Some(happening) = order.advance(state_after(event)?) else { continue };
        order.apply(&happening, ctx.now());
        happened.push(Happened { happening, version: order.version, at: order.changed_at });
    }
    let mut change = Change::new();
    let mut tally = Tally::default();
    for (id, (after, happened)) in &further {
        if !happened.is_empty() {
            change = change.and(store::save(ctx.store(), &before[id], after, happened, &mut tally));
        }
    }
    Ok(change.and(tally.change()))
}

/// Tells how far an order has come by an event.
fn state_after(event: &Event) -> Result<State, Fault> {
    Ok(match event.name() {
        StockReserved::NAME => State::Reserved,
        OrderPaid::NAME => State::Paid,
        PaymentPromised::NAME => State::Promised,
        CookingStarted::NAME => State::Cooking,
        OrderReady::NAME => State::Ready,
        OrderShipped::NAME => State::Shipped,
        OrderDelivered::NAME => State::Delivered,
        kind => return Err(Fault::internal("event_unreadable", format!("No order comes further by a {kind}."))),
    })
}

/// Something it needs is not there.
pub async fn when_stock_rejected_cancel(ctx: Ctx, event: Arc<Event>) -> Heard {
    let rejected: StockRejected = event.read()?;
    fail(&ctx, &event, rejected.order_id, CancelReason::OutOfStock).await
}

/// No money was taken.
pub async fn when_payment_failed_cancel(ctx: Ctx, event: Arc<Event>) -> Heard {
    let failed: PaymentFailed = event.read()?;
    let reason = match failed.reason {
        FailureReason::Declined | FailureReason::UnknownMethod => CancelReason::PaymentDeclined,
        FailureReason::ProviderUnavailable => CancelReason::PaymentTimeout,
    };
    fail(&ctx, &event, failed.order_id, reason).await
}

/// The kitchen cannot make it.
pub async fn when_cooking_failed_cancel(ctx: Ctx, event: Arc<Event>) -> Heard {
    let failed: CookingFailed = event.read()?;
    fail(&ctx, &event, failed.order_id, CancelReason::KitchenFailed).await
}

/// The courier could not hand it over.
pub async fn when_delivery_failed_cancel(ctx: Ctx, event: Arc<Event>) -> Heard {
    let failed: DeliveryFailed = event.read()?;
    fail(&ctx, &event, failed.order_id, CancelReason::DeliveryFailed).await
}

/// It was called back so that it can end: it does, even if whoever wanted that is gone.
pub async fn when_recalled_cancel(ctx: Ctx, event: Arc<Event>) -> Heard {
    let recalled: DeliveryRecalled = event.read()?;
    let word = serde_json::Value::String(recalled.reason);
    let reason = serde_json::from_value(word).map_err(|error| {
        Fault::internal("reason_unknown", "An order is to end for a reason that nobody knows.").because(error)
    })?;
    let order = known(&ctx, recalled.order_id).await?;
    Ok(match order.end(reason, &recalled.by) {
        Some(happening) => changed(&ctx, &order, &happening, &event.correlation),
        None => Change::new(),
    })
}

/// A deadline has passed: what nobody answered ends, what is on its way gets until the last one.
pub async fn when_a_deadline_passes(ctx: Ctx, job: Job) -> Heard {
    let Some(order) = store::load(ctx.store(), OrderId(job.key)).await? else { return Ok(Change::new()) };
    // The first one, asked again and again, becomes the last in the end.
    let final_one = crate::place::last_deadline(&ctx, &order, &job.correlation);
    let last = job.body == "last" || final_one.due <= ctx.now();
    match order.overdue(last) {
        Some(happening) => {
            let call = Call::platform(ctx.name(), job.correlation.as_str());
            match recall(&ctx, &call, &order, &happening, last).await {
                Ok(Recalled::Yes) => Ok(changed(&ctx, &order, &happening, &job.correlation)),
                // The news of its end got lost on the way, as in the dead letters: who handed it over has said so now.
                Ok(Recalled::TooLate(State::Delivered)) if last => Ok(match order.advance(State::Delivered) {
                    Some(happening) => changed(&ctx, &order, &happening, &job.correlation),
                    None => Change::new(),
                }),
                // It has come further than was heard here, as after a long pause: the news will tell.
                Ok(Recalled::TooLate(state)) => {
                    tracing::warn!(
                        order_id = order.id.show(ctx.key()),
                        known = order.state.word(),
                        state = state.word(),
                        "an order that is overdue has come further than was heard"
                    );
                    Ok(Change::new().job(again(&ctx, &job)))
                }
                Err(fault) => {
                    tracing::warn!(order_id = order.id.0, %fault, cause = fault.cause, "an order that is overdue cannot be called back yet");
                    Ok(Change::new().job(again(&ctx, &job)))
                }
            }
        }
        None if order.state.is_over() => Ok(Change::new()),
        None => Ok(Change::new().job(final_one)),
    }
}

fn again(ctx: &Ctx, job: &Job) -> NewJob {
    NewJob {
        kind: "deadline",
        key: job.key,
        due: ctx.now() + ASKED_AGAIN_AFTER,
        deadline: None,
        body: job.body.clone(),
        correlation: job.correlation.clone(),
        lease: None,
    }
}

async fn fail(ctx: &Ctx, event: &Event, id: OrderId, reason: CancelReason) -> Heard {
    let order = known(ctx, id).await?;
    Ok(match order.fail(reason) {
        Some(happening) => changed(ctx, &order, &happening, &event.correlation),
        None => Change::new(),
    })
}

/// Makes the change of one order, with what is said when it ends early.
pub fn changed(ctx: &Ctx, before: &Order, happening: &Happening, correlation: &str) -> Change {
    let mut after = before.clone();
    after.apply(happening, ctx.now());
    let mut tally = Tally::default();
    let happened = [Happened { happening: happening.clone(), version: after.version, at: after.changed_at }];
    let change = store::save(ctx.store(), before, &after, &happened, &mut tally).and(tally.change());
    match happening {
        Happening::Cancelled(ending) => {
            tracing::info!(order_id = before.id.show(ctx.key()), event_type = "order.cancelled", reason = ?ending.reason, by = %ending.by, total = before.total_minor, correlation, "an order ended early");
            change.say(store::say_cancelled(&after, ending, correlation))
        }
        _ => change,
    }
}

async fn known(ctx: &Ctx, id: OrderId) -> Result<Order, Fault> {
    // Whoever speaks of an order has heard of it from here, so it exists: if not, something is broken and must be seen.
    store::load(ctx.store(), id).await?.ok_or_else(unknown)
}

fn unknown() -> Fault {
    Fault::not_found("order_not_found", "There is no such order.")
}
