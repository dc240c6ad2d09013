//! The platform on a machine of the world: the real code of the product, with its edge but without its socket.

use std::collections::BTreeMap;
use std::path::Path;
use std::sync::{Arc, OnceLock};
use std::time::Duration;

use axum::Router;
use base::{Fault, PlatformKey};
use embedded::{Database, Mode, Options};
use host::{Boot, Engines, Outside, Platform, Service, keeper};
use saga::Relay;
use sim_disk::Disk;
use topology::Topology;
use wire::Exchange;

use crate::cluster::papers::Papers;
use crate::cluster::rows::Rows;
use crate::cluster::{self, Cluster, Dialer, Member};
use crate::late::Late;
use crate::machine::Machine;
use crate::outside::{Mailbox, ToProvider};
use crate::store::Weathered;
use crate::story::calls::Listener;
use crate::weather::Trouble;
use crate::world;

/// The platform's file on its disk.
pub const FILE: &str = "/comanda.db";
/// What staff show.
pub const STAFF: &str = "staff-of-a-simulated-shop";
/// What the topology of the product declares.
const TOPOLOGY: &str = include_str!("../../topology.toml");
/// The saga of an order.
const SAGA: &str = "checkout";
/// How many of the newest events a simulated platform keeps in memory.
const TAIL: usize = 1_024;

/// What a platform is started with.
#[derive(Clone)]
pub struct Plot {
    /// Where it runs.
    pub machine: Machine,
    /// Its settings.
    pub settings: BTreeMap<String, String>,
    /// The provider, and where it lives.
    pub provider: Option<(Machine, Router)>,
    /// By what its services hear each other late.
    pub hearing: u64,
    /// Which of the services, above which engines; none for all of them in one process, above its own file.
    pub cluster: Option<Share>,
}

/// A machine's share of a cluster.
#[derive(Clone)]
pub struct Share {
    /// The cluster.
    pub cluster: Arc<Cluster>,
    /// Its place among the members.
    pub place: usize,
}

impl Share {
    fn member(&self) -> &Member {
        &self.cluster.members[self.place]
    }

    fn engines(&self, machine: &Machine) -> (Engines, Option<Rows>) {
        let Cluster { server, rows, .. } = &*self.cluster;
        let rows = Rows::new(server.clone(), rows.clone(), machine.clone());
        let engines = Engines {
            rows: Arc::new(rows.clone()),
            documents: Arc::new(Papers { server: server.clone(), from: machine.clone() }),
            log: Arc::new(cluster::log::Log { server: server.clone(), from: machine.clone() }),
        };
        (engines, Some(rows))
    }

    /// Brings what the services of a machine say to the log.
    fn relay(&self, machine: &Machine, platform: &Platform, rows: &Rows) {
        let sink = Arc::new(cluster::log::Log { server: self.cluster.server.clone(), from: machine.clone() });
        let world = platform.world();
        for service in platform.services().into_iter().filter(|service| platform.running(service).is_some()) {
            let (outbox, sink) = (Arc::new(rows.clone()), sink.clone());
            world.spawn("relay", Relay { world: world.clone(), service, outbox, sink }.run());
        }
    }
}

fn services_of(share: Option<&Share>) -> Vec<Service> {
    let all = comanda::services::all().into_iter();
    all.filter(|service| share.is_none_or(|share| share.member().services.contains(&service.name()))).collect()
}

/// A platform at work on a machine.
#[derive(Clone)]
pub struct House {
    /// The platform.
    pub platform: Platform,
    /// Its door.
    pub router: Router,
    share: Option<Share>,
}

/// What the product declares of itself.
pub fn topology() -> &'static Arc<Topology> {
    static READ: OnceLock<Arc<Topology>> = OnceLock::new();
    READ.get_or_init(|| Arc::new(Topology::parse(TOPOLOGY).expect("the product is built with it and checks it")))
}

/// The saga of an order, as far as its events go.
pub struct Checkout {
    /// The event with which it begins.
    pub begins: String,
    /// All that its steps say.
    pub says: Vec<String>,
    /// Those with which it ends.
    pub ends: Vec<String>,
}

/// Gives the saga of an order.
pub fn checkout() -> &'static Checkout {
    static READ: OnceLock<Checkout> = OnceLock::new();
    READ.get_or_init(|| {
        let saga = topology().saga(SAGA).expect("the product declares it");
        let begins = saga.steps.first().and_then(|step| step.says.first()).cloned().unwrap_or_default();
        let says = saga.steps.iter().flat_map(|step| step.says.clone()).collect();
        Checkout { begins, says, ends: saga.ends.clone() }
    })
}

/// The secret of every simulated platform.
pub fn key() -> PlatformKey {
    PlatformKey::new(&[7; 32])
}

