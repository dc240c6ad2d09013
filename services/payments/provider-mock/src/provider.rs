//! The provider as its routes see it: the books, and the temper with which calls are answered.

use std::sync::{Arc, PoisonError, RwLock};
use std::time::Duration;

use axum::body::Body;
use axum::response::{IntoResponse, Response};
use base::{Fault, World};
use tokio::sync::oneshot;

use crate::settings::happens;
use crate::{Books, Problem, Settings};

/// Marks an answer that must not be sent: the connection is dropped instead.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Dropped;

/// The provider. Clones share everything.
#[derive(Clone)]
pub(crate) struct Provider {
    pub(crate) books: Books,
    pub(crate) world: World,
    settings: Arc<RwLock<Settings>>,
}

impl Provider {
    /// Begins with what people have set before, or with `settings`.
    pub(crate) async fn begin(books: Books, world: World, settings: Settings) -> Result<Provider, Fault> {
        let settings = books.settings().await?.unwrap_or(settings);
        Ok(Provider { books, world, settings: Arc::new(RwLock::new(settings)) })
    }

    pub(crate) fn settings(&self) -> Settings {
        self.settings.read().unwrap_or_else(PoisonError::into_inner).clone()
    }

    pub(crate) async fn set(&self, settings: Settings) -> Result<(), Fault> {
        self.books.set(&settings).await?;
        *self.settings.write().unwrap_or_else(PoisonError::into_inner) = settings;
        Ok(())
    }

    /// Looks something up, as slowly and as unreliably as was set.
    pub(crate) async fn answer<F>(&self, work: F) -> Response
    where
        F: Future<Output = Result<Response, Problem>>,
    {
        match self.temper().await {
            Some(answer) => answer,
            None => work.await.unwrap_or_else(IntoResponse::into_response),
        }
    }

    /// Moves money, as slowly and as unreliably as was set. What has begun goes on when the caller hangs up.
    pub(crate) async fn carry_out<F>(&self, work: F) -> Response
    where
        F: Future<Output = Result<Response, Problem>> + Send + 'static,
    {
        let (done, answer) = oneshot::channel();
        let provider = self.clone();
        self.world.spawn("provider", async move {
            let answer = match provider.temper().await {
                Some(answer) => answer,
                None => match work.await {
                    Ok(_) if happens(provider.settings().lost_answer_rate, provider.world.chance()) => dropped(),
                    Ok(answer) => answer,
                    Err(problem) => problem.into_response(),
                },
            };
            // The caller may have hung up.
            let _ = done.send(answer);
        });
        answer.await.unwrap_or_else(|_| dropped())
    }

    /// Waits, and gives the answer of a call that is not to be carried out.
    async fn temper(&self) -> Option<Response> {
        let settings = self.settings();
        if settings.down {
            return Some(dropped());
        }
        if settings.latency_ms > 0 {
            self.world.sleep(Duration::from_millis(settings.latency_ms)).await;
        }
        let fails = happens(settings.failure_rate, self.world.chance());
        fails.then(|| Problem::new(503, "provider_failed", "The provider failed; nothing has happened.").into_response())
    }
}

pub(crate) fn dropped() -> Response {
    let mut response = Response::new(Body::empty());
    response.extensions_mut().insert(Dropped);
    response
}
