//! One moment of the data: opened for reading only, seen through tables of our own that hold what all checks need.
//!
//! `said` is the log with the names of its events; `cursors`, `ahead`, `letters`, `jobs`, `acts` and `trimmed` (up to where
//! retention has dropped what had ended) are those of all services together; `journal`, `books` and `states` come from
//! outside of the file; `given` has one row: what the audit takes for granted. They are temporary: nothing is written to the data.

use std::collections::BTreeSet;
use std::path::Path;

use base::id::{Id, PaymentId};
use base::{Fault, PlatformKey, Timestamp};
use embedded::rusqlite::{self, Connection, OpenFlags, OptionalExtension, params};
use orders::domain::State;

use crate::Inputs;

/// Beyond the oldest event that is kept, so much of what happened may be said in events that are gone.
const REACH_MARGIN_MICROS: i64 = 3_600_000_000;

/// The tables that look alike in every service, and the columns of which checks ask.
const COMMON: [(&str, &str, &str); 6] = [
    ("cursors", "cursors", "source, seq"),
    ("ahead", "ahead", "source, seq"),
    ("letters", "parked", "id, what, source, seq, kind, key, cause, attempts, parked_at, behind"),
    ("jobs", "jobs", "id, kind, key, due, wake, deadline, attempts, lease, cause"),
    ("acts", "acts", "id, at, principal, act, subject, reason"),
    ("trimmed", "trimmed", "ended_before, ids_below"),
];

const OWN: &str = "
create temp table given (now integer, at_rest integer, oldest integer, tolerance integer, reach integer);
create temp table states (word text primary key, rank integer, is_over integer);
create temp table journal (order_id integer, reference text, total_minor integer);
create temp table said (seq integer primary key, source text, name text, key integer, at integer);
create temp table cursors (service text, source text, seq integer, primary key (service, source));
create temp table ahead (service text, source text, seq integer, primary key (service, source, seq));
create temp table letters (service text, id integer, what text, source text, seq integer, kind text, key integer, cause text, attempts integer, parked_at integer, behind integer);
create temp table jobs (service text, id integer, kind text, key integer, due integer, wake integer, deadline integer, attempts integer, lease integer, cause text);
create temp table acts (service text, id integer, at integer, principal text, act text, subject text, reason text);
create temp table trimmed (service text primary key, ended_before integer, ids_below integer);
create temp table given_up (service text, key integer);
create temp table refund_acts (payment_id integer primary key);
create temp table books (charge text, payment_id integer, state text, captured_minor integer, refunded_minor integer, at integer);
";

const INDEXES: &str = "
create index temp.said_key on said (key, name);
create index temp.letters_key on letters (key, service);
create index temp.jobs_key on jobs (key, service, kind);
create index temp.books_payment on books (payment_id);
";

/// An open snapshot.
pub struct Snapshot {
    connection: Connection,
    tables: BTreeSet<String>,
}

fn failed(error: rusqlite::Error) -> Fault {
    Fault::internal("audit_failed", "The data could not be read.").because(error)
}

impl Snapshot {
    /// Opens the files, and holds this moment of them until it is dropped.
    pub(crate) fn open(inputs: &Inputs<'_>) -> Result<Snapshot, Fault> {
        let flags = OpenFlags::SQLITE_OPEN_READ_ONLY | OpenFlags::SQLITE_OPEN_URI | OpenFlags::SQLITE_OPEN_NO_MUTEX;
        let connection = Connection::open_with_flags(uri(inputs.database, inputs.vfs[0]), flags).map_err(|error| {
            Fault::not_found("no_data", format!("{} cannot be opened.", inputs.database.display())).because(error)
        })?;
        if let Some(books) = inputs.provider_books {
            connection.execute("attach ?1 as provider", [uri(books, inputs.vfs[1])]).map_err(failed)?;
        }
        connection.execute_batch(OWN).map_err(failed)?;
        connection.execute_batch("begin").map_err(failed)?;
        let mut snapshot = Snapshot { connection, tables: BTreeSet::new() };
        snapshot.fill(inputs).map_err(failed)?;
        Ok(snapshot)
    }

