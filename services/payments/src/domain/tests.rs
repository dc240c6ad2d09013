//! Given what has happened, when something comes, then this follows.

use base::Currency;
use base::id::MethodId;

use super::*;

const ORDER: OrderId = OrderId(1_001);
const SHOP: ShopId = ShopId(1);
const TOTAL: i64 = 2_598;

fn now() -> Timestamp {
    Timestamp(1_420_000_000_000_000)
}

fn card() -> Command {
    expect(Method::Card(Some(MethodId(9))), TOTAL)
}

fn cash() -> Command {
    expect(Method::Cash, TOTAL)
}

fn expect(method: Method, amount_minor: i64) -> Command {
    Command::Expect(Terms { device: None, method, amount_minor, currency: Currency::USD })
}

fn cancelled(fee_minor: i64) -> Command {
    Command::Cancel { fee_minor, refund: 71 }
}

fn captured() -> Command {
    Command::Capture { provider_id: "ch_1".to_owned(), attempts: 2, entry: 72, refund: 73 }
}

fn declined() -> Command {
    Command::Decline { provider_id: "ch_1".to_owned(), attempts: 1, entry: 72 }
}

fn given_up() -> Command {
    Command::GiveUp { reason: FailureReason::ProviderUnavailable, attempts: 9 }
}

fn refund(amount_minor: i64) -> Command {
    Command::Refund { amount_minor, refund: 74 }
}

fn returned(refund: i64, amount_minor: i64) -> Command {
    Command::Return { refund, amount_minor, provider_id: "re_1".to_owned() }
}

fn cash_taken() -> Command {
    Command::TakeCash { amount_minor: TOTAL, entry: 75, refund: 76 }
}

fn note(id: i64, kind: EntryKind, amount_minor: i64, provider_id: &str, done: bool) -> Effect {
    Effect::Note(Entry { id, kind, amount_minor, provider_id: provider_id.to_owned(), done })
}

struct Case {
    payment: Option<Payment>,
    outcome: Result<Vec<Effect>, Error>,
}

fn given<const N: usize>(history: [Command; N]) -> Case {
    history.into_iter().fold(Case { payment: None, outcome: Ok(Vec::new()) }, Case::when)
}

impl Case {
    fn when(mut self, command: Command) -> Case {
        self.outcome = decide(ORDER, SHOP, self.payment.as_ref(), command, now()).map(|decision| {
            if let Some(after) = decision.after {
                assert_eq!(after.version, self.payment.as_ref().map_or(0, |before| before.version) + 1);
                self.payment = Some(after);
            }
            decision.effects
        });
        self
    }

    fn then(self, state: State, effects: impl IntoIterator<Item = Effect>) -> Payment {
        let payment = self.payment.expect("there is a payment");
        assert_eq!(payment.state, state);
        assert_eq!(self.outcome, Ok(effects.into_iter().collect()));
        payment
    }

    fn then_refused(self, error: Error) {
        assert_eq!(self.outcome, Err(error));
    }
}

#[test]
fn s1_m01_s4_s02_a_card_is_charged_when_the_order_is_known_and_its_stock_is_set_aside() {
    for history in [[card(), Command::Begin], [Command::Begin, card()]] {
        let requested = given(history).then(State::Requested, [Effect::SayRequested, Effect::AskCharge]);
        assert_eq!((requested.amount_minor, requested.requested_at), (TOTAL, Some(now())));
    }
    let paid = given([card(), Command::Begin]).when(captured());
    let paid = paid.then(State::Captured, [note(72, EntryKind::Capture, TOTAL, "ch_1", true), Effect::SayPaid]);
    assert_eq!((paid.taken_minor, paid.attempts), (TOTAL, 2));
}

#[test]
fn cash_is_promised_at_once_and_taken_at_the_door() {
    for history in [[cash(), Command::Begin], [Command::Begin, cash()]] {
        given(history).then(State::Promised, [Effect::SayPromised]);
    }
    let taken = given([cash(), Command::Begin]).when(cash_taken());
    let taken = taken.then(State::Captured, [note(75, EntryKind::Cash, TOTAL, "", true), Effect::SayPaid]);
    assert_eq!(taken.taken_minor, TOTAL);
    given([cash(), Command::Begin, cash_taken()]).when(cash_taken()).then(State::Captured, []);
    given([card(), Command::Begin, captured()])
        .when(Command::TakeCash { amount_minor: 0, entry: 1, refund: 2 })
        .then(State::Captured, []);
    given([card(), Command::Begin]).when(cash_taken()).then_refused(Error::CashForCard);
    given([]).when(cash_taken()).then_refused(Error::Unknown);
}

#[test]
fn s4_s03_a_declined_card_an_unknown_card_and_a_silent_provider_fail_with_their_reason() {
    let says = |reason| Effect::SayFailed(reason);
    let decline = note(72, EntryKind::Decline, TOTAL, "ch_1", true);
    let failed = given([card(), Command::Begin]).when(declined());
    failed.then(State::Failed, [decline, says(FailureReason::Declined)]);
    let failed = given([card(), Command::Begin]).when(given_up());
    let failed = failed.then(State::Failed, [says(FailureReason::ProviderUnavailable)]);
    assert_eq!(failed.reason, Some(FailureReason::ProviderUnavailable));
    given([expect(Method::Card(None), TOTAL), Command::Begin]).then(State::Failed, [says(FailureReason::UnknownMethod)]);
}

