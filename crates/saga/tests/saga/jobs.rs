//! Kinds of jobs have turns of their own, and a job begins only while its lease holds.

use std::collections::BTreeMap;
use std::sync::atomic::Ordering;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use base::Fault;
use saga::{Leave, Retry, Work};
use sql::Change;

use crate::stage::{Stage, kind, soon};

const LONG: Duration = Duration::from_secs(50);

#[tokio::test]
async fn a_slow_kind_does_not_hold_up_another() {
    let stage = Stage::new().await;
    let (calls, mut calling) = kind(3, &stage.world, LONG);
    let (mails, mut mailing) = kind(4, &stage.world, Duration::ZERO);
    stage.leave("call", 1..=3_000).await;
    stage.work([("call", calls), ("mail", mails)]).await;
    for _ in 0..3 {
        soon("a call begins", calling.recv()).await;
    }
    for key in 0..20 {
        stage.leave("mail", [key]).await;
        assert_eq!(soon("the mail goes out", mailing.recv()).await.unwrap().key, key);
    }
    stage.until("the mails are done", || async { stage.store.job_count().await.unwrap() == 3_000 }).await;
    assert_eq!(stage.store.leased_count().await.unwrap(), 3, "what has no turn is not claimed");
    assert!(calling.try_recv().is_err());
}

#[tokio::test]
async fn a_job_never_runs_twice_while_its_lease_holds() {
    let stage = Stage::new().await;
    let (calls, mut calling) = kind(2, &stage.world, LONG);
    stage.work([("call", calls)]).await;
    stage.leave("call", 1..=10).await;
    let mut began = BTreeMap::new();
    // The last of them wait for minutes, several times as long as a lease.
    for _ in 0..5 {
        for _ in 0..2 {
            let job = soon("a turn comes free", calling.recv()).await.unwrap();
            assert_eq!(began.insert(job.key, job.attempts), None, "it began once already");
        }
        stage.clock.pass(LONG);
    }
    stage.until("all are done", || async { stage.store.job_count().await.unwrap() == 0 }).await;
    assert!(calling.try_recv().is_err());
    assert_eq!(began.into_values().collect::<Vec<_>>(), [1; 10], "waiting is no attempt");
}

#[tokio::test]
async fn a_job_whose_lease_passed_is_not_begun() {
    let stage = Stage::new().await;
    stage.leave("call", [1, 2]).await;
    let (calls, mut calling) = kind(8, &stage.world, LONG);
    stage.work([("call", calls)]).await;
    // The next commit claims: when that one is through, its lease is over.
    stage.engine.takes.store(61_000_000, Ordering::SeqCst);
    for key in [1, 2] {
        let job = soon("it comes back by itself", calling.recv()).await.unwrap();
        assert_eq!((job.key, job.attempts), (key, 1), "only what was begun counts");
    }
    assert_eq!(stage.engine.takes.load(Ordering::SeqCst), 0);
    assert!(stage.store.next_due().await.unwrap().unwrap() > stage.world.now(), "they began under a lease that holds");
    stage.clock.pass(LONG);
    stage.until("both are done", || async { stage.store.job_count().await.unwrap() == 0 }).await;
    assert!(calling.try_recv().is_err());
}

#[tokio::test]
async fn a_claim_that_finds_nothing_writes_nothing_and_one_that_finds_many_writes_once() {
    let stage = Stage::new().await;
    let (calls, mut calling) = kind(100, &stage.world, LONG);
    let (mails, _mailing) = kind(100, &stage.world, LONG);
    stage.work([("call", calls), ("mail", mails)]).await;
    let before = stage.engine.commits.load(Ordering::SeqCst);
    for _ in 0..20 {
        stage.clock.pass(Duration::from_secs(6));
        tokio::task::yield_now().await;
    }
    assert_eq!(stage.engine.commits.load(Ordering::SeqCst), before, "nothing was due");
    stage.leave("call", 1..=90).await;
    for _ in 0..90 {
        soon("a call begins", calling.recv()).await;
    }
    assert_eq!(stage.engine.commits.load(Ordering::SeqCst), before + 2, "one that left them, one that claimed them");
}

