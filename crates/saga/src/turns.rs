//! The turns of the kinds of jobs: how many of each may be at work, and who waits for one to come free.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use tokio::sync::{Notify, OwnedSemaphorePermit, Semaphore};

/// The turns of all kinds. No kind can take another's.
pub(crate) struct Turns {
    kinds: BTreeMap<&'static str, Arc<Kind>>,
    freed: Arc<Notify>,
}

struct Kind {
    free: Arc<Semaphore>,
    /// Whether the last claim took all that it might: then more may be due, and a turn that comes free is news.
    wanted: AtomicBool,
    freed: Arc<Notify>,
}

/// Turns that are taken; given back when this is dropped.
pub(crate) struct Taken {
    permits: Option<OwnedSemaphorePermit>,
    kind: Arc<Kind>,
}

impl Drop for Taken {
    fn drop(&mut self) {
        self.permits = None;
        if self.kind.wanted.swap(false, Ordering::SeqCst) {
            self.kind.freed.notify_one();
        }
    }
}

impl Turns {
    pub(crate) fn new(kinds: impl IntoIterator<Item = (&'static str, usize)>) -> Turns {
        let freed = Arc::new(Notify::new());
        let kind = |turns: usize| Kind {
            free: Arc::new(Semaphore::new(turns.clamp(1, Semaphore::MAX_PERMITS))),
            wanted: AtomicBool::new(false),
            freed: freed.clone(),
        };
        let kinds = kinds.into_iter().map(|(name, turns)| (name, Arc::new(kind(turns)))).collect();
        Turns { kinds, freed }
    }

    /// Gives how many of each kind may be claimed now, but of none more than `most`.
    pub(crate) fn room(&self, most: usize) -> Vec<(&'static str, usize)> {
        self.kinds.iter().map(|(name, kind)| (*name, kind.free.available_permits().min(most))).collect()
    }

    /// Gives the kinds that have a free turn.
    pub(crate) fn open(&self) -> Vec<&'static str> {
        self.room(1).into_iter().filter(|(_, room)| *room > 0).map(|(name, _)| name).collect()
    }

    /// Takes turns of a kind. Only one loop takes them, and no more than it was told there were.
    pub(crate) fn take(&self, name: &str, count: usize) -> Option<Taken> {
        let kind = self.kinds.get(name)?;
        let permits = kind.free.clone().try_acquire_many_owned(u32::try_from(count).ok()?).ok()?;
        Some(Taken { permits: Some(permits), kind: kind.clone() })
    }

    /// Notes whether a claim took all of a kind that it might; tells whether it is to be asked for again at once.
    pub(crate) fn claimed(&self, name: &str, all: bool) -> bool {
        let Some(kind) = self.kinds.get(name) else { return false };
        kind.wanted.swap(all, Ordering::SeqCst);
        // Looked at after the note, so that a turn that comes free in between is seen here or told there.
        all && kind.free.available_permits() > 0
    }

    /// Waits until a turn that is wanted comes free.
    pub(crate) async fn freed(&self) {
        self.freed.notified().await;
    }
}

#[cfg(test)]
mod tests {
    use futures_util::FutureExt;

    use super::*;

    #[test]
    fn a_kind_without_turns_leaves_the_others_theirs() {
        let turns = Turns::new([("call", 2), ("mail", 300)]);
        assert_eq!(turns.room(256), [("call", 2), ("mail", 256)]);
        let taken = turns.take("call", 2);
        assert!(taken.is_some() && turns.take("call", 1).is_none() && turns.take("cook", 1).is_none());
        assert_eq!((turns.room(256), turns.open()), (vec![("call", 0), ("mail", 256)], vec!["mail"]));
        drop(taken);
        assert_eq!(turns.open(), ["call", "mail"]);
    }

    #[test]
    fn a_turn_that_comes_free_is_news_only_where_it_was_wanted() {
        let turns = Turns::new([("call", 2)]);
        let (first, second) = (turns.take("call", 1), turns.take("call", 1));
        drop(first);
        assert!(turns.freed().now_or_never().is_none(), "nobody waited for it");
        let first = turns.take("call", 1);
        assert!(!turns.claimed("call", true), "there is no room to ask for more");
        drop(second);
        assert!(turns.freed().now_or_never().is_some());
        drop(first);
        assert!(turns.freed().now_or_never().is_none(), "it was told once");
        assert!(turns.claimed("call", true), "there is room already");
        assert!(!turns.claimed("call", false));
    }
}
