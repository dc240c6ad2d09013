//! The command: one world with its story, or many with what was exercised.

pub mod script;
pub mod shrink;
pub mod sums;

use std::process::ExitCode;
use std::time::{Duration, Instant};

use clap::Parser;

use crate::run::{Ended, Ground};
use crate::story::text;
use script::Cli;
use shrink::Shrunk;
use sums::Sums;

/// All promises were kept.
const KEPT: u8 = 0;
/// A promise was broken.
const BROKEN: u8 = 1;
/// The command was not understood, or could not be carried out.
const MISUSED: u8 = 2;
/// How many broken worlds are looked at closely.
const TOLD_MAX: usize = 3;

/// Does what the command line says; the exit status says how it went.
pub fn main() -> ExitCode {
    let cli = Cli::parse();
    match run(&cli) {
        Ok(true) => ExitCode::from(KEPT),
        Ok(false) => ExitCode::from(BROKEN),
        Err(error) => {
            eprintln!("sim: {error}");
            ExitCode::from(MISUSED)
        }
    }
}

fn run(cli: &Cli) -> Result<bool, String> {
    let ground = Ground::new()?;
    if let Some(seed) = cli.seed {
        return one(cli, &ground, seed);
    }
    let seeds = cli.range()?;
    let started = Instant::now();
    let time = seeds.is_none().then_some(cli.time);
    let (first, end) = seeds.unwrap_or_else(|| (base(), u64::MAX));
    if let Some(time) = time {
        println!("from seed {first} on, for {} s", time.as_secs());
    }
    let mut sums = Sums::default();
    for seed in first..end {
        if time.is_some_and(|time| started.elapsed() >= time) {
            break;
        }
        let ended = ground.live(&cli.script(seed));
        if !ended.wrong.is_empty() {
            println!("{}", sums::verdict(&ended));
        }
        sums.add(&Sums::of(&ended));
    }
    sums.tell(started.elapsed());
    for seed in sums.broken.keys().take(TOLD_MAX) {
        one(cli, &ground, *seed)?;
    }
    Ok(sums.broken.is_empty())
}

/// The seed from which fresh worlds are counted: another at every call.
fn base() -> u64 {
    let now = std::time::SystemTime::now().duration_since(std::time::UNIX_EPOCH);
    now.unwrap_or(Duration::ZERO).as_secs()
}

/// Lives one world; when it breaks a promise, tells why and makes it smaller.
fn one(cli: &Cli, ground: &Ground, seed: u64) -> Result<bool, String> {
    let script = cli.script(seed);
    let told = cli.order.is_some() || cli.html.is_some();
    let (mut ended, mut notes) = if told { ground.tell(&script) } else { (ground.live(&script), Vec::new()) };
    println!("seed {seed}: trace {:016x}, {} steps, {:?} of its own time", ended.trace, ended.steps, ended.lasted);
    if !ended.wrong.is_empty() && !told {
        let lived = ended.trace;
        (ended, notes) = ground.tell(&script);
        if ended.trace != lived {
            println!("told, it went another way ({:016x}): something depends on more than the seed", ended.trace);
        }
    }
    println!("{}", sums::verdict(&ended));
    let order = cli.order.clone().or_else(|| concerned(&ended));
    if let Some(order) = order {
        println!("the story of {order}: second of the world, node, who, what; `!` marks what went wrong");
        for line in text::page(&order, &notes) {
            println!("{line}");
        }
    }
    if ended.wrong.is_empty() {
        return Ok(true);
    }
    if !cli.whole {
        let Shrunk { script, ended, tries } = shrink::smallest(ground, &script, &ended);
        println!("the smallest of {tries} worlds that still breaks {}:", promise(&ended));
        println!("{}", sums::verdict(&ended));
        println!("  again: {}", script::command(&script));
    }
    Ok(false)
}

/// Finds the order that a broken promise is about.
fn concerned(ended: &Ended) -> Option<String> {
    ended.wrong.iter().find_map(|wrong| crate::story::order::concerned(wrong))
}

/// Names the promise that was broken first.
fn promise(ended: &Ended) -> String {
    ended.wrong.first().map(|wrong| shrink::promise(wrong)).unwrap_or_default()
}
