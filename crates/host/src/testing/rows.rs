//! Where the rows of a platform under test lie: in its one file, or on the PostgreSQL that the environment asks for.

use std::sync::Arc;

use base::{BoxFuture, Event, Fault, World};
use embedded::{Database, rusqlite};
use saga::{Relay, Sink};
use sql::{Engine, Outbox};

use super::Scratch;

/// What is beneath the rows.
#[derive(Clone)]
pub(super) struct Rows {
    pub(super) engine: Arc<dyn Engine>,
    /// What has been said and is not in the log yet, where the two are not one file.
    outbox: Option<Arc<dyn Outbox>>,
    /// Ends the engine as a crash would.
    end: Arc<dyn Fn() + Send + Sync>,
}

impl Rows {
    /// Opens what the environment asks for; what an earlier platform left in this folder is there again.
    pub(super) async fn open(folder: &Scratch, database: &Database, world: &World) -> Rows {
        #[cfg(feature = "postgres")]
        if let Some(url) = sql::testing::postgres_asked() {
            let schema = folder.schema.get_or_init(|| sql::testing::Schema::new(&url));
            let postgres = schema.open(world.clone()).await;
            let engine = sql::testing::alone(postgres.clone());
            let outbox: Arc<dyn Outbox> = Arc::new(postgres.clone());
            return Rows { engine, outbox: Some(outbox), end: Arc::new(move || postgres.close()) };
        }
        let _ = (folder, world, sql::testing::postgres_asked());
        Rows { engine: Arc::new(sql::Embedded::new(database.clone())), outbox: None, end: Arc::new(|| ()) }
    }

    /// Brings what services say to the log of the platform.
    pub(super) async fn relay(&self, platform: &crate::Platform) {
        let Some(outbox) = &self.outbox else { return };
        let sink = Arc::new(IntoLog(platform.database().clone()));
        sink.begin().await.expect("the log of a test takes a table");
        for store in platform.hosted().filter_map(|hosted| hosted.ctx.0.store.as_ref()) {
            let (outbox, sink) = (outbox.clone(), sink.clone());
            let relay = Relay { world: platform.world().clone(), service: store.service(), outbox, sink };
            platform.world().spawn("relay", relay.run());
        }
    }

    /// Tells whether all that a service has said is in the log.
    pub(super) async fn is_relayed(&self, service: &str) -> Result<bool, Fault> {
        match &self.outbox {
            Some(outbox) => Ok(outbox.unsent(service, 1).await?.is_empty()),
            None => Ok(true),
        }
    }

    /// Ends it for whoever still holds it.
    pub(super) fn end(&self) {
        (self.end)();
    }
}

/// The log in the file of the test. What it has taken is noted in the same commit, so that nothing is in it twice.
struct IntoLog(Database);

impl IntoLog {
    async fn begin(&self) -> Result<(), Fault> {
        let text = "create table if not exists relayed (source text, place integer, primary key (source, place))";
        self.0.write(move |tx| Ok(tx.connection().execute_batch(text)?)).await
    }
}

impl Sink for IntoLog {
    fn put<'a>(&'a self, events: &'a [Event]) -> BoxFuture<'a, Result<(), Fault>> {
        let events: Vec<Arc<Event>> = events.iter().cloned().map(Arc::new).collect();
        let note = "insert into relayed (source, place) values (?1, ?2) on conflict do nothing";
        let write = self.0.write(move |tx| {
            for event in &events {
                if tx.execute(note, rusqlite::params![event.source, event.seq])? == 1 {
                    tx.append(&mut event.clone())?;
                }
            }
            Ok(())
        });
        Box::pin(write)
    }
}
