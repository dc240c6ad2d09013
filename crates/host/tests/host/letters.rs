//! Dead letters keep the order of their key, and can be redriven or discarded.

use std::collections::BTreeMap;
use std::sync::Arc;

use base::id::{DeadLetterId, OrderId};
use base::{Event, Fault};
use host::testing::{Platform, staff};
use host::{Change, Ctx, Service};
use saga::Letters;

use crate::counting::{Hearing, Moods, PANICS, REJECTED, counts, created, service};

fn letters(platform: &Platform) -> Letters {
    platform.inner().running("inventory").unwrap().letters.clone()
}

async fn parked(platform: &Platform, count: usize) -> Vec<sql::Letter> {
    platform
        .eventually(&format!("{count} letters are parked"), || async {
            let letters = letters(platform).list(DeadLetterId(0), 100).await?;
            Ok(if letters.len() == count { Ok(letters) } else { Err(format!("{} are", letters.len())) })
        })
        .await
}

#[tokio::test]
async fn s4_p06_s4_p08_s4_k04_poison_is_parked_what_follows_it_waits_and_others_go_on() {
    for hearing in Hearing::ALL {
        let moods = Moods::default();
        moods.poison.lock().unwrap().insert(7);
        let platform = Platform::start([service(&moods, hearing)]).await;
        for key in [7, 8, 7, 9, 7, 8] {
            created(&platform, key).await;
        }
        let three = parked(&platform, 3).await;
        assert!(three[0].cause.contains("poisoned") && !three[0].cause.contains("planted"), "{}", three[0].cause);
        assert_eq!((three[1].behind, three[2].behind), (Some(three[0].id), Some(three[0].id)));
        platform.settled().await;
        assert_eq!((counts(&platform, 7).await, counts(&platform, 8).await, counts(&platform, 9).await), (0, 2, 1));

        // A restart remembers who waits.
        let platform = platform.crash_and_restart([service(&moods, hearing)], BTreeMap::new()).await;
        created(&platform, 7).await;
        parked(&platform, 4).await;

        // Redriven while it is still poison: nothing is lost.
        let first = DeadLetterId(three[0].id);
        assert_eq!(letters(&platform).redrive(first, &staff()).await.unwrap_err().code, "poisoned");
        assert_eq!(parked(&platform, 4).await[0].id, three[0].id);

        moods.poison.lock().unwrap().clear();
        assert_eq!(letters(&platform).redrive(first, &staff()).await.unwrap(), 4);
        assert_eq!(counts(&platform, 7).await, 4);
        created(&platform, 7).await;
        platform.settled().await;
        assert_eq!(counts(&platform, 7).await, 5, "the key is free again");
        assert_eq!(platform.events("dead_letter.redriven").await.len(), 4);
    }
}

#[tokio::test]
async fn a_discarded_letter_is_gone_with_a_reason_and_frees_its_key() {
    let moods = Moods::default();
    moods.poison.lock().unwrap().insert(7);
    let platform = Platform::start([service(&moods, Hearing::Each)]).await;
    created(&platform, 7).await;
    parked(&platform, 1).await;
    created(&platform, 7).await;
    let one = parked(&platform, 2).await;
    assert_eq!(platform.events("dead_letter.parked").await.len(), 1, "of what waits behind another nothing is said");
    moods.poison.lock().unwrap().clear();
    for letter in one.iter().rev() {
        letters(&platform).discard(DeadLetterId(letter.id), &staff(), "a test order").await.unwrap();
    }
    for (event, letter) in platform.events("dead_letter.discarded").await.iter().zip(one.iter().rev()) {
        let said: serde_json::Value = event.peek().unwrap();
        assert_eq!((event.key, &said["kind"], &said["about"]), (letter.id, &"order.created.v1".into(), &7.into()));
    }
    assert_eq!(
        letters(&platform).discard(DeadLetterId(one[0].id), &staff(), "again").await.unwrap_err().code,
        "dead_letter_not_found"
    );
    created(&platform, 7).await;
    platform.settled().await;
    assert_eq!(counts(&platform, 7).await, 1);
    let acts = platform.ctx("inventory").store().acts(i64::MAX, 10).await.unwrap();
    assert_eq!((acts.len(), acts[0].act.as_str(), acts[0].reason.as_str()), (2, "discard_dead_letter", "a test order"));
}

#[tokio::test]
async fn a_handler_that_panics_and_a_change_that_the_store_rejects_are_parked_and_hold_up_nobody() {
    for hearing in Hearing::ALL {
        let platform = Platform::start([service(&Moods::default(), hearing)]).await;
        for key in [1, PANICS, 2, REJECTED, 3, 1] {
            created(&platform, key).await;
        }
        let two = parked(&platform, 2).await;
        let causes = format!("{} {}", two[0].cause, two[1].cause);
        assert!(causes.contains("handler_panicked") && causes.contains("store_"), "{causes}");
        platform.settled().await;
        assert_eq!((counts(&platform, 1).await, counts(&platform, 2).await, counts(&platform, 3).await), (2, 1, 1));
    }
}

/// One event in three versions, of which hearers know the second.
mod versions {
    use base::Fault;
    use base::id::OrderId;
    use serde_json::Value;

    base::facts! {
        /// As it was said long ago.
        Old = "order.created.v1" on "order-events", key order_id {
            /// The order.
            order_id: OrderId,
        }

        /// As it is said now.
        Created = "order.created.v2" on "order-events", key order_id, older ["order.created.v1" => with_times] {
            /// The order.
            order_id: OrderId,
            /// How often it counts.
            times: i64,
        }

        /// As a newer program says it.
        New = "order.created.v3" on "order-events", key order_id {
            /// The order.
            order_id: OrderId,
            /// How often it counts.
            times: i64,
        }
    }

    fn with_times(mut data: Value) -> Result<Value, Fault> {
        data["times"] = 10.into();
        Ok(data)
    }
}

#[tokio::test]
async fn an_old_event_is_lifted_before_it_is_heard_and_one_that_is_too_new_is_parked_with_its_cause() {
    let text = "create table inventory_counts (id bigint primary key, events bigint not null)";
    let hear = |_: Ctx, event: Arc<Event>| async move {
        let created: versions::Created = event.read()?;
        let text = "insert into inventory_counts (id, events) values ($1, $2) on conflict (id) do update set events = inventory_counts.events + excluded.events";
        Ok::<_, Fault>(Change::new().write(sql::statement(text, sql::params![created.order_id, created.times])))
    };
    let service =
        Service::new("inventory").sql(&[sql::Migration { version: 1, name: "begin", text }]).hears("order.created", hear);
    let platform = Platform::start([service]).await;
    platform.say("orders", &versions::Old { order_id: OrderId(7) }).await;
    platform.say("orders", &versions::Created { order_id: OrderId(7), times: 1 }).await;
    platform.say("orders", &versions::New { order_id: OrderId(7), times: 100 }).await;
    platform.say("orders", &versions::Created { order_id: OrderId(7), times: 1_000 }).await;
    platform.say("orders", &versions::Old { order_id: OrderId(8) }).await;
    let letters = parked(&platform, 2).await;
    assert_eq!((letters[0].kind.as_str(), letters[1].behind), ("order.created.v3", Some(letters[0].id)));
    assert!(letters[0].cause.contains("event_newer") && letters[0].cause.contains("order.created.v2"), "{}", letters[0].cause);
    platform.settled().await;
    assert_eq!((counts(&platform, 7).await, counts(&platform, 8).await), (11, 10));
}
