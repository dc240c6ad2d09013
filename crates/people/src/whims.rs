//! What people do by chance, of which there is none but the world's.

use base::World;

/// Chance in the measures of people.
pub trait Whims {
    /// Gives a number below `end`; 0 when there is none.
    fn below(&self, end: u64) -> u64;

    /// Gives a number from `first` up to and with `last`.
    fn between(&self, first: u64, last: u64) -> u64 {
        first + self.below(last.saturating_sub(first) + 1)
    }

    /// Tells whether something happens that happens so many times in a thousand.
    fn happens(&self, per_mille: u64) -> bool {
        per_mille > 0 && self.below(1_000) < per_mille
    }
}

impl Whims for World {
    fn below(&self, end: u64) -> u64 {
        if end == 0 { 0 } else { self.chance() % end }
    }
}
