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

#[cfg(feature = "postgres")]
mod on_postgres {
    use base::{NewEvent, Timestamp};

    use super::*;
    use crate::testing::postgres_url;
    use crate::{Change, Once, Outcome};

    struct OnPostgres(Ground);

    impl OnPostgres {
        fn server(&self) -> &crate::Postgres {
            self.0.postgres.as_ref().expect("this bed is PostgreSQL")
        }
    }

    impl Bed for OnPostgres {
        fn engine(&self) -> Arc<dyn Engine> {
            self.0.engine.clone()
        }

        fn world(&self) -> World {
            self.0.world.clone()
        }

        fn said(&self, service: &'static str) -> BoxFuture<'_, Vec<Event>> {
            Box::pin(async move { self.server().unsent(service, 100_000).await.expect("the outbox reads") })
        }
    }

    async fn server() -> OnPostgres {
        OnPostgres(Ground::postgres(&postgres_url()).await)
    }

    crate::laws!(postgres, server());

    #[tokio::test]
    async fn s4_p03_every_event_is_relayed_and_none_is_claimed_by_two() {
        let bed = server().await;
        let store = super::super::open(&bed).await;
        for key in 0..30_i64 {
            let data = "{}".to_owned();
            let event = NewEvent { topic: "t", kind: "a.b.v1", key, at: Timestamp(1), correlation: String::new(), data };
            let said = store.commit(Once::Nothing, Change::new().say(event)).await.unwrap();
            assert!(matches!(said, Outcome::Done { .. }));
        }
        let claim = |now: i64| bed.server().claim_unsent("law", 20, Timestamp(now), Timestamp(now + 10));
        let (one, two) = tokio::join!(claim(100), claim(100));
        let mut claimed: Vec<i64> = one.unwrap().into_iter().chain(two.unwrap()).map(|event| event.seq).collect();
        assert_eq!(claimed.len(), 30);
        claimed.sort_unstable();
        claimed.dedup();
        assert_eq!(claimed.len(), 30);
        bed.server().mark_sent("law", &claimed[..12]).await.unwrap();
        assert!(claim(109).await.unwrap().is_empty(), "they are still held");
        let again: Vec<i64> = claim(110).await.unwrap().iter().map(|event| event.seq).collect();
        assert_eq!(again, claimed[12..], "a relay that died leaves nothing behind");
        bed.server().mark_sent("law", &again).await.unwrap();
        assert!(bed.said("law").await.is_empty());
    }
}
