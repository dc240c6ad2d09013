//! How calls end: in time, by a panic, given up, with the process.

use std::time::Duration;

use base::Kind;
use tokio::time::Instant;
use wire::Policy;

use crate::house::{House, count, listening, say};

crate::on_all_arms!(
    a_call_ends_by_the_timeout_of_its_edge,
    a_call_ends_by_the_deadline_of_its_errand,
    a_stream_ends_by_the_deadline_too,
    an_errand_without_time_is_not_sent,
    a_panic_is_an_answer_and_the_next_call_works,
    a_call_that_is_given_up_is_given_up_at_the_other_end,
    a_stream_that_is_given_up_is_given_up_at_the_other_end,
);

fn timeout(span: Duration) -> Policy {
    Policy { timeout: span, ..Policy::default() }
}

async fn a_call_ends_by_the_timeout_of_its_edge(house: House) {
    let begun = Instant::now();
    let fault = say(&house.channel(timeout(Duration::from_millis(600))).idempotent(), "hang").await.unwrap_err();
    assert_eq!((fault.kind, fault.code.as_str()), (Kind::Timeout, "deadline_exceeded"));
    let took = begun.elapsed();
    assert!((600..650).contains(&took.as_millis()), "{took:?}");
    house.notes.dropped.notified().await;
    assert_eq!(house.notes.calls(), 1, "what may have happened is not asked again in no time");
}

async fn a_call_ends_by_the_deadline_of_its_errand(house: House) {
    let call = house.call().within(&house.world, Duration::from_millis(80));
    let begun = Instant::now();
    let channel = house.channel(timeout(Duration::from_secs(9))).on_behalf(&call);
    assert_eq!(say(&channel, "hang").await.unwrap_err().kind, Kind::Timeout);
    let took = begun.elapsed();
    assert!((80..130).contains(&took.as_millis()), "{took:?}");
}

async fn a_stream_ends_by_the_deadline_too(house: House) {
    let begun = Instant::now();
    let (got, ended) = count(&house.channel(timeout(Duration::from_millis(300))), 3, "hang").await;
    assert_eq!((got, ended.unwrap_err().code.as_str()), (vec![1, 2, 3], "deadline_exceeded"));
    assert!((300..350).contains(&begun.elapsed().as_millis()));
    house.notes.dropped.notified().await;
}

async fn an_errand_without_time_is_not_sent(house: House) {
    let call = house.call().within(&house.world, Duration::ZERO);
    let fault = say(&house.channel(Policy::default()).on_behalf(&call), "a").await.unwrap_err();
    assert_eq!((fault.kind, house.notes.calls()), (Kind::Timeout, 0));
}

async fn a_panic_is_an_answer_and_the_next_call_works(house: House) {
    let channel = house.channel(Policy::default());
    let fault = say(&channel, "panic").await.unwrap_err();
    assert_eq!((fault.kind, fault.code.as_str()), (Kind::Internal, "handler_panicked"));
    assert!(!format!("{fault:?}").contains("dough"), "{fault:?}");
    assert_eq!(say(&channel, "a").await.unwrap(), "a");
}

async fn a_call_that_is_given_up_is_given_up_at_the_other_end(house: House) {
    let channel = house.channel(timeout(Duration::from_secs(3_600)));
    let calling = tokio::spawn(async move { say(&channel, "hang").await });
    house.notes.hangs.notified().await;
    let begun = Instant::now();
    calling.abort();
    house.notes.dropped.notified().await;
    assert!(begun.elapsed() < Duration::from_secs(1), "not only when the time was over");
}

async fn a_stream_that_is_given_up_is_given_up_at_the_other_end(house: House) {
    let channel = house.channel(timeout(Duration::from_secs(3_600)));
    let counting = tokio::spawn(async move { count(&channel, 1, "hang").await });
    while house.notes.calls() == 0 {
        tokio::task::yield_now().await;
    }
    let begun = Instant::now();
    counting.abort();
    house.notes.dropped.notified().await;
    assert!(begun.elapsed() < Duration::from_secs(1), "not only when the time was over");
}

#[tokio::test(start_paused = true)]
async fn a_process_that_ends_lets_its_calls_end_and_one_that_returns_is_found_again() {
    let mut house = House::remote().await;
    let channel = house.channel(timeout(Duration::from_secs(3)));
    let calling = tokio::spawn({
        let channel = channel.clone();
        async move { say(&channel, "hang").await }
    });
    house.notes.hangs.notified().await;
    house.stop = None;
    tokio::task::yield_now().await;
    house.notes.release.notify_one();
    assert_eq!(calling.await.unwrap().unwrap(), "hang");

    let fault = say(&channel, "a").await.unwrap_err();
    assert_eq!((fault.kind, fault.code.as_str()), (Kind::Unavailable, "service_unreachable"));
    let _listening = listening(&house.callee, &house.address.unwrap().to_string()).await;
    assert_eq!(say(&channel, "a").await.unwrap(), "a");
}

/// Gives a line that nobody answers on at first, then real ones.
struct DeadAtFirst(std::sync::Mutex<Vec<tokio::io::DuplexStream>>);

impl wire::Dial for DeadAtFirst {
    fn dial(&self, service: &str, peer: http::Uri) -> base::BoxFuture<'static, std::io::Result<Box<dyn wire::Stream>>> {
        let mut dead = self.0.lock().unwrap();
        if dead.is_empty() {
            let (near, far) = tokio::io::duplex(1 << 16);
            dead.push(far);
            return Box::pin(async move { Ok(Box::new(near) as Box<dyn wire::Stream>) });
        }
        wire::PlainTcp.dial(service, peer)
    }
}

#[tokio::test(start_paused = true)]
async fn a_dead_connection_is_let_go_when_its_breaker_opens() {
    let house = House::remote().await;
    let dial = DeadAtFirst(std::sync::Mutex::default());
    let caller = wire::Exchange::dialing(house.world.clone(), crate::house::key(), dial);
    caller.connect_remote("echo", format!("http://{}", house.address.unwrap()).parse().unwrap());
    let breaker = wire::BreakerPolicy { calls_min: 2, ..wire::BreakerPolicy::default() };
    let pause = breaker.open_for;
    let channel = caller.channel("tests", "echo", Policy { breaker, ..timeout(Duration::from_secs(1)) });
    for code in ["deadline_exceeded", "deadline_exceeded", "breaker_open"] {
        assert_eq!(say(&channel, "a").await.unwrap_err().code, code);
    }
    tokio::time::advance(pause).await;
    assert_eq!(say(&channel, "a").await.unwrap(), "a");
}
