//! Laws of what is kept for people: dead letters, acts, answers.

use super::{Bed, open, request};
use crate::{Change, Letter, Once, Outcome, Trimmed, What};
use base::id::{ShopId, StaffId};
use base::{Principal, Timestamp};

fn letter(id: i64, key: i64, behind: Option<i64>) -> Letter {
    Letter {
        id,
        what: What::Event,
        source: "orders".to_owned(),
        seq: id * 10,
        kind: "order.created.v1".to_owned(),
        key,
        body: "{\"имя\":\"🍕\"}".to_owned(),
        cause: "the oven is cold".to_owned(),
        attempts: 8,
        parked_at: Timestamp(77),
        behind,
    }
}

/// A letter is whole, found by its key, and can be taken away once.
pub async fn a_letter_is_kept_until_it_is_taken_once(bed: &dyn Bed) {
    let store = open(bed).await;
    let change = store.park(&letter(1, 5, None)).and(store.park(&letter(2, 5, Some(1)))).and(store.park(&letter(3, 6, None)));
    store.commit(Once::Nothing, change).await.unwrap();
    assert_eq!(store.parked(None, 0, 10).await.unwrap(), [letter(1, 5, None), letter(2, 5, Some(1)), letter(3, 6, None)]);
    assert_eq!(store.parked(Some(5), 1, 10).await.unwrap(), [letter(2, 5, Some(1))]);
    assert_eq!(store.letter(3).await.unwrap(), Some(letter(3, 6, None)));
    let keys = store.parked_keys().await.unwrap();
    assert_eq!(keys.iter().map(|key| (key.key, key.first, key.letters)).collect::<Vec<_>>(), [(5, 1, 2), (6, 3, 1)]);
    let take = || store.commit(Once::Nothing, store.unpark(1));
    assert!(matches!(take().await.unwrap(), Outcome::Done { .. }));
    assert_eq!(take().await.unwrap(), Outcome::Refused { statement: 0 });
    assert_eq!(store.parked_count().await.unwrap(), 2);
}

/// What staff did is listed with who and why, the newest first.
pub async fn acts_tell_who_and_why(bed: &dyn Bed) {
    let store = open(bed).await;
    let staff = Principal::Staff { staff: StaffId(4), shop: ShopId(1) };
    for reason in ["пересчёт", "spilt"] {
        let act = store.act(&staff, "count_stock", "stk 7", reason);
        store.commit(Once::Nothing, Change::new().write(act)).await.unwrap();
    }
    let acts = store.acts(i64::MAX, 10).await.unwrap();
    assert_eq!(acts.iter().map(|act| act.reason.as_str()).collect::<Vec<_>>(), ["spilt", "пересчёт"]);
    assert_eq!(
        (acts[0].principal.as_str(), acts[0].act.as_str(), acts[0].subject.as_str()),
        ("staff:4:1", "count_stock", "stk 7")
    );
    assert_eq!(store.acts(acts[0].id, 10).await.unwrap().len(), 1);
}

/// Retention takes the old answers, however many, and only those.
pub async fn old_answers_are_forgotten_and_new_ones_kept(bed: &dyn Bed) {
    let store = open(bed).await;
    for key in 0..30 {
        store.commit(request(key, 1), Change::new().answering("old")).await.unwrap();
    }
    let new = Once::Request { key: 99, fingerprint: 1, at: Timestamp(2_000) };
    store.commit(new, Change::new().answering("new")).await.unwrap();
    assert_eq!(store.forget_answers(Timestamp(2_000)).await.unwrap(), 30);
    assert_eq!(store.recorded(0).await.unwrap(), None);
    assert_eq!(store.recorded(99).await.unwrap(), Some((1, b"new".to_vec())));
}

/// The mark of retention moves forward, and never back.
pub async fn the_mark_of_retention_never_goes_back(bed: &dyn Bed) {
    let store = open(bed).await;
    assert_eq!(store.trimmed().await.unwrap(), Trimmed::default());
    for (ended_before, ids_below) in [(500, 70), (400, 60), (600, 80)] {
        let mark = Trimmed { ended_before: Timestamp(ended_before), ids_below };
        store.commit(Once::Nothing, Change::new().write(store.trim(mark))).await.unwrap();
        let furthest = Trimmed { ended_before: Timestamp(ended_before.max(500)), ids_below: ids_below.max(70) };
        assert_eq!(store.trimmed().await.unwrap(), furthest);
    }
}
