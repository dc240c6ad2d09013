//! The wall clock jumps: back an hour and forward a day, in the middle of orders.

use std::sync::Arc;
use std::sync::atomic::{AtomicI64, Ordering};
use std::time::Duration;

use audit::Inputs;
use base::id::{Id, OrderId};
use base::world::{BoxFuture, Runtime};
use base::{Timestamp, World};
use host::IdSource;
use host::testing::Scratch;
use metrics_exporter_prometheus::PrometheusBuilder;
use serde_json::{Value, json};

use crate::client::Client;
use crate::{replay, up};

const HOUR: i64 = 3_600;
/// How many orders come around each jump.
const SOME: usize = 10;
/// How long something may take that must come.
const PATIENCE: Duration = Duration::from_secs(30);

/// The real world with a wall clock that can be set, from which the ids are made too.
struct Shifted {
    real: World,
    ids: Arc<IdSource>,
    seconds: Arc<AtomicI64>,
}

impl Runtime for Shifted {
    fn now(&self) -> Timestamp {
        Timestamp(self.real.now().micros() + self.seconds.load(Ordering::SeqCst) * 1_000_000)
    }
    fn monotonic(&self) -> Duration {
        self.real.monotonic()
    }
    fn sleep(&self, span: Duration) -> BoxFuture<'static, ()> {
        self.real.sleep(span)
    }
    fn spawn(&self, name: &'static str, task: BoxFuture<'static, ()>) {
        self.real.spawn(name, task);
    }
    fn chance(&self) -> u64 {
        self.real.chance()
    }
    fn next_id(&self) -> i64 {
        self.ids.next(self.now().millis())
    }
}

/// A platform whose clock can be set, and what was ordered of it.
struct Shop {
    folder: Scratch,
    running: up::Running,
    client: Client,
    seconds: Arc<AtomicI64>,
    orders: Vec<String>,
}

impl Shop {
    async fn open() -> Shop {
        let (folder, seconds) = (Scratch::new(), Arc::new(AtomicI64::new(0)));
        // Dishes take as long as they take: nothing is ready before the clock says so.
        let set = ["delivery_time_scale=1000000", "kitchen_places=100", "rate_limit_per_second=100000"];
        let loopback = std::net::SocketAddr::from(([127, 0, 0, 1], 0));
        let options = up::Options {
            data: folder.path().join("data"),
            listen: loopback,
            provider_listen: loopback,
            set: set.iter().map(|setting| (*setting).to_owned()).collect(),
            bare: false,
            web: None,
        };
        let shift = seconds.clone();
        let dress = |real, ids| World::new(Shifted { real, ids, seconds: shift });
        let running = up::start_in(&options, PrometheusBuilder::new().build_recorder().handle(), dress).await.unwrap();
        let client = Client::new(&format!("http://{}", running.address), running.staff_token());
        Shop { folder, running, client, seconds, orders: Vec::new() }
    }

    fn jump(&self, seconds: i64) {
        self.seconds.fetch_add(seconds, Ordering::SeqCst);
    }

    async fn order(&mut self, payment: Value) -> String {
        let body =
            json!({ "lines": [{ "item": "hawaiian", "size": "M", "quantity": 1 }], "fulfilment": "pickup", "payment": payment });
        let key = format!("order-{}", self.orders.len());
        let world = self.running.platform.world();
        // What is under way while the clock jumps may be sealed for too old a time; it is asked again, under its key.
        for _ in 0..20 {
            match self.client.post("/v1/orders", &key, &body).await.unwrap().good() {
                Ok(order) => {
                    let id = order["order_id"].as_str().unwrap().to_owned();
                    self.orders.push(id.clone());
                    return id;
                }
                Err(fault) if fault.kind.is_retryable() => {
                    world.sleep(Duration::from_millis(50)).await;
                }
                Err(fault) => panic!("{fault}"),
            }
        }
        panic!("{key} is refused again and again");
    }

    async fn some(&mut self) {
        for _ in 0..SOME {
            self.order(json!({ "method": "cash" })).await;
        }
    }

    async fn reaches(&self, id: &str, state: &str) -> Value {
        let world = self.running.platform.world();
        let until = world.monotonic() + PATIENCE;
        loop {
            let order = self.client.get(&format!("/v1/orders/{id}")).await.unwrap().body;
            if order["state"] == state {
                return order;
            }
            assert!(world.monotonic() < until, "waited in vain for {state}: {order}");
            world.sleep(Duration::from_millis(10)).await;
        }
    }
}

#[tokio::test]
async fn orders_go_on_when_the_clock_jumps_back_an_hour_and_forward_a_day() {
    let mut shop = Shop::open().await;
    let provider = shop.running.provider.unwrap();
    let cooking = shop.order(json!({ "method": "cash" })).await;
    shop.reaches(&cooking, "cooking").await;
    shop.some().await;
    shop.jump(-HOUR);
    // Whoever comes now is served as ever; what is in the oven is not ready before its time.
    let later = shop.order(json!({ "method": "cash" })).await;
    shop.reaches(&later, "cooking").await;
    shop.some().await;
    assert_eq!(shop.reaches(&cooking, "cooking").await["state"], "cooking");
    // One waits for its money when the clock leaps over its deadline.
    replay::behave(provider, r#"{"latency_ms":3000}"#).await.unwrap();
    let unpaid = shop.order(json!({ "method": "card", "card_token": "tok_visa" })).await;
    shop.reaches(&unpaid, "reserved").await;
    shop.jump(24 * HOUR);
    replay::behave(provider, r#"{"latency_ms":0}"#).await.unwrap();
    shop.some().await;
    shop.reaches(&cooking, "delivered").await;
    shop.reaches(&later, "delivered").await;
    let ended = shop.reaches(&unpaid, "cancelled").await;
    assert!(!ended["reason"].as_str().unwrap().is_empty(), "{ended}");
    // What came after the leap has its own time to wait.
    for id in shop.orders.iter().rev().take(SOME) {
        shop.reaches(id, "cooking").await;
    }
    shop.jump(2 * HOUR);
    for id in shop.orders.clone().iter().filter(|id| **id != unpaid) {
        shop.reaches(id, "delivered").await;
    }
    // No number came back, and none went down, although the clock did.
    let Shop { folder, running, orders, .. } = shop;
    let key = running.platform.key().clone();
    let numbers: Vec<i64> = orders.iter().map(|id| OrderId::read(id, &key).unwrap().number()).collect();
    assert!(numbers.is_sorted_by(|before, after| before < after), "{numbers:?}");
    let now = running.platform.world().now();
    let data = folder.path().join("data");
    let (database, books) = (data.join("comanda.db"), data.join("provider/provider.db"));
    let mut inputs = Inputs::new(&database, &key, now);
    inputs.provider_books = Some(&books);
    inputs.at_rest = true;
    inputs.order_deadline = Duration::from_secs(36 * 3_600);
    let world = running.platform.world().clone();
    let mut report = audit::run(&inputs).unwrap();
    for _ in 0..50 {
        if report.is_clean() {
            break;
        }
        // The end of an order is known a moment before everybody has heard of it.
        world.sleep(Duration::from_millis(100)).await;
        report = audit::run(&inputs).unwrap();
    }
    assert!(report.is_clean(), "{}", report.text(&key));
    running.stop().await.unwrap();
}
