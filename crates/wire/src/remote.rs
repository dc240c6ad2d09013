//! The remote arm's client: one HTTP/2 connection to one peer, made when it is needed and made anew when it is lost.

use std::io;
use std::sync::{Arc, PoisonError, RwLock};

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

/// A request without an answer. One that the peer has not seen is given back.
pub(crate) enum Lost {
    Unseen(Fault, Box<Request<Body>>),
    Seen(Fault),
}

pub(crate) struct Remote {
    service: String,
    peer: Uri,
    world: World,
    dial: Arc<dyn Dial>,
    connection: RwLock<Option<SendRequest<Body>>>,
    dialing: tokio::sync::Mutex<()>,
}

impl Remote {
    pub(crate) fn new(service: &str, peer: Uri, world: World, dial: Arc<dyn Dial>) -> Remote {
        let (connection, dialing) = (RwLock::default(), tokio::sync::Mutex::default());
        Remote { service: service.to_owned(), peer, world, dial, connection, dialing }
    }

    pub(crate) fn peer(&self) -> &Uri {
        &self.peer
    }

    pub(crate) async fn send(&self, mut sender: SendRequest<Body>, request: Request<Body>) -> Result<Response<Body>, Lost> {
        match sender.try_send_request(self.addressed(request)?).await {
            Ok(response) => Ok(response.map(|body| Body::new(body.map_err(|error| status_of(failed(&error)))))),
            // hyper gives the request back when it has not begun to write it.
            Err(mut error) => match error.take_message() {
                Some(request) => Err(Lost::Unseen(self.unreachable(error.error()), Box::new(request))),
                None => Err(Lost::Seen(failed(error.error()))),
            },
        }
    }

    pub(crate) fn is_connected(&self) -> bool {
        let connection = self.connection.read().unwrap_or_else(PoisonError::into_inner);
        connection.as_ref().is_some_and(|sender| !sender.is_closed())
    }

    /// Gives the connection, if it stands.
    pub(crate) fn connection(&self) -> Option<SendRequest<Body>> {
        let connection = self.connection.read().unwrap_or_else(PoisonError::into_inner);
        connection.as_ref().filter(|sender| !sender.is_closed()).cloned()
    }

    /// Lets go of the connection, which may be dead without having said so; calls that have it already keep it.
    pub(crate) fn forget(&self) {
        *self.connection.write().unwrap_or_else(PoisonError::into_inner) = None;
    }

    /// Makes the connection, unless it stands by now.
    pub(crate) async fn connect(&self) -> Result<SendRequest<Body>, Fault> {
        // Held while connecting, so that callers wait for one connection; each as long as its own deadline allows.
        let _dialing = self.dialing.lock().await;
        if let Some(sender) = self.connection() {
            return Ok(sender);
        }
        let stream = self.dial.dial(&self.service, self.peer.clone()).await.map_err(|error| self.unreachable(&error))?;
        let shaken = http2::Builder::new(Tasks(self.world.clone())).handshake(TokioIo::new(stream)).await;
        let (sender, driver) = shaken.map_err(|error| self.unreachable(&error))?;
        self.world.spawn("wire connection", async move {
            if let Err(error) = driver.await {
                tracing::debug!(%error, "a connection to a peer was lost");
            }
        });
        *self.connection.write().unwrap_or_else(PoisonError::into_inner) = Some(sender.clone());
        Ok(sender)
    }

    /// Completes the path that generated clients send with the peer's address, as HTTP/2 wants it.
    fn addressed(&self, mut request: Request<Body>) -> Result<Request<Body>, Lost> {
        let mut parts = self.peer.clone().into_parts();
        parts.path_and_query = request.uri().path_and_query().cloned();
        match Uri::from_parts(parts) {
            Ok(uri) => *request.uri_mut() = uri,
            Err(error) => return Err(Lost::Unseen(self.unreachable(&error), Box::new(request))),
        }
        *request.version_mut() = Version::HTTP_2;
        Ok(request)
    }

    pub(crate) fn unreachable(&self, cause: &dyn std::error::Error) -> Fault {
        Undelivered::unseen(&self.service).fault.because(chain(cause))
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
