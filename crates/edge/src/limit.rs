//! How much one client may ask: a bucket of tokens each, a count of open streams, and a bound on how much of it is kept.

use std::collections::BTreeMap;
use std::sync::{Mutex, PoisonError};
use std::time::Duration;

use base::Principal;

use crate::came::Origin;

/// Who is counted, and for what.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Client {
    /// A guest by the device.
    Device(i64),
    /// Somebody of the staff.
    Staff(i64),
    /// Whoever shows nothing that counts.
    Nobody(Origin),
    /// All guests of one address together: a new device costs nothing, an address does.
    Guests(Origin),
    /// Whoever makes new devices.
    Maker(Origin),
}

impl Client {
    /// Gives the client that a principal is.
    pub(crate) fn of(principal: &Principal, origin: Origin) -> Client {
        match principal {
            Principal::Guest { device } => Client::Device(device.0),
            Principal::Staff { staff, .. } => Client::Staff(staff.0),
            Principal::Nobody | Principal::Platform { .. } => Client::Nobody(origin),
        }
    }
}

/// The least that any client may ask per second.
pub(crate) const PER_SECOND_MIN: f64 = 0.1;
/// After so long without a request every bucket is full again, even of those who may ask the least.
const SILENT: Duration = Duration::from_secs(10);

#[derive(Clone, Copy)]
struct Bucket {
    tokens: f64,
    filled: Duration,
}

/// Buckets by the time of their last use: the young ones, and those that were young before.
///
/// What is old twice is forgotten: it is full again, or it is the longest silent when there are too many.
#[derive(Default)]
struct Kept {
    young: BTreeMap<Client, Bucket>,
    old: BTreeMap<Client, Bucket>,
    turned: Duration,
}

/// The buckets of all clients.
pub(crate) struct Buckets {
    clients_max: usize,
    kept: Mutex<Kept>,
}

impl Buckets {
    pub(crate) fn new(clients_max: usize) -> Buckets {
        Buckets { clients_max, kept: Mutex::default() }
    }

    /// Takes a token; else gives after how many seconds there will be one. Two seconds' worth can be saved up.
    pub(crate) fn take(&self, client: Client, per_second: f64, now: Duration) -> Result<(), u64> {
        let full = (per_second * 2.0).max(1.0);
        let mut kept = self.kept.lock().unwrap_or_else(PoisonError::into_inner);
        if kept.young.len() >= self.clients_max / 2 || now.saturating_sub(kept.turned) >= SILENT {
            kept.old = std::mem::take(&mut kept.young);
            kept.turned = now;
        }
        let known = kept.young.get(&client).copied().or_else(|| kept.old.remove(&client));
        let mut bucket = known.unwrap_or(Bucket { tokens: full, filled: now });
        bucket.tokens = (bucket.tokens + now.saturating_sub(bucket.filled).as_secs_f64() * per_second).min(full);
        bucket.filled = now;
        let enough = bucket.tokens >= 1.0;
        let missing = 1.0 - bucket.tokens;
        if enough {
            bucket.tokens -= 1.0;
        }
        kept.young.insert(client, bucket);
        if enough { Ok(()) } else { Err((missing / per_second).ceil().max(1.0) as u64) }
    }
}

/// How many streams each client has open. Nothing is kept of those who have none.
#[derive(Default)]
pub(crate) struct Open(Mutex<BTreeMap<Client, usize>>);

impl Open {
    /// Counts one more for each of the clients, unless one of them has as many as it may.
    pub(crate) fn enter(&self, clients: &[(Client, usize)]) -> bool {
        let mut open = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        if clients.iter().any(|(client, max)| open.get(client).copied().unwrap_or(0) >= *max) {
            return false;
        }
        for (client, _) in clients {
            *open.entry(*client).or_insert(0) += 1;
        }
        true
    }

    /// Takes back what [`Open::enter`] has counted.
    pub(crate) fn leave(&self, clients: &[(Client, usize)]) {
        let mut open = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        for (client, _) in clients {
            if let Some(count) = open.get_mut(client) {
                *count -= 1;
                if *count == 0 {
                    open.remove(client);
                }
            }
        }
    }
}

#[cfg(test)]
mod unit {
    use super::*;

    const START: Duration = Duration::from_secs(100);

    #[test]
    fn a_client_that_asks_too_often_waits_and_others_do_not() {
        let buckets = Buckets::new(10);
        let take = |client, at| buckets.take(Client::Device(client), 2.0, at);
        for _ in 0..4 {
            assert!(take(1, START).is_ok());
        }
        assert_eq!(take(1, START), Err(1));
        assert!(take(2, START).is_ok());
        assert!(take(1, START + Duration::from_millis(600)).is_ok());
        let slow = |at| buckets.take(Client::Staff(1), PER_SECOND_MIN, at);
        assert!(slow(START).is_ok());
        assert_eq!(slow(START), Err(10));
        assert!(slow(START + SILENT).is_ok());
    }

    #[test]
    fn the_number_of_buckets_is_bounded_and_the_silent_are_forgotten_first() {
        let buckets = Buckets::new(6);
        let take = |client, at| buckets.take(Client::Device(client), 1.0, at);
        let kept = || {
            let kept = buckets.kept.lock().unwrap();
            kept.young.len() + kept.old.len()
        };
        while take(0, START).is_ok() {}
        for client in 1..50 {
            assert!(take(client, START).is_ok());
            assert_eq!(take(0, START), Err(1), "who goes on asking is not forgotten for others");
            assert!(kept() <= 6, "{}", kept());
        }
        assert!(take(99, START + SILENT).is_ok());
        assert!(take(99, START + SILENT * 2).is_ok());
        assert_eq!(kept(), 1);
    }

    #[test]
    fn streams_are_counted_per_client_and_given_back() {
        let open = Open::default();
        let of = |device| [(Client::Device(device), 2), (Client::Guests(Origin::default()), 3)];
        assert!(open.enter(&of(1)) && open.enter(&of(1)));
        assert!(!open.enter(&of(1)), "two are enough for one device");
        assert!(open.enter(&of(2)));
        assert!(!open.enter(&of(2)), "three are enough for one address");
        open.leave(&of(1));
        assert!(open.enter(&of(2)));
        for device in [1, 2, 2] {
            open.leave(&of(device));
        }
        assert!(open.0.lock().unwrap().is_empty());
    }
}
