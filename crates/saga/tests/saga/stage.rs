//! A service that is nothing but its plan, on a clock that stands still until it is moved.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicI64, AtomicU64, Ordering};
use std::time::Duration;

use base::world::Runtime;
use base::{BoxFuture, Event, Fault, Timestamp, World};
use eventlog::Log;
use saga::{Brake, Plan, React, Retry, Running, Work};
use sql::testing::Ground;
use sql::{Batch, Change, Engine, Job, Migration, NewJob, Once, Row, Store, Value, Verdict};
use tokio::sync::{mpsc, watch};

/// What sleeps less than this only lets others go first: the clock stands still for waits, not for breaths.
const TICK: Duration = Duration::from_millis(1);
/// How many jobs begin in a test before it looks at the first.
const BEGINNINGS_MAX: usize = 1_000;
/// When the tests begin.
const BEGIN: i64 = 1_700_000_000_000_000;
/// How long a test waits, in the real world, for what must come.
const PATIENCE: Duration = Duration::from_secs(20);

/// A clock that stands still. Sleepers wake when it is moved far enough.
#[derive(Clone)]
pub struct Clock {
    now: watch::Sender<i64>,
    ids: Arc<AtomicI64>,
}

impl Clock {
    fn new() -> Clock {
        Clock { now: watch::Sender::new(BEGIN), ids: Arc::new(AtomicI64::new(1)) }
    }

    /// Moves it on.
    pub fn pass(&self, span: Duration) {
        self.now.send_modify(|now| *now += i64::try_from(span.as_micros()).unwrap());
    }
}

impl Runtime for Clock {
    fn now(&self) -> Timestamp {
        Timestamp(*self.now.borrow())
    }

    fn monotonic(&self) -> Duration {
        self.now().since(Timestamp(BEGIN))
    }

    fn sleep(&self, span: Duration) -> BoxFuture<'static, ()> {
        if span < TICK {
            return Box::pin(tokio::task::yield_now());
        }
        let mut now = self.now.subscribe();
        let until = *now.borrow() + i64::try_from(span.as_micros()).unwrap_or(i64::MAX / 4);
        Box::pin(async move {
            // The clock lives as long as the world does; after that nobody is woken any more.
            if now.wait_for(|now| *now >= until).await.is_err() {
                std::future::pending::<()>().await;
            }
        })
    }

    #[allow(clippy::disallowed_methods)] // Tests live in the real world.
    fn spawn(&self, _name: &'static str, task: BoxFuture<'static, ()>) {
        tokio::spawn(task);
    }

    fn chance(&self) -> u64 {
        7
    }

    fn next_id(&self) -> i64 {
        self.ids.fetch_add(1, Ordering::Relaxed)
    }
}

/// How often something was asked for and answered; answers can be held back.
#[derive(Clone)]
pub struct Asked {
    begun: Arc<AtomicU64>,
    ended: Arc<AtomicU64>,
    held: watch::Sender<bool>,
}

impl Asked {
    fn new() -> Asked {
        Asked { begun: Arc::default(), ended: Arc::default(), held: watch::Sender::new(false) }
    }

    /// Holds back what is asked for from now on, or lets all of it go.
    pub fn hold(&self, held: bool) {
        self.held.send_replace(held);
    }

    /// Tells how often it was asked for.
    pub fn begun(&self) -> u64 {
        self.begun.load(Ordering::SeqCst)
    }

    /// Tells how often it was answered.
    pub fn ended(&self) -> u64 {
        self.ended.load(Ordering::SeqCst)
    }

    /// Whoever asked goes on in the very poll in which this counts an answer.
    async fn answer<T, F: Future<Output = T>>(&self, ask: impl FnOnce() -> F) -> T {
        self.begun.fetch_add(1, Ordering::SeqCst);
        // The sender is ours, so the channel cannot close while we wait.
        let _ = self.held.subscribe().wait_for(|held| !held).await;
        let answer = ask().await;
        self.ended.fetch_add(1, Ordering::SeqCst);
        answer
    }
}

/// An engine that counts reads and commits, and on whose next one the clock moves while it is under way.
pub struct Watched {
    engine: Arc<dyn Engine>,
    clock: Clock,
    /// What is looked for among the jobs.
    pub scans: Asked,
    pub commits: AtomicU64,
    /// How many microseconds the next commit takes.
    pub takes: AtomicI64,
    /// How many of the next commits fail for want of room.
    pub fails: AtomicU64,
    pub reads: AtomicU64,
    /// Whether no other process has the same data.
    pub alone: AtomicBool,
}

impl Engine for Watched {
    fn name(&self) -> &'static str {
        self.engine.name()
    }

    fn is_exclusive(&self) -> bool {
        self.alone.load(Ordering::SeqCst)
    }

    fn migrate<'a>(
        &'a self,
        service: &'static str,
        system: &'a str,
        migrations: &'a [Migration],
    ) -> BoxFuture<'a, Result<(), Fault>> {
        self.engine.migrate(service, system, migrations)
    }

    fn read(&self, text: &'static str, params: Vec<Value>, rows_max: usize) -> BoxFuture<'_, Result<Vec<Row>, Fault>> {
        self.reads.fetch_add(1, Ordering::SeqCst);
        self.engine.read(text, params, rows_max)
    }

    fn scan(&self, text: &'static str, params: Vec<Value>, rows_max: usize) -> BoxFuture<'_, Result<Vec<Row>, Fault>> {
        Box::pin(self.scans.answer(move || self.engine.scan(text, params, rows_max)))
    }

    fn commit(&self, batch: Batch) -> BoxFuture<'_, Result<Verdict, Fault>> {
        Box::pin(async move {
            self.commits.fetch_add(1, Ordering::SeqCst);
            if self.fails.fetch_update(Ordering::SeqCst, Ordering::SeqCst, |fails| fails.checked_sub(1)).is_ok() {
                return Err(Fault::unavailable("disk_full", "There is no room."));
            }
            let verdict = self.engine.commit(batch).await;
            let takes = self.takes.swap(0, Ordering::SeqCst);
            self.clock.pass(Duration::from_micros(takes.unsigned_abs()));
            verdict
        })
    }
}

