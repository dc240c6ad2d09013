//! Laws of jobs: claimed by one, lost by nobody, used up once.

use std::sync::Arc;
use std::sync::atomic::{AtomicI64, Ordering};
use std::time::Duration;

use super::doubt::{Doubt, Doubtful};
use super::{Bed, TABLES, add_stock, open, put_stock, start_with, stock};
use crate::{Change, Job, NewJob, Once, Outcome, Store};
use base::Timestamp;

fn job(kind: &'static str, key: i64, due: i64) -> NewJob {
    NewJob {
        kind,
        key,
        due: Timestamp(due),
        deadline: Some(Timestamp(9_000)),
        body: "{\"чек\":\"🍕\"}".to_owned(),
        correlation: "corr-7".to_owned(),
        lease: None,
    }
}

async fn made(store: &Store, job: NewJob) -> Option<i64> {
    match store.commit(Once::Nothing, Change::new().job(job)).await.unwrap() {
        Outcome::Done { jobs, .. } => jobs[0],
        other => panic!("{other:?}"),
    }
}

async fn claim(store: &Store, now: i64, lease: i64) -> Vec<Job> {
    claim_of(store, now, &[("call", 100), ("mail", 100), ("ask", 100)], lease).await
}

async fn claim_of(store: &Store, now: i64, room: &[(&str, usize)], lease: i64) -> Vec<Job> {
    let due = store.due(Timestamp(now), room).await.unwrap();
    store.claim(due, Timestamp(now), lease, Timestamp(now + 1_000)).await.unwrap()
}

/// However many workers ask at once, a job goes to one of them.
pub async fn a_job_is_worked_by_one_lease_only(bed: &dyn Bed) {
    let store = open(bed).await;
    for round in 0..20_i64 {
        let due = 10_000 * (round + 1);
        for key in 0..10 {
            made(&store, job("call", round * 10 + key, due)).await;
        }
        assert!(claim(&store, due - 1, 1).await.is_empty(), "nothing is due yet");
        let start = Arc::new(tokio::sync::Barrier::new(8));
        let mut workers = tokio::task::JoinSet::new();
        for worker in 1..=8 {
            let (store, start) = (store.clone(), start.clone());
            workers.spawn(async move {
                start.wait().await;
                claim(&store, due, round * 10 + worker).await
            });
        }
        let claimed: Vec<Job> = workers.join_all().await.into_iter().flatten().collect();
        let mut keys: Vec<i64> = claimed.iter().map(|job| job.key).collect();
        keys.sort_unstable();
        assert_eq!(keys, (round * 10..round * 10 + 10).collect::<Vec<_>>());
        for job in claimed {
            store.commit(job.once(), Change::new()).await.unwrap();
        }
    }
}

/// When a lease has ended, the next worker gets the job, and the first one's answer is fenced out.
pub async fn a_job_whose_worker_died_is_claimed_again(bed: &dyn Bed) {
    let store = open(bed).await;
    start_with(&store, put_stock(1, 0)).await;
    made(&store, job("call", 5, 100)).await;
    let first = claim(&store, 100, 11).await.remove(0);
    assert_eq!((first.attempts, first.lease, first.deadline), (1, 11, Some(Timestamp(9_000))));
    assert_eq!((first.kind.as_str(), first.key, first.correlation.as_str()), ("call", 5, "corr-7"));
    assert_eq!(first.body, "{\"чек\":\"🍕\"}");
    assert_eq!(store.next_due().await.unwrap(), Some(Timestamp(1_100)));
    assert!(claim(&store, 1_099, 12).await.is_empty());
    let second = claim(&store, 1_100, 12).await.remove(0);
    assert_eq!((second.id, second.attempts), (first.id, 2));
    let add = || Change::new().guarded(add_stock(1, 1));
    assert_eq!(store.commit(first.once(), add()).await.unwrap(), Outcome::Fenced);
    assert!(matches!(store.commit(second.once(), add()).await.unwrap(), Outcome::Done { .. }));
    assert_eq!((stock(&store, 1).await, store.next_due().await.unwrap()), (1, None));
}

