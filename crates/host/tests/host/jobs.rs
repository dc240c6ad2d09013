//! Jobs are worked off once, tried again, and parked.

use std::collections::BTreeMap;

use host::testing::Platform;

use crate::counting::{Hearing, Moods, leave_job, number, service};

async fn times(platform: &Platform, key: i64) -> i64 {
    number(platform, "select times from inventory_jobs_done where id = $1", key).await
}

async fn done(platform: &Platform, key: i64) {
    platform
        .eventually("the job is done once", || async {
            let times = times(platform, key).await;
            Ok(if times == 1 { Ok(()) } else { Err(format!("{times} times")) })
        })
        .await;
}

#[tokio::test]
async fn a_job_survives_a_crash_and_is_done_once() {
    let moods = Moods::default();
    let platform = Platform::start([service(&moods, Hearing::Each)]).await;
    for key in 1..=20 {
        leave_job(&platform, key).await;
    }
    // Some are done by now, some are leased, some wait.
    let platform = platform.crash_and_restart([service(&moods, Hearing::Each)], BTreeMap::new()).await;
    leave_job(&platform, 21).await;
    for key in 1..=21 {
        done(&platform, key).await;
    }
    assert_eq!(platform.ctx("inventory").store().parked_count().await.unwrap(), 0);
}

#[tokio::test]
async fn s4_x02_a_job_that_keeps_failing_is_parked_with_its_cause_and_redriven() {
    let moods = Moods::default();
    moods.away.lock().unwrap().insert(5);
    let platform = Platform::start([service(&moods, Hearing::Each)]).await;
    leave_job(&platform, 5).await;
    platform.heard("dead_letter.parked", 1).await;
    let running = platform.inner().running("inventory").unwrap().clone();
    let letters = running.letters.list(base::id::DeadLetterId(0), 10).await.unwrap();
    assert_eq!(letters.len(), 1);
    assert!(letters[0].cause.contains("away") && letters[0].attempts == 4, "{letters:?}");
    moods.away.lock().unwrap().clear();
    running.letters.redrive(base::id::DeadLetterId(letters[0].id), &host::testing::staff()).await.unwrap();
    done(&platform, 5).await;
    assert!(running.letters.list(base::id::DeadLetterId(0), 10).await.unwrap().is_empty());
}

#[tokio::test]
async fn a_job_that_was_at_work_when_its_process_died_is_taken_up_at_once() {
    let platform = Platform::start([service(&Moods::default(), Hearing::Each)]).await;
    let store = platform.ctx("inventory").store();
    // Claimed by a worker that will never come back, for longer than this test has patience.
    let (lease, until) = (99, platform.now() + std::time::Duration::from_secs(3_600));
    let job = sql::NewJob {
        kind: "count",
        key: 5,
        due: platform.now(),
        deadline: None,
        body: String::new(),
        correlation: "test".to_owned(),
        lease: Some((lease, until)),
    };
    store.commit(sql::Once::Nothing, host::Change::new().job(job)).await.unwrap();
    let platform = platform.crash_and_restart([service(&Moods::default(), Hearing::Each)], BTreeMap::new()).await;
    done(&platform, 5).await;
}
