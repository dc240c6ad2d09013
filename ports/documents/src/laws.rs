//! What every engine must keep, as sentences. `laws!` makes one test per law for an adapter.
//!
//! A law is given [`Place`]s, each empty: the laws share nothing.

use std::future::Future;
use std::time::Duration;

use base::{Event, Fault, NewEvent, RequestKey, Timestamp};
use serde_json::json;

use crate::{Change, Collection, Field, Index, Once, Order, Outcome, Query, Store};

/// The collections that the laws use.
pub static COLLECTIONS: &[Collection] = &[
    Collection {
        name: "things",
        fields: &[Field::int("shop"), Field::text("slug"), Field::int("price"), Field::text("folded")],
        indexes: &[Index::Unique(&["shop", "slug"]), Index::On(&["shop", "price"])],
    },
    Collection { name: "others", fields: &[], indexes: &[] },
];

static THINGS: &Collection = &COLLECTIONS[0];
static OTHERS: &Collection = &COLLECTIONS[1];

/// What a law needs of an adapter: an empty store, the same store opened again, and the events said so far.
pub trait Place: Send + Sync {
    /// Opens the store of the service `lawful`; what was there before is still there.
    fn open(&self) -> impl Future<Output = Store> + Send;
    /// Gives all events said, in their order.
    fn events(&self) -> impl Future<Output = Vec<Event>> + Send;
}

/// Makes one test per law for an adapter: `laws!(fresh)`, where `fresh()` gives a [`Place`].
#[macro_export]
macro_rules! laws {
    ($place:expr) => {
        $crate::laws!($place;
            what_was_put_is_read_back_as_it_was,
            a_stale_version_is_refused,
            what_is_there_cannot_be_made_again,
            a_unique_value_is_taken_once,
            a_repeat_gets_the_recorded_answer,
            a_key_with_another_body_changes_nothing,
            of_many_twins_one_makes_the_document,
            a_touch_records_the_answer_and_leaves_the_document,
            an_event_heard_twice_changes_the_document_once,
            an_event_is_there_if_and_only_if_its_write_is,
            filters_must_all_hold,
            pages_follow_each_other_without_gap_or_repeat,
            pages_stay_stable_while_others_write,
            text_is_found_in_any_script,
            an_old_answer_is_forgotten,
            a_field_that_is_not_declared_is_refused,
            a_body_too_large_is_refused,
            of_many_writers_each_version_has_one,
            all_is_there_after_it_was_opened_again,
        );
    };
    ($place:expr; $($law:ident,)*) => {
        $(
            #[tokio::test(flavor = "multi_thread", worker_threads = 2)]
            async fn $law() {
                $crate::laws::$law(&$place).await;
            }
        )*
    };
}

fn thing(id: i64, version: i64, slug: &str, price: i64) -> Change {
    let body = json!({ "slug": slug, "price": price });
    let change = Change::put(THINGS, id, version, &body).unwrap();
    change.with("shop", 1).with("slug", slug).with("price", price).with("folded", base::text::fold(slug))
}

fn request(key: i64, fingerprint: i64) -> Once {
    Once::Request { request: RequestKey { key, fingerprint }, at: Timestamp(1_000) }
}

fn said(key: i64) -> NewEvent {
    NewEvent {
        topic: "thing-events",
        kind: "thing.made.v1",
        key,
        at: Timestamp(5),
        correlation: "c".to_owned(),
        data: json!({ "key": key }).to_string(),
    }
}

async fn made(store: &Store, change: Change) -> i64 {
    match store.commit(Once::Nothing, change).await.unwrap() {
        Outcome::Done { version } => version,
        other => panic!("not made: {other:?}"),
    }
}

async fn version(store: &Store, id: i64) -> Option<i64> {
    store.get(THINGS, id).await.unwrap().map(|doc| doc.version)
}

fn code(result: Result<impl std::fmt::Debug, Fault>) -> String {
    result.unwrap_err().code
}

