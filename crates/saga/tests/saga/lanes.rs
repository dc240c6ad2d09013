//! What a lane tells of itself.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::sync::atomic::{AtomicI64, AtomicU64, Ordering};
use std::time::Duration;

use base::{NewEvent, Timestamp};
use metrics::{Counter, Gauge, Histogram, Key, KeyName, Metadata, Recorder, SharedString, Unit};
use saga::React;
use sql::{Change, Once, Store};

use crate::stage::Stage;

/// Keeps the lag, and nothing else.
#[derive(Default)]
struct Lag(Arc<AtomicU64>);

impl Lag {
    fn events(&self) -> f64 {
        f64::from_bits(self.0.load(Ordering::SeqCst))
    }
}

impl Recorder for Lag {
    fn describe_counter(&self, _: KeyName, _: Option<Unit>, _: SharedString) {}
    fn describe_gauge(&self, _: KeyName, _: Option<Unit>, _: SharedString) {}
    fn describe_histogram(&self, _: KeyName, _: Option<Unit>, _: SharedString) {}

    fn register_counter(&self, _: &Key, _: &Metadata<'_>) -> Counter {
        Counter::noop()
    }

    fn register_gauge(&self, key: &Key, _: &Metadata<'_>) -> Gauge {
        if key.name() == "comanda_reaction_lag_events" { Gauge::from_arc(self.0.clone()) } else { Gauge::noop() }
    }

    fn register_histogram(&self, _: &Key, _: &Metadata<'_>) -> Histogram {
        Histogram::noop()
    }
}

async fn say(orders: &Store, kind: &'static str, count: i64) {
    let event =
        |key| NewEvent { topic: "order-events", kind, key, at: Timestamp(1), correlation: String::new(), data: "{}".to_owned() };
    let change = (0..count).map(event).fold(Change::new(), Change::say);
    orders.commit(Once::Nothing, change).await.unwrap();
}

#[tokio::test]
async fn only_what_a_service_hears_is_its_lag_and_a_paused_one_tells_it_too() {
    let stage = Stage::new().await;
    let orders = Store::open(stage.engine.clone(), "orders", &[], stage.world.clone()).await.unwrap();
    let lag = Lag::default();
    let heard = Arc::new(AtomicI64::new(0));
    let counted = heard.clone();
    let react = React::One(Arc::new(move |_| {
        counted.fetch_add(1, Ordering::SeqCst);
        Box::pin(async { Ok(Change::new()) })
    }));
    let running = {
        let _recording = metrics::set_default_local_recorder(&lag);
        stage.start(BTreeMap::from([("order.created", react)]), []).await
    };
    say(&orders, "order.created.v1", 1).await;
    stage.until("the first is heard", || async { heard.load(Ordering::SeqCst) == 1 }).await;
    running.gate.set_open(false);
    say(&orders, "order.cancelled.v1", 500).await;
    say(&orders, "order.created.v1", 3).await;
    say(&orders, "order.cancelled.v1", 500).await;
    stage
        .until("the lag is told", || async {
            stage.clock.pass(Duration::from_millis(100));
            lag.events() == 3.0
        })
        .await;
    running.gate.set_open(true);
    stage
        .until("all are heard", || async {
            // After so much was said, the next round is kept a little apart.
            stage.clock.pass(Duration::from_millis(1));
            heard.load(Ordering::SeqCst) == 4 && lag.events() == 0.0
        })
        .await;
    running.gate.set_open(false);
    lag.0.store(f64::NAN.to_bits(), Ordering::SeqCst);
    say(&orders, "order.cancelled.v1", 500).await;
    stage
        .until("the lag is told again", || async {
            stage.clock.pass(Duration::from_millis(100));
            !lag.events().is_nan()
        })
        .await;
    assert!(lag.events() == 0.0, "{} wait that concern nobody here", lag.events());
    let ((cursor, _), newest) = (stage.store.cursor("orders").await.unwrap(), stage.log().last().await.unwrap());
    assert_eq!((cursor, newest), (1_004, 1_504), "the cursor stays where something was heard");
}

#[tokio::test]
async fn a_lane_that_has_done_all_reads_nothing_until_something_is_said() {
    let stage = Stage::new().await;
    let orders = Store::open(stage.engine.clone(), "orders", &[], stage.world.clone()).await.unwrap();
    let react = React::One(Arc::new(|_| Box::pin(async { Ok(Change::new()) })));
    stage.start(BTreeMap::from([("order.created", react)]), []).await;
    for said in 1..=3 {
        say(&orders, "order.created.v1", 1).await;
        stage.until("it is heard", || async { stage.store.cursor("orders").await.unwrap().0 == said }).await;
        for _ in 0..100 {
            tokio::task::yield_now().await;
        }
    }
    // Once as it begins, if it began before the first was said, and once for each.
    let reads = stage.log_reads.begun();
    assert!((3..=4).contains(&reads), "{reads} reads");
}

#[tokio::test]
async fn what_is_read_after_the_gate_was_closed_waits_for_it_to_open() {
    let stage = Stage::new().await;
    let orders = Store::open(stage.engine.clone(), "orders", &[], stage.world.clone()).await.unwrap();
    let heard = Arc::new(AtomicI64::new(0));
    let counted = heard.clone();
    let react = React::One(Arc::new(move |_| {
        counted.fetch_add(1, Ordering::SeqCst);
        Box::pin(async { Ok(Change::new()) })
    }));
    stage.log_reads.hold(true);
    let running = stage.start(BTreeMap::from([("order.created", react)]), []).await;
    stage.until("the lane reads", || async { stage.log_reads.begun() == 1 }).await;
    running.gate.set_open(false);
    say(&orders, "order.created.v1", 1).await;
    stage.log_reads.hold(false);
    stage.until("it has read", || async { stage.log_reads.ended() > 0 }).await;
    assert_eq!(heard.load(Ordering::SeqCst), 0, "the gate is closed");
    running.gate.set_open(true);
    stage.until("it is heard", || async { heard.load(Ordering::SeqCst) == 1 }).await;
}
