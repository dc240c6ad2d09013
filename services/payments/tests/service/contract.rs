//! The rpcs, and the provider's own interface.

use orders_api::events::PaymentKind;
use payments_api::{
    GetPaymentByOrderRequest, GetPaymentRequest, ListPaymentsRequest, ReconcileRequest, RefundRequest, RegisterMethodRequest,
};
use provider_mock::Settings;
use serde_json::json;
use tonic::Code;

use crate::till::{DEVICE, SHOP, TOTAL, Till, read, shown};

fn code(status: &tonic::Status) -> String {
    wire::fault_of(status.clone()).code
}

#[tokio::test]
async fn s1_m04_no_card_number_is_accepted_and_none_is_kept() {
    const NUMBER: &str = "4242424242424242";
    let till = Till::open(Settings::default()).await;
    for bad in [NUMBER.to_owned(), "4242 4242 4242 4242".to_owned(), format!("tok_{NUMBER}")] {
        let refused = till.as_guest(DEVICE).register_method(RegisterMethodRequest { card_token: bad.clone() }).await.unwrap_err();
        assert_eq!(code(&refused), "card_number_refused");
        assert!(!refused.message().contains("4242"));
        let body = json!({ "amount_minor": 100, "currency": "USD", "token": bad, "capture": true });
        let refused = till.ask("POST", "/v1/charges", "k", body).await;
        assert_eq!((refused.status, read(&refused)["error"]["code"].as_str()), (400, Some("card_number_refused")));
        let body = json!({ "amount_minor": 100, "currency": "USD", "token": "tok_visa", "capture": true });
        assert_eq!(till.ask("POST", "/v1/charges", NUMBER, body).await.status, 400, "nor as a key");
        assert_eq!(till.ask("POST", &format!("/v1/charges/withdraw?key={NUMBER}"), "", json!({})).await.status, 400);
        let refused = till
            .ask("POST", "/api/v1/payments/process", "", json!({ "orderId": "1", "amount": 1.5, "cardNumber": NUMBER }))
            .await;
        assert_eq!((refused.status, read(&refused)["reason"].as_str()), (400, Some("card_number_refused")));
    }
    for bad in ["", "visa", "tok_", "tok_é", "tok_a b", &format!("tok_{}", "a".repeat(65))] {
        let refused =
            till.as_guest(DEVICE).register_method(RegisterMethodRequest { card_token: bad.to_owned() }).await.unwrap_err();
        assert_eq!(code(&refused), "bad_card_token", "{bad}");
    }
    assert_eq!(till.books().await, []);
    till.platform.settled().await;
    for file in files(till.platform.folder()).into_iter().chain(files(till.folder.path())) {
        assert!(!file.windows(NUMBER.len()).any(|bytes| bytes == NUMBER.as_bytes()));
    }
}

#[allow(clippy::disallowed_methods)] // The test looks into the files as a thief would.
fn files(folder: &std::path::Path) -> Vec<Vec<u8>> {
    std::fs::read_dir(folder).unwrap().filter_map(|entry| std::fs::read(entry.unwrap().path()).ok()).collect()
}

#[tokio::test]
async fn s1_m05_methods_and_movements_have_tables_of_their_own() {
    let till = Till::open(Settings::default()).await;
    let first = till.method("tok_visa").await;
    assert_eq!(till.method("tok_visa").await, first);
    assert_ne!(till.method("tok_mastercard").await, first);
    let rows = till
        .platform
        .ctx("payments")
        .store()
        .read("select hint from payments_methods order by created_at", vec![])
        .await
        .unwrap();
    assert_eq!(rows.len(), 2);
    assert_eq!(rows[0].text(0).unwrap(), "…visa");
    till.order("tok_visa").await;
    till.platform.heard("order.paid", 1).await;
    let text = "select kind, amount_minor, done from payments_transactions";
    let rows = till.platform.ctx("payments").store().read(text, vec![]).await.unwrap();
    assert_eq!(rows.len(), 1);
    assert_eq!((rows[0].text(0).unwrap(), rows[0].int(1).unwrap(), rows[0].bool(2).unwrap()), ("capture", TOTAL, true));
}

