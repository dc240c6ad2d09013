//! Streams, both ways.

use tonic::codegen::tokio_stream;
use wire::Policy;

use crate::echo_generated::Number;
use crate::echo_generated::echo_client::EchoClient;
use crate::house::{House, count};

crate::on_all_arms!(
    a_streamed_answer_arrives_in_order,
    a_stream_that_fails_midway_keeps_its_status,
    a_stream_that_panics_midway_keeps_its_status,
    a_streamed_request_arrives,
    a_streamed_request_may_begin_before_it_is_known,
);

async fn a_streamed_answer_arrives_in_order(house: House) {
    let (got, ended) = count(&house.channel(Policy::default()), 1_000, "").await;
    assert!(ended.is_ok() && got.iter().copied().eq(1..=1_000));
}

async fn a_stream_that_fails_midway_keeps_its_status(house: House) {
    let (got, ended) = count(&house.channel(Policy::default()), 3, "fail").await;
    let fault = ended.unwrap_err();
    assert_eq!((got, fault.kind, fault.code.as_str()), (vec![1, 2, 3], base::Kind::Refused, "oven_cold"));
    assert_eq!(fault.details["after"], 3);
}

async fn a_stream_that_panics_midway_keeps_its_status(house: House) {
    let channel = house.channel(Policy::default());
    let (_, ended) = count(&channel, 3, "panic").await;
    assert_eq!(ended.unwrap_err().code, "handler_panicked");
    assert!(count(&channel, 3, "").await.1.is_ok());
}

async fn a_streamed_request_arrives(house: House) {
    let numbers = tokio_stream::iter((1..=100).map(|value| Number { value }));
    let sum = EchoClient::new(house.channel(Policy::default())).sum(numbers).await.unwrap();
    assert_eq!(sum.into_inner().value, 5_050);
}

async fn a_streamed_request_may_begin_before_it_is_known(house: House) {
    let notes = std::sync::Arc::clone(&house.notes);
    // The second number is known only once the service has begun: reading all of it first would wait for ever.
    let numbers = futures_util::stream::unfold(0, move |sent| {
        let notes = std::sync::Arc::clone(&notes);
        async move {
            while sent == 1 && notes.calls() == 0 {
                tokio::task::yield_now().await;
            }
            (sent < 2).then_some((Number { value: 5 }, sent + 1))
        }
    });
    let sum = EchoClient::new(house.channel(Policy::default())).sum(numbers).await.unwrap();
    assert_eq!(sum.into_inner().value, 10);
}
