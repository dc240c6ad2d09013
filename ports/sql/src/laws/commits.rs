//! Laws of commits: all or nothing, once, and guarded.

use super::{Bed, add_stock, event, open, put_stock, request, start_with, stock, take_stock};
use crate::{Change, NewJob, Once, Outcome, params, statement};
use base::Timestamp;

/// An event is in the log when its write is in the tables, and not otherwise.
pub async fn an_event_is_visible_iff_its_write_is(bed: &dyn Bed) {
    let store = open(bed).await;
    start_with(&store, put_stock(1, 1)).await;
    for _ in 0..3 {
        let change = Change::new().guarded(take_stock(1, 1)).say(event(1, "stock.taken.v1", "one"));
        store.commit(Once::Nothing, change).await.unwrap();
    }
    let said = bed.said("law").await;
    assert_eq!(said.len(), 1, "one was taken, so one was said: {said:?}");
    assert_eq!((said[0].kind.as_ref(), said[0].key, said[0].topic.as_ref()), ("stock.taken.v1", 1, "law-events"));
    assert_eq!((said[0].source.as_ref(), said[0].correlation.as_ref(), said[0].at), ("law", "corr-1", Timestamp(1_000)));
    assert_eq!(stock(&store, 1).await, 0);
}

/// A write that leans on an old version changes nothing, and says which statement it was.
pub async fn a_stale_version_is_refused(bed: &dyn Bed) {
    let store = open(bed).await;
    start_with(&store, put_stock(1, 5)).await;
    let edit = |version: i64, to: i64| {
        let text = "update law_stock set left_over = $3, version = version + 1 where id = $1 and version = $2";
        Change::new().write(put_stock(100 + to, 1)).guarded(statement(text, params![1, version, to]))
    };
    assert!(matches!(store.commit(request(1, 1), edit(1, 50)).await.unwrap(), Outcome::Done { .. }));
    assert_eq!(store.commit(request(2, 1), edit(1, 60)).await.unwrap(), Outcome::Refused { statement: 1 });
    assert_eq!(stock(&store, 1).await, 50);
}

/// A request that is sent again gets the first answer, whether a guard would hold again or not.
pub async fn a_repeat_after_unknown_returns_the_recorded_answer(bed: &dyn Bed) {
    let store = open(bed).await;
    start_with(&store, put_stock(1, 5)).await;
    let take = || Change::new().guarded(take_stock(1, 5)).say(event(1, "stock.taken.v1", "x")).answering("взято");
    let receive = || Change::new().guarded(add_stock(1, 10)).say(event(1, "stock.received.v1", "x")).answering("received");
    for (key, answer, change) in [(7, "взято", &take as &dyn Fn() -> Change), (8, "received", &receive)] {
        assert!(matches!(store.commit(request(key, 3), change()).await.unwrap(), Outcome::Done { .. }));
        for _ in 0..2 {
            let again = store.commit(request(key, 3), change()).await.unwrap();
            assert_eq!(again, Outcome::Repeated { answer: answer.as_bytes().to_vec() });
        }
        assert_eq!(store.recorded(key).await.unwrap(), Some((3, answer.as_bytes().to_vec())));
    }
    assert_eq!(stock(&store, 1).await, 10);
    assert_eq!(bed.said("law").await.len(), 2);
}

/// One key for two different requests is an error of the client, and told as such.
pub async fn another_body_under_one_key_is_told(bed: &dyn Bed) {
    let store = open(bed).await;
    let first = store.commit(request(9, 1), Change::new().write(put_stock(1, 1)).answering("a")).await.unwrap();
    assert!(matches!(first, Outcome::Done { .. }));
    let other = store.commit(request(9, 2), Change::new().write(put_stock(2, 1)).answering("b")).await.unwrap();
    assert_eq!(other, Outcome::OtherBody);
    assert!(store.read_one("select id from law_stock where id = $1", params![2]).await.unwrap().is_none());
}

/// After a refusal there is no row, no event, no job and no answer.
pub async fn a_refused_commit_leaves_nothing(bed: &dyn Bed) {
    let store = open(bed).await;
    start_with(&store, put_stock(1, 5)).await;
    let job = NewJob {
        kind: "call",
        key: 1,
        due: Timestamp(0),
        deadline: None,
        body: "{}".to_owned(),
        correlation: String::new(),
        lease: None,
    };
    // The first guard holds and changes a row, so there is something to undo.
    let change = Change::new()
        .guarded(take_stock(1, 2))
        .guarded(take_stock(1, 9))
        .write(put_stock(2, 2))
        .say(event(1, "stock.taken.v1", "x"))
        .job(job)
        .answering("done");
    assert_eq!(store.commit(request(1, 1), change).await.unwrap(), Outcome::Refused { statement: 1 });
    assert_eq!(stock(&store, 1).await, 5);
    assert!(store.read_one("select id from law_stock where id = $1", params![2]).await.unwrap().is_none());
    assert!(bed.said("law").await.is_empty());
    assert_eq!(store.job_count().await.unwrap(), 0);
    assert_eq!(store.recorded(1).await.unwrap(), None);
}

