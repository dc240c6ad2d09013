//! SQLite's rollback journals on the disk: the other way in which it keeps its promise, with other files and orders.

use rusqlite::{Connection, OpenFlags};
use sim_disk::Disk;

use crate::ledger::Dice;

const ACCOUNTS: i64 = 40;

fn connect(disk: &Disk, mode: &str) -> rusqlite::Result<Connection> {
    let connection = Connection::open_with_flags_and_vfs("bank.db", OpenFlags::default(), disk.vfs())?;
    // Small enough that a commit spills before its end.
    connection.execute_batch(&format!("pragma journal_mode = {mode}; pragma synchronous = extra; pragma cache_size = 5;"))?;
    Ok(connection)
}

fn prepare(connection: &Connection) -> rusqlite::Result<()> {
    connection.execute_batch(&format!(
        "begin; create table if not exists account (id integer primary key, amount integer not null, last integer, fill blob);
        insert or ignore into account with recursive n(i) as (select 1 union all select i + 1 from n where i < {ACCOUNTS})
            select i, 100, 0, zeroblob(1500) from n; commit;"
    ))
}

fn move_money(connection: &Connection, number: i64, dice: &mut Dice) -> rusqlite::Result<()> {
    connection.execute_batch("begin immediate")?;
    for _ in 0..1 + dice.below(15) {
        let (from, to) = (1 + dice.below(ACCOUNTS as u64) as i64, 1 + dice.below(ACCOUNTS as u64) as i64);
        connection.execute("update account set amount = amount - 1, last = ?2 where id = ?1", [from, number])?;
        connection.execute("update account set amount = amount + 1, last = ?2 where id = ?1", [to, number])?;
    }
    connection.execute_batch("commit")
}

fn look(connection: &Connection) -> rusqlite::Result<(i64, i64)> {
    let sound: String = connection.query_row("pragma integrity_check", [], |row| row.get(0))?;
    assert_eq!(sound, "ok");
    connection.query_row("select sum(amount), max(last) from account", [], |row| Ok((row.get(0)?, row.get(1)?)))
}

#[test]
fn every_kind_of_journal_keeps_what_was_acknowledged() {
    for mode in ["delete", "truncate", "persist", "wal"] {
        for seed in 0..100 {
            let (disk, mut dice) = (Disk::new(seed), Dice::new(seed));
            let (mut number, mut acknowledged) = (0, 0);
            prepare(&connect(&disk, mode).unwrap()).unwrap();
            for life in 0..3 {
                disk.cut_at(1 + dice.below(300));
                if let Ok(connection) = connect(&disk, mode) {
                    loop {
                        number += 1;
                        if move_money(&connection, number, &mut dice).is_err() {
                            break;
                        }
                        acknowledged = number;
                    }
                }
                assert!(disk.is_down());
                disk.start();
                let (sum, last) = look(&connect(&disk, mode).unwrap()).unwrap();
                assert_eq!(sum, ACCOUNTS * 100, "{mode}, seed {seed}, life {life}, {disk:?}");
                assert!((acknowledged..=number).contains(&last), "{mode}, seed {seed}, life {life}: {last} of {acknowledged}");
                acknowledged = last;
            }
        }
    }
}