    /// Tells whether the data has a table.
    pub(crate) fn has(&self, table: &str) -> bool {
        self.tables.contains(table)
    }

    pub(crate) fn connection(&self) -> &Connection {
        &self.connection
    }

    /// Reads one number.
    pub(crate) fn number(&self, text: &str) -> Result<i64, Fault> {
        let number: Option<i64> = self.connection.query_row(text, [], |row| row.get(0)).map_err(failed)?;
        Ok(number.unwrap_or(0))
    }

    fn fill(&mut self, inputs: &Inputs<'_>) -> rusqlite::Result<()> {
        // Our own data are read before the provider's books: what the books know more has happened since.
        self.tables = names(&self.connection, "main")?;
        self.log()?;
        for service in self.services() {
            for (own, kept, columns) in COMMON {
                let table = format!("{service}_{kept}");
                if self.has(&table) {
                    let text = format!("insert into temp.{own} (service, {columns}) select ?1, {columns} from main.{table}");
                    self.connection.execute(&text, [&service])?;
                }
            }
        }
        self.given(inputs)?;
        self.acts(inputs.key)?;
        if inputs.provider_books.is_some() {
            let theirs = names(&self.connection, "provider")?;
            self.tables.extend(theirs.into_iter().filter(|table| table.starts_with("provider_")));
            self.books()?;
        }
        self.connection.execute_batch(INDEXES)
    }

    /// Finds the services by the tables that each of them has.
    fn services(&self) -> Vec<String> {
        self.tables
            .iter()
            .filter_map(|table| table.strip_suffix("_migrations").or_else(|| table.strip_suffix("_cursors")))
            .map(str::to_owned)
            .collect::<BTreeSet<_>>()
            .into_iter()
            .collect()
    }

    fn log(&self) -> rusqlite::Result<()> {
        if !self.has("log") || !self.has("log_kinds") {
            return Ok(());
        }
        // `order.paid.v1` is said as `order.paid`: versions end in one digit or two.
        self.connection.execute_batch(
            "insert into temp.said (seq, source, name, key, at)
             select l.seq, k.source, case when k.kind like '%.v_' then substr(k.kind, 1, length(k.kind) - 3)
                                          when k.kind like '%.v__' then substr(k.kind, 1, length(k.kind) - 4) else k.kind end, l.key, l.at
             from main.log l join main.log_kinds k on k.id = l.kind_id order by l.seq",
        )
    }

    fn given(&self, inputs: &Inputs<'_>) -> rusqlite::Result<()> {
        let deadline = i64::try_from(inputs.order_deadline.as_micros()).unwrap_or(i64::MAX);
        let tolerance = i64::try_from(inputs.clock_tolerance.as_micros()).unwrap_or(i64::MAX);
        let oldest = inputs.now.micros().saturating_sub(deadline);
        self.connection.execute(
            "insert into temp.given (now, at_rest, oldest, tolerance, reach) values (?1, ?2, ?3, ?4, ?5)",
            params![inputs.now.micros(), inputs.at_rest, oldest, tolerance, self.reach()?.micros()],
        )?;
        for (rank, state) in State::ALL.into_iter().enumerate() {
            let rank = i64::try_from(rank).unwrap_or(i64::MAX);
            self.connection.execute(
                "insert into temp.states (word, rank, is_over) values (?1, ?2, ?3)",
                params![state.word(), rank, state.is_over()],
            )?;
        }
        let mut put =
            self.connection.prepare("insert into temp.journal (order_id, reference, total_minor) values (?1, ?2, ?3)")?;
        for entry in &inputs.journal {
            put.execute(params![entry.order_id.0, entry.reference, entry.total_minor])?;
        }
        Ok(())
    }

