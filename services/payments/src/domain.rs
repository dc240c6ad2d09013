//! The rules of a payment: what may become of the money of one order, whatever comes in whatever order.
//!
//! A payment carries the number of its order. So an order has one payment by construction, and the key under which the
//! provider is asked for money is the same whoever asks and however often.

use base::id::{OrderId, ShopId};
use base::{Fault, Mistake, Timestamp, planted};
use payments_api::events::FailureReason;

use crate::payment::{Entry, EntryKind, Method, Payment, State, Terms};

/// What happened, or what somebody wants. `entry` and `refund` are fresh ids for entries that may become necessary.
#[derive(Debug, Clone, PartialEq)]
pub enum Command {
    /// An order was placed.
    Expect(Terms),
    /// Its stock is set aside.
    Begin,
    /// It was cancelled and still costs so much.
    Cancel { fee_minor: i64, refund: i64 },
    /// It was handed over, and so much cash was taken.
    TakeCash { amount_minor: i64, entry: i64, refund: i64 },
    /// The provider has the money.
    Capture { provider_id: String, attempts: i64, entry: i64, refund: i64 },
    /// The provider said no.
    Decline { provider_id: String, attempts: i64, entry: i64 },
    /// The provider has taken nothing, and certainly never will.
    GiveUp { reason: FailureReason, attempts: i64 },
    /// Staff give money back.
    Refund { amount_minor: i64, refund: i64 },
    /// The provider gave back what the entry says.
    Return { refund: i64, amount_minor: i64, provider_id: String },
}

/// What follows from a change, beside the changed payment itself.
#[derive(Debug, Clone, PartialEq)]
pub enum Effect {
    /// Say that the provider is being asked.
    SayRequested,
    /// Say that the money is here.
    SayPaid,
    /// Say that cash is promised.
    SayPromised,
    /// Say that no money comes.
    SayFailed(FailureReason),
    /// Say that so much went back.
    SayRefunded(i64),
    /// Say that a request or promise was given up.
    SayVoided,
    /// Note a movement.
    Note(Entry),
    /// Note that a movement has happened.
    Finish { entry: i64, provider_id: String },
    /// Ask the provider for the money.
    AskCharge,
    /// Do not ask any more.
    LeaveCharge,
    /// Make sure that the provider takes nothing, or learn that it has.
    AskWithdraw,
    /// Ask the provider to give back what the entry says.
    AskRefund(i64),
}

/// What a command leads to.
#[derive(Debug, Clone, PartialEq)]
pub struct Decision {
    /// The payment afterwards; none when nothing changes.
    pub after: Option<Payment>,
    /// What follows.
    pub effects: Vec<Effect>,
}

/// Why a command is refused.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum Error {
    /// Money moved for an order that was never heard of.
    #[error("nothing is known of a payment for this order")]
    Unknown,
    /// Cash was taken for an order that is paid by card.
    #[error("cash was taken for an order that is paid by card")]
    CashForCard,
    /// A refund of nothing or less.
    #[error("a refund must be of more than nothing")]
    NotAnAmount,
    /// More is to go back than is here.
    #[error("only {held_minor} can be given back")]
    MoreThanHeld {
        /// What is here.
        held_minor: i64,
    },
}

impl Error {
    /// Gives the fault that callers see.
    pub fn fault(&self) -> Fault {
        match self {
            Error::Unknown => Fault::not_found("payment_not_found", "There is no such payment."),
            Error::CashForCard => Fault::refused("cash_for_card", "Cash was taken for an order that is paid by card."),
            Error::NotAnAmount => Fault::invalid("bad_refund", "The amount to give back must be above zero."),
            Error::MoreThanHeld { held_minor } => {
                Fault::refused("refund_too_large", "No more can be given back than was taken and not given back yet.")
                    .with("refundable_minor", *held_minor)
            }
        }
    }
}

