//! Who asks cannot be forged, left out or kept for later.

use std::time::Duration;

use bytes::Bytes;
use http_body_util::Full;
use hyper_util::rt::{TokioExecutor, TokioIo};
use wire::{Exchange, Policy};

use crate::house::{House, Paused, say};

#[tokio::test(start_paused = true)]
async fn a_principal_sealed_by_another_platform_is_refused() {
    let house = House::remote().await;
    let stranger = Exchange::new(house.world.clone(), base::PlatformKey::new(&[8; 32]));
    stranger.connect_remote("echo", format!("http://{}", house.address.unwrap()).parse().unwrap());
    let fault = say(&stranger.channel("tests", "echo", Policy::default()), "a").await.unwrap_err();
    assert_eq!((fault.kind, fault.code.as_str()), (base::Kind::Unauthenticated, "principal_forged"));
    assert_eq!(house.notes.calls(), 0);
}

#[tokio::test(start_paused = true)]
async fn a_principal_from_long_ago_is_refused() {
    let house = House::remote().await;
    let past = Exchange::new(base::World::new(Paused::new()), crate::house::key());
    past.connect_remote("echo", format!("http://{}", house.address.unwrap()).parse().unwrap());
    let channel = past.channel("tests", "echo", Policy::default());
    house.clock.jump(Duration::from_secs(50));
    assert!(say(&channel, "clocks may differ a little").await.is_ok());
    house.clock.jump(Duration::from_secs(20));
    let refused = say(&channel, "a").await.unwrap_err();
    assert_eq!(refused.code, "principal_expired");
    assert!(refused.is_retryable(), "the guest is known; it is our clocks that differ");
    assert_eq!(house.notes.calls(), 1);
}

#[tokio::test(start_paused = true)]
async fn a_call_without_a_principal_is_refused() {
    let house = House::remote().await;
    for (header, code) in [(None, "principal_missing"), (Some("platform:orders"), "principal_forged")] {
        let stream = tokio::net::TcpStream::connect(house.address.unwrap()).await.unwrap();
        let http2 = hyper::client::conn::http2::Builder::new(TokioExecutor::new());
        let (mut sender, driver) = http2.handshake(TokioIo::new(stream)).await.unwrap();
        tokio::spawn(driver);
        let mut request = http::Request::post(format!("http://{}/echo.Echo/Say", house.address.unwrap()))
            .header("content-type", "application/grpc")
            .header("x-comanda-to", "echo");
        if let Some(header) = header {
            request = request.header("x-comanda-principal", header);
        }
        let request = request.body(Full::new(Bytes::from_static(&[0; 5]))).unwrap();
        let response = sender.send_request(request).await.unwrap();
        let status = tonic::Status::from_header_map(response.headers()).unwrap();
        assert_eq!(wire::fault_of(status).code, code);
    }
    assert_eq!(house.notes.calls(), 0);
}
