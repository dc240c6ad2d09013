//! What payments hears, and what it does about it.

use std::collections::BTreeMap;
use std::sync::Arc;

use base::id::{EventId, OrderId, ShopId};
use base::{Event, Fault, Mistake, planted};
use delivery_api::events::OrderDelivered;
use host::Ctx;
use inventory_api::events::StockReserved;
use orders_api::events::{OrderCancelled, OrderCreated, PaymentKind};
use sql::Change;

use crate::domain::{Command, decide};
use crate::payment::{Method, Payment, Terms};
use crate::store;

/// Orders are placed: their money is expected.
pub async fn when_orders_created_expect_money(ctx: Ctx, events: Vec<Arc<Event>>) -> Result<Change, Fault> {
    let mut all = Change::new();
    let known = known(&ctx, &events).await?;
    for event in events {
        let order = event.fact::<OrderCreated>()?;
        let method = match order.payment {
            PaymentKind::Card => Method::Card(order.method_id),
            PaymentKind::Cash => Method::Cash,
        };
        let terms = Terms { device: order.device_id, method, amount_minor: order.total_minor, currency: order.currency };
        let payment = known.get(&order.order_id);
        all = all.and(react(&ctx, payment, order.order_id, order.shop_id, Command::Expect(terms), &event)?);
    }
    Ok(all)
}

/// Stock is set aside: cards are charged, cash is promised.
pub async fn when_stock_reserved_take_payment(ctx: Ctx, events: Vec<Arc<Event>>) -> Result<Change, Fault> {
    let mut all = Change::new();
    let known = known(&ctx, &events).await?;
    for event in events {
        let stock: StockReserved = event.read()?;
        let payment = known.get(&stock.order_id);
        all = all.and(react(&ctx, payment, stock.order_id, stock.shop_id, Command::Begin, &event)?);
    }
    Ok(all)
}

/// An order is cancelled: nothing is taken any more, and what was taken goes back but for the fee.
pub async fn when_order_cancelled_give_back(ctx: Ctx, event: Arc<Event>) -> Result<Change, Fault> {
    let order: OrderCancelled = event.read()?;
    let refund = ctx.world().next_id::<EventId>().0;
    let cancel = Command::Cancel { fee_minor: order.fee_minor, refund };
    let payment = store::payment_of_order(ctx.store(), order.order_id).await?;
    react(&ctx, payment.as_ref(), order.order_id, order.shop_id, cancel, &event)
}

/// Orders are handed over: the cash that was taken at the door is noted.
pub async fn when_orders_delivered_take_cash(ctx: Ctx, events: Vec<Arc<Event>>) -> Result<Change, Fault> {
    let mut all = Change::new();
    for event in events {
        let order: OrderDelivered = event.read()?;
        // A paid order has nothing to take; its payment need not even be read.
        if order.cash_taken_minor > 0 && !planted(Mistake::CashNotNoted) {
            let entry = ctx.world().next_id::<EventId>().0;
            let cash =
                Command::TakeCash { amount_minor: order.cash_taken_minor, entry, refund: ctx.world().next_id::<EventId>().0 };
            let payment = store::payment_of_order(ctx.store(), order.order_id).await?;
            all = all.and(react(&ctx, payment.as_ref(), order.order_id, order.shop_id, cash, &event)?);
        }
    }
    Ok(all)
}

async fn known(ctx: &Ctx, events: &[Arc<Event>]) -> Result<BTreeMap<OrderId, Payment>, Fault> {
    let orders: Vec<OrderId> = events.iter().map(|event| OrderId(event.key)).collect();
    store::payments_of(ctx.store(), &orders).await
}

fn react(
    ctx: &Ctx,
    payment: Option<&Payment>,
    order: OrderId,
    shop: ShopId,
    command: Command,
    event: &Event,
) -> Result<Change, Fault> {
    let decision = decide(order, shop, payment, command, ctx.now()).map_err(|error| error.fault())?;
    Ok(store::change_of(payment, decision, &event.correlation))
}
