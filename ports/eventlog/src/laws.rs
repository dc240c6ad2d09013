//! The laws: what every log must do, one function each, named as a sentence.

use std::sync::Arc;

use base::{BoxFuture, Event, NewEvent, Timestamp};

use crate::Log;

/// Where the laws are tried: an empty log, and a way to say something.
pub trait Bed: Send + Sync {
    /// Gives the log.
    fn log(&self) -> Log;
    /// Says events in one commit of a service; gives their places.
    fn say(&self, source: &'static str, events: Vec<NewEvent>) -> BoxFuture<'_, Vec<i64>>;
}

fn event(key: i64, text: &str) -> NewEvent {
    NewEvent {
        topic: "law-events",
        kind: "law.broken.v1",
        key,
        at: Timestamp(key),
        correlation: "corr".to_owned(),
        data: format!("{{\"text\":\"{text}\"}}"),
    }
}

/// Reads a source as its hearers do, from a place to a place that has been said, waiting where it must.
async fn hear(log: &Log, source: &str, after: i64, place: i64, page: usize) -> Vec<Arc<Event>> {
    let (mut heard, mut read_to) = (Vec::new(), after);
    while read_to < place {
        let upto = log.changed_of(source, read_to).await;
        let events = log.read(source, read_to, page).await.unwrap();
        assert!(events.len() <= page);
        assert!(events.iter().all(|event| event.source == source));
        let last = events.last().map_or(read_to, |event| event.seq);
        read_to = if events.len() < page { upto.max(last) } else { last };
        heard.extend(events);
    }
    heard
}

/// What one source said is read in its order, from any place, however it is cut into pages.
pub async fn a_source_is_read_in_its_own_order(bed: &dyn Bed) {
    let log = bed.log();
    let mut newest = 0;
    for key in 0..20 {
        newest = bed.say("orders", vec![event(key, "a"), event(key, "b")]).await[1];
        bed.say("payments", vec![event(key, "c")]).await;
    }
    for page in [1, 3, 100] {
        let keys: Vec<i64> = hear(&log, "orders", 0, newest, page).await.iter().map(|event| event.key).collect();
        assert_eq!(keys, (0..20).flat_map(|key| [key, key]).collect::<Vec<_>>());
    }
}

/// Who goes on from where the reading came passes over nothing, however much is said meanwhile by whomever.
pub async fn nothing_is_passed_over(bed: &dyn Bed) {
    let log = bed.log();
    let saying = async {
        for key in 0..200 {
            bed.say(if key % 3 == 0 { "orders" } else { "payments" }, vec![event(key, "a")]).await;
        }
        bed.say("orders", vec![event(200, "last"), event(201, "end")]).await;
    };
    let hearing = async {
        let (mut keys, mut read_to) = (Vec::new(), 0);
        while keys.last() != Some(&201) {
            let upto = log.changed_of("orders", read_to).await;
            let events = log.read("orders", read_to, 1_000).await.unwrap();
            read_to = events.last().map_or(upto, |event| upto.max(event.seq));
            keys.extend(events.iter().map(|event| event.key));
        }
        keys
    };
    let ((), keys) = tokio::join!(saying, hearing);
    assert_eq!(keys, (0..200).step_by(3).chain([200, 201]).collect::<Vec<_>>());
}

/// Reading again from a place gives the same events again.
pub async fn a_log_can_be_replayed(bed: &dyn Bed) {
    let log = bed.log();
    let places = bed.say("orders", (1..=9).map(|key| event(key, "Ёлка 🍕")).collect()).await;
    let first = hear(&log, "orders", places[3], places[8], 100).await;
    let second = log.read("orders", places[3], 100).await.unwrap();
    assert_eq!(first.iter().map(|event| event.seq).collect::<Vec<_>>(), places[4..]);
    assert_eq!(first.iter().map(|event| event.seq).collect::<Vec<_>>(), second.iter().map(|event| event.seq).collect::<Vec<_>>());
    let event = &first[0];
    assert_eq!((&*event.topic, &*event.kind, event.key, event.at), ("law-events", "law.broken.v1", 5, Timestamp(5)));
    assert_eq!((event.correlation.as_str(), event.data.get()), ("corr", "{\"text\":\"Ёлка 🍕\"}"));
}

/// Those who watch see what all sources said.
pub async fn all_sources_can_be_watched_together(bed: &dyn Bed) {
    let log = bed.log();
    bed.say("orders", vec![event(1, "a")]).await;
    bed.say("payments", vec![event(2, "b")]).await;
    let mut sources: Vec<String> = log.read_all(0, 10).await.unwrap().iter().map(|event| event.source.to_string()).collect();
    sources.sort();
    assert_eq!(sources, ["orders", "payments"]);
    assert_eq!(log.read_all(0, 1).await.unwrap().len(), 1);
}

/// The events about a key can be read alone, whoever said them.
pub async fn the_events_of_a_key_are_found(bed: &dyn Bed) {
    let log = bed.log();
    for key in [1, 2, 1, 3] {
        bed.say("orders", vec![event(key, "a")]).await;
    }
    bed.say("payments", vec![event(1, "b")]).await;
    let events = log.of_key(1, 0, 10).await.unwrap();
    assert_eq!(events.len(), 3);
    assert!(events.iter().all(|event| event.key == 1));
    assert_eq!(log.of_key(1, events[1].seq, 10).await.unwrap().len(), 1);
    assert!(log.of_key(9, 0, 10).await.unwrap().is_empty());
}

/// Who waits is woken by the next event, and not kept waiting by one that came before.
pub async fn who_waits_is_woken(bed: &dyn Bed) {
    let log = bed.log();
    let last = log.last().await.unwrap();
    let (newest, places) = tokio::join!(log.changed(last), bed.say("orders", vec![event(1, "a")]));
    assert!(newest >= places[0]);
    assert!(log.changed(last).await >= places[0]);
    assert_eq!(hear(&log, "orders", last, places[0], 10).await.len(), 1);
}

/// Who waits for a source is woken by what it says, however much others say meanwhile, and not kept waiting by what came
/// before.
pub async fn who_waits_for_a_source_is_woken(bed: &dyn Bed) {
    let log = bed.log();
    let mut last = log.last().await.unwrap();
    for round in 0..5 {
        let says = async {
            for key in 0..round * 100 {
                bed.say("payments", vec![event(key, "b")]).await;
            }
            bed.say("orders", vec![event(round, "a")]).await[0]
        };
        let hears = async {
            let mut read_to = last;
            loop {
                let upto = log.changed_of("orders", read_to).await;
                let events = log.read("orders", read_to, 10).await.unwrap();
                if let Some(event) = events.last() {
                    return event.seq;
                }
                read_to = read_to.max(upto);
            }
        };
        let (heard, said) = tokio::join!(hears, says);
        assert_eq!(heard, said);
        assert!(log.changed_of("orders", last).await > last);
        last = said;
    }
}

/// The ends of the log are known.
pub async fn the_ends_are_known(bed: &dyn Bed) {
    let log = bed.log();
    assert_eq!((log.first().await.unwrap(), log.last().await.unwrap()), (None, 0));
    let places = bed.say("orders", vec![event(1, "a"), event(2, "b")]).await;
    assert_eq!((log.first().await.unwrap(), log.last().await.unwrap()), (Some(places[0]), places[1]));
}

/// Makes one test per law for an adapter. `$bed` is an expression that gives a future of a fresh [`Bed`].
#[macro_export]
macro_rules! laws {
    ($adapter:ident, $bed:expr) => {
        $crate::laws!(@each $adapter, $bed,
            a_source_is_read_in_its_own_order, nothing_is_passed_over, a_log_can_be_replayed, all_sources_can_be_watched_together,
            the_events_of_a_key_are_found, who_waits_is_woken, who_waits_for_a_source_is_woken,
            the_ends_are_known,
        );
    };
    (@each $adapter:ident, $bed:expr, $($law:ident,)*) => {
        mod $adapter {
            use super::*;
            $(
                #[tokio::test]
                async fn $law() {
                    let bed = $bed.await;
                    $crate::laws::$law(&bed).await;
                }
            )*
        }
    };
}
