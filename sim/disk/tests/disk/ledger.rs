//! A database on a disk, and beside it the model of what it has to hold.

use std::collections::BTreeMap;

use base::{Fault, NewEvent, Timestamp};
use embedded::{Database, Mode, Options};
use rusqlite::params;
use sim_disk::Disk;

/// Chance of the tests, apart from that of the disk.
pub struct Dice(u64);

impl Dice {
    pub fn new(seed: u64) -> Dice {
        Dice(seed.wrapping_mul(0x2545_f491_4f6c_dd1d) | 1)
    }

    pub fn below(&mut self, end: u64) -> u64 {
        self.0 ^= self.0 << 13;
        self.0 ^= self.0 >> 7;
        self.0 ^= self.0 << 17;
        (self.0 >> 11) % end
    }
}

/// One commit.
#[derive(Debug, Clone)]
pub enum Commit {
    /// Rows with their lengths, rows that go, and so many events.
    Rows { number: i64, put: Vec<(i64, usize)>, delete: Vec<i64>, events: usize },
    /// Events of earlier commits than this go.
    Trim { before: i64 },
}

impl Commit {
    pub fn random(number: i64, dice: &mut Dice) -> Commit {
        if dice.below(20) == 0 {
            return Commit::Trim { before: dice.below(number as u64 + 1) as i64 };
        }
        let longest = [40, 400, 4_000, 30_000][dice.below(4) as usize];
        let rows = 1 + [0, dice.below(12)][dice.below(2) as usize];
        let put = (0..rows).map(|_| (dice.below(80) as i64, dice.below(longest) as usize)).collect();
        let delete = (0..dice.below(4)).map(|_| dice.below(80) as i64).collect();
        Commit::Rows { number, put, delete, events: dice.below(4) as usize }
    }

    pub async fn run(self, database: &Database) -> Result<(), Fault> {
        match self {
            Commit::Trim { before } => database.trim_log(Timestamp(before), i64::MAX).await.map(drop),
            Commit::Rows { number, put, delete, events } => {
                let write = move |tx: &mut embedded::Tx<'_, '_>| {
                    for (id, length) in &put {
                        let text = "insert into x (id, number, data) values (?1, ?2, ?3)
                            on conflict (id) do update set number = excluded.number, data = excluded.data";
                        tx.execute(text, params![id, number, vec![mark(*id, number); *length]])?;
                    }
                    for id in &delete {
                        tx.execute("delete from x where id = ?1", [id])?;
                    }
                    for _ in 0..events {
                        let (at, data) = (Timestamp(number), "{}".to_owned());
                        let new =
                            NewEvent { topic: "t", kind: "thing.done.v1", key: number, at, correlation: String::new(), data };
                        tx.append(&mut embedded::event("a", new)?)?;
                    }
                    Ok(())
                };
                database.write(write).await
            }
        }
    }
}

fn mark(id: i64, number: i64) -> u8 {
    (id * 7 + number).rem_euclid(251) as u8
}

/// What the database has to hold.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Ledger {
    /// By id: the commit that wrote the row last, and the length.
    rows: BTreeMap<i64, (i64, usize)>,
    /// The commits of the events in the log.
    events: Vec<i64>,
    /// How far the log had ever come.
    high: i64,
}

impl Ledger {
    pub fn after(&self, commit: &Commit) -> Ledger {
        let mut after = self.clone();
        match commit {
            Commit::Trim { before } => after.events.retain(|number| number >= before),
            Commit::Rows { number, put, delete, events } => {
                after.rows.extend(put.iter().map(|(id, length)| (*id, (*number, *length))));
                after.rows.retain(|id, _| !delete.contains(id));
                after.events.extend(std::iter::repeat_n(*number, *events));
                after.high += *events as i64;
            }
        }
        after
    }

    /// Reads everything there is, and says what is not sound.
    pub async fn of(database: &Database) -> Result<Ledger, String> {
        let said = |fault: Fault| format!("{fault:?}");
        let damage = database.integrity_check().await.map_err(said)?;
        if !damage.is_empty() {
            return Err(format!("{damage:?}"));
        }
        let rows = database.read(|connection| {
            let mut statement = connection.prepare("select id, number, data from x")?;
            let rows = statement.query_map([], |row| Ok((row.get(0)?, (row.get(1)?, row.get(2)?))))?;
            rows.collect::<rusqlite::Result<BTreeMap<i64, (i64, Vec<u8>)>>>()
        });
        let rows = rows.map_err(said)?;
        if let Some((id, (number, _))) =
            rows.iter().find(|(id, (number, data))| data.iter().any(|byte| *byte != mark(**id, *number)))
        {
            return Err(format!("row {id} of commit {number} is not whole"));
        }
        let rows = rows.into_iter().map(|(id, (number, data))| (id, (number, data.len()))).collect();
        // From the table: the newest events are in memory too, and stay there when they are trimmed.
        let events = database.read(|connection| {
            connection.prepare("select key from log order by seq")?.query_map([], |row| row.get(0))?.collect()
        });
        let events = events.map_err(said)?;
        Ok(Ledger { rows, events, high: database.newest() })
    }
}

/// What the fault of a write is called when nobody knows whether it is there.
pub const UNKNOWN: &str = "store_unknown";
pub const PATH: &str = "/data/comanda.db";

pub fn options(disk: &Disk) -> Options {
    Options { mode: Mode::Inline, vfs: Some(disk.vfs().to_owned()), ..Options::default() }
}

/// Opens the database, with its table, and a checkpoint after so many pages.
pub async fn open(disk: &Disk, checkpoint_pages: u32) -> Result<Database, Fault> {
    let database = Database::open(PATH, Options { checkpoint_pages: Some(checkpoint_pages), ..options(disk) })?;
    let text = "create table if not exists x (id integer primary key, number integer not null, data blob not null)";
    database.write(move |tx| Ok(tx.connection().execute_batch(text)?)).await?;
    Ok(database)
}
