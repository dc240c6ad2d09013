//! The platform itself: is it alive, is it ready, what does it count, and its own pages.

use axum::Router;
use axum::extract::State;
use axum::response::{IntoResponse, Response};
use axum::routing::get;
use base::Fault;
use bytes::Bytes;
use http::{HeaderMap, HeaderValue, header};
use operator_api::GetHealthRequest;
use serde_json::json;
use sha2::{Digest, Sha256};

use crate::api::{self, Api, Who};
use crate::asked::Named;
use crate::problem::Problem;
use crate::{Edge, SERVICES, pages};

pub(crate) fn add(api: &mut Api) {
    api.chapter("system");
    api.add(api::get("/healthz", "Tells that the process is alive").open_to(Who::Anyone).gives_text("text/plain"), || async { "ok\n" });
    api.add(api::get("/readyz", "Tells whether every service is ready; names those that are not").open_to(Who::Anyone).gives_text("application/json"), ready);
    api.add(api::get("/metrics", "Gives the meters, as Prometheus reads them").open_to(Who::Anyone).gives_text("text/plain"), metrics);
    api.add(api::get("/problems/{code}", "Explains the code of a problem").open_to(Who::Anyone).gives_text("text/html"), page);
}

/// The document and the page to try it: they describe, and are not described.
pub(crate) fn own(document: Bytes) -> Router<Edge> {
    let asset = |kind: &'static str, packed: bool, bytes: &'static [u8]| {
        let tag = tag(bytes);
        get(move |headers: HeaderMap| async move { asset(&headers, kind, packed, bytes.into(), &tag) })
    };
    let tag = tag(&document);
    let described = get(move |headers: HeaderMap| async move { asset_of(&headers, "application/json", false, document, &tag) });
    Router::new()
        .route("/openapi.json", described)
        .route("/docs/api", asset("text/html; charset=utf-8", false, include_bytes!("../../assets/swagger/index.html")))
        .route("/docs/api/start.js", asset("text/javascript", false, include_bytes!("../../assets/swagger/start.js")))
        .route("/docs/api/swagger-ui.css", asset("text/css", true, include_bytes!("../../assets/swagger/swagger-ui.css.gz")))
        .route("/docs/api/swagger-ui-bundle.js", asset("text/javascript", true, include_bytes!("../../assets/swagger/swagger-ui-bundle.js.gz")))
}

fn tag(bytes: &[u8]) -> String {
    format!("\"{}\"", data_encoding::HEXLOWER.encode(&Sha256::digest(bytes)[..12]))
}

fn asset(headers: &HeaderMap, kind: &'static str, packed: bool, bytes: Bytes, tag: &str) -> Response {
    asset_of(headers, kind, packed, bytes, tag)
}

fn asset_of(headers: &HeaderMap, kind: &'static str, packed: bool, bytes: Bytes, tag: &str) -> Response {
    let known = headers.get(header::IF_NONE_MATCH).is_some_and(|known| known.as_bytes() == tag.as_bytes());
    let mut response = if known { http::StatusCode::NOT_MODIFIED.into_response() } else { bytes.into_response() };
    let headers = response.headers_mut();
    headers.insert(header::CONTENT_TYPE, HeaderValue::from_static(kind));
    headers.insert(header::CACHE_CONTROL, HeaderValue::from_static("no-cache"));
    headers.insert(header::X_CONTENT_TYPE_OPTIONS, HeaderValue::from_static("nosniff"));
    if packed {
        headers.insert(header::CONTENT_ENCODING, HeaderValue::from_static("gzip"));
    }
    if kind.starts_with("text/html") {
        headers.insert(header::CONTENT_SECURITY_POLICY, HeaderValue::from_static("default-src 'self'; img-src 'self' data:; style-src 'self' 'unsafe-inline'"));
    }
    if let Ok(tag) = HeaderValue::from_str(tag) {
        headers.insert(header::ETAG, tag);
    }
    response
}

async fn ready(State(edge): State<Edge>) -> Result<Response, Problem> {
    let call = edge.0.ctx.call("readyz").within(edge.world(), std::time::Duration::from_secs(2));
    let mut missing = Vec::new();
    for service in SERVICES {
        let health = edge.desk(service, &call)?.get_health(GetHealthRequest {}).await;
        if !health.is_ok_and(|health| health.get_ref().ready) {
            missing.push(service);
        }
    }
    if missing.is_empty() {
        return Ok(axum::Json(json!({ "ready": true, "services": SERVICES })).into_response());
    }
    Err(Fault::unavailable("not_ready", format!("Not ready: {}.", missing.join(", "))).with("services", missing).into())
}

async fn metrics(State(edge): State<Edge>) -> Response {
    let mut response = (edge.0.metrics)().into_response();
    response.headers_mut().insert(header::CONTENT_TYPE, HeaderValue::from_static("text/plain; version=0.0.4"));
    response
}

async fn page(axum::extract::Path(code): Named) -> Result<Response, Problem> {
    let page = pages::find(&code).ok_or_else(|| Fault::not_found("route_not_found", "There is no page for this code."))?;
    Ok(axum::response::Html(page.html()).into_response())
}
