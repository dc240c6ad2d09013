use base::Texts;
use base::id::{OrderId, ShopId, StationId, TicketId};

use super::*;
use crate::domain::{Said, Station, StationWish, Step, Timer};

const SECOND: i64 = 1_000_000;

fn at(second: i64) -> Timestamp {
    Timestamp(second * SECOND)
}

/// One place each for preparing, baking and plating.
fn floor() -> Floor {
    let mut floor = Floor::empty(ShopId(1), 1.0);
    for (number, kind) in ["prep", "oven", "pass"].into_iter().enumerate() {
        let wish =
            StationWish { id: None, slug: kind.to_owned(), kind: kind.to_owned(), name: Texts::default(), places: 1, version: 0 };
        floor.put(wish, StationId(number as i64 + 1)).unwrap();
    }
    floor
}

/// Pizzas that take 100 seconds to prepare, 300 to bake and 40 to plate.
fn pizzas(number: i64, quantity: u32) -> Ticket {
    let step = |kind: &str, seconds, celsius| Step { station_kind: kind.to_owned(), seconds, celsius };
    let steps = vec![step("prep", 100, 0), step("oven", 300, 250), step("pass", 40, 0)];
    Ticket {
        order_id: OrderId(number),
        shop_id: ShopId(1),
        ticket_id: TicketId(number),
        state: State::Waiting,
        lines: vec![TicketLine { slug: "ham".into(), quantity, steps, ..TicketLine::default() }],
        starts_at: Timestamp(0),
        ready_at: Timestamp(0),
        time_scale: 1.0,
        reason: String::new(),
        version: 0,
    }
}

fn booked(floor: &mut Floor, quantity: u32) -> Ticket {
    let mut ticket = pizzas(1, quantity);
    let _ = ticket.book(floor, at(0));
    ticket
}

/// What others have booked: nothing.
fn alone(second: i64) -> Lines {
    Lines::of([], at(second))
}

fn mark(dish: u32, step: u32) -> Mark {
    Mark { dish, step }
}

fn seconds(ticket: &Ticket, dish: usize) -> Vec<(i64, i64)> {
    ticket.lines[0].booked[dish].iter().map(|step| (step.starts_at.0 / SECOND, step.ends_at.0 / SECOND)).collect()
}

fn free(floor: &Floor) -> Vec<i64> {
    floor.stations.iter().map(|station: &Station| station.free_at[0].0 / SECOND).collect()
}

#[test]
fn given_a_dish_in_the_oven_when_bumped_then_it_is_plated_at_once_and_the_order_is_ready_earlier() {
    let mut floor = floor();
    let mut ticket = booked(&mut floor, 1);
    let decision = ticket.bump(&mut floor, alone(150), &[mark(0, 1)], at(150)).unwrap();
    assert_eq!(seconds(&ticket, 0), [(0, 100), (100, 150), (150, 190)]);
    assert_eq!(free(&floor), [100, 150, 190]);
    assert_eq!(decision.said, [Said::Changed(Why::Bumped)]);
    assert_eq!(decision.timers[0], Timer::Ready(Some(at(190))));
    assert_eq!(ticket.lines[0].promised_at, at(440), "what was promised stays promised");
}

#[test]
fn what_was_bumped_already_stays_as_it_is_and_a_ready_ticket_too() {
    let mut floor = floor();
    let mut ticket = booked(&mut floor, 1);
    let _ = ticket.bump(&mut floor, alone(150), &[mark(0, 1)], at(150)).unwrap();
    let before = ticket.clone();
    assert!(!ticket.bump(&mut floor, alone(160), &[mark(0, 1)], at(160)).unwrap().changed);
    assert!(!ticket.bump(&mut floor, alone(160), &[mark(0, 0)], at(160)).unwrap().changed);
    assert_eq!(ticket, before);
    assert!(ticket.finish(at(190)).changed);
    assert!(!ticket.bump(&mut floor, alone(200), &[], at(200)).unwrap().changed);
}

