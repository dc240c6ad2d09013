//! Dead letters: what could not be processed, with its cause, until somebody redrives or discards it.

use base::{Fault, Timestamp};

use crate::{Change, Row, Store, params, statement};

/// What a letter holds.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum What {
    /// An event that was heard.
    Event,
    /// A job of this service.
    Job,
}

impl What {
    /// Gives its word: `event` or `job`.
    pub fn word(self) -> &'static str {
        match self {
            What::Event => "event",
            What::Job => "job",
        }
    }
}

/// A dead letter.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Letter {
    /// Its id; drawn from the world, so letters are ordered by time.
    pub id: i64,
    /// What it holds.
    pub what: What,
    /// The service that said the event; this service for a job.
    pub source: String,
    /// Where the event stands; the id of the job.
    pub seq: i64,
    /// The type of the event, or the kind of the job.
    pub kind: String,
    /// What it is about.
    pub key: i64,
    /// The whole event or job, as JSON.
    pub body: String,
    /// Why it could not be processed.
    pub cause: String,
    /// How often it was tried.
    pub attempts: i64,
    /// When it was parked.
    pub parked_at: Timestamp,
    /// The first letter of its key, when it only waits behind that one.
    pub behind: Option<i64>,
}

/// A key that has letters.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ParkedKey {
    /// What they hold.
    pub what: What,
    /// Who said the events.
    pub source: String,
    /// What they are about.
    pub key: i64,
    /// The oldest of them.
    pub first: i64,
    /// How many there are.
    pub letters: i64,
}

fn what(word: &str) -> What {
    if word == "job" { What::Job } else { What::Event }
}

fn letter(row: &Row) -> Result<Letter, Fault> {
    Ok(Letter {
        id: row.int(0)?,
        what: what(row.text(1)?),
        source: row.text(2)?.to_owned(),
        seq: row.int(3)?,
        kind: row.text(4)?.to_owned(),
        key: row.int(5)?,
        body: row.text(6)?.to_owned(),
        cause: row.text(7)?.to_owned(),
        attempts: row.int(8)?,
        parked_at: row.time(9)?,
        behind: row.opt_int(10)?,
    })
}

impl Store {
    /// Makes the change that parks a letter; put it into the commit that moves the cursor or uses up the job.
    pub fn park(&self, letter: &Letter) -> Change {
        let params = params![
            letter.id,
            letter.what.word(),
            &letter.source,
            letter.seq,
            &letter.kind,
            letter.key,
            &letter.body,
            &letter.cause,
            letter.attempts,
            letter.parked_at,
            letter.behind,
        ];
        Change::new().write(statement(self.0.texts.letter_put, params))
    }

    /// Makes the change that takes a letter away; refused when it is not there any more.
    pub fn unpark(&self, id: i64) -> Change {
        Change::new().guarded(statement(self.0.texts.letter_drop, params![id]))
    }

    /// Finds a letter.
    pub async fn letter(&self, id: i64) -> Result<Option<Letter>, Fault> {
        self.read_one(self.0.texts.letter_get, params![id]).await?.as_ref().map(letter).transpose()
    }

    /// Lists letters by id, beginning after one; of one key or of all.
    pub async fn parked(&self, key: Option<i64>, after: i64, limit: usize) -> Result<Vec<Letter>, Fault> {
        let limit = i64::try_from(limit).unwrap_or(i64::MAX);
        let rows = match key {
            Some(key) => self.read(self.0.texts.letter_key, params![after, limit, key]).await?,
            None => self.read(self.0.texts.letter_all, params![after, limit]).await?,
        };
        rows.iter().map(letter).collect()
    }

    /// Lists the keys that have letters: what comes later for them has to wait.
    pub async fn parked_keys(&self) -> Result<Vec<ParkedKey>, Fault> {
        let rows = self.scan(self.0.texts.letter_keys, params![]).await?;
        rows.iter()
            .map(|row| {
                Ok(ParkedKey {
                    what: what(row.text(0)?),
                    source: row.text(1)?.to_owned(),
                    key: row.int(2)?,
                    first: row.int(3)?,
                    letters: row.int(4)?,
                })
            })
            .collect()
    }

    /// Counts the letters.
    pub async fn parked_count(&self) -> Result<i64, Fault> {
        self.read_one(self.0.texts.letter_count, params![]).await?.map_or(Ok(0), |row| row.int(0))
    }
}
