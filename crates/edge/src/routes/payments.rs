//! Payments: what was taken and given back.

use axum::Json;
use axum::extract::State;
use base::id::{EventId, OrderId, PaymentId};
use payments_api::{
    Breaker, GetBreakerRequest, GetPaymentByOrderRequest, GetPaymentRequest, ListPaymentsRequest, Payment, ReconcileRequest,
    RefundRequest, ResetBreakerRequest,
};
use serde::Deserialize;
use serde_json::{Value, json};
use utoipa::ToSchema;

use super::Answer;
use crate::api::{Api, Who, get, post};
use crate::asked::{Asked, Asking, Named, Sent};
use crate::shape::{money, rows, some, time};
use crate::{Edge, ask};

const LIST: &[(&str, &str)] =
    &[("state", "Only payments in this state."), ("after", "`next` of the page before."), ("limit", "How many rows.")];

pub(crate) fn add(api: &mut Api) {
    api.chapter("payments");
    api.add(get("/v1/payments", "The shop's payments.").asks(LIST), list);
    api.add(get("/v1/payments/breaker", "The circuit breaker towards the provider."), breaker);
    api.add(post("/v1/payments/breaker/reset", "Closes the circuit breaker."), reset);
    api.add(get("/v1/payments/reconciliation", "Compares our books with the provider's."), reconcile);
    api.add(get("/v1/payments/{id}", "One payment.").open_to(Who::Known), one);
    api.add(get("/v1/orders/{order}/payment", "The payment of an order."), of_order);
    api.add(post("/v1/payments/{id}/refund", "Gives money back.").takes::<RefundBody>(), refund);
}

pub(crate) fn shown(edge: &Edge, payment: &Payment) -> Value {
    let amount = |minor: i64| money(minor, &payment.currency);
    let transactions: Vec<Value> = payment
        .transactions
        .iter()
        .map(|transaction| json!({ "transaction_id": edge.id::<EventId>(transaction.transaction_id), "kind": transaction.kind, "amount": amount(transaction.amount_minor), "at": time(transaction.at) }))
        .collect();
    json!({
        "payment_id": edge.id::<PaymentId>(payment.payment_id), "order_id": edge.id::<OrderId>(payment.order_id), "method": payment.method, "state": payment.state,
        "amount": amount(payment.amount_minor), "taken": amount(payment.taken_minor), "refunded": amount(payment.refunded_minor), "reason": some(payment.reason.clone()),
        "attempts": payment.attempts, "transactions": transactions, "created_at": time(payment.created_at), "changed_at": time(payment.changed_at), "version": payment.version,
    })
}

pub(crate) fn shown_breaker(breaker: &Breaker) -> Value {
    json!({ "state": breaker.state, "failures": breaker.failures, "calls": breaker.calls, "since": time(breaker.since), "opened_times": breaker.opened_times })
}

#[derive(Deserialize, Default)]
#[serde(default, deny_unknown_fields)]
struct ListAsked {
    state: String,
    after: String,
    limit: u32,
}

async fn list(State(edge): State<Edge>, asked: Asked, Asking(page): Asking<ListAsked>) -> Answer {
    let request = ListPaymentsRequest {
        shop_id: asked.shop(),
        state: page.state,
        after: edge.after(&page.after)?,
        limit: rows(page.limit)?,
    };
    let page = ask!(edge, &asked.call, payments.list_payments, request);
    Ok(Json(
        json!({ "payments": page.payments.iter().map(|payment| shown(&edge, payment)).collect::<Vec<_>>(), "next": edge.next(&page.next) }),
    ))
}

async fn one(State(edge): State<Edge>, asked: Asked, name: Named) -> Answer {
    let request = GetPaymentRequest { payment_id: edge.read::<PaymentId>(&name)? };
    Ok(Json(shown(&edge, &ask!(edge, &asked.call, payments.get_payment, request))))
}

async fn of_order(State(edge): State<Edge>, asked: Asked, name: Named) -> Answer {
    let request = GetPaymentByOrderRequest { order_id: edge.read::<OrderId>(&name)? };
    Ok(Json(shown(&edge, &ask!(edge, &asked.call, payments.get_payment_by_order, request))))
}

#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
struct RefundBody {
    amount_minor: i64,
    reason: String,
}

async fn refund(State(edge): State<Edge>, asked: Asked, name: Named, Sent(body): Sent<RefundBody>) -> Answer {
    let request =
        RefundRequest { payment_id: edge.read::<PaymentId>(&name)?, amount_minor: body.amount_minor, reason: body.reason };
    Ok(Json(shown(&edge, &ask!(edge, &asked.call, payments.refund, request))))
}

async fn breaker(State(edge): State<Edge>, asked: Asked) -> Answer {
    Ok(Json(shown_breaker(&ask!(edge, &asked.call, payments.get_breaker, GetBreakerRequest {}))))
}

async fn reset(State(edge): State<Edge>, asked: Asked) -> Answer {
    Ok(Json(shown_breaker(&ask!(edge, &asked.call, payments.reset_breaker, ResetBreakerRequest {}))))
}

async fn reconcile(State(edge): State<Edge>, asked: Asked) -> Answer {
    let answer = ask!(edge, &asked.call, payments.reconcile, ReconcileRequest {});
    let discrepancies: Vec<Value> =
        answer.discrepancies.iter().map(|found| json!({ "order_id": edge.show::<OrderId>(found.order_id), "provider_id": found.provider_id, "what": found.what })).collect();
    Ok(Json(json!({ "compared": answer.compared, "discrepancies": discrepancies })))
}
