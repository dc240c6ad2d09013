//! The people of a world: they know the platform only through its door, and do things at bad moments.

mod customer;
mod staff;

pub use customer::customer;
pub use staff::{deliveries, desk, kitchen, operator};

use std::time::Duration;

use crate::net::{Answer, Ask, Net};

/// How often somebody sends the same thing again before giving up.
const TRIES: u32 = 12;

/// Sends something until it is answered for certain; none when whoever asked gave up.
pub async fn insist(net: &Net, ask: Ask, tries: u32) -> Option<Answer> {
    for attempt in 0..tries {
        match net.send(ask.clone()).await {
            Some(answer) if !answer.is_later() => return Some(answer),
            _ => {}
        }
        let longest = 500u64 << attempt.min(6);
        net.kernel.sleep(Duration::from_millis(longest / 2 + net.kernel.below(longest))).await;
    }
    None
}
