//! The provider's books: every charge and what was done with it, on the disk before it is answered.

use std::path::Path;
use std::sync::Arc;

use base::id::EventId;
use base::{Fault, Timestamp, World};
use embedded::{Database, Options};
use serde::Serialize;
use sql::{Change, Embedded, Migration, Once, Outcome, Row, Store, params, statement};

use crate::{Problem, Settings};

const MIGRATIONS: &[Migration] = &[Migration { version: 1, name: "begin", text: include_str!("../migrations/0001_begin.sql") }];
/// How often a commit that nobody knows about is asked for again.
const TRIES_MAX: u32 = 5;

/// What somebody wants to be paid.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Wish {
    /// The key under which it is known.
    pub key: String,
    /// How much, in minor units.
    pub amount_minor: i64,
    /// The currency's code.
    pub currency: String,
    /// The card's token.
    pub token: String,
    /// Whether the money is taken at once, or set aside.
    pub capture: bool,
    /// The payee's name for it.
    pub order_reference: String,
}

/// A charge.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Charge {
    /// Its name: `ch_…`.
    pub id: String,
    /// `authorised`, `captured`, `declined`, `voided` or `withdrawn`.
    pub state: String,
    /// Why it was declined.
    pub reason: String,
    /// How much was asked for.
    pub amount_minor: i64,
    /// The currency's code.
    pub currency: String,
    /// How much was taken.
    pub captured_minor: i64,
    /// How much of that went back.
    pub refunded_minor: i64,
    /// The payee's name for it.
    pub order_reference: String,
    /// The key under which it is known.
    pub key: String,
    #[serde(skip)]
    token: String,
    #[serde(skip)]
    capture: bool,
}

/// What can be done with a charge.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Deed {
    /// Take what was set aside.
    Capture,
    /// Let go of what was set aside.
    Void,
    /// Give back so much.
    Refund(i64),
}

impl Deed {
    fn word(self) -> &'static str {
        match self {
            Deed::Capture => "capture",
            Deed::Void => "void",
            Deed::Refund(_) => "refund",
        }
    }
}

/// One row of the books, for whoever audits them.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct BookRow {
    /// Its place.
    pub seq: i64,
    /// The name of the charge, or of the refund.
    pub id: String,
    /// The charge.
    pub charge_id: String,
    /// The key.
    pub key: String,
    /// The payee's name for the charge.
    pub order_reference: String,
    /// `authorise`, `capture`, `decline`, `void`, `refund` or `withdraw`.
    pub kind: String,
    /// How much.
    pub amount_minor: i64,
    /// The currency's code.
    pub currency: String,
    /// When, in microseconds since 1970, UTC.
    pub at: i64,
}

/// The books. Clones share everything.
#[derive(Clone)]
pub struct Books {
    store: Store,
    world: World,
}

impl Books {
    /// Opens or makes the books' file; every commit waits for the disk, many share one flush.
    pub async fn open(path: &Path, world: World) -> Result<Books, Fault> {
        Books::open_with(path, Options::default(), world).await
    }

    /// Opens or makes the books' file in a way of one's own.
    pub async fn open_with(path: &Path, options: Options, world: World) -> Result<Books, Fault> {
        let options = Options { tail_events: 16, ..options };
        let engine = Arc::new(Embedded::new(Database::open(path, options)?));
        let store = Store::open(engine, "provider", MIGRATIONS, world.clone()).await?;
        Ok(Books { store, world })
    }

    /// Reads what people have set, if they have.
    pub async fn settings(&self) -> Result<Option<Settings>, Fault> {
        let row = self.store.read_one("select body from provider_settings where id = 1", params![]).await?;
        Ok(row.and_then(|row| serde_json::from_str(row.text(0).ok()?).ok()))
    }

    /// Keeps what people have set.
    pub async fn set(&self, settings: &Settings) -> Result<(), Fault> {
        let body = serde_json::to_string(settings).expect("settings are plain data");
        let text = "insert into provider_settings (id, body) values ($1, $2) on conflict (id) do update set body = excluded.body";
        self.commit(Change::new().write(statement(text, params![1, body]))).await.map(|_| ())
    }

