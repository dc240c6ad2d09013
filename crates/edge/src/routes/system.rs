//! The platform itself: health, metrics, problems, the document and the page to try it.

use axum::Router;
use axum::body::Body;
use axum::extract::State;
use axum::response::{Html, IntoResponse, Response};
use axum::routing::get;
use base::Fault;
use bytes::Bytes;
use http::{HeaderMap, HeaderValue, StatusCode, header};
use serde_json::json;
use sha2::{Digest, Sha256};

use super::operator::{health_of_all, shown_health};
use crate::api::Api;
use crate::asked::Named;
use crate::problem::Problem;
use crate::{Edge, pages};

const SCRIPT: &[u8] = include_bytes!("../../assets/swagger/swagger-ui-bundle.js.gz");
const STYLE: &[u8] = include_bytes!("../../assets/swagger/swagger-ui.css.gz");
const PAGE: &str = include_str!("../../assets/swagger/index.html");
const START: &str = include_str!("../../assets/swagger/start.js");
/// Nothing comes from another host, and no script but our own files runs.
const POLICY: &str = "default-src 'none'; script-src 'self'; style-src 'self' 'unsafe-inline'; img-src 'self' data:; connect-src 'self'; frame-ancestors 'none'";

/// Nothing of this chapter is part of the documented API.
pub(crate) fn add(_: &mut Api) {}

/// Gives the routes that are not described: they are for machines and for reading.
pub(crate) fn own(document: Bytes) -> Router<Edge> {
    let file = |kind: &'static str, bytes: &'static [u8], packed: bool| {
        get(move |headers: HeaderMap| async move { asset(&headers, kind, bytes, packed) })
    };
    Router::new()
        .route("/healthz", get(|| async { "ok\n" }))
        .route("/readyz", get(ready))
        .route("/metrics", get(metrics))
        .route("/problems/{code}", get(problem))
        .route("/openapi.json", get(move || async move { ([(header::CONTENT_TYPE, "application/json")], document.clone()) }))
        .route("/docs/api", get(|| async { ([(header::CONTENT_SECURITY_POLICY, POLICY)], Html(PAGE)) }))
        .route("/docs/api/swagger-ui-bundle.js", file("text/javascript", SCRIPT, true))
        .route("/docs/api/swagger-ui.css", file("text/css", STYLE, true))
        .route("/docs/api/start.js", file("text/javascript", START.as_bytes(), false))
}

fn asset(headers: &HeaderMap, kind: &'static str, bytes: &'static [u8], packed: bool) -> Response {
    let tag = format!("\"{}\"", data_encoding::HEXLOWER.encode(&Sha256::digest(bytes)[..12]));
    let known = headers.get(header::IF_NONE_MATCH).is_some_and(|known| known.as_bytes() == tag.as_bytes());
    let mut response = if known { StatusCode::NOT_MODIFIED.into_response() } else { Body::from(bytes).into_response() };
    let headers = response.headers_mut();
    headers.insert(header::CONTENT_TYPE, HeaderValue::from_static(kind));
    headers.insert(header::CACHE_CONTROL, HeaderValue::from_static("no-cache"));
    if packed {
        headers.insert(header::CONTENT_ENCODING, HeaderValue::from_static("gzip"));
    }
    if let Ok(tag) = HeaderValue::try_from(tag) {
        headers.insert(header::ETAG, tag);
    }
    response
}

async fn ready(State(edge): State<Edge>) -> Result<Response, Problem> {
    let all = health_of_all(&edge).await;
    let services: Vec<_> = all.iter().map(shown_health).collect();
    let missing: Vec<&str> = all.iter().filter(|health| !health.ready).map(|health| health.service.as_str()).collect();
    if missing.is_empty() {
        return Ok(axum::Json(json!({ "ready": true, "services": services })).into_response());
    }
    Err(Fault::unavailable("not_ready", format!("Not ready: {}.", missing.join(", "))).with("services", services).into())
}

async fn metrics(State(edge): State<Edge>) -> impl IntoResponse {
    ([(header::CONTENT_TYPE, "text/plain; version=0.0.4")], (edge.0.metrics)())
}

async fn problem(code: Named) -> Result<Html<String>, Problem> {
    let page = pages::find(&code).ok_or_else(|| Fault::not_found("route_not_found", "There is nothing at this address."))?;
    Ok(Html(page.html()))
}
