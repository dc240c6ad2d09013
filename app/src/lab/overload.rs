//! More orders than the platform can hold: it goes on at its own pace, refuses the rest, and stays as small as it was.
#![allow(clippy::disallowed_methods)] // A measurement lives in real time.

use std::path::PathBuf;
use std::process::ExitCode;
use std::time::{Duration, Instant};

use base::{Fault, ShopClock};
use clap::Args;
use tokio::sync::mpsc;
use tokio::task::JoinHandle;

use super::child::{Platform, Scratch, hurried};
use crate::load::{self, Load, Placed};
use crate::replay::file::PastOrder;
use crate::replay::journal::{Entry, Journal};
use crate::replay::{self, file};

/// The first rate that is tried, by how much the next is higher as long as all are held, and by how much from there on.
const FIRST_RATE: f64 = 200.0;
const LEAP: f64 = 2.0;
const STEP: f64 = 1.25;
/// For how long each rate is tried.
const STEP_SECONDS: f64 = 4.0;
/// How often a rate is tried before it counts as too high: others may have been busy on the machine.
const TRIES: u32 = 2;
/// A rate is held when nobody is refused and so much of it is delivered while it is offered.
const HELD: f64 = 0.95;
/// The start of each part that is not looked at: the first orders are still on their way.
const LEAD: Duration = Duration::from_secs(1);
/// How long the last orders may take to end.
const PATIENCE: Duration = Duration::from_secs(120);
/// The share of its rate that must still be delivered under overload.
const SHARE_MIN: f64 = 0.75;
/// How much larger the platform may be at the end of the overload than in its middle, besides what it holds for connections.
const GROWTH_MAX: f64 = 1.25;
/// What a connection with a request may take, in MB: when the machine stood still for a moment, thousands come at once, and
/// stay open. Measured: 9 kB for one that is open, 17 kB for one in use.
const CONNECTION_MB: f64 = 0.02;

/// How to overload.
#[derive(Args, Clone)]
pub struct Options {
    /// The highest rate that the platform can hold, in orders per second; looked for when it is not given.
    #[arg(long)]
    rate: Option<f64>,
    /// The rate to offer; twice the one that it can hold when it is not given.
    #[arg(long)]
    offer: Option<f64>,
    /// For how long each of the two is offered, in seconds.
    #[arg(long, default_value_t = 20.0)]
    seconds: f64,
    /// How long the provider takes to answer, in milliseconds.
    #[arg(long, default_value_t = 50)]
    provider_ms: u64,
    /// The orders of a year, from which the load is drawn.
    #[arg(long, default_value = "data/pizzaplace/pizzaplace.csv.gz")]
    file: PathBuf,
    /// The folder for the data of the run; it is kept when given.
    #[arg(long)]
    data: Option<PathBuf>,
}

/// A platform that orders are offered to, and a journal of what it acknowledged.
struct Lab {
    platform: Platform,
    year: Vec<PastOrder>,
    journal: mpsc::Sender<Placed>,
    sent: usize,
}

/// What came of a rate that was offered for a while.
struct Part {
    /// How many orders ended per second, once the first were through.
    delivered: f64,
    /// How many orders were offered, acknowledged, refused with 429 or 503, refused without a `Retry-After`, or failed.
    offered: usize,
    acknowledged: u64,
    refused: u64,
    unavailable: u64,
    unsaid: u64,
    failed: u64,
    client_full: u64,
    placing_p99_ms: f64,
    /// The platform at the start, in the middle and at the end.
    sizes: [Size; 3],
}

/// How large the platform is, and how many of the load's connections it holds.
#[derive(Clone, Copy)]
struct Size {
    megabytes: f64,
    connections: usize,
}

impl Size {
    /// Gives what it would be without connections, in MB.
    fn alone(self) -> f64 {
        self.megabytes - self.connections as f64 * CONNECTION_MB
    }
}

