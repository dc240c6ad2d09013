//! A provider that fails, loses its answers, or is gone.

use payments_api::events::{FailureReason, PaymentFailed};
use payments_api::{GetBreakerRequest, ListPaymentsRequest, ResetBreakerRequest};
use provider_mock::Settings;
use serde_json::json;

use crate::till::{SHOP, TOTAL, Till};

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn s4_p04_s1_m03_s2_r04_calls_that_fail_are_made_again_until_every_order_is_paid() {
    const ORDERS: usize = 60;
    let till = Till::open(Settings { failure_rate: 0.2, lost_answer_rate: 0.05, latency_ms: 5, ..Settings::default() }).await;
    let mut orders = Vec::new();
    for _ in 0..ORDERS {
        orders.push(till.order("tok_visa").await);
    }
    till.platform.heard("order.paid", ORDERS).await;
    let mut attempts = 0;
    for order in &orders {
        let payment = till.until_state(*order, "captured").await;
        attempts += payment.attempts as usize;
        assert_eq!(till.held(*order).await, (TOTAL, 1));
    }
    assert!(attempts > ORDERS, "with one call in five failing, some are made again");
    assert_eq!(till.discrepancies().await, Vec::<String>::new());
}

#[tokio::test]
async fn s1_m02_a_lost_answer_is_asked_after_and_never_charged_again() {
    let till = Till::open(Settings { lost_answer_rate: 1.0, ..Settings::default() }).await;
    let order = till.order("tok_visa").await;
    till.platform.heard("order.paid", 1).await;
    let payment = till.until_state(order, "captured").await;
    assert_eq!(payment.attempts, 1, "the question follows at once");
    assert_eq!(till.held(order).await, (TOTAL, 1));
    till.cancel(order).await;
    // Every answer to a refund is lost too; its key makes the repeats harmless.
    till.platform
        .eventually("the refund is in the provider's books", || async {
            Ok(if till.held(order).await.0 == 0 { Ok(()) } else { Err("it is not".to_owned()) })
        })
        .await;
    till.set(json!({ "lost_answer_rate": 0.0 })).await;
    till.until_state(order, "refunded").await;
    assert_eq!(till.held(order).await, (0, 1));
    assert_eq!(till.discrepancies().await, Vec::<String>::new());
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn s2_r03_s4_x04_the_breaker_opens_on_a_dead_provider_and_staff_can_reset_it() {
    const ORDERS: usize = 30;
    let till = Till::open(Settings { down: true, ..Settings::default() }).await;
    for _ in 0..ORDERS {
        till.order("tok_visa").await;
    }
    let opened = || async {
        let breaker = till.client().get_breaker(GetBreakerRequest {}).await.map(tonic::Response::into_inner);
        Ok(match breaker {
            Ok(breaker) if breaker.state == "open" => Ok(breaker),
            other => Err(format!("{other:?}")),
        })
    };
    let breaker = till.platform.eventually("the breaker is open", opened).await;
    assert!(breaker.opened_times >= 1 && breaker.since > 0);
    let denied = till.as_guest(1).reset_breaker(ResetBreakerRequest::default()).await.unwrap_err();
    assert_eq!(denied.code(), tonic::Code::PermissionDenied);
    assert_eq!(till.as_guest(1).get_breaker(GetBreakerRequest {}).await.unwrap_err().code(), tonic::Code::PermissionDenied);
    assert_eq!(till.platform.events("order.paid").await.len(), 0);
    till.set(json!({ "down": false })).await;
    let breaker = till
        .writing("reset")
        .reset_breaker(ResetBreakerRequest { reason: "the provider is back".to_owned() })
        .await
        .unwrap()
        .into_inner();
    assert_eq!(breaker.state, "closed");
    till.platform.heard("order.paid", ORDERS).await;
    let acts = till.platform.ctx("payments").store().acts(i64::MAX, 10).await.unwrap();
    assert_eq!((acts[0].act.as_str(), acts[0].reason.as_str()), ("reset_breaker", "the provider is back"));
    assert_eq!(till.discrepancies().await, Vec::<String>::new());
}

#[tokio::test]
async fn past_its_deadline_a_payment_fails_only_when_certainly_nothing_was_taken() {
    let till =
        Till::open_set(Settings { failure_rate: 1.0, ..Settings::default() }, &[("payment_deadline_seconds", "0.2")]).await;
    let order = till.order("tok_visa").await;
    till.platform.heard("payment.requested", 1).await;
    let world = till.world().clone();
    let begun = world.monotonic();
    till.platform
        .eventually("the deadline has passed", || async {
            let waited = world.monotonic().saturating_sub(begun).as_millis();
            Ok(if waited > 300 { Ok(()) } else { Err(format!("{waited} ms")) })
        })
        .await;
    assert_eq!(till.payment(order).await.state, "requested", "a provider that cannot be asked is no proof");
    till.set(json!({ "failure_rate": 0.0 })).await;
    let failed: PaymentFailed = till.platform.heard("payment.failed", 1).await[0].read().unwrap();
    assert_eq!((failed.order_id, failed.reason), (order, FailureReason::ProviderUnavailable));
    assert_eq!(till.held(order).await, (0, 0));
    let books = till.books().await;
    assert_eq!(books.len(), 1);
    assert_eq!(books[0].1, "withdraw", "no charge will ever come of its key");
}

#[tokio::test]
async fn a_refund_that_the_provider_refuses_lies_in_the_dead_letters_with_its_cause() {
    let till = Till::open(Settings::default()).await;
    let order = till.order("tok_visa").await;
    let payment = till.until_state(order, "captured").await;
    let charge = &payment.transactions[0].provider_id;
    // Somebody gave the money back at the provider's own desk.
    let by_hand = till.ask("POST", &format!("/v1/charges/{charge}/refunds"), "by-hand", json!({ "amount_minor": TOTAL })).await;
    assert_eq!(by_hand.status, 200);
    till.cancel(order).await;
    let store = till.platform.ctx("payments").store().clone();
    let letter = till
        .platform
        .eventually("the refund is parked", || async {
            Ok(store.parked(None, 0, 10).await?.pop().ok_or_else(|| "no letter".to_owned()))
        })
        .await;
    assert_eq!(letter.kind, "refund");
    assert!(letter.cause.contains("provider_refused"), "{}", letter.cause);
    assert_eq!(till.payment(order).await.state, "refunding");
    let what = till.discrepancies().await;
    assert_eq!(what, [format!("the provider knows a refund of {TOTAL} that we do not")]);
    let page = ListPaymentsRequest { shop_id: SHOP.0, state: "refunding".to_owned(), ..ListPaymentsRequest::default() };
    assert_eq!(till.client().list_payments(page).await.unwrap().into_inner().payments.len(), 1);
}
