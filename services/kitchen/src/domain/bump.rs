//! Bumps and recalls: what cooks say about dishes, against the clock.
//!
//! A bump ends steps now and moves what follows into the first gaps. A recall books what was left of them
//! again. Both are decided for all dishes that are named or for none.

use std::time::Duration;

use base::Timestamp;

use super::{BookedStep, Cut, Decision, Error, Floor, Lines, State, Ticket, TicketLine, Why};

/// How long the last bump of a ticket can be taken back before its order leaves the kitchen, at a time scale of one.
const GRACE_SECONDS: f64 = 10.0;

/// A dish of a ticket and one of its steps, both counted from 0.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Mark {
    /// The dish, counted through all lines.
    pub dish: u32,
    /// Its step. A bump says that it and those before it are done; a recall takes the dish back to it.
    pub step: u32,
}

/// A mark as it is found on the ticket: line, dish of the line, step.
type Found = (usize, usize, usize);

impl Ticket {
    /// Notes that dishes are done up to a step, or all of them when none is named. What is done already stays as it is.
    pub fn bump(&mut self, floor: &mut Floor, others: Lines, marks: &[Mark], now: Timestamp) -> Result<Decision, Error> {
        match self.state {
            State::Booked | State::Cooking => {}
            State::Ready => return Ok(Decision::unchanged()),
            State::Waiting | State::Nothing | State::PaidEarly => return Err(Error::NotBooked),
            State::Failed | State::Cancelled => return Err(Error::TicketOver),
        }
        let mut found = if marks.is_empty() { self.last_steps() } else { self.find(marks)? };
        // Of a dish that is named twice, the later step says it all.
        found.sort_unstable_by(|one, other| other.cmp(one));
        found.dedup_by_key(|(line, dish, _)| (*line, *dish));
        let bump = self.bumps() + 1;
        let mut moved = Vec::new();
        for (line, dish, last) in found {
            let line_of = &mut self.lines[line];
            let at = line_of.step_at(dish, now);
            if at <= last {
                line_of.cut(dish, at..=last, bump, now);
                moved.push((line, dish, last + 1));
            }
        }
        if moved.is_empty() {
            return Ok(Decision::unchanged());
        }
        self.book_again(floor, others, &moved, now);
        Ok(self.settle(now, Why::Bumped))
    }

    /// Takes dishes back to a step that cooks said was done, or undoes the last bump when none is named.
    pub fn recall(&mut self, floor: &mut Floor, others: Lines, marks: &[Mark], now: Timestamp) -> Result<Decision, Error> {
        match self.state {
            State::Booked | State::Cooking => {}
            State::Ready => return Err(Error::LeftKitchen),
            State::Waiting | State::Nothing | State::PaidEarly => return Err(Error::NotBooked),
            State::Failed | State::Cancelled => return Err(Error::TicketOver),
        }
        let mut found = if marks.is_empty() { self.last_bump(now) } else { self.find(marks)? };
        found.sort_unstable();
        found.dedup_by_key(|(line, dish, _)| (*line, *dish));
        // Where a dish has not come further than that, it was taken back already.
        found.retain(|(line, dish, step)| marks.is_empty() || self.lines[*line].step_at(*dish, now) > *step);
        if marks.is_empty() && found.is_empty() {
            return Err(Error::NothingToRecall);
        }
        for (line, dish, step) in &found {
            let line = &self.lines[*line];
            if line.recallable(*dish, now).is_none_or(|first| first > *step) {
                return Err(Error::NothingToRecall);
            }
            if let Some(why) = floor.lacks(&line.steps[*step..]) {
                return Err(Error::NoPlace { why });
            }
        }
        if found.is_empty() {
            return Ok(Decision::unchanged());
        }
        self.book_again(floor, others, &found, now);
        for (line, dish, step) in found {
            self.lines[line].cuts[dish].retain(|cut| cut.step < step);
        }
        Ok(self.settle(now, Why::Recalled))
    }

