//! The single writer: many writes, one flush.
//!
//! Waiting writes share a transaction and run without savepoints, because nearly all of them succeed. One that misses
//! its guard before it changed anything is simply refused. When one misses or fails later, the whole group is undone
//! and run again with a savepoint for each.

use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::Arc;
use std::time::Duration;

use base::{Event, Fault, Mistake, planted};
use metrics::{Counter, Histogram, counter, histogram};
use rusqlite::{Connection, Params, Statement};

use crate::checkpoint::Checkpoints;
use crate::error::{certainly_not_committed, fault};
use crate::held::Held;
use crate::log::Appender;
use crate::tail::Tail;
use crate::text::Text;
use crate::{WriteError, meta};

/// How many statements the writer keeps prepared: every statement of every service.
const STATEMENTS_MAX: usize = 2_048;

/// What a write says of itself when it has run.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Verdict {
    /// All is done, and may be committed.
    Done,
    /// A guard did not hold, at this step: nothing of the write may stay.
    Missed(usize),
}

/// How a write ended.
#[derive(Debug)]
pub enum Ended {
    /// It is on the disk.
    Done,
    /// Its guard did not hold; nothing of it stayed.
    Missed(usize),
    /// It failed; nothing of it stayed.
    Failed(Fault),
    /// The flush failed; nobody knows whether it is on the disk.
    Unknown,
}

/// One write: all of it or nothing.
pub trait Write: Send {
    /// Runs the statements. May be called twice, when another write of the group spoils the first run.
    fn run(&mut self, tx: &mut Tx<'_, '_>) -> Result<Verdict, WriteError>;

    /// Tells how it ended; called exactly once. Must be quick: it holds up all other writes.
    fn ended(self: Box<Self>, ended: Ended);
}

/// What a write may touch while it runs.
pub struct Tx<'a, 'c> {
    connection: &'c Connection,
    held: &'a mut Held<'c>,
    log: &'a mut Appender,
    appended: &'a mut Vec<Arc<Event>>,
}

impl Tx<'_, '_> {
    /// Runs a statement and gives how many rows it changed, or gave back.
    pub fn execute(&mut self, text: &str, params: impl Params) -> rusqlite::Result<u64> {
        run(&mut *self.connection.prepare_cached(text)?, params)
    }

    /// Does the same with a text of [`crate::text`], whose statement stays in hand.
    pub fn run(&mut self, text: &Text, params: impl Params) -> rusqlite::Result<u64> {
        run(self.held.get(self.connection, text)?, params)
    }

    /// Gives the connection, for reading what is there and for statements of many kinds.
    pub fn connection(&self) -> &Connection {
        self.connection
    }

    /// Writes what the file knows of itself.
    pub fn set_meta(&mut self, key: &str, value: &str) -> rusqlite::Result<()> {
        meta::set(self.connection, key, value)
    }

    /// Puts an event (see [`crate::event`]) at the end of the log and gives its place.
    pub fn append(&mut self, event: &mut Arc<Event>) -> rusqlite::Result<i64> {
        let seq = self.log.append(self.connection, self.held, event)?;
        self.appended.push(event.clone());
        Ok(seq)
    }

    /// Gives the highest place in the log that was ever given away.
    pub(crate) fn high(&self) -> i64 {
        self.log.high
    }
}

fn run(statement: &mut Statement<'_>, params: impl Params) -> rusqlite::Result<u64> {
    if statement.column_count() == 0 {
        return statement.execute(params).map(|rows| rows as u64);
    }
    let mut rows = statement.query(params)?;
    let mut count = 0;
    while rows.next()?.is_some() {
        count += 1;
    }
    Ok(count)
}

/// The result of one write's run.
enum Ran {
    Done,
    Missed(usize),
    Failed(Fault),
}

pub(crate) struct Writer {
    connection: Connection,
    state: State,
}

/// What the writer knows beside its connection.
struct State {
    checkpoints: Checkpoints,
    log: Appender,
    tail: Arc<Tail>,
    flush_delay: Option<Duration>,
    per_flush: Histogram,
    flush_seconds: Histogram,
    redone: Counter,
}

