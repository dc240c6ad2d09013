//! Payments and their breaker in the words of the pizza place; all of it is for staff.

use axum::Json;
use axum::extract::State;
use base::id::{OrderId, PaymentId};
use payments_api::{Breaker, GetBreakerRequest, GetPaymentByOrderRequest, GetPaymentRequest, Payment, ResetBreakerRequest};
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use super::decimal;
use crate::api::{Api, get, post};
use crate::asked::{Asked, Named, Sent};
use crate::routes::Reply;
use crate::shape::{Reason, Time, some, time};
use crate::{Edge, ask};

/// What is kept as the reason when the original's words, which have none, reset the breaker.
const NO_REASON: &str = "reset in the words of the pizza place, which give no reason";

pub(crate) fn add(api: &mut Api) {
    api.add(
        post("/api/v1/payments", "Gives the payment of an order, which began by itself when it was placed; for staff")
            .takes::<PizzaPaymentAsked>()
            .gives::<PizzaPayment>(),
        begin,
    );
    api.add(get("/api/v1/payments/{payment}", "Shows a payment; for staff").gives::<PizzaPayment>(), one);
    api.add(get("/api/v1/payments/order/{order}", "Shows the payment of an order; for staff").gives::<PizzaPayment>(), of_order);
    api.add(
        get("/api/v1/payments/circuit-breaker/status", "Shows the circuit breaker towards the provider; for staff")
            .gives::<PizzaBreaker>(),
        breaker,
    );
    api.add(
        post("/api/v1/payments/circuit-breaker/reset", "Closes the circuit breaker towards the provider; for staff")
            .takes::<Reason>()
            .gives::<PizzaBreaker>(),
        reset,
    );
}

/// A payment.
#[derive(Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
struct PizzaPayment {
    /// Its id: `pay_…`.
    payment_id: String,
    /// The order's id: `ord_…`.
    order_id: String,
    /// `RESERVED`, `EXPECTED`, `REQUESTED`, `WITHDRAWING`, `PROMISED`, `CAPTURED`, `REFUNDING`, `REFUNDED`, `FAILED`,
    /// `VOIDED` or `CANCELLED`.
    status: String,
    /// What the order costs, decimal text.
    #[schema(example = "13.25")]
    amount: String,
    /// The currency's code (ISO 4217).
    #[schema(example = "USD")]
    currency: String,
    /// `card` or `cash`.
    payment_method: String,
    /// Why it failed or was given back.
    reason: Option<String>,
    created_at: Option<Time>,
    updated_at: Option<Time>,
}

/// The circuit breaker towards the payment provider.
#[derive(Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
struct PizzaBreaker {
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

/// Whose payment is meant.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields, rename_all = "camelCase")]
struct PizzaPaymentAsked {
    /// The order's id: `ord_…`.
    order_id: String,
}

fn shown(edge: &Edge, payment: Payment) -> PizzaPayment {
    PizzaPayment {
        payment_id: edge.id::<PaymentId>(payment.payment_id),
        order_id: edge.id::<OrderId>(payment.order_id),
        status: payment.state.to_uppercase(),
        amount: decimal(payment.amount_minor, &payment.currency),
        currency: payment.currency,
        payment_method: payment.method,
        reason: some(payment.reason),
        created_at: time(payment.created_at),
        updated_at: time(payment.changed_at),
    }
}

fn shown_breaker(breaker: Breaker) -> PizzaBreaker {
    PizzaBreaker {
        state: breaker.state,
        failures: breaker.failures,
        calls: breaker.calls,
        since: time(breaker.since),
        opened_times: breaker.opened_times,
    }
}

async fn one(State(edge): State<Edge>, asked: Asked, name: Named) -> Reply<PizzaPayment> {
    let request = GetPaymentRequest { payment_id: edge.read::<PaymentId>(&name)? };
    Ok(Json(shown(&edge, ask!(edge, &asked.call, payments.get_payment, request))))
}

async fn payment_of(edge: &Edge, asked: &Asked, order: &str) -> Reply<PizzaPayment> {
    let request = GetPaymentByOrderRequest { order_id: edge.read::<OrderId>(order)? };
    Ok(Json(shown(edge, ask!(edge, &asked.call, payments.get_payment_by_order, request))))
}

async fn of_order(State(edge): State<Edge>, asked: Asked, name: Named) -> Reply<PizzaPayment> {
    payment_of(&edge, &asked, &name).await
}

/// Money is asked for when an order is placed, and never twice: so this shows what has begun already.
async fn begin(State(edge): State<Edge>, asked: Asked, Sent(body): Sent<PizzaPaymentAsked>) -> Reply<PizzaPayment> {
    payment_of(&edge, &asked, &body.order_id).await
}

async fn breaker(State(edge): State<Edge>, asked: Asked) -> Reply<PizzaBreaker> {
    Ok(Json(shown_breaker(ask!(edge, &asked.call, payments.get_breaker, GetBreakerRequest {}))))
}

async fn reset(State(edge): State<Edge>, asked: Asked, Sent(body): Sent<Reason>) -> Reply<PizzaBreaker> {
    let reason = some(body.reason).unwrap_or_else(|| NO_REASON.to_owned());
    Ok(Json(shown_breaker(ask!(edge, &asked.call, payments.reset_breaker, ResetBreakerRequest { reason }))))
}