#[tokio::test]
async fn jobs_that_are_held_back_are_left_alone_until_one_has_gone_well() {
    let mut stage = Stage::new().await;
    let leave = Arc::new(Mutex::new(Leave::NoneFor(Duration::from_secs(3))));
    let asked = leave.clone();
    stage.brake = Some(("call", Arc::new(move || *asked.lock().unwrap())));
    let (calls, mut calling) = kind(8, &stage.world, LONG);
    stage.work([("call", calls)]).await;
    stage.leave("call", 1..=5).await;
    let before = stage.engine.commits.load(Ordering::SeqCst);
    for _ in 0..20 {
        stage.clock.pass(Duration::from_secs(3));
        for _ in 0..20 {
            tokio::task::yield_now().await;
        }
    }
    assert!(calling.try_recv().is_err() && stage.engine.commits.load(Ordering::SeqCst) == before, "nobody tries in vain");
    *leave.lock().unwrap() = Leave::One;
    stage.clock.pass(Duration::from_secs(3));
    let first = soon("one may look", calling.recv()).await.unwrap();
    for _ in 0..100 {
        tokio::task::yield_now().await;
    }
    assert_eq!(
        (first.attempts, stage.store.leased_count().await.unwrap()),
        (1, 1),
        "waiting was no attempt, and the others wait"
    );
    *leave.lock().unwrap() = Leave::All;
    stage.clock.pass(LONG);
    for _ in 0..4 {
        soon("the others follow at once", calling.recv()).await.unwrap();
    }
}

#[tokio::test]
async fn a_worker_without_work_asks_once_a_nap_and_sees_what_another_process_leaves() {
    let stage = Stage::new().await;
    let (calls, mut calling) = kind(1, &stage.world, LONG);
    stage.work([("call", calls)]).await;
    let reads = || stage.engine.reads.load(Ordering::SeqCst);
    for _ in 0..100 {
        tokio::task::yield_now().await;
    }
    let before = reads();
    for nap in 1..=20 {
        stage.clock.pass(Duration::from_secs(6));
        stage.until("it asks", || async { reads() >= before + nap }).await;
    }
    for _ in 0..100 {
        tokio::task::yield_now().await;
    }
    assert_eq!(reads(), before + 20);
    // Whoever commits through another handle calls nobody here.
    let other = sql::Store::open(stage.engine.clone(), "shop", &[], stage.world.clone()).await.unwrap();
    let job = sql::NewJob {
        kind: "call",
        key: 7,
        due: stage.world.now(),
        deadline: None,
        body: String::new(),
        correlation: String::new(),
        lease: None,
    };
    other.commit(sql::Once::Nothing, sql::Change::new().job(job)).await.unwrap();
    stage.clock.pass(Duration::from_secs(6));
    assert_eq!(soon("it is seen", calling.recv()).await.unwrap().key, 7);
}

/// Jobs of a kind that is worked in batches, each told as it begins and ended by the test, well or not.
type Batches = tokio::sync::mpsc::Receiver<(Vec<i64>, tokio::sync::oneshot::Sender<Result<(), Fault>>)>;

fn batches() -> ((Retry, Work), Batches) {
    let (began, beginning) = tokio::sync::mpsc::channel(10);
    let work = Work::Many(Arc::new(move |jobs: Vec<sql::Job>| {
        let (end, ended) = tokio::sync::oneshot::channel();
        let known = began.try_send((jobs.iter().map(|job| job.key).collect(), end));
        Box::pin(async move {
            known.expect("the test looks on");
            ended.await.unwrap_or(Ok(())).map(|()| Change::new())
        })
    }));
    ((Retry::TIMER, work), beginning)
}

async fn alone_with_batches() -> (Stage, Batches) {
    let stage = Stage::new().await;
    stage.engine.alone.store(true, Ordering::SeqCst);
    let (ready, batches) = batches();
    stage.work([("ready", ready)]).await;
    (stage, batches)
}

