//! Which keys the lanes of a service are working on: what one lane has in hand, the others leave alone until it has committed.

use std::collections::BTreeSet;
use std::pin::Pin;
use std::sync::{Arc, Mutex, PoisonError};

use tokio::sync::Notify;
use tokio::sync::futures::Notified;

/// The keys in hand.
#[derive(Default)]
pub(crate) struct Claims {
    keys: Mutex<BTreeSet<i64>>,
    freed: Notify,
}

/// Keys that a lane has in hand; given back when this is dropped.
pub(crate) struct Claim {
    claims: Arc<Claims>,
    keys: BTreeSet<i64>,
}

impl Claims {
    /// Takes those of the keys that nobody has in hand.
    pub(crate) fn take(self: &Arc<Claims>, wanted: impl IntoIterator<Item = i64>) -> Claim {
        let mut keys = self.keys.lock().unwrap_or_else(PoisonError::into_inner);
        let taken = wanted.into_iter().filter(|key| keys.insert(*key)).collect();
        Claim { claims: self.clone(), keys: taken }
    }

    /// Ends when keys are given back after it was asked for; asked for before `take`, it misses none.
    pub(crate) fn freed(&self) -> Pin<Box<Notified<'_>>> {
        let mut freed = Box::pin(self.freed.notified());
        freed.as_mut().enable();
        freed
    }
}

impl Claim {
    /// Tells whether a key is in hand.
    pub(crate) fn has(&self, key: i64) -> bool {
        self.keys.contains(&key)
    }
}

impl Drop for Claim {
    fn drop(&mut self) {
        if self.keys.is_empty() {
            return;
        }
        let mut keys = self.claims.keys.lock().unwrap_or_else(PoisonError::into_inner);
        for key in &self.keys {
            keys.remove(key);
        }
        drop(keys);
        self.claims.freed.notify_waiters();
    }
}

#[cfg(test)]
mod tests {
    use futures_util::FutureExt;

    use super::*;

    #[test]
    fn a_key_is_in_one_hand_until_it_is_given_back() {
        let claims = Arc::new(Claims::default());
        let mine = claims.take([1, 2, 2]);
        let freed = claims.freed();
        let yours = claims.take([2, 3]);
        assert!(mine.has(1) && mine.has(2) && !yours.has(2) && yours.has(3));
        drop(claims.take([1, 2]));
        assert!(freed.now_or_never().is_none(), "nothing came free: that one had nothing in hand");
        let freed = claims.freed();
        drop(mine);
        assert!(freed.now_or_never().is_some());
        assert!(claims.take([2]).has(2) && !claims.take([3]).has(3));
    }
}