/// 64 writers want 320 of 100: exactly 100 get one.
pub async fn guarded_stock_is_never_oversold_by_64_writers(bed: &dyn Bed) {
    let store = open(bed).await;
    start_with(&store, put_stock(1, 100)).await;
    let mut writers = tokio::task::JoinSet::new();
    for writer in 0..64_i64 {
        let store = store.clone();
        writers.spawn(async move {
            let mut taken = 0;
            for turn in 0..5 {
                let change = Change::new().guarded(take_stock(1, 1)).say(event(1, "stock.taken.v1", "x"));
                match store.commit(request(writer * 100 + turn, 1), change).await.unwrap() {
                    Outcome::Done { .. } => taken += 1,
                    Outcome::Refused { .. } => {}
                    other => panic!("{other:?}"),
                }
            }
            taken
        });
    }
    let taken: i64 = writers.join_all().await.into_iter().sum();
    assert_eq!(taken, 100);
    assert_eq!(stock(&store, 1).await, 0);
    assert_eq!(bed.said("law").await.len(), 100);
}

/// Commits that share a flush with a refused one all happen, each once.
pub async fn one_refused_commit_in_a_group_harms_no_other(bed: &dyn Bed) {
    let store = open(bed).await;
    start_with(&store, put_stock(1, 1_000)).await;
    let mut writers = tokio::task::JoinSet::new();
    for number in 0..120_i64 {
        let store = store.clone();
        writers.spawn(async move {
            let mut change = Change::new().guarded(take_stock(1, 1)).say(event(number, "stock.taken.v1", "x"));
            if number % 3 == 0 {
                // It fails after its first statement has changed a row.
                change = change.guarded(take_stock(1, 5_000));
            }
            let refused = matches!(store.commit(request(number, 1), change).await.unwrap(), Outcome::Refused { statement: 1 });
            assert_eq!(refused, number % 3 == 0);
        });
    }
    writers.join_all().await;
    assert_eq!(stock(&store, 1).await, 1_000 - 80);
    let said = bed.said("law").await;
    assert_eq!(said.len(), 80);
    assert!(said.iter().all(|event| event.key % 3 != 0));
}

/// The places of a service's events rise in the order in which its commits were answered.
pub async fn events_of_one_service_keep_their_order(bed: &dyn Bed) {
    let store = open(bed).await;
    let mut places = Vec::new();
    for number in 0..20 {
        let change = Change::new().say(event(number, "a.b.v1", "1")).say(event(number, "a.c.v1", "2"));
        match store.commit(Once::Nothing, change).await.unwrap() {
            Outcome::Done { seqs, .. } => places.extend(seqs),
            other => panic!("{other:?}"),
        }
    }
    assert!(places.is_sorted_by(|a, b| a < b), "{places:?}");
    let said = bed.said("law").await;
    assert_eq!(said.iter().map(|event| event.seq).collect::<Vec<_>>(), places);
    assert!(said.iter().map(|event| event.key).is_sorted());
}

/// A statement that the engine itself refuses is a fault, and the rest of its commit did not happen.
pub async fn a_broken_statement_leaves_nothing(bed: &dyn Bed) {
    let store = open(bed).await;
    start_with(&store, put_stock(1, 5)).await;
    let change = Change::new().guarded(take_stock(1, 2)).write(put_stock(1, 9)).say(event(1, "a.b.v1", "x"));
    assert_eq!(store.commit(request(1, 1), change).await.unwrap_err().code, "store_constraint");
    assert_eq!(stock(&store, 1).await, 5);
    assert!(bed.said("law").await.is_empty());
    let good = store.commit(request(1, 1), Change::new().guarded(take_stock(1, 2))).await.unwrap();
    assert!(matches!(good, Outcome::Done { .. }));
}

/// What a change made alone reads and writes is of one moment: every other commit is wholly before or wholly after it.
pub async fn others_come_before_or_after_a_change_made_alone(bed: &dyn Bed) {
    let store = open(bed).await;
    let mut writers = tokio::task::JoinSet::new();
    for writer in 0..8_i64 {
        let store = store.clone();
        writers.spawn(async move {
            for turn in 1..=20 {
                let number = writer * 100 + turn;
                let copied = statement("insert into law_kept (id, word) values ($1, 'copied')", params![number]);
                store.commit(Once::Nothing, Change::new().write(put_stock(number, 1)).write(copied)).await.unwrap();
            }
        });
    }
    while writers.try_join_next().is_none() {
        let all = Change::new()
            .write(statement("delete from law_kept", params![]))
            .write(statement("insert into law_kept (id, word) select id, 'built' from law_stock", params![]))
            .alone();
        assert!(matches!(store.commit(Once::Nothing, all).await.unwrap(), Outcome::Done { .. }));
    }
    writers.join_all().await;
    let rows = store.read("select count(*) from law_stock where id not in (select id from law_kept)", params![]).await.unwrap();
    assert_eq!(rows[0].int(0).unwrap(), 0, "something came in between");
    let rows = store.read("select count(*) from law_kept", params![]).await.unwrap();
    assert_eq!(rows[0].int(0).unwrap(), 160);
}
