//! What payments says, on the topic `payment-events`.

use base::Currency;
use base::id::{OrderId, PaymentId, ShopId};
use serde::{Deserialize, Serialize};

/// Why money was not taken.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum FailureReason {
    /// The provider said no.
    Declined,
    /// The provider could not be reached in time.
    ProviderUnavailable,
    /// The card's token is not known.
    UnknownMethod,
}

base::facts! {
    /// The provider is being asked for money.
    PaymentRequested = "payment.requested.v1" on "payment-events", key order_id {
        /// The order.
        order_id: OrderId,
        /// Its shop.
        shop_id: ShopId,
        /// The payment.
        payment_id: PaymentId,
        /// How much, in minor units.
        amount_minor: i64,
        /// The currency.
        currency: Currency,
    }

    /// The money was taken: captured by the provider, or in cash.
    OrderPaid = "order.paid.v1" on "payment-events", key order_id {
        /// The order.
        order_id: OrderId,
        /// Its shop.
        shop_id: ShopId,
        /// The payment.
        payment_id: PaymentId,
        /// How much, in minor units.
        amount_minor: i64,
        /// The currency.
        currency: Currency,
        /// `card` or `cash`.
        method: String,
    }

    /// The customer will pay in cash; cooking may begin.
    PaymentPromised = "payment.promised.v1" on "payment-events", key order_id {
        /// The order.
        order_id: OrderId,
        /// Its shop.
        shop_id: ShopId,
        /// The payment.
        payment_id: PaymentId,
        /// How much is due, in minor units.
        amount_minor: i64,
        /// The currency.
        currency: Currency,
    }

    /// No money was taken, and none will be.
    PaymentFailed = "payment.failed.v1" on "payment-events", key order_id {
        /// The order.
        order_id: OrderId,
        /// Its shop.
        shop_id: ShopId,
        /// The payment.
        payment_id: PaymentId,
        /// Why.
        reason: FailureReason,
    }

    /// Money was given back.
    PaymentRefunded = "payment.refunded.v1" on "payment-events", key order_id {
        /// The order.
        order_id: OrderId,
        /// Its shop.
        shop_id: ShopId,
        /// The payment.
        payment_id: PaymentId,
        /// How much this time, in minor units.
        amount_minor: i64,
        /// The currency.
        currency: Currency,
    }

    /// An authorisation or a promise was given up; nothing was taken.
    PaymentVoided = "payment.voided.v1" on "payment-events", key order_id {
        /// The order.
        order_id: OrderId,
        /// Its shop.
        shop_id: ShopId,
        /// The payment.
        payment_id: PaymentId,
    }
}

#[cfg(test)]
mod tests {
    use base::event::Fact;

    use super::*;

    fn golden<F: Fact>(text: &str) -> F {
        let written: serde_json::Value = serde_json::from_str(text).expect("a golden file is JSON");
        let fact: F = serde_json::from_value(written.clone()).expect("a golden file fits its type");
        assert_eq!(serde_json::to_value(&fact).unwrap(), written, "{}", F::KIND);
        fact
    }

    #[test]
    fn golden_events_read_and_write_back_as_they_are() {
        let requested: PaymentRequested = golden(include_str!("../events/payment.requested.v1.json"));
        let paid: OrderPaid = golden(include_str!("../events/order.paid.v1.json"));
        let promised: PaymentPromised = golden(include_str!("../events/payment.promised.v1.json"));
        let failed: PaymentFailed = golden(include_str!("../events/payment.failed.v1.json"));
        let refunded: PaymentRefunded = golden(include_str!("../events/payment.refunded.v1.json"));
        let voided: PaymentVoided = golden(include_str!("../events/payment.voided.v1.json"));
        let keys = [requested.key(), paid.key(), promised.key(), failed.key(), refunded.key(), voided.key()];
        assert_eq!(keys, [1_001; 6], "payment events are about the order");
    }
}
