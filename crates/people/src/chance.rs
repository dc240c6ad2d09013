//! All chance of a world or a person: one stream from one seed.

/// SplitMix64 (Steele, Lea and Flood, "Fast splittable pseudorandom number generators", 2014).
#[derive(Debug, Clone)]
pub struct Chance(u64);

impl Chance {
    /// Begins the stream of a seed.
    pub fn new(seed: u64) -> Chance {
        Chance(mixed(seed))
    }

    /// Gives the next 64 bits.
    pub fn bits(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        mixed(self.0)
    }

    /// Gives a number below `end`; 0 when there is none.
    pub fn below(&mut self, end: u64) -> u64 {
        if end == 0 { 0 } else { self.bits() % end }
    }

    /// Tells whether something happens that happens so many times in a thousand.
    pub fn happens(&mut self, per_mille: u64) -> bool {
        per_mille > 0 && self.below(1_000) < per_mille
    }
}

/// Spreads every bit over the whole number.
pub fn mixed(number: u64) -> u64 {
    let number = (number ^ (number >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
    let number = (number ^ (number >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
    number ^ (number >> 31)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_seed_gives_the_same_stream_on_every_machine() {
        let mut chance = Chance::new(7);
        let first: Vec<u64> = (0..3).map(|_| chance.bits()).collect();
        let mut again = Chance::new(7);
        assert_eq!(first, (0..3).map(|_| again.bits()).collect::<Vec<_>>());
        assert_ne!(Chance::new(8).bits(), first[0]);
    }

    #[test]
    fn never_and_always_mean_what_they_say() {
        let mut chance = Chance::new(1);
        assert!((0..1_000).all(|_| !chance.happens(0) && chance.happens(1_000)));
        assert!((0..1_000).all(|_| chance.below(3) < 3) && chance.below(0) == 0);
    }
}
