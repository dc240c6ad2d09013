//! The platform itself: health, metrics, problems, the document and the page to try it.

use std::sync::{Arc, OnceLock};

use axum::body::Body;
use axum::extract::State;
use axum::response::{Html, IntoResponse, Response};
use axum::{Json, Router};
use base::Fault;
use bytes::Bytes;
use http::{HeaderMap, HeaderValue, StatusCode, header};
use serde::Serialize;
use sha2::{Digest, Sha256};
use utoipa::ToSchema;

use super::operator::{ServiceHealth, health_of_all, shown_health};
use crate::api::{Api, Described, Who, get};
use crate::asked::Named;
use crate::problem::Problem;
use crate::{Edge, pages};

const SCRIPT: &[u8] = include_bytes!("../../assets/swagger/swagger-ui-bundle.js.gz");
const STYLE: &[u8] = include_bytes!("../../assets/swagger/swagger-ui.css.gz");
const PAGE: &str = include_str!("../../assets/swagger/index.html");
const START: &str = include_str!("../../assets/swagger/start.js");
/// Nothing comes from another host, and no script but our own files runs.
const POLICY: &str = "default-src 'none'; script-src 'self'; style-src 'self' 'unsafe-inline'; img-src 'self' data:; connect-src 'self'; frame-ancestors 'none'";

/// The document, which is whole only when every route is described.
#[derive(Clone, Default)]
pub(crate) struct Document(Arc<(OnceLock<Described>, OnceLock<Bytes>)>);

impl Document {
    /// Takes what it is to describe.
    pub(crate) fn whole(&self, described: Described) {
        let _ = self.0.0.set(described);
    }

    fn bytes(&self) -> Bytes {
        let (described, bytes) = &*self.0;
        let write = || described.get().and_then(|described| serde_json::to_vec(&described.document()).ok()).unwrap_or_default();
        bytes.get_or_init(|| write().into()).clone()
    }
}

pub(crate) fn add(api: &mut Api, document: Document) {
    api.chapter("system");
    let anyone = |path, summary| get(path, summary).open_to(Who::Anyone);
    api.add(anyone("/healthz", "Tells that the process lives").gives_text("text/plain"), || async { "ok\n" });
    api.add(anyone("/readyz", "Tells whether every service is ready; 503 names those that are not").gives::<Readiness>(), ready);
    api.add(anyone("/metrics", "Gives the figures of the platform as Prometheus reads them").gives_text("text/plain"), metrics);
    api.add(anyone("/problems/{code}", "Explains a problem, for people").gives_text("text/html"), problem);
    api.add(anyone("/openapi.json", "Gives this document").gives::<OpenApi>(), move || async move {
        ([(header::CONTENT_TYPE, "application/json")], document.bytes())
    });
    api.add(anyone("/docs/api", "Gives the page on which the API can be tried").gives_text("text/html"), || async {
        ([(header::CONTENT_SECURITY_POLICY, POLICY)], Html(PAGE))
    });
}

/// That every service is ready.
#[derive(Serialize, ToSchema)]
struct Readiness {
    ready: bool,
    services: Vec<ServiceHealth>,
}

/// A document of the OpenAPI Specification 3.1.
#[derive(ToSchema)]
#[schema(value_type = Object)]
struct OpenApi(());

/// Gives the files of the page on which the API can be tried.
pub(crate) fn files() -> Router<Edge> {
    let file = |kind: &'static str, bytes: &'static [u8], packed: bool| {
        axum::routing::get(move |headers: HeaderMap| async move { asset(&headers, kind, bytes, packed) })
    };
    Router::new()
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
    let services: Vec<_> = health_of_all(&edge).await.into_iter().map(shown_health).collect();
    let missing: Vec<&str> = services.iter().filter(|health| !health.ready).map(|health| health.service.as_str()).collect();
    if missing.is_empty() {
        return Ok(Json(Readiness { ready: true, services }).into_response());
    }
    let fault = Fault::unavailable("not_ready", format!("Not ready: {}.", missing.join(", ")));
    let services = serde_json::to_value(&services).unwrap_or_default();
    Err(fault.with("services", services).into())
}

async fn metrics(State(edge): State<Edge>) -> impl IntoResponse {
    ([(header::CONTENT_TYPE, "text/plain; version=0.0.4")], (edge.0.metrics)())
}

async fn problem(code: Named) -> Result<Html<String>, Problem> {
    let page = pages::find(&code).ok_or_else(|| Fault::not_found("route_not_found", "There is nothing at this address."))?;
    Ok(Html(page.html()))
}
