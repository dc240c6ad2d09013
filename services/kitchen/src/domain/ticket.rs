//! Tickets: what the kitchen makes for one order, from waiting for its payment to its last dish.

use base::id::{OrderId, ShopId, TicketId};
use base::{Mistake, Timestamp, planted};

use super::{BookedStep, Failure, Floor, TicketLine};

/// How many dishes a ticket may have. Orders refuses more before anybody has paid.
pub const DISHES_MAX: u32 = base::limits::ORDER_DISHES_MAX;

/// How far a ticket has come.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum State {
    /// Not paid.
    Waiting,
    /// Its steps have their places and times.
    Booked,
    /// The first dish is being made.
    Cooking,
    /// Every dish is ready.
    Ready,
    /// The kitchen cannot make it.
    Failed,
    /// The order was cancelled before anything was made.
    Cancelled,
    /// The order has no dishes; kept so that its payment is not taken for an early one.
    Nothing,
    /// The payment was heard before the order.
    PaidEarly,
}

impl State {
    /// Every state; its place is its number in the store.
    pub const ALL: [State; 8] = [
        State::Waiting,
        State::Booked,
        State::Cooking,
        State::Ready,
        State::Failed,
        State::Cancelled,
        State::Nothing,
        State::PaidEarly,
    ];

    /// Gives its name in the contract.
    pub fn name(self) -> &'static str {
        match self {
            State::Waiting => "waiting",
            State::Booked => "booked",
            State::Cooking => "cooking",
            State::Ready => "ready",
            State::Failed => "failed",
            State::Cancelled => "cancelled",
            State::Nothing => "nothing",
            State::PaidEarly => "paid_early",
        }
    }

    /// Tells whether somebody still has something to do for it.
    pub fn is_open(self) -> bool {
        matches!(self, State::Waiting | State::Booked | State::Cooking)
    }
}

/// What the kitchen makes for one order.
#[derive(Debug, Clone, PartialEq)]
pub struct Ticket {
    /// The order.
    pub order_id: OrderId,
    /// Its shop.
    pub shop_id: ShopId,
    /// The ticket's own id.
    pub ticket_id: TicketId,
    /// How far it has come.
    pub state: State,
    /// The dishes, by line of the order.
    pub lines: Vec<TicketLine>,
    /// When the first dish is begun; 0 until it is booked.
    pub starts_at: Timestamp,
    /// When the last dish is ready; 0 until it is booked.
    pub ready_at: Timestamp,
    /// The time scale under which it was booked.
    pub time_scale: f64,
    /// Why it failed.
    pub reason: String,
    /// Counts the changes; 0 while it is not kept yet.
    pub version: i64,
}

/// What a decision says to the others.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Said {
    /// The first dish is being made.
    Started,
    /// Dishes have other times than before.
    Changed(Why),
    /// Every dish is ready.
    Ready,
    /// The kitchen cannot make it.
    Failed(Failure),
}

/// Why dishes have other times than before.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Why {
    /// A cook said that something was done.
    Bumped,
    /// A cook took that back.
    Recalled,
    /// Their station broke, and others make them.
    Moved,
}

impl Why {
    /// Gives its name in events.
    pub fn name(self) -> &'static str {
        match self {
            Why::Bumped => "bumped",
            Why::Recalled => "recalled",
            Why::Moved => "moved",
        }
    }
}

/// What is to happen later.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Timer {
    /// The first dish is begun then; none when that needs no timer any more.
    Start(Option<Timestamp>),
    /// The last dish is ready then; none when that needs no timer any more.
    Ready(Option<Timestamp>),
}

/// What follows from a change of a ticket; nothing when it did not change.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
#[must_use]
pub struct Decision {
    /// Whether the ticket changed.
    pub changed: bool,
    /// What is said, in this order.
    pub said: Vec<Said>,
    /// What is set and dropped.
    pub timers: Vec<Timer>,
}

impl Decision {
    pub(super) fn unchanged() -> Decision {
        Decision::default()
    }

    fn changed() -> Decision {
        Decision { changed: true, ..Decision::default() }
    }

    fn say(mut self, said: Said) -> Decision {
        self.said.push(said);
        self
    }

