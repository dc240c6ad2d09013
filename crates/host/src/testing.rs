//! A whole platform in a folder of its own, for the tests of services and of the product.

use std::collections::BTreeMap;
use std::future::Future;
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, OnceLock};
use std::time::Duration;

use base::event::Fact;
use base::id::{DeviceId, ShopId, StaffId};
use base::{Event, Fault, NewEvent, PlatformKey, Principal, RequestKey, Timestamp, World};
use embedded::{Options, Synchronous};
use eventlog::Log;
use sql::{Batch, Expect, Step, Value, Verdict};
use topology::Topology;
use wire::{Call, Channel};

mod rows;

use self::rows::Rows;
use crate::outside::{MailFolder, RealHttp};
use crate::{Boot, Ctx, Engines, Outside, Service, keeper};

/// How long a test waits for something that must come.
const PATIENCE: Duration = Duration::from_secs(20);

/// A platform under test. Its folder goes away with the last clone.
#[derive(Clone)]
pub struct Platform {
    inner: crate::Platform,
    rows: Rows,
    folder: Arc<Scratch>,
}

/// A folder of its own.
pub struct Scratch {
    path: PathBuf,
    /// What goes with the folder, where the rows lie elsewhere.
    #[cfg(feature = "postgres")]
    schema: OnceLock<sql::testing::Schema>,
}

impl Scratch {
    /// Makes a folder below the system's folder for temporary files.
    #[allow(clippy::disallowed_methods)] // Tests live on real folders.
    pub fn new() -> Scratch {
        static COUNT: AtomicU64 = AtomicU64::new(0);
        let name = format!("comanda-test-{}-{}", std::process::id(), COUNT.fetch_add(1, Ordering::Relaxed));
        let path = std::env::temp_dir().join(name);
        std::fs::create_dir_all(&path).expect("a folder for the test can be made");
        Scratch {
            path,
            #[cfg(feature = "postgres")]
            schema: OnceLock::new(),
        }
    }

    /// Gives its path.
    pub fn path(&self) -> &Path {
        &self.path
    }
}

impl Default for Scratch {
    fn default() -> Scratch {
        Scratch::new()
    }
}

impl Drop for Scratch {
    #[allow(clippy::disallowed_methods)] // As above.
    fn drop(&mut self) {
        let _ = std::fs::remove_dir_all(&self.path);
    }
}

/// Gives what decides which news services hear late: between sources no order is promised, so none may be leant on.
/// By 0 all is heard at once.
#[allow(clippy::disallowed_methods)] // A failed run is repeated by what it printed.
fn seed(world: &World) -> u64 {
    static SEED: OnceLock<u64> = OnceLock::new();
    let given = || std::env::var("COMANDA_TEST_SEED").ok();
    let seed = *SEED.get_or_init(|| given().map_or_else(|| world.chance(), |seed| seed.parse().expect("the seed is a number")));
    // Shown when the test fails.
    println!("what is heard late is decided by COMANDA_TEST_SEED={seed}");
    seed
}

/// Gives a guest with a device of a number.
pub fn guest(device: i64) -> Principal {
    Principal::Guest { device: DeviceId(device) }
}

/// Gives the first shop's staff.
pub fn staff() -> Principal {
    Principal::Staff { staff: StaffId(1), shop: ShopId(1) }
}

impl Platform {
    /// Starts services on an empty folder.
    pub async fn start(services: impl IntoIterator<Item = Service>) -> Platform {
        Platform::start_with(Arc::default(), services, BTreeMap::new()).await
    }

    /// Starts services on an empty folder, with settings.
    pub async fn start_set(services: impl IntoIterator<Item = Service>, settings: &[(&str, &str)]) -> Platform {
        let settings = settings.iter().map(|(name, value)| ((*name).to_owned(), (*value).to_owned())).collect();
        Platform::start_with(Arc::default(), services, settings).await
    }

