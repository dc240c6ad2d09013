//! Provider mock: a payment provider of our own, with books that last and a temper that can be set.
//!
//! Owns: charges by token, refunds, its books; latency, failures and lost answers on demand.
//! Promises: one charge per key, on the disk before it is answered; the books tell every movement.
//! Never: takes, keeps or logs a card number; knows anything of the platform that calls it.
//! Start reading at [`serve`], then `routes.rs` and `books.rs`.

mod books;
mod dialect;
mod problem;
mod provider;
mod routes;
mod serve;
mod settings;

pub use books::Books;
pub use problem::Problem;
pub use serve::{is_dropped, serve, without_socket};
pub use settings::Settings;
