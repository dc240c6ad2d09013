//! The way of one order from the counter to the door.

use base::id::{DeliveryId, OrderId, ShopId};
use base::limits::TEXT_BYTES_MAX;
use base::{Currency, Mistake, Timestamp, planted};

use super::{Error, Settings};

/// What a delivery says shows it when nobody but the clock was there.
const BY_ITSELF: &str = "by_itself";

/// How far a delivery has come.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum State {
    /// Nothing can be sent yet.
    Waiting,
    /// Goods are being packed.
    Packing,
    /// It has left the shop, or waits at the counter.
    Shipped,
    /// It was handed over.
    Delivered,
    /// It could not be handed over.
    Failed,
    /// The order was cancelled.
    Cancelled,
    /// Its payment was heard before the order.
    PaidEarly,
    /// Its dishes were heard to be ready before the order was.
    ReadyEarly,
}

impl State {
    /// Every state; its place is its number in the store.
    pub const ALL: [State; 8] = [
        State::Waiting,
        State::Packing,
        State::Shipped,
        State::Delivered,
        State::Failed,
        State::Cancelled,
        State::PaidEarly,
        State::ReadyEarly,
    ];

    /// Gives its name in the contract.
    pub fn name(self) -> &'static str {
        match self {
            State::Waiting => "waiting",
            State::Packing => "packing",
            State::Shipped => "shipped",
            State::Delivered => "delivered",
            State::Failed => "failed",
            State::Cancelled => "cancelled",
            State::PaidEarly => "paid_early",
            State::ReadyEarly => "ready_early",
        }
    }

    /// Tells whether somebody still has something to do for it.
    pub fn is_open(self) -> bool {
        matches!(self, State::Waiting | State::Packing | State::Shipped)
    }

    /// Tells whether the order itself was not heard yet.
    pub fn is_early(self) -> bool {
        matches!(self, State::PaidEarly | State::ReadyEarly)
    }
}

/// What delivery has to know of an order.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Order {
    /// Whether any of it is a dish, so that all of it is carried when the dishes are ready; else it is packed.
    pub carried: bool,
    /// Whether the customer fetches it.
    pub pickup: bool,
    /// Whether it is paid at the door.
    pub cash: bool,
    /// What it costs.
    pub total_minor: i64,
    /// In which currency.
    pub currency: Currency,
}

/// One order on its way.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Delivery {
    /// The order.
    pub order_id: OrderId,
    /// The delivery's own id.
    pub delivery_id: DeliveryId,
    /// The shop.
    pub shop_id: ShopId,
    /// How far it has come.
    pub state: State,
    /// What is delivered; means nothing while the state is an early one.
    pub order: Order,
    /// When it left; 0 while it has not.
    pub shipped_at: Timestamp,
    /// When it is expected at the door; 0 while it has not left.
    pub expected_at: Timestamp,
    /// When it was handed over; 0 while it was not.
    pub delivered_at: Timestamp,
    /// The cash that was taken.
    pub cash_taken_minor: i64,
    /// What shows that it was handed over.
    pub proof: String,
    /// Why it was not.
    pub reason: String,
    /// Counts the changes; 0 while it is not kept yet.
    pub version: i64,
}

/// What a decision says to the others.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Said {
    /// It has left the shop.
    Shipped,
    /// It was handed over.
    Delivered,
    /// It could not be handed over.
    Failed,
}

/// What is to happen later; none when that needs no timer any more.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Timer {
    /// The goods are packed.
    Ship(Option<Timestamp>),
    /// The courier is at the door.
    Deliver(Option<Timestamp>),
}

/// What follows from a change of a delivery; nothing when it did not change.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
#[must_use]
pub struct Decision {
    /// Whether the delivery changed.
    pub changed: bool,
    /// What is said, in this order.
    pub said: Vec<Said>,
    /// What is set and dropped.
    pub timers: Vec<Timer>,
}