/// Decides what a command does to the payment of an order; most repeats and latecomers do nothing.
pub fn decide(
    order: OrderId,
    shop: ShopId,
    payment: Option<&Payment>,
    command: Command,
    now: Timestamp,
) -> Result<Decision, Error> {
    let blank = |state| Draft::of(&Payment::blank(order, shop, state, now), now);
    let Some(payment) = payment else {
        return match command {
            Command::Expect(terms) => Ok(blank(State::Expected).on(terms).done()),
            Command::Begin => Ok(blank(State::Reserved).done()),
            // Nothing may ever be taken for it, should its order be heard of after all.
            Command::Cancel { .. } => Ok(blank(State::Cancelled).done()),
            _ => Err(Error::Unknown),
        };
    };
    let draft = Draft::of(payment, now);
    match command {
        Command::Expect(terms) if payment.state == State::Reserved => Ok(draft.on(terms).begin().done()),
        Command::Begin if payment.state == State::Expected => Ok(draft.begin().done()),
        Command::Expect(_) | Command::Begin => Ok(unchanged()),
        Command::Cancel { fee_minor, refund } => Ok(draft.cancel(fee_minor, refund)),
        Command::TakeCash { amount_minor, entry, refund } => take_cash(draft, amount_minor, entry, refund),
        Command::Capture { provider_id, attempts, entry, refund } => Ok(draft.capture(provider_id, attempts, entry, refund)),
        Command::Decline { provider_id, attempts, entry } => Ok(draft.decline(provider_id, attempts, entry)),
        Command::GiveUp { reason, attempts } => Ok(draft.give_up(reason, attempts)),
        Command::Refund { amount_minor, refund } => give_back(draft, amount_minor, refund),
        Command::Return { refund, amount_minor, provider_id } => Ok(draft.returned(refund, amount_minor, provider_id)),
    }
}

fn unchanged() -> Decision {
    Decision { after: None, effects: Vec::new() }
}

fn take_cash(draft: Draft, amount_minor: i64, entry: i64, refund: i64) -> Result<Decision, Error> {
    if amount_minor <= 0 || draft.payment.taken_minor > 0 {
        return Ok(unchanged());
    }
    if draft.payment.method != Method::Cash {
        return Err(Error::CashForCard);
    }
    // The courier was quicker than the news of the cancellation: what was taken at the door goes back.
    let ended = matches!(draft.payment.state, State::Voided | State::Cancelled);
    let taken = draft.cash(amount_minor, entry);
    Ok(if ended { taken.refund_rest(refund) } else { taken.done() })
}

fn give_back(draft: Draft, amount_minor: i64, refund: i64) -> Result<Decision, Error> {
    if amount_minor <= 0 {
        return Err(Error::NotAnAmount);
    }
    let held_minor = draft.payment.held_minor();
    if amount_minor > held_minor && !planted(Mistake::RefundWithoutLooking) {
        return Err(Error::MoreThanHeld { held_minor });
    }
    Ok(draft.refund(amount_minor, refund).done())
}

/// A payment on its way from one version to the next.
struct Draft {
    payment: Payment,
    effects: Vec<Effect>,
}

impl Draft {
    fn of(payment: &Payment, now: Timestamp) -> Draft {
        let payment = Payment { changed_at: now, version: payment.version + 1, ..payment.clone() };
        Draft { payment, effects: Vec::new() }
    }

    fn done(self) -> Decision {
        Decision { after: Some(self.payment), effects: self.effects }
    }

    fn then(mut self, state: State, effect: Effect) -> Draft {
        self.payment.state = state;
        self.effects.push(effect);
        self
    }

    fn on(mut self, terms: Terms) -> Draft {
        self.payment.device = terms.device;
        self.payment.method = terms.method;
        self.payment.amount_minor = terms.amount_minor;
        self.payment.currency = terms.currency;
        self
    }

    /// Asks for the money, now that the order is known and its stock is set aside.
    fn begin(mut self) -> Draft {
        match self.payment.method {
            Method::Cash => self.then(State::Promised, Effect::SayPromised),
            // No provider takes nothing.
            Method::Card(_) if self.payment.amount_minor == 0 => self.then(State::Captured, Effect::SayPaid),
            Method::Card(None) => self.fail(FailureReason::UnknownMethod),
            Method::Card(Some(_)) => {
                self.payment.requested_at = Some(self.payment.changed_at);
                self.then(State::Requested, Effect::SayRequested).then(State::Requested, Effect::AskCharge)
            }
        }
    }

    fn fail(mut self, reason: FailureReason) -> Draft {
        self.payment.reason = Some(reason);
        self.then(State::Failed, Effect::SayFailed(reason))
    }

