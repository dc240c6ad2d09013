//! An open-loop load: orders are sent when their time has come, whether or not the earlier ones were answered.
//!
//! Every latency counts from the moment when the order should have been sent, so that a slow platform cannot hide
//! behind a patient client (coordinated omission; Tene, 2013).

#![allow(clippy::disallowed_methods)] // A measuring client lives in real time.

mod lines;

use std::borrow::Cow;
use std::collections::HashMap;
use std::hash::{Hash, Hasher};
use std::sync::{Arc, Mutex};
use std::time::{Duration, Instant};

use base::Fault;
use hdrhistogram::Histogram;
use http_body_util::BodyExt;
use serde::Deserialize;
use tokio::sync::{Semaphore, mpsc};

use crate::client::Client;
use lines::Lines;

/// How many orders may wait for their answer at once; beyond, the client itself is the limit, and says so.
const IN_FLIGHT_MAX: usize = 4_096;
/// How often one order is sent again before it is given up.
const SENDS_MAX: u32 = 400;
/// The wait before an order is sent again when the platform does not say how long.
const SEND_AGAIN: Duration = Duration::from_millis(250);

/// One order to send.
#[derive(Debug, Clone)]
pub struct Shot {
    /// The client's name for it; also its idempotency key.
    pub reference: String,
    /// The body of `POST /v1/orders`, as it is sent: made before, because it is sent on the platform's cores.
    pub body: String,
}

/// What became of an order.
#[derive(Debug, Clone)]
pub struct Placed {
    /// The client's name for it.
    pub reference: String,
    /// The platform's id.
    pub order_id: String,
    /// What it costs, in minor units.
    pub total_minor: i64,
}

/// What a load has seen.
pub struct Seen {
    /// From the intended sending to the acknowledgement, in microseconds.
    pub placing: Histogram<u64>,
    /// From the acknowledgement's order being sent to its delivery, in microseconds.
    pub delivery: Histogram<u64>,
    /// How many orders were acknowledged.
    pub acknowledged: u64,
    /// How many orders were delivered while we looked.
    pub delivered: u64,
    /// How many orders were cancelled while we looked.
    pub cancelled: u64,
    /// How often the platform asked to come back later.
    pub put_off: u64,
    /// How many of these were 503, not 429.
    pub unavailable: u64,
    /// How many of these did not say when to come back.
    pub unsaid: u64,
    /// How often an answer was lost or an error came.
    pub errors: u64,
    /// Orders that were given up.
    pub given_up: u64,
    /// How often the client itself was the limit.
    pub client_full: u64,
}

impl Seen {
    fn new() -> Seen {
        let histogram = || Histogram::new_with_bounds(1, 3_600_000_000, 3).expect("the bounds are sound");
        Seen {
            placing: histogram(),
            delivery: histogram(),
            acknowledged: 0,
            delivered: 0,
            cancelled: 0,
            put_off: 0,
            unavailable: 0,
            unsaid: 0,
            errors: 0,
            given_up: 0,
            client_full: 0,
        }
    }
}

/// The part of an acknowledgement that the load reads.
#[derive(Deserialize)]
struct Receipt {
    order_id: String,
    total: Total,
}

#[derive(Deserialize)]
struct Total {
    amount_minor: i64,
}

/// The part of an event that the load reads.
#[derive(Deserialize)]
struct Told<'a> {
    #[serde(borrow, rename = "type")]
    kind: Cow<'a, str>,
    #[serde(borrow, default)]
    subject: Cow<'a, str>,
}

/// What is shared between the senders and the listener.
struct Shared {
    seen: Mutex<Seen>,
    /// When an order that is under way should have been sent.
    under_way: Mutex<HashMap<String, Instant>>,
    /// Ends that came before the acknowledgement was read.
    early: Mutex<HashMap<String, (Instant, bool)>>,
}

/// A load at work.
#[derive(Clone)]
pub struct Load {
    client: Client,
    lines: Lines,
    sends_max: u32,
    shared: Arc<Shared>,
}

impl Load {
    /// Makes a load against a platform; what is put off is sent again.
    pub fn new(client: Client) -> Load {
        Load::with(client, SENDS_MAX)
    }

