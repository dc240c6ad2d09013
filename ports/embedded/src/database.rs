//! The handle: writes go to the writer's queue, reads run in the caller.

use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex};
use std::thread::JoinHandle;
use std::time::Duration;

use base::{Event, Fault, Mistake, Timestamp, planted};
use metrics::{Gauge, gauge};
use rusqlite::{Connection, OpenFlags, backup};
use tokio::sync::{Semaphore, mpsc, oneshot};

use crate::checkpoint::Checkpoints;
use crate::crowd::Crowd;
use crate::error::{closed, fault};
use crate::gather::gather;
use crate::log::{Appender, Reading, trim};
use crate::readers::{BUSY_WAIT, Readers, connect, steady};
use crate::tail::{Known, Tail};
use crate::writer::Writer;
use crate::{Ended, Tx, Verdict, Write, WriteError, found, meta};

/// How many long reads run at once: each holds back the end of the write-ahead log.
const SCANS_MAX: usize = 2;
/// How many pages the write-ahead log holds before they are put where they belong: by a thread of its own, and inline.
const CHECKPOINT_PAGES: (u32, u32) = (4_000, 400);
/// How many old events one write drops, so that others get their turn.
const TRIM_CHUNK: i64 = 2_000;

/// Who runs the writes.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Mode {
    /// A thread of its own, which puts waiting writes into one flush.
    #[default]
    Thread,
    /// The caller, one write at a time: for simulations, which have one thread.
    Inline,
}

/// What a flush waits for.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Synchronous {
    /// The disk, at every flush: survives a crash of the machine.
    #[default]
    Full,
    /// The disk, at checkpoints: a crash of the machine loses the last moments.
    Normal,
    /// Nothing: for throwaway data.
    Off,
}

/// How a database behaves.
#[derive(Debug, Clone)]
pub struct Options {
    /// Who runs the writes.
    pub mode: Mode,
    /// What a flush waits for.
    pub synchronous: Synchronous,
    /// The most writes in one flush.
    pub group_max: usize,
    /// The most writes that wait; beyond, whoever wants to write waits before the queue.
    pub queue_max: usize,
    /// Added to every flush, to see what a slow disk does.
    pub flush_delay: Option<Duration>,
    /// How many of the newest events are kept in memory.
    pub tail_events: usize,
    /// How many pages the write-ahead log holds before they are put into the data file; none for as many as suits the mode.
    pub checkpoint_pages: Option<u32>,
    /// SQLite's name for the disk that the file lies on, when it is not the machine's own: for simulations.
    pub vfs: Option<String>,
}

impl Default for Options {
    fn default() -> Options {
        Options {
            mode: Mode::Thread,
            synchronous: Synchronous::Full,
            group_max: 256,
            queue_max: 8_192,
            flush_delay: None,
            tail_events: 16_384,
            checkpoint_pages: None,
            vfs: None,
        }
    }
}

enum Submit {
    Thread { queue: Mutex<Option<mpsc::Sender<Box<dyn Write>>>>, thread: Mutex<Option<JoinHandle<()>>>, depth: Gauge },
    Inline(Box<Mutex<Option<Writer>>>),
}

struct Inner {
    path: PathBuf,
    submit: Submit,
    readers: Arc<Readers>,
    scans: Arc<Semaphore>,
    inline: bool,
    tail: Arc<Tail>,
    reading: Reading,
}

/// The one file beneath all embedded adapters. Clones share everything; the last one closes it.
#[derive(Clone)]
pub struct Database(Arc<Inner>);

impl std::fmt::Debug for Database {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "Database({})", self.0.path.display())
    }
}

