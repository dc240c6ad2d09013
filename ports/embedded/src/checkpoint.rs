//! The log goes into the data file on a thread of its own, so that no write waits for all of it.
//!
//! That thread alone would never be done: while it works, more is added to the log, and a log begins anew only when nothing of
//! it is left. So when it has been through, the writer puts away what was added meanwhile, which is little.
//!
//! SQLite holds pages for put away before they are flushed, if more was added to the log meanwhile, and flushes them with the
//! last ones. Should that flush fail, the system may forget them (see [`crate::found`]), and no later pass writes them again: the
//! log would begin anew over the only copy. So each pass is flushed by who made it, and after a failure there is no other pass in
//! this process: the log stays, also when the file is closed, and the next start writes all of it again.

use std::sync::Arc;
use std::sync::atomic::{AtomicU32, Ordering};
use std::sync::mpsc::{Receiver, SyncSender, TryRecvError, sync_channel};
use std::thread::JoinHandle;
use std::time::Duration;

use base::Fault;
use rusqlite::{Connection, ErrorCode};

use crate::database::spawn;
use crate::error::fault;
use crate::file::{File, Which};
use crate::found;
use crate::readers::BUSY_WAIT;

/// A pass that left something, because somebody reads it or for want of room, is made again when the log has grown by this part
/// of the pages after which it is first put away.
const AGAIN: u32 = 16;
/// What the writer puts away itself is at most this part of them, unless the log is long.
const LITTLE: u32 = 4;
/// A log of so many times as much is long: the writer waits for those who read it, so that it can begin anew. When it has grown
/// by that within one pass, the writer waits for its end: the disk is slower than who writes.
const LONG: u32 = 4;

/// Waits for nobody.
const PASSIVE: &str = "pragma wal_checkpoint(passive)";
/// Waits for those who read.
const RESTART: &str = "pragma wal_checkpoint(restart)";
/// How long the writer waits for those who read the end of a long log.
const READ_WAIT: Duration = Duration::from_millis(10);

/// How a pass over the log ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Pass {
    /// So many pages were put away, and flushed; all that the log held then, or not.
    Made { put: u32, all: bool },
    /// There was no room, or somebody was in the way. Nothing is lost by it.
    Later,
    /// The disk failed: what was put away may be on it or not.
    Failed,
}

/// When the log is put away.
#[derive(Debug)]
struct Schedule {
    every: u32,
    last: u32,
    next: u32,
}

impl Schedule {
    fn new(every: u32) -> Schedule {
        Schedule { every, last: 0, next: every }
    }

    /// Tells whether a log of so many pages is to be put away; one that stands in the way of a commit is, however short.
    fn is_due(&mut self, pages: u32, in_need: bool) -> bool {
        if pages < self.last {
            self.next = self.every;
        }
        self.last = pages;
        pages >= self.next || (in_need && pages > 0)
    }

    /// Notes that all was done that could be: either the log begins anew with the next commit, or somebody reads its end.
    fn tried(&mut self) {
        let more = self.every / if self.is_long() { LITTLE } else { AGAIN };
        self.next = self.every.max(self.last + more);
    }

    /// Tells whether the log is so long that the writer had better wait.
    fn is_long(&self) -> bool {
        self.last >= self.every * LONG
    }

    /// Tells whether little is left of the log when so many pages of it are put away.
    fn is_little(&self, put: u32) -> bool {
        self.last.saturating_sub(put) <= self.every / LITTLE
    }
}

/// Who works beside the writer.
struct Beside {
    ask: SyncSender<()>,
    passes: Receiver<Pass>,
    thread: JoinHandle<()>,
}

/// Who keeps the log short.
pub(crate) struct Checkpoints {
    schedule: Schedule,
    /// How many pages the log holds, as SQLite says after each commit.
    pages: Arc<AtomicU32>,
    beside: Option<Beside>,
    /// How many it held when a pass was asked for that has not been heard of since.
    asked: Option<u32>,
    failed: bool,
}

impl Checkpoints {
    /// Takes the log of `writer` over from SQLite's own care; `beside` is another connection to the same file, without which
    /// the writer does everything itself.
    pub(crate) fn start(writer: &mut Connection, beside: Option<Connection>, every: u32) -> Result<Checkpoints, Fault> {
        let pages = Arc::new(AtomicU32::new(0));
        let told = pages.clone();
        let hook = move |_: &mut _, count| {
            told.store(u32::try_from(count).unwrap_or(0), Ordering::Relaxed);
            Ok(())
        };
        writer.wal_hook(Some(hook)).map_err(|error| fault(&error))?;
        let beside = beside.map(work_beside).transpose()?;
        Ok(Checkpoints { schedule: Schedule::new(every), pages, beside, asked: None, failed: false })
    }

    /// Looks at the log after a commit, or one that failed: `in_need`.
    pub(crate) fn look(&mut self, writer: &Connection, in_need: bool) {
        let is_due = self.schedule.is_due(self.pages.load(Ordering::Relaxed), in_need);
        if self.failed {
            return;
        }
        let pages = self.schedule.last;
        match (&self.beside, self.asked) {
            (Some(beside), Some(then)) => {
                let is_long = pages.saturating_sub(then) >= self.schedule.every * LONG;
                let pass = if is_long { beside.passes.recv().map_err(TryRecvError::from) } else { beside.passes.try_recv() };
                match pass {
                    Ok(pass) => self.after(pass, writer),
                    Err(TryRecvError::Empty) => {}
                    Err(TryRecvError::Disconnected) => self.go_on_alone(),
                }
            }
            (Some(beside), None) if is_due => match beside.ask.try_send(()) {
                Ok(()) => self.asked = Some(pages),
                Err(_) => self.go_on_alone(),
            },
            (None, _) if is_due => self.put_away(writer),
            _ => {}
        }
    }

