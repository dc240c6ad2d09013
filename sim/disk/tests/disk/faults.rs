//! The process dies, the disk is full, a sync fails.

use base::Fault;
use embedded::{Database, Mode, Options, Synchronous};
use rusqlite::config::DbConfig;
use rusqlite::{Connection, OpenFlags};
use sim_disk::Disk;

use crate::ledger::{Commit, Dice, Ledger, PATH, UNKNOWN, open, options};

/// Runs some commits; gives what was acknowledged, and the one that was not and how it failed.
async fn commits(database: &Database, from: i64, count: i64, dice: &mut Dice, ledger: &mut Ledger) -> Option<(Commit, Fault)> {
    for number in from..from + count {
        let commit = Commit::random(number, dice);
        match commit.clone().run(database).await {
            Ok(()) => *ledger = ledger.after(&commit),
            Err(fault) => return Some((commit, fault)),
        }
    }
    None
}

#[tokio::test]
async fn a_killed_process_loses_nothing_that_it_wrote_and_is_dead() {
    for seed in 0..30 {
        let (disk, mut dice, mut ledger) = (Disk::new(seed), Dice::new(seed), Ledger::default());
        // What was never synced stays as well: only the process dies.
        drop(open(&disk, 50).await.unwrap());
        let database = Database::open(PATH, Options { synchronous: Synchronous::Off, ..options(&disk) }).unwrap();
        assert!(commits(&database, 1, 20, &mut dice, &mut ledger).await.is_none());
        let before = disk.digest();
        disk.kill();
        assert!(disk.is_down());
        assert!(commits(&database, 21, 1, &mut dice, &mut ledger).await.is_some(), "the dead do not write");
        database.read(|connection| connection.query_row("select count(*) from x", [], |_| Ok(()))).unwrap_err();
        assert!(Database::open(PATH, options(&disk)).is_err(), "nor open anything");
        disk.start();
        assert!(commits(&database, 21, 1, &mut dice, &mut ledger).await.is_some(), "nor come back");
        drop(database);
        assert_eq!(disk.digest(), before);
        let counters = disk.counters();
        assert_eq!((counters.kills, counters.cuts, counters.dropped), (1, 0, 0));
        assert_eq!(Ledger::of(&open(&disk, 50).await.unwrap()).await.unwrap(), ledger);
    }
}

#[tokio::test]
async fn a_full_disk_refuses_and_recovers_and_loses_nothing() {
    for seed in 0..60 {
        let (disk, mut dice, mut ledger) = (Disk::new(seed), Dice::new(seed), Ledger::default());
        let database = open(&disk, [5, 4_000][dice.below(2) as usize]).await.unwrap();
        assert!(commits(&database, 1, 10, &mut dice, &mut ledger).await.is_none());
        disk.set_room(Some(dice.below(100_000)));
        let refused = commits(&database, 100, 200, &mut dice, &mut ledger).await;
        let (_, fault) = refused.expect("it fills up");
        assert_eq!(fault.code, "disk_full", "{fault:?}");
        assert_eq!(Ledger::of(&database).await.unwrap(), ledger, "seed {seed}: a refused commit is not there");
        assert!(disk.counters().refused > 0);
        disk.set_room(None);
        assert!(commits(&database, 400, 10, &mut dice, &mut ledger).await.is_none());
        assert_eq!(Ledger::of(&database).await.unwrap(), ledger, "seed {seed}");
        disk.cut();
        drop(database);
        disk.start();
        assert_eq!(Ledger::of(&open(&disk, 50).await.unwrap()).await.unwrap(), ledger, "seed {seed}");
    }
}

/// A place that was told to readers of the log and is not there in the next life is given to another event, which they would
/// pass over.
#[tokio::test]
async fn nobody_is_told_of_a_place_in_the_log_that_the_next_process_gives_away_again() {
    let mut lost = 0;
    for seed in 0..200 {
        let (disk, mut dice, mut ledger) = (Disk::new(seed), Dice::new(seed), Ledger::default());
        let database = open(&disk, 50).await.unwrap();
        assert!(commits(&database, 1, 5, &mut dice, &mut ledger).await.is_none());
        disk.cut_at(1 + dice.below(40));
        let cut = commits(&database, 100, 200, &mut dice, &mut ledger).await;
        let told = database.newest().max(database.wait_beyond_of("a", -1).await);
        drop(database);
        disk.start();
        let again = open(&disk, 50).await.unwrap();
        lost += usize::from(cut.is_some_and(|(commit, _)| Ledger::after(&ledger, &commit) != ledger));
        assert!(told <= again.newest(), "seed {seed}: told of {told}, and {} is the end", again.newest());
    }
    assert!(lost > 100, "{lost}");
}