#[test]
fn of_a_dish_that_is_named_twice_the_later_step_counts() {
    for marks in [[mark(0, 0), mark(0, 2)], [mark(0, 2), mark(0, 0)], [mark(0, 2), mark(0, 2)]] {
        let mut floor = floor();
        let mut ticket = booked(&mut floor, 1);
        let _ = ticket.bump(&mut floor, alone(50), &marks, at(50)).unwrap();
        assert_eq!(seconds(&ticket, 0), [(0, 50), (50, 50), (50, 50)]);
        assert_eq!(ticket.ready_at, at(50) + ticket.grace());
    }
}

#[test]
fn given_a_dish_in_the_line_when_one_before_it_is_bumped_then_nothing_of_it_becomes_later() {
    let mut floor = floor();
    let mut ticket = booked(&mut floor, 2);
    assert_eq!(seconds(&ticket, 1), [(100, 200), (400, 700), (700, 740)]);
    let _ = ticket.bump(&mut floor, alone(20), &[mark(0, 0)], at(20)).unwrap();
    assert_eq!(seconds(&ticket, 0), [(0, 20), (20, 320), (320, 360)]);
    let _ = ticket.bump(&mut floor, alone(30), &[mark(1, 0)], at(30)).unwrap();
    assert_eq!(seconds(&ticket, 1), [(30, 30), (320, 620), (620, 660)]);
    assert_eq!(free(&floor), [30, 620, 660]);
}

#[test]
fn given_others_in_the_line_then_a_dish_takes_a_gap_between_them_or_waits() {
    let mut floor = floor();
    let mut ticket = booked(&mut floor, 1);
    let other = |place: usize, from, to| BookedStep { station: place, place: 0, starts_at: at(from), ends_at: at(to) };
    // The oven is taken for 250 seconds: too short a gap before that. The pass has one of 50.
    let others = [other(1, 100, 350), other(2, 700, 740)];
    let _ = ticket.bump(&mut floor, Lines::of(&others, at(20)), &[mark(0, 0)], at(20)).unwrap();
    assert_eq!(seconds(&ticket, 0), [(0, 20), (350, 650), (650, 690)]);
    assert_eq!(free(&floor), [20, 650, 740]);
    let mut unseen = booked(&mut floor, 1);
    let taken = Lines::taken(&floor, at(30));
    let _ = unseen.bump(&mut floor, taken, &[mark(0, 0)], at(30)).unwrap();
    assert_eq!(seconds(&unseen, 0)[1].0, 950, "where not all is known, the end of the line is certain");
}

#[test]
fn given_others_in_the_line_when_a_wrong_press_is_taken_back_then_the_dish_has_its_place_again() {
    let other = |from, to| BookedStep { station: 0, place: 0, starts_at: at(from), ends_at: at(to) };
    let recalled = |second, others: &[BookedStep]| {
        let mut floor = floor();
        let mut ticket = booked(&mut floor, 1);
        let _ = ticket.bump(&mut floor, Lines::of(others, at(10)), &[mark(0, 0)], at(10)).unwrap();
        let _ = ticket.recall(&mut floor, Lines::of(others, at(second)), &[mark(0, 0)], at(second)).unwrap();
        seconds(&ticket, 0)
    };
    assert_eq!(recalled(14, &[other(100, 900)]), [(14, 100), (100, 400), (400, 440)], "as if nobody had pressed");
    assert_eq!(recalled(14, &[other(60, 900)]), [(900, 986), (986, 1286), (1286, 1326)], "somebody was moved up meanwhile");
    assert_eq!(
        recalled(120, &[]),
        [(120, 210), (210, 510), (510, 550)],
        "its time is over, and the cook says that it is not done"
    );
}