#[allow(missing_docs)]
pub async fn what_was_put_is_read_back_as_it_was(place: &impl Place) {
    let store = place.open().await;
    assert_eq!(made(&store, thing(i64::MAX, 0, "пицца 🍕 \" ' \\", i64::MIN)).await, 1);
    let doc = store.get(THINGS, i64::MAX).await.unwrap().unwrap();
    assert_eq!(doc.read::<serde_json::Value>().unwrap(), json!({ "slug": "пицца 🍕 \" ' \\", "price": i64::MIN }));
    assert_eq!((doc.id, doc.version), (i64::MAX, 1));
    assert_eq!(store.get(THINGS, 4).await.unwrap(), None);
    assert_eq!(store.get(OTHERS, i64::MAX).await.unwrap(), None, "collections are apart");
}

#[allow(missing_docs)]
pub async fn a_stale_version_is_refused(place: &impl Place) {
    let store = place.open().await;
    made(&store, thing(1, 0, "a", 1)).await;
    assert_eq!(made(&store, thing(1, 1, "a", 2)).await, 2);
    for stale in [1, 3] {
        let outcome = store.commit(request(stale, 0), thing(1, stale, "a", 9)).await.unwrap();
        assert_eq!(outcome, Outcome::Refused);
    }
    assert_eq!(store.commit(Once::Nothing, thing(2, 1, "b", 9)).await.unwrap(), Outcome::Refused, "never made");
    let doc = store.get(THINGS, 1).await.unwrap().unwrap();
    assert_eq!(doc.read::<serde_json::Value>().unwrap()["price"], 2);
    assert_eq!(store.recorded(1).await.unwrap(), None, "a refused request has no answer");
}

#[allow(missing_docs)]
pub async fn what_is_there_cannot_be_made_again(place: &impl Place) {
    let store = place.open().await;
    made(&store, thing(1, 0, "a", 1)).await;
    assert_eq!(store.commit(Once::Nothing, thing(1, 0, "b", 1)).await.unwrap(), Outcome::Refused);
}

#[allow(missing_docs)]
pub async fn a_unique_value_is_taken_once(place: &impl Place) {
    let store = place.open().await;
    made(&store, thing(1, 0, "a", 1)).await;
    assert_eq!(store.commit(Once::Nothing, thing(2, 0, "a", 1).say(said(2))).await.unwrap(), Outcome::Refused);
    made(&store, thing(2, 0, "b", 1)).await;
    assert_eq!(store.commit(Once::Nothing, thing(2, 1, "a", 1).say(said(2))).await.unwrap(), Outcome::Refused);
    assert_eq!(version(&store, 2).await, Some(1));
    assert_eq!(place.events().await.len(), 0);
    let elsewhere = Change::put(THINGS, 3, 0, &json!({})).unwrap();
    made(&store, elsewhere.with("shop", 2).with("slug", "a").with("price", 1).with("folded", "a")).await;
}

#[allow(missing_docs)]
pub async fn a_repeat_gets_the_recorded_answer(place: &impl Place) {
    let store = place.open().await;
    let first = store.commit(request(7, 1), thing(1, 0, "a", 1).say(said(1)).answering("да")).await.unwrap();
    assert_eq!(first, Outcome::Done { version: 1 });
    // The repeat was decided anew: on what is there now, or as if nothing were there, with an id of its own.
    for repeat in [thing(1, 1, "a", 2), thing(1, 0, "a", 1), thing(2, 0, "b", 1)] {
        let outcome = store.commit(request(7, 1), repeat.say(said(1)).answering("no")).await.unwrap();
        assert_eq!(outcome, Outcome::Repeated { answer: "да".as_bytes().to_vec() });
    }
    assert_eq!((version(&store, 1).await, version(&store, 2).await), (Some(1), None));
    assert_eq!(place.events().await.len(), 1);
    assert_eq!(store.recorded(7).await.unwrap(), Some((1, "да".as_bytes().to_vec())));
}

#[allow(missing_docs)]
pub async fn a_key_with_another_body_changes_nothing(place: &impl Place) {
    let store = place.open().await;
    store.commit(request(7, 1), thing(1, 0, "a", 1)).await.unwrap();
    assert_eq!(store.commit(request(7, 2), thing(1, 1, "a", 2).say(said(1))).await.unwrap(), Outcome::OtherBody);
    assert_eq!(version(&store, 1).await, Some(1));
    assert!(place.events().await.is_empty());
}

