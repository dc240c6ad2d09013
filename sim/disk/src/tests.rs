//! The machine alone: what SQLite asks of a disk too seldom for its own tests to show.

use crate::chance::Chance;
use crate::machine::{Machine, Trouble, Wish};
use crate::shared::{Shared, mask};

const MAKE: Wish = Wish { create: true, new: false, read_only: false, fleeting: false, journal: false };

fn names(machine: &Machine) -> Vec<(String, usize)> {
    machine.contents().map(|(name, content)| (name.to_owned(), content.len())).collect()
}

#[test]
fn a_file_that_was_synced_has_its_name_without_its_folder() {
    let mut lost = 0;
    for seed in 0..100 {
        let mut machine = Machine::new(seed, false);
        let (one, other) = (machine.open(Some("/one"), MAKE).unwrap(), machine.open(Some("/other"), MAKE).unwrap());
        machine.write(one, 0, b"1234").unwrap();
        machine.write(other, 0, b"1234").unwrap();
        machine.sync(one).unwrap();
        machine.cut();
        machine.start();
        let left = names(&machine);
        assert_eq!(left.first(), Some(&("/one".to_owned(), 4)));
        lost += usize::from(left.len() == 1);
    }
    assert!((20..80).contains(&lost), "{lost}");
}

#[test]
fn a_fleeting_file_goes_with_its_handle_and_a_deleted_one_stays_readable_until_then() {
    let mut machine = Machine::new(1, false);
    let fleeting = machine.open(Some("/a"), Wish { fleeting: true, ..MAKE }).unwrap();
    let other = machine.open(Some("/b"), MAKE).unwrap();
    machine.write(other, 3, b"x").unwrap();
    machine.delete("/b", true).unwrap();
    assert_eq!(machine.read(other, 0, 9), Ok(&b"\0\0\0x"[..]));
    machine.close(fleeting);
    machine.close(other);
    assert_eq!((names(&machine), machine.nodes.len()), (vec![], 1), "a deletion that is not durable keeps the file");
    assert_eq!(machine.delete("/b", true), Err(Trouble::Missing));
}

#[test]
fn what_was_opened_for_reading_is_not_written_and_what_is_there_is_not_new() {
    let mut machine = Machine::new(1, false);
    machine.open(Some("/a"), MAKE).unwrap();
    let reader = machine.open(Some("/a"), Wish { read_only: true, create: false, ..MAKE }).unwrap();
    assert_eq!(machine.write(reader, 0, b"x"), Err(Trouble::ReadOnly));
    assert_eq!(machine.truncate(reader, 0), Err(Trouble::ReadOnly));
    assert_eq!(machine.open(Some("/a"), Wish { new: true, ..MAKE }), Err(Trouble::Missing));
    assert_eq!(machine.write(0, 1 << 40, b"x"), Err(Trouble::Full), "no offset takes all memory");
}

#[test]
fn shared_memory_is_held_by_many_or_by_one() {
    let mut shared = Shared::default();
    assert!(shared.share(mask(0, 1)) && shared.share(mask(0, 1)) && shared.exclude(mask(1, 3)));
    assert!(!shared.exclude(mask(0, 2)) && !shared.share(mask(2, 1)) && !shared.exclude(mask(3, 1)));
    shared.release(mask(0, 1), mask(1, 3));
    assert!(!shared.exclude(mask(0, 1)) && shared.share(mask(2, 1)));
    shared.release(mask(0, 1), 0);
    assert!(shared.exclude(mask(0, 1)));
}

#[test]
fn chance_is_that_of_the_seed() {
    let numbers = |seed| (0..4).map(|_| 0).scan(Chance::new(seed), |chance, _| Some(chance.below(1_000))).collect::<Vec<_>>();
    assert_eq!(numbers(1), numbers(1));
    assert_ne!(numbers(1), numbers(2));
}

#[test]
fn what_is_put_there_is_durable_and_can_be_taken_from_one_disk_to_another() {
    let disk = crate::Disk::new(4);
    disk.put("/a", vec![1, 2, 3]);
    disk.cut();
    disk.start();
    let other = crate::Disk::new(5);
    other.put("/b", disk.get("/a").expect("it was put there"));
    assert_eq!((other.get("/b"), other.get("/a")), (Some(vec![1, 2, 3]), None));
}