#[test]
fn given_a_ticket_that_waits_when_it_is_bumped_then_cooking_starts_first() {
    let mut floor = floor();
    let _ = booked(&mut floor, 1);
    let mut second = pizzas(2, 1);
    let _ = second.book(&mut floor, at(0));
    assert_eq!(second.state, State::Booked);
    let decision = second.bump(&mut floor, alone(10), &[], at(10)).unwrap();
    assert_eq!(decision.said, [Said::Started, Said::Changed(Why::Bumped)]);
    assert_eq!((second.state, second.ready_at), (State::Cooking, at(20)), "a while to take it back");
    assert!(!second.finish(at(19)).changed);
    assert_eq!(second.finish(at(20)).said, [Said::Ready]);
    assert_eq!(second.cooking_ms(), 0);
}

#[test]
fn given_a_bump_when_recalled_then_what_was_left_is_booked_again() {
    let mut floor = floor();
    let mut ticket = booked(&mut floor, 1);
    let _ = ticket.bump(&mut floor, alone(150), &[], at(150)).unwrap();
    assert_eq!(ticket.lines[0].recallable(0, at(150)), Some(1));
    let decision = ticket.recall(&mut floor, alone(155), &[], at(155)).unwrap();
    assert_eq!(seconds(&ticket, 0), [(0, 100), (155, 400), (400, 440)]);
    assert_eq!(decision.said, [Said::Changed(Why::Recalled)]);
    assert_eq!(decision.timers[0], Timer::Ready(Some(at(440))));
    assert_eq!(free(&floor), [100, 400, 440]);
    assert_eq!(ticket.recall(&mut floor, alone(156), &[], at(156)), Err(Error::NothingToRecall));
}

#[test]
fn a_recall_goes_back_one_bump_or_to_the_step_that_it_names_and_twice_is_once() {
    let mut floor = floor();
    let mut ticket = booked(&mut floor, 2);
    let _ = ticket.bump(&mut floor, alone(50), &[mark(0, 0)], at(50)).unwrap();
    let _ = ticket.bump(&mut floor, alone(60), &[], at(60)).unwrap();
    let _ = ticket.recall(&mut floor, alone(61), &[], at(61)).unwrap();
    assert_eq!(ticket.lines[0].step_at(0, at(61)), 1, "the bump before that stays");
    assert_eq!(ticket.lines[0].step_at(1, at(61)), 0);
    let twice = [mark(0, 0), mark(0, 0)];
    assert!(ticket.recall(&mut floor, alone(62), &twice, at(62)).unwrap().changed);
    let step = ticket.lines[0].booked[0][0];
    assert_eq!(step.ends_at.0 - step.starts_at.0, 38 * SECOND, "its time ran on in the cook's hands");
    assert!(!ticket.recall(&mut floor, alone(63), &twice, at(63)).unwrap().changed);
}

#[test]
fn what_the_clock_ended_or_what_has_left_is_not_recalled() {
    let mut floor = floor();
    let mut ticket = booked(&mut floor, 1);
    assert_eq!(ticket.recall(&mut floor, alone(150), &[mark(0, 0)], at(150)), Err(Error::NothingToRecall));
    let _ = ticket.bump(&mut floor, alone(160), &[], at(160)).unwrap();
    let _ = ticket.finish(at(170));
    assert_eq!(ticket.recall(&mut floor, alone(171), &[], at(171)), Err(Error::LeftKitchen));
    let mut other = pizzas(2, 1);
    assert_eq!(other.bump(&mut floor, alone(0), &[], at(0)), Err(Error::NotBooked));
    let _ = other.cancel(&mut floor);
    assert_eq!(other.bump(&mut floor, alone(0), &[], at(0)), Err(Error::TicketOver));
}

#[test]
fn a_dish_or_a_step_that_is_not_there_changes_nothing_at_all() {
    let mut floor = floor();
    let mut ticket = booked(&mut floor, 2);
    let before = (ticket.clone(), floor.clone());
    for bad in [mark(2, 0), mark(0, 3), mark(u32::MAX, 0)] {
        let refused = Err(Error::NoSuchStep { dish: bad.dish, step: bad.step });
        assert_eq!(ticket.bump(&mut floor, alone(1), &[mark(0, 0), bad], at(1)), refused);
    }
    assert_eq!((ticket, floor), before);
}

