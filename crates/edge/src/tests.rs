//! Through the router, without a socket: the door, problems, who may ask.

use std::sync::Arc;
use std::time::Duration;

use axum::Router;
use axum::body::Body;
use base::Timestamp;
use base::id::DeviceId;
use host::testing::Platform;
use http::Request;
use http_body_util::BodyExt;
use serde_json::Value;
use tower::ServiceExt;

use crate::{Edge, EdgeConfig, device};

mod cookies;
mod document;
mod limits;
mod streams;

const STAFF: &str = "a token of staff";

pub(crate) struct House {
    platform: Platform,
    edge: Edge,
    router: Router,
}

pub(crate) struct Answer {
    pub(crate) status: u16,
    pub(crate) headers: http::HeaderMap,
    pub(crate) text: String,
}

impl Answer {
    fn json(&self) -> Value {
        serde_json::from_str(&self.text).unwrap_or_else(|error| panic!("{error}: {}", self.text))
    }

    pub(crate) fn code(&self) -> String {
        assert_eq!(self.headers["content-type"], "application/problem+json", "{} {}", self.status, self.text);
        let body = self.json();
        assert_eq!(body["status"], self.status);
        assert_eq!(body["correlation_id"], self.headers["x-correlation-id"].to_str().unwrap());
        body["code"].as_str().unwrap().to_owned()
    }
}

impl House {
    pub(crate) async fn with(change: impl FnOnce(&mut EdgeConfig)) -> House {
        let platform = Platform::start([]).await;
        let mut config = EdgeConfig::new(STAFF);
        config.heartbeat = Duration::from_millis(5);
        change(&mut config);
        let edge = Edge::new(platform.inner().ctx("gateway"), config, Arc::new(|| "meters".to_owned()));
        let router = edge.router();
        House { platform, edge, router }
    }

    pub(crate) async fn new() -> House {
        House::with(|_| {}).await
    }

    pub(crate) async fn send(&self, method: &str, path: &str, headers: &[(&str, &str)], body: impl Into<Body>) -> Answer {
        let mut request = Request::builder().method(method).uri(path);
        for (name, value) in headers {
            request = request.header(*name, *value);
        }
        let response = self.router.clone().oneshot(request.body(body.into()).unwrap()).await.unwrap();
        let (status, headers) = (response.status().as_u16(), response.headers().clone());
        let bytes = response.into_body().collect().await.unwrap().to_bytes();
        Answer { status, headers, text: String::from_utf8_lossy(&bytes).into_owned() }
    }

    pub(crate) async fn get(&self, path: &str, headers: &[(&str, &str)]) -> Answer {
        self.send("GET", path, headers, Body::empty()).await
    }

    fn guest(&self) -> String {
        format!("Bearer {}", device::token(self.edge.key(), DeviceId(5), Timestamp(0)))
    }
}

fn staff() -> String {
    format!("Bearer {STAFF}")
}

#[tokio::test]
async fn every_error_is_a_problem_with_a_page() {
    let house = House::new().await;
    for (method, path, status, code) in [
        ("GET", "/nowhere", 404, "route_not_found"),
        ("DELETE", "/v1/menu", 405, "method_not_allowed"),
        ("GET", "/v1/menu", 503, "service_unreachable"),
        ("GET", "/v1/items?limit=many", 400, "bad_query"),
        ("GET", "/v1/items?colour=red", 400, "bad_query"),
        ("GET", "/v1/board", 401, "token_needed"),
        ("GET", "/readyz", 503, "not_ready"),
    ] {
        let answer = house.send(method, path, &[("idempotency-key", "k")], Body::empty()).await;
        assert_eq!((answer.status, answer.code().as_str()), (status, code), "{path} {}", answer.text);
        let page = house.get(&format!("/problems/{code}"), &[]).await;
        assert_eq!(page.status, 200, "{code} has no page");
        assert_eq!(answer.headers.contains_key("retry-after"), status == 503, "{path}");
    }
    let russian = house.get("/v1/board", &[("accept-language", "ru-RU,ru;q=0.9")]).await;
    assert_eq!(russian.json()["title"], "Нужен токен");
}

#[tokio::test]
async fn bad_bodies_are_told_apart() {
    let house = House::with(|config| config.body_bytes_max = 1_000).await;
    let guest = house.guest();
    let json = ("content-type", "application/json");
    let who = ("authorization", guest.as_str());
    let key = ("idempotency-key", "k");
    let good = r#"{"lines":[{"item":"ham","quantity":1}],"payment":{"method":"cash"}}"#;
    for (headers, body, status, code) in [
        (vec![json, who], good.to_owned(), 400, "idempotency_key_missing"),
        (vec![json, who, ("idempotency-key", "ключ")], good.to_owned(), 400, "bad_idempotency_key"),
        (vec![json, who, key], "{\"lines\": [".to_owned(), 400, "bad_json"),
        (vec![json, who, key], good.replace("\"quantity\"", "\"price\":1,\"quantity\""), 400, "unknown_field"),
        (vec![json, who, key], good.replace(":1}", ":1.5}"), 400, "bad_body"),
        (vec![json, who, key], good.replace(":1}", ":99999999999999999999}"), 400, "bad_body"),
        (vec![("content-type", "text/plain"), who, key], good.to_owned(), 415, "media_type_unsupported"),
        (vec![json, who, key], " ".repeat(1_001), 413, "body_too_large"),
        (vec![json, who, key], good.to_owned(), 503, "service_unreachable"),
        (vec![json, key], good.to_owned(), 400, "idempotency_key_weak"),
    ] {
        let answer = house.send("POST", "/v1/orders", &headers, body).await;
        assert_eq!((answer.status, answer.code().as_str()), (status, code), "{}", answer.text);
    }
    let long = "k".repeat(201);
    let answer = house.send("POST", "/v1/orders", &[json, who, ("idempotency-key", &long)], good).await;
    assert_eq!(answer.code(), "bad_idempotency_key");
}

