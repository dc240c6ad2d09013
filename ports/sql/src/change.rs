//! What a commit consists of, what makes it happen once, and how it can end.

use base::{NewEvent, Timestamp};

use crate::Value;

/// How many rows a statement must change.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Expect {
    /// Any number, none too.
    Any,
    /// Exactly so many, else the whole commit is refused: a guard.
    Rows(u64),
}

/// One statement with its parameters `$1`, `$2`, ….
#[derive(Debug, Clone, PartialEq)]
pub struct Statement {
    /// Portable SQL.
    pub text: &'static str,
    /// The parameters.
    pub params: Vec<Value>,
    /// How many rows must change.
    pub expect: Expect,
}

/// Makes a statement that may change any number of rows.
pub fn statement(text: &'static str, params: Vec<Value>) -> Statement {
    Statement { text, params, expect: Expect::Any }
}

impl Statement {
    /// Makes it a guard: unless exactly `rows` rows change, the whole commit is refused.
    pub fn expecting(mut self, rows: u64) -> Statement {
        self.expect = Expect::Rows(rows);
        self
    }
}

/// A durable job that a commit leaves behind; there is at most one of a kind and key.
#[derive(Debug, Clone, PartialEq)]
pub struct NewJob {
    /// What is to be done, such as `authorise`.
    pub kind: &'static str,
    /// What it is about. A job of the same kind and key that is still there makes this one superfluous.
    pub key: i64,
    /// Not before this.
    pub due: Timestamp,
    /// Worthless after this.
    pub deadline: Option<Timestamp>,
    /// The rest, as JSON.
    pub body: String,
    /// The correlation id of the request that began it all.
    pub correlation: String,
    /// The worker that already holds it, so that it need not be claimed: its lease, and until when.
    pub lease: Option<(i64, Timestamp)>,
}

/// Everything that one commit does: all of it or nothing.
///
/// Guarded statements run first, in their order, then the others, then jobs: so nearly every refusal leaves nothing
/// to undo. A guard must therefore not lean on a plain write of the same change.
#[derive(Debug, Clone, Default)]
#[must_use]
pub struct Change {
    /// What is written.
    pub statements: Vec<Statement>,
    /// What is said.
    pub events: Vec<NewEvent>,
    /// What is to be done later.
    pub jobs: Vec<NewJob>,
    /// What need not be done any more: kind and key. Cancelled before the jobs above are made.
    pub cancels: Vec<(&'static str, i64)>,
    /// What the requester is told; kept for a repeat of the request.
    pub answer: Option<Vec<u8>>,
    /// Whether no other commit of the service may happen meanwhile.
    pub alone: bool,
}

impl Change {
    /// Makes a change that does nothing yet.
    pub fn new() -> Change {
        Change::default()
    }

    /// Adds a statement.
    pub fn write(mut self, statement: Statement) -> Change {
        self.statements.push(statement);
        self
    }

    /// Adds a statement that must change rows: one, unless it says how many.
    pub fn guarded(mut self, mut statement: Statement) -> Change {
        if statement.expect == Expect::Any {
            statement.expect = Expect::Rows(1);
        }
        self.statements.push(statement);
        self
    }

    /// Says an event.
    pub fn say(mut self, event: NewEvent) -> Change {
        self.events.push(event);
        self
    }

    /// Leaves a job behind.
    pub fn job(mut self, job: NewJob) -> Change {
        self.jobs.push(job);
        self
    }

    /// Takes a job back, if it is still there.
    pub fn cancel_job(mut self, kind: &'static str, key: i64) -> Change {
        self.cancels.push((kind, key));
        self
    }

    /// Sets what the requester is told.
    pub fn answering(mut self, answer: impl Into<Vec<u8>>) -> Change {
        self.answer = Some(answer.into());
        self
    }

    /// Lets every other commit of the service come before or after this one, never in between: for a change that reads many
    /// rows and writes what it made of them. The others wait for it.
    pub fn alone(mut self) -> Change {
        self.alone = true;
        self
    }

    /// Adds all of another change; its answer wins if it has one.
    pub fn and(mut self, other: Change) -> Change {
        self.statements.extend(other.statements);
        self.events.extend(other.events);
        self.jobs.extend(other.jobs);
        self.cancels.extend(other.cancels);
        self.answer = other.answer.or(self.answer);
        self.alone |= other.alone;
        self
    }

    /// Tells whether there is nothing to do.
    pub fn is_empty(&self) -> bool {
        self.statements.is_empty() && self.events.is_empty() && self.jobs.is_empty() && self.cancels.is_empty()
    }
}

/// The move of a cursor over the events of a source.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Heard {
    /// The service that was heard.
    pub source: String,
    /// Where the cursor must stand now; this is what fences out a second loop.
    pub from: i64,
    /// Where it stands afterwards: everything up to here is done. `from` when it does not move.
    pub upto: i64,
    /// Events beyond `upto` that are done by this commit, ahead of a slower one.
    pub ahead: Vec<i64>,
    /// How many events up to `upto` are known to have been done ahead, so that this commit has left them out. Should there
    /// be others, a second loop has done them, and this commit must not do them again.
    pub known: u64,
}

/// What makes a commit happen once.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Once {
    /// A request: a repeat with the same key finds the recorded answer.
    Request {
        /// A hash of the idempotency key, its principal and route.
        key: i64,
        /// A hash of the body.
        fingerprint: i64,
        /// When it came.
        at: Timestamp,
    },
    /// Events heard.
    Heard(Heard),
    /// A job that is used up.
    Job {
        /// The job.
        id: i64,
        /// The lease under which it was worked.
        lease: i64,
    },
    /// Several jobs that are used up by one commit, each with its lease: all of them or none.
    Jobs(Vec<(i64, i64)>),
    /// Nothing: only for writes that are idempotent by themselves, such as claims and retention.
    Nothing,
}

/// How a commit ended.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Outcome {
    /// Everything happened.
    Done {
        /// Where the events stand, in the order in which they were said.
        seqs: Vec<i64>,
        /// The ids of the jobs, in the order of [`Change::jobs`]; none where one of the kind and key was there.
        jobs: Vec<Option<i64>>,
    },
    /// It had happened before; nothing changed now.
    Repeated {
        /// The recorded answer; empty for events and jobs.
        answer: Vec<u8>,
    },
    /// The key of the request was used with another body; nothing changed.
    OtherBody,
    /// A guard did not hold; nothing changed. Load and decide again.
    Refused {
        /// Its place in [`Change::statements`].
        statement: usize,
    },
    /// Somebody else moved the cursor, or holds the job now; nothing changed. Load where things stand.
    Fenced,
    /// Nobody knows whether it happened; repeat it with the same `Once`.
    Unknown,
}

/// How a commit of several changes under one move of the cursor ended.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum AllOutcome {
    /// Everything happened.
    Done {
        /// Where the events stand, change after change.
        seqs: Vec<i64>,
        /// The ids of the jobs, change after change; none where one of the kind and key was there.
        jobs: Vec<Option<i64>>,
    },
    /// A guard did not hold; nothing changed.
    Refused {
        /// Which of the changes.
        part: usize,
        /// Its place in the [`Change::statements`] of that change.
        statement: usize,
    },
    /// All of it had happened before.
    Repeated,
    /// Somebody else moved the cursor; nothing changed.
    Fenced,
    /// Nobody knows whether it happened.
    Unknown,
}