#[tokio::test]
async fn a_payment_is_shown_to_its_guest_and_the_staff_alone() {
    let till = Till::open(Settings::default()).await;
    let order = till.order("tok_visa").await;
    let payment = till.until_state(order, "captured").await;
    let own = till.as_guest(DEVICE).get_payment(GetPaymentRequest { payment_id: payment.payment_id }).await.unwrap().into_inner();
    assert_eq!(own, payment);
    let by_order = GetPaymentByOrderRequest { order_id: order.0 };
    assert_eq!(code(&till.as_guest(99).get_payment_by_order(by_order).await.unwrap_err()), "payment_not_found");
    assert_eq!(code(&till.as_guest(99).get_payment(GetPaymentRequest { payment_id: 1 }).await.unwrap_err()), "payment_not_found");
    for denied in [
        till.as_guest(DEVICE)
            .list_payments(ListPaymentsRequest { shop_id: SHOP.0, ..ListPaymentsRequest::default() })
            .await
            .err(),
        till.as_guest(DEVICE).reconcile(ReconcileRequest {}).await.err(),
        till.as_guest(DEVICE)
            .refund(RefundRequest { payment_id: payment.payment_id, amount_minor: 1, reason: "mine".to_owned() })
            .await
            .err(),
    ] {
        assert_eq!(denied.unwrap().code(), Code::PermissionDenied);
    }
    let stranger = RefundRequest { payment_id: payment.payment_id, amount_minor: 1, reason: "mine".to_owned() };
    assert_eq!(code(&till.as_guest(99).refund(stranger).await.unwrap_err()), "payment_not_found");
}

#[tokio::test]
async fn staff_give_back_in_part_and_never_more_than_was_taken() {
    let till = Till::open(Settings::default()).await;
    let order = till.order("tok_visa").await;
    let payment_id = till.until_state(order, "captured").await.payment_id;
    let refund = |amount_minor| RefundRequest { payment_id, amount_minor, reason: "cold pizza".to_owned() };
    till.writing("one").refund(refund(598)).await.unwrap();
    till.writing("one").refund(refund(598)).await.unwrap();
    till.until_state(order, "captured").await;
    till.platform.heard("payment.refunded", 1).await;
    assert_eq!(till.held(order).await, (TOTAL - 598, 1), "the repeat of a request does nothing more");
    let too_much = till.writing("two").refund(refund(2_001)).await.unwrap_err();
    assert_eq!(code(&too_much), "refund_too_large");
    assert_eq!(wire::fault_of(too_much).details["refundable_minor"], 2_000);
    assert_eq!(code(&till.writing("three").refund(refund(0)).await.unwrap_err()), "bad_refund");
    let without = RefundRequest { reason: " ".to_owned(), ..refund(1) };
    assert_eq!(code(&till.writing("four").refund(without).await.unwrap_err()), "reason_needed");
    till.writing("five").refund(refund(2_000)).await.unwrap();
    till.until_state(order, "refunded").await;
    assert_eq!(till.held(order).await, (0, 1));
    let acts = till.platform.ctx("payments").store().acts(i64::MAX, 10).await.unwrap();
    assert_eq!(acts.iter().filter(|act| act.act == "refund" && act.reason == "cold pizza").count(), 2);
    assert_eq!(till.discrepancies().await, Vec::<String>::new());
}

