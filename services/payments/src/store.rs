//! Rows and payments: the only place that knows the tables.

use std::collections::{BTreeMap, BTreeSet};

use base::event::Fact;
use base::id::{MethodId, OrderId, PaymentId, ShopId};
use base::{Currency, Fault, Mistake, NewEvent, PlatformKey, Timestamp, planted};
use payments_api::events::{
    FailureReason, OrderPaid, PaymentFailed, PaymentPromised, PaymentRefunded, PaymentRequested, PaymentVoided,
};
use sql::{Change, NewJob, Row, Store, params, statement};

use crate::domain::{Decision, Effect};
use crate::payment::{Entry, EntryKind, Method, Payment, State};
use crate::reconcile::OurEntry;

/// The kinds of jobs. A charge and a withdrawal are about a payment, a refund is about its entry.
pub const CHARGE: &str = "charge";
/// See [`CHARGE`].
pub const WITHDRAW: &str = "withdraw";
/// See [`CHARGE`].
pub const REFUND: &str = "refund";

macro_rules! payments {
    ($rest:literal) => {
        payments!("", $rest)
    };
    ($besides:literal, $rest:literal) => {
        concat!(
            "select id, shop_id, device_id, method, method_id, state, amount_minor, currency, fee_minor, taken_minor, ",
            "refunding_minor, refunded_minor, reason, attempts, requested_at, created_at, changed_at, version",
            $besides,
            " from payments_payments ",
            $rest
        )
    };
}

/// Finds a payment.
pub async fn payment(store: &Store, id: PaymentId) -> Result<Option<Payment>, Fault> {
    store.read_one(payments!("where id = $1"), params![id]).await?.as_ref().map(payment_of).transpose()
}

/// Finds a payment and the token of its card; none if it is not by card, or the card is not known.
pub async fn payment_and_token(store: &Store, id: PaymentId) -> Result<Option<(Payment, Option<String>)>, Fault> {
    let text = payments!(", (select m.token from payments_methods m where m.id = method_id)", "where id = $1");
    let row = store.read_one(text, params![id]).await?;
    row.map(|row| Ok((payment_of(&row)?, row.opt_text(18)?.map(str::to_owned)))).transpose()
}

/// Finds the payments of orders; an order without one is left out.
pub async fn payments_of(store: &Store, orders: &[OrderId]) -> Result<BTreeMap<OrderId, Payment>, Fault> {
    let text = payments!(
        "where id in ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13, $14, $15, $16,
         $17, $18, $19, $20, $21, $22, $23, $24, $25, $26, $27, $28, $29, $30, $31, $32)"
    );
    let mut found = BTreeMap::new();
    for row in &store.read_each(payments!("where id = $1"), text, orders).await? {
        let payment = payment_of(row)?;
        found.insert(payment.order(), payment);
    }
    Ok(found)
}

/// Finds the payment of an order.
pub async fn payment_of_order(store: &Store, order: OrderId) -> Result<Option<Payment>, Fault> {
    payment(store, PaymentId(order.0)).await
}

/// Lists a shop's payments by id, the newest first, beginning before one; of one state or of all.
pub async fn page(store: &Store, shop: ShopId, state: Option<State>, before: i64, limit: u32) -> Result<Vec<Payment>, Fault> {
    let rows = match state {
        None => {
            store
                .scan(payments!("where shop_id = $1 and id < $2 order by id desc limit $3"), params![shop, before, limit])
                .await?
        }
        Some(state) if is_rare(state) => {
            let text = payments!(
                "where shop_id = $1 and id < $2 and state = $4
                 and state in ('withdrawing', 'refunding', 'refunded', 'failed', 'voided', 'cancelled')
                 order by id desc limit $3"
            );
            store.scan(text, params![shop, before, limit, state.word()]).await?
        }
        Some(state) => {
            let text = payments!("where shop_id = $1 and id < $2 and state = $4 order by id desc limit $3");
            store.scan(text, params![shop, before, limit, state.word()]).await?
        }
    };
    rows.iter().map(payment_of).collect()
}

fn is_rare(state: State) -> bool {
    !matches!(state, State::Reserved | State::Expected | State::Requested | State::Promised | State::Captured)
}

fn payment_of(row: &Row) -> Result<Payment, Fault> {
    let broken = |what: &str| Fault::internal("store_row", format!("A payment has a {what} that nobody knows."));
    Ok(Payment {
        id: row.id(0)?,
        shop: row.id(1)?,
        device: row.opt_id(2)?,
        method: match row.text(3)? {
            "card" => Method::Card(row.opt_id(4)?),
            "cash" => Method::Cash,
            _ => return Err(broken("method")),
        },
        state: State::of(row.text(5)?).ok_or_else(|| broken("state"))?,
        amount_minor: row.int(6)?,
        currency: Currency::parse(row.text(7)?)?,
        fee_minor: row.int(8)?,
        taken_minor: row.int(9)?,
        refunding_minor: row.int(10)?,
        refunded_minor: row.int(11)?,
        reason: row.opt_text(12)?.map(reason_of).transpose()?,
        attempts: row.int(13)?,
        requested_at: row.opt_time(14)?,
        created_at: row.time(15)?,
        changed_at: row.time(16)?,
        version: row.int(17)?,
    })
}