impl Writer {
    pub(crate) fn new(
        connection: Connection,
        checkpoints: Checkpoints,
        log: Appender,
        tail: Arc<Tail>,
        flush_delay: Option<Duration>,
    ) -> Writer {
        connection.set_prepared_statement_cache_capacity(STATEMENTS_MAX);
        let state = State {
            checkpoints,
            log,
            tail,
            flush_delay,
            per_flush: histogram!("comanda_store_commits_per_flush"),
            flush_seconds: histogram!("comanda_store_flush_seconds"),
            redone: counter!("comanda_store_groups_redone_total"),
        };
        Writer { connection, state }
    }

    /// Gives the connection while no group is open on it.
    pub(crate) fn at_rest(&self) -> Option<&Connection> {
        self.connection.is_autocommit().then_some(&self.connection)
    }

    /// Begins to work: the statements that are used stay in hand until the end of it.
    pub(crate) fn at_work(&mut self) -> AtWork<'_> {
        AtWork { connection: &self.connection, held: Held::default(), state: &mut self.state }
    }
}

impl Drop for Writer {
    fn drop(&mut self) {
        // This connection is to be the last: it puts away what is left, and removes the log.
        self.state.checkpoints.end(&self.connection);
    }
}

/// The writer with its statements in hand.
pub(crate) struct AtWork<'c> {
    connection: &'c Connection,
    held: Held<'c>,
    state: &'c mut State,
}