impl House {
    /// Starts the platform; to be called on its machine.
    pub async fn start(plot: &Plot) -> Result<House, Fault> {
        let Plot { machine, settings, provider, hearing, cluster: share } = plot;
        let vfs = Some(machine.disk.vfs().to_owned());
        let options = Options { mode: Mode::Inline, vfs, tail_events: TAIL, ..Options::default() };
        let database = Database::open(Path::new(FILE), options)?;
        let ids = keeper::ids_of(&database, if share.is_some() { u16::try_from(machine.node).unwrap_or(0) } else { 0 })?;
        let world = world::of_node(&machine.kernel, machine.node, machine.skew.clone(), ids.clone());
        keeper::keep_ids(database.clone(), world.clone(), ids).await?;
        let http: Arc<dyn host::outside::HttpOut> = match provider {
            Some((provider, router)) => Arc::new(ToProvider {
                from: machine.clone(),
                world: world.clone(),
                provider: provider.clone(),
                router: router.clone(),
            }),
            None => Arc::new(host::outside::RealHttp::new(world.clone())),
        };
        let exchange = match share {
            Some(share) => {
                let dialer = Dialer { cluster: share.cluster.clone(), from: machine.clone() };
                let exchange = Exchange::dialing(world.clone(), key(), dialer);
                share.cluster.connect(machine.node, &exchange);
                exchange
            }
            None => Exchange::new(world.clone(), key()),
        };
        let mut unfinished = Unfinished(Some(exchange.clone()));
        let boot = Boot {
            world: world.clone(),
            key: key(),
            exchange: exchange.clone(),
            database: database.clone(),
            topology: topology().clone(),
            outside: Outside { http, mail: Arc::new(Mailbox(machine.clone())) },
            settings: settings.clone(),
        };
        let (bare, rows) = match share {
            Some(share) => share.engines(machine),
            None => (Engines::embedded(&database), None),
        };
        let engines = Engines {
            rows: Arc::new(Weathered { engine: bare.rows, machine: machine.clone() }),
            documents: Arc::new(Weathered { engine: bare.documents, machine: machine.clone() }),
            log: Late::over(bare.log, machine.clone()),
        };
        let shuffling = world.clone();
        let hearing = |service: &str, log: &eventlog::Log| match hearing {
            0 => log.clone(),
            seed => log.shuffled(shuffling.clone(), *seed, service),
        };
        let platform = Platform::start_on(boot, engines, services_of(share.as_ref()), hearing).await?;
        platform.exchange().watch(Arc::new(Listener(machine.clone())));
        if let (Some(share), Some(rows)) = (share, rows) {
            share.relay(machine, &platform, &rows);
            share.member().door.send_replace(Some(exchange));
        } else {
            for service in platform.services() {
                if let Some(running) = platform.running(service) {
                    machine.watch.hears(service, running.heard.iter().copied());
                }
            }
        }
        // Clients come to one machine.
        let router = if share.as_ref().is_none_or(|share| share.place == 0) {
            edge::Edge::new(platform.ctx("gateway"), edge::EdgeConfig::new(STAFF), Arc::new(String::new)).router()
        } else {
            Router::new()
        };
        unfinished.0 = None;
        let house = House { platform, router, share: share.clone() };
        machine.kernel.spawn(machine.node, Box::pin(blow(machine.clone(), house.platform.clone())));
        Ok(house)
    }

    /// Lets go of its file, as the end of a process does.
    pub fn close(&self) {
        self.platform.database().close();
        self.platform.end();
        if let Some(share) = &self.share {
            share.member().door.send_replace(None);
        }
    }
}

/// A platform that is coming up. Should it not, its services must let go of each other, or they would stay in memory for as
/// long as worlds are lived.
struct Unfinished(Option<Exchange>);

impl Drop for Unfinished {
    fn drop(&mut self) {
        self.0.iter().for_each(Exchange::end);
    }
}

/// Puts the weather onto the wire between the services, for as long as there is any.
async fn blow(machine: Machine, platform: Platform) {
    let rate = |trouble| machine.weather.rate(trouble) as f64 / 1_000.0;
    if [Trouble::CallSlow, Trouble::CallFails, Trouble::CallAnswerLost].iter().all(|trouble| machine.weather.rate(*trouble) == 0)
    {
        return;
    }
    let exchange = platform.exchange();
    loop {
        let calm = machine.weather.troubles().is_empty();
        let slow = if machine.weather.rate(Trouble::CallSlow) > 0 { machine.kernel.below(40_000) } else { 0 };
        if slow > 0 {
            machine.weather.count(Trouble::CallSlow);
        }
        let faults = wire::Faults {
            latency: Duration::from_micros(slow),
            failure_rate: rate(Trouble::CallFails) / 4.0,
            lost_answer_rate: rate(Trouble::CallAnswerLost) / 4.0,
        };
        for view in exchange.breakers() {
            exchange.inject(&view.from, &view.to, (!calm).then_some(faults));
        }
        if calm {
            return;
        }
        machine.kernel.sleep(Duration::from_millis(500)).await;
    }
}

/// Makes the file of a fresh platform, so that not every world has to.
pub fn fresh() -> Result<Vec<u8>, String> {
    let kernel = crate::kernel::Kernel::new(0, 10_000_000);
    let machine = Machine::new(2, kernel.clone(), crate::weather::Weather::draw(0, |_| false), Disk::new(0));
    let plot = Plot { machine: machine.clone(), settings: BTreeMap::new(), provider: None, hearing: 0, cluster: None };
    let started = kernel.run(async {
        let house = House::start(&plot).await?;
        comanda::seed::if_empty(&house.platform, false).await?;
        Ok::<_, Fault>(house)
    });
    let house = started
        .map_err(|stuck| format!("the fresh platform is stuck: {stuck:?}"))?
        .map_err(|fault| format!("{fault} {:?}", fault.cause))?;
    kernel.close();
    house.close();
    machine.disk.get(FILE).ok_or_else(|| "the fresh platform has left no file".to_owned())
}
