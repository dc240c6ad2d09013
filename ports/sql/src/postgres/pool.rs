//! A few connections, each with its prepared statements.

use std::collections::BTreeMap;
use std::ops::{Deref, DerefMut};
use std::sync::Mutex;
use std::sync::atomic::{AtomicBool, Ordering};

use base::{Fault, World};
use tokio::sync::{Semaphore, SemaphorePermit};
use tokio_postgres::{Client, Config, NoTls, Statement};

use super::fault;

/// The most connections of one process.
const CONNECTIONS_MAX: usize = 16;

pub(super) struct Pool {
    config: Config,
    world: World,
    turns: Semaphore,
    idle: Mutex<Vec<Connection>>,
}

pub(super) struct Connection {
    pub(super) client: Client,
    statements: BTreeMap<(usize, usize), Statement>,
}

impl Connection {
    /// Prepares a text, once per connection; a text is known by its address, because it is static.
    pub(super) async fn statement(&mut self, text: &'static str) -> Result<Statement, tokio_postgres::Error> {
        let place = (text.as_ptr() as usize, text.len());
        if let Some(statement) = self.statements.get(&place) {
            return Ok(statement.clone());
        }
        let statement = self.client.prepare(text).await?;
        self.statements.insert(place, statement.clone());
        Ok(statement)
    }
}

impl Pool {
    pub(super) async fn open(url: &str, schema: Option<&str>, world: World) -> Result<Pool, Fault> {
        let mut config: Config = url
            .parse()
            .map_err(|error| Fault::invalid("bad_database_url", "The URL of the database cannot be read.").because(error))?;
        config.application_name(schema.map_or_else(|| "comanda".to_owned(), |schema| format!("comanda {schema}")));
        let pool = |config: Config| Pool {
            config,
            world: world.clone(),
            turns: Semaphore::new(CONNECTIONS_MAX),
            idle: Mutex::default(),
        };
        if let Some(schema) = schema {
            let connection = pool(config.clone()).connect().await?;
            let make = format!("create schema if not exists {schema}");
            connection.client.batch_execute(&make).await.map_err(|error| fault(&error))?;
            config.options(format!("-c search_path={schema}"));
        }
        let pool = pool(config);
        drop(pool.take().await?);
        Ok(pool)
    }

    pub(super) async fn take(&self) -> Result<Taken<'_>, Fault> {
        let turn = self.turns.acquire().await.map_err(|_| Fault::unavailable("store_closed", "The store is closed."))?;
        let idle = self.idle.lock().expect("nothing panics while the list is held").pop();
        let connection = match idle.filter(|connection| !connection.client.is_closed()) {
            Some(connection) => connection,
            None => self.connect().await?,
        };
        Ok(Taken { connection: Some(connection), pool: self, whole: AtomicBool::new(true), _turn: turn })
    }

    pub(super) fn close(&self) {
        self.turns.close();
        self.idle.lock().expect("nothing panics while the list is held").clear();
    }

    async fn connect(&self) -> Result<Connection, Fault> {
        let (client, driver) = self.config.connect(NoTls).await.map_err(|error| fault(&error))?;
        self.world.spawn("postgres", async move {
            if let Err(error) = driver.await {
                tracing::warn!(%error, "a connection to PostgreSQL ended");
            }
        });
        Ok(Connection { client, statements: BTreeMap::new() })
    }
}

/// A connection in use. Given back only when it is whole: one left within a transaction is closed, and the server undoes it.
pub(super) struct Taken<'a> {
    connection: Option<Connection>,
    pool: &'a Pool,
    whole: AtomicBool,
    _turn: SemaphorePermit<'a>,
}

impl Taken<'_> {
    /// Says whether the connection is outside of any transaction.
    pub(super) fn set_whole(&self, whole: bool) {
        self.whole.store(whole, Ordering::Relaxed);
    }
}

impl Deref for Taken<'_> {
    type Target = Connection;

    fn deref(&self) -> &Connection {
        self.connection.as_ref().expect("it is taken away by drop alone")
    }
}

impl DerefMut for Taken<'_> {
    fn deref_mut(&mut self) -> &mut Connection {
        self.connection.as_mut().expect("it is taken away by drop alone")
    }
}

impl Drop for Taken<'_> {
    fn drop(&mut self) {
        let kept = self.whole.load(Ordering::Relaxed) && !self.pool.turns.is_closed();
        let connection = self.connection.take().filter(|_| kept);
        if let (Some(connection), Ok(mut idle)) = (connection, self.pool.idle.lock()) {
            idle.push(connection);
        }
    }
}