impl Decision {
    fn unchanged() -> Decision {
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

impl Delivery {
    /// Hears of the order of which something else was heard before.
    pub fn is_created(&mut self, order: Order, settings: &Settings, now: Timestamp) -> Decision {
        let was = self.state;
        if !was.is_early() {
            return Decision::unchanged();
        }
        self.order = order;
        self.state = State::Waiting;
        let next =
            if was == State::ReadyEarly && order.carried { self.is_ready(settings, now) } else { self.is_paid(settings, now) };
        if next.changed { next } else { Decision::changed() }
    }

    /// Hears that the money is there or promised: goods are packed, dishes wait for the kitchen.
    pub fn is_paid(&mut self, settings: &Settings, now: Timestamp) -> Decision {
        if self.state != State::Waiting || self.order.carried {
            return Decision::unchanged();
        }
        let packed_at = Timestamp(now.0.saturating_add(settings.scaled_micros(settings.packing_seconds)));
        if packed_at <= now {
            return self.ship(settings, now);
        }
        self.state = State::Packing;
        Decision::changed().set(Timer::Ship(Some(packed_at)))
    }

    /// Hears that the dishes are ready: they leave at once.
    pub fn is_ready(&mut self, settings: &Settings, now: Timestamp) -> Decision {
        match self.state {
            State::PaidEarly if planted(Mistake::ReadyForgotten) => Decision::unchanged(),
            State::PaidEarly => {
                self.state = State::ReadyEarly;
                Decision::changed()
            }
            State::Waiting if self.order.carried => self.ship(settings, now),
            _ => Decision::unchanged(),
        }
    }

    /// Ends packing: the timer says that it is due.
    pub fn is_packed(&mut self, settings: &Settings, now: Timestamp) -> Decision {
        if self.state == State::Packing { self.ship(settings, now) } else { Decision::unchanged() }
    }

    fn ship(&mut self, settings: &Settings, now: Timestamp) -> Decision {
        let seconds = match self.order {
            Order { pickup: true, .. } => 0,
            Order { carried: true, .. } => settings.carrying_seconds,
            _ => settings.shipping_seconds,
        };
        self.state = State::Shipped;
        self.shipped_at = now;
        self.expected_at = Timestamp(now.0.saturating_add(settings.scaled_micros(seconds)));
        let shipped = Decision::changed().say(Said::Shipped);
        match settings.by_itself {
            false => shipped,
            true if self.expected_at <= now => {
                self.arrive(BY_ITSELF, now);
                shipped.say(Said::Delivered)
            }
            true => shipped.set(Timer::Deliver(Some(self.expected_at))),
        }
    }

    /// Ends by itself: the timer says that the courier is at the door.
    pub fn is_due(&mut self, now: Timestamp) -> Decision {
        if self.state != State::Shipped {
            return Decision::unchanged();
        }
        self.arrive(BY_ITSELF, now);
        Decision::changed().say(Said::Delivered)
    }

    /// Hands over: the courier says so, with a proof and the cash that was due.
    pub fn hand_over(&mut self, proof: &str, cash_taken_minor: i64, now: Timestamp) -> Result<Decision, Error> {
        self.must_be_shipped()?;
        if proof.trim().is_empty() {
            return Err(Error::ProofNeeded);
        }
        if proof.len() > TEXT_BYTES_MAX {
            return Err(Error::TextTooLong { field: "proof" });
        }
        if cash_taken_minor != self.cash_due_minor() {
            return Err(Error::CashDiffers { due_minor: self.cash_due_minor() });
        }
        self.arrive(proof, now);
        Ok(Decision::changed().say(Said::Delivered).set(Timer::Deliver(None)))
    }

    /// Gives up: the courier could not hand it over.
    pub fn give_up(&mut self, reason: &str) -> Result<Decision, Error> {
        self.must_be_shipped()?;
        if reason.trim().is_empty() {
            return Err(Error::ReasonNeeded);
        }
        if reason.len() > TEXT_BYTES_MAX {
            return Err(Error::TextTooLong { field: "reason" });
        }
        self.state = State::Failed;
        self.reason = reason.to_owned();
        Ok(Decision::changed().say(Said::Failed).set(Timer::Deliver(None)))
    }

    /// Calls back what was not handed over: the order was cancelled.
    pub fn call_back(&mut self) -> Decision {
        let was = std::mem::replace(&mut self.state, State::Cancelled);
        match was {
            State::Waiting | State::PaidEarly | State::ReadyEarly => Decision::changed(),
            State::Packing => Decision::changed().set(Timer::Ship(None)),
            State::Shipped => Decision::changed().set(Timer::Deliver(None)),
            State::Delivered | State::Failed | State::Cancelled => {
                self.state = was;
                Decision::unchanged()
            }
        }
    }

    /// Calls it back for an order that is to end; from its way to the door only where that is wished. None when it is too late.
    ///
    /// An order ends early only after this was decided, and a handing over is decided on the same delivery: so never both.
    pub fn recall(&mut self, from_the_way: bool) -> Option<Decision> {
        match self.state {
            State::Delivered => None,
            State::Shipped if !from_the_way => None,
            _ if planted(Mistake::RecallNotKept) => Some(Decision::changed()),
            _ => Some(self.call_back()),
        }
    }

    fn arrive(&mut self, proof: &str, now: Timestamp) {
        self.cash_taken_minor = self.cash_due_minor();
        self.state = State::Delivered;
        self.delivered_at = now;
        self.proof = proof.to_owned();
    }

    fn must_be_shipped(&self) -> Result<(), Error> {
        match self.state {
            State::Shipped => Ok(()),
            State::Delivered if planted(Mistake::DeliveredTwice) => Ok(()),
            State::Waiting | State::Packing => Err(Error::NotShipped),
            State::PaidEarly | State::ReadyEarly => Err(Error::NotFound),
            over => Err(Error::Over { state: over.name() }),
        }
    }

    /// Gives what is still to be taken at the door.
    pub fn cash_due_minor(&self) -> i64 {
        if self.order.cash && self.state.is_open() { self.order.total_minor } else { 0 }
    }
}