/// A log that counts how often it is read.
struct ReadLog {
    engine: eventlog::Embedded,
    reads: Asked,
}

impl eventlog::Engine for ReadLog {
    fn name(&self) -> &'static str {
        self.engine.name()
    }

    fn read(&self, source: &str, after: i64, limit: usize) -> BoxFuture<'_, Result<Vec<Arc<Event>>, Fault>> {
        let source = source.to_owned();
        Box::pin(self.reads.answer(move || async move { self.engine.read(&source, after, limit).await }))
    }

    fn read_all(&self, after: i64, limit: usize) -> BoxFuture<'_, Result<Vec<Arc<Event>>, Fault>> {
        self.engine.read_all(after, limit)
    }

    fn of_key(&self, key: i64, after: i64, limit: usize) -> BoxFuture<'_, Result<Vec<Arc<Event>>, Fault>> {
        self.engine.of_key(key, after, limit)
    }

    fn changed(&self, after: i64) -> BoxFuture<'_, i64> {
        self.engine.changed(after)
    }

    fn changed_of(&self, source: &str, after: i64) -> BoxFuture<'_, i64> {
        self.engine.changed_of(source, after)
    }

    fn last(&self) -> BoxFuture<'_, Result<i64, Fault>> {
        self.engine.last()
    }

    fn first(&self) -> BoxFuture<'_, Result<Option<i64>, Fault>> {
        self.engine.first()
    }
}

/// What the tests stand on.
pub struct Stage {
    pub clock: Clock,
    pub world: World,
    pub engine: Arc<Watched>,
    pub store: Store,
    /// What holds jobs of a kind back.
    pub brake: Option<(&'static str, Brake)>,
    /// What is read of the log.
    pub log_reads: Asked,
    ground: Ground,
}

impl Stage {
    pub async fn new() -> Stage {
        let ground = Ground::sqlite();
        let clock = Clock::new();
        let world = World::new(clock.clone());
        let engine = Arc::new(Watched {
            engine: ground.engine.clone(),
            clock: clock.clone(),
            scans: Asked::new(),
            commits: AtomicU64::new(0),
            takes: AtomicI64::new(0),
            fails: AtomicU64::new(0),
            reads: AtomicU64::new(0),
            alone: AtomicBool::new(false),
        });
        let store = Store::open(engine.clone(), "shop", &[], world.clone()).await.unwrap();
        Stage { clock, world, engine, store, brake: None, log_reads: Asked::new(), ground }
    }

    pub fn log(&self) -> Log {
        let database = self.ground.database.clone().expect("the ground is SQLite");
        Log::new(Arc::new(ReadLog { engine: eventlog::Embedded::new(database), reads: self.log_reads.clone() }))
    }

    /// Starts the worker.
    pub async fn work(&self, works: impl IntoIterator<Item = (&'static str, (Retry, Work))>) -> Running {
        self.start(BTreeMap::new(), works).await
    }

    /// Starts the plan: whatever it hears, it hears from `orders`.
    pub async fn start(
        &self,
        reactions: BTreeMap<&'static str, React>,
        works: impl IntoIterator<Item = (&'static str, (Retry, Work))>,
    ) -> Running {
        let sources = if reactions.is_empty() { BTreeSet::new() } else { BTreeSet::from(["orders".to_owned()]) };
        let brakes = self.brake.iter().map(|(kind, brake)| (*kind, brake.clone())).collect();
        let plan =
            Plan { service: "shop", sources, reactions, works: works.into_iter().collect(), brakes, retry: Retry::REACTION };
        plan.start(self.world.clone(), self.store.clone(), self.log()).await.unwrap()
    }

    /// Leaves jobs that are due.
    pub async fn leave(&self, kind: &'static str, keys: impl IntoIterator<Item = i64>) {
        let job = |key| NewJob {
            kind,
            key,
            due: self.world.now(),
            deadline: None,
            body: String::new(),
            correlation: String::new(),
            lease: None,
        };
        let change = keys.into_iter().map(job).fold(Change::new(), Change::job);
        self.store.commit(Once::Nothing, change).await.unwrap();
    }

    /// Waits until a condition holds.
    pub async fn until<F: Future<Output = bool>>(&self, what: &str, condition: impl Fn() -> F) {
        soon(what, async {
            while !condition().await {
                tokio::task::yield_now().await;
            }
        })
        .await;
    }
}

/// Waits for what must come soon.
#[allow(clippy::disallowed_methods)] // The test's own patience is of the real world: the clock stands still.
pub async fn soon<T>(what: &str, coming: impl Future<Output = T>) -> T {
    tokio::time::timeout(PATIENCE, coming).await.unwrap_or_else(|_| panic!("waited in vain: {what}"))
}

/// Jobs of one kind as they begin, and how long each takes.
pub fn kind(concurrency: usize, world: &World, takes: Duration) -> ((Retry, Work), mpsc::Receiver<Job>) {
    let (began, beginning) = mpsc::channel(BEGINNINGS_MAX);
    let world = world.clone();
    let work = Work::One(Arc::new(move |job| {
        let told = began.try_send(job);
        let working = world.sleep(takes);
        Box::pin(async move {
            told.expect("the test looks on");
            working.await;
            Ok(Change::new())
        })
    }));
    ((Retry { concurrency, ..Retry::TIMER }, work), beginning)
}
