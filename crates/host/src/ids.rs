//! Numbers that never come back: milliseconds, node, sequence.

use std::sync::Mutex;

use base::Timestamp;

/// 2024-01-01T00:00:00Z in milliseconds since 1970; 41 bits of milliseconds last until 2093.
const EPOCH_MS: i64 = 1_704_067_200_000;
const NODE_BITS: u32 = 10;
const SEQUENCE_BITS: u32 = 12;
/// So far below the mark the clock is followed: ids that are made faster than it goes borrow from here, never from beyond.
const BORROWED_MS_MAX: i64 = 10_000;

/// Gives the lowest id of a moment: whatever was given before it is below.
pub fn lowest_at(time: Timestamp) -> i64 {
    (time.millis() - EPOCH_MS).max(0) << (NODE_BITS + SEQUENCE_BITS)
}

/// Makes ids of 63 bits: 41 of milliseconds, 10 of the node, 12 of a sequence.
///
/// Milliseconds never go back, and never beyond a mark that was persisted before: so an id does not come back after a
/// crash, even when the clock went backwards meanwhile, nor when it jumped forward and was set right again.
#[derive(Debug)]
pub struct IdSource {
    node: i64,
    state: Mutex<State>,
}

#[derive(Debug)]
struct State {
    last_ms: i64,
    sequence: i64,
    mark_ms: i64,
}

impl IdSource {
    /// Makes the source of a node (0 to 1023); `floor_ms` is the mark persisted by the process before.
    pub fn new(node: u16, floor_ms: i64) -> IdSource {
        // The millisecond of the mark itself may be used up.
        let state = State { last_ms: floor_ms - EPOCH_MS, sequence: (1 << SEQUENCE_BITS) - 1, mark_ms: i64::MAX };
        IdSource { node: i64::from(node) & ((1 << NODE_BITS) - 1), state: Mutex::new(state) }
    }

    /// Allows milliseconds up to a mark that has been persisted.
    pub fn set_mark(&self, mark_ms: i64) {
        self.state.lock().expect("nobody panics while holding the id source").mark_ms = mark_ms - EPOCH_MS;
    }

    /// Gives the millisecond of the newest id, or of the mark it began with.
    pub fn last_ms(&self) -> i64 {
        self.state.lock().expect("nobody panics while holding the id source").last_ms + EPOCH_MS
    }

    /// Gives the next id at a time of the wall clock.
    pub fn next(&self, now_ms: i64) -> i64 {
        let mut state = self.state.lock().expect("nobody panics while holding the id source");
        let now = (now_ms - EPOCH_MS).min(state.mark_ms - BORROWED_MS_MAX);
        if now > state.last_ms {
            state.last_ms = now;
            state.sequence = 0;
        } else {
            state.sequence += 1;
            if state.sequence == 1 << SEQUENCE_BITS {
                // The millisecond is used up: borrow the next one.
                state.last_ms += 1;
                state.sequence = 0;
            }
        }
        state.last_ms << (NODE_BITS + SEQUENCE_BITS) | self.node << SEQUENCE_BITS | state.sequence
    }
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use super::*;

    const NOW: i64 = EPOCH_MS + 1_000_000;

    #[test]
    fn ids_rise_even_when_the_clock_goes_back_or_stands() {
        let ids = IdSource::new(3, 0);
        let mut last = 0;
        for ms in (0..10_000).map(|step| NOW + step / 3 - step % 7) {
            let id = ids.next(ms);
            assert!(id > last);
            last = id;
        }
    }

    #[test]
    fn a_process_that_starts_again_with_an_older_clock_makes_no_id_twice() {
        let before = IdSource::new(0, 0);
        before.set_mark(NOW + 60_000);
        // More than one millisecond holds, while the clock is far ahead.
        let given: BTreeSet<i64> = (0..10_000).map(|_| before.next(NOW + 999_999)).collect();
        let after = IdSource::new(0, NOW + 60_000);
        assert!((0..10_000).all(|_| !given.contains(&after.next(NOW - 60_000))));
    }

    #[test]
    fn what_was_given_before_a_moment_is_below_it() {
        let (ids, moment) = (IdSource::new(1_023, 0), Timestamp::from_micros((NOW + 1) * 1_000));
        let before = (0..4_096).map(|_| ids.next(NOW)).max().unwrap();
        assert!(before < lowest_at(moment) && lowest_at(moment) <= IdSource::new(0, 0).next(NOW + 1));
        assert_eq!(lowest_at(Timestamp(0)), 0);
    }

    #[test]
    fn nodes_never_meet() {
        let (a, b) = (IdSource::new(1, 0), IdSource::new(2, 0));
        let of_a: BTreeSet<i64> = (0..5_000).map(|_| a.next(NOW)).collect();
        assert!((0..5_000).all(|_| !of_a.contains(&b.next(NOW))));
    }
}
