//! The way of a client to the platform's door, and what gets lost on it.

use std::time::Duration;

use axum::body::Body;
use base::BoxFuture;
use http_body_util::BodyExt;
use people::net::{Answer, Ask, Door};
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

/// Tells what a client sends, and how.
fn asked(ask: &Ask, how: &str) -> Note {
    let body = ask.body.as_ref().map(Value::to_string).unwrap_or_default();
    let key = ask.key.as_ref().map(|key| format!(" key {key}")).unwrap_or_default();
    let by = if ask.token.as_deref() == Some(crate::house::STAFF) { "staff" } else { "client" };
    let how = if how.is_empty() { String::new() } else { format!(" [{how}]") };
    let note = Note::new(Kind::Asked, "client", format!("{} {}{how}{key} by {by} {body}", ask.method, ask.path)).to("gateway");
    note.about(order::named(&ask.path)).bad(!how.is_empty())
}

/// Tells what comes back.
fn answered(answer: &Answer, asked: Option<usize>) -> Note {
    let order = answer.body["order_id"].as_str().unwrap_or_default();
    let text = match (answer.code(), answer.body["state"].as_str()) {
        ("", None) => format!("{} {order}", answer.status),
        ("", Some(state)) => format!("{} {order} is {state}", answer.status),
        (code, _) => format!("{} {code}: {}", answer.status, answer.body["detail"].as_str().unwrap_or_default()),
    };
    let note = Note::new(Kind::Answered, "gateway", text).to("client").bad(answer.status >= 400).about(order::named(order));
    asked.map_or_else(|| note.clone(), |asked| note.clone().answering(asked))
}

/// The way between clients and the platform.
pub struct Way {
    /// The world's kernel.
    pub kernel: Kernel,
    /// Where the platform lives.
    pub machine: Machine,
    /// What stands there now; nothing while it is down.
    pub house: watch::Receiver<Option<House>>,
}

impl Door for Way {
    fn send(&self, ask: Ask) -> BoxFuture<'_, Option<Answer>> {
        Box::pin(self.carry(ask))
    }
}

impl Way {
    async fn carry(&self, ask: Ask) -> Option<Answer> {
        let weather = &self.machine.weather;
        let from = self.machine.history.asked(&ask, self.kernel.now());
        self.kernel.sleep(Duration::from_micros(500 + self.kernel.below(30_000))).await;
        if weather.strikes(Trouble::AskLost, &self.kernel) {
            self.kernel.tell(|| asked(&ask, "is lost on its way").bad(true));
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
            self.kernel.tell(|| asked(&ask, what).bad(true));
        }
        let answer = answer?;
        self.kernel.note(u64::from(answer.status));
        self.machine.history.answered(&ask, &answer, from);
        (!lost).then_some(answer)
    }

    /// Hands a request to the door, where it goes on by itself.
    fn deliver(&self, ask: &Ask, how: &str) -> Option<oneshot::Receiver<Answer>> {
        let Some(house) = self.house.borrow().clone() else {
            self.kernel.tell(|| asked(ask, "the door is closed").bad(true));
            return None;
        };
        let sent = self.kernel.tell(|| asked(ask, how));
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
                kernel.tell(|| answered(&answer, sent).about(correlation));
                let _ = send.send(answer);
            }),
        );
        Some(answer)
    }
}
