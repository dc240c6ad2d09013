//! The window of one lane: which events are open, which may be worked now, and how far the cursor may move.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;
use std::time::Duration;

use base::{Event, Mistake, planted};

/// How many events may be open at once. A slow key holds up at most so many others.
const OPEN_MAX: usize = 1_024;
/// How far reading may run ahead of the cursor, so that the rows of what is done ahead stay few.
const AHEAD_MAX: usize = 4_096;

/// An event that is not done yet.
#[derive(Debug, Clone)]
pub(crate) struct Pending {
    pub(crate) event: Arc<Event>,
    pub(crate) attempts: u32,
    /// Not to be tried before this time of the world's monotonic clock.
    pub(crate) not_before: Duration,
}

/// Pure bookkeeping: it neither reads nor writes.
#[derive(Debug)]
pub(crate) struct Window {
    /// The cursor as it stands in the store: everything up to it is done.
    cursor: i64,
    /// Done, beyond the cursor, and known to the store.
    ahead: BTreeSet<i64>,
    /// Read from the log up to here.
    read_to: i64,
    /// All that the source has said up to here can be read.
    known_to: i64,
    open: BTreeMap<i64, Pending>,
    /// How many rounds in a row were refused.
    refused: u32,
}

/// What a commit has to tell the store about the inbox.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct Move {
    pub(crate) from: i64,
    pub(crate) upto: i64,
    pub(crate) ahead: Vec<i64>,
    /// How many events up to `upto` were done ahead before.
    pub(crate) known: u64,
}

impl Window {
    pub(crate) fn new(cursor: i64, ahead: impl IntoIterator<Item = i64>) -> Window {
        let ahead = ahead.into_iter().filter(|seq| *seq > cursor).collect();
        Window { cursor, ahead, read_to: cursor, known_to: cursor, open: BTreeMap::new(), refused: 0 }
    }

    pub(crate) fn read_to(&self) -> i64 {
        self.read_to
    }

    pub(crate) fn known_to(&self) -> i64 {
        self.known_to
    }

    /// Notes that all that the source has said up to a place can be read: what is read from now on came at least so far.
    pub(crate) fn know(&mut self, place: i64) {
        self.known_to = self.known_to.max(place);
    }

    pub(crate) fn cursor(&self) -> i64 {
        self.cursor
    }

    pub(crate) fn len(&self) -> usize {
        self.open.len()
    }

    /// Gives how many more events may be read now.
    pub(crate) fn room(&self) -> usize {
        // What is done ahead is ahead of something that is open, or of something that has yet to be read: without room for it
        // nothing would ever move again.
        if self.open.is_empty() {
            return OPEN_MAX;
        }
        OPEN_MAX.saturating_sub(self.open.len()).min(AHEAD_MAX.saturating_sub(self.ahead.len()))
    }

    /// Takes in what was read; `upto` is how far the reading came, even where nothing was heard.
    pub(crate) fn take(&mut self, events: impl IntoIterator<Item = Arc<Event>>, upto: i64) {
        for event in events {
            if event.seq > self.read_to && !self.ahead.contains(&event.seq) {
                self.open.insert(event.seq, Pending { event, attempts: 0, not_before: Duration::ZERO });
            }
        }
        self.read_to = self.read_to.max(upto);
    }

    /// Gives the events that may be worked now: the oldest of each key, unless it waits for its next attempt. Those that
    /// come next on the same key go with it where `joins` says that both may be in one run, and neither has failed yet.
    pub(crate) fn ready(&self, now: Duration, limit: usize, joins: impl Fn(&Event, &Event) -> bool) -> Vec<Pending> {
        // Of each key the last that was taken; none when the key has to wait from there on.
        let mut taken: BTreeMap<i64, Option<&Pending>> = BTreeMap::new();
        let mut ready = Vec::new();
        for pending in self.open.values() {
            if ready.len() == limit {
                break;
            }
            let goes = match taken.get(&pending.event.key) {
                None => pending.not_before <= now,
                Some(Some(last)) => last.attempts == 0 && pending.attempts == 0 && joins(&last.event, &pending.event),
                Some(None) => false,
            };
            taken.insert(pending.event.key, goes.then_some(pending));
            if goes {
                ready.push(pending.clone());
            }
        }
        ready
    }

    /// Tells whether an event is the oldest open one of its key.
    pub(crate) fn leads(&self, event: &Event) -> bool {
        self.open.range(..event.seq).all(|(_, earlier)| earlier.event.key != event.key)
    }

    /// Gives when the next attempt is due, if any waits.
    pub(crate) fn alarm(&self) -> Option<Duration> {
        let mut seen = BTreeSet::new();
        self.open.values().filter(|pending| seen.insert(pending.event.key)).map(|pending| pending.not_before).min()
    }

    /// Gives what the store must be told when `done` are done.
    pub(crate) fn moving(&self, done: &[i64]) -> Move {
        let done_set: BTreeSet<i64> = done.iter().copied().collect();
        let slow = |seq: &&i64| !done_set.contains(seq) && !planted(Mistake::CursorSkipsTheSlow);
        let lowest_open = self.open.keys().find(slow);
        let upto = lowest_open.map_or(self.read_to, |seq| seq - 1).max(self.cursor);
        let known = self.ahead.range(..=upto).count() as u64;
        Move { from: self.cursor, upto, ahead: done.iter().copied().filter(|seq| *seq > upto).collect(), known }
    }

