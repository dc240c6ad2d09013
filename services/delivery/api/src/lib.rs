//! The contract of delivery: its rpcs (delivery.proto) and the events it says.

pub mod events;
#[rustfmt::skip]
#[allow(clippy::all)]
mod generated;

pub use generated::*;
