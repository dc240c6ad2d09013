//! The door: every request comes in here and every answer goes out here.
//!
//! In this order: correlation, who asks, how often, the body and its limit, the key that makes a write happen once, the
//! deadline. On the way out a problem is written down, and the request is counted and logged.

use axum::body::Body;
use axum::extract::{MatchedPath, Request, State};
use axum::middleware::Next;
use axum::response::Response;
use base::id::DeviceId;
use base::limits::IDEMPOTENCY_KEY_BYTES_MAX;
use base::{Fault, Mistake, Principal, RequestKey, planted};
use bytes::BytesMut;
use http::{HeaderMap, HeaderName, HeaderValue, Method, StatusCode, header};
use http_body_util::BodyExt;
use sha2::{Digest, Sha256};
use wire::Call;

use crate::asked::Asked;
use crate::came::{Came, Origin};
use crate::files::Whole;
use crate::limit::Client;
use crate::problem::Problem;
use crate::routes::devices;
use crate::{Edge, device, who};

const CORRELATION: HeaderName = HeaderName::from_static("x-correlation-id");
const IDEMPOTENCY_KEY: HeaderName = HeaderName::from_static("idempotency-key");
const CORRELATION_BYTES_MAX: usize = 128;
/// A key that stands for somebody without a token must be hard to guess.
const ANONYMOUS_KEY_BYTES_MIN: usize = 16;

/// A body that is too large is still read to its end if it is not much too large: a client that is cut off while it sends
/// would see a broken connection, and not why.
const DRAIN_BYTES_MAX: usize = 16 << 20;

/// Lets a request in and its answer out.
pub(crate) async fn pass(State(edge): State<Edge>, request: Request, next: Next) -> Response {
    let world = edge.world().clone();
    let began = world.monotonic();
    let method = request.method().clone();
    let route = request.extensions().get::<MatchedPath>().map_or_else(|| "none".to_owned(), |path| path.as_str().to_owned());
    let correlation = correlation(&edge, request.headers());
    let russian =
        text(request.headers(), &header::ACCEPT_LANGUAGE).is_some_and(|languages| languages.trim_start().starts_with("ru"));
    let origin = edge.0.proxies.origin(request.extensions().get::<Came>().copied(), request.headers());
    let shown = who::shown(&edge, request.headers());
    let stale_cookie = shown.as_ref().is_ok_and(|shown| shown.stale_cookie);
    let mut by = shown.as_ref().map_or(Principal::Nobody, |shown| shown.principal.clone());
    let visit = Visit { route: &route, correlation: &correlation, origin, stale_cookie };
    // Who shows a bad token counts as nobody, so that tokens cannot be tried out without end.
    let entered = match limit(&edge, &by, origin).and(shown) {
        Ok(_) => enter(&edge, request, visit, &mut by).await,
        Err(fault) => Err(fault.into()),
    };
    let response = match entered {
        Ok(request) => match world.within(edge.0.config.timeout, next.run(request)).await {
            Ok(response) => response,
            Err(fault) => axum::response::IntoResponse::into_response(Problem::from(fault)),
        },
        Err(problem) => axum::response::IntoResponse::into_response(problem),
    };
    let mut response = leave(response, &correlation, russian);
    if let Ok(value) = HeaderValue::from_str(&correlation) {
        response.headers_mut().insert(CORRELATION, value);
    }
    // A cookie that does not count would be sent again and again; its owner cannot even see it.
    if stale_cookie && !response.headers().contains_key(header::SET_COOKIE) {
        response.headers_mut().insert(header::SET_COOKIE, HeaderValue::from_static(device::NO_COOKIE));
    }
    let status = response.status().as_u16();
    let took = world.monotonic().saturating_sub(began);
    metrics::histogram!("comanda_http_requests_seconds", "method" => word(&method), "route" => route.clone(), "status" => status.to_string())
        .record(took.as_secs_f64());
    let took_us = u64::try_from(took.as_micros()).unwrap_or(u64::MAX);
    if method == Method::GET || method == Method::HEAD {
        tracing::debug!(%method, route, status, took_us, %correlation, principal = %by, "answered");
    } else {
        tracing::info!(%method, route, status, took_us, %correlation, principal = %by, "answered");
    }
    response
}

