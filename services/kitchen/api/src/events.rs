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
        /// Why, for people: `station_broken` or `no_station`.
        reason: String,
    }
}
