//! Audit: looks at the data of a platform, and says where a promise was not kept.
//!
//! Owns: the checks, one folder page per promise. Promises: one snapshot of the data, so that a running platform can be
//! audited; a check that cannot run says so.
//! Never: writes to what it looks at, or trusts one table where two can be compared.
//! Start reading at [`run`], then `promises/`.

mod check;
mod facts;
mod promises;
mod report;
mod snapshot;

use std::path::Path;
use std::time::Duration;

use base::id::OrderId;
use base::{Fault, PlatformKey, Timestamp};

pub use check::Check;
pub use report::{Facts, Promise, Report, Rest, Violation};

use snapshot::Snapshot;

/// How many violations of one check are named; of the others only the number is told.
pub const NAMED_MAX: usize = 100;

/// An order that the platform acknowledged to a client.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct JournalEntry {
    /// The client's name for it.
    pub reference: String,
    /// The order.
    pub order_id: OrderId,
    /// What the platform said it costs.
    pub total_minor: i64,
}

/// What an audit looks at, and what it may take for granted.
#[derive(Debug)]
pub struct Inputs<'a> {
    /// The file of the platform.
    pub database: &'a Path,
    /// The file of the payment provider's books, if there is one.
    pub provider_books: Option<&'a Path>,
    /// By which of SQLite's file systems the two are reached, where it is not the usual one: a simulated disk.
    pub vfs: [Option<&'a str>; 2],
    /// What was acknowledged to clients.
    pub journal: Vec<JournalEntry>,
    /// The key of the platform, to read the ids in what staff did.
    pub key: &'a PlatformKey,
    /// The present, read before the files are opened.
    pub now: Timestamp,
    /// Nothing is on its way any more: whatever is still open is a violation.
    pub at_rest: bool,
    /// How long an order may take in all.
    pub order_deadline: Duration,
    /// How far a clock may go backwards between two events of a key.
    pub clock_tolerance: Duration,
}

impl<'a> Inputs<'a> {
    /// Looks at one file with the platform's own limits, while it may be running.
    pub fn new(database: &'a Path, key: &'a PlatformKey, now: Timestamp) -> Inputs<'a> {
        Inputs {
            database,
            provider_books: None,
            vfs: [None; 2],
            journal: Vec::new(),
            key,
            now,
            at_rest: false,
            order_deadline: Duration::from_secs(36 * 3_600),
            clock_tolerance: Duration::from_secs(60),
        }
    }
}

/// Gives every check there is.
pub fn checks() -> impl Iterator<Item = &'static Check> {
    promises::ALL.iter().flat_map(|checks| checks.iter())
}

/// Runs every check on one snapshot. It blocks: call it where that is allowed.
pub fn run(inputs: &Inputs<'_>) -> Result<Report, Fault> {
    let snapshot = Snapshot::open(inputs)?;
    let mut report = Report::default();
    for check in checks() {
        check.run(&snapshot, &mut report);
    }
    facts::collect(&snapshot, inputs, &mut report.facts)?;
    Ok(report)
}