#[allow(missing_docs)]
pub async fn of_many_twins_one_makes_the_document(place: &impl Place) {
    let store = place.open().await;
    let twins = (1..=16).map(|id| {
        let store = store.clone();
        async move {
            store
                .commit(
                    request(9, 9),
                    thing(id, 0, &format!("slug{id}"), 1).say(said(id)).answering(vec![u8::try_from(id).unwrap()]),
                )
                .await
        }
    });
    let mut winners = Vec::new();
    for outcome in all(twins).await {
        match outcome.unwrap() {
            Outcome::Done { .. } => winners.push(true),
            Outcome::Repeated { .. } => {}
            other => panic!("{other:?}"),
        }
    }
    assert_eq!(winners.len(), 1);
    assert_eq!(store.find(THINGS, Query::all()).await.unwrap().docs.len(), 1);
    assert_eq!(place.events().await.len(), 1);
}

#[allow(missing_docs)]
pub async fn a_touch_records_the_answer_and_leaves_the_document(place: &impl Place) {
    let store = place.open().await;
    made(&store, thing(1, 0, "a", 1)).await;
    let touched = store.commit(request(3, 3), Change::touch(THINGS, 1, 1).answering("as it is")).await.unwrap();
    assert_eq!(touched, Outcome::Done { version: 1 });
    assert_eq!(version(&store, 1).await, Some(1));
    let again = store.commit(request(3, 3), Change::touch(THINGS, 1, 1)).await.unwrap();
    assert_eq!(again, Outcome::Repeated { answer: b"as it is".to_vec() });
    assert_eq!(store.commit(request(4, 4), Change::touch(THINGS, 1, 2)).await.unwrap(), Outcome::Refused);
    assert_eq!(code(store.commit(request(5, 5), Change::touch(THINGS, 2, 0)).await), "document_missing");
}

#[allow(missing_docs)]
pub async fn an_event_heard_twice_changes_the_document_once(place: &impl Place) {
    let store = place.open().await;
    let heard = |source: &str, seq| Once::Heard { source: source.to_owned(), seq, at: Timestamp(1_000) };
    store.commit(heard("stock", 4), thing(1, 0, "a", 1)).await.unwrap();
    let again = store.commit(heard("stock", 4), thing(1, 1, "a", 2)).await.unwrap();
    assert_eq!(again, Outcome::Repeated { answer: Vec::new() });
    // Later ones may have been heard before, and another service's count from elsewhere.
    for (source, seq, version) in [("stock", 3, 2), ("orders", 4, 3)] {
        assert_eq!(store.commit(heard(source, seq), thing(1, version - 1, "a", 2)).await.unwrap(), Outcome::Done { version });
    }
}

#[allow(missing_docs)]
pub async fn an_event_is_there_if_and_only_if_its_write_is(place: &impl Place) {
    let store = place.open().await;
    store.commit(request(1, 1), thing(1, 0, "a", 1).say(said(1)).say(said(2))).await.unwrap();
    store.commit(request(2, 1), thing(1, 0, "a", 1).say(said(3))).await.unwrap();
    store.commit(request(1, 1), thing(1, 1, "a", 1).say(said(4))).await.unwrap();
    store.commit(request(3, 1), thing(1, 1, "a", 1).say(said(5))).await.unwrap();
    let events = place.events().await;
    assert_eq!(events.iter().map(|event| event.key).collect::<Vec<_>>(), [1, 2, 5]);
    assert!(events.iter().all(|event| event.source == "lawful" && event.kind == "thing.made.v1"));
}

#[allow(missing_docs)]
pub async fn filters_must_all_hold(place: &impl Place) {
    let store = place.open().await;
    for (id, slug, price) in [(1, "a", 10), (2, "b", 20), (3, "c", 30), (4, "d", 40)] {
        made(&store, thing(id, 0, slug, price)).await;
    }
    let found = |query: Query| {
        let store = store.clone();
        async move { store.find(THINGS, query).await.unwrap().docs.iter().map(|doc| doc.id).collect::<Vec<_>>() }
    };
    assert_eq!(found(Query::all().is("shop", 1).at_least("price", 20).at_most("price", 30)).await, [2, 3]);
    assert_eq!(found(Query::all().is("slug", "c").is("shop", 1)).await, [3]);
    assert_eq!(found(Query::all().is("shop", 2)).await, [0i64; 0]);
    assert_eq!(found(Query::all().at_least("id", 3)).await, [3, 4]);
    assert_eq!(store.find_one(THINGS, Query::all().is("slug", "b")).await.unwrap().unwrap().id, 2);
}