#[test]
fn an_order_that_costs_nothing_is_paid_without_asking_anybody() {
    let paid = given([expect(Method::Card(None), 0), Command::Begin]).then(State::Captured, [Effect::SayPaid]);
    assert_eq!(paid.taken_minor, 0);
}

#[test]
fn an_order_cancelled_before_the_charge_is_never_charged() {
    given([card()]).when(cancelled(0)).then(State::Cancelled, []);
    given([card(), cancelled(0)]).when(Command::Begin).then(State::Cancelled, []);
    given([Command::Begin]).when(cancelled(0)).then(State::Cancelled, []);
    given([Command::Begin, cancelled(0)]).when(card()).then(State::Cancelled, []);
    given([cancelled(0), card()]).when(Command::Begin).then(State::Cancelled, []);
    given([cash(), Command::Begin]).when(cancelled(0)).then(State::Voided, [Effect::SayVoided]);
}

#[test]
fn an_order_cancelled_while_it_is_charged_is_withdrawn_and_what_was_taken_goes_back() {
    let withdrawing = || given([card(), Command::Begin, cancelled(0)]);
    withdrawing().then(State::Withdrawing, [Effect::LeaveCharge, Effect::AskWithdraw]);
    withdrawing().when(given_up()).then(State::Voided, [Effect::SayVoided]);
    withdrawing().when(declined()).then(State::Voided, [note(72, EntryKind::Decline, TOTAL, "ch_1", true), Effect::SayVoided]);
    let back = withdrawing().when(captured());
    let back = back.then(
        State::Refunding,
        [note(72, EntryKind::Capture, TOTAL, "ch_1", true), note(73, EntryKind::Refund, TOTAL, "", false), Effect::AskRefund(73)],
    );
    assert_eq!((back.taken_minor, back.refunding_minor, back.held_minor()), (TOTAL, TOTAL, 0));
}

#[test]
fn an_order_cancelled_after_the_charge_is_refunded_once_but_for_its_fee() {
    let paid = || given([card(), Command::Begin, captured()]);
    paid().when(cancelled(0)).then(State::Refunding, [note(71, EntryKind::Refund, TOTAL, "", false), Effect::AskRefund(71)]);
    let again = paid().when(cancelled(0)).when(cancelled(0));
    assert_eq!(again.payment.as_ref().unwrap().refunding_minor, TOTAL);
    again.then(State::Refunding, []);
    let kept = paid().when(cancelled(598)).when(returned(71, TOTAL - 598));
    let effects = [Effect::Finish { entry: 71, provider_id: "re_1".to_owned() }, Effect::SayRefunded(TOTAL - 598)];
    let kept = kept.then(State::Captured, effects);
    assert_eq!(kept.taken_minor - kept.refunded_minor, 598);
    paid().when(cancelled(TOTAL)).then(State::Captured, []);
}

#[test]
fn staff_give_back_no_more_than_is_held() {
    let paid = || given([card(), Command::Begin, captured()]);
    paid().when(refund(100)).then(State::Refunding, [note(74, EntryKind::Refund, 100, "", false), Effect::AskRefund(74)]);
    paid().when(refund(TOTAL + 1)).then_refused(Error::MoreThanHeld { held_minor: TOTAL });
    paid().when(refund(0)).then_refused(Error::NotAnAmount);
    paid().when(refund(100)).when(refund(TOTAL)).then_refused(Error::MoreThanHeld { held_minor: TOTAL - 100 });
    let partly = paid().when(refund(100)).when(returned(74, 100));
    assert_eq!(partly.payment.unwrap().state, State::Captured);
    let wholly = paid().when(refund(TOTAL)).when(returned(74, TOTAL));
    assert_eq!(wholly.payment.unwrap().state, State::Refunded);
    given([card()]).when(refund(1)).then_refused(Error::MoreThanHeld { held_minor: 0 });
    given([cash(), Command::Begin, cash_taken()])
        .when(refund(TOTAL))
        .then(State::Refunded, [note(74, EntryKind::CashBack, TOTAL, "", true), Effect::SayRefunded(TOTAL)]);
}

#[test]
fn s4_p05_what_comes_twice_or_too_late_changes_nothing() {
    let paid = || given([card(), Command::Begin, captured()]);
    for late in [card(), Command::Begin, captured(), declined(), given_up()] {
        paid().when(late).then(State::Captured, []);
    }
    let failed = || given([card(), Command::Begin, declined()]);
    for late in [card(), Command::Begin, captured(), declined(), given_up(), cancelled(0)] {
        failed().when(late).then(State::Failed, []);
    }
    let back = given([card(), Command::Begin, captured(), cancelled(0), returned(71, TOTAL)]);
    back.when(returned(71, TOTAL)).then(State::Refunded, []);
}

#[test]
fn cash_that_was_taken_for_a_cancelled_order_goes_back_at_once() {
    for cancelled_at in [vec![cash(), Command::Begin], vec![cash()]] {
        let mut case = given([]);
        for command in cancelled_at {
            case = case.when(command);
        }
        let case = case.when(cancelled(0)).when(cash_taken());
        let payment = case.payment.unwrap();
        assert_eq!((payment.taken_minor, payment.refunded_minor), (TOTAL, TOTAL), "{:?}", payment.state);
        assert!(case.outcome.unwrap().contains(&Effect::SayRefunded(TOTAL)));
    }
}