    /// Starts services on a folder, which may hold what an earlier platform left.
    pub async fn start_with(
        folder: Arc<Scratch>,
        services: impl IntoIterator<Item = Service>,
        settings: BTreeMap<String, String>,
    ) -> Platform {
        let options = Options { synchronous: Synchronous::Off, ..Options::default() };
        let (database, world, ids) = Boot::open_database(&folder.path().join("comanda.db"), options).expect("a fresh file opens");
        keeper::keep_ids(database.clone(), world.clone(), ids).await.expect("the mark of the ids can be written");
        let topology = Topology::parse(include_str!("../../../topology.toml")).expect("the topology is sound");
        let outside = Outside {
            http: Arc::new(RealHttp::new(world.clone())),
            mail: Arc::new(MailFolder::new(folder.path().join("outbox"), 1_000)),
        };
        let key = PlatformKey::new(&[7; 32]);
        let exchange = wire::Exchange::new(world.clone(), key.clone());
        let boot = Boot { world, key, exchange, database, topology: Arc::new(topology), outside, settings };
        let rows = Rows::open(&folder, &boot.database, &boot.world).await;
        let (world, seed) = (boot.world.clone(), seed(&boot.world));
        let hearing = |service: &str, log: &Log| match seed {
            0 => log.clone(),
            seed => log.shuffled(world.clone(), seed, service),
        };
        let engines = Engines { rows: rows.engine.clone(), ..Engines::embedded(&boot.database) };
        let started = crate::Platform::start_on(boot, engines, services.into_iter().collect(), hearing).await;
        let inner = started.expect("the services start");
        rows.relay(&inner).await;
        Platform { inner, rows, folder }
    }

    /// Ends this platform as a crash would, and starts services on what it left.
    pub async fn crash_and_restart(
        self,
        services: impl IntoIterator<Item = Service>,
        settings: BTreeMap<String, String>,
    ) -> Platform {
        let folder = self.folder.clone();
        // Closed, so that no loop of the old platform writes any more; what was committed stays.
        self.inner.database().close();
        self.rows.end();
        Platform::start_with(folder, services, settings).await
    }

    /// Gives the platform.
    pub fn inner(&self) -> &crate::Platform {
        &self.inner
    }

    /// Gives the folder.
    pub fn folder(&self) -> &Path {
        self.folder.path()
    }

    /// Gives a service's own view.
    pub fn ctx(&self, service: &str) -> &Ctx {
        self.inner.service(service).expect("the test started this service")
    }

    /// Gives the way to a service, in the name of somebody, for a read.
    pub fn channel(&self, service: &'static str, principal: Principal) -> Channel {
        self.way(service).on_behalf(&Call::new(principal, "test"))
    }

    /// Gives the way to a service, in the name of somebody, for a write under an idempotency key.
    pub fn writing(&self, service: &'static str, principal: Principal, key: &str, body: &str) -> Channel {
        let request = RequestKey::new(&principal, service, key, body.as_bytes());
        self.way(service).on_behalf(&Call::new(principal, "test").once(request))
    }

    /// The way of a caller who has as much patience as the test: on a busy machine nobody answers within the usual time.
    fn way(&self, service: &'static str) -> Channel {
        let policy = wire::Policy { timeout: PATIENCE, ..wire::Policy::default() };
        self.inner.exchange().channel("gateway", service, policy)
    }

    /// Says something in the place of a service that is not part of the test; gives its place in the log.
    pub async fn say<F: Fact>(&self, source: &'static str, fact: &F) -> i64 {
        let event = NewEvent::of(fact, self.now(), "test");
        let event = embedded::event(source, event).expect("a fact is JSON");
        self.inner.database().write(move |tx| Ok(tx.append(&mut event.clone())?)).await.expect("the log takes the event")
    }

    /// Reads the wall clock.
    pub fn now(&self) -> Timestamp {
        self.inner.world().now()
    }

    /// Changes rows of a service behind its back, as a person at the database would; gives how many.
    pub async fn tamper(&self, service: &str, text: &'static str, params: Vec<Value>) -> u64 {
        let store = self.ctx(service).store();
        let steps = vec![Step { text, params, expect: Expect::Any }];
        let batch = Batch { service: store.service(), steps, events: vec![], alone: false };
        match self.rows.engine.commit(batch).await.expect("the rows can be changed") {
            Verdict::Done { rows, .. } => rows.iter().sum(),
            verdict => panic!("{text}: {verdict:?}"),
        }
    }