impl Lab {
    /// Offers a rate for a while, and waits until all that was accepted has ended.
    async fn offer(&mut self, rate: f64, seconds: f64) -> Result<Part, Fault> {
        let offered = (rate * seconds) as usize;
        let first = self.sent;
        self.sent += offered;
        let orders = self.year.iter().cycle().skip(first % self.year.len()).take(offered).enumerate();
        let shots: Vec<_> = orders.map(|(index, order)| replay::shot(order, &format!("lab-{}", first + index), false)).collect();
        let load = Load::once(self.platform.client.clone());
        let driver = {
            let (load, journal) = (load.clone(), self.journal.clone());
            tokio::spawn(async move { load.drive(shots.into_iter(), rate, journal).await })
        };
        let begun = Instant::now();
        let start = self.size(&load);
        tokio::time::sleep(LEAD).await;
        let (before, from) = (self.ended().await?, Instant::now());
        tokio::time::sleep_until((begun + Duration::from_secs_f64(seconds / 2.0)).into()).await;
        let middle = self.size(&load);
        tokio::time::sleep_until((begun + Duration::from_secs_f64(seconds)).into()).await;
        let (after, span) = (self.ended().await?, from.elapsed());
        let end = self.size(&load);
        driver.await.map_err(|error| Fault::internal("lab_failed", "The load broke off.").because(error))?;
        self.rest().await?;
        Ok(load.look(|seen| Part {
            delivered: (after - before) as f64 / span.as_secs_f64(),
            offered,
            acknowledged: seen.acknowledged,
            refused: seen.put_off,
            unavailable: seen.unavailable,
            unsaid: seen.unsaid,
            failed: offered as u64 - seen.acknowledged - seen.put_off,
            client_full: seen.client_full,
            placing_p99_ms: seen.placing.value_at_quantile(0.99) as f64 / 1e3,
            sizes: [start, middle, end],
        }))
    }

    /// Looks for the highest rate that is held.
    async fn highest(&mut self) -> Result<f64, Fault> {
        let (mut held, mut rate) = (None, FIRST_RATE);
        for step in [LEAP, STEP] {
            while self.holds(rate).await? {
                held = Some(rate);
                rate *= step;
            }
            // What was too high for a leap may be held a few steps before it.
            rate = held.map_or(rate, |held| held * STEP);
        }
        held.ok_or_else(|| {
            Fault::unavailable("lab_failed", format!("The machine does not even hold {FIRST_RATE:.0} orders per second."))
        })
    }

    async fn holds(&mut self, rate: f64) -> Result<bool, Fault> {
        for _ in 0..TRIES {
            let part = self.offer(rate, STEP_SECONDS).await?;
            let holds = part.is_whole() && part.delivered >= rate * HELD;
            println!(
                "tried         {rate:.0} orders per second: {:.0} delivered, {} refused: {}",
                part.delivered,
                part.refused,
                if holds { "held" } else { "not held" }
            );
            if holds {
                return Ok(true);
            }
        }
        Ok(false)
    }

    async fn rest(&self) -> Result<(), Fault> {
        let until = Instant::now() + PATIENCE;
        while load::counts(&self.platform.client).await?.1 > 0 {
            if Instant::now() > until {
                return Err(Fault::timeout("orders_stuck", "Some orders have not ended."));
            }
            tokio::time::sleep(Duration::from_millis(50)).await;
        }
        Ok(())
    }

    async fn ended(&self) -> Result<i64, Fault> {
        let (orders, in_flight) = load::counts(&self.platform.client).await?;
        Ok(orders - in_flight)
    }

    fn size(&self, load: &Load) -> Size {
        Size { megabytes: self.platform.resident_bytes() as f64 / 1e6, connections: load.connections() }
    }
}

impl Part {
    /// Tells whether nobody was refused.
    fn is_whole(&self) -> bool {
        self.refused == 0 && self.failed == 0
    }

    fn print(&self, name: &str, rate: f64) {
        println!("{name:<13} {rate:.0} orders per second offered, {:.0} delivered", self.delivered);
        println!(
            "              {} offered: {} acknowledged (p99 {:.0} ms), {} refused with 429, {} with 503, {} of these without Retry-After, {} failed; client full {}",
            self.offered,
            self.acknowledged,
            self.placing_p99_ms,
            self.refused - self.unavailable,
            self.unavailable,
            self.unsaid,
            self.failed,
            self.client_full
        );
        let [start, middle, end] = self.sizes.map(|size| size.megabytes);
        let [_, held_then, held_last] = self.sizes.map(|size| size.connections);
        println!(
            "              memory {start:.0} MB at its start, {middle:.0} in its middle with {held_then} connections, {end:.0} at its end with {held_last}"
        );
    }

