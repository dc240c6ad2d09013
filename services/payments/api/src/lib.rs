//! The contract of payments: its rpcs (payments.proto) and the events it says.

pub mod card;
pub mod events;
#[rustfmt::skip]
#[allow(clippy::all)]
mod generated;

pub use generated::*;
