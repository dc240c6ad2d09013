//! Problems (RFC 9457): what every error looks like outside.

use axum::response::{IntoResponse, Response};
use base::{Fault, Kind, Mistake, planted};
use http::{HeaderValue, StatusCode, header};
use serde_json::{Map, Value, json};

use crate::pages;

/// A fault on its way out. The door writes it down, because only the door knows the language and the correlation id.
#[derive(Debug, Clone)]
pub(crate) struct Problem {
    pub(crate) fault: Fault,
    pub(crate) status: StatusCode,
}

impl Problem {
    pub(crate) fn with_status(status: u16, fault: Fault) -> Problem {
        Problem { fault, status: StatusCode::from_u16(status).unwrap_or(StatusCode::INTERNAL_SERVER_ERROR) }
    }

    /// Writes the problem down.
    pub(crate) fn written(&self, correlation: &str, russian: bool) -> Response {
        let code = &self.fault.code;
        let page = pages::find(code);
        let title = page.and_then(|page| page.title(russian)).unwrap_or_else(|| pages::humane(code));
        let detail = page.filter(|_| russian).and_then(|page| page.detail_ru()).unwrap_or(&self.fault.message);
        let mut body = Map::new();
        for (name, value) in &self.fault.details {
            body.insert(name.clone(), value.clone());
        }
        body.insert("type".to_owned(), json!(format!("/problems/{code}")));
        body.insert("title".to_owned(), json!(title));
        body.insert("status".to_owned(), json!(self.status.as_u16()));
        body.insert("detail".to_owned(), json!(detail));
        body.insert("code".to_owned(), json!(code));
        if detail != self.fault.message {
            // The page tells in general; the particulars of this request are only in the message.
            body.insert("message".to_owned(), json!(self.fault.message));
        }
        body.insert("correlation_id".to_owned(), json!(correlation));
        let mut response = (self.status, Value::Object(body).to_string()).into_response();
        let headers = response.headers_mut();
        headers.insert(header::CONTENT_TYPE, HeaderValue::from_static("application/problem+json"));
        headers.insert(header::VARY, HeaderValue::from_static("Accept-Language"));
        if self.status == StatusCode::TOO_MANY_REQUESTS || self.status == StatusCode::SERVICE_UNAVAILABLE {
            let seconds = self.fault.details.get("retry_after_seconds").and_then(Value::as_u64).unwrap_or(1);
            headers.insert(header::RETRY_AFTER, HeaderValue::from(seconds));
        }
        if self.status == StatusCode::UNAUTHORIZED {
            headers.insert(header::WWW_AUTHENTICATE, HeaderValue::from_static("Bearer"));
        }
        response
    }
}

impl From<Fault> for Problem {
    fn from(fault: Fault) -> Problem {
        if fault.kind == Kind::Internal && fault.cause.is_some() {
            tracing::error!(code = %fault.code, cause = fault.cause, "{}", fault.message);
        }
        let theirs = fault.kind == Kind::Timeout && planted(Mistake::TimeoutIsTheirs);
        let status = if theirs { StatusCode::REQUEST_TIMEOUT.as_u16() } else { fault.kind.http_status() };
        Problem::with_status(status, fault)
    }
}

impl IntoResponse for Problem {
    fn into_response(self) -> Response {
        let mut response = self.status.into_response();
        response.extensions_mut().insert(self);
        response
    }
}
