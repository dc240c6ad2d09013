//! What lies outside of the platform: HTTP services and a mail drop, behind traits that a simulation can stand behind.

use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

use base::{BoxFuture, Fault, World};
use bytes::Bytes;
use http_body_util::{BodyExt, Full, Limited};
use hyper_util::client::legacy::Client;
use hyper_util::client::legacy::connect::HttpConnector;
use hyper_util::rt::{TokioExecutor, TokioTimer};

/// The largest answer that is read, in bytes.
const ANSWER_BYTES_MAX: usize = 4 << 20;

/// A request to the outside.
#[derive(Debug, Clone)]
pub struct HttpRequest {
    /// The method, such as `POST`.
    pub method: &'static str,
    /// The whole address.
    pub url: String,
    /// Headers by name.
    pub headers: Vec<(String, String)>,
    /// The body.
    pub body: Vec<u8>,
    /// How long the answer may take.
    pub timeout: Duration,
}

/// The answer to a request.
#[derive(Debug, Clone)]
pub struct HttpResponse {
    /// The status.
    pub status: u16,
    /// Headers by name, in lower case.
    pub headers: Vec<(String, String)>,
    /// The body.
    pub body: Bytes,
}

/// Sends requests to the outside.
pub trait HttpOut: Send + Sync {
    /// Sends one request. `Unavailable`: it certainly was not answered; `Timeout`: nobody knows what became of it.
    fn send(&self, request: HttpRequest) -> BoxFuture<'_, Result<HttpResponse, Fault>>;
}

/// Takes mail.
pub trait MailDrop: Send + Sync {
    /// Takes a message (RFC 5322) under a name that is used once; the same name again replaces it.
    fn drop_mail(&self, name: &str, message: &[u8]) -> BoxFuture<'_, Result<(), Fault>>;
}

/// All of the outside.
#[derive(Clone)]
pub struct Outside {
    /// HTTP.
    pub http: Arc<dyn HttpOut>,
    /// Mail.
    pub mail: Arc<dyn MailDrop>,
}

/// HTTP/1.1 over real sockets, with kept connections.
pub struct RealHttp {
    world: World,
    client: Client<HttpConnector, Full<Bytes>>,
}

impl RealHttp {
    /// Makes a client.
    pub fn new(world: World) -> RealHttp {
        let mut connector = HttpConnector::new();
        connector.set_nodelay(true);
        connector.set_connect_timeout(Some(Duration::from_secs(2)));
        let client = Client::builder(TokioExecutor::new())
            .pool_timer(TokioTimer::new())
            .pool_idle_timeout(Duration::from_secs(30))
            .pool_max_idle_per_host(512)
            .build(connector);
        RealHttp { world, client }
    }

    async fn exchange(&self, request: HttpRequest) -> Result<HttpResponse, Fault> {
        let mut builder = http::Request::builder().method(request.method).uri(&request.url);
        for (name, value) in &request.headers {
            builder = builder.header(name, value);
        }
        let request = builder.body(Full::new(Bytes::from(request.body))).map_err(|error| {
            Fault::internal("bad_outside_request", "A request to the outside could not be made.").because(error)
        })?;
        let response = self.client.request(request).await.map_err(|error| {
            let cause = format!("{error}: {:?}", std::error::Error::source(&error));
            if error.is_connect() {
                Fault::unavailable("outside_unreachable", "The service outside could not be reached.").because(cause)
            } else {
                // The request may have arrived before the connection broke.
                Fault::timeout(
                    "outside_answer_lost",
                    "The service outside did not answer; what became of the request is unknown.",
                )
                .because(cause)
            }
        })?;
        let (head, body) = response.into_parts();
        let body = Limited::new(body, ANSWER_BYTES_MAX).collect().await.map_err(|error| {
            Fault::timeout("outside_answer_lost", "The answer of the service outside broke off.").because(error)
        })?;
        let headers =
            head.headers.iter().map(|(name, value)| (name.to_string(), String::from_utf8_lossy(value.as_bytes()).into_owned()));
        Ok(HttpResponse { status: head.status.as_u16(), headers: headers.collect(), body: body.to_bytes() })
    }
}

impl HttpOut for RealHttp {
    fn send(&self, request: HttpRequest) -> BoxFuture<'_, Result<HttpResponse, Fault>> {
        Box::pin(async move {
            let timeout = request.timeout;
            self.world.within(timeout, self.exchange(request)).await?
        })
    }
}

/// A folder into which mail is written as `.eml` files; the oldest go when there are too many.
pub struct MailFolder {
    path: PathBuf,
    files_max: usize,
}

impl MailFolder {
    /// Uses a folder, which is made when the first mail comes.
    pub fn new(path: PathBuf, files_max: usize) -> MailFolder {
        MailFolder { path, files_max }
    }

    #[allow(clippy::disallowed_methods)] // The mail drop is a folder: this is its one writer.
    fn write(&self, name: &str, message: &[u8]) -> std::io::Result<()> {
        use std::fs;
        use std::io::Write;
        fs::create_dir_all(&self.path)?;
        let draft = self.path.join(format!(".{name}.draft"));
        let mut file = fs::File::create(&draft)?;
        file.write_all(message)?;
        file.sync_all()?;
        fs::rename(&draft, self.path.join(format!("{name}.eml")))?;
        let mut names: Vec<_> = fs::read_dir(&self.path)?.filter_map(|entry| entry.ok().map(|entry| entry.file_name())).collect();
        names.sort();
        for old in names.iter().take(names.len().saturating_sub(self.files_max)) {
            fs::remove_file(self.path.join(old))?;
        }
        Ok(())
    }
}

impl MailDrop for MailFolder {
    fn drop_mail(&self, name: &str, message: &[u8]) -> BoxFuture<'_, Result<(), Fault>> {
        let fits = !name.is_empty() && name.bytes().all(|byte| byte.is_ascii_alphanumeric() || byte == b'-' || byte == b'_');
        let written = if fits { self.write(name, message) } else { Err(std::io::Error::other("the name does not fit")) };
        Box::pin(async move {
            written.map_err(|error| Fault::unavailable("mail_failed", "The mail could not be written.").because(error))
        })
    }
}
