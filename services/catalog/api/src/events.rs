//! What the catalogue says, on the topic `catalog-events`.

use base::id::{ItemId, ShopId};

/// A price of one size before and after.
#[derive(Debug, Clone, PartialEq, Eq, serde::Serialize, serde::Deserialize)]
pub struct PriceChange {
    /// The size.
    pub size: String,
    /// Before, in minor units; none for a new size.
    pub before_minor: Option<i64>,
    /// After, in minor units; none for a size that is gone.
    pub after_minor: Option<i64>,
}

base::facts! {
    /// A new item is on the menu.
    ItemCreated = "item.created.v1" on "catalog-events", key item_id {
        /// The item.
        item_id: ItemId,
        /// Its shop.
        shop_id: ShopId,
        /// Its short name.
        slug: String,
        /// Its version.
        version: i64,
    }

    /// An item was edited.
    ItemChanged = "item.changed.v1" on "catalog-events", key item_id {
        /// The item.
        item_id: ItemId,
        /// Its shop.
        shop_id: ShopId,
        /// Its version.
        version: i64,
    }

    /// Prices of an item changed.
    PriceChanged = "price.changed.v1" on "catalog-events", key item_id {
        /// The item.
        item_id: ItemId,
        /// Its shop.
        shop_id: ShopId,
        /// The prices that changed.
        changes: Vec<PriceChange>,
        /// The item's version.
        version: i64,
    }

    /// An item is off the menu for good.
    ItemRetired = "item.retired.v1" on "catalog-events", key item_id {
        /// The item.
        item_id: ItemId,
        /// Its shop.
        shop_id: ShopId,
        /// Its version.
        version: i64,
    }

    /// An item, or one size of it, can be had again or no longer.
    AvailabilityChanged = "availability.changed.v1" on "catalog-events", key item_id {
        /// The item.
        item_id: ItemId,
        /// Its shop.
        shop_id: ShopId,
        /// The size, or empty for all.
        size: String,
        /// Whether it can be had.
        available: bool,
        /// The item's version.
        version: i64,
    }
}

#[cfg(test)]
mod tests {
    use base::event::Fact;
    use serde_json::Value;

    use super::*;

    /// Reads a golden file into its type and writes it back.
    fn kept<F: Fact>(golden: &str) {
        let before: Value = serde_json::from_str(golden).unwrap();
        let fact: F = serde_json::from_str(golden).unwrap();
        assert_eq!(serde_json::to_value(&fact).unwrap(), before, "{}", F::KIND);
        assert_eq!(before["item_id"], fact.key(), "{}", F::KIND);
    }

    #[test]
    fn every_event_reads_its_golden_file_and_writes_it_back() {
        kept::<ItemCreated>(include_str!("../events/item.created.v1.json"));
        kept::<ItemChanged>(include_str!("../events/item.changed.v1.json"));
        kept::<PriceChanged>(include_str!("../events/price.changed.v1.json"));
        kept::<ItemRetired>(include_str!("../events/item.retired.v1.json"));
        kept::<AvailabilityChanged>(include_str!("../events/availability.changed.v1.json"));
    }
}