/// An answer that is committed twice happens once.
pub async fn a_used_up_job_is_not_used_up_again(bed: &dyn Bed) {
    let store = open(bed).await;
    start_with(&store, put_stock(1, 0)).await;
    made(&store, job("call", 5, 100)).await;
    let job = claim(&store, 100, 11).await.remove(0);
    let add = || Change::new().guarded(add_stock(1, 1));
    assert!(matches!(store.commit(job.once(), add()).await.unwrap(), Outcome::Done { .. }));
    assert_eq!(store.commit(job.once(), add()).await.unwrap(), Outcome::Repeated { answer: vec![] });
    assert_eq!(stock(&store, 1).await, 1);
}

/// A second job of a kind and key is superfluous while the first is there; a cancelled one is gone.
pub async fn there_is_one_job_of_a_kind_and_key(bed: &dyn Bed) {
    let store = open(bed).await;
    let first = made(&store, job("call", 5, 100)).await;
    assert!(first.is_some());
    assert_eq!(made(&store, job("call", 5, 50)).await, None);
    assert!(made(&store, job("mail", 5, 50)).await.is_some());
    assert_eq!(store.job("call", 5).await.unwrap().map(|job| Some(job.id)), Some(first));
    store.commit(Once::Nothing, Change::new().cancel_job("call", 5)).await.unwrap();
    assert_eq!(store.job("call", 5).await.unwrap(), None);
    assert!(made(&store, job("call", 5, 70)).await.is_some());
    assert_eq!(store.job_count().await.unwrap(), 2);
}

/// A job that is made under a lease is nobody else's until the lease ends.
pub async fn a_job_made_under_a_lease_is_held(bed: &dyn Bed) {
    let store = open(bed).await;
    start_with(&store, put_stock(1, 0)).await;
    let held = NewJob { lease: Some((77, Timestamp(500))), ..job("call", 5, 100) };
    let id = made(&store, held).await.unwrap();
    assert!(claim(&store, 499, 12).await.is_empty());
    let used = store.commit(Once::Job { id, lease: 77 }, Change::new().guarded(add_stock(1, 1))).await.unwrap();
    assert!(matches!(used, Outcome::Done { .. }));
    let held = NewJob { lease: Some((78, Timestamp(500))), ..job("call", 6, 100) };
    made(&store, held).await;
    let again = claim(&store, 500, 12).await.remove(0);
    assert_eq!((again.key, again.attempts), (6, 2));
}

/// A job given back comes again when it is due, and says why it came to nothing before; without the lease it cannot be given back.
pub async fn a_rescheduled_job_waits_and_keeps_its_cause(bed: &dyn Bed) {
    let store = open(bed).await;
    made(&store, job("call", 5, 100)).await;
    let first = claim(&store, 100, 11).await.remove(0);
    assert!(store.reschedule(&first, Timestamp(300), "нет ответа").await.unwrap());
    assert!(!store.reschedule(&first, Timestamp(200), "late").await.unwrap());
    assert_eq!(store.next_due().await.unwrap(), Some(Timestamp(300)));
    assert!(claim(&store, 299, 12).await.is_empty());
    let second = claim(&store, 300, 12).await.remove(0);
    assert_eq!((second.attempts, second.cause.as_deref()), (2, Some("нет ответа")));
    // The clock was set back: it comes again by the clock as it is, and is due when it was.
    assert!(store.reschedule(&second, Timestamp(200), "again").await.unwrap());
    assert_eq!(store.next_due().await.unwrap(), Some(Timestamp(200)));
    assert_eq!(claim(&store, 200, 13).await.remove(0).due, Timestamp(300));
}

