//! What a payment is: its states, its terms, and the movements of its money.

use base::id::{DeviceId, MethodId, OrderId, PaymentId, ShopId};
use base::{Currency, Timestamp};
use payments_api::events::FailureReason;

/// How the money is to come.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Method {
    /// From a card, if its token is known.
    Card(Option<MethodId>),
    /// In cash, when the order is handed over.
    Cash,
}

/// How far a payment has come.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum State {
    /// The stock is set aside; the order itself has not been heard of yet.
    Reserved,
    /// The order is known; its stock is not set aside yet.
    Expected,
    /// The provider is being asked for money.
    Requested,
    /// The order was cancelled while the provider was being asked: what it took, if anything, goes back.
    Withdrawing,
    /// The customer will pay in cash.
    Promised,
    /// The money is here.
    Captured,
    /// Some of it is on its way back.
    Refunding,
    /// All of it went back.
    Refunded,
    /// No money came, and none will.
    Failed,
    /// A request or a promise was given up.
    Voided,
    /// The order ended before anybody was asked for money.
    Cancelled,
}

/// Every state with its word in rows and answers.
pub const STATES: [(State, &str); 11] = [
    (State::Reserved, "reserved"),
    (State::Expected, "expected"),
    (State::Requested, "requested"),
    (State::Withdrawing, "withdrawing"),
    (State::Promised, "promised"),
    (State::Captured, "captured"),
    (State::Refunding, "refunding"),
    (State::Refunded, "refunded"),
    (State::Failed, "failed"),
    (State::Voided, "voided"),
    (State::Cancelled, "cancelled"),
];

impl State {
    /// Gives its word.
    pub fn word(self) -> &'static str {
        STATES.iter().find(|(state, _)| *state == self).expect("every state has its word: a test walks them").1
    }

    /// Finds the state of a word.
    pub fn of(word: &str) -> Option<State> {
        STATES.iter().find(|(_, known)| *known == word).map(|(state, _)| *state)
    }
}

/// The money of one order.
#[derive(Debug, Clone, PartialEq)]
pub struct Payment {
    /// Its id: the number of its order.
    pub id: PaymentId,
    /// The shop.
    pub shop: ShopId,
    /// The guest's device, who may see it.
    pub device: Option<DeviceId>,
    /// How the money is to come.
    pub method: Method,
    /// How far it has come.
    pub state: State,
    /// What the order costs.
    pub amount_minor: i64,
    /// The currency.
    pub currency: Currency,
    /// What a cancelled order still costs.
    pub fee_minor: i64,
    /// What was taken.
    pub taken_minor: i64,
    /// What is on its way back.
    pub refunding_minor: i64,
    /// What went back.
    pub refunded_minor: i64,
    /// Why it failed.
    pub reason: Option<FailureReason>,
    /// How often the provider was asked for the money.
    pub attempts: i64,
    /// When it was first to be asked.
    pub requested_at: Option<Timestamp>,
    /// When it was first heard of.
    pub created_at: Timestamp,
    /// When it last changed.
    pub changed_at: Timestamp,
    /// Grows by one with every change; 0 before the first.
    pub version: i64,
}

impl Payment {
    /// Gives the order.
    pub fn order(&self) -> OrderId {
        OrderId(self.id.0)
    }

    /// Gives what is here and not on its way back.
    pub fn held_minor(&self) -> i64 {
        self.taken_minor - self.refunded_minor - self.refunding_minor
    }

    /// Makes the payment of an order of which nothing else is known yet.
    pub(crate) fn blank(order: OrderId, shop: ShopId, state: State, now: Timestamp) -> Payment {
        Payment {
            id: PaymentId(order.0),
            shop,
            device: None,
            method: Method::Card(None),
            state,
            amount_minor: 0,
            currency: Currency::USD,
            fee_minor: 0,
            taken_minor: 0,
            refunding_minor: 0,
            refunded_minor: 0,
            reason: None,
            attempts: 0,
            requested_at: None,
            created_at: now,
            changed_at: now,
            version: 0,
        }
    }
}

/// What an order says about its payment when it is placed.
#[derive(Debug, Clone, PartialEq)]
pub struct Terms {
    /// The guest's device.
    pub device: Option<DeviceId>,
    /// How it is paid.
    pub method: Method,
    /// What it costs.
    pub amount_minor: i64,
    /// In which currency.
    pub currency: Currency,
}

/// A movement of money, or the attempt at one.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Entry {
    /// Its id.
    pub id: i64,
    /// What it is.
    pub kind: EntryKind,
    /// How much.
    pub amount_minor: i64,
    /// The provider's name for it; empty for cash and while it is on its way.
    pub provider_id: String,
    /// Whether it has happened.
    pub done: bool,
}

/// What a movement is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum EntryKind {
    /// The provider took money.
    Capture,
    /// The provider refused to.
    Decline,
    /// The provider gave money back.
    Refund,
    /// Cash was taken.
    Cash,
    /// Cash was given back.
    CashBack,
}

/// Every kind of entry with its word.
pub const ENTRY_KINDS: [(EntryKind, &str); 5] = [
    (EntryKind::Capture, "capture"),
    (EntryKind::Decline, "decline"),
    (EntryKind::Refund, "refund"),
    (EntryKind::Cash, "cash"),
    (EntryKind::CashBack, "cash_back"),
];

impl EntryKind {
    /// Gives its word.
    pub fn word(self) -> &'static str {
        ENTRY_KINDS.iter().find(|(kind, _)| *kind == self).expect("every kind has its word: a test walks them").1
    }

    /// Finds the kind of a word.
    pub fn of(word: &str) -> Option<EntryKind> {
        ENTRY_KINDS.iter().find(|(_, known)| *known == word).map(|(kind, _)| *kind)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_word_leads_back_to_its_state_and_kind() {
        for (state, word) in STATES {
            assert_eq!((State::of(word), state.word()), (Some(state), word));
        }
        for (kind, word) in ENTRY_KINDS {
            assert_eq!((EntryKind::of(word), kind.word()), (Some(kind), word));
        }
        assert_eq!(State::of("paid"), None);
    }
}
