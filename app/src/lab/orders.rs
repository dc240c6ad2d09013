//! Orders from placed to delivered, against the ceiling of the same machine in the same run.
#![allow(clippy::disallowed_methods)] // A measurement lives in real time.

use std::path::PathBuf;
use std::process::ExitCode;
use std::time::{Duration, Instant};

use base::{Fault, ShopClock};
use hdrhistogram::Histogram;
use tokio::sync::mpsc;

use super::OrdersOptions;
use super::child::{self, Platform, Scratch};
use crate::load::{self, Load, Placed};
use crate::replay::{self, file};

/// How long the last orders may take to end.
const PATIENCE: Duration = Duration::from_secs(120);

pub async fn run(options: OrdersOptions) -> Result<ExitCode, Fault> {
    let ceiling = super::measure_ceiling(&options.file, 10.0, options.flush_delay_ms).await?;
    let rate = options.rate.unwrap_or(ceiling * options.share);
    let scratch = Scratch::new()?;
    let data: PathBuf = options.data.clone().unwrap_or_else(|| scratch.path().join("data"));
    let mut settings: Vec<String> =
        ["kitchen_time_scale=1000000", "kitchen_places=20", "delivery_time_scale=1000000", "rate_limit_per_second=1000000"]
            .iter()
            .map(|setting| (*setting).to_owned())
            .collect();
    if options.flush_delay_ms > 0 {
        settings.push(format!("flush_delay_ms={}", options.flush_delay_ms));
    }
    let platform = Platform::start(&data, &settings).await?;
    println!(
        "started in    {:.0} ms, {:.0} MB at rest",
        platform.started_in.as_secs_f64() * 1_000.0,
        platform.resident_bytes() as f64 / 1e6
    );
    replay::behave(platform.provider, &format!("{{\"latency_ms\":{}}}", options.provider_ms)).await?;
    replay::supply(&platform.client, "lab-supplies", 1_000_000_000_000).await?;
    let clock = ShopClock::new("America/New_York", 0)?;
    let year = file::read(&options.file, &clock, usize::MAX)?;
    let count = (rate * options.seconds) as usize;
    let load = Load::new(platform.client.clone());
    let listener = load.listen();
    let (acknowledged, mut answers) = mpsc::channel::<Placed>(4_096);
    let shots: Vec<_> = year
        .iter()
        .cycle()
        .take(count)
        .enumerate()
        .map(|(index, order)| replay::shot(order, &format!("lab-{index}"), false))
        .collect();
    println!(
        "sending       {count} orders, {rate:.0} per second, for {:.0} s; the provider answers in {} ms",
        options.seconds, options.provider_ms
    );
    let (cpu, own) = (platform.cpu_seconds(), child::own_cpu_seconds());
    let begun = Instant::now();
    let driver = {
        let load = load.clone();
        tokio::spawn(async move { load.drive(shots.into_iter(), rate, acknowledged).await })
    };
    // On the load's own thread: this one would be woken for each order.
    let drained = tokio::spawn(async move { while answers.recv().await.is_some() {} });
    driver.await.map_err(|error| Fault::internal("lab_failed", "The load broke off.").because(error))?;
    drained.await.map_err(|error| Fault::internal("lab_failed", "The load broke off.").because(error))?;
    let sent_in = begun.elapsed();
    let at_end = load.look(|seen| seen.delivered);
    let (_, in_flight_then) = load::counts(&platform.client).await?;
    loop {
        if load::counts(&platform.client).await?.1 == 0 {
            break;
        }
        if begun.elapsed() > sent_in + PATIENCE {
            return Err(Fault::timeout("orders_stuck", "Some orders have not ended."));
        }
        tokio::time::sleep(Duration::from_millis(50)).await;
    }
    let all_in = begun.elapsed();
    listener.abort();
    let (cpu, own) = (platform.cpu_seconds() - cpu, child::own_cpu_seconds() - own);
    let sustained = at_end as f64 / sent_in.as_secs_f64();
    load.look(|seen| {
        println!(
            "acknowledged  {} in {:.1} s; {} put off, {} errors, {} given up, client full {}",
            seen.acknowledged,
            sent_in.as_secs_f64(),
            seen.put_off,
            seen.errors,
            seen.given_up,
            seen.client_full
        );
        println!(
            "delivered     {} while sending, all after {:.1} s; {} cancelled; {in_flight_then} were in flight when sending ended",
            at_end,
            all_in.as_secs_f64(),
            seen.cancelled
        );
        println!("placing       {}", percentiles(&seen.placing));
        println!("to the door   {} (the provider's {} ms included)", percentiles(&seen.delivery), options.provider_ms);
        let each = 1_000.0 / seen.acknowledged.max(1) as f64;
        println!(
            "processor     {:.2} ms per order, the provider mock included; the load beside it {:.2} ms",
            cpu * each,
            own * each
        );
    });
    println!("memory        {:.0} MB", platform.resident_bytes() as f64 / 1e6);
    println!(
        "sustained     {sustained:.0} orders per second from placed to delivered, {:.3} of the ceiling",
        sustained / ceiling
    );
    let minute = sustained * 60.0;
    let missed = |good: bool| if good { "" } else { "; MISSED" };
    println!("row S4-N01: {minute:.0} orders per minute, against 1000{}", missed(minute >= 1_000.0));
    println!("row S1-N03: {minute:.0} orders per minute, against 500{}", missed(minute >= 500.0));
    let placing = load.look(|seen| seen.placing.value_at_quantile(0.99) as f64 / 1_000.0);
    println!("row S4-N02: placing an order takes {placing:.1} ms at p99, against 100{}", missed(placing < 100.0));
    let audited = crate::audit::run(crate::audit::Options::of(data.clone(), None, true)).await?;
    platform.stop()?;
    println!("data          {:.1} kB per order", size_of(&data) as f64 / 1_000.0 / count.max(1) as f64);
    Ok(audited)
}

fn percentiles(histogram: &Histogram<u64>) -> String {
    let at = |part: f64| histogram.value_at_quantile(part) as f64 / 1_000.0;
    format!(
        "p50 {:.1} ms, p95 {:.1} ms, p99 {:.1} ms, max {:.1} ms",
        at(0.5),
        at(0.95),
        at(0.99),
        histogram.max() as f64 / 1_000.0
    )
}

fn size_of(folder: &std::path::Path) -> u64 {
    ["comanda.db", "comanda.db-wal"]
        .iter()
        .filter_map(|name| std::fs::metadata(folder.join(name)).ok())
        .map(|data| data.len())
        .sum()
}