/// Gives the word of a reason.
pub fn reason_word(reason: FailureReason) -> &'static str {
    match reason {
        FailureReason::Declined => "declined",
        FailureReason::ProviderUnavailable => "provider_unavailable",
        FailureReason::UnknownMethod => "unknown_method",
    }
}

fn reason_of(word: &str) -> Result<FailureReason, Fault> {
    [FailureReason::Declined, FailureReason::ProviderUnavailable, FailureReason::UnknownMethod]
        .into_iter()
        .find(|reason| reason_word(*reason) == word)
        .ok_or_else(|| Fault::internal("store_row", "A payment failed for a reason that nobody knows."))
}

/// Lists the movements of a payment by time.
pub async fn entries(store: &Store, payment: PaymentId) -> Result<Vec<(Entry, Timestamp)>, Fault> {
    let text =
        "select id, kind, amount_minor, provider_id, done, at from payments_transactions where payment_id = $1 order by id";
    let rows = store.read(text, params![payment]).await?;
    rows.iter().map(|row| Ok((entry_of(row)?, row.time(5)?))).collect()
}

fn entry_of(row: &Row) -> Result<Entry, Fault> {
    let kind =
        EntryKind::of(row.text(1)?).ok_or_else(|| Fault::internal("store_row", "A movement has a kind that nobody knows."))?;
    Ok(Entry { id: row.int(0)?, kind, amount_minor: row.int(2)?, provider_id: row.text(3)?.to_owned(), done: row.bool(4)? })
}

/// Finds a refund and its payment.
pub async fn refund(store: &Store, entry: i64) -> Result<Option<(Entry, PaymentId)>, Fault> {
    let text = "select id, kind, amount_minor, provider_id, done, payment_id from payments_transactions where id = $1 and kind = 'refund'";
    store.read_one(text, params![entry]).await?.map(|row| Ok((entry_of(&row)?, row.id(5)?))).transpose()
}

/// Gives the provider's name for the charge that brought the money of a payment.
pub async fn charge_id(store: &Store, payment: PaymentId) -> Result<Option<String>, Fault> {
    let text = "select provider_id from payments_transactions where payment_id = $1 and kind = 'capture'";
    store.read_one(text, params![payment]).await?.map(|row| Ok(row.text(0)?.to_owned())).transpose()
}

/// Gives when a method was noted last.
pub async fn noted_at(store: &Store, method: MethodId) -> Result<Option<Timestamp>, Fault> {
    let text = "select created_at from payments_methods where id = $1";
    store.read_one(text, params![method]).await?.map(|row| row.time(0)).transpose()
}

/// Keeps a method. Keeping it again changes nothing, except that once a day it is noted to be in use.
pub fn keep_method(method: MethodId, token: &str, hint: &str, now: Timestamp) -> Change {
    let text = "insert into payments_methods (id, kind, token, hint, created_at) values ($1, $2, $3, $4, $5)
                on conflict (id) do update set created_at = excluded.created_at where payments_methods.created_at < $6";
    let a_day_ago = now - crate::retention::CARD_NOTED_EVERY;
    Change::new().write(statement(text, params![method, "card", token, hint, now, a_day_ago]))
}

/// Gives all that the provider's books must agree with, and the payments that were still moving before it was read.
pub async fn for_reconciling(store: &Store) -> Result<(Vec<OurEntry>, BTreeSet<PaymentId>), Fault> {
    let text = "select id from payments_payments where state in ('requested', 'withdrawing', 'refunding')";
    let unsettled = store.scan(text, params![]).await?;
    let unsettled = unsettled.iter().map(|row| row.id(0)).collect::<Result<_, Fault>>()?;
    let text = "select payment_id, kind, amount_minor, provider_id from payments_transactions
                where done = $1 and kind in ('capture', 'refund') order by id";
    let ours = store.scan(text, params![true]).await?;
    let ours = ours.iter().map(|row| {
        let (kind, provider_id) = (row.text(1)?.to_owned(), row.text(3)?.to_owned());
        Ok(OurEntry { payment: row.id(0)?, kind, amount_minor: row.int(2)?, provider_id })
    });
    Ok((ours.collect::<Result<_, Fault>>()?, unsettled))
}

/// Gives the id of a token's method: derived from the token, so that the same token is always the same method.
pub fn method_of(key: &PlatformKey, token: &str) -> MethodId {
    let sealed = key.seal("payment-method", token);
    let mark = sealed.rsplit_once('.').map_or("", |(_, mark)| mark);
    // 15 hexadecimal digits are 60 bits: always positive, and far from any collision that could matter.
    MethodId(i64::from_str_radix(mark.get(..15).unwrap_or_default(), 16).unwrap_or_default())
}