#[allow(missing_docs)]
pub async fn pages_follow_each_other_without_gap_or_repeat(place: &impl Place) {
    let store = place.open().await;
    // Many of the same price, so that the id must decide.
    for id in 1..=20 {
        made(&store, thing(id, 0, &format!("s{:02}", 21 - id), id % 3)).await;
    }
    for (field, order) in
        [("price", Order::Up), ("price", Order::Down), ("slug", Order::Up), ("slug", Order::Down), ("id", Order::Down)]
    {
        let mut seen = Vec::new();
        let mut after = None;
        loop {
            let page = store.find(THINGS, Query::all().sort(field, order).after(after).limit(7)).await.unwrap();
            assert!(page.docs.len() <= 7);
            seen.extend(page.docs.iter().map(|doc| doc.id));
            after = page.next;
            if after.is_none() {
                break;
            }
        }
        let mut expected: Vec<(i64, i64)> = (1..=20)
            .map(|id| match field {
                "price" => (id % 3, id),
                "slug" => (21 - id, id),
                _ => (id, id),
            })
            .collect();
        expected.sort_unstable();
        if order == Order::Down {
            expected.reverse();
        }
        assert_eq!(seen, expected.iter().map(|pair| pair.1).collect::<Vec<_>>(), "{field} {order:?}");
    }
    let whole = store.find(THINGS, Query::all().limit(20)).await.unwrap();
    assert_eq!((whole.docs.len(), whole.next), (20, None), "a page that ends with the last one is the last");
}

#[allow(missing_docs)]
pub async fn pages_stay_stable_while_others_write(place: &impl Place) {
    let store = place.open().await;
    for id in 1..=6 {
        made(&store, thing(id, 0, &format!("s{id}"), id * 10)).await;
    }
    let first = store.find(THINGS, Query::all().sort("price", Order::Up).limit(3)).await.unwrap();
    made(&store, thing(7, 0, "early", 5)).await;
    made(&store, thing(8, 0, "late", 45)).await;
    let rest = store.find(THINGS, Query::all().sort("price", Order::Up).after(first.next)).await.unwrap();
    assert_eq!(rest.docs.iter().map(|doc| doc.id).collect::<Vec<_>>(), [4, 8, 5, 6]);
}

#[allow(missing_docs)]
pub async fn text_is_found_in_any_script(place: &impl Place) {
    let store = place.open().await;
    made(&store, thing(1, 0, "Сырная  ЁЛКА 🍕", 1)).await;
    made(&store, thing(2, 0, "100% a_b", 1)).await;
    let found = |text: &'static str| {
        let store = store.clone();
        async move { store.find(THINGS, Query::all().contains("folded", text)).await.unwrap().docs.len() }
    };
    assert_eq!(found("сырная елка").await, 1);
    assert_eq!(found("🍕").await, 1);
    assert_eq!(found("0% A_B").await, 1);
    assert_eq!(found("0%b").await, 0, "signs mean themselves");
    assert_eq!(found("a%").await, 0, "signs mean themselves");
}

#[allow(missing_docs)]
pub async fn an_old_answer_is_forgotten(place: &impl Place) {
    let store = place.open().await;
    store.commit(request(1, 1), thing(1, 0, "a", 1)).await.unwrap();
    assert_eq!(store.forget_answers(Timestamp(1_000)).await.unwrap(), 0);
    assert_eq!(store.forget_answers(Timestamp(1_000) + Duration::from_secs(1)).await.unwrap(), 1);
    assert_eq!(store.recorded(1).await.unwrap(), None);
    assert_eq!(version(&store, 1).await, Some(1));
}

