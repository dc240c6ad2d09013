//! What notifications says, on the topic `notification-events`.

use base::id::{NotificationId, OrderId};

base::facts! {
    /// A message to a person was written.
    NotificationCreated = "notification.created.v1" on "notification-events", key order_id {
        /// The message.
        notification_id: NotificationId,
        /// The order.
        order_id: OrderId,
        /// What it is about, such as `order_paid`.
        template: String,
    }
}
