//! What the file promises: under a crash, a full disk, a trimmed log, a group with a bad member.

use std::io::{BufRead, BufReader};
use std::process::{Command, Stdio};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use base::{Event, NewEvent, Timestamp};
use rusqlite::{Connection, params};
use tempfile::TempDir;

use crate::{Database, Mode, Options, Synchronous, Tx, WriteError};

fn options() -> Options {
    Options { synchronous: Synchronous::Off, ..Options::default() }
}

fn fresh(options: Options) -> (TempDir, Database) {
    let folder = tempfile::tempdir().unwrap();
    let database = Database::open(folder.path().join("test.db"), options).unwrap();
    (folder, database)
}

fn said(source: &'static str, key: i64) -> Arc<Event> {
    let data = format!("{{\"key\":{key}}}");
    let new = NewEvent { topic: "t", kind: "thing.done.v1", key, at: Timestamp(key), correlation: String::new(), data };
    crate::event(source, new).unwrap()
}

async fn table(database: &Database) {
    database.write(|tx| Ok(tx.connection().execute_batch("create table x (id integer primary key, data text)")?)).await.unwrap();
}

fn put(tx: &mut Tx<'_, '_>, source: &'static str, key: i64) -> Result<i64, WriteError> {
    tx.execute("insert into x (id, data) values (?1, ?2)", params![key, "x".repeat(200)])?;
    Ok(tx.append(&mut said(source, key))?)
}

async fn say(database: &Database, source: &'static str, key: i64) -> i64 {
    database.write(move |tx| Ok(tx.append(&mut said(source, key))?)).await.unwrap()
}

fn keys(events: &[Arc<Event>]) -> Vec<i64> {
    events.iter().map(|event| event.key).collect()
}

fn count(database: &Database) -> i64 {
    database.read(|connection| connection.query_row("select count(*) from x", [], |row| row.get(0))).unwrap()
}

#[tokio::test]
async fn memory_and_table_tell_the_same_log() {
    let (_folder, database) = fresh(Options { tail_events: 10, ..options() });
    for key in 1..=40 {
        say(&database, if key % 4 == 0 { "quiet" } else { "loud" }, key).await;
    }
    for after in 0..=40 {
        let expected: Vec<i64> = (after + 1..=40).filter(|key| key % 4 == 0).take(5).collect();
        assert_eq!(keys(&database.events_after(&["quiet"], after, 5).unwrap()), expected, "after {after}");
        let expected: Vec<i64> = (after + 1..=40).take(7).collect();
        assert_eq!(keys(&database.events_after(&[], after, 7).unwrap()), expected, "after {after}");
    }
    assert!(database.events_after(&["silent"], 0, 5).unwrap().is_empty());
    say(&database, "silent", 41).await;
    assert_eq!(keys(&database.events_after(&["silent"], 0, 5).unwrap()), [41], "it has spoken since it was asked for");
    assert_eq!(keys(&database.events_of_key(7, 0, 5).unwrap()), [7]);
}

#[tokio::test]
async fn a_long_log_that_is_found_goes_into_the_file_whole() {
    let (folder, database) = fresh(Options::default());
    table(&database).await;
    for key in 1..=6 {
        let megabyte = "Ж".repeat(500_000);
        let text = "insert into x (id, data) values (?1, ?2)";
        database.write(move |tx| Ok(tx.execute(text, params![key, megabyte])?)).await.unwrap();
    }
    // What a process that dies leaves behind.
    let path = |name: &str| folder.path().join(name);
    for end in ["", "-wal"] {
        std::fs::copy(path(&format!("test.db{end}")), path(&format!("left.db{end}"))).unwrap();
    }
    assert!(std::fs::metadata(path("left.db-wal")).unwrap().len() > 3_000_000);
    let found = Database::open(path("left.db"), Options::default()).unwrap();
    assert_eq!((count(&found), std::fs::metadata(path("left.db-wal")).unwrap().len()), (6, 0));
    assert!(found.integrity_check().await.unwrap().is_empty());
}

#[tokio::test]
async fn the_log_begins_anew_while_everybody_writes_and_after_somebody_has_read_for_long() {
    let (folder, database) = fresh(options());
    table(&database).await;
    let log = folder.path().join("test.db-wal");
    let length = || std::fs::metadata(&log).unwrap().len() / 1_000_000;
    let write = async |keys: std::ops::Range<i64>| {
        for key in keys {
            let megabyte = "Ж".repeat(500_000);
            let text = "insert into x (id, data) values (?1, ?2)";
            database.write(move |tx| Ok(tx.execute(text, params![key, megabyte])?)).await.unwrap();
        }
    };
    write(0..200).await;
    assert!((16..100).contains(&length()), "{} MB after 200 were written", length());
    let reader = Connection::open(folder.path().join("test.db")).unwrap();
    reader.execute_batch("begin; select count(*) from x").unwrap();
    write(200..320).await;
    let held = length();
    assert!(held > 100, "{held} MB while somebody reads what was there before");
    drop(reader);
    write(320..450).await;
    assert!(length() < held + 60, "{} MB after {held}, when nobody reads any more", length());
    assert_eq!(count(&database), 450);
    database.close();
    assert!(!log.exists(), "who closes the file puts all of it away");
}