#[allow(missing_docs)]
pub async fn a_field_that_is_not_declared_is_refused(place: &impl Place) {
    let store = place.open().await;
    let missing = Change::put(THINGS, 1, 0, &json!({})).unwrap().with("shop", 1);
    let unknown = thing(1, 0, "a", 1).with("colour", 1);
    let twice = thing(1, 0, "a", 1).with("shop", 1);
    let other_kind =
        Change::put(THINGS, 1, 0, &json!({})).unwrap().with("shop", "1").with("slug", 1).with("price", 1).with("folded", "");
    for bad in [missing, unknown, twice, other_kind] {
        assert_eq!(code(store.commit(Once::Nothing, bad).await), "document_field");
    }
    let queries = [
        Query::all().is("colour", 1),
        Query::all().is("shop", "1"),
        Query::all().contains("price", "1"),
        Query::all().sort("colour", Order::Up),
        Query::all().sort("slug", Order::Up).after(Some(crate::After { value: 1.into(), id: 1 })),
    ];
    for bad in queries {
        assert_eq!(code(store.find(THINGS, bad).await), "document_field");
    }
    assert_eq!(version(&store, 1).await, None);
}

#[allow(missing_docs)]
pub async fn a_body_too_large_is_refused(place: &impl Place) {
    let store = place.open().await;
    let large = "я".repeat(crate::BODY_BYTES_MAX / 2);
    assert_eq!(code(Change::put(OTHERS, 1, 0, &large)), "document_too_large");
    let largest = "я".repeat(crate::BODY_BYTES_MAX / 2 - 1);
    made(&store, Change::put(OTHERS, 1, 0, &largest).unwrap()).await;
    assert_eq!(store.get(OTHERS, 1).await.unwrap().unwrap().read::<String>().unwrap(), largest);
}

#[allow(missing_docs)]
pub async fn of_many_writers_each_version_has_one(place: &impl Place) {
    let store = place.open().await;
    made(&store, Change::put(OTHERS, 1, 0, &0).unwrap()).await;
    let writers = (0..8).map(|_| {
        let store = store.clone();
        async move {
            for _ in 0..10 {
                loop {
                    let doc = store.get(OTHERS, 1).await.unwrap().unwrap();
                    let count: i64 = doc.read().unwrap();
                    let change = Change::put(OTHERS, 1, doc.version, &(count + 1)).unwrap().say(said(count + 1));
                    match store.commit(Once::Nothing, change).await.unwrap() {
                        Outcome::Done { .. } => break,
                        Outcome::Refused => {}
                        other => panic!("{other:?}"),
                    }
                }
            }
        }
    });
    all(writers).await;
    let doc = store.get(OTHERS, 1).await.unwrap().unwrap();
    assert_eq!((doc.version, doc.read::<i64>().unwrap()), (81, 80));
    let said: Vec<i64> = place.events().await.iter().map(|event| event.key).collect();
    assert_eq!(said, (1..=80).collect::<Vec<_>>());
}

#[allow(missing_docs)]
pub async fn all_is_there_after_it_was_opened_again(place: &impl Place) {
    let store = place.open().await;
    store.commit(request(1, 1), thing(1, 0, "a", 1).answering("yes")).await.unwrap();
    drop(store);
    let store = place.open().await;
    assert_eq!(version(&store, 1).await, Some(1));
    assert_eq!(store.recorded(1).await.unwrap(), Some((1, b"yes".to_vec())));
    assert_eq!(store.find(THINGS, Query::all().is("slug", "a")).await.unwrap().docs.len(), 1);
}

/// Runs futures side by side.
async fn all<T>(futures: impl Iterator<Item = impl Future<Output = T>>) -> Vec<T> {
    let mut running: Vec<_> = futures.map(Box::pin).map(|future| (future, None)).collect();
    std::future::poll_fn(|context| {
        let mut left = false;
        for (future, done) in &mut running {
            if done.is_none() {
                match future.as_mut().poll(context) {
                    std::task::Poll::Ready(value) => *done = Some(value),
                    std::task::Poll::Pending => left = true,
                }
            }
        }
        if left { std::task::Poll::Pending } else { std::task::Poll::Ready(()) }
    })
    .await;
    running.into_iter().filter_map(|(_, done)| done).collect()
}
