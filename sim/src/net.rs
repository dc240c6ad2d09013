//! The way of a client to the platform's door, and what gets lost on it.

use std::time::Duration;

use axum::body::Body;
use http_body_util::BodyExt;
use serde_json::Value;
use tokio::sync::{oneshot, watch};
use tower::ServiceExt;

use crate::house::House;
use crate::kernel::Kernel;
use crate::machine::Machine;
use crate::story::{Kind, Note, order};
use crate::weather::Trouble;

/// How long a client waits for an answer.
const PATIENCE: Duration = Duration::from_secs(20);

/// What a client sends.
#[derive(Debug, Clone)]
pub struct Ask {
    /// The method.
    pub method: &'static str,
    /// The path with its query.
    pub path: String,
    /// What makes a write happen once.
    pub key: Option<String>,
    /// The token that is shown.
    pub token: Option<String>,
    /// The body.
    pub body: Option<Value>,
}

impl Ask {
    /// Reads something.
    pub fn get(path: impl Into<String>) -> Ask {
        Ask { method: "GET", path: path.into(), key: None, token: None, body: None }
    }

    /// Does something under a key.
    pub fn post(path: impl Into<String>, key: impl Into<String>, body: Value) -> Ask {
        Ask { method: "POST", path: path.into(), key: Some(key.into()), token: None, body: Some(body) }
    }

    /// In whose name.
    pub fn by(mut self, token: impl Into<String>) -> Ask {
        self.token = Some(token.into());
        self
    }
}

impl Ask {
    fn told(&self, how: &str) -> Note {
        let body = self.body.as_ref().map(Value::to_string).unwrap_or_default();
        let key = self.key.as_ref().map(|key| format!(" key {key}")).unwrap_or_default();
        let by = if self.token.as_deref() == Some(crate::house::STAFF) { "staff" } else { "client" };
        let how = if how.is_empty() { String::new() } else { format!(" [{how}]") };
        let note =
            Note::new(Kind::Asked, "client", format!("{} {}{how}{key} by {by} {body}", self.method, self.path)).to("gateway");
        note.about(order::named(&self.path)).bad(!how.is_empty())
    }
}

/// What came back.
#[derive(Debug, Clone)]
pub struct Answer {
    /// The status.
    pub status: u16,
    /// The token of a new device, if one was handed out.
    pub device: Option<String>,
    /// The body; null when it is none.
    pub body: Value,
}

impl Answer {
    /// Gives the code of a problem.
    pub fn code(&self) -> &str {
        self.body["code"].as_str().unwrap_or_default()
    }

    fn told(&self, asked: Option<usize>) -> Note {
        let order = self.body["order_id"].as_str().unwrap_or_default();
        let text = match (self.code(), self.body["state"].as_str()) {
            ("", None) => format!("{} {order}", self.status),
            ("", Some(state)) => format!("{} {order} is {state}", self.status),
            (code, _) => format!("{} {code}: {}", self.status, self.body["detail"].as_str().unwrap_or_default()),
        };
        let note = Note::new(Kind::Answered, "gateway", text).to("client").bad(self.status >= 400).about(order::named(order));
        asked.map_or_else(|| note.clone(), |asked| note.clone().answering(asked))
    }

    /// Tells whether the same ask may be sent again because nothing was decided yet.
    pub fn is_later(&self) -> bool {
        self.status == 429 || self.status >= 500
    }
}

/// The net between clients and the platform. Clones share everything.
#[derive(Clone)]
pub struct Net {
    /// The world's kernel.
    pub kernel: Kernel,
    /// Where the platform lives.
    pub machine: Machine,
    /// What stands there now; nothing while it is down.
    pub house: watch::Receiver<Option<House>>,
}

impl Net {
    /// Sends an ask; none when no answer came back, and nobody knows why.
    pub async fn send(&self, ask: Ask) -> Option<Answer> {
        let weather = &self.machine.weather;
        self.kernel.sleep(Duration::from_micros(500 + self.kernel.below(30_000))).await;
        if weather.strikes(Trouble::AskLost, &self.kernel) {
            self.kernel.tell(|| ask.told("is lost on its way").bad(true));
            self.kernel.sleep(PATIENCE).await;
            return None;
        }
        if weather.strikes(Trouble::AskTwice, &self.kernel) {
            // The twin's answer is nobody's.
            drop(self.deliver(&ask, "arrives twice"));
        }
        let answer = self.deliver(&ask, "")?;
        let (clock, lost) = (self.kernel.clone(), weather.strikes(Trouble::AnswerLost, &self.kernel));
        let answer = crate::within(&clock, PATIENCE, answer).await.and_then(Result::ok);
        if lost || answer.is_none() {
            let what = if answer.is_some() { "the answer is lost" } else { "no answer came" };
            self.kernel.tell(|| ask.told(what).bad(true));
        }
        let answer = answer?;
        self.kernel.note(u64::from(answer.status));
        (!lost).then_some(answer)
    }

    /// Hands a request to the door, where it goes on by itself.
    fn deliver(&self, ask: &Ask, how: &str) -> Option<oneshot::Receiver<Answer>> {
        let Some(house) = self.house.borrow().clone() else {
            self.kernel.tell(|| ask.told("the door is closed").bad(true));
            return None;
        };
        let asked = self.kernel.tell(|| ask.told(how));
        let mut request = http::Request::builder().method(ask.method).uri(&ask.path);
        if let Some(key) = &ask.key {
            request = request.header("idempotency-key", key);
        }
        if let Some(token) = &ask.token {
            request = request.header("authorization", format!("Bearer {token}"));
        }
        let body = match &ask.body {
            Some(body) => {
                request = request.header("content-type", "application/json");
                Body::from(body.to_string())
            }
            None => Body::empty(),
        };
        let request = request.body(body).ok()?;
        let (send, answer) = oneshot::channel();
        let (kernel, weather) = (self.kernel.clone(), self.machine.weather.clone());
        self.kernel.spawn(
            self.machine.node,
            Box::pin(async move {
                let Ok(response) = house.router.oneshot(request).await;
                let status = response.status().as_u16();
                let device = response.headers().get("comanda-device").and_then(|token| token.to_str().ok()).map(str::to_owned);
                let correlation = response.headers().get("x-correlation-id").and_then(|id| id.to_str().ok()).map(str::to_owned);
                let bytes = response.into_body().collect().await.map(http_body_util::Collected::to_bytes).unwrap_or_default();
                let body = serde_json::from_slice(&bytes).unwrap_or(Value::Null);
                let answer = Answer { status, device, body };
                weather.cover(|coverage| coverage.refused(answer.code()));
                kernel.tell(|| answer.told(asked).about(correlation));
                let _ = send.send(answer);
            }),
        );
        Some(answer)
    }
}