/// Turns a decision into a change.
pub fn change_of(before: Option<&Payment>, decision: Decision, correlation: &str) -> Change {
    let Some(after) = decision.after else { return Change::new() };
    let saved = save(before, &after);
    decision.effects.into_iter().fold(saved, |change, effect| follow(change, &after, effect, correlation))
}

macro_rules! update {
    ($guard:literal) => {
        concat!(
            "update payments_payments set shop_id = $2, device_id = $3, method = $4, method_id = $5, state = $6, amount_minor = $7,
                currency = $8, fee_minor = $9, taken_minor = $10, refunding_minor = $11, refunded_minor = $12, reason = $13,
                attempts = $14, requested_at = $15, created_at = $16, changed_at = $17, version = $18
                where id = $1 and ",
            $guard
        )
    };
}

fn save(before: Option<&Payment>, after: &Payment) -> Change {
    let (method, method_id) = match after.method {
        Method::Card(method) => ("card", method),
        Method::Cash => ("cash", None),
    };
    let mut params = params![
        after.id,
        after.shop,
        after.device,
        method,
        method_id,
        after.state.word(),
        after.amount_minor,
        after.currency.code(),
        after.fee_minor,
        after.taken_minor,
        after.refunding_minor,
        after.refunded_minor,
        after.reason.map(reason_word),
        after.attempts,
        after.requested_at,
        after.created_at,
        after.changed_at,
        after.version,
    ];
    let Some(before) = before else {
        let text = "insert into payments_payments (id, shop_id, device_id, method, method_id, state, amount_minor, currency, fee_minor,
                    taken_minor, refunding_minor, refunded_minor, reason, attempts, requested_at, created_at, changed_at, version)
                    values ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13, $14, $15, $16, $17, $18) on conflict (id) do nothing";
        return Change::new().guarded(statement(text, params));
    };
    params.push(before.version.into());
    let text = if planted(Mistake::PaymentOverwritten) { update!("$19 >= 0") } else { update!("version = $19") };
    Change::new().guarded(statement(text, params))
}

fn follow(change: Change, payment: &Payment, effect: Effect, correlation: &str) -> Change {
    let Payment { id: payment_id, shop: shop_id, currency, changed_at: at, .. } = *payment;
    let order_id = payment.order();
    let job = |kind, key| NewJob {
        kind,
        key,
        due: at,
        deadline: None,
        body: format!("{{\"order_id\":{}}}", order_id.0),
        correlation: correlation.to_owned(),
        lease: None,
    };
    match effect {
        Effect::SayRequested => {
            let amount_minor = payment.amount_minor;
            change.say(said(&PaymentRequested { order_id, shop_id, payment_id, amount_minor, currency }, at, correlation))
        }
        Effect::SayPaid => {
            let method = if payment.method == Method::Cash { "cash" } else { "card" }.to_owned();
            let amount_minor = payment.taken_minor;
            change.say(said(&OrderPaid { order_id, shop_id, payment_id, amount_minor, currency, method }, at, correlation))
        }
        Effect::SayPromised => {
            let amount_minor = payment.amount_minor;
            change.say(said(&PaymentPromised { order_id, shop_id, payment_id, amount_minor, currency }, at, correlation))
        }
        Effect::SayFailed(reason) => change.say(said(&PaymentFailed { order_id, shop_id, payment_id, reason }, at, correlation)),
        Effect::SayRefunded(amount_minor) => {
            change.say(said(&PaymentRefunded { order_id, shop_id, payment_id, amount_minor, currency }, at, correlation))
        }
        Effect::SayVoided => change.say(said(&PaymentVoided { order_id, shop_id, payment_id }, at, correlation)),
        Effect::Note(entry) => change.write(note(payment_id, &entry, at)),
        Effect::Finish { entry, provider_id } => {
            let text = "update payments_transactions set provider_id = $2, done = $3 where id = $1 and done = $4";
            change.guarded(statement(text, params![entry, provider_id, true, false]))
        }
        Effect::AskCharge => change.job(job(CHARGE, payment_id.0)),
        Effect::LeaveCharge => change.cancel_job(CHARGE, payment_id.0),
        Effect::AskWithdraw => change.job(job(WITHDRAW, payment_id.0)),
        Effect::AskRefund(entry) => change.job(job(REFUND, entry)),
    }
}

fn said<F: Fact>(fact: &F, at: Timestamp, correlation: &str) -> NewEvent {
    NewEvent::of(fact, at, correlation)
}

fn note(payment: PaymentId, entry: &Entry, at: Timestamp) -> sql::Statement {
    let text = "insert into payments_transactions (id, payment_id, kind, amount_minor, provider_id, done, at)
                values ($1, $2, $3, $4, $5, $6, $7)";
    statement(text, params![entry.id, payment, entry.kind.word(), entry.amount_minor, &entry.provider_id, entry.done, at])
}
