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
            self.kernel.sleep(PATIENCE).await;
            return None;
        }
        if weather.strikes(Trouble::AskTwice, &self.kernel) {
            // The twin's answer is nobody's.
            drop(self.deliver(&ask));
        }
        let answer = self.deliver(&ask)?;
        let (clock, lost) = (self.kernel.clone(), weather.strikes(Trouble::AnswerLost, &self.kernel));
        let answer = crate::within(&clock, PATIENCE, answer).await?.ok()?;
        self.kernel.note(u64::from(answer.status));
        (!lost).then_some(answer)
    }

    /// Hands a request to the door, where it goes on by itself.
    fn deliver(&self, ask: &Ask) -> Option<oneshot::Receiver<Answer>> {
        let house = self.house.borrow().clone()?;
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
        self.kernel.spawn(
            self.machine.node,
            Box::pin(async move {
                let Ok(response) = house.router.oneshot(request).await;
                let status = response.status().as_u16();
                let device = response.headers().get("comanda-device").and_then(|token| token.to_str().ok()).map(str::to_owned);
                let bytes = response.into_body().collect().await.map(http_body_util::Collected::to_bytes).unwrap_or_default();
                let body = serde_json::from_slice(&bytes).unwrap_or(Value::Null);
                let _ = send.send(Answer { status, device, body });
            }),
        );
        Some(answer)
    }
}
