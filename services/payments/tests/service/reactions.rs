//! What payments hears: in any order between the services, twice, and around crashes.

use orders_api::events::PaymentKind;
use payments_api::events::{FailureReason, OrderPaid, PaymentFailed, PaymentRefunded};
use provider_mock::Settings;
use serde_json::json;

use crate::till::{SHOP, TOTAL, Till};

#[tokio::test]
async fn s4_c04_s4_s02_s1_f04_a_card_order_is_paid_through_the_provider() {
    let till = Till::open(Settings::default()).await;
    let order = till.order("tok_visa").await;
    let paid: OrderPaid = till.platform.heard("order.paid", 1).await[0].read().unwrap();
    assert_eq!((paid.order_id, paid.shop_id, paid.amount_minor, paid.method.as_str()), (order, SHOP, TOTAL, "card"));
    assert_eq!(till.platform.events("payment.requested").await.len(), 1);
    let payment = till.until_state(order, "captured").await;
    assert_eq!((payment.taken_minor, payment.refunded_minor, payment.attempts), (TOTAL, 0, 1));
    let kinds: Vec<_> = payment.transactions.iter().map(|entry| (entry.kind.as_str(), entry.amount_minor)).collect();
    assert_eq!(kinds, [("capture", TOTAL)]);
    assert_eq!(till.held(order).await, (TOTAL, 1));
    assert_eq!(till.discrepancies().await, Vec::<String>::new());
}

#[tokio::test]
async fn stock_may_be_set_aside_before_the_order_is_heard_of() {
    let till = Till::open(Settings::default()).await;
    let (order, method) = (till.fresh(), till.method("tok_mastercard").await);
    till.reserved(order).await;
    till.until_state(order, "reserved").await;
    till.created(order, PaymentKind::Card, Some(method)).await;
    till.until_state(order, "captured").await;
    assert_eq!(till.held(order).await, (TOTAL, 1));
}

#[tokio::test]
async fn cash_is_promised_and_then_taken_at_the_door() {
    let till = Till::open(Settings::default()).await;
    let order = till.fresh();
    till.created(order, PaymentKind::Cash, None).await;
    till.reserved(order).await;
    till.platform.heard("payment.promised", 1).await;
    till.delivered(order, TOTAL).await;
    let paid: OrderPaid = till.platform.heard("order.paid", 1).await[0].read().unwrap();
    assert_eq!((paid.amount_minor, paid.method.as_str()), (TOTAL, "cash"));
    let payment = till.until_state(order, "captured").await;
    assert_eq!(payment.taken_minor, TOTAL);
    assert_eq!(till.books().await, [], "cash is none of the provider's business");
    assert_eq!(till.discrepancies().await, Vec::<String>::new());
}

#[tokio::test]
async fn s4_s03_a_declined_card_and_an_unknown_card_fail_with_their_reason() {
    let till = Till::open(Settings::default()).await;
    let declined = till.order("tok_declined").await;
    let failed: PaymentFailed = till.platform.heard("payment.failed", 1).await[0].read().unwrap();
    assert_eq!((failed.order_id, failed.reason), (declined, FailureReason::Declined));
    let unknown = till.fresh();
    till.created(unknown, PaymentKind::Card, Some(base::id::MethodId(404))).await;
    till.reserved(unknown).await;
    let failed: PaymentFailed = till.platform.heard("payment.failed", 2).await[1].read().unwrap();
    assert_eq!((failed.order_id, failed.reason), (unknown, FailureReason::UnknownMethod));
    assert_eq!(till.held(declined).await, (0, 0));
    assert_eq!(till.payment(declined).await.reason, "declined");
    assert_eq!(till.discrepancies().await, Vec::<String>::new());
}

#[tokio::test]
async fn an_order_cancelled_after_it_was_paid_is_refunded_once_even_when_told_twice() {
    let till = Till::open(Settings::default()).await;
    let order = till.order("tok_visa").await;
    till.until_state(order, "captured").await;
    till.cancel(order).await;
    till.cancel(order).await;
    till.until_state(order, "refunded").await;
    till.platform.settled().await;
    let refunds = till.platform.events("payment.refunded").await;
    let refunded: PaymentRefunded = refunds[0].read().unwrap();
    assert_eq!((refunds.len(), refunded.order_id, refunded.amount_minor), (1, order, TOTAL));
    assert_eq!(till.held(order).await, (0, 1));
    assert_eq!(till.discrepancies().await, Vec::<String>::new());
}

#[tokio::test]
async fn an_order_cancelled_before_its_stock_is_set_aside_is_never_charged() {
    let till = Till::open(Settings::default()).await;
    let (order, method) = (till.fresh(), till.method("tok_visa").await);
    till.created(order, PaymentKind::Card, Some(method)).await;
    till.cancel(order).await;
    till.until_state(order, "cancelled").await;
    till.reserved(order).await;
    till.platform.settled().await;
    assert_eq!(till.payment(order).await.state, "cancelled");
    assert_eq!(till.books().await, []);
}