impl Database {
    /// Opens or makes the file. One made by a newer program is refused with `data_newer`.
    pub fn open(path: impl AsRef<Path>, options: Options) -> Result<Database, Fault> {
        let path = path.as_ref();
        let failed = |error: rusqlite::Error| fault(&error);
        let open = || {
            let connection = connect(path, OpenFlags::default(), options.vfs.as_deref())?;
            found::checkpoint_on_close(&connection, false)?;
            settle(&connection, &options).map(|()| connection)
        };
        let mut connection = open().map_err(failed)?;
        if found::write_again(&connection).map_err(failed)? {
            drop(connection);
            connection = open().map_err(failed)?;
        }
        found::checkpoint(&connection)?;
        found::checkpoint_on_close(&connection, true).map_err(failed)?;
        gather(&mut connection).map_err(failed)?;
        meta::prepare(&connection)?;
        let log = Appender::new(&connection).map_err(failed)?;
        let tail = Arc::new(Tail::new(log.high, options.tail_events));
        let inline = options.mode == Mode::Inline;
        let (beside, every) = match options.mode {
            Mode::Thread => (Some(open().map_err(failed)?), CHECKPOINT_PAGES.0),
            // A simulated disk is memory: a log that is short stays in the caches of the processor.
            Mode::Inline => (None, CHECKPOINT_PAGES.1),
        };
        let every = options.checkpoint_pages.unwrap_or(every);
        let checkpoints = Checkpoints::start(&mut connection, beside, every)?;
        let writer = Writer::new(connection, checkpoints, log, tail.clone(), options.flush_delay);
        let submit = if inline { Submit::Inline(Box::new(Mutex::new(Some(writer)))) } else { start(writer, &options)? };
        Ok(Database(Arc::new(Inner {
            path: path.to_owned(),
            submit,
            readers: Arc::new(Readers::new(path, options.vfs)),
            scans: Arc::new(Semaphore::new(SCANS_MAX)),
            inline,
            tail,
            reading: Reading::default(),
        })))
    }

    /// Gives the path of the file.
    pub fn path(&self) -> &Path {
        &self.0.path
    }

    /// Hands a write to the writer; waits only while the queue is full. `ended` tells how it went.
    pub async fn submit(&self, write: Box<dyn Write>) {
        match &self.0.submit {
            Submit::Inline(writer) => match writer.lock().expect("the writer does not panic").as_mut() {
                Some(writer) => writer.at_work().group(vec![write]),
                None => write.ended(Ended::Failed(closed())),
            },
            Submit::Thread { queue, depth, .. } => {
                let queue = queue.lock().expect("nothing panics while the queue is held").clone();
                let Some(queue) = queue else { return write.ended(Ended::Failed(closed())) };
                #[allow(clippy::cast_precision_loss)]
                depth.set((queue.max_capacity() - queue.capacity()) as f64);
                if let Err(refused) = queue.send(write).await {
                    refused.0.ended(Ended::Failed(closed()));
                }
            }
        }
    }

    /// Writes by a closure, which may run twice, and waits for the flush.
    pub async fn write<T, F>(&self, work: F) -> Result<T, Fault>
    where
        T: Send + 'static,
        F: FnMut(&mut Tx<'_, '_>) -> Result<T, WriteError> + Send + 'static,
    {
        let (answer, answered) = oneshot::channel();
        self.submit(Box::new(Closure { work, made: None, answer })).await;
        answered.await.unwrap_or_else(|_| Err(closed()))
    }

    /// Reads in the caller: a point read takes microseconds, less than handing it to another thread would.
    pub fn read<T>(&self, work: impl FnOnce(&Connection) -> rusqlite::Result<T>) -> Result<T, Fault> {
        // Who writes inline has nobody beside it: what the writer has in memory need not be read again by a reader.
        if let Submit::Inline(writer) = &self.0.submit
            && let Ok(writer) = writer.try_lock()
            && let Some(connection) = writer.as_ref().and_then(Writer::at_rest)
        {
            return work(connection).map_err(|error| fault(&error));
        }
        self.0.readers.read(work).map_err(|error| fault(&error))
    }

    /// Reads on a thread of its own, for what takes long; two at once, others wait.
    pub async fn scan<T, F>(&self, work: F) -> Result<T, Fault>
    where
        T: Send + 'static,
        F: FnOnce(&Connection) -> rusqlite::Result<T> + Send + 'static,
    {
        if self.0.inline {
            return self.read(work);
        }
        let turn = self.0.scans.clone().acquire_owned().await.map_err(|_| closed())?;
        let (answer, answered) = oneshot::channel();
        let readers = self.0.readers.clone();
        spawn("comanda-scan", move || {
            let _ = answer.send(readers.read(work).map_err(|error| fault(&error)));
            drop(turn);
        })?;
        answered.await.unwrap_or_else(|_| Err(Fault::internal("store_panicked", "A long read has a defect.")))
    }

