//! The newest events, kept in memory: nearly every reader is close behind the writer.

use std::collections::{BTreeMap, VecDeque};
use std::sync::{Arc, RwLock};

use base::Event;
use tokio::sync::watch;

/// So far may the log run ahead of those who wait for a quiet source before they are woken to come along: else they would
/// fall out of what is kept in memory.
const AHEAD_MAX: i64 = 256;

struct Ring {
    events: VecDeque<Arc<Event>>,
    /// Every event beyond this is in the ring.
    floor: i64,
    /// The last event of a source, once somebody has asked: so that a reader at the end of a quiet source costs nothing.
    lasts: BTreeMap<String, i64>,
    /// Where those wait who read one source: each shows a place that no event of the source lies beyond.
    bells: BTreeMap<String, watch::Sender<i64>>,
    /// Counts how often everything was forgotten, so that what was read before is not noted after.
    age: u64,
}

impl Ring {
    /// Wakes those whose source has said something, and those whom the log has left far behind.
    fn wake(&self, newest: i64) {
        for (source, bell) in &self.bells {
            let shown = *bell.borrow();
            match self.lasts.get(source) {
                Some(last) if *last > shown => bell.send_replace(*last),
                _ if newest - shown > AHEAD_MAX => bell.send_replace(newest),
                _ => continue,
            };
        }
    }
}

pub(crate) struct Tail {
    ring: RwLock<Ring>,
    events_max: usize,
    newest: watch::Sender<i64>,
}

/// What the tail knows about a question.
pub(crate) enum Known {
    /// The whole answer.
    All(Vec<Arc<Event>>),
    /// The question reaches further back than the memory, which is of this age.
    TooOld(u64),
}

impl Tail {
    pub(crate) fn new(high: i64, events_max: usize) -> Tail {
        let ring = Ring { events: VecDeque::new(), floor: high, lasts: BTreeMap::new(), bells: BTreeMap::new(), age: 0 };
        Tail { ring: RwLock::new(ring), events_max, newest: watch::Sender::new(high) }
    }

    /// Takes in the events of a flush, in order, and wakes who waits.
    pub(crate) fn push(&self, events: Vec<Arc<Event>>) {
        let Some(newest) = events.last().map(|event| event.seq) else { return };
        let mut ring = self.ring.write().expect("nothing panics while the ring is held");
        for event in events {
            match ring.lasts.get_mut(&*event.source) {
                Some(last) => *last = event.seq,
                None => {
                    ring.lasts.insert(event.source.to_string(), event.seq);
                }
            }
            ring.events.push_back(event);
        }
        let excess = ring.events.len().saturating_sub(self.events_max);
        let gone: Vec<_> = ring.events.drain(..excess).collect();
        if let Some(last) = gone.last() {
            ring.floor = last.seq;
        }
        ring.wake(newest);
        // What goes is given back once nobody waits for it any more.
        drop(ring);
        drop(gone);
        self.newest.send_replace(newest);
    }

    /// Forgets everything, after a commit whose end nobody knows: up to `high` the table is asked from here on. Nobody is told
    /// of a place beyond `certain`, for another event may get it.
    pub(crate) fn forget(&self, high: i64, certain: i64) {
        let mut ring = self.ring.write().expect("nothing panics while the ring is held");
        ring.events.clear();
        ring.lasts.clear();
        ring.floor = high;
        ring.age += 1;
        // What is there of whom is not known any more: everybody who has not seen all that is certain looks.
        for bell in ring.bells.values() {
            bell.send_replace(certain);
        }
        drop(ring);
        self.newest.send_replace(certain);
    }

    /// Notes that a source has said nothing after `last`, as a read of the table has shown.
    pub(crate) fn note_last(&self, source: &str, last: i64, age: u64) {
        let mut ring = self.ring.write().expect("nothing panics while the ring is held");
        if ring.age != age {
            return;
        }
        // The writer may have known better meanwhile.
        let known = ring.lasts.entry(source.to_owned()).or_insert(last);
        *known = last.max(*known);
    }

    /// Finds events after `seq`; of all sources when none is named.
    pub(crate) fn after(&self, sources: &[&str], seq: i64, limit: usize) -> Known {
        let ring = self.ring.read().expect("nothing panics while the ring is held");
        let nothing_new = |source: &&str| ring.lasts.get(*source).is_some_and(|last| *last <= seq);
        if !sources.is_empty() && sources.iter().all(nothing_new) {
            return Known::All(Vec::new());
        }
        if seq < ring.floor {
            return Known::TooOld(ring.age);
        }
        let first = ring.events.partition_point(|event| event.seq <= seq);
        let wanted = |event: &&Arc<Event>| sources.is_empty() || sources.contains(&&*event.source);
        Known::All(ring.events.range(first..).filter(wanted).take(limit).cloned().collect())
    }

    pub(crate) fn newest(&self) -> i64 {
        *self.newest.borrow()
    }

    pub(crate) fn subscribe(&self) -> watch::Receiver<i64> {
        self.newest.subscribe()
    }

    /// Gives what shows a place beyond which a source has said nothing; it moves with what the source says, and follows the
    /// log from afar.
    pub(crate) fn subscribe_to(&self, source: &str) -> watch::Receiver<i64> {
        let mut ring = self.ring.write().expect("nothing panics while the ring is held");
        if let Some(bell) = ring.bells.get(source) {
            return bell.subscribe();
        }
        // Asked while the ring is held: what is pushed later rings the new bell.
        let bell = watch::Sender::new(self.newest().max(ring.events.back().map_or(0, |event| event.seq)));
        let waiting = bell.subscribe();
        ring.bells.insert(source.to_owned(), bell);
        waiting
    }
}

#[cfg(test)]
mod tests {
    use base::Timestamp;
    use serde_json::value::RawValue;

    use super::*;

    fn said(source: &str, places: std::ops::Range<i64>) -> Vec<Arc<Event>> {
        let event = |seq| Event {
            seq,
            source: source.to_owned().into(),
            topic: "t".into(),
            kind: "a.b.v1".into(),
            key: 1,
            at: Timestamp(1),
            correlation: String::new(),
            data: RawValue::from_string("{}".to_owned()).unwrap(),
            known: base::event::Known::default(),
        };
        places.map(event).map(Arc::new).collect()
    }

    #[test]
    fn who_waits_for_a_source_is_not_woken_by_others_until_the_log_is_far_ahead() {
        let tail = Tail::new(5, 1_000);
        let mut orders = tail.subscribe_to("orders");
        assert_eq!(*orders.borrow_and_update(), 5);
        tail.push(said("payments", 6..20));
        assert!(!orders.has_changed().unwrap());
        tail.push(said("orders", 20..22));
        assert_eq!((orders.has_changed().unwrap(), *orders.borrow_and_update()), (true, 21));
        tail.push(said("payments", 22..22 + AHEAD_MAX));
        assert!(!orders.has_changed().unwrap());
        tail.push(said("payments", 22 + AHEAD_MAX..23 + AHEAD_MAX));
        assert_eq!((orders.has_changed().unwrap(), *orders.borrow_and_update()), (true, 22 + AHEAD_MAX));
        // Somebody new waits from where the log ends, and after a doubt everybody looks, up to what is certain.
        assert_eq!(*tail.subscribe_to("kitchen").borrow(), 22 + AHEAD_MAX);
        tail.forget(402, 400);
        assert_eq!((orders.has_changed().unwrap(), *orders.borrow_and_update()), (true, 400));
        assert_eq!(tail.newest(), 400);
        assert!(matches!(tail.after(&[], 401, 9), Known::TooOld(_)), "the table is asked for what may be there");
    }
}
