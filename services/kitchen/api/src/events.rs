//! What the kitchen says, on the topic `kitchen-events`.

use base::Timestamp;
use base::id::{OrderId, ShopId, TicketId};

base::facts! {
    /// The first dish of an order is being made.
    CookingStarted = "cooking.started.v1" on "kitchen-events", key order_id {
        /// The order.
        order_id: OrderId,
        /// Its shop.
        shop_id: ShopId,
        /// The ticket.
        ticket_id: TicketId,
        /// When the last dish will be ready, as booked.
        ready_at: Timestamp,
    }

    /// Dishes of an order have other times than before: a cook bumped or recalled them, or they moved to other stations.
    TicketChanged = "ticket.changed.v1" on "kitchen-events", key order_id {
        /// The order.
        order_id: OrderId,
        /// Its shop.
        shop_id: ShopId,
        /// The ticket.
        ticket_id: TicketId,
        /// When the last dish will be ready now.
        ready_at: Timestamp,
        /// Why: `bumped`, `recalled` or `moved`.
        why: String,
    }

    /// Every dish of an order is ready.
    OrderReady = "order.ready.v1" on "kitchen-events", key order_id {
        /// The order.
        order_id: OrderId,
        /// Its shop.
        shop_id: ShopId,
        /// The ticket.
        ticket_id: TicketId,
        /// From the first step to the last, in milliseconds at a time scale of one.
        cooking_ms: i64,
    }

    /// The kitchen cannot make an order.
    CookingFailed = "cooking.failed.v1" on "kitchen-events", key order_id {
        /// The order.
        order_id: OrderId,
        /// Its shop.
        shop_id: ShopId,
        /// The ticket.
        ticket_id: TicketId,
        /// Why: `station_broken`, `no_station` or `too_many_dishes`.
        reason: String,
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
        kept::<CookingStarted>(include_str!("../events/cooking.started.v1.json"));
        kept::<TicketChanged>(include_str!("../events/ticket.changed.v1.json"));
        kept::<OrderReady>(include_str!("../events/order.ready.v1.json"));
        kept::<CookingFailed>(include_str!("../events/cooking.failed.v1.json"));
    }
}