#[tokio::test]
async fn who_is_alone_with_the_data_works_batches_unclaimed_and_one_at_a_time() {
    let (stage, mut batches) = alone_with_batches().await;
    let before = stage.engine.commits.load(Ordering::SeqCst);
    stage.leave("ready", [1, 2, 3]).await;
    let (first, end) = soon("the first batch begins", batches.recv()).await.unwrap();
    stage.leave("ready", [4, 5]).await;
    for _ in 0..100 {
        tokio::task::yield_now().await;
    }
    assert_eq!((first, stage.store.leased_count().await.unwrap()), (vec![1, 2, 3], 0));
    assert!(batches.try_recv().is_err(), "what is in hand looks as if it were due");
    end.send(Ok(())).unwrap();
    let (second, end) = soon("the second batch begins", batches.recv()).await.unwrap();
    assert_eq!(second, [4, 5]);
    end.send(Ok(())).unwrap();
    stage.until("all are done", || async { stage.store.job_count().await.unwrap() == 0 }).await;
    assert_eq!(stage.engine.commits.load(Ordering::SeqCst), before + 4, "two that left them, two that used them up");
}

#[tokio::test]
async fn what_fails_unclaimed_is_claimed_and_holds_up_nobody() {
    let (stage, mut batches) = alone_with_batches().await;
    stage.leave("ready", [1, 2]).await;
    let broken = || Err(Fault::internal("broken", "It has a defect."));
    let (first, end) = soon("a batch begins", batches.recv()).await.unwrap();
    end.send(broken()).unwrap();
    let (again, held) = soon("it is tried again", batches.recv()).await.unwrap();
    assert_eq!((first, again, stage.store.leased_count().await.unwrap()), (vec![1, 2], vec![1, 2], 2));
    stage.leave("ready", [3]).await;
    let (other, end) = soon("another begins meanwhile", batches.recv()).await.unwrap();
    assert_eq!(other, [3]);
    end.send(Ok(())).unwrap();
    held.send(broken()).unwrap();
    for key in [1, 2] {
        let (alone, end) = soon("each takes its chance alone", batches.recv()).await.unwrap();
        assert_eq!(alone, [key]);
        end.send(if key == 1 { broken() } else { Ok(()) }).unwrap();
    }
    stage.until("one is left", || async { stage.store.job_count().await.unwrap() == 1 }).await;
    let left = stage.store.job("ready", 1).await.unwrap().unwrap();
    assert_eq!(left.attempts, 1);
}

#[tokio::test]
async fn an_unclaimed_batch_that_hangs_holds_up_its_kind_for_a_lease_at_most() {
    let (stage, mut batches) = alone_with_batches().await;
    stage.leave("ready", [1]).await;
    let (first, _hangs) = soon("a batch begins", batches.recv()).await.unwrap();
    stage.leave("ready", [2]).await;
    stage.clock.pass(LONG);
    for _ in 0..100 {
        tokio::task::yield_now().await;
    }
    assert!(first == [1] && batches.try_recv().is_err(), "it may still end well");
    stage.clock.pass(LONG);
    let mut begun = Vec::new();
    for _ in 0..2 {
        let (batch, end) = soon("both begin", batches.recv()).await.unwrap();
        begun.extend(batch);
        end.send(Ok(())).unwrap();
    }
    begun.sort_unstable();
    assert_eq!(begun, [1, 2]);
    stage.until("all are done", || async { stage.store.job_count().await.unwrap() == 0 }).await;
}

#[tokio::test]
async fn an_unclaimed_batch_whose_keys_are_all_in_hand_holds_up_its_kind_for_a_moment_only() {
    let stage = Stage::new().await;
    stage.engine.alone.store(true, Ordering::SeqCst);
    let ((begin, mut beginning), (end, mut ending)) = (batches(), batches());
    stage.work([("begin", begin), ("end", end)]).await;
    stage.leave("begin", [1]).await;
    let (_, go_on) = soon("a batch begins", beginning.recv()).await.unwrap();
    stage.leave("end", [1]).await;
    for _ in 0..100 {
        tokio::task::yield_now().await;
    }
    stage.leave("end", [2]).await;
    stage.clock.pass(Duration::from_secs(1));
    let (other, done) = soon("what is free goes on", ending.recv()).await.unwrap();
    assert_eq!(other, [2]);
    done.send(Ok(())).unwrap();
    go_on.send(Ok(())).unwrap();
    let (waited, done) = soon("the other follows", ending.recv()).await.unwrap();
    assert_eq!(waited, [1]);
    done.send(Ok(())).unwrap();
    stage.until("all are done", || async { stage.store.job_count().await.unwrap() == 0 }).await;
}

