//! The way of people to the door of a real process.
#![allow(clippy::disallowed_methods)] // Real people wait in real time.

use std::time::Duration;

use base::BoxFuture;
use http_body_util::BodyExt;
use people::net::{Answer, Ask, Door};
use serde_json::Value;

use super::diary::Diary;
use crate::client::Client;

/// How long somebody waits for an answer: shorter than a process may stand still.
const PATIENCE: Duration = Duration::from_secs(2);
/// How long somebody stands at a closed door.
const CLOSED: Duration = Duration::from_millis(20);

/// The street before the door.
pub struct Street {
    /// Talks to the platform.
    pub client: Client,
    /// What staff show.
    pub staff: String,
    /// Where all is written down.
    pub diary: Diary,
}

impl Door for Street {
    fn send(&self, ask: Ask) -> BoxFuture<'_, Option<Answer>> {
        Box::pin(async move {
            let by = match ask.token.as_deref() {
                Some(token) if token == self.staff => "staff",
                Some(_) => "a guest",
                None => "somebody new",
            };
            self.diary.asked(&ask, by);
            let answer = tokio::time::timeout(PATIENCE, self.carry(&ask)).await.ok().flatten();
            self.diary.answered(&ask, answer.as_ref());
            if answer.is_none() {
                tokio::time::sleep(CLOSED).await;
            }
            answer
        })
    }
}

impl Street {
    async fn carry(&self, ask: &Ask) -> Option<Answer> {
        let client = self.client.showing(ask.token.as_deref().unwrap_or_default());
        let response = client.open(ask.method, &ask.path, ask.key.as_deref(), ask.body.as_ref()).await.ok()?;
        let status = response.status().as_u16();
        let device = response.headers().get("comanda-device").and_then(|token| token.to_str().ok()).map(str::to_owned);
        // An answer that broke off is none.
        let bytes = response.into_body().collect().await.ok()?.to_bytes();
        Some(Answer { status, device, body: serde_json::from_slice(&bytes).unwrap_or(Value::Null) })
    }
}
