//! Dead letters go through in the order of their key.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use base::event::Known;
use base::id::DeadLetterId;
use base::{Event, Principal, Timestamp};
use saga::React;
use serde_json::value::RawValue;
use sql::{Change, Letter, Once, What};

use crate::stage::{Stage, kind, soon};

const KEY: i64 = 7;

fn letter(id: i64, seq: i64, behind: Option<i64>) -> Letter {
    let event = Event {
        seq,
        source: "orders".into(),
        topic: "order-events".into(),
        kind: "order.created.v1".into(),
        key: KEY,
        at: Timestamp(1),
        correlation: String::new(),
        data: RawValue::from_string("{}".to_owned()).unwrap(),
        known: Known::default(),
    };
    Letter {
        id,
        what: What::Event,
        source: event.source.to_string(),
        seq,
        kind: event.kind.to_string(),
        key: KEY,
        body: serde_json::to_string(&event).unwrap(),
        cause: "It failed.".to_owned(),
        attempts: 1,
        parked_at: Timestamp(1),
        behind,
    }
}

#[tokio::test]
async fn letters_go_through_by_their_place_in_the_log_though_the_clocks_of_those_who_parked_them_were_apart() {
    let stage = Stage::new().await;
    // The first was parked by a process whose clock was ahead, so its id is the greatest.
    for parked in [letter(90, 1, None), letter(40, 2, Some(90)), letter(50, 3, Some(90))] {
        stage.store.commit(Once::Nothing, stage.store.park(&parked)).await.unwrap();
    }
    let heard = Arc::new(Mutex::new(Vec::new()));
    let hears = heard.clone();
    let react = React::One(Arc::new(move |event: Arc<Event>| {
        hears.lock().unwrap().push(event.seq);
        Box::pin(async { Ok(Change::new()) })
    }));
    let running = stage.start(BTreeMap::from([("order.created", react)]), []).await;
    let redriven = running.letters.redrive(DeadLetterId(40), &Principal::platform("shop")).await;
    assert_eq!((redriven.unwrap(), heard.lock().unwrap().clone()), (3, vec![1, 2, 3]));
}

#[tokio::test]
async fn a_redriven_timer_is_due_when_it_was_though_the_clock_was_set_back_since() {
    let stage = Stage::new().await;
    let (work, mut working) = kind(1, &stage.world, Duration::ZERO);
    let now = stage.world.now();
    let ahead = Timestamp(now.0 + 5_000_000);
    let parked = |id: i64, due: Option<Timestamp>| Letter {
        what: What::Job,
        source: "shop".to_owned(),
        kind: "ready".to_owned(),
        key: id,
        body: serde_json::json!({ "body": "", "correlation": "", "due": due.map(|due| due.0) }).to_string(),
        ..letter(id, id, None)
    };
    for letter in [parked(1, Some(ahead)), parked(2, Some(Timestamp(1))), parked(3, None)] {
        stage.store.commit(Once::Nothing, stage.store.park(&letter)).await.unwrap();
    }
    let running = stage.work([("ready", work)]).await;
    for (id, due) in [(2, now), (3, now), (1, ahead)] {
        running.letters.redrive(DeadLetterId(id), &Principal::platform("shop")).await.unwrap();
        stage.clock.pass(if due > now { Duration::from_secs(5) } else { Duration::ZERO });
        let job = soon("it is worked", working.recv()).await.unwrap();
        assert_eq!((job.key, job.due), (id, due));
    }
}
