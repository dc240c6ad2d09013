//! `comanda lab`: what the platform does, beside what the machine allows, in one run.

mod ceiling;
mod chaos;
mod child;
mod followers;
mod kill;
mod menu;
mod orders;
mod overload;
mod placing;
mod uptime;
mod year;

use std::path::{Path, PathBuf};
use std::process::ExitCode;
use std::time::Duration;

use base::Fault;
use clap::{Args, Subcommand};

/// What to measure.
#[derive(Args, Clone)]
pub struct Options {
    #[command(subcommand)]
    bench: Bench,
}

/// The measurements.
#[derive(Subcommand, Clone)]
enum Bench {
    /// Bare grouped SQLite commits of the rows of placing an order: the machine's ceiling.
    Ceiling(CeilingOptions),
    /// Orders from placed to delivered, all services taking part, open loop, against the ceiling of the same run.
    Orders(OrdersOptions),
    /// Kills the platform at random moments while a part of the year is sent, and shows that nothing acknowledged was lost.
    Kill(KillOptions),
    /// The simulator's people and bookkeeper against a real process: killed, stopped, without room, with a provider that fails.
    Chaos(chaos::Options),
    /// Reads of the menu, against a bare handler with the same JSON.
    Menu(MenuOptions),
    /// Open order pages: how soon each hears what happens to its order, and what it costs.
    Followers(followers::Options),
    /// Twice the rate that the platform can hold: what it does goes on, what it cannot do is refused.
    Overload(overload::Options),
    /// The replayed year to the cent, and how fast, how small and how ready the platform is on it.
    Year(year::Options),
}

/// How to measure the ceiling.
#[derive(Args, Clone)]
pub struct CeilingOptions {
    /// For how long, in seconds.
    #[arg(long, default_value_t = 10.0)]
    seconds: f64,
    /// Added to every flush, in milliseconds.
    #[arg(long, default_value_t = 0)]
    flush_delay_ms: u64,
    /// The orders of a year, from which the sample is drawn.
    #[arg(long, default_value = "data/pizzaplace/pizzaplace.csv.gz")]
    file: PathBuf,
}

/// How to measure orders.
#[derive(Args, Clone)]
pub struct OrdersOptions {
    /// For how long, in seconds.
    #[arg(long, default_value_t = 60.0)]
    seconds: f64,
    /// Orders per second; a share of the ceiling when it is not given.
    #[arg(long)]
    rate: Option<f64>,
    /// The share of the ceiling to send.
    #[arg(long, default_value_t = 0.2)]
    share: f64,
    /// How long the provider takes to answer, in milliseconds.
    #[arg(long, default_value_t = 50)]
    provider_ms: u64,
    /// Added to every flush, in milliseconds.
    #[arg(long, default_value_t = 0)]
    flush_delay_ms: u64,
    /// The orders of a year, from which the load is drawn.
    #[arg(long, default_value = "data/pizzaplace/pizzaplace.csv.gz")]
    file: PathBuf,
    /// The folder for the data of the run; it is kept when given.
    #[arg(long)]
    data: Option<PathBuf>,
}

/// How to kill.
#[derive(Args, Clone)]
pub struct KillOptions {
    /// How many times.
    #[arg(long, default_value_t = 20)]
    kills: u32,
    /// How many orders are sent meanwhile, at the least; more are sent until the last kill.
    #[arg(long, default_value_t = 2_000)]
    orders: usize,
    /// Orders per second.
    #[arg(long, default_value_t = 200.0)]
    rate: f64,
    /// The longest time between a start and the next kill, in milliseconds.
    #[arg(long, default_value_t = 1_500)]
    longest_ms: u64,
    /// How the provider mock behaves, as JSON.
    #[arg(long, default_value = "{\"latency_ms\":20,\"failure_rate\":0.05,\"lost_answer_rate\":0.05}")]
    provider: String,
    /// The orders of a year.
    #[arg(long, default_value = "data/pizzaplace/pizzaplace.csv.gz")]
    file: PathBuf,
    /// The folder for the data of the run; it is kept when given.
    #[arg(long)]
    data: Option<PathBuf>,
}

/// How to measure the menu.
#[derive(Args, Clone)]
pub struct MenuOptions {
    /// For how long, in seconds, each.
    #[arg(long, default_value_t = 5.0)]
    seconds: f64,
    /// How many connections.
    #[arg(long, default_value_t = 64)]
    connections: usize,
}

impl Options {
    /// Tells whether it sends orders to a platform in a process of its own.
    pub fn is_load(&self) -> bool {
        matches!(self.bench, Bench::Orders(_) | Bench::Overload(_))
    }
}

/// Measures.
pub async fn run(options: Options) -> Result<ExitCode, Fault> {
    println!("machine       {}", machine());
    match options.bench {
        Bench::Ceiling(options) => {
            measure_ceiling(&options.file, options.seconds, options.flush_delay_ms).await?;
            Ok(ExitCode::SUCCESS)
        }
        Bench::Orders(options) => orders::run(options).await,
        Bench::Kill(options) => kill::run(options).await,
        Bench::Chaos(options) => chaos::run(options).await,
        Bench::Menu(options) => menu::run(options).await,
        Bench::Followers(options) => followers::run(options).await,
        Bench::Overload(options) => overload::run(options).await,
        Bench::Year(options) => year::run(options).await,
    }
}

/// Measures the ceiling on a thread of its own, in the folder for temporary files, and prints it.
async fn measure_ceiling(orders: &Path, seconds: f64, flush_delay_ms: u64) -> Result<f64, Fault> {
    let sample = placing::sample(orders).await?;
    let folder = child::Scratch::new()?;
    let path = folder.path().to_owned();
    #[allow(clippy::disallowed_methods)] // A measurement on real files.
    let measured = tokio::task::spawn_blocking(move || {
        ceiling::measure(&path, &sample, Duration::from_secs_f64(seconds), Duration::from_millis(flush_delay_ms))
    });
    let ceiling = measured.await.map_err(|error| Fault::internal("lab_failed", "The ceiling broke off.").because(error))??;
    println!(
        "ceiling       {:.0} orders per second: bare commits of the rows of placing an order ({:.1} rows, {:.1} kB), {} to a group",
        ceiling.rate,
        ceiling.rows,
        ceiling.bytes / 1_000.0,
        placing::ORDERS
    );
    Ok(ceiling.rate)
}

/// Names the machine: its processor and how many cores there are.
#[allow(clippy::disallowed_methods)] // A measurement names its machine.
fn machine() -> String {
    let info = std::fs::read_to_string("/proc/cpuinfo").unwrap_or_default();
    let model = info
        .lines()
        .find_map(|line| line.strip_prefix("model name"))
        .and_then(|line| line.split(':').nth(1))
        .unwrap_or("unknown")
        .trim()
        .to_owned();
    let cores = std::thread::available_parallelism().map_or(1, std::num::NonZero::get);
    format!("{model}, {cores} cores")
}
