//! `kill -9` at random moments, some of them during recovery: the same totals, nothing acknowledged lost, audit clean.
#![allow(clippy::disallowed_methods)] // A measurement lives in real time.

use std::path::PathBuf;
use std::process::ExitCode;
use std::time::{Duration, Instant};

use base::{Fault, ShopClock};
use tokio::sync::mpsc;

use super::KillOptions;
use super::child::{Platform, Scratch, free_port};
use super::uptime::Watch;
use crate::load::{self, Load, Placed};
use crate::replay::journal::{Entry, Journal};
use crate::replay::{self, file};

/// How long the last orders may take to end after the last kill.
const PATIENCE: Duration = Duration::from_secs(180);

fn failed(error: impl std::fmt::Display) -> Fault {
    Fault::internal("lab_failed", "The run broke off.").because(error)
}

/// Gives a random number below a limit.
fn below(limit: u64) -> Result<u64, Fault> {
    let mut bytes = [0; 8];
    getrandom::fill(&mut bytes).map_err(failed)?;
    Ok(u64::from_le_bytes(bytes) % limit.max(1))
}

pub async fn run(options: KillOptions) -> Result<ExitCode, Fault> {
    let scratch = Scratch::new()?;
    let data: PathBuf = options.data.clone().unwrap_or_else(|| scratch.path().join("data"));
    let settings: Vec<String> =
        ["kitchen_time_scale=1000", "kitchen_places=100", "delivery_time_scale=10000", "rate_limit_per_second=1000000"]
            .iter()
            .map(|text| (*text).to_owned())
            .collect();
    let (port, provider_port) = (free_port()?, free_port()?);
    let mut platform = Platform::begin(&data, &settings, port, provider_port)?;
    platform.answers().await?;
    replay::behave(platform.provider, &options.provider).await?;
    replay::supply(&platform.client, "kill-supplies", 1_000_000_000).await?;
    let clock = ShopClock::new("America/New_York", 0)?;
    let year = file::read(&options.file, &clock, options.orders)?;
    let worth: i64 = year.iter().map(|order| order.total_minor).sum();
    let load = Load::new(platform.client.clone());
    let (acknowledged, mut answers) = mpsc::channel::<Placed>(4_096);
    let shots: Vec<_> = year.iter().map(|order| replay::shot(order, &format!("kill-{}", order.reference), true)).collect();
    let path = data.with_extension("journal");
    let mut journal = Journal::open(&path)?;
    let writer = tokio::spawn(async move {
        while let Some(placed) = answers.recv().await {
            journal.write(&[Entry {
                reference: placed.reference,
                order_id: placed.order_id,
                total_minor: placed.total_minor,
            }])?;
        }
        Ok::<_, Fault>(journal)
    });
    let rate = options.rate;
    let driver = {
        let load = load.clone();
        tokio::spawn(async move { load.drive(shots.into_iter(), rate, acknowledged).await })
    };
    let watch = Watch::begin(platform.client.clone());
    let mut during_recovery = 0;
    let mut slowest = Duration::ZERO;
    for kill in 1..=options.kills {
        // Every third kill falls into the first moments, when the platform is still finding its way back.
        let wait = if kill % 3 == 0 { below(60)? } else { below(options.longest_ms)? };
        tokio::time::sleep(Duration::from_millis(wait)).await;
        platform.kill()?;
        let before = Instant::now();
        platform = Platform::begin(&data, &settings, port, provider_port)?;
        if kill % 3 == 2 {
            // The next kill comes before it has answered.
            during_recovery += 1;
        } else {
            platform.answers().await?;
            slowest = slowest.max(before.elapsed());
        }
    }
    platform.answers().await?;
    driver.await.map_err(failed)?;
    let answered = watch.end().await?;
    let journal = writer.await.map_err(failed)??;
    let until = Instant::now() + PATIENCE;
    loop {
        let (orders, in_flight) = load::counts(&platform.client).await?;
        if in_flight == 0 {
            println!(
                "killed        {} times, {during_recovery} of them during recovery; the slowest recovery took {:.0} ms",
                options.kills,
                slowest.as_secs_f64() * 1e3
            );
            println!("orders        {} sent, {} acknowledged, {orders} on the platform", year.len(), journal.entries().count());
            break;
        }
        if Instant::now() > until {
            return Err(Fault::timeout("orders_stuck", format!("{in_flight} orders have not ended.")));
        }
        tokio::time::sleep(Duration::from_millis(100)).await;
    }
    let told: i64 = journal.entries().map(|entry| entry.total_minor).sum();
    let (orders, _) = load::counts(&platform.client).await?;
    let same = told == worth && usize::try_from(orders).is_ok_and(|orders| orders == year.len());
    println!("worth         {told} of {worth} minor units acknowledged: {}", if same { "equal" } else { "NOT EQUAL" });
    println!("row S4-N04: the slowest of {} recoveries took {:.0} ms", options.kills, slowest.as_secs_f64() * 1e3);
    println!("answered      {answered}");
    let silence = answered.silent.as_secs_f64() / f64::from(options.kills.max(1));
    println!(
        "row S4-N03: answered {:.2}% of {:.0} s in which it was killed {} times, recoveries included: {:.0} ms of silence per kill -9, so it is up 99.9% of the time if it is killed no more often than every {:.1} minutes",
        answered.share() * 100.0,
        answered.span.as_secs_f64(),
        options.kills,
        silence * 1e3,
        silence * 1_000.0 / 60.0
    );
    let audit = crate::audit::Options::of(data, Some(path), true);
    let clean = crate::audit::run(audit).await? == ExitCode::SUCCESS;
    platform.stop()?;
    Ok(if same && clean { ExitCode::SUCCESS } else { ExitCode::FAILURE })
}
