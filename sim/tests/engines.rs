//! The simulated engines keep the laws that all engines keep, on a network that is late, without any other trouble.
#![allow(clippy::disallowed_methods)] // The world of these tests is driven by a thread of its own.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicI64, Ordering};
use std::time::Duration;

use base::event::Known;
use base::{BoxFuture, Event, NewEvent, Timestamp, World};
use saga::Sink;
use serde_json::value::RawValue;
use sim::cluster::links::Links;
use sim::cluster::log::Log;
use sim::cluster::papers::Papers;
use sim::cluster::rows::{Rows, Shared};
use sim::cluster::server::Server;
use sim::kernel::Kernel;
use sim::machine::Machine;
use sim::weather::Weather;
use sim_disk::Disk;
use sql::{Engine, Outbox};

/// A world with a server and a machine that asks it.
struct Place {
    kernel: Kernel,
    server: Server,
    from: Machine,
    shared: Arc<Shared>,
    world: World,
    said: AtomicI64,
    ended: Arc<AtomicBool>,
}

impl Place {
    /// One whose time goes on by itself: the laws run on threads of their own, so it keeps the wall's time.
    async fn fresh() -> Place {
        let place = Place::still();
        let (kernel, stop) = (place.kernel.clone(), place.ended.clone());
        std::thread::spawn(move || {
            let began = std::time::Instant::now();
            while !stop.load(Ordering::Relaxed) {
                let _ = kernel.keep_up_with(began.elapsed());
                std::thread::park_timeout(Duration::from_micros(20));
            }
            kernel.close();
        });
        place
    }

    /// One whose time goes on only while its kernel runs.
    fn still() -> Place {
        let kernel = Kernel::new(1, u64::MAX);
        let weather = Weather::draw(0, |_| false);
        let machine = |node| Machine::new(node, kernel.clone(), weather.clone(), Disk::new(u64::from(node)));
        let server = Server::new(machine(2), Links::new(kernel.clone(), weather.clone()));
        server.start().unwrap();
        let from = machine(3);
        from.up();
        let ids = Arc::new(host::IdSource::new(3, 0));
        let world = sim::world::of_node(&kernel, 3, from.skew.clone(), ids);
        Place { kernel, server, from, shared: Arc::default(), world, said: AtomicI64::new(0), ended: Arc::default() }
    }

    fn rows(&self) -> Rows {
        Rows::new(self.server.clone(), self.shared.clone(), self.from.clone())
    }

    fn log(&self) -> Log {
        Log { server: self.server.clone(), from: self.from.clone() }
    }
}

impl Drop for Place {
    fn drop(&mut self) {
        self.ended.store(true, Ordering::Relaxed);
    }
}

impl sql::laws::Bed for Place {
    fn engine(&self) -> Arc<dyn Engine> {
        Arc::new(self.rows())
    }

    fn world(&self) -> World {
        self.world.clone()
    }

    fn said(&self, service: &'static str) -> BoxFuture<'_, Vec<Event>> {
        Box::pin(async move { self.rows().unsent(service, 100_000).await.unwrap() })
    }
}

impl eventlog::laws::Bed for Place {
    fn log(&self) -> eventlog::Log {
        eventlog::Log::new(Arc::new(Place::log(self)))
    }

    fn say(&self, source: &'static str, events: Vec<NewEvent>) -> BoxFuture<'_, Vec<i64>> {
        Box::pin(async move {
            let count = events.len();
            let brought: Vec<Event> = events
                .into_iter()
                .map(|event| Event {
                    seq: self.said.fetch_add(1, Ordering::SeqCst) + 1,
                    source: source.to_owned().into(),
                    topic: event.topic.into(),
                    kind: event.kind.into(),
                    key: event.key,
                    at: event.at,
                    correlation: event.correlation,
                    data: RawValue::from_string(event.data).unwrap(),
                    known: Known::default(),
                })
                .collect();
            let log = Place::log(self);
            // Twice, as a relay does that has not heard the answer.
            log.put(&brought).await.unwrap();
            log.put(&brought).await.unwrap();
            let all = eventlog::Engine::read(&log, source, 0, 100_000).await.unwrap();
            all[all.len() - count..].iter().map(|event| event.seq).collect()
        })
    }
}

impl documents::laws::Place for Place {
    async fn open(&self) -> documents::Store {
        let papers = Papers { server: self.server.clone(), from: self.from.clone() };
        documents::Store::open(Arc::new(papers), "lawful", documents::laws::COLLECTIONS, self.world.clone()).await.unwrap()
    }

    async fn events(&self) -> Vec<Event> {
        let events = eventlog::Engine::read(&Place::log(self), "lawful", 0, 100_000).await.unwrap();
        events.iter().map(|event| Event::clone(event)).collect()
    }
}

sql::laws!(rows, Place::fresh());
eventlog::laws!(log, Place::fresh());

mod papers {
    use super::Place;

    documents::laws!(Place::fresh().await);
}

#[test]
fn ids_become_visible_out_of_their_order_as_with_many_writers() {
    const WRITERS: usize = 40;
    let place = Place::still();
    let follow = async {
        let store = sql::laws::open(&place).await;
        let rows = place.rows();
        for key in 0..WRITERS as i64 {
            let store = store.clone();
            let event = NewEvent {
                topic: "law-events",
                kind: "law.broken.v1",
                key,
                at: Timestamp(1),
                correlation: String::new(),
                data: "{}".to_owned(),
            };
            place.world.spawn("writer", async move {
                store.commit(sql::Once::Nothing, sql::Change::new().say(event)).await.unwrap();
            });
        }
        let (mut seen, mut last, mut late) = (0, 0, 0);
        while seen < WRITERS {
            let ids: Vec<i64> = rows.unsent("law", 1_000).await.unwrap().iter().map(|event| event.seq).collect();
            late += ids.iter().filter(|id| **id <= last).count();
            last = ids.iter().copied().max().unwrap_or(0).max(last);
            seen += ids.len();
            rows.mark_sent("law", &ids).await.unwrap();
        }
        late
    };
    let late = place.kernel.run(follow).unwrap();
    assert!(late > 0, "whoever follows `id > last` would have lost none of {WRITERS} events");
}

#[tokio::test]
async fn a_claim_by_a_clock_that_is_far_ahead_holds_nothing() {
    let place = Place::fresh().await;
    let (store, rows) = (sql::laws::open(&place).await, place.rows());
    let event = NewEvent {
        topic: "law-events",
        kind: "law.broken.v1",
        key: 1,
        at: Timestamp(1),
        correlation: String::new(),
        data: "{}".to_owned(),
    };
    store.commit(sql::Once::Nothing, sql::Change::new().say(event)).await.unwrap();
    let apart = sql::CLOCKS_APART.as_micros() as i64;
    let claim = async |now: i64| rows.claim("law", 10, Timestamp(now), Timestamp(now + 10)).await.unwrap().len();
    assert_eq!(claim(100 + apart).await, 1);
    assert_eq!(claim(100).await, 0, "clocks may be apart by so much");
    assert_eq!(claim(99).await, 1);
}
