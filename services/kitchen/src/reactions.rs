//! What the kitchen does about what others say. A burst of orders becomes one commit.

use std::sync::Arc;

use base::id::{OrderId, ShopId, TicketId};
use base::{Event, Fault, Timestamp};
use host::{Change, Ctx};
use orders_api::events::{ItemKind, Line, OrderCancelled, OrderCreated};
use payments_api::events::{OrderPaid, PaymentPromised};

use crate::batch::Batch;
use crate::domain::{State, Step, Ticket, TicketLine};
use crate::store;

/// Writes a ticket for every order; those whose payment was heard before are booked at once.
pub async fn when_orders_created_write_tickets(ctx: Ctx, events: Vec<Arc<Event>>) -> Result<Change, Fault> {
    let mut orders = Vec::with_capacity(events.len());
    for event in &events {
        orders.push((event, event.fact::<OrderCreated>()?));
    }
    let ids: Vec<OrderId> = orders.iter().map(|(_, order)| order.order_id).collect();
    let known = store::tickets(ctx.store(), &ids).await?;
    let mut batch = Batch::begin(&ctx);
    for (event, order) in orders {
        let lines = lines_of(&order.lines);
        let state = if lines.is_empty() { State::Nothing } else { State::Waiting };
        match known.get(&order.order_id) {
            None => batch.insert(&Ticket { lines, ..blank(&ctx, order.order_id, order.shop_id, state) }),
            Some(early) if early.state == State::PaidEarly => {
                let mut ticket = Ticket { lines, state, ..early.clone() };
                let (now, until) = (batch.now(), batch.begins(order.order_id).await?);
                let mut decision = ticket.book_held(batch.floor(order.shop_id).await?, now, until);
                // An order without dishes is only noted: nobody waits for its payment any more.
                decision.changed = true;
                batch.keep(early, &ticket, decision, &event.correlation);
            }
            Some(_) => {}
        }
    }
    Ok(batch.end())
}

/// Books the dishes of orders whose money is there, or promised. What was paid at the door was cooked long ago.
pub async fn when_orders_paid_or_promised_book_them(ctx: Ctx, events: Vec<Arc<Event>>) -> Result<Change, Fault> {
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
    let known = store::tickets(ctx.store(), &ids).await?;
    let mut batch = Batch::begin(&ctx);
    for (event, order, shop) in paid {
        match known.get(&order) {
            None => batch.insert(&blank(&ctx, order, shop, State::PaidEarly)),
            // Heard again, for example under another name: nothing more is known now than then.
            Some(early) if early.state == State::PaidEarly => {}
            Some(before) => {
                let mut ticket = before.clone();
                let (now, until) = (batch.now(), batch.begins(order).await?);
                let decision = ticket.book_held(batch.floor(shop).await?, now, until);
                batch.keep(before, &ticket, decision, &event.correlation);
            }
        }
    }
    Ok(batch.end())
}

/// Takes back the tickets of cancelled orders that nobody has begun.
pub async fn when_orders_cancelled_take_tickets_back(ctx: Ctx, events: Vec<Arc<Event>>) -> Result<Change, Fault> {
    let mut cancelled = Vec::with_capacity(events.len());
    for event in &events {
        cancelled.push((event, event.fact::<OrderCancelled>()?));
    }
    let ids: Vec<OrderId> = cancelled.iter().map(|(_, order)| order.order_id).collect();
    let known = store::tickets(ctx.store(), &ids).await?;
    let mut batch = Batch::begin(&ctx);
    for (event, order) in cancelled {
        let Some(before) = known.get(&order.order_id) else { continue };
        let mut ticket = before.clone();
        let decision = ticket.cancel(batch.floor(order.shop_id).await?);
        batch.keep(before, &ticket, decision, &event.correlation);
    }
    Ok(batch.end())
}

fn blank(ctx: &Ctx, order_id: OrderId, shop_id: ShopId, state: State) -> Ticket {
    Ticket {
        order_id,
        shop_id,
        ticket_id: ctx.world().next_id::<TicketId>(),
        state,
        lines: Vec::new(),
        starts_at: Timestamp(0),
        ready_at: Timestamp(0),
        time_scale: 1.0,
        reason: String::new(),
        version: 0,
    }
}

/// Gives the lines that are cooked; goods are none of the kitchen's business.
fn lines_of(lines: &[Line]) -> Vec<TicketLine> {
    let dishes = lines.iter().enumerate().filter(|(_, line)| line.kind == ItemKind::Dish && line.quantity > 0);
    let lines = dishes.map(|(number, line)| TicketLine {
        line: u32::try_from(number).unwrap_or(u32::MAX),
        slug: line.slug.clone(),
        size: line.size.clone(),
        options: line.options.clone(),
        quantity: u32::try_from(line.quantity).unwrap_or(u32::MAX),
        steps: line.steps.iter().map(step_of).collect(),
        ..TicketLine::default()
    });
    lines.collect()
}

fn step_of(step: &orders_api::events::Step) -> Step {
    Step { station_kind: step.station.clone(), seconds: step.seconds, celsius: step.celsius }
}
