//! `comanda replay`: the orders of a file, sent through HTTP as customers would, and a report that shows that nothing was lost.
#![allow(clippy::disallowed_methods)] // A measuring client lives in real time.

pub mod file;
pub mod journal;
mod report;

use std::collections::BTreeMap;
use std::io::{IsTerminal, Write};
use std::net::SocketAddr;
use std::path::{Path, PathBuf};
use std::process::ExitCode;
use std::time::{Duration, Instant};

use base::{Fault, ShopClock};
use clap::Args;
use serde_json::{Value, json};
use tokio::sync::mpsc;

use crate::client::Client;
use crate::load::{self, Load, Placed, Shot};
use crate::{telemetry, up};
use file::PastOrder;
use journal::{Entry, Journal};

/// How many orders per second are sent when nobody says.
const RATE: f64 = 500.0;
/// How long the last orders may take to end.
const PATIENCE: Duration = Duration::from_secs(600);
/// How often the journal is flushed, at most.
const JOURNAL_BATCH: usize = 256;

/// What to replay, and how fast.
#[derive(Args, Clone)]
pub struct Options {
    /// The file: columns id, date, time, name, size, type, price; one row per item; may be gzipped.
    file: PathBuf,
    /// The address of a running platform. Without it, one is started on the data folder and stopped at the end.
    #[arg(long)]
    url: Option<String>,
    /// The data folder of the platform.
    #[arg(long, default_value = "comanda-replay")]
    data: PathBuf,
    /// Orders per second.
    #[arg(long, conflicts_with = "speed")]
    rate: Option<f64>,
    /// Times faster than the orders came in the file, on average.
    #[arg(long)]
    speed: Option<f64>,
    /// Only the first so many orders.
    #[arg(long)]
    limit: Option<usize>,
    /// Where acknowledged orders are written down; with it, an interrupted replay can be continued.
    #[arg(long)]
    journal: Option<PathBuf>,
    /// A setting of the platform that is started, as name=value.
    #[arg(long = "set", value_name = "NAME=VALUE")]
    set: Vec<String>,
    /// How the provider mock behaves, as JSON, such as {"failure_rate":0.2,"lost_answer_rate":0.05}.
    #[arg(long)]
    provider: Option<String>,
    /// No audit at the end.
    #[arg(long)]
    no_audit: bool,
}

impl Options {
    /// Replays a file against a platform that runs on a data folder, and audits.
    pub fn against(url: &str, data: &Path, file: &Path, rate: f64, journal: &Path) -> Options {
        Options {
            file: file.to_owned(),
            url: Some(url.to_owned()),
            data: data.to_owned(),
            rate: Some(rate),
            speed: None,
            limit: None,
            journal: Some(journal.to_owned()),
            set: Vec::new(),
            provider: None,
            no_audit: false,
        }
    }
}

/// Replays.
pub async fn run(options: Options) -> Result<ExitCode, Fault> {
    let started = match &options.url {
        Some(_) => None,
        None => Some(begin(&options).await?),
    };
    let (client, own) = match (&options.url, started) {
        (Some(url), _) => (Client::of_folder(url, &options.data)?, None),
        (None, Some(running)) => (Client::new(&format!("http://{}", running.address), running.staff_token()), Some(running)),
        (None, None) => return Err(Fault::internal("no_platform", "No platform could be started.")),
    };
    if let Some(behaviour) = &options.provider {
        let provider = own.as_ref().and_then(|running| running.provider);
        let provider = provider
            .ok_or_else(|| Fault::invalid("no_provider", "--provider needs a platform that is started by the replay."))?;
        behave(provider, behaviour).await?;
    }
    // Audited while it still runs: what is on its way after the last delivery, such as a note of cash, may arrive.
    let outcome = replay_and_audit(&options, &client).await;
    if let Some(running) = own {
        running.stop().await?;
    }
    Ok(if outcome? { ExitCode::SUCCESS } else { ExitCode::FAILURE })
}

async fn replay_and_audit(options: &Options, client: &Client) -> Result<bool, Fault> {
    let agrees = replay(options, client).await?;
    if options.no_audit {
        return Ok(agrees);
    }
    let audit = crate::audit::Options::of(options.data.clone(), options.journal.clone(), true);
    Ok(crate::audit::run(audit).await? == ExitCode::SUCCESS && agrees)
}

