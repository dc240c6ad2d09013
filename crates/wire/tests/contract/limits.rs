//! Everything has a limit, and says so.

use std::time::Duration;

use base::Kind;
use wire::Policy;

use crate::house::{House, say};

crate::on_all_arms!(
    a_message_that_is_too_large_is_refused_and_the_next_one_is_not,
    an_edge_carries_no_more_calls_than_it_may,
    a_service_takes_no_more_calls_than_it_may,
    a_paused_service_says_so_and_goes_on_when_told,
);

async fn a_message_that_is_too_large_is_refused_and_the_next_one_is_not(house: House) {
    // Four megabytes there and back may take a busy machine long.
    let channel = house.channel(Policy { timeout: Duration::from_secs(60), ..Policy::default() });
    let fault = say(&channel, &"x".repeat(4 * 1024 * 1024 + 1)).await.unwrap_err();
    assert_eq!((fault.kind, fault.code.as_str()), (Kind::Invalid, "message_too_large"));
    assert_eq!(house.notes.calls(), 0);
    let fault = say(&channel, "big").await.unwrap_err();
    assert_eq!(fault.code, "message_too_large", "an answer has the same limit");
    let largest = "x".repeat(4 * 1024 * 1024 - 100);
    assert_eq!(say(&channel, &largest).await.unwrap().len(), largest.len());
}

async fn an_edge_carries_no_more_calls_than_it_may(house: House) {
    let channel = house.channel(Policy { in_flight: 2, ..Policy::default() });
    let hanging = [0, 1].map(|_| {
        let channel = channel.clone();
        tokio::spawn(async move { say(&channel, "hang").await })
    });
    while house.notes.calls() < 2 {
        tokio::task::yield_now().await;
    }
    let fault = say(&channel.idempotent(), "a").await.unwrap_err();
    assert_eq!((fault.kind, fault.code.as_str()), (Kind::Limited, "too_many_in_flight"));
    assert_eq!(house.notes.calls(), 2);
    house.notes.release.notify_waiters();
    for call in hanging {
        call.await.unwrap().unwrap();
    }
    assert_eq!(say(&channel, "a").await.unwrap(), "a");
}

async fn a_service_takes_no_more_calls_than_it_may(house: House) {
    house.callee.limit("echo", 1);
    let channel = house.channel(Policy::default());
    let hanging = tokio::spawn({
        let channel = channel.clone();
        async move { say(&channel, "hang").await }
    });
    house.notes.hangs.notified().await;
    let fault = say(&channel, "a").await.unwrap_err();
    assert_eq!((fault.kind, fault.code.as_str()), (Kind::Limited, "too_many_in_flight"));
    hanging.abort();
    house.notes.dropped.notified().await;
    while say(&channel, "a").await.is_err() {
        tokio::task::yield_now().await;
    }
}

async fn a_paused_service_says_so_and_goes_on_when_told(house: House) {
    let channel = house.channel(Policy::default()).idempotent();
    house.callee.pause("echo", true);
    let fault = say(&channel, "a").await.unwrap_err();
    assert_eq!((fault.kind, fault.code.as_str()), (Kind::Unavailable, "service_paused"));
    assert!(house.callee.is_paused("echo"));
    assert_eq!(house.caller.breakers()[0].calls, 1, "it was not asked again");
    house.callee.pause("echo", false);
    assert_eq!(say(&channel, "a").await.unwrap(), "a");
    assert_eq!(house.notes.calls(), 1);
}
