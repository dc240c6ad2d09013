//! Throwaway stores for tests.

use std::sync::Arc;

use base::World;
use embedded::{Database, Options, Synchronous};
use tempfile::TempDir;

use crate::{Collection, Embedded, Store};

/// A place in which the documents of several services stand side by side; its folder goes with it.
pub struct Ground {
    /// The database.
    pub database: Database,
    /// The world its stores live in.
    pub world: World,
    _folder: TempDir,
}

impl Ground {
    /// Makes a place on SQLite, in a folder of its own.
    pub fn fresh(world: World) -> Ground {
        let folder = tempfile::tempdir().expect("a test needs a folder");
        let options = Options { synchronous: Synchronous::Off, ..Options::default() };
        let database = Database::open(folder.path().join("test.db"), options).expect("an empty folder takes a database");
        Ground { database, world, _folder: folder }
    }

    /// Opens the documents of a service.
    pub async fn store(&self, service: &'static str, collections: &'static [Collection]) -> Store {
        let engine = Arc::new(Embedded::new(self.database.clone()));
        Store::open(engine, service, collections, self.world.clone()).await.expect("a fresh store opens")
    }
}
