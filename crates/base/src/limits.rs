//! Limits that several layers must agree on. Each is met with a clear error, never with silence.

/// How many lines an order may have.
pub const ORDER_LINES_MAX: usize = 100;
/// How many of one thing a line may ask for.
pub const LINE_QUANTITY_MAX: i64 = 999;
/// How many dishes an order may have in all.
pub const ORDER_DISHES_MAX: u32 = 2_000;
/// How long an address, a note or another text from a person may be, in bytes.
pub const TEXT_BYTES_MAX: usize = 1_000;
/// How long an idempotency key may be, in bytes.
pub const IDEMPOTENCY_KEY_BYTES_MAX: usize = 200;
/// How many rows a page of a list may have.
pub const PAGE_ROWS_MAX: u32 = 200;
/// How many rows a page has when nobody says.
pub const PAGE_ROWS_DEFAULT: u32 = 50;