    fn set(mut self, timer: Timer) -> Decision {
        self.timers.push(timer);
        self
    }
}

impl Ticket {
    /// Books the dishes of a paid order: every step gets its place and its time, and the rest follows from the clock.
    pub fn book(&mut self, floor: &mut Floor, now: Timestamp) -> Decision {
        self.book_held(floor, now, now)
    }

    /// Books like [`Ticket::book`], but nothing begins before a time.
    pub fn book_held(&mut self, floor: &mut Floor, now: Timestamp, until: Timestamp) -> Decision {
        if !matches!(self.state, State::Waiting | State::PaidEarly) {
            return Decision::unchanged();
        }
        if self.dishes() > DISHES_MAX {
            return self.fail(Failure::TooManyDishes);
        }
        if let Some(failure) = floor.lacks(self.lines.iter().flat_map(|line| &line.steps)) {
            return self.fail(failure);
        }
        for line in &mut self.lines {
            line.booked = (0..line.quantity).map(|_| floor.book(&line.steps, now)).collect();
            line.by_hand = floor.by_hand;
            line.promised_at = line.booked.iter().flatten().map(|step| step.ends_at).max().unwrap_or(now);
        }
        self.state = State::Booked;
        self.time_scale = floor.time_scale;
        self.starts_at = self.booked().map(|step| step.starts_at).min().unwrap_or(now).max(until);
        self.ready_at = self.booked().map(|step| step.ends_at).max().unwrap_or(now).max(until);
        self.go_on(now)
    }

    /// Says what is due at once and sets timers for what comes later.
    fn go_on(&mut self, now: Timestamp) -> Decision {
        let mut decision = Decision::changed();
        if self.state == State::Booked && self.starts_at > now {
            decision = decision.set(Timer::Start(Some(self.starts_at)));
        } else if self.state == State::Booked {
            self.state = State::Cooking;
            decision = decision.say(Said::Started);
        }
        if !self.ends_by_itself(now) {
            return decision;
        }
        if self.state == State::Cooking && self.ready_at <= now {
            self.state = State::Ready;
            return decision.say(Said::Ready);
        }
        decision.set(Timer::Ready(Some(self.ready_at)))
    }

    /// Tells whether the ticket becomes ready when its time has come: where cooks say what is done, only after they did.
    fn ends_by_itself(&self, now: Timestamp) -> bool {
        self.lines.iter().all(|line| !line.by_hand) || self.is_made(now)
    }

    /// Tells whether every dish has all its steps behind it.
    pub(super) fn is_made(&self, now: Timestamp) -> bool {
        let made = |line: &TicketLine| (0..line.booked.len()).all(|dish| line.step_at(dish, now) >= line.booked[dish].len());
        self.lines.iter().all(made)
    }

    /// Begins to cook: the timer says that the first dish is due.
    pub fn start(&mut self, due: Timestamp) -> Decision {
        if self.state != State::Booked || self.starts_at > due {
            return Decision::unchanged();
        }
        self.state = State::Cooking;
        Decision::changed().say(Said::Started)
    }

    /// Ends cooking: the timer says that the last dish is due. A timer that was overtaken changes nothing.
    ///
    /// It compares with the time for which the timer was set, not with the clock, which may have been put back.
    pub fn finish(&mut self, due: Timestamp) -> Decision {
        if self.ready_at > due || !self.ends_by_itself(due) {
            return Decision::unchanged();
        }
        let mut decision = Decision::changed();
        match self.state {
            // The timer of the start is late: both are said now, in their order.
            State::Booked => decision = decision.say(Said::Started).set(Timer::Start(None)),
            State::Cooking => {}
            _ => return Decision::unchanged(),
        }
        self.state = State::Ready;
        decision.say(Said::Ready)
    }

    /// Takes a ticket back that nobody has begun; what is on the fire stays.
    pub fn cancel(&mut self, floor: &mut Floor) -> Decision {
        let was = self.state;
        if !matches!(was, State::Waiting | State::Booked) || planted(Mistake::CancelledIsCooked) {
            return Decision::unchanged();
        }
        self.clear(floor, Timestamp(i64::MIN));
        self.state = State::Cancelled;
        if was == State::Waiting {
            return Decision::changed();
        }
        Decision::changed().set(Timer::Start(None)).set(Timer::Ready(None))
    }

