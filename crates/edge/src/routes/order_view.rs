//! An order as the outside sees it.

use base::id::{ItemId, OrderId, ShopId};
use orders_api::{Order as Message, OrderPage as MessagePage};
use serde::Serialize;
use utoipa::ToSchema;

use crate::Edge;
use crate::shape::{Money, Texts, Time, money, some, time};

/// The states of an order, in the order in which it usually comes to them.
pub(crate) const STATES: &[&str] =
    &["pending", "reserved", "paid", "promised", "cooking", "ready", "shipped", "delivered", "cancelled"];

/// A line of an order.
#[derive(Serialize, ToSchema)]
pub(crate) struct OrderLine {
    /// The item's id: `itm_…`.
    item_id: String,
    /// The item's short name.
    item: String,
    name: Texts,
    size: String,
    /// How many.
    quantity: i64,
    /// What one costs, options included.
    unit: Money,
    /// What all of the line cost.
    total: Money,
    /// `dish` or `goods`.
    kind: String,
    /// The options, by their short names.
    options: Vec<String>,
}

/// A charge beside the lines.
#[derive(Serialize, ToSchema)]
pub(crate) struct OrderCharge {
    /// `delivery_fee`, `tax`, `discount` or `tip`.
    kind: String,
    amount: Money,
    /// An included charge is part of the lines.
    included: bool,
    /// The rate of a tax, in basis points (887 is 8.87 %); 0 for other charges.
    rate_bp: i64,
}

/// An order.
#[derive(Serialize, ToSchema)]
pub(crate) struct Order {
    /// Its id: `ord_…`.
    pub(crate) order_id: String,
    /// The shop's id: `shp_…`.
    shop_id: String,
    /// `pending`, `reserved`, `paid`, `promised`, `cooking`, `ready`, `shipped`, `delivered` or `cancelled`.
    pub(crate) state: String,
    lines: Vec<OrderLine>,
    charges: Vec<OrderCharge>,
    /// What it costs, charges included.
    total: Money,
    /// `card` or `cash`.
    payment: String,
    /// `delivery` or `pickup`.
    fulfilment: String,
    /// When the guest ordered.
    placed_at: Option<Time>,
    /// When this platform took it on.
    accepted_at: Option<Time>,
    /// When its state changed the last time.
    changed_at: Option<Time>,
    /// Why it was cancelled.
    reason: Option<String>,
    /// Who cancelled it.
    cancelled_by: Option<String>,
    /// What a cancelled order still costs.
    fee: Option<Money>,
    /// Whether it can still be cancelled.
    cancellable: bool,
    /// The language of the messages about it, such as `en`.
    language: String,
    /// Staff's own name for it.
    reference: Option<String>,
    /// Grows with every change.
    version: i64,
}

impl Order {
    /// Leaves out what is no business of somebody to whom the guest has shown the order.
    pub(crate) fn by_link(self) -> Order {
        Order { reference: None, cancellable: false, ..self }
    }
}

/// A page of orders.
#[derive(Serialize, ToSchema)]
pub(crate) struct OrderPage {
    orders: Vec<Order>,
    /// What to send as `after` for the next page.
    next: Option<String>,
}

pub(crate) fn shown(edge: &Edge, order: Message) -> Order {
    let currency = &order.currency;
    let lines = order.lines.into_iter().map(|line| OrderLine {
        item_id: edge.id::<ItemId>(line.item_id),
        item: line.slug,
        name: line.name.into_iter().collect(),
        size: line.size,
        quantity: line.quantity,
        unit: money(line.unit_minor, currency),
        total: money(line.total_minor, currency),
        kind: line.kind,
        options: line.options,
    });
    let charges = order.charges.into_iter().map(|charge| OrderCharge {
        kind: charge.kind,
        amount: money(charge.amount_minor, currency),
        included: charge.included,
        rate_bp: charge.rate_bp,
    });
    Order {
        order_id: edge.id::<OrderId>(order.order_id),
        shop_id: edge.id::<ShopId>(order.shop_id),
        lines: lines.collect(),
        charges: charges.collect(),
        total: money(order.total_minor, currency),
        fee: (order.state == "cancelled").then(|| money(order.fee_minor, currency)),
        state: order.state,
        payment: order.payment,
        fulfilment: order.fulfilment,
        placed_at: time(order.placed_at),
        accepted_at: time(order.accepted_at),
        changed_at: time(order.changed_at),
        reason: some(order.reason),
        cancelled_by: some(order.cancelled_by),
        cancellable: order.cancellable,
        language: order.language,
        reference: some(order.reference),
        version: order.version,
    }
}

pub(crate) fn page(edge: &Edge, page: MessagePage) -> OrderPage {
    let next = edge.next(&page.next);
    OrderPage { orders: page.orders.into_iter().map(|order| shown(edge, order)).collect(), next }
}