    /// Makes a load that sends each order once: whoever is refused goes away.
    pub fn once(client: Client) -> Load {
        Load::with(client, 1)
    }

    fn with(client: Client, sends_max: u32) -> Load {
        Load {
            lines: Lines::new(client.url(), client.token()),
            client,
            sends_max,
            shared: Arc::new(Shared { seen: Mutex::new(Seen::new()), under_way: Mutex::default(), early: Mutex::default() }),
        }
    }

    /// Looks at what was seen so far.
    pub fn look<T>(&self, look: impl FnOnce(&Seen) -> T) -> T {
        look(&self.shared.seen.lock().expect("nobody panics while holding what was seen"))
    }

    /// Tells how many connections to the platform are open.
    pub fn connections(&self) -> usize {
        self.lines.open()
    }

    /// Tells how many acknowledged orders have not ended yet.
    pub fn under_way(&self) -> usize {
        self.shared.under_way.lock().expect("nobody panics while holding the orders").len()
    }

    /// Follows the platform's events for as long as it runs, and notes which orders have ended.
    pub fn listen(&self) -> tokio::task::JoinHandle<()> {
        let load = self.clone();
        tokio::spawn(async move {
            let mut last: Option<String> = None;
            loop {
                let ends = "/v1/events?topic=order-events&type=order.delivered,order.cancelled";
                let path = match &last {
                    Some(last) => format!("{ends}&after={last}"),
                    None => ends.to_owned(),
                };
                if let Ok(response) = load.client.open("GET", &path, None, None).await
                    && response.status().is_success()
                {
                    load.read_stream(response.into_body(), &mut last).await;
                }
                tokio::time::sleep(Duration::from_millis(100)).await;
            }
        })
    }

    async fn read_stream(&self, mut body: hyper::body::Incoming, last: &mut Option<String>) {
        let mut rest: Vec<u8> = Vec::new();
        while let Some(Ok(frame)) = body.frame().await {
            let Some(bytes) = frame.data_ref() else { continue };
            rest.extend_from_slice(bytes);
            let mut from = 0;
            while let Some(end) = rest[from..].iter().position(|byte| *byte == b'\n') {
                let line = &rest[from..from + end];
                if let Some(id) = line.strip_prefix(b"id:") {
                    *last = Some(String::from_utf8_lossy(id).trim().to_owned());
                } else if let Some(data) = line.strip_prefix(b"data:") {
                    self.heard(data);
                }
                from += end + 1;
            }
            rest.drain(..from);
        }
    }

    fn heard(&self, data: &[u8]) {
        let Ok(Told { kind, subject }) = serde_json::from_slice(data) else { return };
        let delivered = match &*kind {
            kind if kind.starts_with("order.delivered") => true,
            kind if kind.starts_with("order.cancelled") => false,
            _ => return,
        };
        let order = &*subject;
        let now = Instant::now();
        let sent = self.shared.under_way.lock().expect("nobody panics while holding the orders").remove(order);
        match sent {
            Some(sent) => self.ended(sent, now, delivered),
            None => {
                let mut early = self.shared.early.lock().expect("nobody panics while holding the orders");
                // Orders of others are heard too; they must not pile up.
                if early.len() < 100_000 {
                    early.insert(order.to_owned(), (now, delivered));
                }
            }
        }
    }

    fn ended(&self, sent: Instant, now: Instant, delivered: bool) {
        let mut seen = self.shared.seen.lock().expect("nobody panics while holding what was seen");
        if delivered {
            seen.delivered += 1;
            let _ = seen.delivery.record(u64::try_from(now.duration_since(sent).as_micros()).unwrap_or(u64::MAX));
        } else {
            seen.cancelled += 1;
        }
    }

