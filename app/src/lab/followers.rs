//! Open order pages: how soon each hears what happens to its order, and what an open page costs the platform.
//!
//! Every page is a guest of its own with an order of its own. Orders wait in the kitchen until a cook says that they are
//! done; then they go their way to the door at the wanted rate, each makes place for a new one, and so many pages are
//! open all the time. What a page hears while it is open is timed from the moment that the event names.
#![allow(clippy::disallowed_methods)] // A measurement lives in real time.

use std::collections::VecDeque;
use std::process::ExitCode;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, Instant, SystemTime, UNIX_EPOCH};

use base::{Fault, Timestamp};
use clap::Args;
use hdrhistogram::Histogram;
use http_body_util::BodyExt;
use hyper::body::Incoming;
use serde_json::{Value, json};
use tokio::sync::Semaphore;
use tokio::task::JoinSet;

use super::child::{self, Platform, Scratch};
use crate::client::Client;
use crate::replay;

/// How many orders are placed at once while the pages are opened.
const AT_ONCE: usize = 16;
/// How long the pages may take to open, and the last orders to reach the door.
const PATIENCE: Duration = Duration::from_secs(120);
/// What an event may take to a page at p95, and what a page may cost, in bytes.
const ARRIVES_MS: f64 = 250.0;
const PAGE_BYTES: f64 = 50_000.0;

/// How to measure.
#[derive(Args, Clone)]
pub struct Options {
    /// How many order pages are open.
    #[arg(long, default_value_t = 2_000)]
    pages: usize,
    /// Orders per minute that come, and that reach the door.
    #[arg(long, default_value_t = 500.0)]
    per_minute: f64,
    /// For how long, in seconds.
    #[arg(long, default_value_t = 60.0)]
    seconds: f64,
}

/// What all pages together have seen.
struct Seen {
    /// From the event's own moment to its arrival, in microseconds.
    arrival: Mutex<Histogram<u64>>,
    opened: AtomicU64,
    refused: AtomicU64,
    broken: AtomicU64,
    ended: AtomicU64,
}

impl Seen {
    fn new() -> Result<Seen, Fault> {
        let histogram = Histogram::new_with_bounds(1, 600_000_000, 3);
        let histogram = histogram.map_err(|error| Fault::internal("lab_failed", "Nothing can be counted.").because(error))?;
        let zero = || AtomicU64::new(0);
        Ok(Seen { arrival: Mutex::new(histogram), opened: zero(), refused: zero(), broken: zero(), ended: zero() })
    }
}

fn add(count: &AtomicU64) {
    count.fetch_add(1, Ordering::Relaxed);
}

fn count(of: &AtomicU64) -> u64 {
    of.load(Ordering::Relaxed)
}

