//! One commit of many deliveries: what is written, what is said, and the timers that are set.

use std::collections::BTreeMap;

use base::id::ShopId;
use base::{Fault, Id, NewEvent, Timestamp};
use delivery_api::events::{DeliveryFailed, OrderDelivered, OrderShipped};
use host::Ctx;
use sql::Change;

use crate::domain::{Decision, Delivery, Said, Settings, Timer};
use crate::store;

/// A change in the making.
pub struct Batch<'a> {
    ctx: &'a Ctx,
    now: Timestamp,
    change: Change,
    settings: BTreeMap<ShopId, Settings>,
}

impl<'a> Batch<'a> {
    /// Begins a change at this moment.
    pub fn begin(ctx: &'a Ctx) -> Batch<'a> {
        Batch { ctx, now: ctx.now(), change: Change::new(), settings: BTreeMap::new() }
    }

    /// Gives the moment for which everything is decided.
    pub fn now(&self) -> Timestamp {
        self.now
    }

    /// Gives the settings of a shop.
    pub async fn settings(&mut self, shop: ShopId) -> Result<Settings, Fault> {
        if let Some(known) = self.settings.get(&shop) {
            return Ok(*known);
        }
        let settings = settings_or_usual(self.ctx, shop).await?;
        self.settings.insert(shop, settings);
        Ok(settings)
    }

    /// Adds a delivery that is not kept yet.
    pub fn insert(&mut self, delivery: &Delivery) {
        self.change.statements.push(store::insert(delivery));
    }

    /// Adds what was decided about a delivery.
    pub fn keep(&mut self, before: &Delivery, after: &Delivery, decision: Decision, correlation: &str) {
        if !decision.changed {
            return;
        }
        self.change.statements.push(store::update(before, after));
        for said in decision.said {
            self.change.events.push(event_of(after, said, self.now, correlation));
        }
        for timer in decision.timers {
            let (kind, due) = match timer {
                Timer::Ship(due) => (store::SHIP, due),
                Timer::Deliver(due) => (store::DELIVER, due),
            };
            match due {
                Some(due) => self.change.jobs.push(store::timer(kind, after.order_id, due, correlation)),
                None => self.change.cancels.push((kind, after.order_id.number())),
            }
        }
    }

    /// Ends the change.
    pub fn end(self) -> Change {
        self.change
    }
}

/// Gives the settings of a shop, the usual ones while it has none.
pub async fn settings_or_usual(ctx: &Ctx, shop: ShopId) -> Result<Settings, Fault> {
    let usual = Settings::usual(ctx.number("delivery_time_scale", 1.0));
    Ok(store::settings(ctx.store(), shop).await?.unwrap_or(usual))
}

fn event_of(delivery: &Delivery, said: Said, now: Timestamp, correlation: &str) -> NewEvent {
    let Delivery { order_id, shop_id, delivery_id, expected_at, delivered_at, cash_taken_minor, .. } = *delivery;
    match said {
        Said::Shipped => NewEvent::of(&OrderShipped { order_id, shop_id, delivery_id, expected_at }, now, correlation),
        Said::Delivered => {
            let (currency, proof) = (delivery.order.currency, delivery.proof.clone());
            let fact = OrderDelivered { order_id, shop_id, delivery_id, cash_taken_minor, currency, delivered_at, proof };
            NewEvent::of(&fact, now, correlation)
        }
        Said::Failed => {
            let fact = DeliveryFailed { order_id, shop_id, delivery_id, reason: delivery.reason.clone() };
            NewEvent::of(&fact, now, correlation)
        }
    }
}