impl AtWork<'_> {
    /// Runs and ends a group of writes.
    pub(crate) fn group(&mut self, mut writes: Vec<Box<dyn Write>>) {
        let mut appended = Vec::new();
        let ended = match self.transaction(&mut writes, &mut appended) {
            Ok(ran) => self.commit(ran, appended),
            Err(fault) => {
                // Nothing may stay open, or nobody could ever begin again.
                if let Err(undone) = self.undo() {
                    tracing::error!(%undone, "a failed group could not be undone; it is tried again");
                }
                writes.iter().map(|_| Ended::Failed(fault.clone())).collect()
            }
        };
        let in_need = ended.iter().any(|ended| matches!(ended, Ended::Failed(fault) if fault.code == "disk_full"));
        for (write, ended) in writes.into_iter().zip(ended) {
            write.ended(ended);
        }
        self.state.checkpoints.look(self.connection, in_need);
    }

    /// Leaves a transaction open in which all writes that can be done are done; or none, and a fault that is everybody's.
    fn transaction(&mut self, writes: &mut [Box<dyn Write>], appended: &mut Vec<Arc<Event>>) -> Result<Vec<Ran>, Fault> {
        if !self.connection.is_autocommit() {
            self.undo()?;
        }
        self.execute("begin immediate")?;
        if let Some(ran) = self.without_savepoints(writes, appended)? {
            return Ok(ran);
        }
        self.state.redone.increment(1);
        appended.clear();
        self.undo()?;
        self.execute("begin immediate")?;
        self.with_savepoints(writes, appended)
    }

    /// Gives none when a write has spoilt the transaction for the others.
    fn without_savepoints(
        &mut self,
        writes: &mut [Box<dyn Write>],
        appended: &mut Vec<Arc<Event>>,
    ) -> Result<Option<Vec<Ran>>, Fault> {
        let mut all = Vec::with_capacity(writes.len());
        for write in writes {
            let changes = self.connection.total_changes();
            let ran = self.run(write, appended)?;
            let spoilt = match ran {
                Ran::Done => false,
                Ran::Missed(_) => self.connection.total_changes() != changes,
                // A new table is not counted as a change, so a failure is always undone.
                Ran::Failed(_) => true,
            };
            if spoilt {
                return Ok(None);
            }
            all.push(ran);
        }
        Ok(Some(all))
    }

    fn with_savepoints(&mut self, writes: &mut [Box<dyn Write>], appended: &mut Vec<Arc<Event>>) -> Result<Vec<Ran>, Fault> {
        let mut all = Vec::with_capacity(writes.len());
        for write in writes {
            self.execute("savepoint one")?;
            let (events, changes) = (appended.len(), self.connection.total_changes());
            let ran = self.run(write, appended)?;
            if !matches!(ran, Ran::Done) && !planted(Mistake::RefusedHalfStays) {
                self.execute("rollback to one")?;
                appended.truncate(events);
                // A kind of event that was new is gone with the rows, so the numbers are read again.
                if self.connection.total_changes() != changes {
                    self.state.log.reload(self.connection).map_err(|error| fault(&error))?;
                }
            }
            self.execute("release one")?;
            all.push(ran);
        }
        Ok(all)
    }

    /// Runs one write. A fault means that SQLite has given up the transaction of the whole group.
    fn run(&mut self, write: &mut Box<dyn Write>, appended: &mut Vec<Arc<Event>>) -> Result<Ran, Fault> {
        let mut tx = Tx { connection: self.connection, held: &mut self.held, log: &mut self.state.log, appended };
        // A write that panics fails alone; the writer serves everybody.
        let ran = match catch_unwind(AssertUnwindSafe(|| write.run(&mut tx))) {
            Ok(Ok(Verdict::Done)) => Ran::Done,
            Ok(Ok(Verdict::Missed(step))) => Ran::Missed(step),
            Ok(Err(error)) => Ran::Failed(error.fault()),
            Err(_panic) => Ran::Failed(Fault::internal("store_panicked", "A write has a defect; nothing of it was kept.")),
        };
        match ran {
            Ran::Failed(fault) if self.connection.is_autocommit() => {
                self.reload();
                Err(fault)
            }
            ran => Ok(ran),
        }
    }

    fn commit(&mut self, ran: Vec<Ran>, appended: Vec<Arc<Event>>) -> Vec<Ended> {
        let done = ran.iter().filter(|ran| matches!(ran, Ran::Done)).count();
        if done > 0 {
            self.delay();
        }
        let early = planted(Mistake::HeardBeforeTheFlush);
        if early {
            self.state.tail.push(appended.clone());
        }
        let watch = Stopwatch::start();
        let flushed = self.connection.prepare_cached("commit").and_then(|mut commit| commit.execute([]));
        let failed: Option<Option<Fault>> = match flushed {
            Ok(_) => {
                self.state.log.keep();
                if done > 0 {
                    #[allow(clippy::cast_precision_loss)]
                    self.state.per_flush.record(done as f64);
                    self.state.flush_seconds.record(watch.seconds());
                }
                if !early {
                    self.state.tail.push(appended);
                }
                None
            }
            Err(error) => {
                let certain = self.undo().is_ok() && certainly_not_committed(&error);
                tracing::error!(%error, certain, writes = done, "a flush failed");
                if !early {
                    self.state.tail.forget(self.state.log.high, self.state.log.certain);
                }
                Some(certain.then(|| fault(&error)))
            }
        };
        let end = |ran| match (ran, &failed) {
            (Ran::Missed(step), _) => Ended::Missed(step),
            (Ran::Failed(fault), _) => Ended::Failed(fault),
            (Ran::Done, None) => Ended::Done,
            (Ran::Done, Some(Some(fault))) => Ended::Failed(fault.clone()),
            (Ran::Done, Some(None)) => Ended::Unknown,
        };
        ran.into_iter().map(end).collect()
    }

    /// Rolls back, if there is anything to roll back, and finds out again how far the log had come.
    fn undo(&mut self) -> Result<(), Fault> {
        let undone = if self.connection.is_autocommit() { Ok(()) } else { self.execute("rollback") };
        if self.reload() && undone.is_ok() {
            self.state.log.keep();
        }
        undone
    }

    /// Tells whether it was found out how far the log had come.
    fn reload(&mut self) -> bool {
        let reloaded = self.state.log.reload(self.connection);
        if let Err(error) = &reloaded {
            tracing::error!(%error, "the end of the log cannot be read");
        }
        reloaded.is_ok()
    }

    fn execute(&self, text: &str) -> Result<(), Fault> {
        let done = self.connection.prepare_cached(text).and_then(|mut statement| statement.execute([]));
        done.map(|_| ()).map_err(|error| fault(&error))
    }

    /// Makes the flush as slow as on a slow disk, when asked to.
    #[allow(clippy::disallowed_methods)]
    fn delay(&self) {
        if let Some(delay) = self.state.flush_delay {
            std::thread::sleep(delay); // allowed: it stands for a slow disk, on the writer's own thread
        }
    }
}

/// Measures how long a flush takes; nothing is decided by it, so it may read the machine's clock.
struct Stopwatch(std::time::Instant);

#[allow(clippy::disallowed_methods)]
impl Stopwatch {
    fn start() -> Stopwatch {
        Stopwatch(std::time::Instant::now())
    }

    fn seconds(&self) -> f64 {
        self.0.elapsed().as_secs_f64()
    }
}