    /// Moves what a broken station has not ended, and all that follows it, to other stations; a step under way begins anew.
    pub fn leave(&mut self, floor: &mut Floor, station: usize, now: Timestamp) -> Decision {
        if !matches!(self.state, State::Booked | State::Cooking) {
            return Decision::unchanged();
        }
        let torn = self.torn(station, now);
        if torn.is_empty() {
            return Decision::unchanged();
        }
        if let Some(failure) = floor.lacks(torn.iter().flat_map(|(line, _, step)| &self.lines[*line].steps[*step..])) {
            self.clear(floor, now);
            let decision = self.fail(failure);
            return decision.set(Timer::Start(None)).set(Timer::Ready(None));
        }
        let lost = torn.iter().flat_map(|(line, dish, step)| self.lines[*line].booked[*dish][*step..].iter().copied());
        floor.release(lost.collect());
        for (line, dish, step) in torn {
            let TicketLine { steps, booked, .. } = &mut self.lines[line];
            let kept = &mut booked[dish];
            kept.truncate(step);
            let from = kept.last().map_or(now, |last| last.ends_at.max(now));
            kept.extend(floor.book(&steps[step..], from));
        }
        self.settle(now, Why::Moved)
    }

    /// Finds the dishes that a broken station tears: line, dish, and the first step that it has not ended.
    fn torn(&self, station: usize, now: Timestamp) -> Vec<(usize, usize, usize)> {
        let mut torn = Vec::new();
        for (number, line) in self.lines.iter().enumerate() {
            for (dish, booked) in line.booked.iter().enumerate() {
                let at = line.step_at(dish, now);
                if let Some(step) = booked.iter().skip(at).position(|step| step.station == station) {
                    torn.push((number, dish, at + step));
                }
            }
        }
        torn
    }

    /// Finds the new times of a ticket that was moved. What has begun keeps its beginning.
    pub(super) fn settle(&mut self, now: Timestamp, why: Why) -> Decision {
        self.ready_at = self.booked().map(|step| step.ends_at).max().unwrap_or(now);
        if why == Why::Bumped && self.is_made(now) {
            self.ready_at = now.max(self.ready_at) + self.grace();
        }
        if self.state == State::Booked {
            self.starts_at = self.booked().map(|step| step.starts_at).min().unwrap_or(now);
        }
        // The timers that were set before are dropped first, then those are set that are still needed.
        let mut decision = self.go_on(now).set(Timer::Start(None)).set(Timer::Ready(None));
        let place = usize::from(decision.said.first() == Some(&Said::Started));
        decision.said.insert(place, Said::Changed(why));
        decision
    }

    /// Drops all bookings and gives back the places of what has not ended.
    fn clear(&mut self, floor: &mut Floor, now: Timestamp) {
        let held = self.booked().filter(|step| step.ends_at > now).copied().collect();
        floor.release(held);
        for line in &mut self.lines {
            line.booked.clear();
            line.cuts.clear();
        }
        (self.starts_at, self.ready_at) = (Timestamp(0), Timestamp(0));
    }

    fn fail(&mut self, failure: Failure) -> Decision {
        self.state = State::Failed;
        self.reason = failure.name().to_owned();
        Decision::changed().say(Said::Failed(failure))
    }

    /// Gives the time from the first step to the last, in milliseconds at a time scale of one.
    // Minutes in microseconds are far below 2^53.
    #[allow(clippy::cast_possible_truncation, clippy::cast_precision_loss)]
    pub fn cooking_ms(&self) -> i64 {
        let last = self.booked().map(|step| step.ends_at).max().unwrap_or(self.ready_at);
        let micros = last.0.saturating_sub(self.starts_at.0);
        (micros as f64 * self.time_scale / 1_000.0).round() as i64
    }

    /// Counts the dishes.
    pub fn dishes(&self) -> u32 {
        self.lines.iter().fold(0, |sum: u32, line| sum.saturating_add(line.quantity))
    }

    /// Walks over all booked steps.
    pub fn booked(&self) -> impl Iterator<Item = &BookedStep> {
        self.lines.iter().flat_map(|line| line.booked.iter().flatten())
    }
}
