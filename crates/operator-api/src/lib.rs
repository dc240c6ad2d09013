//! The contract of operators (operator.proto): health, pause, dead letters and acts of any service.

#[rustfmt::skip]
#[allow(clippy::all)]
mod generated;

pub use generated::*;
