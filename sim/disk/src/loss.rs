//! What becomes of changes that were on their way to the disk when the power went.

use std::ops::Range;

use crate::chance::Chance;
use crate::disk::Counters;
use crate::file::{Change, put};

/// The sectors, or parts of them, that a stretch lies in.
fn parts(stretch: Range<usize>, sector: usize) -> impl Iterator<Item = Range<usize>> {
    let mut from = stretch.start;
    std::iter::from_fn(move || {
        let to = ((from / sector + 1) * sector).min(stretch.end);
        let part = from..to;
        from = to;
        (!part.is_empty()).then_some(part)
    })
}

/// Does changes again the way a loss of power leaves them.
pub(crate) fn land(content: &mut Vec<u8>, changes: Vec<Change>, sector: usize, chance: &mut Chance, counters: &mut Counters) {
    if changes.is_empty() {
        return;
    }
    let mut loss = Loss { content, sector, chance, counters };
    match loss.chance.below(8) {
        0 => changes.iter().for_each(|change| loss.keep(change)),
        1 => changes.iter().for_each(|change| loss.drop(change)),
        2..=4 => loss.up_to_a_moment(&changes),
        _ => loss.each_for_itself(changes),
    }
}

struct Loss<'a> {
    content: &'a mut Vec<u8>,
    /// Bytes that are written together.
    sector: usize,
    chance: &'a mut Chance,
    counters: &'a mut Counters,
}

impl Loss<'_> {
    fn up_to_a_moment(&mut self, changes: &[Change]) {
        let moment = self.chance.below(changes.len());
        for (at, change) in changes.iter().enumerate() {
            match at.cmp(&moment) {
                std::cmp::Ordering::Less => self.keep(change),
                std::cmp::Ordering::Equal => self.tear(change),
                std::cmp::Ordering::Greater => self.drop(change),
            }
        }
    }

    fn each_for_itself(&mut self, changes: Vec<Change>) {
        let mut changes: Vec<(usize, Change)> = changes.into_iter().enumerate().collect();
        if self.chance.once_in(2) {
            // No write moves to the other side of a truncation: that order file systems do keep.
            let between = changes.chunk_by_mut(|(_, a), (_, b)| is_write(a) && is_write(b));
            between.for_each(|writes| self.chance.shuffle(writes));
        }
        for (at, (before, change)) in changes.iter().enumerate() {
            self.counters.reordered += u64::from(at != *before);
            match self.chance.below(4) {
                0 => self.drop(change),
                1 => self.tear(change),
                _ => self.keep(change),
            }
        }
    }

    fn keep(&mut self, change: &Change) {
        change.apply(self.content);
    }

    fn drop(&mut self, change: &Change) {
        self.counters.dropped += 1;
        let Change::Write { at, bytes } = change else { return };
        // A file that grew may have its new length without its new bytes.
        if *at >= self.content.len() && self.chance.once_in(4) {
            self.garble(*at..at + bytes.len());
        }
    }

    fn tear(&mut self, change: &Change) {
        let Change::Write { at, bytes } = change else { return self.keep(change) };
        self.counters.torn += 1;
        let whole = *at..at + bytes.len();
        match self.chance.below(3) {
            0 => {
                for part in parts(whole, self.sector) {
                    if self.chance.once_in(2) {
                        put(self.content, part.start, &bytes[part.start - at..part.end - at]);
                    }
                }
            }
            1 => {
                let count = parts(whole.clone(), self.sector).count();
                let kept = parts(whole, self.sector).take(self.chance.below(count)).last();
                put(self.content, *at, &bytes[..kept.map_or(0, |part| part.end - at)]);
            }
            _ => {
                let end = at + self.chance.below(bytes.len());
                put(self.content, *at, &bytes[..end - at]);
                // The rest of the sector may be nonsense, but nothing beyond the write itself, and no byte that the write
                // leaves as it was: systems write whole pages, so no disk can tell such a byte from one beyond.
                if self.chance.once_in(2)
                    && let Some(rest) = parts(end..whole.end, self.sector).next()
                {
                    let before = self.content.get(rest.start..rest.end.min(self.content.len())).unwrap_or_default().to_vec();
                    self.garble(rest.clone());
                    let kept = before.iter().zip(&bytes[rest.start - at..]).enumerate().filter(|(_, (old, new))| old == new);
                    kept.for_each(|(index, (old, _))| self.content[rest.start + index] = *old);
                }
            }
        }
    }

    fn garble(&mut self, stretch: Range<usize>) {
        self.counters.garbled += 1;
        if self.content.len() < stretch.end {
            self.content.resize(stretch.end, 0);
        }
        self.chance.fill(&mut self.content[stretch]);
    }
}

fn is_write(change: &Change) -> bool {
    matches!(change, Change::Write { .. })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn lost(seed: u64, before: usize, changes: Vec<Change>) -> (Vec<u8>, Counters) {
        let (mut content, mut counters) = (vec![1; before], Counters::default());
        land(&mut content, changes, 4, &mut Chance::new(seed), &mut counters);
        (content, counters)
    }

    fn write(at: usize, byte: u8, length: usize) -> Change {
        Change::Write { at, bytes: vec![byte; length] }
    }

    #[test]
    fn every_fate_is_seen() {
        let mut seen = std::collections::BTreeSet::new();
        for seed in 0..500 {
            seen.insert(lost(seed, 8, vec![write(0, 2, 8), write(0, 3, 8)]).0);
        }
        let wanted: [&[u8]; 7] = [
            &[1; 8],
            &[2; 8],
            &[3; 8],
            &[3, 3, 3, 3, 1, 1, 1, 1],
            &[1, 1, 1, 1, 3, 3, 3, 3],
            &[3, 3, 3, 3, 2, 2, 2, 2],
            &[2, 2, 2, 2, 2, 3, 3, 3],
        ];
        // The last cannot be: nothing tears a sector from its end.
        assert_eq!(wanted.map(|content| seen.contains(content)), [true, true, true, true, true, true, false]);
    }

    #[test]
    fn bytes_outside_the_write_never_change() {
        for seed in 0..500 {
            let content = lost(seed, 12, vec![write(5, 2, 2)]).0;
            assert_eq!((&content[..5], &content[7..]), (&[1; 5][..], &[1; 5][..]));
        }
    }

    #[test]
    fn bytes_that_are_written_as_they_were_never_change() {
        for seed in 0..500 {
            let mut changes = vec![write(2, 1, 9)];
            let Change::Write { bytes, .. } = &mut changes[0] else { unreachable!() };
            bytes[4] = 2;
            let content = lost(seed, 12, changes).0;
            assert_eq!((&content[..6], &content[7..]), (&[1; 6][..], &[1; 5][..]));
        }
    }

    #[test]
    fn a_file_may_have_grown_without_its_bytes() {
        let grown = |seed| {
            let content = lost(seed, 4, vec![write(4, 2, 4)]).0;
            content.len() == 8 && content[4..].iter().all(|byte| *byte != 2)
        };
        assert!((0..200).any(grown));
    }

    #[test]
    fn no_write_passes_a_truncation() {
        for seed in 0..500 {
            let changes = vec![write(8, 2, 4), Change::Truncate { to: 4 }, write(4, 3, 4)];
            let (content, counters) = lost(seed, 8, changes);
            if counters.dropped + counters.torn == 0 {
                assert_eq!(content, [1, 1, 1, 1, 3, 3, 3, 3]);
            }
        }
    }
}
