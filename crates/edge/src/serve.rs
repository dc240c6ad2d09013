//! The socket: HTTP/1.1 with limits, and an end that lets open requests finish.

use std::future::Future;
use std::pin::pin;
use std::sync::Arc;
use std::time::Duration;

use axum::Router;
use base::{Fault, World};
use hyper::body::Incoming;
use hyper_util::rt::{TokioIo, TokioTimer};
use hyper_util::service::TowerToHyperService;
use tokio::net::TcpListener;
use tokio::sync::{Semaphore, watch};
use tower::ServiceExt;

use crate::came::{Came, Origin};
use crate::shares::Shares;

/// How many connections may be open at once.
const CONNECTIONS_MAX: usize = 20_000;
/// How many of them one address may hold: a proxy in front needs many, and nobody may have all.
const CONNECTIONS_OF_ONE_MAX: usize = 10_000;
/// How long a client may take to send the head of a request.
const HEAD_WITHIN: Duration = Duration::from_secs(15);
/// How long to wait when no connection can be taken, such as when files have run out.
const REST: Duration = Duration::from_millis(50);
/// How long open requests may take when the end has come.
const DRAIN: Duration = Duration::from_secs(5);

/// Serves the router on a listener until `shutdown`, then lets open requests end.
pub async fn serve(
    listener: TcpListener,
    router: Router,
    world: World,
    shutdown: impl Future<Output = ()> + Send,
) -> Result<(), Fault> {
    let places = Arc::new(Semaphore::new(CONNECTIONS_MAX));
    let shares = Shares::new(CONNECTIONS_OF_ONE_MAX);
    let (closing, closed) = watch::channel(false);
    let mut shutdown = pin!(shutdown);
    loop {
        let next = async { (places.clone().acquire_owned().await, listener.accept().await) };
        let (Ok(place), taken) = (tokio::select! {
            biased;
            () = &mut shutdown => break,
            next = next => next,
        }) else {
            break;
        };
        let (socket, address) = match taken {
            Ok(taken) => taken,
            Err(error) => {
                tracing::warn!(%error, "a connection could not be taken");
                world.sleep(REST).await;
                continue;
            }
        };
        // Dropped, it is closed: whoever holds so many has enough, and others want to come in too.
        let Some(share) = shares.take(Origin::of(address.ip())) else { continue };
        let _ = socket.set_nodelay(true);
        let (router, mut closed) = (router.clone(), closed.clone());
        world.spawn("connection", async move {
            let service = router.map_request(move |mut request: http::Request<Incoming>| {
                request.extensions_mut().insert(Came(address.ip()));
                request.map(axum::body::Body::new)
            });
            let connection = hyper::server::conn::http1::Builder::new()
                .timer(TokioTimer::new())
                .header_read_timeout(HEAD_WITHIN)
                .keep_alive(true)
                .serve_connection(TokioIo::new(socket), TowerToHyperService::new(service));
            let mut connection = pin!(connection);
            tokio::select! {
                biased;
                _ = connection.as_mut() => {}
                () = async { let _ = closed.wait_for(|closed| *closed).await; } => {
                    connection.as_mut().graceful_shutdown();
                    let _ = connection.await;
                }
            }
            drop((place, share));
        });
    }
    let _ = closing.send(true);
    drop(listener);
    let all = u32::try_from(CONNECTIONS_MAX).unwrap_or(u32::MAX);
    let _ = world.within(DRAIN, places.acquire_many(all)).await;
    Ok(())
}