#[tokio::test]
async fn a_failing_sync_is_not_acknowledged_and_loses_nothing_that_is() {
    let (mut failed, mut there) = (0, 0);
    for seed in 0..200 {
        let (disk, mut dice, mut ledger) = (Disk::new(seed), Dice::new(seed), Ledger::default());
        let database = open(&disk, [1, 5, 50][dice.below(3) as usize]).await.unwrap();
        let fails = 1 + dice.below(25);
        disk.fail_syncs(fails..fails + 1);
        let refused = commits(&database, 1, 20, &mut dice, &mut ledger).await;
        // A checkpoint whose sync fails is not the commit's: that one is durable, and said so.
        let mut allowed = vec![ledger.clone()];
        if let Some((commit, fault)) = refused {
            failed += 1;
            // A fault that does not say that nobody knows says that nothing was written.
            if fault.code == UNKNOWN {
                allowed.push(ledger.after(&commit));
            }
        }
        if disk.counters().failed_syncs == 0 {
            continue; // so few commits had something to keep
        }
        ledger = Ledger::of(&database).await.unwrap();
        assert!(allowed.contains(&ledger), "seed {seed}");
        assert!(commits(&database, 100, dice.below(10) as i64, &mut dice, &mut ledger).await.is_none());
        if dice.below(2) == 0 {
            disk.cut();
        } else {
            disk.kill();
        }
        drop(database);
        disk.start();
        let found = Ledger::of(&open(&disk, 50).await.unwrap()).await.unwrap();
        there += usize::from(allowed.len() == 2 && allowed[0] != allowed[1] && found == allowed[1]);
        // Nothing was acknowledged after the doubtful one, if it went.
        assert!(found == ledger || allowed.contains(&ledger) && allowed.contains(&found), "seed {seed}: {found:?} {ledger:?}");
    }
    println!("{failed} commits were refused, {there} of them are there");
    assert!(failed > 20, "{failed}");
}

/// While somebody reads, a part of the log is put away, and the rest later. A flush of the data file that fails takes with it what
/// was not flushed before, so the log must not begin anew after it.
#[tokio::test]
async fn a_failed_flush_of_the_data_file_is_not_covered_up_by_the_next() {
    let mut failed = 0;
    for seed in 0..300 {
        let (disk, mut dice, mut ledger) = (Disk::new(seed), Dice::new(seed), Ledger::default());
        let database = open(&disk, [5, 20, 50][dice.below(3) as usize]).await.unwrap();
        assert!(commits(&database, 1, 10, &mut dice, &mut ledger).await.is_none());
        let reader = Connection::open_with_flags_and_vfs(PATH, OpenFlags::default(), disk.vfs()).unwrap();
        reader.execute_batch("begin; select count(*) from x").unwrap();
        assert!(commits(&database, 20, 1 + dice.below(20) as i64, &mut dice, &mut ledger).await.is_none());
        drop(reader);
        let fails = 1 + dice.below(12);
        disk.fail_syncs(fails..fails + 1);
        let mut allowed;
        if let Some((commit, fault)) = commits(&database, 50, 20, &mut dice, &mut ledger).await {
            allowed = vec![ledger.clone()];
            if fault.code == UNKNOWN {
                allowed.push(ledger.after(&commit));
            }
        } else {
            failed += disk.counters().failed_syncs;
            allowed = vec![ledger.clone()];
        }
        let now = Ledger::of(&database).await.unwrap_or_else(|damage| panic!("seed {seed}: {damage}"));
        assert!(allowed.contains(&now), "seed {seed}");
        ledger = now;
        if allowed.len() == 1 {
            assert!(commits(&database, 100, 20, &mut dice, &mut ledger).await.is_none());
            allowed = vec![ledger];
        }
        // Closed as it should be, or not.
        if dice.below(2) == 0 {
            drop(database);
            disk.cut();
        } else {
            disk.cut();
            drop(database);
        }
        disk.start();
        let found = Ledger::of(&open(&disk, 50).await.unwrap()).await.unwrap_or_else(|damage| panic!("seed {seed}: {damage}"));
        assert!(allowed.contains(&found), "seed {seed}: {found:?} is none of {allowed:?}");
    }
    assert!(failed > 30, "{failed} flushes of the data file failed");
}

