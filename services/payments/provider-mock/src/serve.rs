//! The provider's door: connections are taken, answered, and on demand dropped without an answer.

use std::pin::pin;
use std::sync::Arc;
use std::time::Duration;

use axum::body::Body;
use axum::extract::Request;
use base::{Fault, World};
use hyper::server::conn::http1;
use hyper::service::service_fn;
use hyper_util::rt::TokioIo;
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::{Semaphore, watch};
use tower::ServiceExt;

use crate::provider::{Dropped, Provider};
use crate::routes::router;
use crate::{Books, Settings};

/// How many connections are served at once; more wait in the kernel's queue.
const CONNECTIONS_MAX: usize = 2_048;
/// How long to wait after the kernel refused to hand out a connection.
const ACCEPT_PAUSE: Duration = Duration::from_millis(50);

/// Gives the provider without a socket, for simulations. It begins with what people have set before, or with `settings`.
pub async fn without_socket(books: Books, settings: Settings, world: World) -> Result<axum::Router, Fault> {
    Ok(router(Provider::begin(books, world, settings).await?))
}

/// Tells whether an answer must not be sent: the connection is dropped instead.
pub fn is_dropped<B>(response: &axum::http::Response<B>) -> bool {
    response.extensions().get::<Dropped>().is_some()
}

/// Serves until `shutdown`. It begins with what people have set before, or with `settings`.
pub async fn serve(
    listener: TcpListener,
    books: Books,
    settings: Settings,
    world: World,
    shutdown: impl Future<Output = ()>,
) -> Result<(), Fault> {
    let router = router(Provider::begin(books, world.clone(), settings).await?);
    let places = Arc::new(Semaphore::new(CONNECTIONS_MAX));
    // Dropped, it tells every connection to take no more requests.
    let (_open, closing) = watch::channel(());
    let mut shutdown = pin!(shutdown);
    loop {
        let accepted = async {
            let place = Arc::clone(&places).acquire_owned().await.expect("the semaphore is never closed");
            (place, listener.accept().await)
        };
        let (place, accepted) = tokio::select! {
            biased;
            () = &mut shutdown => return Ok(()),
            accepted = accepted => accepted,
        };
        let Ok((stream, _)) = accepted else {
            world.sleep(ACCEPT_PAUSE).await;
            continue;
        };
        // Best effort: without it answers are slower, not wrong.
        let _ = stream.set_nodelay(true);
        let (router, closing) = (router.clone(), closing.clone());
        world.spawn("provider connection", async move {
            connection(stream, router, closing).await;
            drop(place);
        });
    }
}

async fn connection(stream: TcpStream, router: axum::Router, mut closing: watch::Receiver<()>) {
    let service = service_fn(move |request: hyper::Request<hyper::body::Incoming>| {
        let router = router.clone();
        async move {
            let request: Request = request.map(Body::new);
            let response = match router.oneshot(request).await {
                Ok(response) => response,
                Err(never) => match never {},
            };
            // An error here makes hyper drop the connection without a word.
            if is_dropped(&response) { Err(std::io::Error::other("dropped on demand")) } else { Ok(response) }
        }
    });
    let mut served = pin!(http1::Builder::new().serve_connection(TokioIo::new(stream), service));
    tokio::select! {
        // A connection that breaks is the caller's business.
        _ = served.as_mut() => {}
        _ = closing.changed() => {
            served.as_mut().graceful_shutdown();
            let _ = served.await;
        }
    }
}
