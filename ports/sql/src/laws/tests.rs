//! The laws on SQLite: with the writer's thread, and called inline as simulations do.

use std::sync::Arc;

use base::{BoxFuture, Event, World};
use embedded::{Mode, Options, Synchronous};

use super::Bed;
use crate::Engine;
use crate::testing::Ground;

struct OnSqlite(Ground);

impl Bed for OnSqlite {
    fn engine(&self) -> Arc<dyn Engine> {
        self.0.engine.clone()
    }

    fn world(&self) -> World {
        self.0.world.clone()
    }

    fn said(&self, service: &'static str) -> BoxFuture<'_, Vec<Event>> {
        let database = self.0.database.as_ref().expect("this bed is SQLite");
        let events = database.events_after(&[service], 0, 100_000).expect("the log reads");
        Box::pin(std::future::ready(events.iter().map(|event| Event::clone(event)).collect()))
    }
}

async fn threaded() -> OnSqlite {
    OnSqlite(Ground::sqlite())
}

async fn inline() -> OnSqlite {
    OnSqlite(Ground::sqlite_with(Options { mode: Mode::Inline, synchronous: Synchronous::Off, ..Options::default() }))
}

crate::laws!(sqlite, threaded());
crate::laws!(sqlite_inline, inline());
