//! The pace of a lane: its rounds are kept a little apart while much is said, so that each serves many.

use std::time::Duration;

/// When the last round began, and how far the log had been read then.
#[derive(Debug, Default)]
pub(crate) struct Pace {
    began: Duration,
    read_to: i64,
}

impl Pace {
    /// How far apart rounds begin while much is said. A round costs reads, a commit and a part of a flush, whatever it
    /// carries; an order passes a dozen of them on its way, and who waits for it counts in tenths of a second.
    const APART: Duration = Duration::from_millis(10);
    /// So many events since the last round are much. Whoever orders alone waits for no company.
    const MUCH: i64 = 32;

    /// Tells how long to wait before a round; `open` is how many events wait already, and `full` how many make up a round.
    pub(crate) fn rest(&self, now: Duration, read_to: i64, open: usize, full: usize) -> Duration {
        if read_to.saturating_sub(self.read_to) < Pace::MUCH || open >= full {
            return Duration::ZERO;
        }
        (self.began + Pace::APART).saturating_sub(now)
    }

    /// Notes that a round begins.
    pub(crate) fn begin(&mut self, now: Duration, read_to: i64) {
        *self = Pace { began: now, read_to };
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn rounds_are_apart_only_while_much_is_said_and_little_waits() {
        let ms = Duration::from_millis;
        let mut pace = Pace::default();
        pace.begin(ms(100), 1_000);
        assert_eq!(pace.rest(ms(103), 1_031, 5, 256), ms(0), "little was said");
        assert_eq!(pace.rest(ms(103), 1_032, 5, 256), ms(7));
        assert_eq!(pace.rest(ms(103), 9_000, 256, 256), ms(0), "a whole round waits");
        assert_eq!(pace.rest(ms(110), 9_000, 5, 256), ms(0), "it is long ago");
        pace.begin(ms(110), 9_000);
        assert_eq!(pace.rest(ms(111), 9_001, 5, 256), ms(0));
    }
}