#[test]
fn a_recall_needs_a_station_that_works() {
    let mut floor = floor();
    let mut ticket = booked(&mut floor, 1);
    let _ = ticket.bump(&mut floor, alone(150), &[mark(0, 1)], at(150)).unwrap();
    floor.set_broken(StationId(2), true).unwrap();
    let refused = ticket.recall(&mut floor, alone(151), &[], at(151));
    assert_eq!(refused, Err(Error::NoPlace { why: crate::domain::Failure::StationBroken }));
}

#[test]
fn where_cooks_say_what_is_done_the_clock_ends_nothing() {
    let mut floor = floor();
    floor.by_hand = true;
    let mut ticket = booked(&mut floor, 1);
    assert!(!ticket.finish(at(10_000)).changed);
    assert_eq!(ticket.lines[0].state_of(0, at(10_000)).name(), "prepared", "it is late, and still there");
    let _ = ticket.bump(&mut floor, alone(10_000), &[mark(0, 1)], at(10_000)).unwrap();
    assert_eq!(seconds(&ticket, 0)[2], (10_000, 10_040), "what follows is booked anew");
    let decision = ticket.bump(&mut floor, alone(10_005), &[], at(10_005)).unwrap();
    assert_eq!(decision.timers[0], Timer::Ready(Some(at(10_015))));
    assert_eq!(ticket.finish(at(10_015)).said, [Said::Ready]);
}

/// A small generator of chance (xorshift, Marsaglia 2003).
fn below(state: &mut u64, limit: u64) -> u64 {
    *state ^= *state << 13;
    *state ^= *state >> 7;
    *state ^= *state << 17;
    *state % limit
}

#[test]
fn whatever_cooks_say_no_place_holds_two_dishes_at_once() {
    for seed in 1..=40_u64 {
        let (mut chance, mut floor, mut now) = (seed * 7 + 1, floor(), Timestamp(0));
        let mut tickets: Vec<Ticket> = Vec::new();
        for number in 0..80 {
            now = now + Duration::from_micros(below(&mut chance, 60_000_000));
            let act = below(&mut chance, 4);
            if act == 0 || tickets.is_empty() {
                let mut ticket = pizzas(number, 1 + below(&mut chance, 2) as u32);
                let _ = ticket.book(&mut floor, now);
                tickets.push(ticket);
                continue;
            }
            let picked = below(&mut chance, tickets.len() as u64) as usize;
            let beside = tickets.iter().enumerate().filter(|(number, _)| *number != picked);
            let lines = if seed % 5 == 0 {
                Lines::taken(&floor, now)
            } else {
                beside.fold(Lines::of([], now), |mut lines, (_, other)| {
                    lines.add(other.booked());
                    lines
                })
            };
            let marks = [mark(0, below(&mut chance, 3) as u32)];
            let marks = if below(&mut chance, 3) == 0 { &[][..] } else { &marks[..] };
            let ticket = &mut tickets[picked];
            let _ =
                if act == 1 { ticket.recall(&mut floor, lines, marks, now) } else { ticket.bump(&mut floor, lines, marks, now) };
            for ticket in &mut tickets {
                let _ = ticket.start(now);
                let _ = ticket.finish(now);
            }
            let mut spans: Vec<_> =
                tickets.iter().flat_map(Ticket::booked).filter(|step| step.ends_at > step.starts_at).collect();
            spans.sort_by_key(|step| (step.station, step.starts_at));
            for pair in spans.windows(2).filter(|pair| pair[0].station == pair[1].station) {
                assert!(pair[0].ends_at <= pair[1].starts_at, "seed {seed}, act {number}: {pair:?}");
            }
            for steps in tickets.iter().flat_map(|ticket| &ticket.lines[0].booked) {
                assert!(steps.windows(2).all(|pair| pair[0].ends_at <= pair[1].starts_at), "seed {seed}: {steps:?}");
            }
        }
    }
}
