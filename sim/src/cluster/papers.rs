//! Documents on a server.

use base::{BoxFuture, Fault, Timestamp};
use documents::{Answer, Collection, Doc, Embedded, Engine, Page, Put, Query, Verdict};

use crate::cluster::server::{Asked, Server};
use crate::machine::Machine;

/// A node's way to the documents on a server.
#[derive(Clone)]
pub struct Papers {
    /// The server.
    pub server: Server,
    /// Who asks.
    pub from: Machine,
}

impl Papers {
    fn read<T: Send + 'static>(
        &self,
        work: impl FnOnce(Embedded) -> BoxFuture<'static, Result<T, Fault>> + Send + 'static,
    ) -> BoxFuture<'_, Result<T, Fault>> {
        Box::pin(async move {
            let asked = self.server.ask(&self.from, move |database| work(Embedded::new(database)));
            asked.await.or_unreachable()
        })
    }
}

impl Engine for Papers {
    fn name(&self) -> &'static str {
        "simulated"
    }

    fn prepare(&self, service: &'static str, collections: &'static [Collection]) -> BoxFuture<'_, Result<(), Fault>> {
        self.read(move |engine| Box::pin(async move { engine.prepare(service, collections).await }))
    }

    fn get(&self, service: &'static str, collection: &'static Collection, id: i64) -> BoxFuture<'_, Result<Option<Doc>, Fault>> {
        self.read(move |engine| Box::pin(async move { engine.get(service, collection, id).await }))
    }

    fn find(&self, service: &'static str, collection: &'static Collection, query: Query) -> BoxFuture<'_, Result<Page, Fault>> {
        self.read(move |engine| Box::pin(async move { engine.find(service, collection, query).await }))
    }

    fn put(&self, put: Put) -> BoxFuture<'_, Result<Verdict, Fault>> {
        Box::pin(async move {
            let asked = self.server.ask(&self.from, move |database| {
                let engine = Embedded::new(database);
                Box::pin(async move { engine.put(put).await })
            });
            match asked.await {
                Asked::Answered(verdict) => verdict,
                Asked::Unsent => Err(super::server::unreachable()),
                Asked::Lost => Ok(Verdict::Unknown),
            }
        })
    }

    fn recorded(&self, service: &'static str, key: i64) -> BoxFuture<'_, Result<Option<Answer>, Fault>> {
        self.read(move |engine| Box::pin(async move { engine.recorded(service, key).await }))
    }

    fn forget(&self, service: &'static str, before: Timestamp) -> BoxFuture<'_, Result<u64, Fault>> {
        self.read(move |engine| Box::pin(async move { engine.forget(service, before).await }))
    }
}
