//! What inventory says, on the topic `stock-events`.

use base::id::{OrderId, ShopId, StockId};

/// One thing that an order wanted more of than there was.
#[derive(Debug, Clone, PartialEq, Eq, serde::Serialize, serde::Deserialize)]
pub struct Shortage {
    /// The thing.
    pub stock_id: StockId,
    /// How many units were wanted.
    pub wanted: i64,
    /// How many there were.
    pub available: i64,
}

base::facts! {
    /// Everything an order needs is set aside.
    StockReserved = "stock.reserved.v1" on "stock-events", key order_id {
        /// The order.
        order_id: OrderId,
        /// Its shop.
        shop_id: ShopId,
    }

    /// Something an order needs is not there; nothing was set aside.
    StockRejected = "stock.rejected.v1" on "stock-events", key order_id {
        /// The order.
        order_id: OrderId,
        /// Its shop.
        shop_id: ShopId,
        /// What is missing.
        shortages: Vec<Shortage>,
    }

    /// A level has fallen below its mark; said once per crossing.
    StockLow = "stock.low.v1" on "stock-events", key stock_id {
        /// The thing.
        stock_id: StockId,
        /// Its shop.
        shop_id: ShopId,
        /// Its short name.
        slug: String,
        /// How many units are left.
        available: i64,
        /// The mark.
        low_at: i64,
    }

    /// Staff received, counted or wasted something.
    StockChanged = "stock.changed.v1" on "stock-events", key stock_id {
        /// The thing.
        stock_id: StockId,
        /// Its shop.
        shop_id: ShopId,
        /// `receive`, `count` or `waste`.
        change: String,
        /// By how many units `available` changed.
        quantity: i64,
        /// How many units are available now.
        available: i64,
    }
}

#[cfg(test)]
mod tests {
    use base::event::Fact;
    use serde_json::Value;

    use super::*;

    /// Reads a golden file into its type and writes it back; gives the event's key.
    fn kept<F: Fact>(golden: &str) -> i64 {
        let before: Value = serde_json::from_str(golden).unwrap();
        let fact: F = serde_json::from_str(golden).unwrap();
        assert_eq!(serde_json::to_value(&fact).unwrap(), before, "{}", F::KIND);
        fact.key()
    }

    #[test]
    fn every_event_reads_its_golden_file_and_writes_it_back() {
        let order = 7_301_444_403_200_001;
        assert_eq!(kept::<StockReserved>(include_str!("../events/stock.reserved.v1.json")), order);
        assert_eq!(kept::<StockRejected>(include_str!("../events/stock.rejected.v1.json")), order);
        let thing = 7_301_444_403_200_033;
        assert_eq!(kept::<StockLow>(include_str!("../events/stock.low.v1.json")), thing);
        assert_eq!(kept::<StockChanged>(include_str!("../events/stock.changed.v1.json")), thing);
    }
}