    /// Finds since when the log is whole: what happened later must be in it.
    fn reach(&self) -> rusqlite::Result<Timestamp> {
        if !self.trimmed()? {
            return Ok(Timestamp(i64::MIN));
        }
        let text =
            "select at from said l where not exists (select 1 from said p where p.seq = l.seq - 1) order by seq desc limit 1";
        let solid: Option<i64> = self.connection.query_row(text, [], |row| row.get(0)).optional()?;
        Ok(Timestamp(solid.map_or(i64::MAX, |at| at.saturating_add(REACH_MARGIN_MICROS))))
    }

    /// Tells whether old events were ever dropped.
    fn trimmed(&self) -> rusqlite::Result<bool> {
        if !self.has("platform_meta") {
            return Ok(true);
        }
        let first: Option<i64> = self.connection.query_row("select min(seq) from said", [], |row| row.get(0))?;
        let mark: i64 =
            self.connection.query_row("select count(*) from main.platform_meta where key = 'log_high'", [], |row| row.get(0))?;
        Ok(mark > 0 && first != Some(1))
    }

    /// Reads what people did: the letters they gave up, and the payments of which they gave money back.
    fn acts(&self, key: &PlatformKey) -> rusqlite::Result<()> {
        if self.has("log") {
            self.connection.execute_batch(
                "insert into temp.given_up (service, key)
                 select a.service, json_extract(l.data, '$.about') from temp.said s join main.log l on l.seq = s.seq
                 join temp.acts a on a.act = 'discard_dead_letter' and a.subject = cast(json_extract(l.data, '$.dead_letter_id') as text)
                 where s.name in ('dead_letter.parked', 'dead_letter.discarded') and json_extract(l.data, '$.about') is not null",
            )?;
        }
        let mut subjects =
            self.connection.prepare("select distinct subject from temp.acts where service = 'payments' and act = 'refund'")?;
        let subjects = subjects.query_map([], |row| row.get::<_, String>(0))?.collect::<rusqlite::Result<Vec<_>>>()?;
        for subject in subjects {
            if let Ok(payment) = PaymentId::read(&subject, key) {
                self.connection.execute("insert or ignore into temp.refund_acts (payment_id) values (?1)", [payment.0])?;
            }
        }
        Ok(())
    }

    /// Reads the provider's books; the payment is in the key under which the provider was asked.
    fn books(&self) -> rusqlite::Result<()> {
        let mut charges = self.connection.prepare("select c.id, c.key, c.state, c.captured_minor, c.refunded_minor, max(c.at, coalesce((select max(o.at) from provider.provider_operations o where o.charge_id = c.id), 0)) from provider.provider_charges c")?;
        let mut put = self.connection.prepare("insert into temp.books (charge, payment_id, state, captured_minor, refunded_minor, at) values (?1, ?2, ?3, ?4, ?5, ?6)")?;
        let mut rows = charges.query([])?;
        while let Some(row) = rows.next()? {
            let key: String = row.get(1)?;
            let payment = payments::asking::payment_of(&key).map(|payment| payment.0);
            let charge = format!("ch_{:016x}", row.get::<_, i64>(0)?);
            put.execute(params![
                charge,
                payment,
                row.get::<_, String>(2)?,
                row.get::<_, i64>(3)?,
                row.get::<_, i64>(4)?,
                row.get::<_, i64>(5)?
            ])?;
        }
        Ok(())
    }
}

fn names(connection: &Connection, database: &str) -> rusqlite::Result<BTreeSet<String>> {
    let mut statement = connection.prepare(&format!("select name from {database}.sqlite_master where type = 'table'"))?;
    statement.query_map([], |row| row.get(0))?.collect()
}

/// Writes a path as SQLite wants it to open a file for reading only.
fn uri(path: &Path, vfs: Option<&str>) -> String {
    let mut text = String::from("file:");
    for byte in path.to_string_lossy().bytes() {
        match byte {
            b'?' | b'#' | b'%' => text.push_str(&format!("%{byte:02x}")),
            _ => text.push(char::from(byte)),
        }
    }
    text.push_str("?mode=ro");
    if let Some(vfs) = vfs {
        text.push_str("&vfs=");
        text.push_str(vfs);
    }
    text
}
