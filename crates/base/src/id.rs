//! Typed ids: 63-bit numbers inside, ordered by time; permuted text with a prefix outside.

use std::fmt;

use serde::{Deserialize, Serialize};

use crate::{Fault, PlatformKey};

/// What every typed id can do.
pub trait Id: Copy + Ord + fmt::Debug + Send + Sync + 'static {
    /// The prefix of its text, such as `ord`.
    const PREFIX: &'static str;
    /// The name of its field in events and in REST bodies, such as `order_id`.
    const FIELD: &'static str;

    /// Makes the id of its number.
    fn of(number: i64) -> Self;

    /// Gives its number.
    fn number(self) -> i64;

    /// Shows it to the outside, permuted with the platform's key: `ord_01h4…`.
    fn show(self, key: &PlatformKey) -> String {
        show(Self::PREFIX, self.number(), key)
    }

    /// Reads what [`Id::show`] wrote; anything else is refused with a code such as `bad_order_id`.
    fn read(text: &str, key: &PlatformKey) -> Result<Self, Fault> {
        read(Self::PREFIX, text, key).map(Self::of).ok_or_else(|| {
            Fault::invalid("bad_id", format!("This is not an id of the form {}_….", Self::PREFIX)).with("field", Self::FIELD)
        })
    }
}

/// Crockford's base 32 in lower case: no i, l, o, u.
const DIGITS: &[u8; 32] = b"0123456789abcdefghjkmnpqrstvwxyz";
/// 63 bits in digits of five bits.
const LENGTH: usize = 13;

fn show(prefix: &str, number: i64, key: &PlatformKey) -> String {
    let shown = key.permute(prefix, number);
    let mut text = String::with_capacity(prefix.len() + 1 + LENGTH);
    text.push_str(prefix);
    text.push('_');
    for place in (0..LENGTH).rev() {
        text.push(char::from(DIGITS[(shown >> (5 * place) & 31) as usize]));
    }
    text
}

fn read(prefix: &str, text: &str, key: &PlatformKey) -> Option<i64> {
    let digits = text.strip_prefix(prefix)?.strip_prefix('_')?.as_bytes();
    if digits.len() != LENGTH {
        return None;
    }
    let mut shown: i64 = 0;
    for digit in digits {
        let value = DIGITS.iter().position(|known| known == digit)?;
        shown = shown.checked_mul(32)?.checked_add(i64::try_from(value).ok()?)?;
    }
    Some(key.restore(prefix, shown))
}

/// How one kind of id is written: its field in events, its prefix outside.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct IdRule {
    /// The field's name, such as `order_id`.
    pub field: &'static str,
    /// The prefix, such as `ord`.
    pub prefix: &'static str,
}

impl IdRule {
    /// Shows a number as an id of this kind.
    pub fn show(self, number: i64, key: &PlatformKey) -> String {
        show(self.prefix, number, key)
    }
}

macro_rules! ids {
    ($($(#[$doc:meta])* $name:ident, $prefix:literal, $field:literal;)*) => {
        $(
            $(#[$doc])*
            #[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Default, Serialize, Deserialize)]
            #[serde(transparent)]
            pub struct $name(pub i64);

            impl Id for $name {
                const PREFIX: &'static str = $prefix;
                const FIELD: &'static str = $field;

                fn of(number: i64) -> Self {
                    $name(number)
                }

                fn number(self) -> i64 {
                    self.0
                }
            }
        )*

        /// Every kind of id, so that the edge can show the events of any service to the outside.
        pub const RULES: &[IdRule] = &[$(IdRule { field: $field, prefix: $prefix }),*];
    };
}

ids! {
    /// A shop or restaurant.
    ShopId, "shp", "shop_id";
    /// Somebody who works in a shop.
    StaffId, "stf", "staff_id";
    /// A guest's device.
    DeviceId, "dev", "device_id";
    /// An order.
    OrderId, "ord", "order_id";
    /// A thing on the menu: goods or a dish.
    ItemId, "itm", "item_id";
    /// A category of the menu.
    CategoryId, "cat", "category_id";
    /// A thing in stock: goods or an ingredient.
    StockId, "stk", "stock_id";
    /// A payment.
    PaymentId, "pay", "payment_id";
    /// A way of paying that a guest has given.
    MethodId, "mth", "method_id";
    /// A ticket of the kitchen.
    TicketId, "tkt", "ticket_id";
    /// A station of the kitchen.
    StationId, "stn", "station_id";
    /// A delivery.
    DeliveryId, "dlv", "delivery_id";
    /// A message to a person.
    NotificationId, "ntf", "notification_id";
    /// A record of a person that can be erased.
    ContactId, "con", "contact_id";
    /// An event.
    EventId, "evt", "event_id";
    /// A dead letter.
    DeadLetterId, "dlq", "dead_letter_id";
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ids_outside_lead_back_and_show_neither_order_nor_volume() {
        let key = PlatformKey::new(&[1; 32]);
        let first = OrderId(1_000).show(&key);
        assert_eq!(first.len(), "ord_".len() + LENGTH);
        assert_eq!(OrderId::read(&first, &key).unwrap(), OrderId(1_000));
        assert_ne!(first[..8], OrderId(1_001).show(&key)[..8]);
        assert!(ItemId::read(&first, &key).is_err(), "an id of another kind");
        for bad in ["", "ord_", "ord_1", "ord_zzzzzzzzzzzzz", "ord_ilouilouilouu", "order", "ord_0000000000000000"] {
            assert!(OrderId::read(bad, &key).is_err(), "{bad}");
        }
    }

    #[test]
    fn prefixes_and_fields_are_each_used_once() {
        for (index, rule) in RULES.iter().enumerate() {
            for other in &RULES[index + 1..] {
                assert!(rule.prefix != other.prefix && rule.field != other.field, "{rule:?} {other:?}");
            }
        }
    }
}