#[tokio::test]
async fn staff_list_payments_by_page_and_state() {
    let till = Till::open(Settings::default()).await;
    let mut orders = Vec::new();
    for _ in 0..3 {
        orders.push(till.order("tok_visa").await.0);
    }
    let waiting = till.fresh();
    till.created(waiting, PaymentKind::Cash, None).await;
    till.platform.heard("order.paid", 3).await;
    till.until_state(waiting, "expected").await;
    let page = |after: &str, state: &str| ListPaymentsRequest {
        shop_id: SHOP.0,
        state: state.to_owned(),
        after: after.to_owned(),
        limit: 2,
    };
    let first = till.client().list_payments(page("", "captured")).await.unwrap().into_inner();
    let second = till.client().list_payments(page(&first.next, "captured")).await.unwrap().into_inner();
    let mut listed: Vec<i64> = first.payments.iter().chain(&second.payments).map(|payment| payment.order_id).collect();
    listed.reverse();
    assert_eq!(listed, orders);
    assert_eq!(second.next, "");
    let expected = till.client().list_payments(page("", "expected")).await.unwrap().into_inner();
    assert_eq!(expected.payments[0].order_id, waiting.0);
    assert_eq!(code(&till.client().list_payments(page("", "rich")).await.unwrap_err()), "bad_payment_state");
    assert_eq!(code(&till.client().list_payments(page("x", "")).await.unwrap_err()), "bad_page");
}

#[tokio::test]
async fn reconciling_names_money_that_only_one_side_knows() {
    let till = Till::open(Settings::default()).await;
    let order = till.order("tok_visa").await;
    till.until_state(order, "captured").await;
    let foreign = json!({ "amount_minor": 700, "currency": "USD", "token": "tok_visa", "capture": true });
    till.ask("POST", "/v1/charges", "not-ours", foreign).await;
    assert_eq!(till.discrepancies().await, ["the provider knows a capture of 700 that we do not"]);
}

#[tokio::test]
async fn s4_c06_s1_m02_the_provider_takes_money_once_per_key() {
    let till = Till::open(Settings::default()).await;
    let body =
        json!({ "amount_minor": 500, "currency": "USD", "token": "tok_visa", "capture": true, "order_reference": "ord_1" });
    let first = till.ask("POST", "/v1/charges", "a", body.clone()).await;
    let again = till.ask("POST", "/v1/charges", "a", body.clone()).await;
    assert_eq!((first.status, read(&first)), (200, read(&again)));
    let mut other = body.clone();
    other["amount_minor"] = json!(501);
    assert_eq!(till.ask("POST", "/v1/charges", "a", other).await.status, 409);
    assert_eq!(read(&till.ask("GET", "/v1/charges?key=a", "", json!({})).await)["id"], read(&first)["id"]);
    assert_eq!(till.ask("GET", "/v1/charges?key=b", "", json!({})).await.status, 404);
    assert_eq!(till.ask("POST", "/v1/charges", "", body.clone()).await.status, 400);
    let charge = read(&first)["id"].as_str().unwrap().to_owned();
    let refunds = format!("/v1/charges/{charge}/refunds");
    let back = till.ask("POST", &refunds, "r1", json!({ "amount_minor": 200 })).await;
    assert_eq!(read(&back), read(&till.ask("POST", &refunds, "r1", json!({ "amount_minor": 200 })).await));
    assert_eq!(till.ask("POST", &refunds, "r1", json!({ "amount_minor": 201 })).await.status, 409);
    assert_eq!(till.ask("POST", &refunds, "r2", json!({ "amount_minor": 301 })).await.status, 422);
    let declined = json!({ "amount_minor": 500, "currency": "USD", "token": "tok_insufficient_funds" });
    let declined = till.ask("POST", "/v1/charges", "d", declined).await;
    assert_eq!((declined.status, read(&declined)["reason"].as_str()), (402, Some("insufficient_funds")));
    assert_eq!(till.ask("POST", "/v1/charges/withdraw?key=w", "", json!({})).await.status, 200);
    assert_eq!(till.ask("POST", "/v1/charges", "w", body).await.status, 409, "a withdrawn key is spent");
}

