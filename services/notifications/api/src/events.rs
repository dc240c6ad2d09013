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

#[cfg(test)]
mod tests {
    use base::event::Fact;
    use serde_json::Value;

    use super::*;

    #[test]
    fn the_event_reads_its_golden_file_and_writes_it_back() {
        let golden = include_str!("../events/notification.created.v1.json");
        let before: Value = serde_json::from_str(golden).unwrap();
        let fact: NotificationCreated = serde_json::from_str(golden).unwrap();
        assert_eq!(serde_json::to_value(&fact).unwrap(), before);
        assert_eq!(before["order_id"], fact.key());
    }
}
