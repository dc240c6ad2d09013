//! A year of orders, to the cent, and what the platform needs for it: time to be ready, memory, room on the disk.
#![allow(clippy::disallowed_methods)] // A measurement lives in real time.

use std::path::{Path, PathBuf};
use std::process::ExitCode;
use std::time::{Duration, Instant};

use base::{Fault, ShopClock};
use clap::Args;
use tokio::sync::mpsc;

use super::child::{Platform, Scratch, free_port, hurried};
use crate::load::{self, Load, Placed, Shot};
use crate::replay::file::PastOrder;
use crate::replay::journal::{Entry, Journal};
use crate::replay::{self, file};

/// From the start of the process to the first order that is accepted.
const FIRST_ORDER_MAX_MS: f64 = 1_000.0;
/// What an idle platform without data may hold in memory.
const EMPTY_MAX_MB: f64 = 60.0;
/// What it may hold after a year of orders.
const YEAR_MAX_MB: f64 = 250.0;
/// How long it may do nothing before its memory is looked at.
const REST: Duration = Duration::from_secs(1);
/// How many orders come while it is killed, and how many of them per second.
const BURST: usize = 1_000;
const BURST_RATE: f64 = 500.0;
/// The moment of the kill, from the first of them.
const KILL_AFTER: Duration = Duration::from_secs(1);
/// How long the last orders may take to end.
const PATIENCE: Duration = Duration::from_secs(120);

/// How to measure a year.
#[derive(Args, Clone)]
pub struct Options {
    /// Orders per second.
    #[arg(long, default_value_t = 500.0)]
    rate: f64,
    /// The orders of a year.
    #[arg(long, default_value = "data/pizzaplace/pizzaplace.csv.gz")]
    file: PathBuf,
    /// The folder for the data of the run; it is kept when given.
    #[arg(long)]
    data: Option<PathBuf>,
}

/// Figures with a limit each, and those that broke it.
#[derive(Default)]
struct Figures {
    broken: Vec<String>,
}

impl Figures {
    fn hold(&mut self, what: &str, value: f64, limit: f64, unit: &str) {
        let kept = value < limit;
        println!("{what}: {value:.0} {unit}{}", if kept { "" } else { ", TOO MUCH" });
        if !kept {
            self.broken.push(format!("{what}: {value:.0} {unit} is not below {limit:.0} {unit}"));
        }
    }

    fn verdict(&self) -> &'static str {
        if self.broken.is_empty() { "" } else { "; MISSED" }
    }
}

pub async fn run(options: Options) -> Result<ExitCode, Fault> {
    let scratch = Scratch::new()?;
    let data = options.data.clone().unwrap_or_else(|| scratch.path().join("data"));
    let clock = ShopClock::new("America/New_York", 0)?;
    let orders = file::read(&options.file, &clock, usize::MAX)?;
    let mut speed = Figures::default();
    let mut memory = Figures::default();

    let mut platform = begin(&scratch.path().join("empty"))?;
    let on_empty = first_order(&mut platform, &orders[0], "empty").await?;
    tokio::time::sleep(REST).await;
    let empty_mb = platform.resident_bytes() as f64 / 1e6;
    platform.stop()?;
    speed.hold("first order accepted after the start on an empty folder", on_empty, FIRST_ORDER_MAX_MS, "ms");
    memory.hold("memory at rest, with no data", empty_mb, EMPTY_MAX_MB, "MB");

    let journal = scratch.path().join("journal");
    let mut platform = begin(&data)?;
    platform.answers().await?;
    let against = replay::Options::against(platform.client.url(), &data, &options.file, options.rate, &journal);
    let told = replay::run(against).await? == ExitCode::SUCCESS;
    tokio::time::sleep(REST).await;
    let year_mb = platform.resident_bytes() as f64 / 1e6;
    memory.hold("memory after the year", year_mb, YEAR_MAX_MB, "MB");
    println!("memory at its highest: {:.0} MB", platform.peak_bytes() as f64 / 1e6);
    platform.stop()?;

    let mut platform = begin(&data)?;
    let on_year = first_order(&mut platform, &orders[0], "year").await?;
    speed.hold("first order accepted after the start on the year's data", on_year, FIRST_ORDER_MAX_MS, "ms");
    let (platform, after_kill) = killed(platform, &data, &orders, &journal).await?;
    speed.hold("first order accepted after the start that follows a kill -9", after_kill, FIRST_ORDER_MAX_MS, "ms");
    let (count, _) = load::counts(&platform.client).await?;
    let clean = crate::audit::run(crate::audit::Options::of(data.clone(), Some(journal), true)).await? == ExitCode::SUCCESS;
    platform.stop()?;
    println!("data folder: {:.1} kB per order", size_of(&data)? as f64 / 1e3 / count.max(1) as f64);
    println!(
        "row S0-N02: {:.2} s from the start to the first accepted order on an empty folder, {:.2} s on a year's data, {:.2} s after kill -9, against 30 to 60 s{}",
        on_empty / 1e3,
        on_year / 1e3,
        after_kill / 1e3,
        speed.verdict()
    );
    println!(
        "row S4-N05: {empty_mb:.0} MB of memory at rest, {year_mb:.0} MB after a year of orders, against 8 GB{}",
        memory.verdict()
    );
    for broken in speed.broken.iter().chain(&memory.broken) {
        eprintln!("{broken}");
    }
    let held = speed.broken.is_empty() && memory.broken.is_empty();
    Ok(if told && clean && held { ExitCode::SUCCESS } else { ExitCode::FAILURE })
}

