//! The newest events, kept in memory: nearly every reader is close behind the writer.

use std::collections::{BTreeMap, VecDeque};
use std::sync::{Arc, RwLock};

use base::Event;
use tokio::sync::watch;

struct Ring {
    events: VecDeque<Arc<Event>>,
    /// Every event beyond this is in the ring.
    floor: i64,
    /// The last event of a source, once somebody has asked: so that a reader at the end of a quiet source costs nothing.
    lasts: BTreeMap<String, i64>,
    /// Counts how often everything was forgotten, so that what was read before is not noted after.
    age: u64,
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
        let ring = Ring { events: VecDeque::new(), floor: high, lasts: BTreeMap::new(), age: 0 };
        Tail { ring: RwLock::new(ring), events_max, newest: watch::Sender::new(high) }
    }

    /// Takes in the events of a flush, in order, and wakes who waits.
    pub(crate) fn push(&self, events: Vec<Arc<Event>>) {
        let Some(newest) = events.last().map(|event| event.seq) else { return };
        let mut ring = self.ring.write().expect("nothing panics while the ring is held");
        for event in events {
            match ring.lasts.get_mut(&event.source) {
                Some(last) => *last = event.seq,
                None => {
                    ring.lasts.insert(event.source.clone(), event.seq);
                }
            }
            ring.events.push_back(event);
        }
        while ring.events.len() > self.events_max {
            if let Some(gone) = ring.events.pop_front() {
                ring.floor = gone.seq;
            }
        }
        drop(ring);
        self.newest.send_replace(newest);
    }

    /// Forgets everything, after a commit whose end nobody knows: the table is asked from here on.
    pub(crate) fn forget(&self, high: i64) {
        let mut ring = self.ring.write().expect("nothing panics while the ring is held");
        ring.events.clear();
        ring.lasts.clear();
        ring.floor = high;
        ring.age += 1;
        drop(ring);
        self.newest.send_replace(high);
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
        let wanted = |event: &&Arc<Event>| sources.is_empty() || sources.contains(&event.source.as_str());
        Known::All(ring.events.range(first..).filter(wanted).take(limit).cloned().collect())
    }

    pub(crate) fn newest(&self) -> i64 {
        *self.newest.borrow()
    }

    pub(crate) fn subscribe(&self) -> watch::Receiver<i64> {
        self.newest.subscribe()
    }
}
