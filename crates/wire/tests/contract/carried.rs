//! What travels with a call.

use base::id::DeviceId;
use base::{Fault, Kind, Principal};
use tonic::Request;
use wire::{Call, Policy};

use crate::echo_generated::Words;
use crate::echo_generated::echo_client::EchoClient;
use crate::house::{House, say};

crate::on_all_arms!(
    who_asks_on_which_errand_and_for_how_long_arrives,
    a_service_that_asks_for_itself_is_the_platform,
    what_a_caller_writes_into_the_headers_itself_does_not_count,
    a_fault_arrives_as_it_was_said,
    an_unknown_rpc_is_a_defect_and_not_a_mystery,
);

async fn who_asks_on_which_errand_and_for_how_long_arrives(house: House) {
    let principal = Principal::Guest { device: DeviceId(17) };
    let parent = "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01";
    let call = Call::new(principal.clone(), "c-42").traced(Some(parent.to_owned()));
    assert_eq!(say(&house.channel(Policy::default()).on_behalf(&call), "Привет 🍕").await.unwrap(), "Привет 🍕");

    let seen = house.notes.last();
    assert_eq!((seen.principal, seen.correlation.as_str(), seen.from.as_deref()), (principal, "c-42", Some("tests")));
    let child = seen.traceparent.unwrap();
    assert_eq!((&child[..36], &child[52..]), (&parent[..36], &parent[52..]));
    assert_ne!(&child[36..52], &parent[36..52], "the hop is the new parent");
    let left = seen.due.unwrap().saturating_sub(house.world.monotonic());
    assert!(left <= Policy::default().timeout && left > Policy::default().timeout / 2, "{left:?}");
}

async fn a_service_that_asks_for_itself_is_the_platform(house: House) {
    let channel = house.channel(Policy::default());
    say(&channel, "a").await.unwrap();
    let first = house.notes.last();
    assert_eq!(first.principal, Principal::platform("tests"));
    say(&channel, "b").await.unwrap();
    assert_ne!(house.notes.last().correlation, first.correlation);
}

async fn what_a_caller_writes_into_the_headers_itself_does_not_count(house: House) {
    let mut request = Request::new(Words { text: "a".to_owned() });
    let sealed = base::PlatformKey::new(&[9; 32]).seal("principal", "platform:orders|tests|99999999999999999");
    request.metadata_mut().insert("x-comanda-principal", sealed.parse().unwrap());
    request.metadata_mut().insert("x-correlation-id", "mine".parse().unwrap());
    EchoClient::new(house.channel(Policy::default()).on_behalf(&house.call())).say(request).await.unwrap();
    assert_eq!((house.notes.last().principal, house.notes.last().correlation), (Principal::Nobody, "c-1".to_owned()));
}

async fn a_fault_arrives_as_it_was_said(house: House) {
    let said = Fault::refused("too_late", "Уже в печи.").with("since", 17).because("row 4");
    house.notes.fail_next(1, &said);
    let fault = say(&house.channel(Policy::default()), "a").await.unwrap_err();
    assert_eq!((fault.kind, fault.code.as_str(), fault.message.as_str()), (Kind::Refused, "too_late", "Уже в печи."));
    assert_eq!((fault.details, fault.cause), (said.details, None));
}

async fn an_unknown_rpc_is_a_defect_and_not_a_mystery(house: House) {
    let mut grpc = tonic::client::Grpc::new(house.channel(Policy::default()));
    for path in ["/echo.Echo/Sing", "/opera.Opera/Sing"] {
        grpc.ready().await.unwrap();
        let codec = tonic_prost::ProstCodec::<Words, Words>::default();
        let asked = grpc.unary(Request::new(Words::default()), http::uri::PathAndQuery::from_static(path), codec).await;
        assert_eq!(wire::fault_of(asked.unwrap_err()).code, "rpc_unknown", "{path}");
    }
}