/// The commit that uses a job up may leave the next one of the same kind and key.
pub async fn a_worked_job_may_leave_its_own_successor(bed: &dyn Bed) {
    let store = open(bed).await;
    made(&store, job("ask", 5, 100)).await;
    let first = claim(&store, 100, 11).await.remove(0);
    match store.commit(first.once(), Change::new().job(job("ask", 5, 400))).await.unwrap() {
        Outcome::Done { jobs, .. } => assert!(jobs[0].is_some_and(|id| id != first.id)),
        other => panic!("{other:?}"),
    }
    assert_eq!(store.next_due().await.unwrap(), Some(Timestamp(400)));
}

/// The worker of the process hears of a job that is due before its alarm, but not of one that is held.
pub async fn a_commit_that_makes_a_job_wakes_the_worker(bed: &dyn Bed) {
    let store = open(bed).await;
    let woken = Arc::new(AtomicI64::new(-1));
    let seen = woken.clone();
    store.on_jobs(move |due| seen.store(due.micros(), Ordering::SeqCst));
    made(&store, NewJob { lease: Some((7, Timestamp(500))), ..job("call", 1, 50) }).await;
    assert_eq!(woken.load(Ordering::SeqCst), -1);
    made(&store, job("call", 2, 60)).await;
    assert_eq!(woken.load(Ordering::SeqCst), 60);
}

/// A backlog of one kind neither hides another kind nor is claimed beyond the room there is for it.
pub async fn each_kind_is_claimed_within_its_own_room(bed: &dyn Bed) {
    let store = open(bed).await;
    for key in 0..30 {
        made(&store, job("call", key, 100 + key)).await;
    }
    made(&store, job("mail", 1, 200)).await;
    made(&store, job("ask", 1, 300)).await;
    let claimed = claim_of(&store, 200, &[("ask", 9), ("call", 2), ("mail", 9)], 11).await;
    let names: Vec<(&str, i64)> = claimed.iter().map(|job| (job.kind.as_str(), job.key)).collect();
    assert_eq!(names, [("call", 0), ("call", 1), ("mail", 1)], "the oldest of each kind, as many as there is room for");
    assert!(claim_of(&store, 200, &[("call", 0), ("mail", 9)], 12).await.is_empty());
    assert_eq!(store.next_due_of(&["call"]).await.unwrap(), Some(Timestamp(102)));
    assert_eq!(store.next_due_of(&["mail", "ask"]).await.unwrap(), Some(Timestamp(300)));
    assert_eq!(store.next_due_of(&["none"]).await.unwrap(), None);
    assert_eq!(store.next_due_of(&[]).await.unwrap(), None);
}

/// Jobs of kinds that nobody knows are found, and only those.
pub async fn jobs_of_unknown_kinds_are_found(bed: &dyn Bed) {
    let store = open(bed).await;
    for kind in ["call", "old", "mail", "older"] {
        made(&store, job(kind, 5, 100)).await;
    }
    made(&store, job("old", 6, 101)).await;
    let strange = store.claim_strange(Timestamp(100), &["call", "mail"], 9, 11, Timestamp(1_100)).await.unwrap();
    let names: Vec<(&str, i64, i64)> = strange.iter().map(|job| (job.kind.as_str(), job.key, job.lease)).collect();
    assert_eq!(names, [("old", 5, 11), ("older", 5, 11)]);
}

/// A job given back was not attempted and is due again, unless another worker has it by now: that one keeps it.
pub async fn a_job_given_back_was_not_attempted(bed: &dyn Bed) {
    let store = open(bed).await;
    made(&store, job("call", 5, 100)).await;
    let first = claim(&store, 100, 11).await;
    store.give_back(&first).await.unwrap();
    let second = claim(&store, 100, 12).await;
    assert_eq!((second[0].attempts, second[0].lease), (1, 12));
    let third = claim(&store, 1_100, 13).await;
    assert_eq!(third[0].attempts, 2);
    store.give_back(&second).await.unwrap();
    let kept = store.job("call", 5).await.unwrap().unwrap();
    assert_eq!((kept.attempts, kept.lease), (1, 13), "who was late is not counted, and takes nothing away");
    assert!(claim(&store, 1_100, 14).await.is_empty());
}

