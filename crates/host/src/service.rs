//! A service as a value: its store, its rpcs, what it hears and works off. The host walks a list of them.

use std::collections::BTreeMap;
use std::convert::Infallible;
use std::sync::{Arc, OnceLock};

use base::{BoxFuture, Event, Fault};
use saga::{Leave, React, Retry, Work};
use sql::{Change, Job, Migration};
use tonic::body::Body;
use tonic::server::NamedService;
use wire::Routes;

use crate::Ctx;
use crate::retention::{Dropped, Drops, Kept, Old};

/// What hears a batch of events.
type Batch = Arc<dyn Fn(Vec<Arc<Event>>) -> BoxFuture<'static, Result<Change, Fault>> + Send + Sync>;
type Hears = Box<dyn FnOnce(&Ctx) -> React + Send>;
type Works = Box<dyn FnOnce(&Ctx) -> Work + Send>;
type Braked = Arc<dyn Fn(&Ctx) -> Leave + Send + Sync>;
type Rpcs = Box<dyn FnOnce(&Ctx, Routes) -> Routes + Send>;
type Start = Box<dyn FnOnce(Ctx) -> BoxFuture<'static, Result<(), Fault>> + Send>;

/// One service of the platform.
pub struct Service {
    pub(crate) name: &'static str,
    pub(crate) migrations: Option<Vec<Migration>>,
    pub(crate) collections: Option<&'static [documents::Collection]>,
    pub(crate) rpcs: Vec<Rpcs>,
    pub(crate) reactions: BTreeMap<&'static str, Hears>,
    pub(crate) works: BTreeMap<&'static str, (Retry, Works)>,
    pub(crate) brakes: Vec<(&'static [&'static str], Braked)>,
    pub(crate) starts: Vec<Start>,
    pub(crate) drops: Vec<(Kept, Drops)>,
}

impl Service {
    /// Names a service.
    pub fn new(name: &'static str) -> Service {
        Service {
            name,
            migrations: None,
            collections: None,
            rpcs: Vec::new(),
            reactions: BTreeMap::new(),
            works: BTreeMap::new(),
            brakes: Vec::new(),
            starts: Vec::new(),
            drops: Vec::new(),
        }
    }

