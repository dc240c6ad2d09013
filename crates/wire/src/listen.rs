//! The remote arm's server: takes connections for all the services of this process.

use std::convert::Infallible;
use std::pin::pin;
use std::sync::Arc;
use std::time::Duration;

use base::Fault;
use http::{Request, Response};
use hyper::server::conn::http2;
use hyper::service::service_fn;
use hyper_util::rt::TokioIo;
use tokio::net::TcpListener;
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

impl Exchange {
    /// Serves the services of this process to other processes, until `shutdown`; calls that have begun may then end.
    pub async fn listen(&self, listener: TcpListener, shutdown: impl Future<Output = ()>) {
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
            let Ok((stream, _)) = accepted else {
                self.world().sleep(ACCEPT_PAUSE).await;
                continue;
            };
            // Best effort: without it calls are slower, not wrong.
            let _ = stream.set_nodelay(true);
            let (exchange, closing) = (self.clone(), closing.clone());
            self.world().spawn("wire peer", async move {
                exchange.serve_stream(stream, closing).await;
                drop(place);
            });
        }
        drop((listener, open));
        let all = places.acquire_many(CONNECTIONS_MAX);
        if self.world().within(DRAIN_MAX, all).await.is_err() {
            tracing::warn!("calls from other processes were still on their way at the end");
        }
    }

    /// Serves one connected peer. TLS goes around the stream before it comes here.
    pub(crate) async fn serve_stream(&self, stream: impl Stream + 'static, mut closing: watch::Receiver<()>) {
        let exchange = self.clone();
        let service = service_fn(move |request: Request<hyper::body::Incoming>| {
            let exchange = exchange.clone();
            async move { Ok::<_, Infallible>(exchange.receive(request.map(Body::new)).await) }
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
    async fn receive(&self, request: Request<Body>) -> Response<Body> {
        let to = request.headers().get(headers::TO).and_then(|to| to.to_str().ok()).unwrap_or_default().to_owned();
        let Some(local) = self.local(&to) else {
            return answer_of(Fault::unavailable("service_not_here", "The service is not in this process.").with("service", to));
        };
        let Some(span) = headers::timeout_in(request.headers()) else {
            return self.serve(&local, request).await;
        };
        match self.world().within(span, self.serve(&local, request)).await {
            Ok(response) => response,
            Err(_) => answer_of(late()),
        }
    }
}
