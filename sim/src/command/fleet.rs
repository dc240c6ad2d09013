//! Many worlds, in as many processes as there are cores. A process, not a thread: SQLite has its chance from one seed of
//! the process, and every world sets it.

use std::io::{BufRead, BufReader, IsTerminal, Write};
use std::process::{Child, Command, Stdio};
use std::sync::mpsc;
use std::time::{Duration, Instant};

use super::busy::Busy;
use super::say::say;
use super::script::Cli;
use super::sums::Sums;
use crate::run::Ground;

/// How often progress is told where no line can be written over.
const EVERY: Duration = Duration::from_secs(10);
/// How often it is on a terminal.
const BLINK: Duration = Duration::from_millis(500);

/// Which seeds are lived, and for how long.
#[derive(Debug, Clone, Copy)]
pub struct Span {
    /// The first.
    pub first: u64,
    /// The one after the last.
    pub end: u64,
    /// No world begins after this.
    pub time: Option<Duration>,
}

/// Lives the share of a worker, `k/n`: each n-th world from the k-th on. Its sums go out line by line.
pub fn work(cli: &Cli, share: &str) -> Result<(), String> {
    let wrong = || format!("{share} is no share");
    let (which, of) = share.split_once('/').ok_or_else(wrong)?;
    let (which, of): (u64, u64) = (which.parse().map_err(|_| wrong())?, of.parse().map_err(|_| wrong())?);
    let (first, end) = cli.range()?.ok_or_else(wrong)?;
    let (mut busy, ground, started) = (Busy::begin(), Ground::new()?, Instant::now());
    let mut out = std::io::stdout();
    let mut seed = first + which;
    while seed < end && cli.time.is_none_or(|time| started.elapsed() < time) {
        let mut sums = Sums::of(&ground.live(&cli.script(seed)));
        sums.busy_micros = u64::try_from(busy.lap().as_micros()).unwrap_or(u64::MAX);
        let line = serde_json::to_string(&sums).map_err(|error| error.to_string())?;
        // Nobody listens any more: the command was ended.
        if writeln!(out, "{line}").is_err() {
            return Ok(());
        }
        seed += of;
    }
    Ok(())
}

/// Lives all worlds of a span and gives their sums.
pub fn run(cli: &Cli, span: Span) -> Result<Sums, String> {
    let jobs = cli.jobs.unwrap_or_else(|| std::thread::available_parallelism().map_or(1, usize::from));
    let jobs = jobs.clamp(1, usize::try_from(span.end - span.first).unwrap_or(usize::MAX));
    let (send, sums) = mpsc::channel();
    let mut workers = Vec::new();
    for which in 0..jobs {
        let mut worker = begin(cli, span, which, jobs).map_err(|error| format!("a worker cannot be started: {error}"))?;
        let (send, lines) = (send.clone(), worker.stdout.take());
        let reader = std::thread::spawn(move || {
            let mut lived = 0;
            for line in lines.into_iter().flat_map(|lines| BufReader::new(lines).lines()).map_while(Result::ok) {
                let _ = send.send(serde_json::from_str::<Sums>(&line).map_err(|error| format!("{error}: {line}")));
                lived += 1;
            }
            lived
        });
        workers.push((worker, reader));
    }
    drop(send);
    let mut whole = gathered(&sums)?;
    for (which, (mut worker, reader)) in (0..).zip(workers) {
        let status = worker.wait().map_err(|error| error.to_string())?;
        let lived: u64 = reader.join().map_err(|_| "a worker was not understood".to_owned())?;
        if status.code() == Some(i32::from(super::MISUSED)) {
            return Err("a worker could not begin".to_owned());
        }
        if !status.success() {
            let seed = span.first + which + lived * jobs as u64;
            let verdict = format!("seed {seed} broke a promise: its process ended with {status}");
            say!("{verdict}");
            whole.broken.insert(seed, verdict);
            whole.died.insert(seed);
        }
    }
    Ok(whole)
}

fn begin(cli: &Cli, span: Span, which: usize, jobs: usize) -> std::io::Result<Child> {
    let mut command = Command::new(std::env::current_exe()?);
    command.args(["--share", &format!("{which}/{jobs}"), "--seeds", &format!("{}..{}", span.first, span.end)]);
    if let Some(time) = span.time {
        command.args(["--for", &format!("{}s", time.as_secs())]);
    }
    command.args(super::script::options(&cli.script(0)).split_whitespace());
    command.stdin(Stdio::null()).stdout(Stdio::piped()).spawn()
}

/// Adds up what comes in, and shows how it goes.
fn gathered(sums: &mpsc::Receiver<Result<Sums, String>>) -> Result<Sums, String> {
    let (started, mut told) = (Instant::now(), Instant::now());
    let is_terminal = std::io::stderr().is_terminal();
    let every = if is_terminal { BLINK } else { EVERY };
    let mut whole = Sums::default();
    loop {
        match sums.recv_timeout(every) {
            Ok(sums) => {
                let sums = sums?;
                for verdict in sums.broken.values() {
                    clear(is_terminal);
                    say!("{verdict}");
                }
                whole.add(&sums);
            }
            Err(mpsc::RecvTimeoutError::Timeout) => {}
            Err(mpsc::RecvTimeoutError::Disconnected) => break,
        }
        if told.elapsed() >= every {
            told = Instant::now();
            clear(is_terminal);
            eprint!("{}{}", whole.progress(started.elapsed()), if is_terminal { "" } else { "\n" });
        }
    }
    clear(is_terminal);
    Ok(whole)
}

fn clear(is_terminal: bool) {
    if is_terminal {
        eprint!("\r\x1b[K");
    }
}
