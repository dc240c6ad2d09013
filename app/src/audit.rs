//! The audit: checks the promises on the data of a platform, its provider's books and a client's journal.

use std::path::{Path, PathBuf};
use std::process::ExitCode;
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use audit::{Inputs, JournalEntry, Report};
use base::id::{Id, OrderId};
use base::{Fault, PlatformKey, Timestamp};
use clap::Args;

use crate::replay::journal;

/// What to audit.
#[derive(Args, Clone)]
pub struct Options {
    /// The data folder of the platform, which may be running.
    #[arg(long, default_value = "comanda-data")]
    pub data: PathBuf,
    /// The journal of a client: what was acknowledged to it. Without one a lost order cannot be seen.
    #[arg(long)]
    pub journal: Option<PathBuf>,
    /// Nothing is on its way any more: open orders are violations.
    #[arg(long)]
    pub at_rest: bool,
    /// How long an order may take in all, in hours.
    #[arg(long, default_value_t = 36)]
    pub deadline_hours: u64,
    /// Prints the report as JSON.
    #[arg(long)]
    pub json: bool,
}

impl Options {
    /// Audits a data folder, at rest or while orders flow.
    pub fn of(data: PathBuf, journal: Option<PathBuf>, at_rest: bool) -> Options {
        Options { data, journal, at_rest, deadline_hours: 36, json: false }
    }
}

/// How often a platform that should be at rest is looked at again while something still changes.
const LOOKS_MAX: u32 = 20;
/// The pause between two looks.
const PAUSE: Duration = Duration::from_millis(500);

/// Audits, prints the report, and fails when a promise was not kept.
///
/// The last order has ended a moment before everybody has heard of it: a platform that should be at rest is looked at
/// again until it is clean or nothing changes any more.
#[allow(clippy::disallowed_methods)] // A command of its own, on the clock of the wall.
pub async fn run(options: Options) -> Result<ExitCode, Fault> {
    let json = options.json;
    let (mut report, key) = look(options.clone()).await?;
    for _ in 1..LOOKS_MAX {
        if report.is_clean() || !options.at_rest {
            break;
        }
        tokio::time::sleep(PAUSE).await;
        let (again, _) = look(options.clone()).await?;
        if again == report {
            break;
        }
        report = again;
    }
    if json {
        println!("{:#}", report.json(&key));
    } else {
        print!("{}", report.text(&key));
        let count = report.count();
        println!("{}", if count == 0 { "Every promise was kept.".to_owned() } else { format!("{count} violations.") });
    }
    Ok(if report.is_clean() { ExitCode::SUCCESS } else { ExitCode::FAILURE })
}

/// Audits, and gives the report with the key by which its ids are shown.
#[allow(clippy::disallowed_methods)] // A command that works on files: it blocks, away from the threads that serve.
pub async fn look(options: Options) -> Result<(Report, PlatformKey), Fault> {
    let looking = tokio::task::spawn_blocking(move || look_here(&options));
    looking.await.map_err(|error| Fault::internal("audit_failed", "The audit broke off.").because(error))?
}

#[allow(clippy::disallowed_methods)] // A command that works on files, at the time of the wall.
fn look_here(options: &Options) -> Result<(Report, PlatformKey), Fault> {
    let database = options.data.join("comanda.db");
    if !database.exists() {
        return Err(Fault::not_found("no_data", format!("{} holds no data of a platform.", options.data.display())));
    }
    let since = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
    let now = Timestamp::from_micros(i64::try_from(since.as_micros()).unwrap_or(i64::MAX));
    let key = key_of(&options.data.join("platform.key"))?;
    let books = options.data.join("provider").join("provider.db");
    let mut inputs = Inputs::new(&database, &key, now);
    inputs.provider_books = books.exists().then_some(books.as_path());
    inputs.at_rest = options.at_rest;
    inputs.order_deadline = Duration::from_secs(options.deadline_hours.saturating_mul(3_600));
    if let Some(path) = &options.journal {
        inputs.journal = entries(path, &key)?;
    }
    let report = audit::run(&inputs)?;
    Ok((report, key))
}

#[allow(clippy::disallowed_methods)] // The secret is read, never made: an audit changes nothing.
fn key_of(path: &Path) -> Result<PlatformKey, Fault> {
    let text = std::fs::read_to_string(path)
        .map_err(|error| Fault::not_found("no_platform_key", format!("{} cannot be read.", path.display())).because(error))?;
    host::key_of(&text)
}

fn entries(path: &Path, key: &PlatformKey) -> Result<Vec<JournalEntry>, Fault> {
    if !path.exists() {
        return Err(Fault::not_found("no_journal", format!("There is no journal {}.", path.display())));
    }
    let known = journal::read(path)?;
    let entry = |entry: &journal::Entry| {
        let order_id = OrderId::read(&entry.order_id, key).map_err(|fault| {
            Fault::invalid(
                "foreign_journal",
                format!("{} is no order of this platform: is it the journal of another one?", entry.order_id),
            )
            .because(fault)
        })?;
        Ok(JournalEntry { reference: entry.reference.clone(), order_id, total_minor: entry.total_minor })
    };
    known.values().map(entry).collect()
}
