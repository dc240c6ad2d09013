//! A small HTTP client for the commands that talk to a running platform.

use std::path::Path;

use base::Fault;
use http_body_util::{BodyExt, Full};
use hyper::body::{Bytes, Incoming};
use hyper_util::client::legacy::Client as HyperClient;
use hyper_util::client::legacy::connect::HttpConnector;
use hyper_util::rt::{TokioExecutor, TokioTimer};
use serde_json::Value;

/// Talks to a running platform in the name of its staff.
#[derive(Clone)]
pub struct Client {
    http: HyperClient<HttpConnector, Full<Bytes>>,
    url: String,
    token: String,
}

/// An answer: its status, and its body as JSON where it is.
pub struct Answer {
    /// The HTTP status.
    pub status: u16,
    /// The body; null when it is not JSON.
    pub body: Value,
}

impl Client {
    /// Makes a client for a platform at `url` whose staff has `token`.
    pub fn new(url: &str, token: &str) -> Client {
        let mut connector = HttpConnector::new();
        connector.set_nodelay(true);
        let http = HyperClient::builder(TokioExecutor::new())
            .pool_timer(TokioTimer::new())
            .pool_max_idle_per_host(1_024)
            .build(connector);
        Client { http, url: url.trim_end_matches('/').to_owned(), token: token.to_owned() }
    }

    /// Makes a client with the staff token of a data folder.
    #[allow(clippy::disallowed_methods)] // The token is a file in the data folder.
    pub fn of_folder(url: &str, data: &Path) -> Result<Client, Fault> {
        let path = data.join("staff.token");
        let token = std::fs::read_to_string(&path).map_err(|error| {
            Fault::not_found(
                "no_staff_token",
                format!("{} cannot be read. Name the platform's data folder with --data.", path.display()),
            )
            .because(error)
        })?;
        Ok(Client::new(url, token.trim()))
    }

    /// Makes a client that shows another token over the same connections; none when it is empty.
    pub fn showing(&self, token: &str) -> Client {
        Client { token: token.to_owned(), ..self.clone() }
    }

    /// Gives the address of the platform.
    pub fn url(&self) -> &str {
        &self.url
    }

    /// Gives the token that it shows.
    pub fn token(&self) -> &str {
        &self.token
    }

    /// Asks for something.
    pub async fn get(&self, path: &str) -> Result<Answer, Fault> {
        self.send("GET", path, None, None).await
    }

    /// Sends a JSON body under an idempotency key.
    pub async fn post(&self, path: &str, key: &str, body: &Value) -> Result<Answer, Fault> {
        self.send("POST", path, Some(key), Some(body)).await
    }

    /// Sends a body that is JSON already under an idempotency key.
    pub async fn post_text(&self, path: &str, key: &str, body: &str) -> Result<Answer, Fault> {
        answer(self.open_with("POST", path, Some(key), Some(Bytes::copy_from_slice(body.as_bytes()))).await?).await
    }

    /// Sends a request and reads its answer whole.
    pub async fn send(&self, method: &str, path: &str, key: Option<&str>, body: Option<&Value>) -> Result<Answer, Fault> {
        answer(self.open(method, path, key, body).await?).await
    }

    /// Sends a request and gives the answer as it begins.
    pub async fn open(
        &self,
        method: &str,
        path: &str,
        key: Option<&str>,
        body: Option<&Value>,
    ) -> Result<http::Response<Incoming>, Fault> {
        self.open_with(method, path, key, body.map(|body| Bytes::from(body.to_string()))).await
    }

    async fn open_with(
        &self,
        method: &str,
        path: &str,
        key: Option<&str>,
        body: Option<Bytes>,
    ) -> Result<http::Response<Incoming>, Fault> {
        let mut request = http::Request::builder()
            .method(method)
            .uri(format!("{}{path}", self.url))
            .header("accept", "application/json, text/event-stream");
        if !self.token.is_empty() {
            request = request.header("authorization", format!("Bearer {}", self.token));
        }
        if let Some(key) = key {
            request = request.header("idempotency-key", key);
        }
        if body.is_some() {
            request = request.header("content-type", "application/json");
        }
        let request = request
            .body(Full::new(body.unwrap_or_default()))
            .map_err(|error| Fault::invalid("bad_request", "The request could not be made.").because(error))?;
        self.http.request(request).await.map_err(|error| {
            if error.is_connect() {
                Fault::unavailable(
                    "platform_unreachable",
                    format!("No platform answers at {}. Start one with `comanda up`, or name it with --url.", self.url),
                )
                .because(format!("{error}: {:?}", std::error::Error::source(&error)))
            } else {
                lost(&error)
            }
        })
    }
}

async fn answer(response: http::Response<Incoming>) -> Result<Answer, Fault> {
    let status = response.status().as_u16();
    let bytes = response.into_body().collect().await.map_err(|error| lost(&error))?.to_bytes();
    Ok(Answer { status, body: serde_json::from_slice(&bytes).unwrap_or(Value::Null) })
}

fn lost(error: &dyn std::error::Error) -> Fault {
    Fault::timeout("answer_lost", "The platform's answer was lost.").because(format!("{error}: {:?}", error.source()))
}

impl Answer {
    /// Gives the body of a good answer, or the fault that the platform told.
    pub fn good(self) -> Result<Value, Fault> {
        if (200..300).contains(&self.status) {
            return Ok(self.body);
        }
        let text = |name: &str| self.body.get(name).and_then(Value::as_str).unwrap_or_default().to_owned();
        let kind = base::fault::KINDS.iter().find(|row| row.2 == self.status).map_or(base::Kind::Internal, |row| row.0);
        Err(Fault::new(kind, &text("code"), format!("The platform answered {}: {}", self.status, text("detail"))))
    }
}
