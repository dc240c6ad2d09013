//! What delivery says, on the topic `order-events`.

use base::id::{DeliveryId, OrderId, ShopId};
use base::{Currency, Timestamp};

base::facts! {
    /// An order has left the shop, or waits at the counter.
    OrderShipped = "order.shipped.v1" on "order-events", key order_id {
        /// The order.
        order_id: OrderId,
        /// Its shop.
        shop_id: ShopId,
        /// The delivery.
        delivery_id: DeliveryId,
        /// When it is expected at the door.
        expected_at: Timestamp,
    }

    /// An order was handed over.
    OrderDelivered = "order.delivered.v1" on "order-events", key order_id {
        /// The order.
        order_id: OrderId,
        /// Its shop.
        shop_id: ShopId,
        /// The delivery.
        delivery_id: DeliveryId,
        /// The cash that was taken, in minor units.
        cash_taken_minor: i64,
        /// The currency.
        currency: Currency,
        /// When.
        delivered_at: Timestamp,
        /// What shows it: `signed`, `code`, `photo`, `by_itself`…
        proof: String,
    }

    /// An order could not be handed over.
    DeliveryFailed = "delivery.failed.v1" on "order-events", key order_id {
        /// The order.
        order_id: OrderId,
        /// Its shop.
        shop_id: ShopId,
        /// The delivery.
        delivery_id: DeliveryId,
        /// Why, for people.
        reason: String,
    }

    /// An order was called back because it is to end; it is certain now that nobody will hand it over.
    DeliveryRecalled = "delivery.recalled.v1" on "order-events", key order_id {
        /// The order.
        order_id: OrderId,
        /// Its shop.
        shop_id: ShopId,
        /// The delivery.
        delivery_id: DeliveryId,
        /// Why the order ends, as `order.cancelled` has it.
        reason: String,
        /// Who ends it: `guest`, `staff` or `platform`.
        by: String,
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
        assert_eq!(before["order_id"], fact.key(), "{}", F::KIND);
    }

    #[test]
    fn every_event_reads_its_golden_file_and_writes_it_back() {
        kept::<OrderShipped>(include_str!("../events/order.shipped.v1.json"));
        kept::<OrderDelivered>(include_str!("../events/order.delivered.v1.json"));
        kept::<DeliveryFailed>(include_str!("../events/delivery.failed.v1.json"));
        kept::<DeliveryRecalled>(include_str!("../events/delivery.recalled.v1.json"));
    }
}
