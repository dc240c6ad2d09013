//! What the provider answers when it will not.

use axum::http::StatusCode;
use axum::response::{IntoResponse, Json, Response};
use base::Fault;
use serde_json::json;

/// A refusal: its status, a stable code, a sentence.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Problem {
    /// The HTTP status.
    pub status: u16,
    /// The stable name.
    pub code: &'static str,
    /// One sentence for a person; it never repeats what was sent.
    pub message: String,
}

impl Problem {
    /// Makes one.
    pub fn new(status: u16, code: &'static str, message: impl Into<String>) -> Problem {
        Problem { status, code, message: message.into() }
    }
}

impl From<Fault> for Problem {
    fn from(fault: Fault) -> Problem {
        tracing::error!(%fault, cause = fault.cause, "the provider's books failed");
        Problem::new(503, "books_failed", "The provider cannot write its books now.")
    }
}

impl IntoResponse for Problem {
    fn into_response(self) -> Response {
        let status = StatusCode::from_u16(self.status).unwrap_or(StatusCode::INTERNAL_SERVER_ERROR);
        (status, Json(json!({ "error": { "code": self.code, "message": self.message } }))).into_response()
    }
}