    /// Sends orders, `rate` per second, until there are no more; each acknowledgement goes into `acknowledged`.
    pub async fn drive(&self, shots: impl Iterator<Item = Shot>, rate: f64, acknowledged: mpsc::Sender<Placed>) {
        let places = Arc::new(Semaphore::new(IN_FLIGHT_MAX));
        let begun = Instant::now();
        let mut tasks = tokio::task::JoinSet::new();
        for (index, shot) in shots.enumerate() {
            let due = begun + Duration::from_secs_f64(index as f64 / rate);
            tokio::time::sleep_until(due.into()).await;
            if places.available_permits() == 0 {
                self.shared.seen.lock().expect("nobody panics while holding what was seen").client_full += 1;
            }
            let Ok(place) = places.clone().acquire_owned().await else { break };
            let (load, acknowledged) = (self.clone(), acknowledged.clone());
            tasks.spawn(async move {
                if let Some(placed) = load.shoot(&shot, due).await {
                    let _ = acknowledged.send(placed).await;
                }
                drop(place);
            });
            while tasks.try_join_next().is_some() {}
        }
        while tasks.join_next().await.is_some() {}
    }

    /// Sends one order until it is acknowledged or was sent often enough, always under the same key.
    async fn shoot(&self, shot: &Shot, due: Instant) -> Option<Placed> {
        let request = self.lines.order(&shot.reference, &shot.body);
        for sent in 1..=self.sends_max {
            let wait = match self.lines.send(&request).await {
                Ok(answer) if answer.status == 201 || answer.status == 200 => return self.acknowledged(shot, due, answer.body()),
                Ok(answer) if answer.status == 429 || answer.status == 503 => {
                    self.note(|seen| {
                        seen.put_off += 1;
                        seen.unavailable += u64::from(answer.status == 503);
                        seen.unsaid += u64::from(answer.retry_after.is_none());
                    });
                    // Those who were refused together must not come back together.
                    answer.retry_after.unwrap_or(SEND_AGAIN).mul_f64(1.0 + spread(&shot.reference, sent))
                }
                Ok(answer) if answer.status >= 500 => {
                    self.note(|seen| seen.errors += 1);
                    SEND_AGAIN
                }
                Ok(answer) => {
                    let body = String::from_utf8_lossy(answer.body());
                    tracing::error!(reference = %shot.reference, status = answer.status, %body, "an order was refused");
                    break;
                }
                Err(_) => {
                    self.note(|seen| seen.errors += 1);
                    SEND_AGAIN
                }
            };
            if sent < self.sends_max {
                tokio::time::sleep(wait).await;
            }
        }
        self.note(|seen| seen.given_up += 1);
        None
    }

    fn acknowledged(&self, shot: &Shot, due: Instant, body: &[u8]) -> Option<Placed> {
        let Receipt { order_id, total: Total { amount_minor: total_minor } } = serde_json::from_slice(body).ok()?;
        let took = u64::try_from(due.elapsed().as_micros()).unwrap_or(u64::MAX);
        self.note(|seen| {
            seen.acknowledged += 1;
            let _ = seen.placing.record(took);
        });
        let early = {
            let mut under_way = self.shared.under_way.lock().expect("nobody panics while holding the orders");
            let early = self.shared.early.lock().expect("nobody panics while holding the orders").remove(&order_id);
            if early.is_none() {
                under_way.insert(order_id.clone(), due);
            }
            early
        };
        if let Some((at, delivered)) = early {
            self.ended(due, at, delivered);
        }
        Some(Placed { reference: shot.reference.clone(), order_id, total_minor })
    }

    fn note(&self, note: impl FnOnce(&mut Seen)) {
        note(&mut self.shared.seen.lock().expect("nobody panics while holding what was seen"));
    }
}

/// Gives a number between 0 and 1 that differs from order to order and from attempt to attempt.
fn spread(reference: &str, sent: u32) -> f64 {
    let mut hasher = std::hash::DefaultHasher::new();
    (reference, sent).hash(&mut hasher);
    (hasher.finish() % 1_000) as f64 / 1_000.0
}

/// Tells what a running platform counts of its orders: all, in flight.
pub async fn counts(client: &Client) -> Result<(i64, i64), Fault> {
    let counts = client.get("/v1/orders/statistics").await?.good()?;
    Ok((counts["orders"].as_i64().unwrap_or(0), counts["in_flight"].as_i64().unwrap_or(0)))
}
