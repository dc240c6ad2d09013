//! A platform in one process: services on the embedded stores, reached over the local wire.

use std::collections::BTreeMap;
use std::path::Path;
use std::sync::{Arc, Mutex};

use base::{Fault, PlatformKey, World};
use embedded::{Database, Options};
use eventlog::Log;
use saga::{Plan, Retry, Running};
use topology::Topology;
use wire::{Exchange, Routes};

use crate::ctx::Inner;
use crate::operator::Desk;
use crate::retention::{Drops, Kept};
use crate::{Ctx, IdSource, Outside, RealWorld, Service, keeper};

/// All that a platform needs to start.
pub struct Boot {
    /// The world it lives in.
    pub world: World,
    /// Its secret.
    pub key: PlatformKey,
    /// How its services reach each other, and those of other processes.
    pub exchange: Exchange,
    /// The file under its stores, or, where those are elsewhere, under what the process itself keeps.
    pub database: Database,
    /// What it declares.
    pub topology: Arc<Topology>,
    /// What lies outside.
    pub outside: Outside,
    /// Settings by name.
    pub settings: BTreeMap<String, String>,
}

impl Boot {
    /// Opens the file of a data folder and begins the real world on it, with ids that go on where they ended.
    pub fn open_database(path: &Path, options: Options) -> Result<(Database, World, Arc<IdSource>), Fault> {
        let database = Database::open(path, options)?;
        let ids = keeper::ids_of(&database, 0)?;
        let world = RealWorld::begin(ids.clone())?;
        Ok((database, world, ids))
    }
}

/// What lies beneath the ports of a platform.
#[derive(Clone)]
pub struct Engines {
    /// Beneath the rows.
    pub rows: Arc<dyn sql::Engine>,
    /// Beneath the documents.
    pub documents: Arc<dyn documents::Engine>,
    /// Beneath the event log.
    pub log: Arc<dyn eventlog::Engine>,
}

impl Engines {
    /// Puts everything into one file.
    pub fn embedded(database: &Database) -> Engines {
        Engines {
            rows: Arc::new(sql::Embedded::new(database.clone())),
            documents: Arc::new(documents::Embedded::new(database.clone())),
            log: Arc::new(eventlog::Embedded::new(database.clone())),
        }
    }
}

/// A platform at work.
#[derive(Clone)]
pub struct Platform {
    world: World,
    key: PlatformKey,
    database: Database,
    log: Log,
    exchange: Exchange,
    topology: Arc<Topology>,
    outside: Outside,
    settings: Arc<BTreeMap<String, String>>,
    services: Arc<BTreeMap<&'static str, Hosted>>,
}

/// A service at work.
#[derive(Clone)]
pub struct Hosted {
    pub(crate) ctx: Ctx,
    pub(crate) running: Option<Running>,
    pub(crate) drops: Arc<[(Kept, Drops)]>,
}

/// What the name of a desk adds to that of its service.
const OPERATOR: &str = ".operator";

/// Gives the name under which the operator's desk of a service is reached over the wire. It is apart from the service,
/// so that a paused one can still be looked at and resumed.
pub fn operator_name(service: &str) -> &'static str {
    static NAMES: Mutex<BTreeMap<String, &'static str>> = Mutex::new(BTreeMap::new());
    let mut names = NAMES.lock().expect("nobody panics while holding the names");
    // Leaked once per service: a platform has a fixed handful of them.
    names.entry(service.to_owned()).or_insert_with(|| Box::leak(format!("{service}{OPERATOR}").into_boxed_str()))
}

impl Platform {
    /// Starts the services: stores first, then rpcs, then their own beginnings, then reactions and jobs.
    pub async fn start(boot: Boot, services: Vec<Service>) -> Result<Platform, Fault> {
        let engines = Engines::embedded(&boot.database);
        Platform::start_on(boot, engines, services, |_, log| log.clone()).await
    }

