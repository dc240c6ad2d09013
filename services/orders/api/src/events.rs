//! What orders says, on the topic `order-events`.

use base::id::{ItemId, MethodId, OrderId, ShopId, StockId};
use base::{Currency, Timestamp};
use serde::{Deserialize, Serialize};

/// How an order is to be paid.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum PaymentKind {
    /// By the card behind a token of the provider.
    Card,
    /// In cash, at the door or the counter.
    Cash,
}

/// How an order reaches its customer.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Fulfilment {
    /// Brought to an address.
    Delivery,
    /// Fetched at the counter.
    Pickup,
}

/// What kind of thing a line asks for.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum ItemKind {
    /// Cooked to order.
    Dish,
    /// Packed from stock.
    Goods,
}

/// One step of a recipe, frozen when the order was placed.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Step {
    /// The kind of station it needs.
    pub station: String,
    /// How long it takes, in seconds at a time scale of one.
    pub seconds: i64,
    /// The temperature it needs, in degrees Celsius; 0 where none matters.
    pub celsius: i32,
}

/// One line of an order.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Line {
    /// The item.
    pub item_id: ItemId,
    /// The item's short name.
    pub slug: String,
    /// The size.
    pub size: String,
    /// How many.
    pub quantity: i64,
    /// The price of the whole line, in minor units.
    pub total_minor: i64,
    /// Dish or goods.
    pub kind: ItemKind,
    /// The options chosen.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub options: Vec<String>,
    /// The recipe's steps; none for goods.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub steps: Vec<Step>,
}

/// What a whole order takes from stock of one thing.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct Need {
    /// The thing in stock.
    pub stock_id: StockId,
    /// How many units of it.
    pub quantity: i64,
}

/// Why an order was cancelled.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum CancelReason {
    /// The customer changed their mind.
    CustomerAsked,
    /// The shop's staff decided so.
    StaffDecided,
    /// Something that it needs is not in stock.
    OutOfStock,
    /// The payment was declined.
    PaymentDeclined,
    /// The payment could not be made in time.
    PaymentTimeout,
    /// Nobody answered about its stock in time.
    StockTimeout,
    /// The kitchen could not cook it.
    KitchenFailed,
    /// The courier could not hand it over.
    DeliveryFailed,
    /// It was not finished within its deadline.
    TooLate,
}

base::facts! {
    /// An order was placed; its prices, charges and recipes are frozen.
    OrderCreated = "order.created.v1" on "order-events", key order_id {
        /// The order.
        order_id: OrderId,
        /// Its shop.
        shop_id: ShopId,
        /// When the customer ordered.
        placed_at: Timestamp,
        /// Its lines.
        lines: Vec<Line>,
        /// What it takes from stock, summed.
        needs: Vec<Need>,
        /// What it costs, all charges included, in minor units.
        total_minor: i64,
        /// Its currency.
        currency: Currency,
        /// How it is paid.
        payment: PaymentKind,
        /// The card, when it is paid by card.
        method_id: Option<MethodId>,
        /// How it reaches the customer.
        fulfilment: Fulfilment,
        /// The customer's language.
        language: String,
        /// The guest's device, if it was a guest.
        device_id: Option<base::id::DeviceId>,
        /// Whether an e-mail address was given.
        has_email: bool,
    }

    /// An order ended without reaching its customer.
    OrderCancelled = "order.cancelled.v1" on "order-events", key order_id {
        /// The order.
        order_id: OrderId,
        /// Its shop.
        shop_id: ShopId,
        /// Why.
        reason: CancelReason,
        /// By whom: `guest`, `staff` or `platform`.
        by: String,
        /// What it would have cost.
        total_minor: i64,
        /// What it still costs; usually 0.
        fee_minor: i64,
        /// When the customer had ordered.
        placed_at: Timestamp,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use base::event::Fact;

    /// A reader of an old log meets the old text: it must still be read, and written back to the same.
    fn golden<F: Fact>(kind: &str, text: &str) {
        assert_eq!(F::KIND, kind);
        let fact: F = serde_json::from_str(text).expect("the golden event is read");
        let back = serde_json::to_value(&fact).expect("a fact is JSON");
        assert_eq!(back, serde_json::from_str::<serde_json::Value>(text).expect("the golden event is JSON"));
    }

    #[test]
    fn golden_events_are_read_and_written_back() {
        golden::<OrderCreated>("order.created.v1", include_str!("../events/order.created.v1.json"));
        golden::<OrderCancelled>("order.cancelled.v1", include_str!("../events/order.cancelled.v1.json"));
    }
}
