//! What people send to the platform's door, and what comes back.

use std::sync::Arc;

use base::{BoxFuture, World};
use serde_json::Value;

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

/// The platform's door, simulated or real.
pub trait Door: Send + Sync + 'static {
    /// Sends an ask; none when no answer came back: then nobody knows what became of it.
    fn send(&self, ask: Ask) -> BoxFuture<'_, Option<Answer>>;
}

/// How people live and reach the platform. Clones share everything.
#[derive(Clone)]
pub struct Net {
    /// Their time and their chance.
    pub world: World,
    door: Arc<dyn Door>,
    staff: Arc<str>,
}

impl Net {
    /// Shows people the way to a door; `staff` is what staff show there.
    pub fn new(world: World, door: impl Door, staff: &str) -> Net {
        Net { world, door: Arc::new(door), staff: staff.into() }
    }

    /// Shows the same door to somebody with a time and a chance of their own.
    pub fn living(&self, world: World) -> Net {
        Net { world, ..self.clone() }
    }

    /// Gives what staff show.
    pub fn staff(&self) -> &str {
        &self.staff
    }

    /// Sends an ask; none when no answer came back: then nobody knows what became of it.
    pub async fn send(&self, ask: Ask) -> Option<Answer> {
        self.door.send(ask).await
    }
}
