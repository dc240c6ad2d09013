//! Payments: what was taken and given back.

use axum::Json;
use axum::extract::State;
use base::id::{EventId, OrderId, PaymentId};
use payments_api::{
    Breaker, GetBreakerRequest, GetPaymentByOrderRequest, GetPaymentRequest, ListPaymentsRequest, Payment as Message,
    ReconcileRequest, RefundRequest, ResetBreakerRequest,
};
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use super::Reply;
use crate::api::{Api, Who, get, post};
use crate::asked::{Asked, Asking, Named, Sent};
use crate::document::{AFTER, LIMIT, Param};
use crate::shape::{Money, Reason, Time, money, rows, some, time};
use crate::{Edge, ask};

const STATES: &[&str] = &[
    "reserved",
    "expected",
    "requested",
    "withdrawing",
    "promised",
    "captured",
    "refunding",
    "refunded",
    "failed",
    "voided",
    "cancelled",
];
const LIST: &[Param] = &[Param::words("state", "Only payments in this state.", STATES), AFTER, LIMIT];

pub(crate) fn add(api: &mut Api) {
    api.chapter("payments");
    api.add(get("/v1/payments", "Lists the shop's payments, newest first").asks(LIST).gives::<PaymentPage>(), list);
    api.add(get("/v1/payments/breaker", "Shows the circuit breaker towards the provider").gives::<ProviderBreaker>(), breaker);
    api.add(
        post("/v1/payments/breaker/reset", "Closes the circuit breaker towards the provider")
            .takes::<Reason>()
            .gives::<ProviderBreaker>(),
        reset,
    );
    api.add(get("/v1/payments/reconciliation", "Compares our books with the provider's").gives::<Reconciliation>(), reconcile);
    api.add(get("/v1/payments/{payment}", "Shows a payment").open_to(Who::Known).gives::<Payment>(), one);
    api.add(get("/v1/orders/{order}/payment", "Shows the payment of an order").gives::<Payment>(), of_order);
    api.add(post("/v1/payments/{payment}/refund", "Gives money back").takes::<Refund>().gives::<Payment>(), refund);
}

/// One movement of money.
#[derive(Serialize, ToSchema)]
struct Transaction {
    /// Its id: `evt_…`.
    transaction_id: String,
    /// What was done, such as `capture` or `refund`.
    kind: String,
    amount: Money,
    at: Option<Time>,
}

/// The payment of an order.
#[derive(Serialize, ToSchema)]
pub(crate) struct Payment {
    /// Its id: `pay_…`.
    payment_id: String,
    /// The order's id: `ord_…`.
    order_id: String,
    /// `card` or `cash`.
    method: String,
    /// `reserved`, `expected`, `requested`, `withdrawing`, `promised`, `captured`, `refunding`, `refunded`, `failed`,
    /// `voided` or `cancelled`.
    state: String,
    /// What the order costs.
    amount: Money,
    /// What was taken, by card or at the door.
    taken: Money,
    /// What was given back.
    refunded: Money,
    /// Why it failed or was given back.
    reason: Option<String>,
    /// How often the provider was asked.
    attempts: u32,
    /// What moved, oldest first; lists leave it out.
    transactions: Vec<Transaction>,
    created_at: Option<Time>,
    changed_at: Option<Time>,
    /// Grows with every change.
    version: i64,
}

/// A page of payments.
#[derive(Serialize, ToSchema)]
struct PaymentPage {
    payments: Vec<Payment>,
    /// What to send as `after` for the next page.
    next: Option<String>,
}

/// The circuit breaker towards the payment provider.
#[derive(Serialize, ToSchema)]
pub(crate) struct ProviderBreaker {
    /// `closed` (calls go through), `open` (none do) or `half_open` (one is let through to see).
    state: String,
    /// How many of the counted calls failed.
    failures: u32,
    /// How many calls are counted now.
    calls: u32,
    /// Since when it is in this state; none while it has never changed.
    since: Option<Time>,
    /// How many times it has opened since the platform started.
    opened_times: u64,
}

/// A difference between our books and the provider's.
#[derive(Serialize, ToSchema)]
struct Discrepancy {
    /// The order's id, `ord_…`, where one is known.
    order_id: Option<String>,
    /// The provider's name for the movement.
    provider_id: String,
    /// What differs.
    what: String,
}

/// What a comparison of the books found.
#[derive(Serialize, ToSchema)]
struct Reconciliation {
    /// How many rows of the provider's books were compared.
    compared: u64,
    /// Where they differ; nowhere when all is well. At most 1,000 are told.
    discrepancies: Vec<Discrepancy>,
}

