//! What a commit does to one document, what makes it happen once, and how it can end.

use base::{Fault, NewEvent, RequestKey, Timestamp};
use serde::Serialize;

use crate::{Collection, Value};

/// The largest body of a document, in bytes; below what every engine takes with its envelope.
pub const BODY_BYTES_MAX: usize = 1_048_576;

/// What a document becomes: its body and the fields that queries may name.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Content {
    /// The body, as JSON.
    pub body: String,
    /// The values of all declared fields, in the order of their declaration.
    pub fields: Vec<Value>,
}

/// Everything that one commit does: it touches one document, and that document alone.
#[derive(Debug, Clone)]
#[must_use]
pub struct Change {
    pub(crate) collection: &'static Collection,
    pub(crate) id: i64,
    pub(crate) expected_version: i64,
    /// What the document becomes; none leaves it as it is, its version too.
    pub(crate) body: Option<String>,
    pub(crate) fields: Vec<(&'static str, Value)>,
    pub(crate) events: Vec<NewEvent>,
    pub(crate) answer: Vec<u8>,
}

impl Change {
    /// Puts a document that must be at `expected_version` now; 0 for one that must not be there yet.
    pub fn put(collection: &'static Collection, id: i64, expected_version: i64, body: &impl Serialize) -> Result<Change, Fault> {
        let body = serde_json::to_string(body)
            .map_err(|error| Fault::internal("document_unwritable", "The document is not JSON.").because(error))?;
        if body.len() > BODY_BYTES_MAX {
            let fault = Fault::invalid("document_too_large", format!("It is larger than {BODY_BYTES_MAX} bytes."));
            return Err(fault.with("bytes", body.len()));
        }
        Ok(Change { body: Some(body), ..Change::touch(collection, id, expected_version) })
    }

    /// Leaves a document as it is and only records the answer of a request in it.
    pub fn touch(collection: &'static Collection, id: i64, expected_version: i64) -> Change {
        Change { collection, id, expected_version, body: None, fields: Vec::new(), events: Vec::new(), answer: Vec::new() }
    }

    /// Sets a field that queries may name.
    pub fn with(mut self, field: &'static str, value: impl Into<Value>) -> Change {
        self.fields.push((field, value.into()));
        self
    }

    /// Says an event.
    pub fn say(mut self, event: NewEvent) -> Change {
        self.events.push(event);
        self
    }

    /// Sets what the requester is told; kept for a repeat of the request.
    pub fn answering(mut self, answer: impl Into<Vec<u8>>) -> Change {
        self.answer = answer.into();
        self
    }

    /// Gives the version that the document has afterwards.
    pub fn version(&self) -> i64 {
        self.expected_version + i64::from(self.body.is_some())
    }

    /// Puts the fields into the order of their declaration; one that is missing, twice or of another kind is a defect.
    pub(crate) fn content(&mut self) -> Result<Option<Content>, Fault> {
        let Some(body) = self.body.take() else { return Ok(None) };
        let name = self.collection.name;
        let defect =
            |field: &str| Fault::internal("document_field", format!("The field {field} of {name} is not set as declared."));
        let mut fields = Vec::with_capacity(self.collection.fields.len());
        for declared in self.collection.fields {
            let mut given = self.fields.iter().filter(|(field, _)| *field == declared.name);
            match (given.next(), given.next()) {
                (Some((_, value)), None) if value.kind() == declared.kind => fields.push(value.clone()),
                _ => return Err(defect(declared.name)),
            }
        }
        match self.fields.iter().find(|(field, _)| self.collection.fields.iter().all(|declared| declared.name != *field)) {
            Some((unknown, _)) => Err(defect(unknown)),
            None => Ok(Some(Content { body, fields })),
        }
    }
}

/// What makes a commit happen once.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Once {
    /// A request: a repeat with the same key finds the recorded answer.
    Request {
        /// The request.
        request: RequestKey,
        /// When it came.
        at: Timestamp,
    },
    /// An event heard; the document remembers it, because no cursor can move in the same commit.
    Heard {
        /// The service that said it.
        source: String,
        /// Where it stands.
        seq: i64,
        /// When it is heard.
        at: Timestamp,
    },
    /// Nothing: only for writes that are idempotent by themselves.
    Nothing,
}

impl Once {
    /// Gives what is remembered: key, fingerprint and time.
    pub(crate) fn record(&self) -> Option<Record> {
        match self {
            Once::Request { request, at } => Some(Record { key: request.key, fingerprint: request.fingerprint, at: *at }),
            Once::Heard { source, seq, at } => {
                // A route that no edge has keeps events and requests apart.
                let own = RequestKey::new(&base::Principal::platform(source), "heard", &seq.to_string(), b"");
                Some(Record { key: own.key, fingerprint: own.fingerprint, at: *at })
            }
            Once::Nothing => None,
        }
    }
}

/// What a document remembers of a request that it has answered.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Record {
    /// The request's key.
    pub key: i64,
    /// The fingerprint of its body.
    pub fingerprint: i64,
    /// When it came.
    pub at: Timestamp,
}

/// How a commit ended.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Outcome {
    /// Everything happened.
    Done {
        /// The version of the document now.
        version: i64,
    },
    /// It had happened before; nothing changed now.
    Repeated {
        /// The recorded answer; empty for events.
        answer: Vec<u8>,
    },
    /// The key of the request was used with another body; nothing changed.
    OtherBody,
    /// The document is at another version, or another document has the same unique values; nothing changed. Load and
    /// decide again.
    Refused,
    /// Nobody knows whether it happened; repeat it with the same `Once`.
    Unknown,
}