    /// Takes or sets aside money, or notes that the card said no. The same wish again gets the same charge.
    pub async fn charge(&self, wish: &Wish, declined: Option<&'static str>) -> Result<Charge, Problem> {
        let state = match (declined, wish.capture) {
            (Some(_), _) => "declined",
            (None, true) => "captured",
            (None, false) => "authorised",
        };
        let captured_minor = if state == "captured" { wish.amount_minor } else { 0 };
        let number = self.world.next_id::<EventId>().0;
        let charge = Charge {
            id: charge_name(number),
            state: state.to_owned(),
            reason: declined.unwrap_or_default().to_owned(),
            amount_minor: wish.amount_minor,
            currency: wish.currency.clone(),
            captured_minor,
            refunded_minor: 0,
            order_reference: wish.order_reference.clone(),
            key: wish.key.clone(),
            token: wish.token.clone(),
            capture: wish.capture,
        };
        if self.put(number, &charge).await? {
            return Ok(charge);
        }
        let known = self.find(&wish.key).await?.ok_or_else(lost)?;
        if known.state == "withdrawn" {
            return Err(Problem::new(409, "key_withdrawn", "This key was withdrawn: no charge will come of it."));
        }
        let same = known.amount_minor == wish.amount_minor
            && known.currency == wish.currency
            && known.token == wish.token
            && known.capture == wish.capture
            && known.order_reference == wish.order_reference;
        if same { Ok(known) } else { Err(reused()) }
    }

    /// Makes sure that no charge comes of a key; gives the charge when one has.
    pub async fn withdraw(&self, key: &str) -> Result<Charge, Problem> {
        let number = self.world.next_id::<EventId>().0;
        let charge = Charge {
            id: charge_name(number),
            state: "withdrawn".to_owned(),
            reason: String::new(),
            amount_minor: 0,
            currency: String::new(),
            captured_minor: 0,
            refunded_minor: 0,
            order_reference: String::new(),
            key: key.to_owned(),
            token: String::new(),
            capture: false,
        };
        if self.put(number, &charge).await? {
            return Ok(charge);
        }
        self.find(key).await?.ok_or_else(lost)
    }

    /// Finds what became of a key.
    pub async fn find(&self, key: &str) -> Result<Option<Charge>, Fault> {
        let text = "select id, state, reason, amount_minor, currency, captured_minor, refunded_minor, order_reference, key, token, capture
                    from provider_charges where key = $1";
        self.store.read_one(text, params![key]).await?.as_ref().map(charge_of).transpose()
    }

    /// Finds a charge by its name.
    pub async fn by_id(&self, id: &str) -> Result<Charge, Problem> {
        let unknown = || Problem::new(404, "charge_not_found", "There is no such charge.");
        let number = number_of(id, "ch_").ok_or_else(unknown)?;
        let text = "select id, state, reason, amount_minor, currency, captured_minor, refunded_minor, order_reference, key, token, capture
                    from provider_charges where id = $1";
        let row = self.store.read_one(text, params![number]).await?;
        Ok(charge_of(&row.ok_or_else(unknown)?)?)
    }

    /// Does something with a charge; gives the name of the deed. The same again does nothing more.
    pub async fn act(&self, id: &str, key: &str, deed: Deed) -> Result<String, Problem> {
        let charge = self.by_id(id).await?;
        let charge_number = number_of(id, "ch_").ok_or_else(lost)?;
        let amount_minor = match deed {
            Deed::Refund(amount_minor) => amount_minor,
            Deed::Capture | Deed::Void => charge.amount_minor,
        };
        let number = self.world.next_id::<EventId>().0;
        let noted = statement(
            "insert into provider_operations (id, key, charge_id, kind, amount_minor, at) values ($1, $2, $3, $4, $5, $6) on conflict (key) do nothing",
            params![number, key, charge_number, deed.word(), amount_minor, self.world.now()],
        );
        let moved = match deed {
            Deed::Capture => statement(
                "update provider_charges set state = 'captured', captured_minor = $2 where id = $1 and state = 'authorised'",
                params![charge_number, amount_minor],
            ),
            Deed::Void => statement(
                "update provider_charges set state = 'voided' where id = $1 and state = 'authorised'",
                params![charge_number],
            ),
            Deed::Refund(_) => statement(
                "update provider_charges set refunded_minor = refunded_minor + $2
                 where id = $1 and state = 'captured' and refunded_minor + $2 <= captured_minor",
                params![charge_number, amount_minor],
            ),
        };
        if self.commit(Change::new().guarded(noted).guarded(moved)).await? {
            return Ok(deed_name(number));
        }
        let text = "select id, charge_id, kind, amount_minor from provider_operations where key = $1";
        match self.store.read_one(text, params![key]).await? {
            Some(known) => {
                let same = known.int(1)? == charge_number && known.text(2)? == deed.word() && known.int(3)? == amount_minor;
                if same { Ok(deed_name(known.int(0)?)) } else { Err(reused()) }
            }
            None if matches!(deed, Deed::Refund(_)) && charge.state == "captured" => {
                Err(Problem::new(422, "refund_too_large", "No more can be given back than was taken."))
            }
            None => Err(Problem::new(409, "charge_state", "The charge is not in a state in which this can be done.")),
        }
    }

