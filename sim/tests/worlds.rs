//! Worlds by their seeds: some of them in every run of the tests, and each twice, so that the seed is known to decide all.

use sim::command::grave;
use sim::run::{Ground, Script};
use sim::story::order::Ties;
use sim::story::text;

fn script(seed: u64) -> Script {
    Script::of(seed, 12)
}

#[test]
fn the_same_seed_is_the_same_world_step_by_step() {
    let ground = Ground::new().unwrap();
    let again = Ground::new().unwrap();
    let mut traces = std::collections::BTreeSet::new();
    for seed in 0..4 {
        let (first, second) = (ground.live(&script(seed)), again.live(&script(seed)));
        assert_eq!((first.trace, first.steps, &first.wrong), (second.trace, second.steps, &second.wrong), "seed {seed}");
        traces.insert(first.trace);
    }
    assert_eq!(traces.len(), 4, "another seed is another world");
}

#[test]
fn a_handful_of_worlds_keeps_every_promise() {
    let ground = Ground::new().unwrap();
    let mut struck = 0;
    for seed in 100..106 {
        let ended = ground.live(&script(seed));
        assert_eq!(ended.wrong, Vec::<String>::new(), "seed {seed}, {:?}", ended.troubles);
        assert!(ended.orders > 0, "seed {seed}: nobody got anything");
        struck += ended.struck.values().sum::<u64>();
    }
    assert!(struck > 50, "only {struck} faults struck");
}

#[test]
fn no_world_of_the_graveyard_breaks_a_promise_again() {
    let ground = Ground::new().unwrap();
    for grave in grave::read().unwrap() {
        let ended = ground.live(&grave.script);
        assert_eq!(ended.wrong, Vec::<String>::new(), "seed {}: {}", grave.script.seed, grave.lesson);
    }
}

#[test]
fn to_tell_a_story_changes_nothing_and_leaves_no_order_out() {
    let ground = Ground::new().unwrap();
    for seed in 20..22 {
        let (lived, (told, notes)) = (ground.live(&script(seed)), ground.tell(&script(seed)));
        assert_eq!((lived.trace, lived.steps), (told.trace, told.steps), "seed {seed}");
        let ties = Ties::of(&notes);
        assert!(ties.orders().count() as u64 >= told.orders, "seed {seed}");
        for order in ties.orders() {
            let page = text::page(order, &notes);
            assert!(page.len() <= 80, "{order} has {} lines", page.len());
            let has = |word: &str| page.iter().any(|line| line.contains(word));
            assert!(has("Place") && has("says order.created"), "{order}: {page:#?}");
            // One whose commit failed never came to be.
            assert!(has("inventory ") || !has("commits: says order.created"), "{order}: {page:#?}");
        }
    }
}

#[test]
fn a_world_that_is_over_leaves_nothing_in_memory() {
    const WORLDS: u64 = 24;
    let ground = Ground::new().unwrap();
    let weather = |seed| Script { customers: 1, together: true, ..script(seed) };
    (0..WORLDS).for_each(|seed| drop(ground.live(&weather(seed))));
    // Disks have numbers, and those that are gone give theirs back: two are there for each world that is still lived, in the
    // other tests, and none for those that are over.
    let fresh: Vec<sim_disk::Disk> = (0..8).map(sim_disk::Disk::new).collect();
    let numbers = fresh.iter().filter_map(|disk| disk.vfs().rsplit('-').next()?.parse::<u64>().ok());
    let highest = numbers.max().unwrap();
    assert!(highest < 24, "{highest} disks are in memory");
}