#[tokio::test]
async fn s4_c06_the_provider_sets_money_aside_and_takes_it_or_lets_it_go() {
    let till = Till::open(Settings::default()).await;
    let body = json!({ "amount_minor": 500, "currency": "USD", "token": "tok_visa" });
    for (key, deed, state, other) in [("a", "capture", "captured", "void"), ("b", "void", "voided", "capture")] {
        let charge = read(&till.ask("POST", "/v1/charges", key, body.clone()).await);
        assert_eq!(charge["state"], "authorised");
        let path = format!("/v1/charges/{}", charge["id"].as_str().unwrap());
        for _ in 0..2 {
            let done = till.ask("POST", &format!("{path}/{deed}"), &format!("{key}-deed"), json!({})).await;
            assert_eq!((done.status, read(&done)["state"].as_str()), (200, Some(state)));
        }
        assert_eq!(till.ask("POST", &format!("{path}/{other}"), &format!("{key}-other"), json!({})).await.status, 409);
    }
    let kinds: Vec<_> = till.books().await.into_iter().map(|(_, kind, _)| kind).collect();
    assert_eq!(kinds, ["authorise", "capture", "authorise", "void"]);
}

#[tokio::test]
async fn the_providers_books_and_settings_outlive_it() {
    let mut till = Till::open(Settings::default()).await;
    let body = json!({ "amount_minor": 500, "currency": "USD", "token": "tok_visa", "capture": true });
    till.set(json!({ "latency_ms": 1, "failure_rate": 0.0 })).await;
    let before = read(&till.ask("POST", "/v1/charges", "a", body.clone()).await);
    till.reopen_counter().await;
    assert_eq!(read(&till.ask("POST", "/v1/charges", "a", body).await), before);
    assert_eq!(till.books().await.len(), 1);
    assert_eq!(read(&till.ask("GET", "/v1/settings", "", json!({})).await)["latency_ms"], 1);
    assert_eq!(till.ask("PUT", "/v1/settings", "", json!({ "failure_rate": 2 })).await.status, 400);
    assert_eq!(till.ask("PUT", "/v1/settings", "", json!({ "failure": 1 })).await.status, 400);
}

#[tokio::test]
async fn s4_e06_the_pizza_places_own_way_to_pay_is_answered() {
    let till = Till::open(Settings::default()).await;
    let order = shown(&till, till.fresh());
    let body = json!({ "orderId": order, "amount": 25.98, "currency": "USD", "paymentMethod": "card" });
    let first = till.ask("POST", "/api/v1/payments/process", "", body.clone()).await;
    let answer = read(&first);
    assert_eq!(first.status, 200);
    assert_eq!((answer["status"].as_str(), answer["orderId"].as_str()), (Some("success"), Some(order.as_str())));
    assert_eq!(answer["amount"].to_string(), "25.98");
    assert_eq!(
        read(&till.ask("POST", "/api/v1/payments/process", "", body.clone()).await)["transactionId"],
        answer["transactionId"]
    );
    let mut declined = body.clone();
    declined["orderId"] = json!("other");
    declined["token"] = json!("tok_declined");
    let declined = till.ask("POST", "/api/v1/payments/process", "", declined).await;
    assert_eq!((declined.status, read(&declined)["status"].as_str()), (402, Some("failed")));
    for bad in [
        json!({ "orderId": "1" }),
        json!({ "amount": 1 }),
        json!({ "orderId": "1", "amount": -1 }),
        json!({ "orderId": "1", "amount": 1.234 }),
    ] {
        assert_eq!(till.ask("POST", "/api/v1/payments/process", "", bad).await.status, 400);
    }
    till.set(json!({ "failure_rate": 1.0, "latency_ms": 30 })).await;
    let begun = till.world().monotonic();
    assert_eq!(till.ask("POST", "/api/v1/payments/process", "", body.clone()).await.status, 503);
    assert!(till.world().monotonic().saturating_sub(begun).as_millis() >= 30, "the delay is kept");
    till.set(json!({ "down": true })).await;
    assert!(till.ask_raw("POST", "/api/v1/payments/process", "", body.to_string()).await.is_err());
}