    /// Gives events after a place, in order; of all sources when none is named.
    pub fn events_after(&self, sources: &[&str], seq: i64, limit: usize) -> Result<Vec<Arc<Event>>, Fault> {
        let age = match self.0.tail.after(sources, seq, limit) {
            Known::All(events) => return Ok(events),
            Known::TooOld(age) => age,
        };
        let rows = i64::try_from(limit).unwrap_or(i64::MAX);
        let events = self.read(|connection| self.0.reading.after(connection, sources, seq, rows))?;
        if let [source] = sources
            && events.len() < limit
        {
            self.0.tail.note_last(source, events.last().map_or(seq, |event| event.seq), age);
        }
        Ok(events)
    }

    /// Gives events about a key after a place, in order, of all sources.
    pub fn events_of_key(&self, key: i64, after: i64, limit: usize) -> Result<Vec<Arc<Event>>, Fault> {
        let limit = i64::try_from(limit).unwrap_or(i64::MAX);
        self.read(|connection| self.0.reading.of_key(connection, key, after, limit))
    }

    /// Waits until the log reaches beyond a place; gives where it ends then.
    pub async fn wait_beyond(&self, seq: i64) -> i64 {
        let mut newest = self.0.tail.subscribe();
        newest.wait_for(|newest| *newest > seq).await.map_or(seq, |newest| *newest)
    }

    /// Waits until a source may have said something beyond a place, or the log is far beyond it; gives a place beyond which
    /// the source has said nothing.
    pub async fn wait_beyond_of(&self, source: &str, seq: i64) -> i64 {
        let mut newest = self.0.tail.subscribe_to(source);
        newest.wait_for(|newest| *newest > seq).await.map_or(seq, |newest| *newest)
    }

    /// Gives the place of the newest event that was ever said; 0 for none.
    pub fn newest(&self) -> i64 {
        self.0.tail.newest()
    }

    /// Gives the place of the oldest event that is still kept.
    pub fn oldest(&self) -> Result<Option<i64>, Fault> {
        self.read(|connection| connection.prepare_cached("select min(seq) from log")?.query_row([], |row| row.get(0)))
    }

    /// Drops events older than a time, but none beyond a place: those that somebody has yet to hear. Gives how many.
    pub async fn trim_log(&self, older_than: Timestamp, keep_after_seq: i64) -> Result<u64, Fault> {
        let mut dropped = 0;
        loop {
            let count =
                self.write(move |tx| Ok(trim(tx.connection(), older_than, keep_after_seq, TRIM_CHUNK, tx.high())?)).await?;
            dropped += count as u64;
            if (count as i64) < TRIM_CHUNK {
                return Ok(dropped);
            }
        }
    }

    /// Copies the whole as it is at one moment to another file, while everybody goes on.
    pub async fn backup_to(&self, path: impl AsRef<Path>) -> Result<(), Fault> {
        let (path, vfs) = (path.as_ref().to_owned(), self.0.readers.vfs.clone());
        self.scan(move |source| {
            let mut target = connect(&path, OpenFlags::default(), vfs.as_deref())?;
            // In one step: it holds one snapshot, and a writer neither waits for it nor makes it begin again.
            let copied = backup::Backup::new(source, &mut target)?.step(-1)?;
            if copied != backup::StepResult::Done {
                return Err(rusqlite::Error::SqliteFailure(rusqlite::ffi::Error::new(rusqlite::ffi::SQLITE_BUSY), None));
            }
            Ok(())
        })
        .await
    }

    /// Looks through the whole file for damage; an empty answer is a sound file.
    pub async fn integrity_check(&self) -> Result<Vec<String>, Fault> {
        let lines = self.scan(|connection| {
            connection
                .prepare("pragma integrity_check")?
                .query_map([], |row| row.get(0))?
                .collect::<rusqlite::Result<Vec<String>>>()
        });
        Ok(lines.await?.into_iter().filter(|line| line != "ok").collect())
    }

    /// Reads what the file knows of itself.
    pub fn meta(&self, key: &str) -> Result<Option<String>, Fault> {
        self.read(|connection| meta::get(connection, key))
    }

    /// Writes what the file knows of itself.
    pub async fn set_meta(&self, key: &str, value: &str) -> Result<(), Fault> {
        let (key, value) = (key.to_owned(), value.to_owned());
        self.write(move |tx| Ok(tx.set_meta(&key, &value)?)).await
    }

