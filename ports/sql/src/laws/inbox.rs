//! Laws of the inbox: what was heard is done once, by one loop.

use super::{Bed, add_stock, event, open, put_stock, start_with, stock, take_stock};
use crate::{AllOutcome, Change, Heard, Once, Outcome};

fn heard(from: i64, upto: i64, ahead: &[i64]) -> Heard {
    Heard { source: "orders".to_owned(), from, upto, ahead: ahead.to_vec(), known: 0 }
}

fn add() -> Change {
    Change::new().guarded(add_stock(1, 1))
}

/// A refused reaction leaves the cursor where it was; a done one moves it.
pub async fn a_cursor_moves_only_with_its_commit(bed: &dyn Bed) {
    let store = open(bed).await;
    start_with(&store, put_stock(1, 5)).await;
    assert_eq!(store.cursor("orders").await.unwrap(), (0, vec![]));
    let refused = store.commit(Once::Heard(heard(0, 3, &[])), Change::new().guarded(take_stock(1, 9))).await.unwrap();
    assert_eq!(refused, Outcome::Refused { statement: 0 });
    assert_eq!(store.cursor("orders").await.unwrap(), (0, vec![]));
    assert!(matches!(store.commit(Once::Heard(heard(0, 3, &[])), add()).await.unwrap(), Outcome::Done { .. }));
    assert!(matches!(store.commit(Once::Heard(heard(3, 8, &[])), add()).await.unwrap(), Outcome::Done { .. }));
    assert_eq!(store.cursor("orders").await.unwrap(), (8, vec![]));
    assert_eq!(store.cursor("payments").await.unwrap(), (0, vec![]));
}

/// The same event again, after its commit, is recognised and changes nothing.
pub async fn an_event_heard_twice_changes_state_once(bed: &dyn Bed) {
    let store = open(bed).await;
    start_with(&store, put_stock(1, 0)).await;
    for (from, upto) in [(0, 3), (3, 4)] {
        let commit = || store.commit(Once::Heard(heard(from, upto, &[])), add().say(event(1, "a.b.v1", "x")));
        assert!(matches!(commit().await.unwrap(), Outcome::Done { .. }));
        assert_eq!(commit().await.unwrap(), Outcome::Repeated { answer: vec![] });
    }
    assert_eq!(stock(&store, 1).await, 2);
    assert_eq!(bed.said("law").await.len(), 2);
}

/// Of two loops that believe in the same cursor, one moves it and the other is told.
pub async fn a_second_loop_is_fenced_out(bed: &dyn Bed) {
    let store = open(bed).await;
    start_with(&store, put_stock(1, 0)).await;
    assert!(matches!(store.commit(Once::Heard(heard(0, 3, &[])), add()).await.unwrap(), Outcome::Done { .. }));
    for late in [heard(0, 5, &[]), heard(2, 5, &[]), heard(9, 12, &[])] {
        assert_eq!(store.commit(Once::Heard(late), add()).await.unwrap(), Outcome::Fenced);
    }
    assert_eq!((stock(&store, 1).await, store.cursor("orders").await.unwrap().0), (1, 3));

    let mut loops = tokio::task::JoinSet::new();
    for _ in 0..16 {
        let store = store.clone();
        loops.spawn(async move { store.commit(Once::Heard(heard(3, 4, &[])), add()).await.unwrap() });
    }
    let done = loops.join_all().await.into_iter().filter(|outcome| matches!(outcome, Outcome::Done { .. })).count();
    assert_eq!((done, stock(&store, 1).await), (1, 2));
}

/// An event done ahead of a slower one stays done while the cursor waits, and is forgotten when the cursor has passed.
pub async fn an_event_done_ahead_is_not_done_again(bed: &dyn Bed) {
    let store = open(bed).await;
    start_with(&store, put_stock(1, 0)).await;
    let commit = |heard: Heard| store.commit(Once::Heard(heard), add());
    assert!(matches!(commit(heard(0, 0, &[5, 7])).await.unwrap(), Outcome::Done { .. }));
    assert_eq!(store.cursor("orders").await.unwrap(), (0, vec![5, 7]));
    assert_eq!(commit(heard(0, 0, &[5, 7])).await.unwrap(), Outcome::Repeated { answer: vec![] });
    assert_eq!(commit(heard(0, 0, &[6, 7])).await.unwrap(), Outcome::Fenced);
    assert_eq!(commit(heard(0, 0, &[7])).await.unwrap(), Outcome::Repeated { answer: vec![] });
    // A second loop with the same cursor has not seen that 5 was done, and would do it again.
    assert_eq!(commit(heard(0, 5, &[9])).await.unwrap(), Outcome::Fenced);
    assert!(matches!(commit(Heard { known: 1, ..heard(0, 5, &[9]) }).await.unwrap(), Outcome::Done { .. }));
    assert_eq!(store.cursor("orders").await.unwrap(), (5, vec![7, 9]));
    assert_eq!(commit(Heard { known: 1, ..heard(5, 9, &[]) }).await.unwrap(), Outcome::Fenced);
    assert!(matches!(commit(Heard { known: 2, ..heard(5, 9, &[]) }).await.unwrap(), Outcome::Done { .. }));
    assert_eq!((store.cursor("orders").await.unwrap(), stock(&store, 1).await), ((9, vec![]), 3));
}

/// Many reactions in one commit: later ones see what earlier ones wrote; one refusal undoes all and is named.
pub async fn several_changes_share_one_move_or_none_happens(bed: &dyn Bed) {
    let store = open(bed).await;
    start_with(&store, put_stock(1, 2)).await;
    let take = || Change::new().write(add_stock(1, 0)).guarded(take_stock(1, 1)).say(event(1, "a.b.v1", "x"));
    let refused = store.commit_all(heard(0, 3, &[]), vec![take(), take(), take()]).await.unwrap();
    assert_eq!(refused, AllOutcome::Refused { part: 2, statement: 1 });
    assert_eq!((stock(&store, 1).await, bed.said("law").await.len()), (2, 0));
    let done = store.commit_all(heard(0, 2, &[]), vec![take(), take()]).await.unwrap();
    assert!(matches!(&done, AllOutcome::Done { seqs, .. } if seqs.len() == 2), "{done:?}");
    assert_eq!(store.commit_all(heard(0, 2, &[]), vec![take(), take()]).await.unwrap(), AllOutcome::Repeated);
    assert_eq!(store.commit_all(heard(1, 4, &[]), vec![add()]).await.unwrap(), AllOutcome::Fenced);
    assert_eq!((stock(&store, 1).await, store.cursor("orders").await.unwrap().0), (0, 2));
}
