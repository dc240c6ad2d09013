//! Which keys the lanes of a service are working on: what one lane has in hand, the others leave alone until it has committed.

use std::collections::BTreeSet;
use std::pin::Pin;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

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
        self.take_from(self.keys.lock().unwrap_or_else(PoisonError::into_inner), wanted)
    }

    /// Does the same, unless more than `few` of what is wanted, in this order, would be done ahead of a key that somebody
    /// has in hand.
    pub(crate) fn take_unless_ahead(self: &Arc<Claims>, wanted: &[i64], few: usize) -> Option<Claim> {
        let keys = self.keys.lock().unwrap_or_else(PoisonError::into_inner);
        let from_the_first_in_hand = wanted.iter().skip_while(|key| !keys.contains(key));
        let ahead = from_the_first_in_hand.filter(|key| !keys.contains(key)).count();
        (ahead <= few).then(|| self.take_from(keys, wanted.iter().copied()))
    }

    fn take_from(self: &Arc<Claims>, mut keys: MutexGuard<'_, BTreeSet<i64>>, wanted: impl IntoIterator<Item = i64>) -> Claim {
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
    /// Tells whether none is in hand.
    pub(crate) fn is_empty(&self) -> bool {
        self.keys.is_empty()
    }

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

    #[test]
    fn what_would_be_done_ahead_of_a_key_in_hand_is_taken_only_while_it_is_little() {
        let claims = Arc::new(Claims::default());
        let hand = claims.take([3]);
        let wanted = [1, 2, 3, 4, 3, 4, 5];
        assert!(claims.take_unless_ahead(&wanted, 2).is_none(), "three are behind the one in hand");
        let some = claims.take_unless_ahead(&wanted, 3).unwrap();
        assert!([1, 2, 4, 5].iter().all(|key| some.has(*key)) && !some.has(3));
        drop(some);
        assert!(claims.take_unless_ahead(&[1, 2, 3], 0).is_some(), "what is before it is not ahead of it");
        drop(hand);
        assert!(claims.take_unless_ahead(&wanted, 0).unwrap().has(3));
    }
}
