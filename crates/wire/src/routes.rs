//! Several generated gRPC servers as the one service that they make up.

use std::collections::BTreeMap;
use std::convert::Infallible;
use std::sync::Arc;
use std::task::{Context, Poll};

use base::{BoxFuture, Fault};
use http::{Request, Response};
use tonic::body::Body;
use tonic::server::NamedService;
use tower::{Service, ServiceExt};

use crate::fault::answer_of;

/// A server behind one type, whatever it was made of.
#[derive(Clone)]
pub(crate) struct Handler(Arc<dyn Fn(Request<Body>) -> BoxFuture<'static, Response<Body>> + Send + Sync>);

impl Handler {
    pub(crate) fn new<S>(server: S) -> Handler
    where
        S: Service<Request<Body>, Response = Response<Body>, Error = Infallible> + Clone + Send + Sync + 'static,
        S::Future: Send,
    {
        Handler(Arc::new(move |request| {
            let server = server.clone();
            Box::pin(async move {
                match server.oneshot(request).await {
                    Ok(response) => response,
                    Err(never) => match never {},
                }
            })
        }))
    }

    pub(crate) fn call(&self, request: Request<Body>) -> BoxFuture<'static, Response<Body>> {
        (self.0)(request)
    }
}

/// Generated servers by the name that their proto gives them.
#[derive(Clone, Default)]
pub struct Routes {
    servers: BTreeMap<&'static str, Handler>,
}

impl Routes {
    /// Begins with none.
    pub fn new() -> Routes {
        Routes::default()
    }

    /// Adds a generated server.
    #[must_use]
    pub fn with<S>(mut self, server: S) -> Routes
    where
        S: NamedService + Service<Request<Body>, Response = Response<Body>, Error = Infallible>,
        S: Clone + Send + Sync + 'static,
        S::Future: Send,
    {
        self.servers.insert(S::NAME, Handler::new(server));
        self
    }
}

impl Service<Request<Body>> for Routes {
    type Response = Response<Body>;
    type Error = Infallible;
    type Future = BoxFuture<'static, Result<Response<Body>, Infallible>>;

    fn poll_ready(&mut self, _: &mut Context<'_>) -> Poll<Result<(), Infallible>> {
        Poll::Ready(Ok(()))
    }

    fn call(&mut self, request: Request<Body>) -> Self::Future {
        let name = request.uri().path().trim_start_matches('/').split('/').next().unwrap_or_default();
        let Some(server) = self.servers.get(name) else {
            let fault = Fault::internal("rpc_unknown", "The service has no such call.").with("path", request.uri().path());
            return Box::pin(async move { Ok(answer_of(fault)) });
        };
        let answer = server.call(request);
        Box::pin(async move { Ok(answer.await) })
    }
}
