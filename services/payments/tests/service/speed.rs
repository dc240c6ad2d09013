//! How fast: figures for people, not part of the suite. `cargo test --release -p payments --test service -- --ignored --nocapture`

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use base::NewEvent;
use host::outside::HttpRequest;
use orders_api::events::PaymentKind;
use provider_mock::Settings;
use serde_json::json;

use crate::till::Till;

const WORKERS: usize = 128;

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
#[ignore = "prints figures"]
async fn the_provider_mock_charges_so_many_per_second() {
    const CHARGES: usize = 30_000;
    let till = Arc::new(Till::open(Settings::default()).await);
    let (next, done) = (Arc::new(AtomicUsize::new(0)), Arc::new(tokio::sync::Semaphore::new(0)));
    let begun = till.world().monotonic();
    for _ in 0..WORKERS {
        let (till, next, done) = (till.clone(), next.clone(), done.clone());
        till.world().clone().spawn("load", async move {
            let http = till.platform.ctx("payments").outside().http.clone();
            while let number @ 0..CHARGES = next.fetch_add(1, Ordering::Relaxed) {
                let body = json!({ "amount_minor": 500, "currency": "USD", "token": "tok_visa", "capture": true, "order_reference": "x" });
                let headers = vec![("idempotency-key".to_owned(), format!("{number:016x}-charge")), ("content-type".to_owned(), "application/json".to_owned())];
                let url = format!("{}/v1/charges", till.counter.url);
                let request = HttpRequest { method: "POST", url, headers, body: body.to_string().into_bytes(), timeout: Duration::from_secs(10) };
                assert_eq!(http.send(request).await.unwrap().status, 200);
                done.add_permits(1);
            }
        });
    }
    let _ = done.acquire_many(CHARGES as u32).await.unwrap();
    let seconds = till.world().monotonic().saturating_sub(begun).as_secs_f64();
    println!("provider mock: {:.0} charges per second, {WORKERS} at once, load on the same cores", CHARGES as f64 / seconds);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
#[ignore = "prints figures"]
async fn orders_are_paid_so_many_per_second() {
    const ORDERS: usize = 20_000;
    let till = Till::open(Settings { latency_ms: 50, ..Settings::default() }).await;
    let method = till.method("tok_visa").await;
    let database = till.platform.inner().database().clone();
    let mut said = Vec::new();
    for _ in 0..ORDERS {
        let order = till.fresh();
        let (created, reserved) = (till.placed(order, PaymentKind::Card, Some(method)), till.set_aside(order));
        said.push(embedded::event("orders", NewEvent::of(&created, till.platform.now(), "speed")).unwrap());
        said.push(embedded::event("inventory", NewEvent::of(&reserved, till.platform.now(), "speed")).unwrap());
    }
    let begun = till.world().monotonic();
    for chunk in said.chunks(200) {
        let chunk = chunk.to_vec();
        let write = database.write(move |tx| {
            for event in &chunk {
                tx.append(&mut event.clone())?;
            }
            Ok(())
        });
        write.await.unwrap();
    }
    loop {
        let row = till.platform.ctx("payments").store().read("select count(*) from payments_payments where state = 'captured'", vec![]).await.unwrap();
        if row[0].int(0).unwrap() as usize == ORDERS {
            break;
        }
        till.world().sleep(Duration::from_millis(20)).await;
    }
    let seconds = till.world().monotonic().saturating_sub(begun).as_secs_f64();
    println!("payments: {:.0} orders paid per second, the provider answering in 50 ms", ORDERS as f64 / seconds);
}
