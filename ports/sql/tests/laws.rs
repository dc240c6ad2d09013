//! The laws on PostgreSQL, and those of its outbox.

use std::sync::Arc;

use base::{BoxFuture, Event, NewEvent, Timestamp, World};
use sql::laws::Bed;
use sql::testing::{Ground, postgres_asked, postgres_url};
use sql::{Change, Engine, Once, Outbox, Outcome, Store};

struct OnPostgres(Ground);

impl OnPostgres {
    fn server(&self) -> &sql::Postgres {
        self.0.postgres.as_ref().expect("this bed is PostgreSQL")
    }

    async fn claim(&self, limit: usize, now: i64) -> Vec<i64> {
        let claimed = self.server().claim("law", limit, Timestamp(now), Timestamp(now + 10)).await.unwrap();
        claimed.iter().map(|event| event.seq).collect()
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
    OnPostgres(Ground::postgres(&postgres_asked().unwrap_or_else(postgres_url)).await)
}

async fn say(store: &Store, key: i64) {
    let event = NewEvent { topic: "t", kind: "a.b.v1", key, at: Timestamp(1), correlation: String::new(), data: "{}".to_owned() };
    let said = store.commit(Once::Nothing, Change::new().say(event)).await.unwrap();
    assert!(matches!(said, Outcome::Done { .. }));
}

sql::laws!(postgres, server());

#[tokio::test]
async fn s4_p03_every_event_is_relayed_and_none_is_claimed_by_two() {
    let bed = server().await;
    let store = sql::laws::open(&bed).await;
    for key in 0..30 {
        say(&store, key).await;
    }
    let (one, two) = tokio::join!(bed.claim(20, 100), bed.claim(20, 100));
    let mut claimed = [one, two].concat();
    assert_eq!(claimed.len(), 30);
    claimed.sort_unstable();
    claimed.dedup();
    assert_eq!(claimed.len(), 30);
    bed.server().mark_sent("law", &claimed[..12]).await.unwrap();
    assert!(bed.claim(20, 109).await.is_empty(), "they are still held");
    let again = bed.claim(20, 110).await;
    assert_eq!(again, claimed[12..], "a relay that died leaves nothing behind");
    bed.server().mark_sent("law", &again).await.unwrap();
    assert!(bed.said("law").await.is_empty());
}

#[tokio::test]
async fn a_key_waits_for_the_relay_that_died_with_it() {
    let bed = server().await;
    let store = sql::laws::open(&bed).await;
    for key in [1, 2] {
        say(&store, key).await;
    }
    let held = bed.claim(1, 100).await;
    // Who takes over goes on with the other keys, and keeps the rest of this one for later.
    for key in [1, 3, 1] {
        say(&store, key).await;
    }
    let others = bed.claim(10, 105).await;
    assert_eq!((others.len(), others[0]), (2, held[0] + 1));
    let later = bed.claim(10, 110).await;
    assert_eq!((later.len(), later[0]), (3, held[0]), "its events come in their order");
    assert!(bed.server().news().has_changed().is_ok());
}

#[tokio::test]
async fn a_claim_by_a_clock_that_is_far_ahead_holds_nothing() {
    let bed = server().await;
    let store = sql::laws::open(&bed).await;
    let apart = sql::CLOCKS_APART.as_micros() as i64;
    say(&store, 1).await;
    let near = bed.claim(1, 100 + apart).await;
    assert!(bed.claim(10, 100).await.is_empty(), "clocks may be apart by so much");
    say(&store, 1).await;
    assert_eq!(bed.claim(10, 110 + apart).await.len(), 2);
    let far = bed.claim(10, 100 - 1).await;
    assert_eq!((far.len(), far[0]), (2, near[0]), "both events of the key, in their order");
}
