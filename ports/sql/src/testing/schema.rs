//! A schema of a test's own, which goes with its last holder.

use std::sync::atomic::{AtomicI64, Ordering};

use base::World;
use tokio_postgres::NoTls;

use super::{now, world};
use crate::Postgres;

/// A schema in a PostgreSQL server.
pub struct Schema {
    url: String,
    name: String,
}

impl Schema {
    /// Names a schema that no other test has; it is made when it is opened.
    pub fn new(url: &str) -> Schema {
        static NUMBER: AtomicI64 = AtomicI64::new(0);
        // The time too: a server that outlives the tests may keep what a killed process of the same number left.
        let name = format!("test_{}_{}_{}", std::process::id(), now().micros(), NUMBER.fetch_add(1, Ordering::Relaxed));
        Schema { url: url.to_owned(), name }
    }

    /// Opens it, again if need be.
    ///
    /// # Panics
    /// When the server does not answer.
    pub async fn open(&self, world: World) -> Postgres {
        let opened = Postgres::open(&self.url, Some(&self.name), world).await;
        opened.unwrap_or_else(|fault| panic!("no PostgreSQL at {}: {fault} {:?}", self.url, fault.cause))
    }
}

impl Drop for Schema {
    /// Ends what is still connected, as the end of its process would, and drops the schema.
    #[allow(clippy::disallowed_methods)] // A destructor cannot await, and the test's own runtime may be gone already.
    fn drop(&mut self) {
        let (url, name) = (self.url.clone(), self.name.clone());
        let dropping = async move {
            let (client, driver) = tokio_postgres::connect(&url, NoTls).await?;
            world().spawn("postgres", async move { drop(driver.await) });
            client
                .execute(
                    "select pg_terminate_backend(pid) from pg_stat_activity where application_name = $1",
                    &[&format!("comanda {name}")],
                )
                .await?;
            client.batch_execute(&format!("drop schema if exists {name} cascade")).await
        };
        let thread = std::thread::spawn(|| {
            let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build();
            runtime.expect("a thread can have a runtime").block_on(dropping)
        });
        if let Ok(Err(error)) = thread.join() {
            eprintln!("the schema {} could not be dropped: {error}", self.name);
        }
    }
}
