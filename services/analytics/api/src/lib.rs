//! The contract of analytics: its rpcs (analytics.proto). It says no events.

#[rustfmt::skip]
#[allow(clippy::all)]
mod generated;

pub use generated::*;
