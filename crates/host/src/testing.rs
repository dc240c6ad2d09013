//! A whole platform in a folder of its own, for the tests of services and of the product.

use std::collections::BTreeMap;
use std::future::Future;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use base::event::Fact;
use base::id::{DeviceId, ShopId, StaffId};
use base::{Event, Fault, NewEvent, PlatformKey, Principal, RequestKey, Timestamp};
use embedded::{Options, Synchronous};
use topology::Topology;
use wire::{Call, Channel};

use crate::outside::{MailFolder, RealHttp};
use crate::{Boot, Ctx, Outside, Service, keeper};

/// How long a test waits for something that must come.
const PATIENCE: Duration = Duration::from_secs(20);

/// A platform under test. Its folder goes away with the last clone.
#[derive(Clone)]
pub struct Platform {
    inner: crate::Platform,
    /// Speaks in the place of services that are not part of the test.
    folder: Arc<Scratch>,
}

/// A folder of its own.
pub struct Scratch(PathBuf);

impl Scratch {
    /// Makes a folder below the system's folder for temporary files.
    #[allow(clippy::disallowed_methods)] // Tests live on real folders.
    pub fn new() -> Scratch {
        static COUNT: AtomicU64 = AtomicU64::new(0);
        let name = format!("comanda-test-{}-{}", std::process::id(), COUNT.fetch_add(1, Ordering::Relaxed));
        let path = std::env::temp_dir().join(name);
        std::fs::create_dir_all(&path).expect("a folder for the test can be made");
        Scratch(path)
    }

    /// Gives its path.
    pub fn path(&self) -> &Path {
        &self.0
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
        let _ = std::fs::remove_dir_all(&self.0);
    }
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
        let boot = Boot { world, key: PlatformKey::new(&[7; 32]), database, topology: Arc::new(topology), outside, settings };
        let inner = crate::Platform::start(boot, services.into_iter().collect()).await.expect("the services start");
        Platform { inner, folder }
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
        let call = Call::new(principal, "test");
        self.inner.exchange().channel("gateway", service, wire::Policy::default()).on_behalf(&call)
    }

    /// Gives the way to a service, in the name of somebody, for a write under an idempotency key.
    pub fn writing(&self, service: &'static str, principal: Principal, key: &str, body: &str) -> Channel {
        let request = RequestKey::new(&principal, service, key, body.as_bytes());
        let call = Call::new(principal, "test").once(request);
        self.inner.exchange().channel("gateway", service, wire::Policy::default()).on_behalf(&call)
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

    /// Gives all events of a type (`order.paid`), in order.
    pub async fn events(&self, name: &str) -> Vec<Arc<Event>> {
        let all = self.inner.log().read_all(0, usize::MAX).await.expect("the log can be read");
        all.into_iter().filter(|event| event.name() == name).collect()
    }

    /// Waits until so many events of a type were said, and gives them.
    pub async fn heard(&self, name: &str, count: usize) -> Vec<Arc<Event>> {
        let world = self.inner.world().clone();
        let waiting = async {
            loop {
                let seen = self.inner.log().last().await.expect("the log can be read");
                let events = self.events(name).await;
                if events.len() >= count {
                    return events;
                }
                self.inner.log().changed(seen).await;
            }
        };
        match world.within(PATIENCE, waiting).await {
            Ok(events) => events,
            Err(_) => panic!("waited for {count} of {name}, got {} of them", self.events(name).await.len()),
        }
    }

    /// Waits until every service has heard everything and no job is due.
    pub async fn settled(&self) {
        self.eventually("everything is heard and worked off", || async {
            let last = self.inner.log().last().await?;
            for hosted in self.inner.hosted() {
                let Some(store) = &hosted.ctx.0.store else { continue };
                for source in hosted.running.iter().flat_map(|running| &running.sources) {
                    let behind = self.inner.log().read(source, store.cursor(source).await?.0, 1).await?;
                    if let Some(event) = behind.first() {
                        return Ok(Err(format!("{} has not heard {} of {source}", hosted.ctx.name(), event.kind)));
                    }
                }
                if store.leased_count().await? > 0 || store.next_due().await?.is_some_and(|due| due <= self.now()) {
                    return Ok(Err(format!("{} has a job that is due", hosted.ctx.name())));
                }
            }
            let still = self.inner.log().last().await? == last;
            Ok(if still { Ok(()) } else { Err("more was said meanwhile".to_owned()) })
        })
        .await;
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