#[tokio::test]
async fn the_log_begins_anew_while_many_read_without_a_pause() {
    let (folder, database) = fresh(options());
    table(&database).await;
    let ended = Arc::new(AtomicBool::new(false));
    let readers: Vec<_> = (0..4)
        .map(|_| {
            let (database, ended) = (database.clone(), ended.clone());
            std::thread::spawn(move || {
                while !ended.load(Ordering::Relaxed) {
                    count(&database);
                }
            })
        })
        .collect();
    for key in 0..3_000 {
        let text = "insert into x (id, data) values (?1, ?2)";
        database.write(move |tx| Ok(tx.execute(text, params![key, "Ж".repeat(50_000)])?)).await.unwrap();
    }
    let log = std::fs::metadata(folder.path().join("test.db-wal")).unwrap().len() / 1_000_000;
    ended.store(true, Ordering::Relaxed);
    readers.into_iter().for_each(|reader| reader.join().unwrap());
    println!("a log of {log} MB");
    assert!(log < 100, "{log} MB after 300 were written");
}

#[tokio::test]
async fn a_waiting_reader_is_woken_by_the_commit() {
    let (_folder, database) = fresh(options());
    let waiting = tokio::spawn({
        let database = database.clone();
        async move { database.wait_beyond(1).await }
    });
    say(&database, "a", 1).await;
    say(&database, "a", 2).await;
    assert_eq!(waiting.await.unwrap(), 2);
}

#[tokio::test]
async fn a_place_in_the_log_never_comes_back() {
    let (folder, database) = fresh(options());
    for key in 1..=5_000 {
        database.submit(Box::new(Ignored(said("a", key)))).await;
    }
    assert_eq!(say(&database, "a", 5_001).await, 5_001);
    assert_eq!(database.trim_log(Timestamp(4_000), i64::MAX).await.unwrap(), 3_999);
    assert_eq!(database.oldest().unwrap(), Some(4_000));
    assert_eq!(database.trim_log(Timestamp(i64::MAX), 4_500).await.unwrap(), 501, "what is not heard yet is kept");
    assert_eq!(database.trim_log(Timestamp(i64::MAX), i64::MAX).await.unwrap(), 501);
    database.close();
    let again = Database::open(folder.path().join("test.db"), options()).unwrap();
    assert_eq!((again.newest(), say(&again, "a", 1).await), (5_001, 5_002));
}

struct Ignored(Arc<Event>);

impl crate::Write for Ignored {
    fn run(&mut self, tx: &mut Tx<'_, '_>) -> Result<crate::Verdict, WriteError> {
        tx.append(&mut self.0)?;
        Ok(crate::Verdict::Done)
    }