/// Starts a platform for the replay, whose kitchen and couriers are so fast that a year fits into minutes.
async fn begin(options: &Options) -> Result<up::Running, Fault> {
    let fast = ["kitchen_time_scale=100000", "kitchen_places=100", "delivery_time_scale=100000", "rate_limit_per_second=1000000"];
    let set = fast.iter().map(|setting| (*setting).to_owned()).chain(options.set.iter().cloned()).collect();
    let loopback = SocketAddr::from(([127, 0, 0, 1], 0));
    let up = up::Options { data: options.data.clone(), listen: loopback, provider_listen: loopback, set, bare: false, web: None };
    up::start(&up, telemetry::begin_metrics()?).await
}

/// Tells a provider mock how to behave.
pub async fn behave(provider: SocketAddr, behaviour: &str) -> Result<(), Fault> {
    let behaviour: Value =
        serde_json::from_str(behaviour).map_err(|error| Fault::invalid("bad_json", "This is not JSON.").because(error))?;
    let client = Client::new(&format!("http://{provider}"), "");
    let mut settings = client.get("/v1/settings").await?.good()?;
    if let (Some(settings), Some(changes)) = (settings.as_object_mut(), behaviour.as_object()) {
        settings.extend(changes.clone());
    }
    client.send("PUT", "/v1/settings", None, Some(&settings)).await?.good()?;
    Ok(())
}

/// Gives the time zone of the shop, by which the times of the file are read.
async fn clock_of(client: &Client) -> Result<ShopClock, Fault> {
    let shop = client.get("/v1/shop").await?.good()?;
    ShopClock::new(shop["time_zone"].as_str().unwrap_or("UTC"), 0)
}

/// Fills the stock for many orders; under its own key, so that a continued replay does not receive it twice.
pub async fn supply(client: &Client, key: &str, quantity: i64) -> Result<(), Fault> {
    let mut after = String::new();
    let mut receipts = Vec::new();
    loop {
        let page = client.get(&format!("/v1/stock?limit=200&after={after}")).await?.good()?;
        for level in page["levels"].as_array().into_iter().flatten() {
            receipts.push(json!({ "slug": level["slug"], "quantity": quantity }));
        }
        match page["next"].as_str() {
            Some(next) if !next.is_empty() => after = next.to_owned(),
            _ => break,
        }
    }
    client.post("/v1/stock/receipts", key, &json!({ "receipts": receipts, "reason": "supplies for a replay" })).await?.good()?;
    Ok(())
}

/// Makes what is sent of an order of the file.
pub fn shot(order: &PastOrder, key: &str, placed_at: bool) -> Shot {
    let lines: Vec<Value> =
        order.lines.iter().map(|(item, size, quantity)| json!({ "item": item, "size": size, "quantity": quantity })).collect();
    let mut body = json!({
        "lines": lines,
        "fulfilment": "pickup",
        "payment": { "method": "card", "card_token": "tok_visa" },
        "reference": order.reference,
    });
    if placed_at {
        body["placed_at"] = json!(order.placed_at.to_string());
    }
    Shot { reference: key.to_owned(), body: body.to_string() }
}