    /// Tells whether the platform grew on although no more was asked of it.
    fn grows(&self) -> bool {
        let [_, middle, end] = self.sizes;
        end.alone() > middle.alone() * GROWTH_MAX
    }
}

pub async fn run(options: Options) -> Result<ExitCode, Fault> {
    let scratch = Scratch::new()?;
    let data = options.data.clone().unwrap_or_else(|| scratch.path().join("data"));
    let platform = Platform::start(&data, &hurried(&[])).await?;
    replay::behave(platform.provider, &format!("{{\"latency_ms\":{}}}", options.provider_ms)).await?;
    replay::supply(&platform.client, "lab-supplies", 1_000_000_000_000).await?;
    let year = file::read(&options.file, &ShopClock::new("America/New_York", 0)?, usize::MAX)?;
    let path = scratch.path().join("journal");
    let (journal, writer) = write_down(Journal::open(&path)?);
    let mut lab = Lab { platform, year, journal, sent: 0 };

    let mut rate = match options.rate {
        Some(rate) => rate,
        None => lab.highest().await?,
    };
    let mut sustained = lab.offer(rate, options.seconds).await?;
    sustained.print("sustained", rate);
    while options.rate.is_none() && !sustained.is_whole() && rate > FIRST_RATE {
        // What was held for a few seconds is not held for longer.
        rate /= STEP;
        sustained = lab.offer(rate, options.seconds).await?;
        sustained.print("sustained", rate);
    }
    let mut offer = options.offer.unwrap_or(rate * 2.0);
    let mut overload = lab.offer(offer, options.seconds).await?;
    overload.print("overload", offer);
    while options.rate.is_none() && options.offer.is_none() && overload.is_whole() {
        // Others were busy on the machine when the rate was looked for: it holds more than was found.
        (rate, sustained) = (offer, overload);
        offer *= 2.0;
        overload = lab.offer(offer, options.seconds).await?;
        overload.print("overload", offer);
    }
    // Looked at on both sides, so that a machine that became slower or faster meanwhile does not speak for the platform.
    let afterwards = lab.offer(rate, options.seconds).await?;
    afterwards.print("afterwards", rate);
    let share = overload.delivered / f64::midpoint(sustained.delivered, afterwards.delivered).max(1e-9);
    println!("ratio         under overload {share:.2} of the sustained rate is delivered");

    let Lab { platform, journal, .. } = lab;
    drop(journal);
    writer.await.map_err(|error| Fault::internal("lab_failed", "The journal broke off.").because(error))??;
    let clean = crate::audit::run(crate::audit::Options::of(data, Some(path), true)).await? == ExitCode::SUCCESS;
    platform.stop()?;
    let broken: Vec<&str> = [
        (!sustained.is_whole(), "the rate that should be held is not: choose a lower one with --rate"),
        (overload.refused == 0, "nobody was refused: this is no overload; offer more with --offer"),
        (overload.failed > 0 || overload.unsaid > 0, "somebody was refused otherwise than with 429 or 503 and Retry-After"),
        (share < SHARE_MIN, "the rate of delivered orders fell under overload"),
        (overload.grows(), "memory grows under overload"),
    ]
    .into_iter()
    .filter_map(|(broken, what)| broken.then_some(what))
    .collect();
    for what in &broken {
        eprintln!("{what}");
    }
    Ok(if clean && broken.is_empty() { ExitCode::SUCCESS } else { ExitCode::FAILURE })
}

/// Writes down what is acknowledged, until nobody sends any more.
fn write_down(mut journal: Journal) -> (mpsc::Sender<Placed>, JoinHandle<Result<(), Fault>>) {
    let (sender, mut acknowledged) = mpsc::channel::<Placed>(4_096);
    let writer = tokio::spawn(async move {
        let mut batch = Vec::new();
        while acknowledged.recv_many(&mut batch, 256).await > 0 {
            let entry = |placed: Placed| {
                let Placed { reference, order_id, total_minor } = placed;
                Entry { reference, order_id, total_minor }
            };
            journal.write(&batch.drain(..).map(entry).collect::<Vec<_>>())?;
        }
        Ok(())
    });
    (sender, writer)
}