    /// Gives all events of a type (`order.paid`) that were said until now, in order.
    pub async fn events(&self, name: &str) -> Vec<Arc<Event>> {
        self.eventually("all that was said is in the log", || async {
            for store in self.inner.hosted().filter_map(|hosted| hosted.ctx.0.store.as_ref()) {
                if !self.rows.is_relayed(store.service()).await? {
                    return Ok(Err(format!("something of {} is on its way", store.service())));
                }
            }
            self.logged_what_shows().await?;
            Ok(Ok(()))
        })
        .await;
        self.logged(name).await
    }

    /// Waits until the log shows the events of every commit that shows in the tables: readers of the file see a commit a
    /// moment before its events are given to those who wait for them. The next write ends after both.
    async fn logged_what_shows(&self) -> Result<(), Fault> {
        self.inner.database().write(|_| Ok(())).await
    }

    /// Gives all events of a type that are in the log.
    async fn logged(&self, name: &str) -> Vec<Arc<Event>> {
        let all = self.inner.log().read_all(0, usize::MAX).await.expect("the log can be read");
        all.into_iter().filter(|event| event.name() == name).collect()
    }

    /// Waits until so many events of a type were said, and gives them.
    pub async fn heard(&self, name: &str, count: usize) -> Vec<Arc<Event>> {
        let world = self.inner.world().clone();
        let waiting = async {
            loop {
                let seen = self.inner.log().last().await.expect("the log can be read");
                let events = self.logged(name).await;
                if events.len() >= count {
                    return events;
                }
                self.inner.log().changed(seen).await;
            }
        };
        match world.within(PATIENCE, waiting).await {
            Ok(events) => events,
            Err(_) => panic!("waited for {count} of {name}, got {} of them", self.logged(name).await.len()),
        }
    }

    /// Waits until every service has heard everything and no job is due.
    pub async fn settled(&self) {
        self.eventually("everything is heard and worked off", || async {
            let last = self.inner.log().last().await?;
            for hosted in self.inner.hosted() {
                let Some(store) = &hosted.ctx.0.store else { continue };
                for source in hosted.running.iter().flat_map(|running| &running.sources) {
                    if let Some(event) = hosted.unheard(source).await? {
                        return Ok(Err(format!("{} has not heard {} of {source}", hosted.ctx.name(), event.kind)));
                    }
                }
                if store.pressing_count(self.now()).await? > 0 {
                    return Ok(Err(format!("{} has a job that is due", hosted.ctx.name())));
                }
                if !self.rows.is_relayed(store.service()).await? {
                    return Ok(Err(format!("something of {} is on its way", hosted.ctx.name())));
                }
            }
            self.logged_what_shows().await?;
            let still = self.inner.log().last().await? == last;
            Ok(if still { Ok(()) } else { Err("more was said meanwhile".to_owned()) })
        })
        .await;
    }

    /// Lets retention do its work as if so many days had passed, once everything is heard.
    pub async fn drop_what_is_old(&self, days: u64) {
        self.settled().await;
        let later = self.now() + Duration::from_secs(days * 86_400);
        keeper::retain_at(&self.inner, later).await.expect("what is old can be dropped");
    }

    /// Waits until a condition holds; `Err` says what is still missing, and is reported when patience ends.
    pub async fn eventually<T, F>(&self, what: &str, condition: impl Fn() -> F) -> T
    where
        F: Future<Output = Result<Result<T, String>, Fault>>,
    {
        let world = self.inner.world();
        let until = world.monotonic() + PATIENCE;
        loop {
            match condition().await {
                Ok(Ok(value)) => return value,
                last if world.monotonic() > until => match last {
                    Ok(Err(missing)) => panic!("{what}: {missing}"),
                    Err(fault) => panic!("{what}: {fault} ({:?})", fault.cause),
                    Ok(Ok(_)) => unreachable!("matched above"),
                },
                _ => world.sleep(Duration::from_millis(2)).await,
            }
        }
    }
}