    /// Reads the books behind a place, in order.
    pub async fn page(&self, after: i64, limit: i64) -> Result<Vec<BookRow>, Fault> {
        let text = "select id, id, key, order_reference, state, capture, amount_minor, currency, at
                    from provider_charges where id > $1 order by id limit $2";
        let charges = self.store.read(text, params![after, limit]).await?;
        let text = "select o.id, o.charge_id, o.key, c.order_reference, o.kind, o.amount_minor, c.currency, o.at
                    from provider_operations o join provider_charges c on c.id = o.charge_id where o.id > $1 order by o.id limit $2";
        let deeds = self.store.read(text, params![after, limit]).await?;
        let mut rows = charges.iter().map(book_row_of_charge).collect::<Result<Vec<_>, _>>()?;
        for row in &deeds {
            rows.push(book_row_of_deed(row)?);
        }
        rows.sort_by_key(|row| row.seq);
        rows.truncate(usize::try_from(limit).unwrap_or(0));
        Ok(rows)
    }

    async fn put(&self, number: i64, charge: &Charge) -> Result<bool, Fault> {
        let text = "insert into provider_charges (id, key, token, capture, order_reference, amount_minor, currency, state, reason,
                    captured_minor, refunded_minor, at) values ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12) on conflict (key) do nothing";
        let params = params![
            number,
            &charge.key,
            &charge.token,
            charge.capture,
            &charge.order_reference,
            charge.amount_minor,
            &charge.currency,
            &charge.state,
            &charge.reason,
            charge.captured_minor,
            charge.refunded_minor,
            self.world.now(),
        ];
        self.commit(Change::new().guarded(statement(text, params))).await
    }

    /// Tells whether the change happened; `false` when a guard did not hold.
    async fn commit(&self, change: Change) -> Result<bool, Fault> {
        for _ in 0..TRIES_MAX {
            match self.store.commit(Once::Nothing, change.clone()).await? {
                Outcome::Done { .. } => return Ok(true),
                Outcome::Refused { .. } => return Ok(false),
                // Every change here is known by a key, so a second time is refused.
                Outcome::Unknown | Outcome::Repeated { .. } | Outcome::OtherBody | Outcome::Fenced => {}
            }
        }
        Err(Fault::unavailable("commit_in_doubt", "Nobody knows whether the books were written."))
    }
}

fn charge_of(row: &Row) -> Result<Charge, Fault> {
    Ok(Charge {
        id: charge_name(row.int(0)?),
        state: row.text(1)?.to_owned(),
        reason: row.text(2)?.to_owned(),
        amount_minor: row.int(3)?,
        currency: row.text(4)?.to_owned(),
        captured_minor: row.int(5)?,
        refunded_minor: row.int(6)?,
        order_reference: row.text(7)?.to_owned(),
        key: row.text(8)?.to_owned(),
        token: row.text(9)?.to_owned(),
        capture: row.bool(10)?,
    })
}

fn book_row_of_charge(row: &Row) -> Result<BookRow, Fault> {
    let kind = match (row.text(4)?, row.bool(5)?) {
        ("declined", _) => "decline",
        ("withdrawn", _) => "withdraw",
        (_, true) => "capture",
        (_, false) => "authorise",
    };
    let name = charge_name(row.int(1)?);
    Ok(BookRow {
        seq: row.int(0)?,
        id: name.clone(),
        charge_id: name,
        key: row.text(2)?.to_owned(),
        order_reference: row.text(3)?.to_owned(),
        kind: kind.to_owned(),
        amount_minor: row.int(6)?,
        currency: row.text(7)?.to_owned(),
        at: row.time(8).map(Timestamp::micros)?,
    })
}

fn book_row_of_deed(row: &Row) -> Result<BookRow, Fault> {
    let (charge, kind) = (charge_name(row.int(1)?), row.text(4)?.to_owned());
    Ok(BookRow {
        seq: row.int(0)?,
        // A capture is a movement of the charge itself; only refunds have names of their own.
        id: if kind == "refund" { deed_name(row.int(0)?) } else { charge.clone() },
        charge_id: charge,
        key: row.text(2)?.to_owned(),
        order_reference: row.text(3)?.to_owned(),
        kind,
        amount_minor: row.int(5)?,
        currency: row.text(6)?.to_owned(),
        at: row.time(7).map(Timestamp::micros)?,
    })
}

fn charge_name(number: i64) -> String {
    format!("ch_{number:016x}")
}

fn deed_name(number: i64) -> String {
    format!("re_{number:016x}")
}

fn number_of(name: &str, prefix: &str) -> Option<i64> {
    i64::from_str_radix(name.strip_prefix(prefix)?, 16).ok()
}

fn reused() -> Problem {
    Problem::new(409, "idempotency_key_reused", "This key was used for something else.")
}

fn lost() -> Problem {
    Problem::new(503, "books_failed", "The provider cannot read its books now.")
}
