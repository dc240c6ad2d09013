//! People: those who use a platform, know it only through its door and do things at bad moments, and the bookkeeper who judges
//! it by what they were answered.
//!
//! Owns: customers, the curious, staff and operators; the book of what was sent and answered; what is compared at rest.
//! Promises: all their time and chance is the world's (`base::World`), and all they know came through a [`net::Door`]: the
//! simulator and `comanda lab chaos` host the same people.
//! Never: knows a rule of the business that a client could not know.
//! Start reading at [`net`], then `customer.rs` and [`book`].

pub mod book;
pub mod chance;
mod curious;
mod customer;
mod keeper;
mod leaf;
pub mod menu;
pub mod net;
mod office;
mod receipt;
pub mod rest;
pub mod rush;
mod staff;
pub mod whims;

pub use customer::customer;
pub use office::office;
pub use staff::{deliveries, desk, kitchen, operator, reopen, repair};

use std::time::Duration;

use serde_json::Value;

use crate::book::Book;
use crate::net::{Answer, Ask, Net};
use crate::whims::Whims;

/// What people get done, by the names under which the book counts it. What is asked for and never done teaches nothing, and
/// nobody sees that by what went well: whoever lives many worlds says which of these never came about.
pub const DEEDS: [&str; 32] = [
    "availability changes",
    "bumps",
    "bumps taken back",
    "cancelled",
    "cancelled by staff",
    "cancelled too late",
    "cancelled while money went back",
    "changes looked at",
    "given up",
    "handed over",
    "keys of two guests",
    "keys reused",
    "letters given up",
    "lists leafed through",
    "lists read",
    "pauses",
    "placed",
    "placed again",
    "prices changed",
    "rebuilds",
    "receipts",
    "redriven",
    "redriven in between",
    "refunds",
    "resumptions",
    "retired",
    "shelves nearly empty",
    "stations broken",
    "stations repaired",
    "stock edits",
    "strangers",
    "the last one ordered",
];

/// Those that have dead letters and can be paused.
const SERVICES: [&str; 7] = ["inventory", "payments", "orders", "kitchen", "delivery", "notifications", "analytics"];

/// How often somebody sends the same thing again before giving up.
const TRIES: u32 = 12;

/// Sends something until it is answered for certain; none when whoever asked gave up.
pub async fn insist(net: &Net, ask: Ask, tries: u32) -> Option<Answer> {
    insist_counting(net, ask, tries).await.map(|(answer, _)| answer)
}

/// Sends something until it is answered for certain, and says how many times that took.
async fn insist_counting(net: &Net, ask: Ask, tries: u32) -> Option<(Answer, u32)> {
    for attempt in 0..tries {
        match net.send(ask.clone()).await {
            Some(answer) if !answer.is_later() => return Some((answer, attempt + 1)),
            _ => {}
        }
        let longest = 500u64 << attempt.min(6);
        net.world.sleep(Duration::from_millis(longest / 2 + net.world.below(longest))).await;
    }
    None
}

/// A dead letter says why it is one.
fn look_at(book: &Book, letter: &Value) {
    if letter["cause"].as_str().is_none_or(|cause| cause.trim().is_empty()) {
        book.wrong(format!("NothingIsSwallowed: a dead letter does not say why it is one: {letter}"));
    }
}
