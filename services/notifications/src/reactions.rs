//! What notifications does about the events it hears.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;

use base::event::Fact;
use base::id::{NotificationId, OrderId};
use base::{Event, Fault, Mistake, NewEvent, planted};
use delivery_api::events::{OrderDelivered, OrderShipped};
use host::{Change, Ctx};
use kitchen_api::events::CookingStarted;
use notifications_api::events::NotificationCreated;
use orders_api::events::{Fulfilment, OrderCancelled, OrderCreated};
use payments_api::events::{OrderPaid, PaymentPromised, PaymentRefunded};
use sql::NewJob;

use crate::domain::{Draft, Known, Message, Params, Template, written};
use crate::store;

/// How long a message is kept unless the setting `notification_days` says otherwise.
const DAYS: f64 = 30.0;
/// Mail that could not be written for so long is not of interest any more.
const MAIL_WITHIN: Duration = Duration::from_secs(24 * 3_600);

/// Tells how long messages are kept.
pub fn kept(ctx: &Ctx) -> Duration {
    Duration::try_from_secs_f64(ctx.number("notification_days", DAYS) * 86_400.0).unwrap_or(Duration::MAX)
}

/// Remembers whose an order is, confirms it, and gives it what was told before it was heard of.
pub async fn when_orders_created_remember_whom_to_tell(ctx: Ctx, events: Vec<Arc<Event>>) -> Result<Change, Fault> {
    let orders: Vec<OrderId> = events.iter().map(|event| OrderId(event.key)).collect();
    let known = store::orders(ctx.store(), &orders).await?;
    let mut told = store::told(ctx.store(), &orders).await?;
    let mut change = Change::new();
    for event in events.iter().filter(|event| !known.contains_key(&OrderId(event.key))) {
        let order = event.fact::<OrderCreated>()?;
        let known = Known {
            order_id: order.order_id,
            shop_id: order.shop_id,
            device_id: order.device_id,
            language: order.language.clone(),
            has_email: order.has_email,
            currency: order.currency,
            pickup: order.fulfilment == Fulfilment::Pickup,
            at: event.at,
        };
        let told = told.remove(&known.order_id).unwrap_or_default();
        change = change.guarded(store::put_order(&known, told.len()));
        if let Some(device) = known.device_id.filter(|_| !told.is_empty()) {
            change = change.write(store::address(known.order_id, device));
        }
        for (_, _, id) in told.iter().filter(|_| known.has_email) {
            change = change.job(mail_job(&ctx, *id, event));
        }
        let params = Params {
            amount_minor: Some(order.total_minor),
            currency: Some(order.currency),
            things: Some(order.lines.iter().map(|line| line.quantity).sum()),
            ..Params::default()
        };
        let draft = Draft { order_id: known.order_id, template: Template::OrderReceived, nth: 0, params, at: event.at };
        change = tell(&ctx, change, draft, Some(&known), event);
    }
    Ok(change)
}

/// Writes one message per event; an order that is not known yet gets its messages when it comes.
pub async fn when_something_happened_tell(ctx: Ctx, events: Vec<Arc<Event>>) -> Result<Change, Fault> {
    let orders: Vec<OrderId> = events.iter().map(|event| OrderId(event.key)).collect();
    let known = store::orders(ctx.store(), &orders).await?;
    let told = store::told(ctx.store(), &orders).await?;
    let mut change = Change::new();
    for event in &events {
        let draft = draft_of(event)?;
        let repeated = told
            .get(&draft.order_id)
            .is_some_and(|told| told.iter().any(|(template, nth, _)| (*template, *nth) == (draft.template, draft.nth)));
        if !repeated {
            let known: Option<&Known> = BTreeMap::get(&known, &draft.order_id);
            change = tell(&ctx, change, draft, known, event);
        }
    }
    Ok(change)
}

fn draft_of(event: &Event) -> Result<Draft, Fault> {
    let money =
        |amount_minor, currency| Params { amount_minor: Some(amount_minor), currency: Some(currency), ..Params::default() };
    let (template, nth, params) = match event.name() {
        OrderPaid::NAME => {
            let paid = event.fact::<OrderPaid>()?;
            (Template::OrderPaid, 0, money(paid.amount_minor, paid.currency))
        }
        PaymentPromised::NAME => {
            let promised = event.fact::<PaymentPromised>()?;
            (Template::OrderPromised, 0, money(promised.amount_minor, promised.currency))
        }
        // An order may be refunded in parts: each is told.
        PaymentRefunded::NAME => {
            let refunded: PaymentRefunded = event.read()?;
            let nth = if planted(Mistake::RefundsToldOnce) { 0 } else { event.seq };
            (Template::PaymentRefunded, nth, money(refunded.amount_minor, refunded.currency))
        }
        OrderCancelled::NAME => {
            let cancelled = event.fact::<OrderCancelled>()?;
            let fee = Some(cancelled.fee_minor).filter(|fee| *fee > 0);
            (Template::OrderCancelled, 0, Params { amount_minor: fee, reason: Some(cancelled.reason), ..Params::default() })
        }
        CookingStarted::NAME => (Template::CookingStarted, 0, Params::default()),
        OrderShipped::NAME => (Template::OrderShipped, 0, Params::default()),
        OrderDelivered::NAME => (Template::OrderDelivered, 0, Params::default()),
        _ => return Err(Fault::internal("message_unknown", format!("There are no words for a {}.", event.kind))),
    };
    Ok(Draft { order_id: OrderId(event.key), template, nth, params, at: event.at })
}

fn tell(ctx: &Ctx, change: Change, draft: Draft, known: Option<&Known>, event: &Event) -> Change {
    let id: NotificationId = ctx.world().next_id();
    let message: Message = written(id, draft, known, kept(ctx));
    let said = NotificationCreated {
        notification_id: id,
        order_id: message.draft.order_id,
        template: message.draft.template.word().to_owned(),
    };
    let change = change.guarded(store::put(&message, known.is_some())).say(NewEvent::of(&said, ctx.now(), &event.correlation));
    match known {
        Some(known) if known.has_email => change.job(mail_job(ctx, id, event)),
        _ => change,
    }
}

fn mail_job(ctx: &Ctx, id: NotificationId, event: &Event) -> NewJob {
    let now = ctx.now();
    NewJob {
        kind: "mail",
        key: id.0,
        due: now,
        deadline: Some(now + MAIL_WITHIN),
        body: "{}".to_owned(),
        correlation: event.correlation.clone(),
        lease: None,
    }
}