pub async fn run(options: Options) -> Result<ExitCode, Fault> {
    let scratch = Scratch::new()?;
    let more =
        ["kitchen_by_hand=1", "sse_connections_per_address=20000", "sse_connections_max=20000", "orders_pending_max=100000"];
    let platform = Platform::start(&scratch.path().join("data"), &child::hurried(&more)).await?;
    replay::supply(&platform.client, "lab-supplies", 1_000_000_000_000).await?;
    let (seen, gate) = (Arc::new(Seen::new()?), Arc::new(Semaphore::new(AT_ONCE)));

    let mut placing = JoinSet::new();
    for number in 0..options.pages {
        let (client, gate) = (platform.client.clone(), gate.clone());
        placing.spawn(async move {
            let _place = gate.acquire_owned().await;
            Visit::begin(&client, number).await
        });
    }
    let mut waiting = VecDeque::new();
    while let Some(visit) = placing.join_next().await {
        waiting.push_back(visit.map_err(|error| Fault::internal("lab_failed", "A guest broke off.").because(error))??);
    }
    // What placing so many at once has left behind is not counted as the pages'.
    for visit in &waiting {
        visit.is_booked(&platform.client).await?;
    }
    let before = platform.resident_bytes();
    let mut pages = JoinSet::new();
    for visit in &waiting {
        pages.spawn(visit.clone().look(seen.clone()));
    }
    let begun = Instant::now();
    while count(&seen.opened) + count(&seen.refused) < options.pages as u64 {
        if begun.elapsed() > PATIENCE {
            return Err(Fault::timeout("lab_failed", "The pages did not open."));
        }
        tokio::time::sleep(Duration::from_millis(20)).await;
    }
    let opened_in = begun.elapsed();
    let per_page = platform.resident_bytes().saturating_sub(before) as f64 / options.pages.max(1) as f64;
    println!(
        "pages         {} open after {:.1} s, {} refused; {:.1} kB of the platform's memory for each",
        count(&seen.opened),
        opened_in.as_secs_f64(),
        count(&seen.refused),
        per_page / 1e3
    );

    let cpu = platform.cpu_seconds();
    let (flowed, begun) = (flow(&options, &platform, &mut waiting, &mut pages, &seen).await?, Instant::now());
    let done = flowed as u64;
    while count(&seen.ended) + count(&seen.broken) < done && begun.elapsed() < PATIENCE {
        tokio::time::sleep(Duration::from_millis(20)).await;
    }
    let cpu = (platform.cpu_seconds() - cpu) / options.seconds;
    pages.shutdown().await;
    let (p50, p95, p99, max, heard) = {
        let arrival = seen.arrival.lock().unwrap_or_else(PoisonError::into_inner);
        let at = |part: f64| arrival.value_at_quantile(part) as f64 / 1_000.0;
        (at(0.5), at(0.95), at(0.99), arrival.max() as f64 / 1_000.0, arrival.len())
    };
    let (refused, broken, ended) = (count(&seen.refused), count(&seen.broken), count(&seen.ended));
    println!("flowed        {flowed} orders in {:.0} s; {ended} pages saw theirs end, {broken} were cut off", options.seconds);
    println!(
        "heard         {heard} events: p50 {p50:.1} ms, p95 {p95:.1} ms, p99 {p99:.1} ms, max {max:.1} ms after they happened"
    );
    println!(
        "platform      {:.0} MB, at most {:.0} MB; {:.0}% of one core while orders flowed",
        platform.resident_bytes() as f64 / 1e6,
        platform.peak_bytes() as f64 / 1e6,
        cpu * 100.0
    );
    let good = heard > 0 && p95 <= ARRIVES_MS && per_page < PAGE_BYTES && refused + broken == 0 && ended == done;
    println!(
        "followers     {} pages at {:.0} orders per minute: p95 {p95:.1} ms against {ARRIVES_MS:.0}, {:.1} kB per page against {:.0}, {refused} refused{}",
        options.pages,
        options.per_minute,
        per_page / 1e3,
        PAGE_BYTES / 1e3,
        if good { "" } else { "; MISSED" }
    );
    platform.stop()?;
    Ok(if good { ExitCode::SUCCESS } else { ExitCode::FAILURE })
}

/// Lets orders come and go at the wanted rate; gives how many went.
async fn flow(
    options: &Options,
    platform: &Platform,
    waiting: &mut VecDeque<Visit>,
    pages: &mut JoinSet<()>,
    seen: &Arc<Seen>,
) -> Result<usize, Fault> {
    let (begun, pause) = (Instant::now(), Duration::from_secs_f64(60.0 / options.per_minute.max(1.0)));
    let (comes, mut come) = tokio::sync::mpsc::channel(1_024);
    let mut work = JoinSet::new();
    let mut flowed = 0;
    while begun.elapsed().as_secs_f64() < options.seconds {
        tokio::time::sleep_until((begun + pause * flowed as u32).into()).await;
        while let Ok(visit) = come.try_recv() {
            let visit: Visit = visit;
            pages.spawn(visit.clone().look(seen.clone()));
            waiting.push_back(visit);
        }
        let Some(done) = waiting.pop_front() else { break };
        let (client, comes, number) = (platform.client.clone(), comes.clone(), options.pages + flowed);
        work.spawn(async move {
            done.is_done(&client).await?;
            let visit = Visit::begin(&client, number).await?;
            visit.is_booked(&client).await?;
            let _ = comes.send(visit).await;
            Ok::<(), Fault>(())
        });
        flowed += 1;
    }
    while let Some(worked) = work.join_next().await {
        worked.map_err(|error| Fault::internal("lab_failed", "The kitchen broke off.").because(error))??;
    }
    Ok(flowed)
}

