//! The remote arm's server: takes connections for all the services of this process.

use std::convert::Infallible;
use std::io;
use std::net::{IpAddr, SocketAddr};
use std::pin::pin;
use std::sync::Arc;
use std::time::Duration;

use base::{BoxFuture, Fault};
use http::{Request, Response};
use hyper::server::conn::http2;
use hyper::service::service_fn;
use hyper_util::rt::TokioIo;
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::{Semaphore, watch};
use tonic::body::Body;

use crate::body::late;
use crate::exchange::Exchange;
use crate::fault::answer_of;
use crate::headers;
use crate::remote::{Stream, Tasks};

/// How many peers may be connected; more wait in the kernel's queue.
const CONNECTIONS_MAX: u32 = 1_024;
/// How many calls one connection may carry at once.
const STREAMS_MAX: u32 = 1_024;
/// How long calls that have begun may go on after the shutdown.
const DRAIN_MAX: Duration = Duration::from_secs(5);
/// How long to wait after the kernel refused to hand out a connection.
const ACCEPT_PAUSE: Duration = Duration::from_millis(50);

/// How long a peer may take to show who it is.
const GREETING_MAX: Duration = Duration::from_secs(5);

/// Tells whether the process at the other end may speak for a service.
pub(crate) type Peer = Arc<dyn Fn(&str) -> bool + Send + Sync>;

/// How a connection begins. TLS goes here.
pub(crate) trait Greet: Send + Sync + 'static {
    /// Finds out who has connected.
    fn greet(&self, stream: TcpStream, address: SocketAddr) -> BoxFuture<'static, io::Result<(Box<dyn Stream>, Peer)>>;
}

/// Hears processes of this machine without encryption; they are believed what the platform's key has sealed.
struct Here;

impl Greet for Here {
    fn greet(&self, stream: TcpStream, address: SocketAddr) -> BoxFuture<'static, io::Result<(Box<dyn Stream>, Peer)>> {
        let here = is_here(address.ip());
        Box::pin(async move {
            if !here {
                return Err(io::Error::other("other machines are heard over TLS only"));
            }
            Ok((Box::new(stream) as Box<dyn Stream>, Arc::new(|_: &str| true) as Peer))
        })
    }
}

fn is_here(address: IpAddr) -> bool {
    address.to_canonical().is_loopback()
}

impl Exchange {
    /// Serves the services of this process to other processes of this machine, until `shutdown`; calls that have begun
    /// may then end.
    pub async fn listen(&self, listener: TcpListener, shutdown: impl Future<Output = ()>) {
        self.listen_greeting(listener, Arc::new(Here), shutdown).await;
    }

    pub(crate) async fn listen_greeting(&self, listener: TcpListener, greet: Arc<dyn Greet>, shutdown: impl Future<Output = ()>) {
        let places = Arc::new(Semaphore::new(CONNECTIONS_MAX as usize));
        // Dropped, it tells every connection to take no more calls.
        let (open, closing) = watch::channel(());
        let mut shutdown = pin!(shutdown);
        loop {
            let accepted = async {
                let place = Arc::clone(&places).acquire_owned().await.expect("the semaphore is never closed");
                (place, listener.accept().await)
            };
            let (place, accepted) = tokio::select! {
                biased;
                () = &mut shutdown => break,
                accepted = accepted => accepted,
            };
            let Ok((stream, address)) = accepted else {
                self.world().sleep(ACCEPT_PAUSE).await;
                continue;
            };
            // Best effort: without it calls are slower, not wrong.
            let _ = stream.set_nodelay(true);
            let (exchange, closing) = (self.clone(), closing.clone());
            let greeting = greet.greet(stream, address);
            self.world().spawn("wire peer", async move {
                match exchange.world().within(GREETING_MAX, greeting).await {
                    Ok(Ok((stream, peer))) => exchange.serve_stream(stream, peer, closing).await,
                    Ok(Err(error)) => tracing::warn!(%address, %error, "a peer was turned away"),
                    Err(_) => tracing::warn!(%address, "a peer did not say who it is"),
                }
                drop(place);
            });
        }
        drop((listener, open));
        let all = places.acquire_many(CONNECTIONS_MAX);
        if self.world().within(DRAIN_MAX, all).await.is_err() {
            tracing::warn!("calls from other processes were still on their way at the end");
        }
    }

    /// Serves a peer that has connected over a stream of another kind, believed as one of this machine is, until it hangs up.
    pub async fn serve_peer(&self, stream: impl Stream + 'static) {
        // Held until the end: nobody but the peer ends this.
        let (_open, closing) = watch::channel(());
        self.serve_stream(Box::new(stream), Arc::new(|_: &str| true), closing).await;
    }

    /// Serves one connected peer.
    async fn serve_stream(&self, stream: Box<dyn Stream>, peer: Peer, mut closing: watch::Receiver<()>) {
        let exchange = self.clone();
        let service = service_fn(move |request: Request<hyper::body::Incoming>| {
            let (exchange, peer) = (exchange.clone(), Arc::clone(&peer));
            async move { Ok::<_, Infallible>(exchange.receive(request.map(Body::new), &peer).await) }
        });
        let mut server = http2::Builder::new(Tasks(self.world().clone()));
        server.max_concurrent_streams(STREAMS_MAX);
        let mut connection = pin!(server.serve_connection(TokioIo::new(stream), service));
        let ended = tokio::select! {
            biased;
            ended = &mut connection => ended,
            _ = closing.changed() => {
                connection.as_mut().graceful_shutdown();
                connection.await
            }
        };
        if let Err(error) = ended {
            tracing::debug!(%error, "a peer's connection ended");
        }
    }

    /// Carries out a call from another process, no longer than its caller waits: that one may be gone without a word.
    async fn receive(&self, request: Request<Body>, peer: &Peer) -> Response<Body> {
        let to = request.headers().get(headers::TO).and_then(|to| to.to_str().ok()).unwrap_or_default().to_owned();
        let Some(local) = self.local(&to) else {
            return answer_of(Fault::unavailable("service_not_here", "The service is not in this process.").with("service", to));
        };
        let Some(span) = headers::timeout_in(request.headers()) else {
            return self.serve(&local, request, peer).await;
        };
        match self.world().within(span, self.serve(&local, request, peer)).await {
            Ok(response) => response,
            Err(_) => answer_of(late()),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::is_here;

    #[test]
    fn only_this_machine_is_heard_without_encryption() {
        for (address, here) in [("127.0.0.1", true), ("127.8.0.1", true), ("::1", true), ("::ffff:127.0.0.1", true)]
            .into_iter()
            .chain([("10.0.0.7", false), ("0.0.0.0", false), ("fd00::1", false), ("::ffff:10.0.0.7", false)])
        {
            assert_eq!(is_here(address.parse().unwrap()), here, "{address}");
        }
    }
}