    /// Gives the service's name.
    pub fn name(&self) -> &'static str {
        self.name
    }

    /// Keeps its state in rows.
    pub fn sql(mut self, migrations: &[Migration]) -> Service {
        self.migrations = Some(migrations.to_vec());
        self
    }

    /// Keeps its state in documents.
    pub fn documents(mut self, collections: &'static [documents::Collection]) -> Service {
        self.collections = Some(collections);
        self
    }

    /// Answers rpcs: `make` gives the generated server.
    pub fn rpc<S>(mut self, make: impl FnOnce(Ctx) -> S + Send + 'static) -> Service
    where
        S: NamedService
            + tower::Service<http::Request<Body>, Response = http::Response<Body>, Error = Infallible>
            + Clone
            + Send
            + Sync
            + 'static,
        S::Future: Send + 'static,
    {
        self.rpcs.push(Box::new(move |ctx, routes| routes.with(make(ctx.clone()))));
        self
    }

    /// Hears events of a name (`order.created`), one at a time.
    pub fn hears<F>(
        mut self,
        event: &'static str,
        handler: impl Fn(Ctx, Arc<Event>) -> F + Clone + Send + Sync + 'static,
    ) -> Service
    where
        F: Future<Output = Result<Change, Fault>> + Send + 'static,
    {
        let bind: Hears = Box::new(move |ctx| {
            let ctx = ctx.clone();
            React::One(Arc::new(move |event| Box::pin(handler(ctx.clone(), event))))
        });
        self.reactions.insert(event, bind);
        self
    }

    /// Hears events of a name in batches of different keys, which become one commit.
    pub fn hears_many<F>(
        self,
        event: &'static str,
        handler: impl Fn(Ctx, Vec<Arc<Event>>) -> F + Clone + Send + Sync + 'static,
    ) -> Service
    where
        F: Future<Output = Result<Change, Fault>> + Send + 'static,
    {
        self.hears_together(&[event], React::Many, handler)
    }

    /// Hears events of several names in common batches of different keys. One source's changes of one shared row would
    /// otherwise refuse each other whenever a round holds two names.
    pub fn hears_all<F>(
        self,
        events: &[&'static str],
        handler: impl Fn(Ctx, Vec<Arc<Event>>) -> F + Clone + Send + Sync + 'static,
    ) -> Service
    where
        F: Future<Output = Result<Change, Fault>> + Send + 'static,
    {
        self.hears_together(events, React::Many, handler)
    }

    /// Like [`Service::hears_all`], but a batch may hold a key several times, in its order: the handler carries each on
    /// from where the one before has left it.
    pub fn hears_runs<F>(
        self,
        events: &[&'static str],
        handler: impl Fn(Ctx, Vec<Arc<Event>>) -> F + Clone + Send + Sync + 'static,
    ) -> Service
    where
        F: Future<Output = Result<Change, Fault>> + Send + 'static,
    {
        self.hears_together(events, React::Run, handler)
    }

    fn hears_together<F>(
        mut self,
        events: &[&'static str],
        kind: fn(Batch) -> React,
        handler: impl Fn(Ctx, Vec<Arc<Event>>) -> F + Clone + Send + Sync + 'static,
    ) -> Service
    where
        F: Future<Output = Result<Change, Fault>> + Send + 'static,
    {
        let shared: Arc<OnceLock<React>> = Arc::default();
        for event in events {
            let (shared, handler) = (shared.clone(), handler.clone());
            let bind: Hears = Box::new(move |ctx| {
                let ctx = ctx.clone();
                let make = || kind(Arc::new(move |events| Box::pin(handler(ctx.clone(), events)) as BoxFuture<'static, _>));
                shared.get_or_init(make).clone()
            });
            self.reactions.insert(event, bind);
        }
        self
    }

    /// Works off jobs of a kind, each for itself; a handler may await the outside.
    pub fn job<F>(
        mut self,
        kind: &'static str,
        retry: Retry,
        handler: impl Fn(Ctx, Job) -> F + Clone + Send + Sync + 'static,
    ) -> Service
    where
        F: Future<Output = Result<Change, Fault>> + Send + 'static,
    {
        let bind: Works = Box::new(move |ctx| {
            let ctx = ctx.clone();
            Work::One(Arc::new(move |job| Box::pin(handler(ctx.clone(), job))))
        });
        self.works.insert(kind, (retry, bind));
        self
    }

    /// Works off jobs of a kind in batches, which become one commit.
    pub fn jobs_many<F>(
        mut self,
        kind: &'static str,
        retry: Retry,
        handler: impl Fn(Ctx, Vec<Job>) -> F + Clone + Send + Sync + 'static,
    ) -> Service
    where
        F: Future<Output = Result<Change, Fault>> + Send + 'static,
    {
        let bind: Works = Box::new(move |ctx| {
            let ctx = ctx.clone();
            Work::Many(Arc::new(move |jobs| Box::pin(handler(ctx.clone(), jobs))))
        });
        self.works.insert(kind, (retry, bind));
        self
    }

    /// Holds jobs of some kinds back while `brake` says so: as a breaker does that leaves somebody outside alone.
    pub fn holds_back(
        mut self,
        kinds: &'static [&'static str],
        brake: impl Fn(&Ctx) -> Leave + Send + Sync + 'static,
    ) -> Service {
        self.brakes.push((kinds, Arc::new(brake)));
        self
    }

    /// Keeps something only for a time: `drop` is asked for a stretch of what has ended long ago, again and again.
    pub fn retains<F>(mut self, kept: Kept, drop: impl Fn(Ctx, Old) -> F + Send + Sync + 'static) -> Service
    where
        F: Future<Output = Result<Dropped, Fault>> + Send + 'static,
    {
        self.drops.push((kept, Arc::new(move |ctx, old| Box::pin(drop(ctx, old)))));
        self
    }

    /// Runs once before its reactions begin.
    pub fn on_start<F>(mut self, start: impl FnOnce(Ctx) -> F + Send + 'static) -> Service
    where
        F: Future<Output = Result<(), Fault>> + Send + 'static,
    {
        self.starts.push(Box::new(move |ctx| Box::pin(start(ctx))));
        self
    }
}
