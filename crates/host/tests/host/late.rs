//! A platform under test takes away the order between services, which nobody promised.

use std::sync::{Arc, Mutex};

use base::Event;
use base::event::Fact;
use host::testing::Platform;
use host::{Change, Ctx, Service};
use serde::{Deserialize, Serialize};
use sql::Migration;

use crate::counting::created;

/// What another service says after an order was created.
#[derive(Serialize, Deserialize)]
struct Answered(i64);

impl Fact for Answered {
    const TOPIC: &'static str = "payment-events";
    const KIND: &'static str = "payment.failed.v1";

    fn key(&self) -> i64 {
        self.0
    }
}

#[tokio::test]
#[allow(clippy::disallowed_methods)] // The seed is looked at as `testing` does.
async fn who_leans_on_an_order_between_services_is_found_out() {
    let heard: Arc<Mutex<Vec<(&'static str, i64)>>> = Arc::default();
    let hears = |service: Service, name: &'static str| {
        let heard = heard.clone();
        service.hears(name, move |_: Ctx, event: Arc<Event>| {
            heard.lock().unwrap().push((name, event.key));
            async { Ok(Change::new()) }
        })
    };
    let service = Service::new("inventory").sql(&[Migration { version: 1, name: "begin", text: "" }]);
    let platform = Platform::start([hears(hears(service, "order.created"), "payment.failed")]).await;
    for key in 1..=100 {
        created(&platform, key).await;
        platform.say("payments", &Answered(key)).await;
        if key % 4 == 0 {
            platform.settled().await;
        }
    }
    let heard = heard.lock().unwrap();
    let place = |name, key| heard.iter().position(|seen| *seen == (name, key)).expect("everything is heard");
    let answers_first = (1..=100).filter(|key| place("payment.failed", *key) < place("order.created", *key)).count();
    let by_seed = std::env::var("COMANDA_TEST_SEED").map_or(true, |seed| seed != "0");
    assert!(answers_first > 0 || !by_seed, "each of 100 answers was heard after what it answers");
}