#[tokio::test]
async fn s4_p05_an_order_cancelled_while_the_provider_is_slow_keeps_no_money() {
    let till = Till::open(Settings { latency_ms: 300, ..Settings::default() }).await;
    let order = till.order("tok_visa").await;
    till.platform.heard("payment.requested", 1).await;
    till.cancel(order).await;
    let ended = || async {
        let state = till.payment(order).await.state;
        Ok(if state == "voided" || state == "refunded" { Ok(state) } else { Err(state) })
    };
    let state = till.platform.eventually("the charge is withdrawn or given back", ended).await;
    till.set(json!({ "latency_ms": 0 })).await;
    till.platform.settled().await;
    assert_eq!(till.held(order).await.0, 0);
    // The news may come only when the provider has answered: then the order was paid for a moment.
    let paid = till.platform.events("order.paid").await.len();
    assert!(paid == 0 || (paid == 1 && state == "refunded"), "{paid} times paid and then {state}");
    assert_eq!(till.discrepancies().await, Vec::<String>::new());
}

#[tokio::test]
async fn a_crash_while_the_provider_is_asked_charges_nobody_twice() {
    let till = Till::open(Settings { latency_ms: 100, ..Settings::default() }).await;
    let order = till.order("tok_visa").await;
    till.platform.heard("payment.requested", 1).await;
    // The charge is on its way, or has been carried out: either way the platform has not noted it.
    let till = till.crash().await;
    till.platform.heard("order.paid", 1).await;
    till.platform.settled().await;
    assert_eq!(till.platform.events("order.paid").await.len(), 1);
    assert_eq!(till.held(order).await, (TOTAL, 1));
    assert_eq!(till.discrepancies().await, Vec::<String>::new());
}

#[tokio::test]
async fn an_order_paid_before_a_crash_stays_paid_once() {
    let till = Till::open(Settings::default()).await;
    let order = till.order("tok_visa").await;
    till.platform.heard("order.paid", 1).await;
    let till = till.crash().await;
    till.platform.settled().await;
    assert_eq!(till.payment(order).await.state, "captured");
    assert_eq!(till.platform.events("order.paid").await.len(), 1);
    assert_eq!(till.held(order).await, (TOTAL, 1));
}

#[tokio::test]
async fn a_payment_that_was_settled_long_ago_goes_and_the_books_still_agree() {
    let till = Till::open(Settings::default()).await;
    let (gone, open) = (till.order("tok_visa").await, till.fresh());
    till.until_state(gone, "captured").await;
    till.created(open, PaymentKind::Cash, None).await;
    till.reserved(open).await;
    till.until_state(open, "promised").await;
    let method = till.method("tok_visa").await;
    till.platform.drop_what_is_old(3_649).await;
    assert_eq!(till.payment(gone).await.state, "captured", "ten years have not passed");

    till.platform.drop_what_is_old(3_653).await;
    let request = payments_api::GetPaymentByOrderRequest { order_id: gone.0 };
    assert!(till.client().get_payment_by_order(request).await.is_err());
    assert_eq!(till.discrepancies().await, Vec::<String>::new(), "what was dropped is no difference");
    let text = "select (select count(*) from payments_transactions), (select count(*) from payments_methods)";
    let row = till.platform.ctx("payments").store().read_one(text, vec![]).await.unwrap().unwrap();
    assert_eq!((row.int(0).unwrap(), row.int(1).unwrap()), (0, 0), "nobody has paid with this card since");

    till.delivered(open, TOTAL).await;
    till.until_state(open, "captured").await;
    assert_eq!(till.method("tok_visa").await, method, "a card that comes again is the same");
}

#[tokio::test]
async fn a_card_in_daily_use_is_never_taken_for_forgotten() {
    let till = Till::open(Settings::default()).await;
    let ctx = till.platform.ctx("payments");
    let noted = async || {
        let row = ctx.store().read_one("select created_at from payments_methods", vec![]).await.unwrap().unwrap();
        row.time(0).unwrap()
    };
    till.method("tok_visa").await;
    let first = noted().await;
    till.method("tok_visa").await;
    assert_eq!(noted().await, first, "once a day is enough");
    let a_day_later = sql::statement("update payments_methods set created_at = created_at - 90000000000", vec![]);
    let gone_by = sql::Change::new().write(a_day_later);
    ctx.store().commit(sql::Once::Nothing, gone_by).await.unwrap();
    till.method("tok_visa").await;
    assert!(noted().await >= first);
}
