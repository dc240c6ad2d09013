//! What is sent again, and what is not.

use std::time::Duration;

use base::{Fault, Kind};
use tokio::time::Instant;
use wire::{Faults, Policy};

use crate::house::{House, say};

crate::on_all_arms!(
    s2_r04_a_transient_fault_is_repeated_with_growing_waits,
    s2_r04_a_call_that_may_have_been_carried_out_is_not_repeated_unasked,
    s2_r04_a_call_that_nobody_saw_is_repeated,
    s2_r04_repeats_stop_when_their_budget_is_spent,
    s2_r04_a_no_is_not_repeated,
    a_lost_answer_leaves_the_effect,
    injected_latency_counts_towards_the_deadline,
    faults_can_be_put_on_by_share,
);

fn cold() -> Fault {
    Fault::unavailable("oven_cold", "The oven is cold.")
}

async fn s2_r04_a_transient_fault_is_repeated_with_growing_waits(house: House) {
    house.notes.fail_next(3, &cold());
    let begun = Instant::now();
    let channel = house.channel(Policy { retries: 3, ..Policy::default() }).idempotent();
    assert_eq!(say(&channel, "a").await.unwrap(), "a");
    assert_eq!(house.notes.calls(), 4);
    let waited = begun.elapsed();
    assert!((35..=90).contains(&waited.as_millis()), "10, 20 and 40 ms, each by half to whole: {waited:?}");
}

async fn s2_r04_a_call_that_may_have_been_carried_out_is_not_repeated_unasked(house: House) {
    house.notes.fail_next(1, &cold());
    assert_eq!(say(&house.channel(Policy::default()), "a").await.unwrap_err().code, "oven_cold");
    assert_eq!(house.notes.calls(), 1);
}

async fn s2_r04_a_call_that_nobody_saw_is_repeated(house: House) {
    let channel = house.channel(Policy { retries: 8, ..Policy::default() });
    house.caller.inject("tests", "echo", Some(Faults { failure_rate: 0.5, ..Faults::default() }));
    for _ in 0..10 {
        assert_eq!(say(&channel, "a").await.unwrap(), "a");
    }
    assert_eq!(house.notes.calls(), 10);
    assert!(house.caller.breakers()[0].failures > 0, "some did fail");
}

async fn s2_r04_repeats_stop_when_their_budget_is_spent(house: House) {
    let patient = wire::BreakerPolicy { calls_min: u32::MAX, ..wire::BreakerPolicy::default() };
    let channel = house.channel(Policy { retries: 5, breaker: patient, ..Policy::default() }).idempotent();
    house.notes.fail_next(1_000, &cold());
    for _ in 0..100 {
        say(&channel, "a").await.unwrap_err();
    }
    let repeats = house.notes.calls() - 100;
    assert!((15..=20).contains(&repeats), "ten saved up and one in ten earned, not 500: {repeats}");
}

async fn s2_r04_a_no_is_not_repeated(house: House) {
    let channel = house.channel(Policy::default()).idempotent();
    for kind in [Kind::Invalid, Kind::Refused, Kind::NotFound, Kind::Conflict, Kind::Denied, Kind::Internal] {
        let before = house.notes.calls();
        house.notes.fail_next(1, &Fault::new(kind, "no", "No."));
        assert_eq!(say(&channel, "a").await.unwrap_err().kind, kind);
        assert_eq!(house.notes.calls(), before + 1);
    }
}

async fn a_lost_answer_leaves_the_effect(house: House) {
    let channel = house.channel(Policy { retries: 1, ..Policy::default() });
    house.caller.inject("tests", "echo", Some(Faults { lost_answer_rate: 1.0, ..Faults::default() }));
    let fault = say(&channel, "a").await.unwrap_err();
    assert_eq!((fault.kind, fault.code.as_str()), (Kind::Unavailable, "answer_lost"));
    assert_eq!(house.notes.calls(), 1, "carried out, and not repeated unasked");
    say(&channel.idempotent(), "a").await.unwrap_err();
    assert_eq!(house.notes.calls(), 3, "carried out twice when that is allowed");
    house.caller.inject("tests", "echo", None);
    assert_eq!(say(&channel, "a").await.unwrap(), "a");
}

async fn injected_latency_counts_towards_the_deadline(house: House) {
    let channel = house.channel(Policy { timeout: Duration::from_millis(500), ..Policy::default() });
    house.caller.inject("tests", "echo", Some(Faults { latency: Duration::from_millis(200), ..Faults::default() }));
    let begun = Instant::now();
    say(&channel, "a").await.unwrap();
    assert!((200..250).contains(&begun.elapsed().as_millis()));
    house.caller.inject("tests", "echo", Some(Faults { latency: Duration::from_secs(2), ..Faults::default() }));
    assert_eq!(say(&channel, "a").await.unwrap_err().kind, Kind::Timeout);
    assert_eq!(house.notes.calls(), 1);
}

async fn faults_can_be_put_on_by_share(house: House) {
    let patient = wire::BreakerPolicy { calls_min: u32::MAX, ..wire::BreakerPolicy::default() };
    let channel = house.channel(Policy { retries: 0, breaker: patient, ..Policy::default() });
    house.caller.inject("tests", "echo", Some(Faults { failure_rate: 0.2, ..Faults::default() }));
    let mut failed = 0;
    for _ in 0..500 {
        failed += u32::from(say(&channel, "a").await.is_err());
    }
    assert!((60..=140).contains(&failed), "about a fifth: {failed}");
    assert_eq!(house.notes.calls(), 500 - failed);
}

#[tokio::test(start_paused = true)]
async fn services_start_in_any_order() {
    let house = House::empty();
    let channel = house.channel(Policy { retries: 0, ..Policy::default() });
    let fault = say(&channel, "a").await.unwrap_err();
    assert_eq!((fault.kind, fault.code.as_str()), (Kind::Unavailable, "service_unreachable"));
    let waiting = tokio::spawn(async move {
        let patient = house.caller.channel("late", "echo", Policy { retries: 5, ..Policy::default() });
        let answer = tokio::spawn(async move { say(&patient, "a").await });
        tokio::time::sleep(Duration::from_millis(25)).await;
        house.start_echo();
        answer.await.unwrap()
    });
    assert_eq!(waiting.await.unwrap().unwrap(), "a");
}