/// Names a method for the meters; whatever a client makes up is one.
fn word(method: &Method) -> &'static str {
    match *method {
        Method::GET => "GET",
        Method::HEAD => "HEAD",
        Method::POST => "POST",
        Method::PUT => "PUT",
        Method::DELETE => "DELETE",
        _ => "OTHER",
    }
}

fn text<'a>(headers: &'a HeaderMap, name: &HeaderName) -> Option<&'a str> {
    headers.get(name)?.to_str().ok()
}

fn correlation(edge: &Edge, headers: &HeaderMap) -> String {
    let fits = |given: &&str| {
        !given.is_empty() && given.len() <= CORRELATION_BYTES_MAX && given.bytes().all(|byte| byte.is_ascii_graphic())
    };
    text(headers, &CORRELATION).filter(fits).map_or_else(|| format!("{:016x}", edge.world().chance()), str::to_owned)
}

/// What the door knows of a request before anything of it is done.
struct Visit<'a> {
    route: &'a str,
    correlation: &'a str,
    origin: Origin,
    stale_cookie: bool,
}

async fn enter(edge: &Edge, request: Request, visit: Visit<'_>, by: &mut Principal) -> Result<Request, Problem> {
    let (mut parts, body) = request.into_parts();
    // What says who asks inside never comes from outside.
    let inner: Vec<HeaderName> = parts
        .headers
        .keys()
        .filter(|name| name.as_str().starts_with("x-comanda-") || name.as_str() == "x-user-id")
        .cloned()
        .collect();
    for name in inner {
        parts.headers.remove(name);
    }
    let Visit { route, correlation, origin, stale_cookie } = visit;
    let orders_as_nobody = *by == Principal::Nobody && parts.method == Method::POST && route.ends_with("/orders");
    if orders_as_nobody || (parts.method == Method::POST && route == devices::PATH) {
        limit_devices(edge, by, origin)?;
    }
    let mut fresh_token = None;
    let mut call = Call::new(by.clone(), correlation)
        .traced(text(&parts.headers, &HeaderName::from_static("traceparent")).map(str::to_owned));
    call = call.within(edge.world(), edge.0.config.timeout);
    let writes = !matches!(parts.method, Method::GET | Method::HEAD | Method::OPTIONS);
    let body = if writes { read(edge, &parts.headers, body).await? } else { Default::default() };
    if writes && route != "none" {
        let key = key(edge, &parts.headers, parts.uri.path())?;
        if orders_as_nobody {
            let device = device_for(edge, parts.uri.path(), &key, &body, text(&parts.headers, &IDEMPOTENCY_KEY).is_some())?;
            fresh_token = Some(device::token(edge.key(), device, edge.world().now()));
            *by = Principal::Guest { device };
            call.principal = by.clone();
        }
        let key = if planted(Mistake::KeyNotRemembered) { edge.world().chance().to_string() } else { key };
        let bound = format!("{} {}", parts.method, parts.uri.path());
        call = call.once(RequestKey::new(by, &bound, &key, &body));
    }
    parts.extensions.insert(Asked { call, fresh_token, origin, stale_cookie });
    Ok(Request::from_parts(parts, Body::from(body)))
}

/// All guests of one address together may ask so many times as much as one of them.
const GUESTS_OF_ADDRESS: f64 = 10.0;

/// Counts a request against what its client may ask. Staff are not limited.
fn limit(edge: &Edge, by: &Principal, origin: Origin) -> Result<(), Fault> {
    let per_second = edge.0.config.requests_per_second;
    match by {
        Principal::Staff { .. } | Principal::Platform { .. } => Ok(()),
        Principal::Guest { .. } => {
            take(edge, Client::of(by, origin), per_second)?;
            take(edge, Client::Guests(origin), per_second * GUESTS_OF_ADDRESS)
        }
        Principal::Nobody => take(edge, Client::of(by, origin), per_second),
    }
}

/// Counts a new device against what its address may make: with it comes a bucket of its own.
fn limit_devices(edge: &Edge, by: &Principal, origin: Origin) -> Result<(), Fault> {
    match by {
        Principal::Staff { .. } => Ok(()),
        _ => take(edge, Client::Maker(origin), edge.0.config.devices_per_second),
    }
}

fn take(edge: &Edge, client: Client, per_second: f64) -> Result<(), Fault> {
    edge.0.buckets.take(client, per_second, edge.world().monotonic()).map_err(|seconds| {
        Fault::limited("too_many_requests", "You ask more often than this platform answers one client; wait a moment.")
            .with("retry_after_seconds", seconds)
    })
}

