//! What delivery does about what others say. A burst of orders becomes one commit.

use std::sync::Arc;

use base::id::{DeliveryId, OrderId, ShopId};
use base::{Currency, Event, Fault, Timestamp};
use host::{Change, Ctx};
use kitchen_api::events::OrderReady;
use orders_api::events::{Fulfilment, ItemKind, OrderCancelled, OrderCreated, PaymentKind};
use payments_api::events::{OrderPaid, PaymentPromised};

use crate::batch::Batch;
use crate::domain::{Delivery, Order, State};
use crate::store;

/// Expects to deliver an order; what was heard of it before counts now.
pub async fn when_orders_created_expect_to_deliver(ctx: Ctx, events: Vec<Arc<Event>>) -> Result<Change, Fault> {
    let mut orders = Vec::with_capacity(events.len());
    for event in &events {
        orders.push((event, event.fact::<OrderCreated>()?));
    }
    let ids: Vec<OrderId> = orders.iter().map(|(_, order)| order.order_id).collect();
    let known = store::deliveries(ctx.store(), &ids).await?;
    let mut batch = Batch::begin(&ctx);
    for (event, created) in orders {
        let order = order_of(&created);
        match known.get(&created.order_id) {
            None => batch.insert(&blank(&ctx, created.order_id, created.shop_id, State::Waiting, order)),
            Some(before) => {
                let mut delivery = before.clone();
                let (settings, now) = (batch.settings(created.shop_id).await?, batch.now());
                let decision = delivery.is_created(order, &settings, now);
                batch.keep(before, &delivery, decision, &event.correlation);
            }
        }
    }
    Ok(batch.end())
}

/// Packs the goods of orders whose money is there, or promised. Cash that was taken at the door comes too late to matter.
pub async fn when_orders_paid_or_promised_pack_goods(ctx: Ctx, events: Vec<Arc<Event>>) -> Result<Change, Fault> {
    let mut paid = Vec::with_capacity(events.len());
    for event in &events {
        match event.name() {
            "order.paid" => {
                let fact = event.fact::<OrderPaid>()?;
                if fact.method == "card" {
                    paid.push((event, fact.order_id, fact.shop_id));
                }
            }
            _ => {
                let fact = event.fact::<PaymentPromised>()?;
                paid.push((event, fact.order_id, fact.shop_id));
            }
        }
    }
    let ids: Vec<OrderId> = paid.iter().map(|(_, order, _)| *order).collect();
    let known = store::deliveries(ctx.store(), &ids).await?;
    let mut batch = Batch::begin(&ctx);
    for (event, order, shop) in paid {
        match known.get(&order) {
            None => batch.insert(&blank(&ctx, order, shop, State::PaidEarly, UNHEARD)),
            Some(before) => {
                let mut delivery = before.clone();
                let (settings, now) = (batch.settings(shop).await?, batch.now());
                let decision = delivery.is_paid(&settings, now);
                batch.keep(before, &delivery, decision, &event.correlation);
            }
        }
    }
    Ok(batch.end())
}

/// Carries what the kitchen has ready.
pub async fn when_orders_ready_carry_them(ctx: Ctx, events: Vec<Arc<Event>>) -> Result<Change, Fault> {
    let mut ready = Vec::with_capacity(events.len());
    for event in &events {
        ready.push((event, event.fact::<OrderReady>()?));
    }
    let ids: Vec<OrderId> = ready.iter().map(|(_, fact)| fact.order_id).collect();
    let known = store::deliveries(ctx.store(), &ids).await?;
    let mut batch = Batch::begin(&ctx);
    for (event, fact) in ready {
        match known.get(&fact.order_id) {
            None => batch.insert(&blank(&ctx, fact.order_id, fact.shop_id, State::ReadyEarly, UNHEARD)),
            Some(before) => {
                let mut delivery = before.clone();
                let (settings, now) = (batch.settings(fact.shop_id).await?, batch.now());
                let decision = delivery.is_ready(&settings, now);
                batch.keep(before, &delivery, decision, &event.correlation);
            }
        }
    }
    Ok(batch.end())
}

/// Calls back what was cancelled.
pub async fn when_orders_cancelled_call_back(ctx: Ctx, events: Vec<Arc<Event>>) -> Result<Change, Fault> {
    let mut cancelled = Vec::with_capacity(events.len());
    for event in &events {
        cancelled.push((event, event.fact::<OrderCancelled>()?));
    }
    let ids: Vec<OrderId> = cancelled.iter().map(|(_, order)| order.order_id).collect();
    let known = store::deliveries(ctx.store(), &ids).await?;
    let mut batch = Batch::begin(&ctx);
    for (event, order) in cancelled {
        let Some(before) = known.get(&order.order_id) else { continue };
        let mut delivery = before.clone();
        let decision = delivery.call_back();
        batch.keep(before, &delivery, decision, &event.correlation);
    }
    Ok(batch.end())
}

/// Stands for an order that was not heard yet.
pub(crate) const UNHEARD: Order = Order { carried: false, pickup: false, cash: false, total_minor: 0, currency: Currency::USD };

fn order_of(created: &OrderCreated) -> Order {
    Order {
        carried: created.lines.iter().any(|line| line.kind == ItemKind::Dish && line.quantity > 0),
        pickup: created.fulfilment == Fulfilment::Pickup,
        cash: created.payment == PaymentKind::Cash,
        total_minor: created.total_minor,
        currency: created.currency,
    }
}

/// Makes a delivery of which nothing is kept yet.
pub(crate) fn blank(ctx: &Ctx, order_id: OrderId, shop_id: ShopId, state: State, order: Order) -> Delivery {
    Delivery {
        order_id,
        delivery_id: ctx.world().next_id::<DeliveryId>(),
        shop_id,
        state,
        order,
        shipped_at: Timestamp(0),
        expected_at: Timestamp(0),
        delivered_at: Timestamp(0),
        cash_taken_minor: 0,
        proof: String::new(),
        reason: String::new(),
        version: 0,
    }
}