#[tokio::test]
async fn kinds_that_speak_of_the_same_keys_wait_for_each_other() {
    let stage = Stage::new().await;
    let (began, mut beginning) = tokio::sync::mpsc::channel::<(&str, tokio::sync::oneshot::Sender<()>)>(10);
    let batch = |name: &'static str| {
        let began = began.clone();
        let work = Work::Many(Arc::new(move |_| {
            let (go_on, told) = tokio::sync::oneshot::channel();
            let known = began.try_send((name, go_on));
            Box::pin(async move {
                known.expect("the test looks on");
                let _ = told.await;
                Ok(Change::new())
            })
        }));
        (Retry::TIMER, work)
    };
    stage.work([("begin", batch("begin")), ("end", batch("end"))]).await;
    stage.leave("begin", [1, 2, 3]).await;
    let (first, go_on) = soon("the first batch begins", beginning.recv()).await.unwrap();
    stage.leave("end", [2, 3]).await;
    stage.until("the second is claimed", || async { stage.store.leased_count().await.unwrap() == 5 }).await;
    for _ in 0..100 {
        tokio::task::yield_now().await;
    }
    assert!(first == "begin" && beginning.try_recv().is_err(), "it would decide on what the first is about to change");
    go_on.send(()).unwrap();
    let (second, go_on) = soon("the second batch begins", beginning.recv()).await.unwrap();
    assert_eq!((second, stage.store.job_count().await.unwrap()), ("end", 2), "the first is committed");
    go_on.send(()).unwrap();
    stage.until("all are done", || async { stage.store.job_count().await.unwrap() == 0 }).await;
}

#[tokio::test]
async fn a_job_that_nobody_knows_is_parked() {
    let stage = Stage::new().await;
    stage.leave("forgotten", [5]).await;
    let (calls, _calling) = kind(1, &stage.world, LONG);
    let running = stage.work([("call", calls)]).await;
    stage.until("it is parked", || async { stage.store.parked_count().await.unwrap() == 1 }).await;
    let letters = running.letters.list(base::id::DeadLetterId(0), 10).await.unwrap();
    assert!(letters[0].kind == "forgotten" && letters[0].cause.contains("Nobody works"), "{letters:?}");
}

#[tokio::test]
async fn a_moment_without_room_costs_a_job_no_lease() {
    let stage = Stage::new().await;
    let (calls, mut calling) = kind(1, &stage.world, Duration::from_secs(5));
    stage.work([("call", calls)]).await;
    stage.leave("call", [1]).await;
    soon("the call begins", calling.recv()).await;
    // Neither what was done nor that it is to be done again can be written down.
    stage.engine.fails.store(3, Ordering::SeqCst);
    stage.clock.pass(Duration::from_secs(5));
    stage.until("nothing could be written", || async { stage.engine.fails.load(Ordering::SeqCst) < 2 }).await;
    // Less than a lease passes, in steps that leave time for what they wake.
    let mut put_off = false;
    for look in 0..5_000 {
        if look % 20 == 0 {
            stage.clock.pass(Duration::from_millis(200));
        }
        put_off = stage.store.leased_count().await.unwrap() == 0 || calling.try_recv().is_ok();
        if put_off {
            break;
        }
        tokio::task::yield_now().await;
    }
    assert!(put_off, "it waits for the end of its lease");
}

#[tokio::test]
async fn no_job_begins_that_came_due_after_the_gate_was_closed() {
    let stage = Stage::new().await;
    let (calls, mut calling) = kind(1, &stage.world, Duration::ZERO);
    let running = stage.work([("call", calls)]).await;
    let scans = &stage.engine.scans;
    scans.hold(true);
    let (before, claims) = (scans.begun(), stage.engine.reads.load(Ordering::SeqCst));
    stage.until("jobs of unknown kinds are looked for", || async { scans.begun() == before + 1 }).await;
    running.gate.set_open(false);
    stage.leave("call", [1]).await;
    scans.hold(false);
    stage.until("there are none", || async { scans.ended() > before }).await;
    assert_eq!(stage.engine.reads.load(Ordering::SeqCst), claims, "the gate is closed: nothing is claimed");
    running.gate.set_open(true);
    assert_eq!(soon("the call begins", calling.recv()).await.unwrap().key, 1);
}
