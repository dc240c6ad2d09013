//! How much is written at once; and how fast it is, printed: `cargo test -p sim-disk --test disk -- --nocapture speed`.

// Nothing is decided by the machine's clock here, it is only read.
#![allow(clippy::disallowed_methods)]

use std::time::Instant;

use embedded::{Database, Mode, Options, Synchronous};
use sim_disk::Disk;

use crate::ledger::{PATH, options};

async fn commits_per_second(database: &Database) -> f64 {
    database.write(|tx| Ok(tx.connection().execute_batch("create table x (id integer primary key, data)")?)).await.unwrap();
    let (begun, count) = (Instant::now(), 3_000);
    for id in 0..count {
        database.write(move |tx| Ok(tx.execute("insert into x values (?1, zeroblob(300))", [id])?)).await.unwrap();
    }
    f64::from(count) / begun.elapsed().as_secs_f64()
}

#[tokio::test]
async fn what_a_commit_adds_to_the_log_goes_out_in_few_writes() {
    for (synchronous, few) in [(Synchronous::Full, true), (Synchronous::Normal, false)] {
        let disk = Disk::new(1);
        let database = Database::open(PATH, Options { synchronous, ..options(&disk) }).unwrap();
        let write = "create table x (data); insert into x values (zeroblob(300000)), (zeroblob(300000))";
        let before = disk.counters();
        database.write(move |tx| Ok(tx.connection().execute_batch(write)?)).await.unwrap();
        let after = disk.counters();
        let (writes, bytes) = (after.writes - before.writes, after.bytes - before.bytes);
        assert!(bytes > 600_000 && (writes < 20) == few, "{bytes} bytes in {writes} writes");
    }
}

#[tokio::test]
async fn speed_of_commits_and_of_new_disks() {
    let memory = std::path::Path::new("/dev/shm");
    let folder = if memory.is_dir() { tempfile::tempdir_in(memory) } else { tempfile::tempdir() }.unwrap();
    let real = Database::open(folder.path().join("x.db"), Options { mode: Mode::Inline, ..Options::default() }).unwrap();
    let on_memory = commits_per_second(&real).await;
    let mut lines = Vec::new();
    for seed in 0..3 {
        let disk = Disk::new(seed);
        let rate = commits_per_second(&Database::open(PATH, options(&disk)).unwrap()).await;
        lines.push(format!("{rate:.0} commits/s on {disk:?}"));
    }
    println!("{on_memory:.0} commits/s on a file in memory\n{}", lines.join("\n"));
    let begun = Instant::now();
    for seed in 0..10_000 {
        drop(Disk::new(seed));
    }
    println!("a disk made and dropped: {:?}", begun.elapsed() / 10_000);
    let begun = Instant::now();
    for seed in 0..200 {
        let disk = Disk::new(seed);
        drop(Database::open(PATH, options(&disk)).unwrap());
    }
    println!("with a new database opened and closed: {:?}", begun.elapsed() / 200);
}
