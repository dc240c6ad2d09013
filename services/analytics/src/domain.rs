//! What events add to the figures.

use std::collections::BTreeMap;

use base::event::Fact;
use base::id::{OrderId, ShopId};
use base::{Event, Fault, Mistake, ShopClock, Timestamp, planted};
use kitchen_api::events::OrderReady;
use orders_api::events::{OrderCancelled, OrderCreated};
use payments_api::events::PaymentRefunded;
use serde::{Deserialize, Serialize};

/// The upper ends of the classes of cooking times, in milliseconds; the last one has none.
pub const COOKING_UP_TO_MS: [i64; 11] =
    [60_000, 120_000, 300_000, 420_000, 600_000, 900_000, 1_200_000, 1_800_000, 2_700_000, 3_600_000, i64::MAX];

/// What is kept of an order until it has ended and its placing was heard of.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "state", rename_all = "snake_case")]
pub enum Kept {
    /// Placed, and not ended: what its delivery will add.
    Open {
        /// Its shop.
        shop: ShopId,
        /// When the customer ordered.
        placed_at: Timestamp,
        /// What it costs.
        total: i64,
        /// Short name, size, quantity and price of each line.
        lines: Vec<(String, String, i64, i64)>,
    },
    /// Delivered, before its placing was heard of.
    Delivered,
    /// Cancelled, before its placing was heard of.
    Cancelled,
}

/// Sums of one shop over one stretch of time.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Sums {
    pub orders: i64,
    pub delivered: i64,
    pub cancelled: i64,
    pub revenue_minor: i64,
    pub refunded_minor: i64,
}

/// Cooking times of one class.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Cooking {
    pub orders: i64,
    pub total_ms: i64,
    pub longest_ms: i64,
}

/// What a stretch of events adds to the figures.
#[derive(Debug, Default, PartialEq)]
pub struct Figures {
    /// By shop (0 where an event names none) and type.
    pub counts: BTreeMap<(i64, String), i64>,
    /// By shop, step and stretch.
    pub series: BTreeMap<(ShopId, &'static str, String), Sums>,
    /// Quantity and revenue by shop, month, short name and size.
    pub items: BTreeMap<(ShopId, String, String, String), (i64, i64)>,
    /// By shop and class.
    pub cooking: BTreeMap<(ShopId, i64), Cooking>,
}

/// Hears events one after the other; what it found out about orders stands beside the figures.
#[derive(Default)]
pub struct Ledger {
    pub figures: Figures,
    pub orders: BTreeMap<OrderId, Kept>,
    pub clocks: BTreeMap<ShopId, ShopClock>,
}

/// The shop that an event names, if any.
#[derive(Deserialize)]
struct OfShop {
    #[serde(default)]
    shop_id: i64,
}

/// The shops whose calendar an event needs.
pub fn shop_of(event: &Event) -> Option<ShopId> {
    is_about_an_order(event).then(|| shop_in(event)).filter(|shop| shop.0 != 0)
}

/// The shop that an event names, else 0.
fn shop_in(event: &Event) -> ShopId {
    // Others have read it, and it is the longest.
    match event.name() == OrderCreated::NAME {
        true => event.fact::<OrderCreated>().map_or(ShopId(0), |order| order.shop_id),
        false => event.peek::<OfShop>().map_or(ShopId(0), |of| ShopId(of.shop_id)),
    }
}

/// Tells whether an event opens or ends an order.
pub fn is_about_an_order(event: &Event) -> bool {
    matches!(event.name(), "order.created" | "order.cancelled" | "order.delivered")
}

/// The minute of a time, UTC: `2015-01-01T16:38Z`.
pub fn minute(at: Timestamp) -> String {
    format!("{}Z", at.to_string().get(..16).unwrap_or_default())
}

impl Ledger {
    /// Adds an event.
    pub fn hear(&mut self, event: &Event) -> Result<(), Fault> {
        let shop = shop_in(event);
        *self.figures.counts.entry((shop.0, event.name().to_owned())).or_default() += 1;
        let order = OrderId(event.key);
        match event.name() {
            OrderCreated::NAME => self.created(event.fact::<OrderCreated>()?.as_ref()),
            OrderCancelled::NAME => self.cancelled(event.fact::<OrderCancelled>()?.as_ref()),
            "order.delivered" => self.delivered(order, shop, event.at),
            OrderReady::NAME => self.cooked(event.fact::<OrderReady>()?.as_ref()),
            PaymentRefunded::NAME => {
                let refunded: PaymentRefunded = event.read()?;
                self.all(refunded.shop_id).refunded_minor += refunded.amount_minor;
            }
            _ => {}
        }
        Ok(())
    }

