//! How often a client may ask: a bucket of tokens each, and a bound on how many buckets there are.

use std::collections::BTreeMap;
use std::sync::{Mutex, PoisonError};
use std::time::Duration;

struct Bucket {
    tokens: f64,
    filled: Duration,
}

/// The buckets of all clients.
pub(crate) struct Buckets {
    per_second: f64,
    clients_max: usize,
    buckets: Mutex<BTreeMap<String, Bucket>>,
}

impl Buckets {
    pub(crate) fn new(per_second: f64, clients_max: usize) -> Buckets {
        Buckets { per_second, clients_max, buckets: Mutex::default() }
    }

    /// Takes a token; else gives after how many seconds there will be one. Two seconds' worth can be saved up.
    pub(crate) fn take(&self, client: &str, now: Duration) -> Result<(), u64> {
        let full = self.per_second * 2.0;
        let mut buckets = self.buckets.lock().unwrap_or_else(PoisonError::into_inner);
        if buckets.len() >= self.clients_max && !buckets.contains_key(client) {
            // A bucket that would be full again by now says nothing that a fresh one would not.
            let silent = Duration::from_secs_f64(full / self.per_second);
            buckets.retain(|_, bucket| now.saturating_sub(bucket.filled) < silent);
            if buckets.len() >= self.clients_max {
                buckets.pop_first();
            }
        }
        let bucket = buckets.entry(client.to_owned()).or_insert(Bucket { tokens: full, filled: now });
        bucket.tokens = (bucket.tokens + now.saturating_sub(bucket.filled).as_secs_f64() * self.per_second).min(full);
        bucket.filled = now;
        if bucket.tokens >= 1.0 {
            bucket.tokens -= 1.0;
            return Ok(());
        }
        Err(((1.0 - bucket.tokens) / self.per_second).ceil().max(1.0) as u64)
    }
}

#[cfg(test)]
mod unit {
    use super::*;

    #[test]
    fn a_client_that_asks_too_often_waits_and_others_do_not() {
        let buckets = Buckets::new(2.0, 10);
        for _ in 0..4 {
            assert!(buckets.take("a", Duration::ZERO).is_ok());
        }
        assert_eq!(buckets.take("a", Duration::ZERO), Err(1));
        assert!(buckets.take("b", Duration::ZERO).is_ok());
        assert!(buckets.take("a", Duration::from_millis(600)).is_ok());
    }

    #[test]
    fn the_number_of_buckets_is_bounded() {
        let buckets = Buckets::new(1.0, 3);
        for client in 0..50 {
            assert!(buckets.take(&format!("client {client}"), Duration::ZERO).is_ok());
        }
        assert!(buckets.buckets.lock().unwrap().len() <= 3);
    }
}
