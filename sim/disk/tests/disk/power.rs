//! The power goes at any moment, again and again: what was acknowledged is there, and nothing in part.

use sim_disk::{Counters, Disk};

use crate::ledger::{Commit, Dice, Ledger, UNKNOWN, open};

/// What one seed has come to.
#[derive(Debug, PartialEq, Eq)]
pub struct Lived {
    pub ledger: Ledger,
    pub counters: Counters,
    pub acknowledged: usize,
    /// Commits that were there though nobody had been told, and those that were not.
    pub doubtful: [usize; 2],
}

/// Lives through some cuts; an error is a promise that was not kept.
pub async fn live(disk: &Disk, seed: u64) -> Result<Lived, String> {
    let mut dice = Dice::new(seed);
    let mut ledger = Ledger::default();
    let mut doubt: Option<Commit> = None;
    let (mut number, mut acknowledged, mut doubtful) = (0, 0, [0, 0]);
    for life in 0..4 {
        disk.start();
        // Some cuts strike while it opens, or recovers.
        let reach = [15, 100, 400, 1_500][dice.below(4) as usize];
        disk.cut_at(1 + dice.below(reach));
        let checkpoint_pages = [1, 5, 50, 4_000][dice.below(4) as usize];
        let opened = open(disk, checkpoint_pages).await;
        if let Ok(database) = opened {
            for _ in 0..200 {
                number += 1;
                let commit = Commit::random(number, &mut dice);
                // A second connection, so that the log is not always the writer's own.
                let _ = (dice.below(3) == 0).then(|| database.read(|c| c.query_row("select count(*) from x", [], |_| Ok(()))));
                // The reader may have been the one whom the cut struck; then what the writer does is not acknowledged either.
                match commit.clone().run(&database).await {
                    Ok(()) => {
                        ledger = ledger.after(&commit);
                        acknowledged += 1;
                    }
                    Err(fault) => {
                        // Any other fault says that nothing was written.
                        doubt = (fault.code == UNKNOWN).then_some(commit);
                        break;
                    }
                }
            }
        }
        if !disk.is_down() {
            disk.cut();
        }
        disk.start();
        disk.cut_at(u64::MAX);
        let database = match open(disk, 4_000).await {
            Ok(database) => database,
            Err(fault) => return Err(format!("life {life}: it does not open: {fault:?}")),
        };
        let found = Ledger::of(&database).await?;
        let with_doubt = doubt.take().map(|commit| ledger.after(&commit));
        if found != ledger && Some(&found) != with_doubt.as_ref() {
            return Err(format!("life {life}: there is {found:?}, not {ledger:?} nor {with_doubt:?}"));
        }
        if let Some(with_doubt) = with_doubt.filter(|with_doubt| *with_doubt != ledger) {
            doubtful[usize::from(found != with_doubt)] += 1;
        }
        ledger = found;
        // Half of the time the next life finds what a close leaves, else what a second cut does.
        if dice.below(2) == 0 {
            disk.cut();
        }
    }
    disk.start();
    Ok(Lived { ledger, counters: disk.counters(), acknowledged, doubtful })
}

#[tokio::test]
async fn every_acknowledged_commit_survives_every_cut_and_no_other_is_there_in_part() {
    let mut all = Counters::default();
    let (mut acknowledged, mut doubtful) = (0, [0, 0]);
    for seed in 0..400 {
        let disk = Disk::new(seed);
        let lived = live(&disk, seed).await.unwrap_or_else(|broken| panic!("seed {seed}, {disk:?}: {broken}"));
        let counters = lived.counters;
        all.cuts += counters.cuts;
        all.torn += counters.torn;
        all.dropped += counters.dropped;
        all.reordered += counters.reordered;
        all.garbled += counters.garbled;
        acknowledged += lived.acknowledged;
        doubtful = [doubtful[0] + lived.doubtful[0], doubtful[1] + lived.doubtful[1]];
    }
    println!("{acknowledged} acknowledged; in doubt {} there, {} not; {all:?}", doubtful[0], doubtful[1]);
    // Else nothing was proved.
    assert!(acknowledged > 5_000 && doubtful[0] > 20 && doubtful[1] > 20, "{acknowledged}, {doubtful:?}");
    assert!(all.torn > 400 && all.dropped > 400 && all.reordered > 400 && all.garbled > 40, "{all:?}");
}

#[tokio::test]
async fn the_same_seed_twice_ends_the_same() {
    for seed in 0..20 {
        let first = live(&Disk::new(seed), seed).await.unwrap();
        assert_eq!(first, live(&Disk::new(seed), seed).await.unwrap());
        assert_ne!(first.counters, live(&Disk::new(seed + 1_000), seed).await.unwrap().counters, "the disk's seed matters");
    }
}

#[tokio::test]
async fn a_disk_that_lies_is_found_out() {
    let mut found = 0;
    for seed in 0..40 {
        found += usize::from(live(&Disk::lying(seed), seed).await.is_err());
    }
    assert!(found >= 35, "{found} of 40");
}