async fn read(edge: &Edge, headers: &HeaderMap, body: Body) -> Result<bytes::Bytes, Problem> {
    let bytes_max = edge.0.config.body_bytes_max;
    let too_large = || {
        let fault = Fault::invalid("body_too_large", format!("A body has at most {bytes_max} bytes."))
            .with("bytes_max", bytes_max as u64);
        Problem::with_status(StatusCode::PAYLOAD_TOO_LARGE.as_u16(), fault)
    };
    let announced = text(headers, &header::CONTENT_LENGTH).and_then(|text| text.parse::<usize>().ok()).unwrap_or(0);
    if announced > DRAIN_BYTES_MAX {
        return Err(too_large());
    }
    let gathering = async {
        let mut body = std::pin::pin!(body);
        let (mut gathered, mut seen) = (BytesMut::with_capacity(announced.min(bytes_max)), 0usize);
        while let Some(frame) = body.frame().await {
            let frame = frame.map_err(|error| Fault::invalid("body_broken", "The body broke off.").because(error))?;
            let Some(bytes) = frame.data_ref() else { continue };
            seen += bytes.len();
            if seen <= bytes_max {
                gathered.extend_from_slice(bytes);
            } else if seen > DRAIN_BYTES_MAX {
                break;
            } else {
                gathered.clear();
            }
        }
        if seen > bytes_max { Err(too_large()) } else { Ok(gathered.freeze()) }
    };
    edge.world().within(edge.0.config.timeout, gathering).await?
}

/// Gives the key of a write. In a dialect that knows none, a fresh one is made.
fn key(edge: &Edge, headers: &HeaderMap, path: &str) -> Result<String, Fault> {
    let Some(given) = headers.get(IDEMPOTENCY_KEY) else {
        if path.starts_with("/v1/") {
            return Err(Fault::invalid(
                "idempotency_key_missing",
                "Every write takes a key of your own in the header Idempotency-Key, so that it can be sent again safely.",
            ));
        }
        return Ok(edge.world().next_id::<base::id::EventId>().0.to_string());
    };
    let fits =
        |key: &&str| !key.is_empty() && key.len() <= IDEMPOTENCY_KEY_BYTES_MAX && key.bytes().all(|byte| byte.is_ascii_graphic());
    given.to_str().ok().filter(fits).map(str::to_owned).ok_or_else(|| {
        Fault::invalid("bad_idempotency_key", format!("A key has 1 to {IDEMPOTENCY_KEY_BYTES_MAX} visible ASCII characters."))
    })
}

/// Only a true repeat, to the letter, gets the same device again: a key alone is no secret.
fn device_for(edge: &Edge, path: &str, key: &str, body: &[u8], given: bool) -> Result<DeviceId, Fault> {
    if !given {
        return Ok(edge.world().next_id());
    }
    if key.len() < ANONYMOUS_KEY_BYTES_MIN {
        return Err(Fault::invalid(
            "idempotency_key_weak",
            format!(
                "Without a token the key alone says whose order this is: give it at least {ANONYMOUS_KEY_BYTES_MIN} characters, or get a device first."
            ),
        ));
    }
    let body = data_encoding::HEXLOWER.encode(&Sha256::digest(body));
    Ok(device::of_request(edge.key(), &format!("{path} {key} {body}")))
}

/// Writes problems down, those of the router itself included.
fn leave(mut response: Response, correlation: &str, russian: bool) -> Response {
    let status = response.status();
    if let Some(problem) = response.extensions_mut().remove::<Problem>() {
        let mut written = problem.written(correlation, russian);
        if let Some(allow) = response.headers_mut().remove(header::ALLOW) {
            written.headers_mut().insert(header::ALLOW, allow);
        }
        return written;
    }
    let own = response.headers().get(header::CONTENT_TYPE).is_some_and(|kind| kind.as_bytes().ends_with(b"json"));
    let whole = response.extensions().get::<Whole>().is_some();
    if (status.is_client_error() || status.is_server_error()) && !own && !whole {
        let fault = Fault::invalid("bad_request", status.canonical_reason().unwrap_or("The request failed."));
        return Problem::with_status(status.as_u16(), fault).written(correlation, russian);
    }
    response
}