    /// Gives the bytes on the machine's disk: the file and its write-ahead log.
    #[allow(clippy::disallowed_methods)]
    pub fn bytes(&self) -> u64 {
        let mut log = self.0.path.clone().into_os_string();
        log.push("-wal");
        [self.0.path.clone(), log.into()].iter().filter_map(|path| std::fs::metadata(path).ok()).map(|file| file.len()).sum()
    }

    /// Ends the writer when it has done what was handed to it, and closes the file. Blocks for the last flush.
    pub fn close(&self) {
        self.0.close();
    }
}

impl Inner {
    fn close(&self) {
        self.readers.close();
        match &self.submit {
            Submit::Inline(writer) => drop(writer.lock().ok().and_then(|mut writer| writer.take())),
            Submit::Thread { queue, thread, .. } => {
                drop(queue.lock().ok().and_then(|mut queue| queue.take()));
                let thread = thread.lock().ok().and_then(|mut thread| thread.take());
                // The last handle may be dropped by the writer itself, inside `ended`.
                if let Some(thread) = thread.filter(|thread| thread.thread().id() != std::thread::current().id()) {
                    let _ = thread.join();
                }
            }
        }
    }
}

impl Drop for Inner {
    fn drop(&mut self) {
        self.close();
    }
}

fn settle(connection: &Connection, options: &Options) -> rusqlite::Result<()> {
    let synchronous = match options.synchronous {
        _ if planted(Mistake::NoFlush) => "off",
        Synchronous::Full => "full",
        Synchronous::Normal => "normal",
        Synchronous::Off => "off",
    };
    connection.busy_timeout(BUSY_WAIT)?;
    steady(connection)?;
    // A log that once grew behind a long reader is cut back to 64 MiB when it begins anew.
    connection.execute_batch(&format!(
        "pragma page_size = 4096; pragma journal_mode = wal; pragma synchronous = {synchronous};
        pragma wal_autocheckpoint = 0; pragma journal_size_limit = 67108864; pragma temp_store = memory;
        pragma cache_size = -8000;"
    ))
}

fn start(mut writer: Writer, options: &Options) -> Result<Submit, Fault> {
    let (queue, mut waiting) = mpsc::channel::<Box<dyn Write>>(options.queue_max);
    let group_max = options.group_max.max(1);
    let thread = spawn("comanda-writer", move || {
        let mut writes = Vec::with_capacity(group_max);
        let mut crowd = Crowd::default();
        let mut writer = writer.at_work();
        while waiting.blocking_recv_many(&mut writes, group_max) > 0 {
            if writes.len() < group_max && crowd.pause(writes.len()) {
                while writes.len() < group_max
                    && let Ok(write) = waiting.try_recv()
                {
                    writes.push(write);
                }
            }
            let count = writes.len();
            writer.group(std::mem::take(&mut writes));
            crowd.flushed(count);
        }
    })?;
    let depth = gauge!("comanda_store_queue_depth");
    Ok(Submit::Thread { queue: Mutex::new(Some(queue)), thread: Mutex::new(Some(thread)), depth })
}

/// Starts a thread that waits for the disk, which no task may do.
#[allow(clippy::disallowed_methods)]
pub(crate) fn spawn(name: &str, work: impl FnOnce() + Send + 'static) -> Result<JoinHandle<()>, Fault> {
    let started = std::thread::Builder::new().name(name.to_owned()).spawn(work);
    started.map_err(|error| Fault::unavailable("no_thread", "The machine gives no more threads.").because(error))
}

struct Closure<T, F> {
    work: F,
    made: Option<T>,
    answer: oneshot::Sender<Result<T, Fault>>,
}

impl<T, F> Write for Closure<T, F>
where
    T: Send,
    F: FnMut(&mut Tx<'_, '_>) -> Result<T, WriteError> + Send,
{
    fn run(&mut self, tx: &mut Tx<'_, '_>) -> Result<Verdict, WriteError> {
        self.made = Some((self.work)(tx)?);
        Ok(Verdict::Done)
    }

    fn ended(self: Box<Self>, ended: Ended) {
        let answer = match (ended, self.made) {
            (Ended::Done, Some(made)) => Ok(made),
            (Ended::Failed(fault), _) => Err(fault),
            _ => Err(Fault::timeout("store_unknown", "Nobody knows whether the write happened.")),
        };
        let _ = self.answer.send(answer);
    }
}