/// A guest and the order that they follow.
#[derive(Clone)]
struct Visit {
    guest: Client,
    order: String,
}

impl Visit {
    /// A new guest places an order.
    async fn begin(staff: &Client, number: usize) -> Result<Visit, Fault> {
        let device = staff.post("/v1/devices", &format!("followers-device-{number}"), &json!({})).await?.good()?;
        let guest = Client::new(staff.url(), device["token"].as_str().unwrap_or_default());
        let body = json!({
            "lines": [{ "item": "margherita", "quantity": 1 }],
            "payment": { "method": "card", "card_token": "tok_visa" },
            "contact": { "name": "Guest", "phone": "+1 555 0100", "address": "1 Test Street" },
        });
        let placed = guest.post("/v1/orders", &format!("followers-order-{number}"), &body).await?.good()?;
        Ok(Visit { guest, order: placed["order_id"].as_str().unwrap_or_default().to_owned() })
    }

    /// Waits until the kitchen has it.
    async fn is_booked(&self, staff: &Client) -> Result<(), Fault> {
        let begun = Instant::now();
        loop {
            let ticket = staff.get(&format!("/v1/kitchen/tickets/{}", self.order)).await?;
            if ticket.status == 200 && ["booked", "cooking"].iter().any(|state| ticket.body["state"] == *state) {
                return Ok(());
            }
            if begun.elapsed() > PATIENCE {
                return Err(Fault::timeout(
                    "lab_failed",
                    format!("{} did not come to the kitchen: {}.", self.order, ticket.body),
                ));
            }
            tokio::time::sleep(Duration::from_millis(20)).await;
        }
    }

    /// A cook says that all of it is done.
    async fn is_done(&self, staff: &Client) -> Result<(), Fault> {
        let path = format!("/v1/kitchen/tickets/{}/bump", self.order);
        staff.post(&path, &format!("followers-bump-{}", self.order), &json!({})).await?.good()?;
        Ok(())
    }

    /// Keeps the page of the order open until it ends.
    async fn look(self, seen: Arc<Seen>) {
        let answer = self.guest.open("GET", &format!("/v1/orders/{}/events", self.order), None, None).await;
        match answer {
            Ok(answer) if answer.status() == 200 => {
                add(if follow(answer.into_body(), &seen).await { &seen.ended } else { &seen.broken });
            }
            _ => add(&seen.refused),
        }
    }
}

/// Reads a stream to its end; true when the order had reached its own.
async fn follow(mut body: Incoming, seen: &Seen) -> bool {
    let since = now();
    let (mut text, mut over, mut is_open) = (String::new(), false, false);
    while let Some(Ok(frame)) = body.frame().await {
        let Some(bytes) = frame.data_ref() else { continue };
        text.push_str(&String::from_utf8_lossy(bytes));
        while let Some(end) = text.find("\n\n") {
            let told: String = text.drain(..end + 2).collect();
            if !is_open && told.contains("event: snapshot") {
                is_open = true;
                add(&seen.opened);
            }
            let Some(event) = told.lines().find_map(|line| serde_json::from_str::<Value>(line.strip_prefix("data: ")?).ok())
            else {
                continue;
            };
            let kind = event["type"].as_str().unwrap_or_default();
            over |= kind.starts_with("order.delivered") || kind.starts_with("order.cancelled");
            // What happened before the page was open is its history, and not news.
            if let Some(at) = event["time"].as_str().and_then(Timestamp::parse).filter(|at| at.0 >= since) {
                let took = u64::try_from(now() - at.0).unwrap_or(0).max(1);
                seen.arrival.lock().unwrap_or_else(PoisonError::into_inner).saturating_record(took);
            }
        }
    }
    over
}

/// The clock of the machine, in microseconds, as events name it.
fn now() -> i64 {
    SystemTime::now().duration_since(UNIX_EPOCH).map_or(0, |since| i64::try_from(since.as_micros()).unwrap_or(i64::MAX))
}