#[tokio::test]
async fn a_token_that_does_not_count_is_refused_and_identity_from_outside_is_ignored() {
    let house = House::new().await;
    for bad in ["Bearer nonsense", "Bearer ", "Basic YTpi", "Bearer a token of stafX"] {
        assert_eq!(house.get("/healthz", &[("authorization", bad)]).await.code(), "token_unknown", "{bad}");
    }
    assert_eq!(house.get("/v1/board", &[("x-comanda-principal", "staff:1:1"), ("x-user-id", "1")]).await.code(), "token_needed");
    assert_eq!(house.get("/v1/board", &[("authorization", &house.guest())]).await.code(), "staff_only");
    assert_eq!(house.get("/v1/board", &[("authorization", &staff())]).await.code(), "service_unreachable", "staff gets through");
    let made = house.send("POST", "/v1/devices", &[("idempotency-key", "k")], Body::empty()).await;
    let token = made.json()["token"].as_str().unwrap().to_owned();
    assert!(device::open(house.edge.key(), &token).is_some());
    let cookie = made.headers["set-cookie"].to_str().unwrap();
    assert!(cookie.contains("HttpOnly") && cookie.contains("SameSite=Lax"), "{cookie}");
    let kept = cookie.split(';').next().unwrap();
    assert_eq!(house.get("/v1/orders", &[("cookie", kept)]).await.code(), "service_unreachable", "the cookie counts");
}

#[tokio::test]
async fn nobody_elses_data_each_described_route_asks_who_it_is() {
    let house = House::new().await;
    let document = house.get("/openapi.json", &[]).await.json();
    let (guest, mut walked) = (house.guest(), 0);
    for (path, acts) in document["paths"].as_object().unwrap() {
        for (method, act) in acts.as_object().unwrap() {
            let address: Vec<&str> = path.split('/').map(|part| if part.starts_with('{') { "x" } else { part }).collect();
            let address = address.join("/");
            let method = method.to_uppercase();
            let who = act["x-comanda-who"].as_str().unwrap();
            let headers = [("content-type", "application/json"), ("idempotency-key", "a-key-that-is-long-enough")];
            let nobody = house.send(&method, &address, &headers, "{}").await;
            let known = house.send(&method, &address, &[&headers[..], &[("authorization", guest.as_str())]].concat(), "{}").await;
            match who {
                "anyone" => {
                    assert!(![401, 403].contains(&nobody.status) && ![401, 403].contains(&known.status), "{method} {path}")
                }
                "known" => assert!(nobody.status == 401 && ![401, 403].contains(&known.status), "{method} {path} {}", known.text),
                _ => assert!(nobody.status == 401 && known.status == 403, "{method} {path} {} {}", nobody.text, known.text),
            }
            assert!(act["summary"].as_str().is_some_and(|summary| !summary.is_empty()), "{method} {path}");
            walked += 1;
        }
    }
    assert!(walked > 60, "{walked}");
    assert_eq!(document["openapi"], "3.1.0");
    let text = document.to_string();
    for (place, _) in text.match_indices("#/components/schemas/") {
        let name = text[place + 21..].split('"').next().unwrap();
        assert!(document["components"]["schemas"][name].is_object(), "{name} is named and not described");
    }
}

#[tokio::test]
async fn correlation_ids_are_kept_or_made_and_never_harmful() {
    let house = House::new().await;
    let of = |answer: Answer| answer.headers["x-correlation-id"].to_str().unwrap().to_owned();
    assert_eq!(of(house.get("/healthz", &[("x-correlation-id", "mine-1")]).await), "mine-1");
    let long = "x".repeat(129);
    for bad in ["two words", long.as_str()] {
        assert_ne!(of(house.get("/healthz", &[("x-correlation-id", bad)]).await), bad);
    }
}

#[tokio::test]
async fn the_page_to_try_it_is_whole_and_ours() {
    let house = House::new().await;
    let page = house.get("/docs/api", &[]).await;
    assert_eq!(page.status, 200);
    assert!(!page.text.contains("https://") && !page.text.contains("<script>"), "{}", page.text);
    for part in page.text.split('"').filter(|part| part.starts_with("/docs/")) {
        let asset = house.get(part, &[]).await;
        assert_eq!(asset.status, 200, "{part}");
        let again = house.get(part, &[("if-none-match", asset.headers["etag"].to_str().unwrap())]).await;
        assert_eq!(again.status, 304, "{part}");
    }
}

#[tokio::test]
async fn pages_lead_back_and_tell_nothing() {
    let house = House::new().await;
    for next in ["17", "9223372036854775807", "margherita|3", "кафе", "007x"] {
        let shown = house.edge.next(next).unwrap();
        assert!(!shown.contains(next), "{shown}");
        assert_eq!(house.edge.after(&shown).unwrap(), next);
    }
    // Short names of things may be digits, and stay what they are.
    for next in ["007", "0", "+7", "012345678905"] {
        assert_eq!(house.edge.after(&house.edge.next(next).unwrap()).unwrap(), next);
    }
    assert_eq!((house.edge.next(""), house.edge.after("").unwrap()), (None, String::new()));
    for bad in ["x", "n", "nx", "t!", "n-4", "é"] {
        assert_eq!(house.edge.after(bad).unwrap_err().code, "bad_page", "{bad}");
    }
}