fn begin(data: &Path) -> Result<Platform, Fault> {
    Platform::begin(data, &hurried(&[]), free_port()?, free_port()?)
}

/// Orders as soon as anybody answers; gives the milliseconds from the start of the process to the acceptance.
async fn first_order(platform: &mut Platform, order: &PastOrder, key: &str) -> Result<f64, Fault> {
    platform.answers().await?;
    let shot = replay::shot(order, &format!("first-order-{key}"), false);
    while platform.age() < PATIENCE {
        if place(platform, &shot).await.is_some() {
            return Ok(platform.age().as_secs_f64() * 1e3);
        }
        tokio::time::sleep(Duration::from_millis(2)).await;
    }
    Err(Fault::timeout("lab_failed", "No order was accepted."))
}

async fn place(platform: &Platform, shot: &Shot) -> Option<()> {
    let answer = platform.client.post_text("/v1/orders", &shot.reference, &shot.body).await.ok()?;
    (answer.status == 201).then_some(())
}

/// Kills a platform while orders come, starts it again at the same address, and waits until all orders have ended.
async fn killed(mut platform: Platform, data: &Path, orders: &[PastOrder], path: &Path) -> Result<(Platform, f64), Fault> {
    let failed = |error| Fault::internal("lab_failed", "The load broke off.").because(error);
    let load = Load::new(platform.client.clone());
    let (acknowledged, mut answers) = mpsc::channel::<Placed>(BURST);
    let shots: Vec<Shot> =
        orders.iter().take(BURST).map(|order| replay::shot(order, &format!("burst-{}", order.reference), false)).collect();
    let driver = tokio::spawn(async move { load.drive(shots.into_iter(), BURST_RATE, acknowledged).await });
    tokio::time::sleep(KILL_AFTER).await;
    let (port, provider) = (platform.port(), platform.provider.port());
    platform.kill()?;
    let mut platform = Platform::begin(data, &hurried(&[]), port, provider)?;
    let took = first_order(&mut platform, &orders[0], "killed").await?;
    let mut journal = Journal::open(path)?;
    while let Some(placed) = answers.recv().await {
        let Placed { reference, order_id, total_minor } = placed;
        journal.write(&[Entry { reference, order_id, total_minor }])?;
    }
    driver.await.map_err(failed)?;
    let until = Instant::now() + PATIENCE;
    while load::counts(&platform.client).await?.1 > 0 {
        if Instant::now() > until {
            return Err(Fault::timeout("orders_stuck", "Some orders have not ended."));
        }
        tokio::time::sleep(Duration::from_millis(50)).await;
    }
    Ok((platform, took))
}

/// Everything below a folder, in bytes.
fn size_of(folder: &Path) -> Result<u64, Fault> {
    let unreadable = |error| Fault::internal("lab_failed", format!("{} cannot be read.", folder.display())).because(error);
    let mut bytes = 0;
    for entry in std::fs::read_dir(folder).map_err(unreadable)? {
        let entry = entry.map_err(unreadable)?;
        let about = entry.metadata().map_err(unreadable)?;
        bytes += if about.is_dir() { size_of(&entry.path())? } else { about.len() };
    }
    Ok(bytes)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_figure_that_reaches_its_limit_is_told_and_spoils_the_verdict() {
        let mut figures = Figures::default();
        figures.hold("memory", 59.9, 60.0, "MB");
        assert_eq!((figures.verdict(), figures.broken.len()), ("", 0));
        figures.hold("memory", 60.0, 60.0, "MB");
        assert_eq!((figures.verdict(), figures.broken.len()), ("; MISSED", 1));
    }

    #[test]
    fn a_folder_is_as_large_as_all_that_is_in_it() {
        let folder = Scratch::new().unwrap();
        std::fs::create_dir(folder.path().join("in")).unwrap();
        std::fs::write(folder.path().join("a"), [0; 10]).unwrap();
        std::fs::write(folder.path().join("in/b"), [0; 7]).unwrap();
        assert_eq!(size_of(folder.path()).unwrap(), 17);
    }
}
