//! What orders hears from the others. No rules here: they are in `domain`.

use std::sync::Arc;
use std::time::Duration;

use base::id::OrderId;
use base::{Event, Fault};
use delivery_api::events::{DeliveryFailed, DeliveryRecalled};
use host::{Change, Ctx, Job};
use inventory_api::events::StockRejected;
use kitchen_api::events::CookingFailed;
use orders_api::events::CancelReason;
use payments_api::events::{FailureReason, PaymentFailed};
use sql::NewJob;
use wire::Call;

use crate::domain::{Happening, Order, State};
use crate::recall::{Recalled, recall};
use crate::store::{self, Tally};

/// How long an overdue order waits that could not be called back.
const ASKED_AGAIN_AFTER: Duration = Duration::from_secs(30);

type Heard = Result<Change, Fault>;

/// Its stock is set aside.
pub async fn when_stock_reserved_await_payment(ctx: Ctx, events: Vec<Arc<Event>>) -> Heard {
    advance(&ctx, events, State::Reserved).await
}

/// The money is there.
pub async fn when_paid_note_it(ctx: Ctx, events: Vec<Arc<Event>>) -> Heard {
    advance(&ctx, events, State::Paid).await
}

/// Cash will be there.
pub async fn when_promised_note_it(ctx: Ctx, events: Vec<Arc<Event>>) -> Heard {
    advance(&ctx, events, State::Promised).await
}

/// The kitchen has begun.
pub async fn when_cooking_started_note_it(ctx: Ctx, events: Vec<Arc<Event>>) -> Heard {
    advance(&ctx, events, State::Cooking).await
}

/// Every dish is ready.
pub async fn when_ready_note_it(ctx: Ctx, events: Vec<Arc<Event>>) -> Heard {
    advance(&ctx, events, State::Ready).await
}

/// It has left the shop.
pub async fn when_shipped_note_it(ctx: Ctx, events: Vec<Arc<Event>>) -> Heard {
    advance(&ctx, events, State::Shipped).await
}

/// It was handed over: the end.
pub async fn when_delivered_end(ctx: Ctx, events: Vec<Arc<Event>>) -> Heard {
    advance(&ctx, events, State::Delivered).await
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
    let last = job.body == "last";
    match order.overdue(last) {
        Some(happening) => {
            let call = Call::platform(ctx.name(), job.correlation.as_str());
            match recall(&ctx, &call, &order, &happening, last).await {
                Ok(Recalled::Yes) => Ok(changed(&ctx, &order, &happening, &job.correlation)),
                // It has come further than was heard here, as after a long pause: the news will tell.
                Ok(Recalled::TooLate(_)) => Ok(Change::new().job(again(&ctx, &job))),
                Err(fault) => {
                    tracing::warn!(order_id = order.id.0, %fault, cause = fault.cause, "an order that is overdue cannot be called back yet");
                    Ok(Change::new().job(again(&ctx, &job)))
                }
            }
        }
        None if order.state.is_over() => Ok(Change::new()),
        None => Ok(Change::new().job(crate::place::last_deadline(&ctx, &order, &job.correlation))),
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

/// Brings a batch of orders further, in one change.
async fn advance(ctx: &Ctx, events: Vec<Arc<Event>>, to: State) -> Heard {
    let mut change = Change::new();
    let mut tally = Tally::default();
    for event in events {
        let before = known(ctx, OrderId(event.key)).await?;
        let Some(happening) = before.advance(to) else { continue };
        let mut after = before.clone();
        after.apply(&happening, ctx.now());
        change = change.and(store::save(ctx.store(), &before, &after, &happening, &mut tally));
    }
    Ok(change.and(tally.change()))
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
    let change = store::save(ctx.store(), before, &after, happening, &mut tally).and(tally.change());
    match happening {
        Happening::Cancelled(ending) => {
            tracing::info!(order_id = before.id.0, event_type = "order.cancelled", reason = ?ending.reason, by = %ending.by, total = before.total_minor, correlation, "an order ended early");
            change.say(store::say_cancelled(&after, ending, correlation))
        }
        _ => change,
    }
}

async fn known(ctx: &Ctx, id: OrderId) -> Result<Order, Fault> {
    // Whoever speaks of an order has heard of it from here, so it exists: if not, something is broken and must be seen.
    store::load(ctx.store(), id).await?.ok_or_else(|| Fault::not_found("order_not_found", "There is no such order."))
}