/// A transaction that outgrows the cache goes to the log before its end. When there is no room for a moment, a statement of it may
/// fail alone: what the others wrote must then be there, or all of it must not.
#[tokio::test]
async fn a_moment_without_room_within_a_long_transaction_leaves_all_of_it_or_nothing() {
    let mut ended = [0, 0];
    for seed in 0..40 {
        let (disk, mut dice) = (Disk::new(seed), Dice::new(seed));
        let database = Database::open(PATH, options(&disk)).unwrap();
        let text = "create table x (id integer primary key, data blob not null);
            create table y (id integer primary key, data blob not null);
            with recursive n (i) as (select 1 union all select i + 1 from n where i < 400)
            insert into x select i, zeroblob(3500) from n;";
        database.write(move |tx| Ok(tx.connection().execute_batch(text)?)).await.unwrap();
        // A log that begins anew in its old file would need no room.
        drop(database);
        let database = Database::open(PATH, options(&disk)).unwrap();
        let changed = |database: &Database| {
            let text = "select count(*) from x where data = cast('v' || zeroblob(3500) as blob)";
            database.read(|connection| connection.query_row(text, [], |row| row.get::<_, i64>(0))).unwrap()
        };
        let (some, more, room) = (1 + dice.below(399), 1 + dice.below(99), disk.clone());
        let every = [400, 50, 5][dice.below(3) as usize];
        let ran = database
            .write(move |tx| {
                let connection = tx.connection();
                let update = "update x set data = cast('v' || zeroblob(3500) as blob) where id";
                connection.execute_batch("pragma cache_size = 20")?;
                connection.execute(&format!("{update} <= {some}"), [])?;
                room.set_room(Some(0));
                let alone = connection.execute("insert into y select id, data from x where id % ?1 = 3", [every]);
                room.set_room(None);
                // What is taken back alone need not end the transaction.
                if alone.is_err() && connection.is_autocommit() {
                    alone?;
                }
                connection.execute(&format!("{update} <= {more}"), [])?;
                Ok(())
            })
            .await;
        let expected = match ran {
            Ok(()) => some.max(more) as i64,
            Err(fault) => {
                assert_eq!(fault.code, "disk_full", "seed {seed}: {fault:?}");
                0
            }
        };
        ended[usize::from(expected == 0)] += 1;
        assert_eq!(changed(&database), expected, "seed {seed}");
        disk.kill();
        drop(database);
        disk.start();
        let database = Database::open(PATH, options(&disk)).unwrap();
        assert!(database.integrity_check().await.unwrap().is_empty(), "seed {seed}");
        assert_eq!(changed(&database), expected, "seed {seed}");
    }
    assert!(ended.iter().all(|times| *times > 5), "{ended:?}: went on, and did not");
}

/// As in a real process: the log is put away on a thread of its own while commits go on, somebody reads now and then, and one flush
/// of any of them fails. Nobody repeats these threads' turns, but in no order may anything be lost.
#[tokio::test]
async fn a_failing_sync_beside_the_writer_loses_nothing_either() {
    let (mut failed, mut unknown) = (0, 0);
    for seed in 0..150 {
        let (disk, mut dice, mut ledger) = (Disk::new(seed), Dice::new(seed), Ledger::default());
        let beside = || Options { mode: Mode::Thread, checkpoint_pages: Some([5, 20, 50][seed as usize % 3]), ..options(&disk) };
        drop(open(&disk, 50).await.unwrap());
        let database = Database::open(PATH, beside()).unwrap();
        let from = 1 + dice.below(80);
        disk.fail_syncs(from..from + 1);
        let (mut reader, mut allowed) = (None, None);
        for number in 0..20 + dice.below(60) as i64 {
            if dice.below(8) == 0 {
                reader = if reader.is_some() {
                    None
                } else {
                    Connection::open_with_flags_and_vfs(PATH, OpenFlags::default(), disk.vfs()).ok()
                };
                if let Some(reader) = &reader {
                    // Its own close is not to put anything away.
                    reader.set_db_config(DbConfig::SQLITE_DBCONFIG_NO_CKPT_ON_CLOSE, true).unwrap();
                    reader.execute_batch("begin; select count(*) from x").unwrap();
                }
            }
            let Some((commit, fault)) = commits(&database, number, 1, &mut dice, &mut ledger).await else { continue };
            if fault.code == UNKNOWN {
                unknown += 1;
                allowed = Some([ledger.clone(), ledger.after(&commit)]);
                break;
            }
        }
        drop(reader);
        failed += disk.counters().failed_syncs;
        if dice.below(2) == 0 {
            database.close();
        }
        disk.cut();
        drop(database);
        disk.start();
        let found = Ledger::of(&open(&disk, 50).await.unwrap()).await.unwrap_or_else(|damage| panic!("seed {seed}: {damage}"));
        assert!(allowed.unwrap_or([ledger.clone(), ledger]).contains(&found), "seed {seed}: {found:?}");
    }
    assert!(failed > 75 && unknown > 20 && failed > unknown, "{failed} failed, {unknown} of them in doubt");
}