    fn ended(self: Box<Self>, _ended: crate::Ended) {}
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_write_that_panics_or_fails_harms_no_other() {
    let (_folder, database) = fresh(options());
    table(&database).await;
    let mut writers = tokio::task::JoinSet::new();
    for key in 0..200 {
        let database = database.clone();
        writers.spawn(async move {
            let written = database.write(move |tx| {
                let seq = put(tx, "a", key)?;
                assert!(key % 10 != 3, "this one has a defect");
                if key % 10 == 4 {
                    return Err(base::Fault::refused("no", "No.").into());
                }
                Ok(seq)
            });
            assert_eq!(written.await.is_ok(), key % 10 != 3 && key % 10 != 4, "{key}");
        });
    }
    writers.join_all().await;
    let events = database.events_after(&[], 0, 1_000).unwrap();
    assert_eq!((count(&database), events.len()), (160, 160));
    assert_eq!(events.iter().map(|event| event.seq).collect::<Vec<_>>(), (1..=160).collect::<Vec<_>>());
    assert!(events.iter().all(|event| event.key % 10 != 3 && event.key % 10 != 4));
}

#[tokio::test]
async fn a_full_disk_refuses_and_recovers_when_there_is_room() {
    for mode in [Mode::Thread, Mode::Inline] {
        let (_folder, database) = fresh(Options { mode, ..options() });
        table(&database).await;
        let pages = |pages: i64| database.write(move |tx| Ok(tx.connection().pragma_update(None, "max_page_count", pages)?));
        pages(60).await.unwrap();
        let mut acknowledged = Vec::new();
        let refused = loop {
            let key = acknowledged.len() as i64;
            match database.write(move |tx| put(tx, "a", key)).await {
                Ok(_) => acknowledged.push(key),
                Err(fault) => break fault,
            }
        };
        assert_eq!(refused.code, "disk_full");
        assert!(refused.is_retryable());
        assert!(!acknowledged.is_empty());
        assert_eq!(count(&database), acknowledged.len() as i64);
        assert_eq!(keys(&database.events_after(&[], 0, 10_000).unwrap()), acknowledged);
        pages(10_000).await.unwrap();
        database.write(|tx| put(tx, "a", 999_999)).await.unwrap();
        assert_eq!(count(&database), acknowledged.len() as i64 + 1);
        assert_eq!(database.newest(), acknowledged.len() as i64 + 1);
    }
}

#[tokio::test]
async fn a_file_of_a_newer_program_is_refused() {
    let (folder, database) = fresh(options());
    database.set_meta("version", "99").await.unwrap();
    database.close();
    let refused = Database::open(folder.path().join("test.db"), options()).unwrap_err();
    assert_eq!(refused.code, "data_newer");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_backup_is_one_moment_of_a_busy_file() {
    let (folder, database) = fresh(options());
    table(&database).await;
    let busy = tokio::spawn({
        let database = database.clone();
        async move {
            for key in 0..2_000 {
                database.write(move |tx| put(tx, "a", key)).await.unwrap();
            }
        }
    });
    database.wait_beyond(200).await;
    database.backup_to(folder.path().join("copy.db")).await.unwrap();
    busy.await.unwrap();
    let copy = Database::open(folder.path().join("copy.db"), options()).unwrap();
    assert!(copy.integrity_check().await.unwrap().is_empty());
    let rows = count(&copy);
    assert!(rows >= 200);
    assert_eq!(copy.events_after(&[], 0, 10_000).unwrap().len() as i64, rows);
}

#[tokio::test]
async fn a_closed_database_says_so() {
    for mode in [Mode::Thread, Mode::Inline] {
        let (_folder, database) = fresh(Options { mode, ..options() });
        table(&database).await;
        database.close();
        assert_eq!(database.write(|tx| put(tx, "a", 1)).await.unwrap_err().code, "store_closed");
    }
}

const CHILD: &str = "COMANDA_TEST_CRASH_FILE";

/// Not a test by itself: the child that the next test kills. It prints each key once its write is acknowledged.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn crash_child() {
    let Ok(path) = std::env::var(CHILD) else { return };
    let database = Database::open(path, Options::default()).unwrap();
    let first = count(&database);
    let mut writers = tokio::task::JoinSet::new();
    for writer in 0..8 {
        let database = database.clone();
        writers.spawn(async move {
            for turn in 0.. {
                let key = first * 1_000 + turn * 8 + writer;
                database.write(move |tx| put(tx, "a", key)).await.unwrap();
                println!("acknowledged {key}");
            }
        });
    }
    writers.join_all().await;
}

#[tokio::test]
async fn what_was_acknowledged_survives_kill_9() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("test.db");
    let database = Database::open(&path, options()).unwrap();
    table(&database).await;
    drop(database);
    let mut acknowledged = Vec::new();
    for round in 1..=5 {
        let mut child = Command::new(std::env::current_exe().unwrap())
            .args(["--exact", "tests::crash_child", "--nocapture"])
            .env(CHILD, &path)
            .stdout(Stdio::piped())
            .stderr(Stdio::null())
            .spawn()
            .unwrap();
        let lines = BufReader::new(child.stdout.take().unwrap()).lines().map_while(Result::ok);
        let mut told = lines.filter_map(|line| line.rsplit_once("acknowledged ")?.1.parse::<i64>().ok());
        acknowledged.extend(told.by_ref().take(100 * round));
        child.kill().unwrap();
        // What it told before it died counts too.
        acknowledged.extend(told);
        child.wait().unwrap();
        let database = Database::open(&path, options()).unwrap();
        let events = database.events_after(&[], 0, 1_000_000).unwrap();
        let rows: Vec<i64> = database
            .read(|connection| connection.prepare("select id from x order by id")?.query_map([], |row| row.get(0))?.collect())
            .unwrap();
        let mut heard = keys(&events);
        heard.sort_unstable();
        assert_eq!(heard, rows, "an event is there if and only if its write is");
        for key in &acknowledged {
            assert!(rows.binary_search(key).is_ok(), "{key} was acknowledged and is lost");
        }
        assert!(database.integrity_check().await.unwrap().is_empty());
    }
    assert!(acknowledged.len() >= 1_500, "the child has really worked");
}
