//! How many connections each address holds, so that none can hold all.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use crate::came::Origin;

/// Counts what each address holds. Clones share everything.
#[derive(Clone)]
pub(crate) struct Shares {
    held: Arc<Mutex<BTreeMap<Origin, usize>>>,
    most: usize,
}

/// One that is held, until this is dropped.
pub(crate) struct Share {
    all: Shares,
    of: Origin,
}

impl Shares {
    pub(crate) fn new(most: usize) -> Shares {
        Shares { held: Arc::default(), most }
    }

    fn held(&self) -> MutexGuard<'_, BTreeMap<Origin, usize>> {
        self.held.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Takes one more for an address; none when it has as many as one may have.
    pub(crate) fn take(&self, of: Origin) -> Option<Share> {
        let mut all = self.held();
        let held = all.entry(of).or_default();
        if *held >= self.most {
            return None;
        }
        *held += 1;
        Some(Share { all: self.clone(), of })
    }
}

impl Drop for Share {
    fn drop(&mut self) {
        let mut all = self.all.held();
        if let Some(held) = all.get_mut(&self.of) {
            *held -= 1;
            if *held == 0 {
                all.remove(&self.of);
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn one_address_has_its_share_and_no_more_and_gives_it_back() {
        let shares = Shares::new(2);
        let of = |address: &str| Origin::of(address.parse().unwrap());
        let (one, other) = (shares.take(of("10.0.0.1")).unwrap(), shares.take(of("10.0.0.1")).unwrap());
        assert!(shares.take(of("10.0.0.1")).is_none());
        assert!(shares.take(of("10.0.0.2")).is_some());
        drop(one);
        assert!(shares.take(of("10.0.0.1")).is_some());
        drop(other);
        assert!(shares.held().is_empty(), "nobody is remembered who holds nothing");
    }
}
