//! Throwaway stores for tests: on SQLite, or on the PostgreSQL that `COMANDA_TEST_POSTGRES` names (`start`: one of its own).

use std::sync::Arc;
use std::sync::atomic::{AtomicI64, Ordering};
use std::time::Duration;

use base::world::Runtime;
use base::{BoxFuture, Fault, Timestamp, World};
use embedded::{Database, Options, Synchronous};

#[cfg(feature = "postgres")]
mod schema;
#[cfg(feature = "postgres")]
mod server;
#[cfg(feature = "postgres")]
pub use self::{schema::Schema, server::url as postgres_url};

use crate::{Batch, Embedded, Engine, Migration, Row, Store, Value, Verdict};

/// Gives the URL of the PostgreSQL that the environment asks for, if it does.
///
/// # Panics
/// When it does and the feature `postgres` is off: tests that were to show something on PostgreSQL would show it on SQLite.
#[allow(clippy::disallowed_methods)] // Tests are told by their environment.
pub fn postgres_asked() -> Option<String> {
    let asked = std::env::var("COMANDA_TEST_POSTGRES").ok()?;
    #[cfg(feature = "postgres")]
    return Some(if asked == "start" { server::url() } else { asked });
    #[cfg(not(feature = "postgres"))]
    panic!("COMANDA_TEST_POSTGRES={asked} wants the feature `postgres` of the package under test");
}

/// Makes the store of a service in a place of its own, which vanishes with it.
pub async fn fresh(service: &str, migrations: &[Migration]) -> Store {
    Ground::fresh().await.store(service, migrations).await
}

/// A place in which the stores of several services stand side by side.
#[derive(Clone)]
pub struct Ground {
    /// The engine that all its stores share.
    pub engine: Arc<dyn Engine>,
    /// The database, when the engine is SQLite.
    pub database: Option<Database>,
    /// The world its stores live in.
    pub world: World,
    /// The server, when the engine is PostgreSQL.
    #[cfg(feature = "postgres")]
    pub postgres: Option<crate::Postgres>,
}

impl Ground {
    /// Makes a place on the engine that the environment chooses.
    pub async fn fresh() -> Ground {
        match postgres_asked() {
            #[cfg(feature = "postgres")]
            Some(url) => Ground::postgres(&url).await,
            _ => Ground::sqlite(),
        }
    }

    /// Makes a place on SQLite, in a folder of its own.
    pub fn sqlite() -> Ground {
        Ground::sqlite_with(Options { synchronous: Synchronous::Off, ..Options::default() })
    }

    /// Makes a place on SQLite that behaves as told.
    pub fn sqlite_with(options: Options) -> Ground {
        let folder = tempfile::tempdir().expect("a test needs a folder");
        let database = Database::open(folder.path().join("test.db"), options).expect("an empty folder takes a database");
        let engine = Throwaway { engine: Embedded::new(database.clone()), _ground: folder };
        Ground {
            engine: Arc::new(engine),
            database: Some(database),
            world: world(),
            #[cfg(feature = "postgres")]
            postgres: None,
        }
    }

    /// Makes a place in a PostgreSQL server: a schema of its own.
    #[cfg(feature = "postgres")]
    pub async fn postgres(url: &str) -> Ground {
        let world = world();
        let schema = Schema::new(url);
        let postgres = schema.open(world.clone()).await;
        let engine = Throwaway { engine: postgres.clone(), _ground: schema };
        Ground { engine: Arc::new(engine), database: None, world, postgres: Some(postgres) }
    }

    /// Opens the store of a service.
    pub async fn store(&self, service: &str, migrations: &[Migration]) -> Store {
        Store::open(self.engine.clone(), service, migrations, self.world.clone()).await.expect("a fresh store opens")
    }
}

/// Makes an engine know that nobody else has its data open, as is so in a test.
pub fn alone(engine: impl Engine) -> Arc<dyn Engine> {
    Arc::new(Throwaway { engine, _ground: () })
}

/// An engine on a ground that goes when the engine goes, and that nobody else stands on.
struct Throwaway<E, G> {
    engine: E,
    _ground: G,
}

impl<E: Engine, G: Send + Sync + 'static> Engine for Throwaway<E, G> {
    fn name(&self) -> &'static str {
        self.engine.name()
    }

    fn is_exclusive(&self) -> bool {
        true
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
        self.engine.read(text, params, rows_max)
    }

    fn scan(&self, text: &'static str, params: Vec<Value>, rows_max: usize) -> BoxFuture<'_, Result<Vec<Row>, Fault>> {
        self.engine.scan(text, params, rows_max)
    }

    fn commit(&self, batch: Batch) -> BoxFuture<'_, Result<Verdict, Fault>> {
        self.engine.commit(batch)
    }
}

/// Makes a world on tokio, with the machine's clock, good enough for the tests of stores.
pub fn world() -> World {
    World::new(Tokio { began: now(), ids: AtomicI64::new(0) })
}

struct Tokio {
    began: Timestamp,
    ids: AtomicI64,
}

#[allow(clippy::disallowed_methods)]
fn now() -> Timestamp {
    let since = std::time::SystemTime::now().duration_since(std::time::UNIX_EPOCH).unwrap_or_default();
    Timestamp(0) + since
}

#[allow(clippy::disallowed_methods)]
impl Runtime for Tokio {
    fn now(&self) -> Timestamp {
        now()
    }

    fn monotonic(&self) -> Duration {
        now().since(self.began)
    }

    fn sleep(&self, span: Duration) -> BoxFuture<'static, ()> {
        Box::pin(tokio::time::sleep(span))
    }

    fn spawn(&self, _name: &'static str, task: BoxFuture<'static, ()>) {
        tokio::spawn(task);
    }

    fn chance(&self) -> u64 {
        let mixed = self.next_id().unsigned_abs().wrapping_mul(0x9e37_79b9_7f4a_7c15);
        mixed ^ (mixed >> 29)
    }

    fn next_id(&self) -> i64 {
        let fresh = now().micros() << 8;
        self.ids
            .fetch_update(Ordering::Relaxed, Ordering::Relaxed, |last| Some(fresh.max(last + 1)))
            .map_or(fresh, |last| fresh.max(last + 1))
    }
}