    fn created(&mut self, order: &OrderCreated) {
        let lines =
            order.lines.iter().map(|line| (line.slug.clone(), line.size.clone(), line.quantity, line.total_minor)).collect();
        let open = Kept::Open { shop: order.shop_id, placed_at: order.placed_at, total: order.total_minor, lines };
        match self.orders.remove(&order.order_id) {
            Some(known @ Kept::Open { .. }) => {
                self.orders.insert(order.order_id, known);
                return;
            }
            None => {
                self.orders.insert(order.order_id, open);
            }
            Some(Kept::Delivered) => self.handed_over(open),
            Some(Kept::Cancelled) => {}
        }
        self.each(order.shop_id, order.placed_at, |sums| sums.orders += 1);
    }

    fn delivered(&mut self, order: OrderId, shop: ShopId, at: Timestamp) {
        match self.orders.remove(&order) {
            Some(open @ Kept::Open { .. }) => self.handed_over(open),
            None => {
                self.orders.insert(order, Kept::Delivered);
            }
            Some(ended) => {
                self.orders.insert(order, ended);
                return;
            }
        }
        self.sums(shop, "door", minute(at)).delivered += 1;
    }

    fn cancelled(&mut self, order: &OrderCancelled) {
        if self.orders.remove(&order.order_id).is_none() {
            self.orders.insert(order.order_id, Kept::Cancelled);
        }
        self.each(order.shop_id, order.placed_at, |sums| sums.cancelled += 1);
    }

    fn handed_over(&mut self, open: Kept) {
        let Kept::Open { shop, placed_at, total, lines } = open else { return };
        self.each(shop, placed_at, |sums| {
            sums.delivered += 1;
            sums.revenue_minor += total;
        });
        let month = self.clocks.get(&shop).map_or_else(String::new, |clock| clock.business_month(placed_at));
        for (slug, size, quantity, total) in lines {
            let item = self.figures.items.entry((shop, month.clone(), slug, size)).or_default();
            item.0 += if planted(Mistake::LinesCountedNotThings) { 1 } else { quantity };
            item.1 += total;
        }
    }

    fn cooked(&mut self, ready: &OrderReady) {
        let class = COOKING_UP_TO_MS.into_iter().find(|up_to| ready.cooking_ms <= *up_to).unwrap_or(i64::MAX);
        let cooking = self.figures.cooking.entry((ready.shop_id, class)).or_default();
        cooking.orders += 1;
        cooking.total_ms += ready.cooking_ms;
        cooking.longest_ms = cooking.longest_ms.max(ready.cooking_ms);
    }

    /// Changes the sums of every stretch that a time lies in.
    fn each(&mut self, shop: ShopId, at: Timestamp, change: impl Fn(&mut Sums)) {
        let (day, month) = match self.clocks.get(&shop) {
            Some(clock) => (clock.business_day(at), clock.business_month(at)),
            None => (String::new(), String::new()),
        };
        for (step, at) in [("minute", minute(at)), ("day", day), ("month", month), ("all", String::new())] {
            change(self.sums(shop, step, at));
        }
    }

    fn all(&mut self, shop: ShopId) -> &mut Sums {
        self.sums(shop, "all", String::new())
    }

    fn sums(&mut self, shop: ShopId, step: &'static str, at: String) -> &mut Sums {
        self.figures.series.entry((shop, step, at)).or_default()
    }
}

/// Why something is refused.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum Error {
    /// The figures go back further than the log.
    #[error("the log begins at {begins_at}")]
    LogTooShort {
        /// The oldest event that is left.
        begins_at: i64,
    },
    /// A rebuild is at work.
    #[error("a rebuild is at work")]
    Rebuilding,
    /// No such step.
    #[error("no such step")]
    BadStep,
}

impl Error {
    /// Gives the fault that callers see.
    pub fn fault(&self) -> Fault {
        match self {
            Error::LogTooShort { begins_at } => Fault::refused(
                "log_too_short",
                "The figures go back further than the events that are kept; rebuilt, they would lose their beginning.",
            )
            .with("log_begins_at", *begins_at),
            Error::Rebuilding => Fault::conflict("rebuild_running", "The figures are being rebuilt already."),
            Error::BadStep => Fault::invalid("bad_step", "The step is minute, day or month."),
        }
    }
}

#[cfg(test)]
#[path = "domain_tests.rs"]
mod tests;
