//! The turns of the kinds of jobs: how many of each may be at work, and who waits for one to come free.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use tokio::sync::{Notify, OwnedSemaphorePermit, Semaphore};

use crate::brake::{Brake, Leave};

/// The turns of all kinds. No kind can take another's.
pub(crate) struct Turns {
    kinds: BTreeMap<&'static str, Arc<Kind>>,
    freed: Arc<Notify>,
}

struct Kind {
    turns: usize,
    free: Arc<Semaphore>,
    brake: Option<Brake>,
    /// Whether the last claim took all that it might: then more may be due, and a turn that comes free is news.
    wanted: AtomicBool,
    /// Whether jobs of it are worked that nobody has claimed: until that is over, they look as if they were due.
    unclaimed: AtomicBool,
    freed: Arc<Notify>,
}

/// Jobs of a kind that are worked although nobody has claimed them; when this is dropped they are done, claimed, or due again.
pub(crate) struct Unclaimed(Arc<Kind>);

impl Drop for Unclaimed {
    fn drop(&mut self) {
        self.0.unclaimed.store(false, Ordering::SeqCst);
        // What fell due meanwhile was not looked at.
        self.0.freed.notify_one();
    }
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

impl Kind {
    fn leave(&self) -> Leave {
        self.brake.as_ref().map_or(Leave::All, |brake| brake())
    }

    /// Gives how many may be claimed now, but no more than `most`.
    fn room(&self, leave: Leave, most: usize) -> usize {
        let free = self.free.available_permits();
        match leave {
            _ if self.unclaimed.load(Ordering::SeqCst) => 0,
            Leave::All => free.min(most),
            Leave::One => usize::from(free == self.turns),
            Leave::NoneFor(_) => 0,
        }
    }
}

impl Turns {
    pub(crate) fn new(kinds: impl IntoIterator<Item = (&'static str, usize, Option<Brake>)>) -> Turns {
        let freed = Arc::new(Notify::new());
        let kind = |turns: usize, brake| {
            let turns = turns.clamp(1, Semaphore::MAX_PERMITS);
            let (free, wanted, unclaimed) = (Arc::new(Semaphore::new(turns)), AtomicBool::new(false), AtomicBool::new(false));
            Kind { turns, free, brake, wanted, unclaimed, freed: freed.clone() }
        };
        let kinds = kinds.into_iter().map(|(name, turns, brake)| (name, Arc::new(kind(turns, brake)))).collect();
        Turns { kinds, freed }
    }

    /// Gives how many of each kind may be claimed now, but of none more than `most`.
    pub(crate) fn room(&self, most: usize) -> Vec<(&'static str, usize)> {
        self.kinds.iter().map(|(name, kind)| (*name, kind.room(kind.leave(), most))).collect()
    }

    /// Gives the kinds of which one may be claimed now, and after how long to look again because others are held back.
    ///
    /// Each brake is asked once: asked for the one and then for the other, it may let go in between, and nobody would look.
    pub(crate) fn open(&self) -> (Vec<&'static str>, Option<Duration>) {
        let (mut open, mut rest) = (Vec::new(), None::<Duration>);
        for (name, kind) in &self.kinds {
            match kind.leave() {
                Leave::NoneFor(span) => rest = Some(rest.map_or(span, |rest| rest.min(span))),
                leave if kind.room(leave, 1) > 0 => open.push(*name),
                Leave::All | Leave::One => {}
            }
        }
        (open, rest)
    }

    /// Takes turns of a kind. Only one loop takes them, and no more than it was told there were.
    pub(crate) fn take(&self, name: &str, count: usize) -> Option<Taken> {
        let kind = self.kinds.get(name)?;
        let permits = kind.free.clone().try_acquire_many_owned(u32::try_from(count).ok()?).ok()?;
        Some(Taken { permits: Some(permits), kind: kind.clone() })
    }

    /// Notes that jobs of a kind are worked unclaimed; while they are, there is no room for others.
    pub(crate) fn unclaimed(&self, name: &str) -> Option<Unclaimed> {
        let kind = self.kinds.get(name)?;
        kind.unclaimed.store(true, Ordering::SeqCst);
        Some(Unclaimed(kind.clone()))
    }

    /// Notes whether a claim took all of a kind that it might; tells whether it is to be asked for again at once.
    pub(crate) fn claimed(&self, name: &str, all: bool) -> bool {
        let Some(kind) = self.kinds.get(name) else { return false };
        kind.wanted.swap(all, Ordering::SeqCst);
        // Looked at after the note, so that a turn that comes free in between is seen here or told there.
        all && kind.room(kind.leave(), 1) > 0
    }

    /// Waits until a turn that is wanted comes free.
    pub(crate) async fn freed(&self) {
        self.freed.notified().await;
    }
}

#[cfg(test)]
mod tests {
    use std::sync::Mutex;

    use futures_util::FutureExt;

    use super::*;

    #[test]
    fn a_kind_without_turns_leaves_the_others_theirs() {
        let turns = Turns::new([("call", 2, None), ("mail", 300, None)]);
        assert_eq!(turns.room(256), [("call", 2), ("mail", 256)]);
        let taken = turns.take("call", 2);
        assert!(taken.is_some() && turns.take("call", 1).is_none() && turns.take("cook", 1).is_none());
        assert_eq!((turns.room(256), turns.open().0), (vec![("call", 0), ("mail", 256)], vec!["mail"]));
        drop(taken);
        assert_eq!(turns.open().0, ["call", "mail"]);
    }

    #[test]
    fn a_turn_that_comes_free_is_news_only_where_it_was_wanted() {
        let turns = Turns::new([("call", 2, None)]);
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

    #[test]
    fn a_kind_that_is_held_back_is_not_claimed_and_begins_with_one() {
        let leave = Arc::new(Mutex::new(Leave::All));
        let asked = leave.clone();
        let turns = Turns::new([("call", 2, Some(Arc::new(move || *asked.lock().unwrap()) as Brake)), ("mail", 1, None)]);
        let first = turns.take("call", 1);
        *leave.lock().unwrap() = Leave::NoneFor(Duration::from_secs(5));
        assert_eq!((turns.room(9), turns.open()), (vec![("call", 0), ("mail", 1)], (vec!["mail"], Some(Duration::from_secs(5)))));
        assert!(!turns.claimed("call", true), "it would be asked for in vain, again and again");
        *leave.lock().unwrap() = Leave::One;
        assert_eq!(turns.open(), (vec!["mail"], None), "one is at work yet");
        drop(first);
        assert!(turns.freed().now_or_never().is_some() && turns.open().0 == ["call", "mail"]);
        assert_eq!(turns.room(9)[0], ("call", 1));
        let probe = turns.take("call", 1);
        assert!(!turns.claimed("call", true) && turns.open().0 == ["mail"]);
        *leave.lock().unwrap() = Leave::All;
        drop(probe);
        assert!(turns.freed().now_or_never().is_some(), "what went well is news for the others");
        assert_eq!(turns.room(9)[0], ("call", 2));
    }

    #[test]
    fn a_brake_that_lets_go_while_it_is_asked_leaves_nobody_asleep() {
        let asked = AtomicBool::new(false);
        let brake = move || if asked.swap(true, Ordering::SeqCst) { Leave::All } else { Leave::NoneFor(Duration::from_secs(5)) };
        let turns = Turns::new([("call", 2, Some(Arc::new(brake) as Brake))]);
        let (open, rest) = turns.open();
        assert!(!open.is_empty() || rest.is_some(), "neither claimed nor looked for again");
    }
}