/// Whatever became of a claim whose answer was lost, its jobs are held afterwards, once, or the worker is told that nobody knows.
pub async fn a_claim_in_doubt_is_asked_for_until_it_is_certain(bed: &dyn Bed) {
    for (round, doubts) in [
        vec![Doubt::Happened],
        vec![Doubt::Lost],
        vec![Doubt::Late],
        vec![Doubt::Happened, Doubt::Failed],
        vec![Doubt::Late, Doubt::Failed, Doubt::Lost],
    ]
    .into_iter()
    .enumerate()
    {
        let engine = Arc::new(Doubtful::new(bed.engine()));
        let store = Store::open(engine.clone(), "law", TABLES, bed.world()).await.unwrap();
        let key = i64::try_from(round).unwrap();
        made(&store, job("call", key, 100)).await;
        let said = format!("{doubts:?}");
        engine.expect(doubts);
        let claimed = claim(&store, 100, 11 + key).await;
        assert_eq!(
            claimed.iter().map(|job| (job.key, job.lease, job.attempts)).collect::<Vec<_>>(),
            [(key, 11 + key, 1)],
            "{said}"
        );
        let kept = store.job("call", key).await.unwrap().unwrap();
        assert_eq!((kept.lease, kept.attempts), (11 + key, 1), "{said}");
        assert!(matches!(store.commit(claimed[0].once(), Change::new()).await.unwrap(), Outcome::Done { .. }), "{said}");
    }
    let engine = Arc::new(Doubtful::new(bed.engine()));
    let store = Store::open(engine.clone(), "law", TABLES, bed.world()).await.unwrap();
    made(&store, job("call", 99, 100)).await;
    engine.expect(vec![Doubt::Lost; 100]);
    let due = store.due(Timestamp(100), &[("call", 9)]).await.unwrap();
    let claimed = store.claim(due, Timestamp(100), 50, Timestamp(1_100)).await;
    assert_eq!(claimed.unwrap_err().code, "claim_in_doubt");
}

/// A claim in doubt is asked for as long as its lease would hold: else what it took after all would lie there unworked.
pub async fn a_claim_is_not_given_up_while_its_lease_would_hold(bed: &dyn Bed) {
    let engine = Arc::new(Doubtful::new(bed.engine()));
    let store = Store::open(engine.clone(), "law", TABLES, bed.world()).await.unwrap();
    made(&store, job("call", 5, 100)).await;
    let doubts = std::iter::once(Doubt::Happened).chain(vec![Doubt::Lost; 8]);
    engine.expect(doubts.collect());
    let until = Timestamp(100) + Duration::from_secs(60);
    let due = store.due(Timestamp(100), &[("call", 9)]).await.unwrap();
    let claimed = store.claim(due, Timestamp(100), 11, until).await.unwrap();
    assert_eq!(claimed.iter().map(|job| (job.lease, job.attempts)).collect::<Vec<_>>(), [(11, 1)]);
}

/// Nobody is told that a job was lost to another worker, or put off, while nobody knows.
pub async fn what_is_put_off_in_doubt_is_asked_for_again(bed: &dyn Bed) {
    for (key, doubt) in [(1, Doubt::Happened), (2, Doubt::Lost)] {
        let engine = Arc::new(Doubtful::new(bed.engine()));
        let store = Store::open(engine.clone(), "law", TABLES, bed.world()).await.unwrap();
        made(&store, job("call", key, 100)).await;
        let claimed = claim(&store, 100, 11).await;
        engine.expect(vec![doubt]);
        assert_eq!(store.reschedule(&claimed[0], Timestamp(300), "busy").await.unwrap_err().code, "job_in_doubt");
        assert_eq!(store.reschedule(&claimed[0], Timestamp(300), "busy").await.unwrap(), key == 2);
        let kept = store.job("call", key).await.unwrap().unwrap();
        assert_eq!((kept.due, kept.lease), (Timestamp(300), 0), "put off once, and held by nobody");
    }
}