    /// Lets the writer do everything itself from now on.
    fn go_on_alone(&mut self) {
        tracing::error!("the thread that puts the log into the data file has ended: the writer does it from now on");
        (self.beside, self.asked) = (None, None);
    }

    fn after(&mut self, pass: Pass, writer: &Connection) {
        self.asked = None;
        match pass {
            Pass::Failed => self.fail(writer),
            Pass::Made { .. } if self.schedule.is_long() => self.put_away(writer),
            Pass::Made { put, all: true } if self.schedule.is_little(put) => self.put_away(writer),
            // Much was added meanwhile, so the next pass begins at once.
            Pass::Made { all: true, .. } => {}
            Pass::Made { all: false, .. } | Pass::Later => self.schedule.tried(),
        }
    }

    fn put_away(&mut self, writer: &Connection) {
        let made = if self.schedule.is_long() { patient_pass(writer) } else { pass(writer, PASSIVE) };
        match made {
            Pass::Failed => self.fail(writer),
            Pass::Made { .. } | Pass::Later => self.schedule.tried(),
        }
    }

    fn fail(&mut self, writer: &Connection) {
        self.failed = true;
        tracing::error!(
            "the disk failed while the log was put into the data file: it grows until the next start, which writes it again"
        );
        if let Err(error) = found::checkpoint_on_close(writer, false) {
            tracing::error!(%error, "the log may be put into the data file when it is closed");
        }
    }

    /// Ends the work beside the writer, whose connection is closed next.
    pub(crate) fn end(&mut self, writer: &Connection) {
        let Some(Beside { ask, passes, thread }) = self.beside.take() else { return };
        drop(ask);
        let ended = thread.join();
        if !self.failed && (ended.is_err() || passes.try_iter().any(|pass| pass == Pass::Failed)) {
            self.fail(writer);
        }
    }
}

fn work_beside(connection: Connection) -> Result<Beside, Fault> {
    let ((ask, asked), (told, passes)) = (sync_channel(1), sync_channel(1));
    let thread = spawn("comanda-log", move || {
        while asked.recv().is_ok() {
            if told.send(pass(&connection, PASSIVE)).is_err() {
                return;
            }
        }
    })?;
    Ok(Beside { ask, passes, thread })
}

/// Puts as much of the log into the data file as nobody reads, and flushes it.
fn pass(connection: &Connection, text: &str) -> Pass {
    let pages = |row: &rusqlite::Row<'_>| Ok((row.get::<_, bool>(0)?, row.get::<_, i64>(1)?, row.get::<_, i64>(2)?));
    let made = connection.query_row(text, [], pages).and_then(|pages| {
        if let Some(file) = File::of(connection, Which::Data)? {
            file.flush()?;
        }
        Ok(pages)
    });
    match made {
        // Another program is at it, or reads it.
        Ok((true, ..)) => Pass::Later,
        Ok((false, held, put)) => Pass::Made { put: u32::try_from(put).unwrap_or(0), all: put >= held },
        Err(error) if error.sqlite_error_code() == Some(ErrorCode::SystemIoFailure) => {
            tracing::error!(%error, "the log could not be put into the data file");
            Pass::Failed
        }
        Err(error) => {
            tracing::warn!(%error, "the log could not be put into the data file; it is tried again");
            Pass::Later
        }
    }
}

/// As [`pass`], but whoever reads what a long log held before is waited for, for a moment, so that it can begin anew: who begins to
/// read meanwhile reads the data file.
fn patient_pass(writer: &Connection) -> Pass {
    let is_patient = writer.busy_timeout(READ_WAIT);
    let made = pass(writer, RESTART);
    if let Err(error) = is_patient.and(writer.busy_timeout(BUSY_WAIT)) {
        tracing::error!(%error, "the writer waits for other programs as long as it did before");
    }
    made
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_log_is_put_away_when_it_is_long_and_again_when_it_has_grown_a_little() {
        let mut schedule = Schedule::new(4_000);
        assert!(!schedule.is_due(3_999, false));
        assert!(schedule.is_due(4_000, false));
        schedule.tried();
        assert!(!schedule.is_due(4_249, false), "somebody reads its end");
        assert!(schedule.is_due(4_250, false));
        schedule.tried();
        assert!(!schedule.is_due(3, false), "it has begun anew");
        schedule.tried();
        assert!(!schedule.is_due(3_999, false), "what is short is not looked at again");
        assert!(schedule.is_due(4_000, false));
    }

    #[test]
    fn whoever_has_no_room_does_not_wait_for_a_long_log() {
        let mut schedule = Schedule::new(4_000);
        assert!(schedule.is_due(7, true));
        schedule.tried();
        assert!(!schedule.is_due(7, false));
        assert!(!Schedule::new(4_000).is_due(0, true), "there is no log");
    }

    #[test]
    fn the_writer_does_what_is_little_and_tries_less_often_when_it_waits_for_readers() {
        let mut schedule = Schedule::new(4_000);
        schedule.is_due(5_000, false);
        assert!(schedule.is_little(4_000) && !schedule.is_little(3_999));
        assert!(!schedule.is_long());
        schedule.is_due(16_000, false);
        assert!(schedule.is_long());
        schedule.tried();
        assert!(!schedule.is_due(16_999, false));
        assert!(schedule.is_due(17_000, false));
    }
}
