//! The command: one world with its story, or many with what was exercised.

pub mod busy;
pub mod fleet;
pub mod grave;
pub mod known;
pub mod say;
pub mod script;
pub mod shrink;
pub mod sums;
pub mod table;

use std::process::ExitCode;
use std::time::{Duration, Instant};

use clap::Parser;

use crate::mistakes;
use crate::run::{Ended, Ground};
use crate::story::{html, text};
use fleet::Span;
use say::say;
use script::Cli;
use shrink::Shrunk;
use sums::Sums;

/// All promises were kept.
const KEPT: u8 = 0;
/// A promise was broken.
const BROKEN: u8 = 1;
/// The command was not understood, or could not be carried out.
const MISUSED: u8 = 2;
/// For how long fresh worlds are lived unless somebody says.
const TIME: Duration = Duration::from_secs(60);
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
    if let Some(share) = &cli.share {
        return fleet::work(cli, share).map(|()| true);
    }
    if cli.mistakes {
        mistakes::list();
        return Ok(true);
    }
    if let Some(name) = &cli.mistake {
        return mistaken(cli, name);
    }
    if let Some(seed) = cli.seed {
        return one(cli, &Ground::new()?, seed);
    }
    let seeds = cli.range()?;
    let mut sums = if cli.fresh { Sums::default() } else { graves()? };
    let time = cli.time.or_else(|| seeds.is_none().then_some(TIME));
    let (first, end) = seeds.unwrap_or_else(|| (base(), u64::MAX));
    let until = if end == u64::MAX { String::new() } else { format!(" to {}", end - 1) };
    say!("from seed {first}{until}{}", time.map_or_else(String::new, |time| format!(", for {} s", time.as_secs())));
    let started = Instant::now();
    let found = fleet::run(cli, Span { first, end, time })?;
    found.tell(started.elapsed());
    sums.add(&found);
    if found.broken.is_empty() && !sums.broken.is_empty() {
        say!("a world of the graveyard breaks a promise again");
    }
    // One that took its process with it would take this one too.
    for seed in found.broken.keys().filter(|seed| !found.died.contains(seed)).take(TOLD_MAX) {
        one(cli, &Ground::new()?, *seed)?;
    }
    Ok(sums.broken.is_empty())
}

/// Lives worlds whose platform commits a mistake: one with its story, or as many as it takes until a checker sees it.
fn mistaken(cli: &Cli, name: &str) -> Result<bool, String> {
    let ground = Ground::new()?;
    let mistake = mistakes::named(name).ok_or_else(|| format!("there is no mistake {name}; `--mistakes` lists them"))?;
    if let Some(seed) = cli.seed {
        base::mutant::choose(Some(mistake));
        return one(cli, &ground, seed);
    }
    let (first, end) = cli.range()?.unwrap_or((1, mistakes::SEEDS_END));
    let started = Instant::now();
    Ok(mistakes::hunt(&ground, mistake, first..end, cli.customers).tell(mistake, started.elapsed()))
}

/// Lives the worlds of the graveyard; those that break a promise again are told.
fn graves() -> Result<Sums, String> {
    let (graves, mut sums) = (grave::read()?, Sums::default());
    if graves.is_empty() {
        return Ok(sums);
    }
    let ground = Ground::new()?;
    for grave in &graves {
        let ended = ground.live(&grave.script);
        sums.add(&Sums::of(&ended));
        if !ended.wrong.is_empty() {
            say!("{}\n  it taught: {}\n  again: {}", sums::verdict(&ended), grave.lesson, script::command(&grave.script));
        }
    }
    let others = graves.iter().filter(|grave| !grave.is_same_world()).count();
    let note = if others > 0 { format!("; {others} are other worlds by now") } else { String::new() };
    say!("graveyard: {} worlds lived again, {} break a promise{note}", graves.len(), sums.broken.len());
    Ok(sums)
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
    say!("seed {seed}: trace {:016x}, {} steps, {:?} of its own time", ended.trace, ended.steps, ended.lasted);
    if !ended.wrong.is_empty() && !told {
        let lived = ended.trace;
        (ended, notes) = ground.tell(&script);
        if ended.trace != lived {
            say!("told, it went another way ({:016x}): something depends on more than the seed", ended.trace);
        }
    }
    say!("{}", sums::verdict(&ended));
    let order = cli.order.clone().or_else(|| concerned(&ended));
    if let Some(file) = &cli.html {
        let title = format!("The story of the world of seed {seed}");
        let page = html::page(&title, &ended.wrong, order.as_deref(), &notes);
        std::fs::write(file, page).map_err(|error| format!("{}: {error}", file.display()))?;
        say!("the story stands in {}", file.display());
    }
    if order.is_none() && !ended.wrong.is_empty() {
        say!("no one order is concerned; `--html FILE` shows the whole world");
    }
    if let Some(order) = order {
        say!("the story of {order}: second of the world, node, who, what; `!` marks what went wrong");
        for line in text::page(&order, &notes) {
            say!("{line}");
        }
    }
    if ended.wrong.is_empty() {
        return Ok(true);
    }
    if !cli.whole {
        let Shrunk { script, ended, tries } = shrink::smallest(ground, &script, &ended);
        say!("the smallest of {tries} worlds that still breaks {}:", promise(&ended));
        say!("{}", sums::verdict(&ended));
        let mistake = cli.mistake.as_ref().map_or_else(String::new, |name| format!(" --mistake {name}"));
        say!("  again: {}{mistake}", script::command(&script));
        // A world that breaks only by a planted mistake teaches nothing.
        if cli.bury && cli.mistake.is_none() {
            grave::bury(&script, &promise(&ended))?;
        }
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
