//! What a handler gets of a request: who asks, in the context of a call; the body and the query as types.

use std::convert::Infallible;

use axum::extract::{FromRequest, FromRequestParts, Query, Request};
use base::{Fault, Principal};
use bytes::Bytes;
use http::request::Parts;
use http::{StatusCode, header};
use serde::de::DeserializeOwned;
use wire::Call;

use crate::Edge;
use crate::came::Origin;
use crate::problem::Problem;

/// The errand of a request, verified by the door.
#[derive(Debug, Clone)]
pub(crate) struct Asked {
    pub(crate) call: Call,
    /// The token of a device that was made for this request.
    pub(crate) fresh_token: Option<String>,
    /// From where it comes.
    pub(crate) origin: Origin,
    /// The browser's cookie does not count here.
    pub(crate) stale_cookie: bool,
}

impl Asked {
    pub(crate) fn is_staff(&self) -> bool {
        matches!(self.call.principal, Principal::Staff { .. })
    }

    /// Refuses those who have shown nothing.
    pub(crate) fn known(&self) -> Result<(), Fault> {
        match self.call.principal {
            Principal::Nobody if self.stale_cookie => Err(Fault::unauthenticated(
                "token_unknown",
                "The cookie of this browser was not given out by this platform; it is taken away, so get a new device.",
            )),
            Principal::Nobody => {
                Err(Fault::unauthenticated("token_needed", "This needs the token of a device or of the shop's staff."))
            }
            _ => Ok(()),
        }
    }

    /// Gives the shop that is asked about: there is one for now.
    pub(crate) fn shop(&self) -> i64 {
        match self.call.principal {
            Principal::Staff { shop, .. } => shop.0,
            _ => 1,
        }
    }
}

impl<S: Send + Sync> FromRequestParts<S> for Asked {
    type Rejection = Infallible;

    async fn from_request_parts(parts: &mut Parts, _: &S) -> Result<Asked, Infallible> {
        let asked = parts.extensions.get::<Asked>().cloned();
        Ok(asked.unwrap_or_else(|| Asked {
            call: Call::new(Principal::Nobody, ""),
            fresh_token: None,
            origin: Origin::default(),
            stale_cookie: false,
        }))
    }
}

/// A body as JSON of a type.
pub(crate) struct Sent<T>(pub(crate) T);

impl<T: DeserializeOwned> FromRequest<Edge> for Sent<T> {
    type Rejection = Problem;

    async fn from_request(request: Request, edge: &Edge) -> Result<Sent<T>, Problem> {
        let kind =
            request.headers().get(header::CONTENT_TYPE).and_then(|value| value.to_str().ok()).unwrap_or_default().to_owned();
        let body = Bytes::from_request(request, edge)
            .await
            .map_err(|error| Fault::invalid("bad_json", "The body could not be read.").because(error))?;
        let kind = kind.split(';').next().unwrap_or_default().trim().to_ascii_lowercase();
        if kind != "application/json" && !body.is_empty() {
            return Err(Problem::with_status(
                StatusCode::UNSUPPORTED_MEDIA_TYPE.as_u16(),
                Fault::invalid("media_type_unsupported", "The body must be JSON, and say so: `Content-Type: application/json`."),
            ));
        }
        let text: &[u8] = if body.is_empty() { b"{}" } else { &body };
        Ok(Sent(serde_json::from_slice(text).map_err(|error| unreadable(&error))?))
    }
}

/// Says what is wrong with a body; an unknown field has a code of its own.
fn unreadable(error: &serde_json::Error) -> Fault {
    use serde_json::error::Category;
    let said = error.to_string();
    let at = |fault: Fault| fault.with("line", error.line() as u64).with("column", error.column() as u64);
    match error.classify() {
        Category::Data if said.starts_with("unknown field") => {
            let field = said.split('`').nth(1).unwrap_or_default().to_owned();
            at(Fault::invalid("unknown_field", format!("There is no field `{field}` here.")).with("field", field))
        }
        Category::Data => at(Fault::invalid("bad_body", format!("The body does not fit: {said}."))),
        _ => at(Fault::invalid("bad_json", format!("The body is not JSON: {said}."))),
    }
}

/// The query of a type.
pub(crate) struct Asking<T>(pub(crate) T);

impl<T: DeserializeOwned, S: Send + Sync> FromRequestParts<S> for Asking<T> {
    type Rejection = Problem;

    async fn from_request_parts(parts: &mut Parts, _: &S) -> Result<Asking<T>, Problem> {
        let query = Query::<T>::try_from_uri(&parts.uri);
        query
            .map(|query| Asking(query.0))
            .map_err(|error| Fault::invalid("bad_query", format!("The query does not fit: {error}.")).into())
    }
}

/// A part of the path.
pub(crate) type Named = axum::extract::Path<String>;
