//! Other processes are heard as far as the topology says.

use base::{Fault, Kind, Principal};
use host::testing::Platform;
use operator_api::GetHealthRequest;
use operator_api::operator_client::OperatorClient;
use wire::{Call, Exchange, Policy};

use crate::counting::{Hearing, Moods, service};

#[tokio::test]
#[allow(clippy::disallowed_methods)] // Two processes are played by one test.
async fn a_service_of_another_process_is_heard_only_if_it_declares_that_it_needs_this_one() {
    let platform = Platform::start([service(&Moods::default(), Hearing::Each)]).await;
    let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap();
    let here = platform.inner().exchange().clone();
    tokio::spawn(async move { here.listen(listener, std::future::pending()).await });

    let there = Exchange::new(platform.inner().world().clone(), platform.inner().key().clone());
    for name in ["inventory", "inventory.operator"] {
        there.connect_remote(name, format!("http://{address}").parse().unwrap());
    }
    let ask = async |from: &'static str, to: &'static str| -> Result<String, Fault> {
        let call = Call::new(Principal::platform("gateway"), "test");
        let channel = there.channel(from, to, Policy::default()).on_behalf(&call);
        let health = OperatorClient::new(channel).get_health(GetHealthRequest {}).await;
        health.map(|health| health.into_inner().service).map_err(wire::fault_of)
    };
    assert_eq!(ask("gateway", "inventory.operator").await.unwrap(), "inventory");
    for to in ["inventory", "inventory.operator"] {
        let fault = ask("orders", to).await.unwrap_err();
        assert_eq!((fault.kind, fault.code.as_str()), (Kind::Denied, "caller_not_allowed"));
    }
    // The service was reached: it is its desk that has this call.
    assert_eq!(ask("gateway", "inventory").await.unwrap_err().code, "rpc_unknown");
}