    /// Starts the services on engines; `hearing` gives the view of the log through which a service hears, as a test may want
    /// it.
    pub async fn start_on(
        boot: Boot,
        engines: Engines,
        services: Vec<Service>,
        hearing: impl Fn(&str, &Log) -> Log,
    ) -> Result<Platform, Fault> {
        let Engines { rows, documents: papers, log } = engines;
        let Boot { world, key, exchange, database, topology, outside, settings } = boot;
        let declared = topology.clone();
        exchange.admit_only(move |from, to| declared.edge(from, to.strip_suffix(OPERATOR).unwrap_or(to)).is_some());
        let log = Log::new(log);
        let settings = Arc::new(settings);
        let mut begun = Vec::new();
        for service in services {
            let store = match &service.migrations {
                Some(migrations) => Some(sql::Store::open(rows.clone(), service.name, migrations, world.clone()).await?),
                None => None,
            };
            let documents = match service.collections {
                Some(collections) => {
                    Some(documents::Store::open(papers.clone(), service.name, collections, world.clone()).await?)
                }
                None => None,
            };
            let ctx = Ctx(Arc::new(Inner {
                service: service.name,
                world: world.clone(),
                key: key.clone(),
                store,
                documents,
                log: log.clone(),
                exchange: exchange.clone(),
                topology: topology.clone(),
                outside: outside.clone(),
                settings: settings.clone(),
            }));
            begun.push((ctx, service));
        }
        let mut started = Vec::new();
        for (ctx, mut service) in begun {
            let routes = std::mem::take(&mut service.rpcs).into_iter().fold(Routes::new(), |routes, rpc| rpc(&ctx, routes));
            exchange.serve_local(service.name, routes);
            started.push((ctx, service));
        }
        let mut hosted = BTreeMap::new();
        for (ctx, service) in started {
            for start in service.starts {
                start(ctx.clone()).await?;
            }
            hosted.insert(ctx.name(), (ctx, service.reactions, (service.works, service.brakes), service.drops));
        }
        let mut services = BTreeMap::new();
        for (name, (ctx, reactions, (works, brakes), drops)) in hosted {
            let reactions: BTreeMap<_, _> = reactions.into_iter().map(|(event, bind)| (event, bind(&ctx))).collect();
            let works: BTreeMap<_, _> = works.into_iter().map(|(kind, (retry, bind))| (kind, (retry, bind(&ctx)))).collect();
            let brakes = brakes.into_iter().flat_map(|(kinds, brake)| {
                let ctx = ctx.clone();
                let brake: saga::Brake = Arc::new(move || brake(&ctx));
                kinds.iter().map(move |kind| (*kind, brake.clone()))
            });
            let brakes = brakes.collect();
            let sources = sources_of(&topology, name, reactions.keys())?;
            let running = match &ctx.0.store {
                Some(store) => {
                    let plan = Plan { service: name, sources, reactions, works, brakes, retry: Retry::REACTION };
                    Some(plan.start(world.clone(), store.clone(), hearing(name, &log)).await?)
                }
                None => None,
            };
            let hosted = Hosted { ctx, running, drops: drops.into() };
            let desk = Desk::new(hosted.clone(), exchange.clone());
            exchange.serve_local(operator_name(name), Routes::new().with(desk.server()));
            services.insert(name, hosted);
        }
        let platform =
            Platform { world, key, database, log, exchange, topology, outside, settings, services: Arc::new(services) };
        keeper::keep(&platform);
        Ok(platform)
    }

    /// Counts what waits to be done now: jobs that are due, and events that somebody has yet to hear.
    pub async fn pressing(&self) -> Result<u64, Fault> {
        let mut pressing = 0;
        for hosted in self.hosted() {
            let Some(store) = &hosted.ctx.0.store else { continue };
            pressing += u64::try_from(store.pressing_count(self.world.now()).await?).unwrap_or(0);
            for source in hosted.running.iter().flat_map(|running| &running.sources) {
                pressing += u64::from(hosted.unheard(source).await?.is_some());
            }
        }
        Ok(pressing)
    }

    /// Lets go of its services, for a process that outlives it.
    pub fn end(&self) {
        self.exchange.end();
    }

    /// Gives a view for something that is not a service of this list but calls them, such as the edge.
    pub fn ctx(&self, name: &'static str) -> Ctx {
        Ctx(Arc::new(Inner {
            service: name,
            world: self.world.clone(),
            key: self.key.clone(),
            store: None,
            documents: None,
            log: self.log.clone(),
            exchange: self.exchange.clone(),
            topology: self.topology.clone(),
            outside: self.outside.clone(),
            settings: self.settings.clone(),
        }))
    }

    /// Gives the names of its services.
    pub fn services(&self) -> Vec<&'static str> {
        self.services.keys().copied().collect()
    }

    /// Gives a service's own view, if it lives here.
    pub fn service(&self, name: &str) -> Option<&Ctx> {
        self.services.get(name).map(|hosted| &hosted.ctx)
    }

    /// Gives what a service hears and works off, if it lives here and does.
    pub fn running(&self, name: &str) -> Option<&Running> {
        self.services.get(name).and_then(|hosted| hosted.running.as_ref())
    }

    /// Gives the world.
    pub fn world(&self) -> &World {
        &self.world
    }

    /// Gives the secret.
    pub fn key(&self) -> &PlatformKey {
        &self.key
    }

    /// Gives the event log.
    pub fn log(&self) -> &Log {
        &self.log
    }

    /// Gives the file under the stores.
    pub fn database(&self) -> &Database {
        &self.database
    }

    /// Gives the switchboard of the wire.
    pub fn exchange(&self) -> &Exchange {
        &self.exchange
    }

    /// Gives the topology.
    pub fn topology(&self) -> &Topology {
        &self.topology
    }

    pub(crate) fn hosted(&self) -> impl Iterator<Item = &Hosted> {
        self.services.values()
    }

    pub(crate) fn setting(&self, name: &str) -> Option<&str> {
        self.settings.get(name).map(String::as_str)
    }
}

/// Finds out whom a service listens to: whoever says what it hears.
fn sources_of<'a>(
    topology: &Topology,
    service: &str,
    events: impl Iterator<Item = &'a &'static str>,
) -> Result<std::collections::BTreeSet<String>, Fault> {
    events
        .map(|event| match topology.producer_of(event) {
            Some(producer) if topology.hearers_of(event).iter().any(|hearer| hearer == service) => Ok(producer.to_owned()),
            _ => Err(Fault::internal("hearing_undeclared", format!("topology.toml does not say that {service} hears {event}."))),
        })
        .collect()
}