/// Money to be given back.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
struct Refund {
    /// How much, in minor units of the payment's currency.
    #[schema(minimum = 1)]
    amount_minor: i64,
    /// Why; it is kept with the act.
    #[schema(min_length = 1, max_length = 1000)]
    reason: String,
}

pub(crate) fn shown(edge: &Edge, payment: Message) -> Payment {
    let currency = &payment.currency;
    let transaction = |transaction: payments_api::Transaction| Transaction {
        transaction_id: edge.id::<EventId>(transaction.transaction_id),
        kind: transaction.kind,
        amount: money(transaction.amount_minor, currency),
        at: time(transaction.at),
    };
    Payment {
        payment_id: edge.id::<PaymentId>(payment.payment_id),
        order_id: edge.id::<OrderId>(payment.order_id),
        amount: money(payment.amount_minor, currency),
        taken: money(payment.taken_minor, currency),
        refunded: money(payment.refunded_minor, currency),
        transactions: payment.transactions.into_iter().map(transaction).collect(),
        method: payment.method,
        state: payment.state,
        reason: some(payment.reason),
        attempts: payment.attempts,
        created_at: time(payment.created_at),
        changed_at: time(payment.changed_at),
        version: payment.version,
    }
}

fn shown_breaker(breaker: Breaker) -> ProviderBreaker {
    ProviderBreaker {
        state: breaker.state,
        failures: breaker.failures,
        calls: breaker.calls,
        since: time(breaker.since),
        opened_times: breaker.opened_times,
    }
}

#[derive(Deserialize, Default)]
#[serde(default, deny_unknown_fields)]
struct ListAsked {
    state: String,
    after: String,
    limit: u32,
}

async fn list(State(edge): State<Edge>, asked: Asked, Asking(page): Asking<ListAsked>) -> Reply<PaymentPage> {
    let request = ListPaymentsRequest {
        shop_id: asked.shop(),
        state: page.state,
        after: edge.after(&page.after)?,
        limit: rows(page.limit)?,
    };
    let page = ask!(edge, &asked.call, payments.list_payments, request);
    let next = edge.next(&page.next);
    Ok(Json(PaymentPage { payments: page.payments.into_iter().map(|payment| shown(&edge, payment)).collect(), next }))
}

pub(crate) async fn one(State(edge): State<Edge>, asked: Asked, name: Named) -> Reply<Payment> {
    let request = GetPaymentRequest { payment_id: edge.read::<PaymentId>(&name)? };
    Ok(Json(shown(&edge, ask!(edge, &asked.call, payments.get_payment, request))))
}

pub(crate) async fn of_order(State(edge): State<Edge>, asked: Asked, name: Named) -> Reply<Payment> {
    let request = GetPaymentByOrderRequest { order_id: edge.read::<OrderId>(&name)? };
    Ok(Json(shown(&edge, ask!(edge, &asked.call, payments.get_payment_by_order, request))))
}

async fn refund(State(edge): State<Edge>, asked: Asked, name: Named, Sent(body): Sent<Refund>) -> Reply<Payment> {
    let request =
        RefundRequest { payment_id: edge.read::<PaymentId>(&name)?, amount_minor: body.amount_minor, reason: body.reason };
    Ok(Json(shown(&edge, ask!(edge, &asked.call, payments.refund, request))))
}

pub(crate) async fn breaker(State(edge): State<Edge>, asked: Asked) -> Reply<ProviderBreaker> {
    Ok(Json(shown_breaker(ask!(edge, &asked.call, payments.get_breaker, GetBreakerRequest {}))))
}

pub(crate) async fn reset(State(edge): State<Edge>, asked: Asked, Sent(body): Sent<Reason>) -> Reply<ProviderBreaker> {
    let request = ResetBreakerRequest { reason: body.reason };
    Ok(Json(shown_breaker(ask!(edge, &asked.call, payments.reset_breaker, request))))
}

async fn reconcile(State(edge): State<Edge>, asked: Asked) -> Reply<Reconciliation> {
    let answer = ask!(edge, &asked.call, payments.reconcile, ReconcileRequest {});
    let discrepancy = |found: payments_api::Discrepancy| Discrepancy {
        order_id: edge.show::<OrderId>(found.order_id),
        provider_id: found.provider_id,
        what: found.what,
    };
    Ok(Json(Reconciliation {
        compared: answer.compared,
        discrepancies: answer.discrepancies.into_iter().map(discrepancy).collect(),
    }))
}