    /// Books dishes anew from a step on, each as early as there is a gap for it. All other steps stay where they are.
    fn book_again(&mut self, floor: &mut Floor, mut lines: Lines, moved: &[Found], now: Timestamp) {
        let is_moved = |line: usize, dish: usize, step: usize| {
            moved.iter().any(|(moved_line, moved_dish, from)| (*moved_line, *moved_dish) == (line, dish) && step >= *from)
        };
        for (number, line) in self.lines.iter().enumerate() {
            for (dish, steps) in line.booked.iter().enumerate() {
                lines.add(steps.iter().enumerate().filter(|(step, _)| !is_moved(number, dish, *step)).map(|(_, step)| step));
            }
        }
        for (line, dish, step) in moved {
            let TicketLine { steps, booked, cuts, .. } = &mut self.lines[*line];
            let cut = |step: usize| cuts.get(*dish).into_iter().flatten().find(|cut| cut.step == step);
            let mut from = now;
            for (number, (recipe, again)) in steps.iter().zip(&mut booked[*dish]).enumerate().skip(*step) {
                let micros = cut(number).map_or_else(|| floor.micros_of(recipe), |cut| left_since(cut, *again, now));
                // Where no station of the kind works, the dish keeps its place in the line until somebody moves it.
                let Some(step) = lines.take(floor, &recipe.station_kind, micros, from) else { break };
                (*again, from) = (step, step.ends_at);
            }
        }
        lines.write(floor);
    }

    /// Gives how long the order stays after its last dish was bumped.
    pub(super) fn grace(&self) -> Duration {
        Duration::from_secs_f64((GRACE_SECONDS / self.time_scale).clamp(0.0, GRACE_SECONDS))
    }

    /// Gives every dish with its last step.
    fn last_steps(&self) -> Vec<Found> {
        let each = self.lines.iter().enumerate().flat_map(|(number, line)| {
            let dishes = line.booked.iter().enumerate();
            dishes.filter(|(_, steps)| !steps.is_empty()).map(move |(dish, steps)| (number, dish, steps.len() - 1))
        });
        each.collect()
    }

    /// Gives what the last bump cut: each of its dishes with the first step that it ended.
    fn last_bump(&self, now: Timestamp) -> Vec<Found> {
        let last = self.bumps();
        let mut found = Vec::new();
        for (number, line) in self.lines.iter().enumerate() {
            for dish in 0..line.booked.len() {
                let first = line.cuts_of(dish).iter().find(|cut| cut.bump == last).map(|cut| cut.step);
                if let Some(step) = first.filter(|step| line.recallable(dish, now).is_some_and(|first| first <= *step)) {
                    found.push((number, dish, step));
                }
            }
        }
        found
    }

    fn bumps(&self) -> u32 {
        self.lines.iter().flat_map(|line| line.cuts.iter().flatten()).map(|cut| cut.bump).max().unwrap_or(0)
    }

    fn find(&self, marks: &[Mark]) -> Result<Vec<Found>, Error> {
        let find = |mark: &Mark| {
            let unknown = Error::NoSuchStep { dish: mark.dish, step: mark.step };
            let mut before = 0;
            for (number, line) in self.lines.iter().enumerate() {
                let dish = (mark.dish - before) as usize;
                if dish < line.quantity as usize {
                    let step = mark.step as usize;
                    return if step < line.steps.len() { Ok((number, dish, step)) } else { Err(unknown) };
                }
                before += line.quantity;
            }
            Err(unknown)
        };
        marks.iter().map(find).collect()
    }
}

impl TicketLine {
    fn cut(&mut self, dish: usize, steps: std::ops::RangeInclusive<usize>, bump: u32, now: Timestamp) {
        self.cuts.resize(self.cuts.len().max(dish + 1), Vec::new());
        let (booked, cuts) = (&mut self.booked[dish], &mut self.cuts[dish]);
        for step in steps {
            let old = booked[step];
            cuts.push(Cut { bump, step, left: left(old, now) });
            booked[step] = BookedStep { starts_at: old.starts_at.min(now), ends_at: now, ..old };
        }
    }
}

/// Tells how much is left of a step that cooks ended too early. One that was under way went on in their hands: were it given
/// its time anew, it would not fit into its own place again and would stand behind everybody.
fn left_since(cut: &Cut, ended: BookedStep, now: Timestamp) -> i64 {
    let went_on = if ended.starts_at < ended.ends_at { now.0 - ended.ends_at.0 } else { 0 };
    if went_on < cut.left { cut.left - went_on } else { cut.left }
}

/// Tells how much of a step was left: all of one that nobody has begun, nothing of one whose time is over.
fn left(step: BookedStep, now: Timestamp) -> i64 {
    (step.ends_at.0 - step.starts_at.max(now).0).max(0)
}

#[cfg(test)]
#[path = "bump_tests.rs"]
mod tests;
