//! The circuit breaker: a service that fails is left alone, and its callers answer at once.

use std::time::Duration;

use base::{Fault, Kind};
use tokio::time::{Instant, advance};
use wire::{BreakerPolicy, BreakerState, BreakerView, Channel, Policy};

use crate::house::{House, say};

crate::on_all_arms!(
    s1_g07_s2_r03_a_failing_service_is_left_alone_and_found_well_again,
    s2_r03_a_service_that_hangs_does_not_hold_up_its_callers,
    s2_r03_a_failed_probe_opens_it_again,
    s2_r03_a_probe_that_is_given_up_makes_room_for_another,
    s2_r03_it_can_be_read_and_reset,
    s2_r03_a_no_is_not_a_failure,
    s2_r03_old_failures_are_forgotten,
    s2_r03_a_late_answer_says_nothing_about_now,
);

fn policy() -> Policy {
    let breaker =
        BreakerPolicy { window: Duration::from_secs(10), failures_ratio: 0.5, calls_min: 4, open_for: Duration::from_secs(5) };
    Policy { timeout: Duration::from_secs(1), retries: 0, breaker, ..Policy::default() }
}

fn view(house: &House) -> BreakerView {
    house.caller.breakers().remove(0)
}

fn cold() -> Fault {
    Fault::unavailable("oven_cold", "The oven is cold.")
}

async fn fail(house: &House, channel: &Channel, times: usize) {
    house.notes.fail_next(times, &cold());
    for _ in 0..times {
        assert_eq!(say(channel, "a").await.unwrap_err().code, "oven_cold");
    }
}

async fn s1_g07_s2_r03_a_failing_service_is_left_alone_and_found_well_again(house: House) {
    let channel = house.channel(policy());
    fail(&house, &channel, 3).await;
    assert_eq!((view(&house).state, view(&house).failures), (BreakerState::Closed, 3));
    fail(&house, &channel, 1).await;
    assert_eq!((view(&house).state, view(&house).opens), (BreakerState::Open, 1));

    let fault = say(&channel.clone().idempotent(), "a").await.unwrap_err();
    assert_eq!((fault.kind, fault.code.as_str()), (Kind::Unavailable, "breaker_open"));
    assert!(fault.details["retry_after_ms"].as_u64().unwrap() > 4_000);
    assert_eq!(house.notes.calls(), 4, "it was left alone");

    advance(Duration::from_secs(5)).await;
    assert_eq!(say(&channel, "a").await.unwrap(), "a");
    let view = view(&house);
    assert_eq!((view.state, view.calls, view.failures), (BreakerState::Closed, 0, 0));
}

async fn s2_r03_a_service_that_hangs_does_not_hold_up_its_callers(house: House) {
    let channel = house.channel(policy());
    for _ in 0..4 {
        assert_eq!(say(&channel, "hang").await.unwrap_err().kind, Kind::Timeout);
    }
    let begun = Instant::now();
    for _ in 0..100 {
        assert_eq!(say(&channel, "hang").await.unwrap_err().code, "breaker_open");
    }
    assert!(begun.elapsed() < Duration::from_millis(100), "{:?}", begun.elapsed());
    assert_eq!(house.notes.calls(), 4);
}

async fn s2_r03_a_failed_probe_opens_it_again(house: House) {
    let channel = house.channel(policy());
    fail(&house, &channel, 4).await;
    advance(Duration::from_secs(5)).await;
    fail(&house, &channel, 1).await;
    assert_eq!((view(&house).state, view(&house).opens), (BreakerState::Open, 2));
    assert_eq!(say(&channel, "a").await.unwrap_err().code, "breaker_open");
}

async fn s2_r03_a_probe_that_is_given_up_makes_room_for_another(house: House) {
    let channel = house.channel(policy());
    fail(&house, &channel, 4).await;
    advance(Duration::from_secs(5)).await;
    let probe = tokio::spawn({
        let channel = channel.clone();
        async move { say(&channel, "hang").await }
    });
    house.notes.hangs.notified().await;
    assert_eq!(view(&house).state, BreakerState::HalfOpen);
    assert_eq!(say(&channel, "a").await.unwrap_err().code, "breaker_open", "one probe at a time");
    probe.abort();
    assert!(probe.await.unwrap_err().is_cancelled());
    assert_eq!(say(&channel, "a").await.unwrap(), "a");
    assert_eq!(view(&house).state, BreakerState::Closed);
}

async fn s2_r03_it_can_be_read_and_reset(house: House) {
    let channel = house.channel(policy());
    fail(&house, &channel, 4).await;
    let open = view(&house);
    assert_eq!((open.from.as_str(), open.to.as_str(), open.state), ("tests", "echo", BreakerState::Open));
    assert!(!house.caller.reset_breaker("tests", "nobody"));
    assert!(house.caller.reset_breaker("tests", "echo"));
    assert_eq!((view(&house).state, view(&house).calls, view(&house).opens), (BreakerState::Closed, 0, 1));
    assert_eq!(say(&channel, "a").await.unwrap(), "a");
}

async fn s2_r03_a_no_is_not_a_failure(house: House) {
    let channel = house.channel(policy());
    for kind in [Kind::Invalid, Kind::Unauthenticated, Kind::Denied, Kind::NotFound, Kind::Conflict, Kind::Refused] {
        house.notes.fail_next(10, &Fault::new(kind, "no", "No."));
        for _ in 0..10 {
            say(&channel, "a").await.unwrap_err();
        }
    }
    assert_eq!((view(&house).state, view(&house).calls, view(&house).failures), (BreakerState::Closed, 60, 0));
}

async fn s2_r03_old_failures_are_forgotten(house: House) {
    let channel = house.channel(policy());
    fail(&house, &channel, 3).await;
    advance(Duration::from_secs(11)).await;
    fail(&house, &channel, 3).await;
    assert_eq!((view(&house).state, view(&house).calls), (BreakerState::Closed, 3));
}

async fn s2_r03_a_late_answer_says_nothing_about_now(house: House) {
    let channel = house.channel(Policy { timeout: Duration::from_secs(60), ..policy() });
    let hanging = || {
        let channel = channel.clone();
        tokio::spawn(async move { say(&channel, "hang").await })
    };
    let early = hanging();
    house.notes.hangs.notified().await;
    fail(&house, &channel, 4).await;
    advance(Duration::from_secs(5)).await;
    let probe = hanging();
    house.notes.hangs.notified().await;
    house.notes.release.notify_one();
    early.await.unwrap().unwrap();
    assert_eq!(view(&house).state, BreakerState::HalfOpen, "the success began before it opened");
    house.notes.release.notify_one();
    probe.await.unwrap().unwrap();
    assert_eq!(view(&house).state, BreakerState::Closed);
}