/// Leaves a disk whose last flush failed, and whose process died before it could write the same place again; gives what it
/// may hold: without the last commit, or with it.
async fn in_doubt(seed: u64) -> (Disk, Dice, [Ledger; 2]) {
    let (disk, mut dice, mut ledger) = (Disk::new(seed), Dice::new(seed), Ledger::default());
    // What a commit changes may lie in earlier commits of the log too, which keep it, or in the data file alone.
    // A log that begins anew has its head flushed first.
    let (checkpoint, doubtful) = [(1, 2), (4_000, 1)][dice.below(2) as usize];
    let database = open(&disk, checkpoint).await.unwrap();
    assert!(commits(&database, 1, 30, &mut dice, &mut ledger).await.is_none());
    disk.fail_syncs(doubtful..doubtful + 1);
    let (last, _) = commits(&database, 100, 20, &mut dice, &mut ledger).await.expect("a sync failed");
    disk.kill();
    drop(database);
    disk.start();
    let with_it = ledger.after(&last);
    (disk, dice, [ledger, with_it])
}

/// Commits on top of what a process finds, and loses the power: all of it must be there.
async fn outlives_the_power(disk: &Disk, database: Database, mut dice: Dice, seed: u64) {
    let mut ledger = Ledger::of(&database).await.unwrap();
    assert!(commits(&database, 200, 10, &mut dice, &mut ledger).await.is_none());
    disk.cut();
    drop(database);
    disk.start();
    assert_eq!(Ledger::of(&open(disk, 4_000).await.unwrap()).await.unwrap(), ledger, "seed {seed}");
}

#[tokio::test]
async fn what_the_next_process_saw_of_a_failed_sync_outlives_the_power() {
    for seed in 0..60 {
        let (disk, dice, _) = in_doubt(seed).await;
        let next = open(&disk, 4_000).await.unwrap();
        outlives_the_power(&disk, next, dice, seed).await;
    }
}

/// Whatever was acknowledged on top of it would go with it.
#[tokio::test]
async fn a_start_that_cannot_make_durable_what_it_finds_is_none() {
    let mut refused = [0; 3];
    for seed in 0..60 {
        let (disk, mut dice, _) = in_doubt(seed).await;
        let (mut reader, ailment) = (None, dice.below(3) as usize);
        match ailment {
            0 => disk.fail_syncs(1..2),
            1 => disk.set_room(Some(0)),
            _ => {
                let other = Connection::open_with_flags_and_vfs(PATH, OpenFlags::default(), disk.vfs()).unwrap();
                other.execute_batch("begin; select count(*) from x").unwrap();
                reader = Some(other);
            }
        }
        let started = open(&disk, 4_000).await;
        drop(reader);
        disk.set_room(None);
        let next = match started {
            Ok(next) => next,
            Err(fault) => {
                assert_eq!(fault.code, ["disk_failed", "disk_full", "store_busy"][ailment], "{fault:?}");
                refused[ailment] += 1;
                open(&disk, 4_000).await.unwrap()
            }
        };
        outlives_the_power(&disk, next, dice, seed).await;
    }
    assert!(refused.iter().all(|count| *count > 5), "{refused:?}");
}

/// The data file has got a part of what is found in the log, and the log loses the rest: then nobody has the whole.
#[tokio::test]
async fn a_start_that_fails_halfway_leaves_nothing_in_part() {
    let (mut refused, mut there) = (0, 0);
    for seed in 0..200 {
        let (disk, mut dice, allowed) = in_doubt(seed).await;
        let first = 1 + dice.below(4);
        match dice.below(3) {
            0 => disk.fail_syncs(first..first + 1),
            1 => disk.fail_syncs(first..9),
            _ => {
                disk.fail_syncs(first..first + 1);
                disk.cut_at(1 + dice.below(30));
            }
        }
        let started = Database::open(PATH, options(&disk));
        refused += usize::from(started.is_err());
        disk.cut();
        drop(started);
        disk.start();
        let next = open(&disk, 4_000).await.unwrap();
        let found = Ledger::of(&next).await.unwrap_or_else(|damage| panic!("seed {seed}: {damage}"));
        assert!(allowed.contains(&found), "seed {seed}: {found:?} is none of {allowed:?}");
        there += usize::from(found == allowed[1]);
        outlives_the_power(&disk, next, dice, seed).await;
    }
    assert!(refused > 100 && (100..200).contains(&there), "{refused} starts were refused, {there} found the last commit");
}