    /// Notes that a move was committed.
    pub(crate) fn moved(&mut self, done: &[i64], to: &Move) {
        for seq in done {
            self.open.remove(seq);
        }
        self.refused = 0;
        self.cursor = to.upto;
        self.ahead.extend(&to.ahead);
        self.ahead = self.ahead.split_off(&(to.upto + 1));
    }

    /// Finds an open event.
    pub(crate) fn pending(&self, seq: i64) -> Option<Pending> {
        self.open.get(&seq).cloned()
    }

    /// Notes that a round was refused; gives how many have been in a row.
    pub(crate) fn refused_again(&mut self) -> u32 {
        self.refused += 1;
        self.refused
    }

    /// Tells whether the last round was refused.
    pub(crate) fn was_refused(&self) -> bool {
        self.refused > 0
    }

    /// Begins counting refused rounds again.
    pub(crate) fn forget_refusals(&mut self) {
        self.refused = 0;
    }

    /// Notes a failed attempt.
    pub(crate) fn failed(&mut self, seq: i64, not_before: Duration) {
        if let Some(pending) = self.open.get_mut(&seq) {
            pending.attempts += 1;
            pending.not_before = not_before;
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn event(seq: i64, key: i64) -> Arc<Event> {
        let data = serde_json::value::RawValue::from_string("{}".into()).unwrap();
        Arc::new(Event {
            seq,
            source: "orders".into(),
            topic: "order-events".into(),
            kind: "order.created.v1".into(),
            key,
            at: base::Timestamp(0),
            correlation: String::new(),
            data,
            known: base::event::Known::default(),
        })
    }

    fn alone(_: &Event, _: &Event) -> bool {
        false
    }

    fn seqs(ready: &[Pending]) -> Vec<i64> {
        ready.iter().map(|pending| pending.event.seq).collect()
    }

    #[test]
    fn later_events_of_a_key_wait_and_other_keys_go_on() {
        let mut window = Window::new(10, []);
        window.take([event(11, 1), event(12, 1), event(13, 2)], 13);
        assert_eq!(seqs(&window.ready(Duration::ZERO, 9, alone)), [11, 13]);
        window.failed(11, Duration::from_secs(1));
        assert_eq!(seqs(&window.ready(Duration::ZERO, 9, alone)), [13], "12 waits behind 11");
        assert_eq!(window.alarm(), Some(Duration::ZERO));
        let to = window.moving(&[13]);
        assert_eq!(to, Move { from: 10, upto: 10, ahead: vec![13], known: 0 });
        window.moved(&[13], &to);
        assert_eq!(window.alarm(), Some(Duration::from_secs(1)));
        let to = window.moving(&[11, 12]);
        assert_eq!(to, Move { from: 10, upto: 13, ahead: vec![], known: 1 });
        window.moved(&[11, 12], &to);
        assert_eq!((window.cursor(), window.len()), (13, 0));
    }

    #[test]
    fn what_was_done_ahead_before_a_crash_is_not_done_again() {
        let mut window = Window::new(10, [12]);
        window.take([event(11, 1), event(12, 2), event(13, 3)], 20);
        assert_eq!(seqs(&window.ready(Duration::ZERO, 9, alone)), [11, 13]);
        assert_eq!(window.moving(&[11, 13]), Move { from: 10, upto: 20, ahead: vec![], known: 1 });
    }

    #[test]
    fn however_much_was_done_ahead_before_a_crash_there_is_room_for_what_it_waits_for() {
        let ahead = i64::try_from(AHEAD_MAX).unwrap();
        let mut window = Window::new(10, 12..12 + ahead);
        assert!(window.room() > 0, "the slow one has to be read again");
        window.take((11..12 + ahead).map(|seq| event(seq, seq)), 11 + ahead);
        assert_eq!((window.len(), window.room()), (1, 0), "and then it is waited for");
        let to = window.moving(&[11]);
        window.moved(&[11], &to);
        assert_eq!((window.cursor(), window.room()), (11 + ahead, OPEN_MAX));
    }

    #[test]
    fn reading_twice_opens_once() {
        let mut window = Window::new(0, []);
        window.take([event(1, 1)], 1);
        window.take([event(1, 1)], 1);
        assert_eq!(window.len(), 1);
        let to = window.moving(&[1]);
        window.moved(&[1], &to);
        window.take([event(1, 1)], 1);
        assert_eq!(window.len(), 0);
    }

    #[test]
    fn a_run_takes_the_next_of_a_key_along_until_one_does_not_join_or_has_failed() {
        let mut window = Window::new(0, []);
        window.take([event(1, 1), event(2, 2), event(3, 1), event(4, 1), event(5, 1), event(6, 2)], 6);
        let not_four = |_: &Event, next: &Event| next.seq != 4;
        assert_eq!(seqs(&window.ready(Duration::ZERO, 9, not_four)), [1, 2, 3, 6], "5 stays behind 4");
        assert_eq!(seqs(&window.ready(Duration::ZERO, 2, not_four)), [1, 2]);
        window.failed(1, Duration::from_secs(1));
        assert_eq!(seqs(&window.ready(Duration::ZERO, 9, not_four)), [2, 6]);
        assert_eq!(seqs(&window.ready(Duration::from_secs(1), 9, not_four)), [1, 2, 6], "what failed once goes alone");
        assert!(window.leads(&event(2, 2)) && !window.leads(&event(3, 1)) && !window.leads(&event(6, 2)));
    }
}