    fn cancel(mut self, fee_minor: i64, refund: i64) -> Decision {
        let state = self.payment.state;
        self.payment.fee_minor = fee_minor;
        match state {
            State::Reserved | State::Expected if planted(Mistake::CancelOvertaken) => unchanged(),
            State::Reserved | State::Expected => {
                self.payment.state = State::Cancelled;
                self.done()
            }
            State::Requested if planted(Mistake::WithdrawnUnasked) => {
                self.then(State::Voided, Effect::LeaveCharge).then(State::Voided, Effect::SayVoided).done()
            }
            State::Requested => {
                self.then(State::Withdrawing, Effect::LeaveCharge).then(State::Withdrawing, Effect::AskWithdraw).done()
            }
            State::Promised => self.then(State::Voided, Effect::SayVoided).done(),
            State::Refunding if planted(Mistake::RestKeptWhileRefunding) => self.done(),
            State::Captured | State::Refunding => self.refund_rest(refund),
            State::Withdrawing | State::Refunded | State::Failed | State::Voided | State::Cancelled => unchanged(),
        }
    }

    /// Gives back all but what the cancelled order still costs.
    fn refund_rest(self, refund: i64) -> Decision {
        let rest = self.payment.held_minor() - self.payment.fee_minor;
        let rest = if planted(Mistake::RefundOfHalf) { rest / 2 } else { rest };
        if rest > 0 { self.refund(rest, refund).done() } else { self.done() }
    }

    fn refund(mut self, amount_minor: i64, refund: i64) -> Draft {
        if self.payment.method == Method::Cash {
            let entry = Entry { id: refund, kind: EntryKind::CashBack, amount_minor, provider_id: String::new(), done: true };
            self.payment.refunded_minor += amount_minor;
            let state = self.settled();
            return self.then(state, Effect::Note(entry)).then(state, Effect::SayRefunded(amount_minor));
        }
        let entry = Entry { id: refund, kind: EntryKind::Refund, amount_minor, provider_id: String::new(), done: false };
        self.payment.refunding_minor += amount_minor;
        self.then(State::Refunding, Effect::Note(entry)).then(State::Refunding, Effect::AskRefund(refund))
    }

    fn cash(mut self, amount_minor: i64, entry: i64) -> Draft {
        let entry = Entry { id: entry, kind: EntryKind::Cash, amount_minor, provider_id: String::new(), done: true };
        self.payment.taken_minor = amount_minor;
        self.then(State::Captured, Effect::Note(entry)).then(State::Captured, Effect::SayPaid)
    }

    fn capture(mut self, provider_id: String, attempts: i64, entry: i64, refund: i64) -> Decision {
        let state = self.payment.state;
        if state != State::Requested && state != State::Withdrawing {
            return unchanged();
        }
        let amount_minor = self.payment.amount_minor;
        self.payment.taken_minor = amount_minor;
        self.payment.attempts = attempts;
        let note = Effect::Note(Entry { id: entry, kind: EntryKind::Capture, amount_minor, provider_id, done: true });
        let taken = self.then(State::Captured, note);
        match state {
            State::Requested => taken.then(State::Captured, Effect::SayPaid).done(),
            _ if planted(Mistake::LateCaptureKept) => taken.done(),
            // Nobody waits for the money any more: it goes straight back.
            _ => taken.refund_rest(refund),
        }
    }

    fn decline(mut self, provider_id: String, attempts: i64, entry: i64) -> Decision {
        let amount_minor = self.payment.amount_minor;
        self.payment.attempts = attempts;
        let note = Effect::Note(Entry { id: entry, kind: EntryKind::Decline, amount_minor, provider_id, done: true });
        match self.payment.state {
            State::Requested => self.then(State::Failed, note).fail(FailureReason::Declined).done(),
            State::Withdrawing => self.then(State::Voided, note).then(State::Voided, Effect::SayVoided).done(),
            _ => unchanged(),
        }
    }

    fn give_up(mut self, reason: FailureReason, attempts: i64) -> Decision {
        self.payment.attempts = attempts;
        match self.payment.state {
            State::Requested => self.fail(reason).done(),
            State::Withdrawing => self.then(State::Voided, Effect::SayVoided).done(),
            _ => unchanged(),
        }
    }

    fn returned(mut self, refund: i64, amount_minor: i64, provider_id: String) -> Decision {
        if self.payment.refunding_minor < amount_minor {
            return unchanged();
        }
        self.payment.refunding_minor -= amount_minor;
        self.payment.refunded_minor += amount_minor;
        let state = self.settled();
        let finish = Effect::Finish { entry: refund, provider_id };
        self.then(state, finish).then(state, Effect::SayRefunded(amount_minor)).done()
    }

    /// Gives the state of a payment of which some went back.
    fn settled(&self) -> State {
        match &self.payment {
            payment if payment.refunding_minor > 0 => State::Refunding,
            payment if payment.refunded_minor == payment.taken_minor => State::Refunded,
            _ => State::Captured,
        }
    }
}

#[cfg(test)]
mod tests;
