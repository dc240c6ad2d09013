//! Payments, for staff.

use axum::Json;
use axum::extract::{Path, State};
use base::Timestamp;
use base::id::{OrderId, PaymentId};
use payments_api::{
    GetBreakerRequest, GetPaymentByOrderRequest, GetPaymentRequest, ListPaymentsRequest, Payment as Message, ReconcileRequest, RefundRequest, ResetBreakerRequest,
};
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use super::Reply;
use crate::api::{self, Api};
use crate::asked::{Asked, Asking, Named, Sent};
use crate::shape::{Money, Reason, money, rows, some, time};
use crate::{Edge, ask};

const LIST: &[(&str, &str)] = &[("state", "Only payments in this state."), ("after", "`next` of the page before."), ("limit", "How many rows.")];

pub(crate) fn add(api: &mut Api) {
    api.chapter("payments");
    api.add(api::get("/v1/payments", "Lists payments").asks(LIST).gives::<PaymentPage>(), list);
    api.add(api::get("/v1/payments/{payment}", "Shows a payment").gives::<Payment>(), show);
    api.add(api::get("/v1/orders/{order}/payment", "Shows the payment of an order").gives::<Payment>(), of_order);
    api.add(api::post("/v1/payments/{payment}/refund", "Gives money back, whole or in part").takes::<Refund>().gives::<Payment>(), refund);
    api.add(api::get("/v1/payments/breaker", "Shows the breaker towards the provider").gives::<Breaker>(), breaker);
    api.add(api::post("/v1/payments/breaker/reset", "Closes the breaker towards the provider").takes::<Reason>().gives::<Breaker>(), reset);
    api.add(api::post("/v1/payments/reconcile", "Compares our books with the provider's").takes::<Reason>().gives::<Reconciled>(), reconcile);
}

/// A movement of money.
#[derive(Serialize, ToSchema)]
struct Transaction {
    kind: String,
    amount: Money,
    provider_id: Option<String>,
    at: Option<String>,
}

/// A payment.
#[derive(Serialize, ToSchema)]
pub(crate) struct Payment {
    payment_id: String,
    order_id: String,
    /// `card` or `cash`.
    method: String,
    state: String,
    amount: Money,
    taken: Money,
    refunded: Money,
    reason: Option<String>,
    transactions: Vec<Transaction>,
    attempts: u32,
    created_at: Option<String>,
    changed_at: Option<String>,
    version: i64,
}

#[derive(Serialize, ToSchema)]
struct PaymentPage {
    payments: Vec<Payment>,
    next: Option<String>,
}

/// The breaker towards the provider.
#[derive(Serialize, ToSchema)]
pub(crate) struct Breaker {
    /// `closed`, `open` or `half_open`.
    pub(crate) state: String,
    pub(crate) failures: u32,
    pub(crate) calls: u32,
    pub(crate) since: String,
    pub(crate) opened_times: u64,
}

/// Money to give back.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
struct Refund {
    /// All that is left when it is 0.
    #[serde(default)]
    amount_minor: i64,
    #[serde(default)]
    reason: String,
}

/// Where our books and the provider's differ.
#[derive(Serialize, ToSchema)]
struct Discrepancy {
    order_id: Option<String>,
    provider_id: String,
    what: String,
}

#[derive(Serialize, ToSchema)]
struct Reconciled {
    discrepancies: Vec<Discrepancy>,
    compared: u64,
}

pub(crate) fn shown(edge: &Edge, payment: Message) -> Payment {
    let currency = &payment.currency;
    let transaction = |transaction: payments_api::Transaction| Transaction {
        kind: transaction.kind,
        amount: money(transaction.amount_minor, currency),
        provider_id: some(transaction.provider_id),
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

pub(crate) fn shown_breaker(breaker: payments_api::Breaker) -> Breaker {
    let since = Timestamp(breaker.since).to_string();
    Breaker { state: breaker.state, failures: breaker.failures, calls: breaker.calls, since, opened_times: breaker.opened_times }
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct ListAsked {
    #[serde(default)]
    state: String,
    #[serde(default)]
    after: String,
    #[serde(default)]
    limit: u32,
}

async fn list(State(edge): State<Edge>, asked: Asked, Asking(query): Asking<ListAsked>) -> Reply<PaymentPage> {
    let message = ListPaymentsRequest { shop_id: asked.shop(), state: query.state, after: edge.after(&query.after)?, limit: rows(query.limit)? };
    let told = ask!(edge, &asked.call, payments.list_payments, message);
    let next = edge.next(&told.next);
    Ok(Json(PaymentPage { payments: told.payments.into_iter().map(|payment| shown(&edge, payment)).collect(), next }))
}

pub(crate) async fn show(State(edge): State<Edge>, asked: Asked, Path(payment): Named) -> Reply<Payment> {
    let message = GetPaymentRequest { payment_id: edge.read::<PaymentId>(&payment)? };
    Ok(Json(shown(&edge, ask!(edge, &asked.call, payments.get_payment, message))))
}

pub(crate) async fn of_order(State(edge): State<Edge>, asked: Asked, Path(order): Named) -> Reply<Payment> {
    let message = GetPaymentByOrderRequest { order_id: edge.read::<OrderId>(&order)? };
    Ok(Json(shown(&edge, ask!(edge, &asked.call, payments.get_payment_by_order, message))))
}

async fn refund(State(edge): State<Edge>, asked: Asked, Path(payment): Named, Sent(body): Sent<Refund>) -> Reply<Payment> {
    let message = RefundRequest { payment_id: edge.read::<PaymentId>(&payment)?, amount_minor: body.amount_minor, reason: body.reason };
    Ok(Json(shown(&edge, ask!(edge, &asked.call, payments.refund, message))))
}

pub(crate) async fn breaker(State(edge): State<Edge>, asked: Asked) -> Reply<Breaker> {
    Ok(Json(shown_breaker(ask!(edge, &asked.call, payments.get_breaker, GetBreakerRequest {}))))
}

pub(crate) async fn reset(State(edge): State<Edge>, asked: Asked, Sent(_): Sent<Reason>) -> Reply<Breaker> {
    Ok(Json(shown_breaker(ask!(edge, &asked.call, payments.reset_breaker, ResetBreakerRequest {}))))
}

async fn reconcile(State(edge): State<Edge>, asked: Asked, Sent(_): Sent<Reason>) -> Reply<Reconciled> {
    let told = ask!(edge, &asked.call, payments.reconcile, ReconcileRequest {});
    let shown = |found: payments_api::Discrepancy| Discrepancy {
        order_id: edge.show::<OrderId>(found.order_id),
        provider_id: found.provider_id,
        what: found.what,
    };
    Ok(Json(Reconciled { discrepancies: told.discrepancies.into_iter().map(shown).collect(), compared: told.compared }))
}
