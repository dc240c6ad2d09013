//! How patiently the outside is asked: less and less often when it is away, not at all for a while when it is overrun.

use std::cell::RefCell;
use std::io::Read;
use std::net::TcpListener;
use std::sync::mpsc::channel;
use std::time::{Duration, Instant};

use serde_json::json;

use crate::outages::ends_with_clean_books;
use crate::platform::{Folder, Platform};

/// How many attempts are looked at.
const ATTEMPTS: usize = 7;
/// How long the first wait is at most.
const FIRST: Duration = Duration::from_millis(50);
/// What a busy machine may add to a wait.
const SLACK: Duration = Duration::from_secs(1);

#[tokio::test]
async fn s4_p04_s1_m03_each_wait_is_about_twice_as_long_as_the_one_before() {
    // A provider that hangs up on everybody, and notes when it is asked what became of the payment: whoever hears nothing
    // asks that at once, and begins every later attempt with it.
    let provider = TcpListener::bind("127.0.0.1:0").unwrap();
    let url = format!("provider_url=http://{}", provider.local_addr().unwrap());
    let (note, notes) = channel();
    std::thread::spawn(move || {
        for call in provider.incoming() {
            let (at, mut method) = (Instant::now(), [0; 3]);
            let read = call.and_then(|mut call| call.read(&mut method));
            if read.is_ok() && &method == b"GET" && note.send(at).is_err() {
                return;
            }
        }
    });
    let folder = Folder::new();
    let platform = Platform::start_with(&folder, &[&url]).await;
    let id = platform.order_pizza("hawaiian", "card").await;
    let times = RefCell::new(Vec::new());
    platform
        .eventually("there were enough attempts", async |_| {
            times.borrow_mut().extend(notes.try_iter());
            (times.borrow().len() >= ATTEMPTS).then_some(())
        })
        .await;
    let waits: Vec<Duration> = times.borrow().windows(2).map(|pair| pair[1] - pair[0]).take(ATTEMPTS - 1).collect();
    for (wait, doubled) in waits.iter().zip(0..) {
        let longest = FIRST * 2_u32.pow(doubled);
        assert!(
            (longest / 2..longest + SLACK).contains(wait),
            "wait {doubled} of {waits:?} is not from half of {longest:?} to it"
        );
    }
    // Meanwhile nothing is given up: the order waits, and says for what.
    assert_eq!(platform.look(&format!("/v1/orders/{id}")).await["state"], "reserved");
    let payment = platform.look(&format!("/v1/orders/{id}/payment")).await;
    assert_eq!((&payment["state"], &payment["taken"]["amount_minor"]), (&json!("requested"), &json!(0)), "{payment}");
}

#[tokio::test]
async fn s4_x04_an_overrun_provider_is_left_alone_while_the_shop_goes_on_and_nobody_pays_twice() {
    const ORDERS: usize = 30;
    let folder = Folder::new();
    let platform = Platform::start(&folder).await;
    // So slow that no answer comes in time: what was asked happens, and nobody hears of it.
    platform.provider(json!({ "latency_ms": 4_000 })).await;
    let mut orders = Vec::new();
    for _ in 0..ORDERS {
        orders.push(platform.order_pizza("hawaiian", "card").await);
    }
    let state = async |platform: &Platform| platform.look("/api/v1/payments/circuit-breaker/status").await["state"].clone();
    platform.eventually("the breaker is open", async |platform| (state(platform).await == "open").then_some(())).await;
    assert_eq!(platform.get("/api/v1/menu").await.status, 200);
    orders.push(platform.order_pizza("margherita", "card").await);
    let cash = platform.order_pizza("margherita", "cash").await;
    platform.reaches(&cash, "delivered").await;
    let metrics = platform.get("/metrics").await.text;
    assert!(metrics.contains("comanda_breaker_state{"), "the breaker is seen by whoever watches");

    platform.provider(json!({ "latency_ms": 0 })).await;
    for order in &orders {
        platform.reaches(order, "delivered").await;
    }
    platform.eventually("the breaker is closed again", async |platform| (state(platform).await == "closed").then_some(())).await;
    let books = platform.raw("GET", &format!("{}/v1/books?limit=1000", platform.provider), &[], b"").await.unwrap().json();
    for order in &orders {
        let rows = books["rows"].as_array().unwrap().iter().filter(|row| row["order_reference"] == order.as_str());
        let kinds: Vec<&str> = rows.map(|row| row["kind"].as_str().unwrap()).collect();
        assert_eq!(kinds, ["capture"], "{order}");
    }
    ends_with_clean_books(platform, &folder).await;
}
