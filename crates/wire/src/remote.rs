//! The remote arm's client: one HTTP/2 connection to a peer, made when it is needed and made anew when it is lost.

use std::io;
use std::sync::Arc;

use base::{BoxFuture, Fault, World};
use http::{Request, Response, Uri, Version};
use http_body_util::BodyExt;
use hyper::client::conn::http2::{self, SendRequest};
use hyper_util::rt::TokioIo;
use tokio::io::{AsyncRead, AsyncWrite};
use tonic::body::Body;

use crate::fault::status_of;

/// A connected byte stream.
pub trait Stream: AsyncRead + AsyncWrite + Send + Unpin {}

impl<S: AsyncRead + AsyncWrite + Send + Unpin> Stream for S {}

/// How a peer is reached. TLS, and a simulated network, go here.
pub trait Dial: Send + Sync + 'static {
    /// Connects to the process at an address that holds a service.
    fn dial(&self, service: &str, peer: Uri) -> BoxFuture<'static, io::Result<Box<dyn Stream>>>;
}

/// Reaches peers over TCP without encryption.
#[derive(Debug, Clone, Copy, Default)]
pub struct PlainTcp;

impl Dial for PlainTcp {
    // This is the one place of the product that calls other services over sockets.
    #[allow(clippy::disallowed_methods)]
    fn dial(&self, _: &str, peer: Uri) -> BoxFuture<'static, io::Result<Box<dyn Stream>>> {
        Box::pin(async move {
            let host = peer.host().ok_or_else(|| io::Error::other("the address has no host"))?;
            let host = host.trim_start_matches('[').trim_end_matches(']');
            let stream = tokio::net::TcpStream::connect((host, peer.port_u16().unwrap_or(80))).await?;
            stream.set_nodelay(true)?;
            Ok(Box::new(stream) as Box<dyn Stream>)
        })
    }
}

/// Runs what hyper wants to run by itself in the world.
#[derive(Clone)]
pub(crate) struct Tasks(pub(crate) World);

impl<F: Future<Output: Send> + Send + 'static> hyper::rt::Executor<F> for Tasks {
    fn execute(&self, future: F) {
        self.0.spawn("wire stream", async move {
            future.await;
        });
    }
}

/// Why a request has no answer, and whether the peer may have seen it.
pub(crate) struct Undelivered {
    pub(crate) fault: Fault,
    pub(crate) seen: bool,
}

impl Undelivered {
    pub(crate) fn unseen(to: &str) -> Undelivered {
        let fault = Fault::unavailable("service_unreachable", format!("{to} cannot be reached.")).with("service", to);
        Undelivered { fault, seen: false }
    }
}

pub(crate) struct Remote {
    service: String,
    peer: Uri,
    world: World,
    dial: Arc<dyn Dial>,
    connection: tokio::sync::Mutex<Option<SendRequest<Body>>>,
}

impl Remote {
    pub(crate) fn new(service: &str, peer: Uri, world: World, dial: Arc<dyn Dial>) -> Remote {
        Remote { service: service.to_owned(), peer, world, dial, connection: tokio::sync::Mutex::new(None) }
    }

    pub(crate) async fn send(&self, request: Request<Body>) -> Result<Response<Body>, Undelivered> {
        let request = self.addressed(request)?;
        let mut sender = self.connected().await?;
        match sender.try_send_request(request).await {
            Ok(response) => Ok(response.map(|body| Body::new(body.map_err(|error| status_of(failed(&error)))))),
            // hyper gives the request back when it has not begun to write it.
            Err(error) if error.message().is_some() => Err(self.unreachable(&error.into_error())),
            Err(error) => Err(Undelivered { fault: failed(&error.into_error()), seen: true }),
        }
    }

    /// Lets go of the connection, which may be dead without having said so; the next call makes another.
    pub(crate) fn forget(&self) {
        if let Ok(mut connection) = self.connection.try_lock() {
            *connection = None;
        }
    }

    async fn connected(&self) -> Result<SendRequest<Body>, Undelivered> {
        // Held while connecting, so that callers wait for one connection; each as long as its own deadline allows.
        let mut connection = self.connection.lock().await;
        if let Some(sender) = connection.as_ref().filter(|sender| !sender.is_closed()) {
            return Ok(sender.clone());
        }
        let stream = self.dial.dial(&self.service, self.peer.clone()).await.map_err(|error| self.unreachable(&error))?;
        let shaken = http2::Builder::new(Tasks(self.world.clone())).handshake(TokioIo::new(stream)).await;
        let (sender, driver) = shaken.map_err(|error| self.unreachable(&error))?;
        self.world.spawn("wire connection", async move {
            if let Err(error) = driver.await {
                tracing::debug!(%error, "a connection to a peer was lost");
            }
        });
        *connection = Some(sender.clone());
        Ok(sender)
    }

    /// Completes the path that generated clients send with the peer's address, as HTTP/2 wants it.
    fn addressed(&self, mut request: Request<Body>) -> Result<Request<Body>, Undelivered> {
        let mut parts = self.peer.clone().into_parts();
        parts.path_and_query = request.uri().path_and_query().cloned();
        *request.uri_mut() = Uri::from_parts(parts).map_err(|error| self.unreachable(&error))?;
        *request.version_mut() = Version::HTTP_2;
        Ok(request)
    }

    fn unreachable(&self, cause: &dyn std::error::Error) -> Undelivered {
        let Undelivered { fault, seen } = Undelivered::unseen(&self.service);
        Undelivered { fault: fault.because(chain(cause)), seen }
    }
}

fn failed(error: &hyper::Error) -> Fault {
    Fault::unavailable("transport_failed", "The connection failed before the answer was complete.").because(chain(error))
}

/// Writes an error with all that caused it, for the log.
fn chain(error: &dyn std::error::Error) -> String {
    let mut text = error.to_string();
    let mut source = error.source();
    while let Some(cause) = source {
        text = format!("{text}: {cause}");
        source = cause.source();
    }
    text
}
