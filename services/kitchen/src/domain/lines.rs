//! Lines: what stands on each place of a floor from now on, and the gaps between.
//!
//! A floor remembers only when the last step of a place ends. Whoever moves dishes by hand looks at all open tickets
//! instead, so that a dish that is done early takes the oven or the pass while nobody else has it.

use std::collections::BTreeMap;

use base::Timestamp;

use super::{BookedStep, Floor};

/// Who stands where, and until when.
#[derive(Debug, Clone)]
pub struct Lines {
    /// By station and place: when it is taken, as beginnings and ends.
    spans: BTreeMap<(usize, usize), Vec<(Timestamp, Timestamp)>>,
    /// Whether all that is booked is known; else a place is taken until its last step ends.
    whole: bool,
    now: Timestamp,
}

impl Lines {
    /// Begins with the steps of all tickets but the one that is to be moved.
    pub fn of<'a>(others: impl IntoIterator<Item = &'a BookedStep>, now: Timestamp) -> Lines {
        let mut lines = Lines { spans: BTreeMap::new(), whole: true, now };
        lines.add(others);
        lines
    }

    /// Begins where the tickets are too many to look at: every place is taken until its last step ends.
    pub fn taken(floor: &Floor, now: Timestamp) -> Lines {
        let mut lines = Lines { spans: BTreeMap::new(), whole: false, now };
        for (station, known) in floor.stations.iter().enumerate() {
            for (place, free_at) in known.free_at.iter().enumerate().filter(|(_, free_at)| **free_at > now) {
                lines.spans.insert((station, place), vec![(now, *free_at)]);
            }
        }
        lines
    }

    /// Adds steps that stay where they are.
    pub fn add<'a>(&mut self, steps: impl IntoIterator<Item = &'a BookedStep>) {
        for step in steps {
            if step.ends_at > self.now && step.ends_at > step.starts_at {
                let spans = self.spans.entry((step.station, step.place)).or_default();
                let place = spans.partition_point(|(starts_at, _)| *starts_at < step.starts_at);
                spans.insert(place, (step.starts_at, step.ends_at));
            }
        }
    }

    /// Takes the first gap of a kind that is wide enough, none before `from`; none where no station of the kind works.
    pub fn take(&mut self, floor: &Floor, kind: &str, micros: i64, from: Timestamp) -> Option<BookedStep> {
        let mut best: Option<BookedStep> = None;
        for (station, known) in floor.stations.iter().enumerate() {
            if known.broken || known.kind != kind {
                continue;
            }
            for place in 0..known.places {
                let starts_at = self.gap((station, place), micros, from);
                if best.is_none_or(|best| starts_at < best.starts_at) {
                    let ends_at = Timestamp(starts_at.0.saturating_add(micros));
                    best = Some(BookedStep { station, place, starts_at, ends_at });
                }
            }
        }
        self.add(&best);
        best
    }

    fn gap(&self, place: (usize, usize), micros: i64, from: Timestamp) -> Timestamp {
        let mut starts_at = from;
        for (taken, free) in self.spans.get(&place).into_iter().flatten() {
            if starts_at.0.saturating_add(micros) <= taken.0 {
                break;
            }
            starts_at = starts_at.max(*free);
        }
        starts_at
    }

    /// Tells the floor when the last step of each place ends now.
    pub fn write(self, floor: &mut Floor) {
        for (station, known) in floor.stations.iter_mut().enumerate() {
            for (place, free_at) in known.free_at.iter_mut().enumerate() {
                let last = self.spans.get(&(station, place)).into_iter().flatten().map(|(_, ends_at)| *ends_at).max();
                *free_at = match last {
                    Some(ends_at) if self.whole => ends_at,
                    Some(ends_at) => ends_at.max(*free_at),
                    None => (*free_at).min(self.now),
                };
            }
        }
    }
}
