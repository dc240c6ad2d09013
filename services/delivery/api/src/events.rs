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
}
