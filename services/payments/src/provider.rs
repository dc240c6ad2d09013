//! What a payment provider can be asked for. Which provider it is, and how it is reached, is not known here.

use base::{BoxFuture, Currency, Fault};

/// A charge that the provider is asked for.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ChargeRequest {
    /// Names this wish; the same key never takes money twice.
    pub key: String,
    /// How much, in minor units.
    pub amount_minor: i64,
    /// The currency.
    pub currency: Currency,
    /// The provider's token of the card.
    pub token: String,
    /// Whether the money is to be taken at once, or only set aside.
    pub capture: bool,
    /// What people at the provider see: the order's id as the customer knows it.
    pub order_reference: String,
}

/// How a charge stands at the provider.
#[derive(Debug, Clone, Copy, PartialEq, Eq, serde::Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum ChargeState {
    /// The money is set aside.
    Authorised,
    /// The money was taken.
    Captured,
    /// The card said no.
    Declined,
    /// It was set aside and let go.
    Voided,
    /// The key was withdrawn before any charge had come with it; none ever will.
    Withdrawn,
}

/// A charge as the provider knows it.
#[derive(Debug, Clone, PartialEq, Eq, serde::Deserialize)]
pub struct Charge {
    /// The provider's name for it.
    pub id: String,
    /// How it stands.
    pub state: ChargeState,
}

/// One row of the provider's books.
#[derive(Debug, Clone, PartialEq, Eq, serde::Serialize, serde::Deserialize)]
pub struct BookRow {
    /// Its place in the books.
    pub seq: i64,
    /// The provider's name for the movement: the charge's for a charge, its own for a refund.
    pub id: String,
    /// The charge that it belongs to.
    pub charge_id: String,
    /// The key under which it was asked for.
    pub key: String,
    /// The order's id as we told it.
    pub order_reference: String,
    /// `authorise`, `capture`, `decline`, `void`, `refund` or `withdraw`.
    pub kind: String,
    /// How much.
    pub amount_minor: i64,
    /// The currency.
    pub currency: String,
    /// When, in microseconds since 1970, UTC.
    pub at: i64,
}

/// A payment provider.
///
/// A fault of the kind `Timeout` means that nobody knows whether it happened; of the kind `Unavailable`, that it
/// certainly did not. Anything else is a defect on one of the two sides.
pub trait Provider: Send + Sync {
    /// Asks for money.
    fn charge<'a>(&'a self, request: &'a ChargeRequest) -> BoxFuture<'a, Result<Charge, Fault>>;
    /// Asks what became of a key; none when the provider has not heard of it (yet).
    fn find<'a>(&'a self, key: &'a str) -> BoxFuture<'a, Result<Option<Charge>, Fault>>;
    /// Makes sure that no charge will come of a key; gives the charge when one has.
    fn withdraw<'a>(&'a self, key: &'a str) -> BoxFuture<'a, Result<Charge, Fault>>;
    /// Takes the money that was set aside.
    fn capture<'a>(&'a self, charge_id: &'a str, key: &'a str) -> BoxFuture<'a, Result<Charge, Fault>>;
    /// Lets go of the money that was set aside.
    fn void<'a>(&'a self, charge_id: &'a str, key: &'a str) -> BoxFuture<'a, Result<Charge, Fault>>;
    /// Gives money back; gives the provider's name for that.
    fn refund<'a>(&'a self, charge_id: &'a str, key: &'a str, amount_minor: i64) -> BoxFuture<'a, Result<String, Fault>>;
    /// Reads the books behind a place, in order.
    fn books(&self, after: i64, limit: u32) -> BoxFuture<'_, Result<Vec<BookRow>, Fault>>;
}
