//! `cargo sim`: lives worlds by their seeds and says which broke a promise.

#![allow(clippy::disallowed_methods)] // A command of its own: it reads the wall's clock to say how fast it is.

use std::collections::BTreeMap;
use std::process::ExitCode;
use std::time::{Duration, Instant};

use clap::Parser;
use sim::run::{Ended, Ground, Script};
use sim::weather::Trouble;

/// Worlds make and drop many small things.
#[global_allocator]
static ALLOCATOR: mimalloc::MiMalloc = mimalloc::MiMalloc;

/// Lives worlds by their seeds.
#[derive(Parser)]
#[command(name = "sim")]
struct Cli {
    /// One world.
    #[arg(long, conflicts_with_all = ["seeds", "minutes"])]
    seed: Option<u64>,
    /// Worlds from one seed up to another: `1..100`.
    #[arg(long, conflicts_with = "minutes")]
    seeds: Option<String>,
    /// As many worlds as there is time for, in minutes, from a seed on that is printed.
    #[arg(long = "for")]
    minutes: Option<f64>,
    /// How many customers come to each world.
    #[arg(long, default_value_t = 50)]
    customers: u64,
}

fn main() -> ExitCode {
    let cli = Cli::parse();
    let ground = match Ground::new() {
        Ok(ground) => ground,
        Err(error) => {
            eprintln!("sim: {error}");
            return ExitCode::FAILURE;
        }
    };
    let (mut next, last) = match (&cli.seed, &cli.seeds) {
        (Some(seed), _) => (*seed, *seed),
        (None, Some(range)) => match range.split_once("..").map(|(a, b)| (a.parse::<u64>(), b.parse::<u64>())) {
            Some((Ok(first), Ok(end))) if end > first => (first, end - 1),
            _ => {
                eprintln!("sim: `--seeds` is a range such as 1..100.");
                return ExitCode::FAILURE;
            }
        },
        (None, None) => {
            let now = std::time::SystemTime::now().duration_since(std::time::UNIX_EPOCH).unwrap_or_default();
            (now.as_secs(), u64::MAX)
        }
    };
    let started = Instant::now();
    let time = Duration::from_secs_f64(cli.minutes.unwrap_or(1.0) * 60.0);
    if last == u64::MAX {
        println!("from seed {next} on, for {} s", time.as_secs());
    }
    let mut sums = Sums::default();
    while next <= last && (last != u64::MAX || started.elapsed() < time) {
        let script = Script { seed: next, customers: cli.customers, spared: vec![] };
        sums.add(&ground.live(&script), cli.seed.is_some());
        next += 1;
    }
    sums.tell(started.elapsed());
    if sums.broken.is_empty() { ExitCode::SUCCESS } else { ExitCode::FAILURE }
}

#[derive(Default)]
struct Sums {
    worlds: u64,
    orders: u64,
    steps: u64,
    struck: BTreeMap<Trouble, u64>,
    counts: BTreeMap<&'static str, u64>,
    broken: Vec<u64>,
}

impl Sums {
    fn add(&mut self, ended: &Ended, whole: bool) {
        self.worlds += 1;
        self.orders += ended.orders;
        self.steps += ended.steps;
        for (trouble, count) in &ended.struck {
            *self.struck.entry(*trouble).or_default() += count;
        }
        for (what, count) in &ended.counts {
            *self.counts.entry(what).or_default() += count;
        }
        if whole {
            println!(
                "seed {}: trace {:016x}, {} steps, {:?} of its own time",
                ended.seed, ended.trace, ended.steps, ended.lasted
            );
        }
        if !ended.wrong.is_empty() {
            self.broken.push(ended.seed);
            println!("seed {} broke a promise; it had {:?}", ended.seed, ended.troubles);
            for wrong in ended.wrong.iter().take(12) {
                println!("  {wrong}");
            }
            println!("  again: cargo sim --seed {}", ended.seed);
        }
    }

    fn tell(&self, took: Duration) {
        let seconds = took.as_secs_f64().max(0.001);
        println!(
            "{} worlds, {} orders, {} steps in {seconds:.1} s: {:.1} worlds and {:.0} orders per second",
            self.worlds,
            self.orders,
            self.steps,
            self.worlds as f64 / seconds,
            self.orders as f64 / seconds
        );
        println!("people: {:?}", self.counts);
        println!("struck: {:?}", self.struck);
        let never: Vec<Trouble> = Trouble::ALL.into_iter().filter(|trouble| !self.struck.contains_key(trouble)).collect();
        if !never.is_empty() {
            println!("never struck: {never:?}");
        }
        match self.broken.len() {
            0 => println!("every promise was kept"),
            count => println!("{count} worlds broke a promise: {:?}", self.broken),
        }
    }
}