async fn replay(options: &Options, client: &Client) -> Result<bool, Fault> {
    let orders = file::read(&options.file, &clock_of(client).await?, options.limit.unwrap_or(usize::MAX))?;
    let mut journal = options.journal.as_deref().map(Journal::open).transpose()?;
    let todo: Vec<&PastOrder> =
        orders.iter().filter(|order| journal.as_ref().is_none_or(|journal| journal.known(&order.reference).is_none())).collect();
    let rate = rate_of(options, &orders);
    println!("{} orders, {} of them still to send, {rate:.0} per second.", orders.len(), todo.len());
    supply(client, "replay-supplies", 100_000_000).await?;
    let load = Load::new(client.clone());
    let listener = load.listen();
    let (acknowledged, mut answers) = mpsc::channel::<Placed>(4_096);
    let shots: Vec<Shot> = todo.iter().map(|order| shot(order, &format!("replay-{}", order.reference), true)).collect();
    let total = shots.len();
    let begun = Instant::now();
    let driver = {
        let load = load.clone();
        tokio::spawn(async move { load.drive(shots.into_iter(), rate, acknowledged).await })
    };
    let mut bar = Bar::new(total);
    let mut mine: BTreeMap<String, i64> = BTreeMap::new();
    let mut batch = Vec::with_capacity(JOURNAL_BATCH);
    while answers.recv_many(&mut batch, JOURNAL_BATCH).await > 0 {
        let entries: Vec<Entry> = batch
            .drain(..)
            .map(|placed| Entry {
                reference: placed.reference.trim_start_matches("replay-").to_owned(),
                order_id: placed.order_id,
                total_minor: placed.total_minor,
            })
            .collect();
        if let Some(journal) = &mut journal {
            journal.write(&entries)?;
        }
        mine.extend(entries.into_iter().map(|entry| (entry.reference, entry.total_minor)));
        bar.show(mine.len(), load.under_way());
    }
    driver.await.map_err(|error| Fault::internal("load_failed", "The load broke off.").because(error))?;
    let sent_in = begun.elapsed();
    wait_for_the_last(client, &load, &mut bar, total).await?;
    let all_in = begun.elapsed();
    listener.abort();
    bar.end();
    if let Some(journal) = &journal {
        mine = journal.entries().map(|entry| (entry.reference.clone(), entry.total_minor)).collect();
    }
    report::print(client, &orders, &mine, &load, sent_in, all_in).await
}

fn rate_of(options: &Options, orders: &[PastOrder]) -> f64 {
    match (options.rate, options.speed) {
        (Some(rate), _) => rate.max(0.001),
        (None, Some(speed)) => {
            let span = match (orders.first(), orders.last()) {
                (Some(first), Some(last)) => last.placed_at.since(first.placed_at).as_secs_f64().max(1.0),
                _ => 1.0,
            };
            (orders.len() as f64 / span * speed).max(0.001)
        }
        (None, None) => RATE,
    }
}

/// Waits until no order is in flight on the platform, and its figures have heard of every end.
async fn wait_for_the_last(client: &Client, load: &Load, bar: &mut Bar, total: usize) -> Result<(), Fault> {
    let until = Instant::now() + PATIENCE;
    loop {
        if let (Ok((orders, in_flight)), Ok(ended)) = (load::counts(client).await, ended(client).await) {
            if in_flight == 0 && ended >= orders {
                return Ok(());
            }
            if Instant::now() > until {
                return Err(Fault::timeout(
                    "orders_stuck",
                    format!("{in_flight} orders have not ended within {} seconds.", PATIENCE.as_secs()),
                ));
            }
        }
        bar.show(total, load.under_way());
        tokio::time::sleep(Duration::from_millis(50)).await;
    }
}

/// Counts the orders of whose end the figures have heard.
async fn ended(client: &Client) -> Result<i64, Fault> {
    let summary = client.get("/v1/analytics/summary").await?.good()?;
    Ok(summary["orders_delivered"].as_i64().unwrap_or(0) + summary["orders_cancelled"].as_i64().unwrap_or(0))
}

/// A progress bar on a terminal; a line now and then elsewhere.
struct Bar {
    total: usize,
    last: Instant,
    terminal: bool,
}

impl Bar {
    fn new(total: usize) -> Bar {
        Bar { total, last: Instant::now(), terminal: std::io::stderr().is_terminal() }
    }

    fn show(&mut self, done: usize, under_way: usize) {
        let every = if self.terminal { Duration::from_millis(100) } else { Duration::from_secs(5) };
        if self.last.elapsed() < every {
            return;
        }
        let now = Instant::now();
        self.last = now;
        let part = (done * 40).checked_div(self.total).unwrap_or(40);
        let line = format!(
            "[{}{}] {done}/{} acknowledged, {under_way} on their way",
            "#".repeat(part),
            ".".repeat(40 - part),
            self.total
        );
        if self.terminal {
            eprint!("\r{line}   ");
            let _ = std::io::stderr().flush();
        } else {
            eprintln!("{line}");
        }
    }

    fn end(&self) {
        if self.terminal {
            eprintln!();
        }
    }
}
