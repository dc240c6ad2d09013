//! Several connections on one file, as on a real file system; names, time, files that are not there.

use rusqlite::{Connection, ErrorCode, OpenFlags};
use sim_disk::Disk;

fn connect(disk: &Disk) -> Connection {
    Connection::open_with_flags_and_vfs("/a/b.db", OpenFlags::default(), disk.vfs()).unwrap()
}

fn count(connection: &Connection) -> i64 {
    connection.query_row("select count(*) from x", [], |row| row.get(0)).unwrap()
}

fn code(done: rusqlite::Result<()>) -> Option<ErrorCode> {
    done.err().and_then(|error| error.sqlite_error_code())
}

#[test]
fn with_a_log_readers_keep_their_moment_and_there_is_one_writer() {
    let disk = Disk::new(1);
    let (writer, other, reader) = (connect(&disk), connect(&disk), connect(&disk));
    writer.execute_batch("pragma journal_mode = wal; create table x (id); insert into x values (1)").unwrap();
    reader.execute_batch("begin").unwrap();
    assert_eq!(count(&reader), 1);
    writer.execute_batch("begin immediate; insert into x values (2)").unwrap();
    assert_eq!(code(other.execute_batch("begin immediate")), Some(ErrorCode::DatabaseBusy));
    assert_eq!((count(&other), count(&writer)), (1, 2));
    writer.execute_batch("commit").unwrap();
    assert_eq!((count(&other), count(&reader)), (2, 1), "the reader is still in its moment");
    let busy: i64 = writer.query_row("pragma wal_checkpoint(truncate)", [], |row| row.get(0)).unwrap();
    assert_eq!(busy, 1, "the log cannot end beneath a reader");
    reader.execute_batch("commit").unwrap();
    let busy: i64 = writer.query_row("pragma wal_checkpoint(truncate)", [], |row| row.get(0)).unwrap();
    assert_eq!((busy, count(&reader)), (0, 2));
    other.execute_batch("insert into x values (3)").unwrap();
    assert_eq!((count(&reader), count(&writer)), (3, 3));
}

#[test]
fn with_a_journal_a_writer_waits_for_readers() {
    let disk = Disk::new(2);
    let (writer, reader) = (connect(&disk), connect(&disk));
    writer.execute_batch("create table x (id); insert into x values (1)").unwrap();
    reader.execute_batch("begin").unwrap();
    assert_eq!(count(&reader), 1);
    writer.execute_batch("begin immediate; insert into x values (2)").unwrap();
    assert_eq!(code(writer.execute_batch("commit")), Some(ErrorCode::DatabaseBusy));
    let late = connect(&disk);
    assert_eq!(code(late.query_row("select count(*) from x", [], |_| Ok(()))), Some(ErrorCode::DatabaseBusy));
    reader.execute_batch("commit").unwrap();
    writer.execute_batch("commit").unwrap();
    assert_eq!((count(&reader), count(&late)), (2, 2));
}

#[test]
fn busy_waiting_takes_simulated_time_only() {
    let disk = Disk::new(3);
    disk.set_time(1_700_000_000_000_000);
    let (writer, other) = (connect(&disk), connect(&disk));
    let now = |connection: &Connection| -> i64 { connection.query_row("select unixepoch('now')", [], |row| row.get(0)).unwrap() };
    assert_eq!(now(&other), 1_700_000_000);
    writer.execute_batch("begin immediate").unwrap();
    other.busy_timeout(std::time::Duration::from_secs(50)).unwrap();
    assert_eq!(code(other.execute_batch("begin immediate")), Some(ErrorCode::DatabaseBusy));
    assert!((1_700_000_049..1_700_000_052).contains(&now(&other)), "{}", now(&other));
}

#[test]
fn disks_know_nothing_of_each_other_and_names_are_used_again() {
    let (one, two) = (Disk::new(1), Disk::new(1));
    assert_ne!(one.vfs(), two.vfs());
    connect(&one).execute_batch("create table x (id)").unwrap();
    assert_eq!((one.used() > 0, two.used()), (true, 0));
    let name = two.vfs().to_owned();
    let open = connect(&two);
    drop(two);
    // What is open keeps its disk, and its name.
    let many: Vec<Disk> = (0..20).map(Disk::new).collect();
    assert!(many.iter().all(|disk| disk.vfs() != name));
    open.execute_batch("create table x (id); insert into x values (1)").unwrap();
    assert_eq!(count(&open), 1);
    drop(open);
    let missing = Connection::open_with_flags_and_vfs("/no", OpenFlags::SQLITE_OPEN_READ_WRITE, one.vfs());
    assert_eq!(code(missing.map(drop)), Some(ErrorCode::CannotOpen));
}

#[test]
fn tables_that_do_not_fit_into_memory_go_to_files_without_names() {
    let disk = Disk::new(4);
    let connection = connect(&disk);
    connection
        .execute_batch(
            "pragma temp_store = file; pragma cache_size = 5; create table x (id, data);
            insert into x with recursive n(i) as (select 1 union all select i + 1 from n where i < 5000)
                select i * 7919 % 5003, hex(zeroblob(1000)) from n;
            create temp table y as select * from x order by id;",
        )
        .unwrap();
    let used = disk.used();
    let sorted: i64 =
        connection.query_row("select count(*) from (select id from x order by data, id desc)", [], |row| row.get(0)).unwrap();
    assert_eq!(sorted, 5_000);
    drop(connection);
    assert!(disk.used() < used, "the temporary ones are gone");
}
