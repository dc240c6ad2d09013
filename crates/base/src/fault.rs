//! What went wrong, in one shape for every layer.

use std::collections::BTreeMap;
use std::fmt;

use serde::{Deserialize, Serialize};
use serde_json::Value;

/// How a fault is to be treated: it decides the gRPC code, the HTTP status and whether a retry makes sense.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Kind {
    /// The request itself is wrong; sending it again will not help.
    Invalid,
    /// Nobody is named, or the name could not be verified.
    Unauthenticated,
    /// The principal may not do this.
    Denied,
    /// There is no such thing, or none that the principal may see.
    NotFound,
    /// The thing has changed meanwhile, or the key was used for something else.
    Conflict,
    /// The rules of the business say no.
    Refused,
    /// A limit was reached; try later.
    Limited,
    /// Somebody that is needed cannot answer now; try later.
    Unavailable,
    /// No answer in time; whether it happened is unknown.
    Timeout,
    /// A defect or a broken store.
    Internal,
}

/// Gives one row per kind: the kind, its gRPC code, its HTTP status, and whether a repeat may help.
pub const KINDS: [(Kind, i32, u16, bool); 10] = [
    (Kind::Invalid, 3, 400, false),
    (Kind::Unauthenticated, 16, 401, false),
    (Kind::Denied, 7, 403, false),
    (Kind::NotFound, 5, 404, false),
    (Kind::Conflict, 10, 409, false),
    (Kind::Refused, 9, 422, false),
    (Kind::Limited, 8, 429, true),
    (Kind::Unavailable, 14, 503, true),
    (Kind::Timeout, 4, 504, true),
    (Kind::Internal, 13, 500, false),
];

impl Kind {
    fn row(self) -> &'static (Kind, i32, u16, bool) {
        KINDS.iter().find(|row| row.0 == self).expect("every kind has its row: a test walks them")
    }

    /// Gives the gRPC status code.
    pub fn grpc_code(self) -> i32 {
        self.row().1
    }

    /// Gives the HTTP status.
    pub fn http_status(self) -> u16 {
        self.row().2
    }

    /// Tells whether the same request may succeed later.
    pub fn is_retryable(self) -> bool {
        self.row().3
    }

    /// Finds the kind of a gRPC code; what is not in the table is `Internal`.
    pub fn of_grpc_code(code: i32) -> Kind {
        KINDS.iter().find(|row| row.1 == code).map_or(Kind::Internal, |row| row.0)
    }
}

/// A fault: its kind, a stable code with a page under `docs/problems/`, a sentence, and details that are safe to show.
///
/// `source` is for the log alone: it is never printed inside `Display`.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct Fault {
    /// How it is to be treated.
    pub kind: Kind,
    /// The stable name, such as `order_not_found`.
    pub code: String,
    /// One sentence for a person.
    pub message: String,
    /// Facts about this occurrence that the caller may see.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub details: BTreeMap<String, Value>,
    /// The cause, for the log.
    #[serde(default, skip)]
    pub cause: Option<String>,
}

impl fmt::Display for Fault {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}: {}", self.code, self.message)
    }
}

impl std::error::Error for Fault {}

macro_rules! constructors {
    ($($name:ident => $kind:ident),* $(,)?) => {
        impl Fault {
            $(
                #[doc = concat!("Makes a fault of the kind `", stringify!($kind), "`.")]
                pub fn $name(code: &str, message: impl Into<String>) -> Fault {
                    Fault::new(Kind::$kind, code, message)
                }
            )*
        }
    };
}

constructors! {
    invalid => Invalid,
    unauthenticated => Unauthenticated,
    denied => Denied,
    not_found => NotFound,
    conflict => Conflict,
    refused => Refused,
    limited => Limited,
    unavailable => Unavailable,
    timeout => Timeout,
    internal => Internal,
}

impl Fault {
    /// Makes a fault.
    pub fn new(kind: Kind, code: &str, message: impl Into<String>) -> Fault {
        Fault { kind, code: code.to_owned(), message: message.into(), details: BTreeMap::new(), cause: None }
    }

    /// Adds a detail that the caller may see.
    pub fn with(mut self, name: &str, value: impl Into<Value>) -> Fault {
        self.details.insert(name.to_owned(), value.into());
        self
    }

    /// Adds the cause, for the log alone.
    pub fn because(mut self, cause: impl fmt::Display) -> Fault {
        self.cause = Some(cause.to_string());
        self
    }

    /// Tells whether the same request may succeed later.
    pub fn is_retryable(&self) -> bool {
        self.kind.is_retryable()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_kind_has_one_row_and_the_codes_lead_back() {
        for (kind, grpc, http, _) in KINDS {
            assert_eq!(Kind::of_grpc_code(grpc), kind);
            assert_eq!(kind.http_status(), http);
        }
        let mut codes: Vec<_> = KINDS.iter().map(|row| row.1).collect();
        codes.sort_unstable();
        codes.dedup();
        assert_eq!(codes.len(), KINDS.len());
    }

    #[test]
    fn the_cause_is_for_the_log_and_never_shown() {
        let fault = Fault::internal("store_failed", "The store failed.").because("disk 7 of rack 3");
        assert!(!fault.to_string().contains("rack"));
        assert!(!serde_json::to_string(&fault).unwrap().contains("rack"));
    }
}
