//! What is told to customers, and how long it is of interest.

use std::time::Duration;

use base::id::{DeviceId, NotificationId, OrderId, ShopId};
use base::{Currency, Fault, Timestamp};
use orders_api::events::CancelReason;
use serde::{Deserialize, Serialize};

/// What a message is about.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Template {
    OrderReceived,
    OrderPaid,
    OrderPromised,
    CookingStarted,
    OrderShipped,
    OrderDelivered,
    OrderCancelled,
    PaymentRefunded,
}

/// Every template with its word in rows, events and answers.
pub const TEMPLATES: [(Template, &str); 8] = [
    (Template::OrderReceived, "order_received"),
    (Template::OrderPaid, "order_paid"),
    (Template::OrderPromised, "order_promised"),
    (Template::CookingStarted, "cooking_started"),
    (Template::OrderShipped, "order_shipped"),
    (Template::OrderDelivered, "order_delivered"),
    (Template::OrderCancelled, "order_cancelled"),
    (Template::PaymentRefunded, "payment_refunded"),
];

impl Template {
    /// Gives its word.
    pub fn word(self) -> &'static str {
        TEMPLATES.iter().find(|(template, _)| *template == self).map_or("", |(_, word)| word)
    }

    /// Finds the template of a word.
    pub fn parse(word: &str) -> Option<Template> {
        TEMPLATES.iter().find(|(_, known)| *known == word).map(|(template, _)| *template)
    }
}

/// What fills a template.
#[derive(Debug, Clone, PartialEq, Default, Serialize, Deserialize)]
pub struct Params {
    /// An amount of money, in minor units.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub amount_minor: Option<i64>,
    /// Its currency.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub currency: Option<Currency>,
    /// How many things an order has.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub things: Option<i64>,
    /// Why an order was cancelled.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub reason: Option<CancelReason>,
    /// Whether the customer fetches the order.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub pickup: bool,
}

/// A message that is about to be written.
#[derive(Debug, Clone, PartialEq)]
pub struct Draft {
    pub order_id: OrderId,
    pub template: Template,
    /// Tells messages of one order and template apart; 0 where there is one only.
    pub nth: i64,
    pub params: Params,
    pub at: Timestamp,
}

/// What is known of an order.
#[derive(Debug, Clone, PartialEq)]
pub struct Known {
    pub order_id: OrderId,
    pub shop_id: ShopId,
    pub device_id: Option<DeviceId>,
    pub language: String,
    pub has_email: bool,
    pub pickup: bool,
    pub currency: Currency,
    pub at: Timestamp,
}

/// A message.
#[derive(Debug, Clone, PartialEq)]
pub struct Message {
    pub id: NotificationId,
    pub draft: Draft,
    pub device_id: Option<DeviceId>,
    pub expires_at: Timestamp,
    pub read: bool,
}

/// Addresses a draft: whose it is, and until when it is of interest.
pub fn written(id: NotificationId, mut draft: Draft, known: Option<&Known>, kept: Duration) -> Message {
    draft.params.pickup =
        draft.params.pickup || (draft.template == Template::OrderShipped && known.is_some_and(|known| known.pickup));
    // What an order still costs is said without its currency.
    draft.params.currency = draft.params.currency.or(draft.params.amount_minor.and(known.map(|known| known.currency)));
    Message { id, device_id: known.and_then(|known| known.device_id), expires_at: draft.at + kept, read: false, draft }
}

/// Tells whether an address can stand in a mail as it is.
pub fn is_address(text: &str) -> bool {
    let plain = text.len() <= 254 && text.bytes().all(|byte| byte.is_ascii_graphic() && !b"<>()[],;:\\\"".contains(&byte));
    let parts: Vec<&str> = text.split('@').collect();
    plain && parts.len() == 2 && parts.iter().all(|part| !part.is_empty())
}

/// Why a request is refused.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum Error {
    /// No such message, or somebody else's.
    #[error("no such message")]
    NotFound,
    /// Staff did not say which order they mean.
    #[error("no order was named")]
    OrderMissing,
    /// Only a guest has messages of their own.
    #[error("only guests have messages of their own")]
    GuestsOnly,
    /// Nobody has no messages.
    #[error("nobody asks")]
    Nobody,
}

impl Error {
    /// Gives the fault that callers see.
    pub fn fault(&self) -> Fault {
        match self {
            Error::NotFound => Fault::not_found("notification_not_found", "There is no such message."),
            Error::OrderMissing => Fault::invalid("order_needed", "Say which order's messages you want to see."),
            Error::GuestsOnly => Fault::denied("guests_only", "Only guests have messages of their own."),
            Error::Nobody => Fault::unauthenticated("device_needed", "This needs the token of the device that ordered."),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn draft(template: Template) -> Draft {
        Draft { order_id: OrderId(1), template, nth: 0, params: Params::default(), at: Timestamp(5) }
    }

    #[test]
    fn a_message_belongs_to_the_guest_of_its_order_and_ends() {
        let known = Known {
            order_id: OrderId(1),
            shop_id: ShopId(1),
            device_id: Some(DeviceId(7)),
            language: "ru".into(),
            has_email: false,
            pickup: true,
            currency: Currency::RUB,
            at: Timestamp(1),
        };
        let kept = Duration::from_micros(10);
        let message = written(NotificationId(2), draft(Template::OrderShipped), Some(&known), kept);
        assert_eq!(
            (message.device_id, message.expires_at, message.draft.params.pickup),
            (Some(DeviceId(7)), Timestamp(15), true)
        );
        let early = written(NotificationId(2), draft(Template::OrderPaid), None, kept);
        assert_eq!((early.device_id, early.draft.params.pickup), (None, false));
    }

    #[test]
    fn every_template_survives_its_word() {
        for (template, word) in TEMPLATES {
            assert_eq!((Template::parse(word), template.word()), (Some(template), word));
        }
    }

    #[test]
    fn only_addresses_that_cannot_break_a_header_are_written_to() {
        assert!(is_address("anna.k+pizza@example.org"));
        for bad in ["", "a", "@b", "a@", "a@b@c", "a@b\r\nBcc: x@y", "a <b@c>", "a,b@c", "анна@пример.рф"] {
            assert!(!is_address(bad), "{bad:?}");
        }
    }
}
