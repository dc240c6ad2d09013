//! The rules of stock: who gets what when it runs short, and what staff may change.

use std::collections::BTreeMap;

use base::id::{OrderId, ShopId, StockId};
use base::{Fault, Mistake, planted};
use inventory_api::events::Shortage;

/// How many units of one thing may be moved at once; far from where sums would not fit.
pub const QUANTITY_MAX: i64 = 1_000_000_000_000;
/// How many different things an order may need.
pub const NEEDS_MAX: usize = 2_000;

/// How much an order needs of each thing.
pub type Needs = BTreeMap<StockId, i64>;
/// The levels that a decision is about.
pub type Shelf = BTreeMap<StockId, Level>;

/// How much there is of one thing, in whole units.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Level {
    /// The thing.
    pub stock_id: StockId,
    /// Its shop.
    pub shop_id: ShopId,
    /// Its short name.
    pub slug: String,
    /// Free to be taken.
    pub available: i64,
    /// Set aside for orders.
    pub reserved: i64,
    /// Used up by orders.
    pub consumed: i64,
    /// All that ever came in.
    pub received: i64,
    /// The sum of what counts corrected; may be negative.
    pub corrected: i64,
    /// All that was thrown away.
    pub wasted: i64,
    /// Below this it is low.
    pub low_at: i64,
    /// Whether it is known to be low.
    pub low: bool,
    /// Counts the edits of staff.
    pub version: i64,
}

impl Level {
    /// Tells whether what came in equals what is there and what went out, with no term below zero.
    pub fn balances(&self) -> bool {
        let terms = [self.available, self.reserved, self.consumed, self.received, self.wasted];
        terms.iter().all(|term| *term >= 0)
            && self.received + self.corrected - self.wasted == self.available + self.reserved + self.consumed
    }
}

/// What one order asks for.
#[derive(Debug, Clone)]
pub struct Demand {
    /// The order.
    pub order_id: OrderId,
    /// Its shop.
    pub shop_id: ShopId,
    /// What it needs.
    pub needs: Needs,
}

/// Units that leave what is available.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Take {
    /// The thing.
    pub stock_id: StockId,
    /// How many units.
    pub quantity: i64,
    /// The mark below which it is low.
    pub low_at: i64,
    /// Whether this makes it low.
    pub crosses: bool,
}

/// What became of several demands.
#[derive(Debug, Default)]
pub struct Served {
    /// What is taken in all, one entry per thing.
    pub takes: Vec<Take>,
    /// What each order is missing, in the order of the demands; nothing for those that are served.
    pub shortages: Vec<Vec<Shortage>>,
    /// The levels that became low.
    pub lows: Vec<Level>,
}

/// Serves demands one after the other, each wholly or not at all.
pub fn serve(mut shelf: Shelf, demands: &[Demand]) -> Served {
    let mut served = Served::default();
    let mut taken: BTreeMap<StockId, i64> = BTreeMap::new();
    for demand in demands {
        let missing = missing(&shelf, demand);
        if missing.is_empty() {
            for (stock_id, quantity) in &demand.needs {
                if let Some(level) = shelf.get_mut(stock_id) {
                    level.available -= quantity;
                    level.reserved += quantity;
                    *taken.entry(*stock_id).or_default() += quantity;
                }
            }
        }
        served.shortages.push(missing);
    }
    for (stock_id, quantity) in taken {
        let Some(mut level) = shelf.remove(&stock_id) else { continue };
        let at_mark = level.available == level.low_at && planted(Mistake::LowAtTheMark);
        let crosses = !level.low && (level.available < level.low_at || at_mark);
        served.takes.push(Take { stock_id, quantity, low_at: level.low_at, crosses });
        if crosses {
            level.low = true;
            served.lows.push(level);
        }
    }
    served
}

fn missing(shelf: &Shelf, demand: &Demand) -> Vec<Shortage> {
    let of = |stock_id| shelf.get(stock_id).filter(|level| level.shop_id == demand.shop_id).map_or(0, |level| level.available);
    let shortages = demand.needs.iter().filter(|(stock_id, wanted)| of(stock_id) < **wanted);
    shortages.map(|(stock_id, wanted)| Shortage { stock_id: *stock_id, wanted: *wanted, available: of(stock_id) }).collect()
}

/// Sums up needs; refuses amounts that are none.
pub fn needs_of(pairs: impl IntoIterator<Item = (StockId, i64)>) -> Result<Needs, Error> {
    let mut needs = Needs::new();
    for (stock_id, quantity) in pairs {
        if !(1..=QUANTITY_MAX).contains(&quantity) {
            return Err(Error::NotAQuantity);
        }
        let sum = needs.entry(stock_id).or_default();
        *sum += quantity;
        if *sum > QUANTITY_MAX || needs.len() > NEEDS_MAX {
            return Err(Error::NotAQuantity);
        }
    }
    Ok(needs)
}

/// What staff change.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Edit {
    /// So many came in.
    Receive(i64),
    /// So many are there, whatever the books say.
    Count(i64),
    /// So many were thrown away.
    Waste(i64),
}

impl Edit {
    /// Gives its word in the ledger and in events.
    pub fn word(self) -> &'static str {
        match self {
            Edit::Receive(_) => "receive",
            Edit::Count(_) => "count",
            Edit::Waste(_) => "waste",
        }
    }
}

/// What an edit leads to.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Edited {
    /// The level afterwards.
    pub after: Level,
    /// By how many units `available` changed.
    pub difference: i64,
    /// Whether this makes it low.
    pub crosses: bool,
}

/// Decides an edit of staff, who saw the level at `seen`; 0 stands for whatever it is now, which only a receipt may say.
pub fn edit(level: &Level, edit: Edit, seen: i64) -> Result<Edited, Error> {
    let unchecked = seen == 0 && matches!(edit, Edit::Receive(_));
    if seen == 0 && !unchecked {
        return Err(Error::VersionMissing);
    }
    if seen != level.version && !unchecked && !planted(Mistake::StaleCountAccepted) {
        return Err(Error::Stale { version: level.version });
    }
    let (quantity, least) = match edit {
        Edit::Receive(quantity) | Edit::Waste(quantity) => (quantity, 1),
        Edit::Count(quantity) => (quantity, 0),
    };
    if !(least..=QUANTITY_MAX).contains(&quantity) || level.received > i64::MAX / 2 {
        return Err(Error::NotAQuantity);
    }
    let mut after = level.clone();
    let difference = match edit {
        Edit::Receive(quantity) => {
            after.received += quantity;
            quantity
        }
        Edit::Count(quantity) => {
            after.corrected += quantity - level.available;
            quantity - level.available
        }
        Edit::Waste(quantity) if quantity > level.available => return Err(Error::NotEnough { available: level.available }),
        Edit::Waste(quantity) => {
            after.wasted += quantity;
            -quantity
        }
    };
    after.available += difference;
    after.version += 1;
    let is_low = after.available < after.low_at;
    // Goods that come in can end what is low, but never make it so.
    after.low = if difference > 0 { level.low && is_low } else { level.low || is_low };
    if matches!(edit, Edit::Count(_)) {
        after.low = is_low;
    }
    Ok(Edited { crosses: after.low && !level.low, after, difference })
}

/// Why something is refused.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum Error {
    /// No such thing is kept.
    #[error("no such thing is kept in stock")]
    NotFound,
    /// Something of this short name is kept already.
    #[error("something of this short name is kept already")]
    Exists,
    /// The edit does not say what it saw.
    #[error("the version is missing")]
    VersionMissing,
    /// Somebody else edited meanwhile.
    #[error("the level was edited meanwhile, it is at version {version}")]
    Stale {
        /// The version now.
        version: i64,
    },
    /// Not a number of units.
    #[error("not a number of units")]
    NotAQuantity,
    /// More is to go than there is.
    #[error("there are only {available}")]
    NotEnough {
        /// What there is.
        available: i64,
    },
    /// An order cannot have all it needs.
    #[error("some of it is not there")]
    OutOfStock(Vec<Shortage>),
    /// An order holds something else than what is asked for now.
    #[error("the order holds something else")]
    HoldsOther,
    /// What was set aside is used up already.
    #[error("it is used up already")]
    UsedUp,
    /// A new thing is described badly.
    #[error("{0}")]
    BadItem(&'static str),
}

impl Error {
    /// Gives the fault that callers see.
    pub fn fault(&self) -> Fault {
        match self {
            Error::NotFound => Fault::not_found("stock_not_found", "There is no such thing in stock."),
            Error::Exists => Fault::conflict("stock_exists", "Something of this short name is kept in stock already."),
            Error::VersionMissing => Fault::invalid("version_missing", "Say the version that you have seen."),
            Error::Stale { version } => {
                Fault::conflict("stale_version", "Somebody changed it meanwhile; look again.").with("version", *version)
            }
            Error::NotAQuantity => Fault::invalid("bad_stock_quantity", "This is not a number of units that can be moved.")
                .with("quantity_max", QUANTITY_MAX),
            Error::NotEnough { available } => {
                Fault::refused("not_enough_stock", "There is less in stock than that.").with("available", *available)
            }
            Error::OutOfStock(shortages) => Fault::refused("out_of_stock", "Some of what the order needs is not in stock.")
                .with("shortages", serde_json::to_value(shortages).unwrap_or_default()),
            Error::HoldsOther => Fault::conflict("reservation_differs", "Something else is set aside for this order."),
            Error::UsedUp => Fault::refused("reservation_used_up", "What was set aside for this order is used up already."),
            Error::BadItem(why) => Fault::invalid("bad_stock_item", *why),
        }
    }
}

#[cfg(test)]
#[path = "domain_tests.rs"]
mod tests;
