//! What holds of the kitchen whatever happens: days of random orders, cancellations and broken stations.

use std::collections::BTreeMap;

use base::id::{OrderId, ShopId, StationId, TicketId};
use base::{Texts, Timestamp};

use super::*;

const SECOND: i64 = 1_000_000;

fn floor(stations: &[(&str, usize)]) -> Floor {
    let mut floor = Floor::empty(ShopId(1), 1.0);
    for (number, (kind, places)) in stations.iter().enumerate() {
        let slug = format!("{kind}-{number}");
        let wish = StationWish { id: None, slug, kind: (*kind).to_owned(), name: Texts::default(), places: *places, version: 0 };
        floor.put(wish, StationId(number as i64 + 1)).unwrap();
    }
    floor
}

fn line(quantity: u32, steps: &[(&str, i64, i32)]) -> TicketLine {
    let steps = steps.iter().map(|(kind, seconds, celsius)| Step {
        station_kind: (*kind).to_owned(),
        seconds: *seconds,
        celsius: *celsius,
    });
    TicketLine {
        line: 0,
        slug: "ham".into(),
        size: "M".into(),
        options: vec![],
        quantity,
        steps: steps.collect(),
        ..TicketLine::default()
    }
}

fn pizza(quantity: u32) -> TicketLine {
    line(quantity, &[("prep", 120, 0), ("oven", 360, 300), ("pass", 40, 0)])
}

fn ticket(number: i64, lines: Vec<TicketLine>) -> Ticket {
    Ticket {
        order_id: OrderId(number),
        shop_id: ShopId(1),
        ticket_id: TicketId(number + 1_000_000),
        state: State::Waiting,
        lines,
        starts_at: Timestamp(0),
        ready_at: Timestamp(0),
        time_scale: 1.0,
        reason: String::new(),
        version: 0,
    }
}

/// Times of a ticket's first dish, in whole seconds.
fn seconds(ticket: &Ticket) -> Vec<(i64, i64)> {
    ticket.lines[0].booked[0].iter().map(|step| (step.starts_at.0 / SECOND, step.ends_at.0 / SECOND)).collect()
}

#[test]
fn s1_k01_given_a_free_floor_when_paid_then_the_steps_follow_each_other_and_cooking_starts_at_once() {
    let mut floor = floor(&[("prep", 1), ("oven", 1), ("pass", 1)]);
    let mut ticket = ticket(1, vec![pizza(1)]);
    let decision = ticket.book(&mut floor, Timestamp(10 * SECOND));
    assert_eq!(seconds(&ticket), [(10, 130), (130, 490), (490, 530)]);
    assert_eq!(decision.said, [Said::Started]);
    assert_eq!(decision.timers, [Timer::Ready(Some(Timestamp(530 * SECOND)))]);
    assert_eq!((ticket.state, ticket.cooking_ms()), (State::Cooking, 520_000));
}

#[test]
fn s1_k01_given_a_busy_floor_when_paid_then_the_dish_waits_for_its_turn_at_each_station() {
    let mut floor = floor(&[("prep", 1), ("oven", 1), ("pass", 1)]);
    let _ = ticket(1, vec![pizza(1)]).book(&mut floor, Timestamp(0));
    let mut second = ticket(2, vec![pizza(1)]);
    let decision = second.book(&mut floor, Timestamp(0));
    assert_eq!(seconds(&second), [(120, 240), (480, 840), (840, 880)]);
    assert!(decision.said.is_empty());
    let timers = [Timer::Start(Some(Timestamp(120 * SECOND))), Timer::Ready(Some(Timestamp(880 * SECOND)))];
    assert_eq!((second.state, decision.timers.as_slice()), (State::Booked, timers.as_slice()));
}

#[test]
fn given_two_free_places_then_the_one_that_was_freed_last_is_taken() {
    let mut floor = floor(&[("oven", 2)]);
    floor.stations[0].free_at = vec![Timestamp(0), Timestamp(5)];
    let booked = floor.book(&line(1, &[("oven", 1, 200)]).steps, Timestamp(9));
    assert_eq!((booked[0].place, booked[0].starts_at), (1, Timestamp(9)));
}

#[test]
fn given_an_early_payment_when_the_order_is_known_then_it_is_booked_and_booking_twice_changes_nothing() {
    let mut floor = floor(&[("prep", 1), ("oven", 1), ("pass", 1)]);
    let mut ticket = Ticket { state: State::PaidEarly, ..ticket(1, vec![pizza(1)]) };
    assert!(ticket.book(&mut floor, Timestamp(0)).changed);
    let (again, before) = (ticket.clone(), floor.clone());
    assert_eq!(ticket.book(&mut floor, Timestamp(1)), Decision::default());
    assert_eq!((ticket, floor), (again, before));
}

#[test]
fn given_a_dish_without_steps_then_it_is_cooked_at_once() {
    let mut ticket = ticket(1, vec![line(2, &[])]);
    let decision = ticket.book(&mut floor(&[]), Timestamp(7));
    assert_eq!((ticket.state, decision.said), (State::Ready, vec![Said::Started, Said::Ready]));
    assert!(decision.timers.is_empty());
}

#[test]
fn given_no_station_of_a_kind_then_the_ticket_fails_and_takes_no_place() {
    let mut floor = floor(&[("prep", 1), ("pass", 1)]);
    let before = floor.clone();
    let mut failed = ticket(1, vec![pizza(1)]);
    assert_eq!(failed.book(&mut floor, Timestamp(0)).said, [Said::Failed(Failure::NoStation)]);
    assert_eq!((failed.state, failed.reason.as_str(), &floor), (State::Failed, "no_station", &before));
    let mut large = ticket(2, vec![line(2_001, &[("prep", 1, 0)])]);
    assert_eq!(large.book(&mut floor, Timestamp(0)).said, [Said::Failed(Failure::TooManyDishes)]);
    floor.set_broken(StationId(1), true).unwrap();
    let mut late = ticket(3, vec![line(1, &[("prep", 1, 0)])]);
    assert_eq!(late.book(&mut floor, Timestamp(0)).said, [Said::Failed(Failure::StationBroken)]);
}

#[test]
fn given_a_booked_ticket_when_cancelled_then_its_places_are_free_again_and_a_cooking_one_stays() {
    let mut floor = floor(&[("prep", 1), ("oven", 1), ("pass", 1)]);
    let mut first = ticket(1, vec![pizza(1)]);
    let _ = first.book(&mut floor, Timestamp(0));
    let before = floor.clone();
    let mut second = ticket(2, vec![pizza(3)]);
    let _ = second.book(&mut floor, Timestamp(0));
    let decision = second.cancel(&mut floor);
    assert_eq!(decision.timers, [Timer::Start(None), Timer::Ready(None)]);
    assert_eq!((second.state, second.booked().count()), (State::Cancelled, 0));
    let free = |floor: &Floor| floor.stations.iter().map(|station| station.free_at.clone()).collect::<Vec<_>>();
    assert_eq!(free(&floor)[0], free(&before)[0]);
    assert!(!first.cancel(&mut floor).changed);
    assert!(
        !second.start(Timestamp(i64::MAX)).changed && !second.finish(Timestamp(i64::MAX)).changed,
        "nothing is cooked any more"
    );
}

#[test]
fn a_late_start_is_said_before_the_end_and_an_overtaken_timer_says_nothing() {
    let mut floor = floor(&[("prep", 1), ("oven", 1), ("pass", 1)]);
    let _ = ticket(1, vec![pizza(1)]).book(&mut floor, Timestamp(0));
    let mut second = ticket(2, vec![pizza(1)]);
    let _ = second.book(&mut floor, Timestamp(0));
    assert!(!second.start(Timestamp(119 * SECOND)).changed);
    assert!(!second.finish(Timestamp(879 * SECOND)).changed);
    assert_eq!(second.finish(Timestamp(880 * SECOND)).said, [Said::Started, Said::Ready]);
    assert!(!second.finish(Timestamp(880 * SECOND)).changed);
}

#[test]
fn given_a_second_oven_when_the_first_breaks_then_the_dish_is_baked_anew_there() {
    let mut floor = floor(&[("prep", 1), ("oven", 1), ("oven", 1), ("pass", 1)]);
    let mut ticket = ticket(1, vec![pizza(1)]);
    let _ = ticket.book(&mut floor, Timestamp(0));
    let oven = ticket.lines[0].booked[0][1].station;
    floor.set_broken(floor.stations[oven].id, true).unwrap();
    let decision = ticket.leave(&mut floor, oven, Timestamp(200 * SECOND));
    assert_eq!(seconds(&ticket), [(0, 120), (200, 560), (560, 600)]);
    assert_ne!(ticket.lines[0].booked[0][1].station, oven);
    assert_eq!(decision.timers, [Timer::Ready(Some(Timestamp(600 * SECOND))), Timer::Start(None), Timer::Ready(None)]);
    assert_eq!(ticket.cooking_ms(), 600_000);
}

#[test]
fn given_one_oven_when_it_breaks_then_the_order_ends_and_what_has_left_it_goes_on() {
    let mut floor = floor(&[("prep", 2), ("oven", 2), ("pass", 2)]);
    let mut early = ticket(1, vec![pizza(1)]);
    let _ = early.book(&mut floor, Timestamp(0));
    let mut late = ticket(2, vec![pizza(1)]);
    let _ = late.book(&mut floor, Timestamp(100 * SECOND));
    floor.set_broken(StationId(2), true).unwrap();
    let now = Timestamp(490 * SECOND);
    assert!(!early.leave(&mut floor, 1, now).changed, "it is at the pass already");
    let decision = late.leave(&mut floor, 1, now);
    assert_eq!(decision.said, [Said::Failed(Failure::StationBroken)]);
    assert_eq!((late.state, late.reason.as_str()), (State::Failed, "station_broken"));
}

#[test]
fn a_stale_edit_is_refused_and_the_same_wish_twice_changes_nothing() {
    let mut floor = floor(&[("oven", 2)]);
    let known = &floor.stations[0];
    let wish = |places, version| StationWish {
        id: Some(known.id),
        slug: known.slug.clone(),
        kind: known.kind.clone(),
        name: known.name.clone(),
        places,
        version,
    };
    let (wider, stale, twice) = (wish(3, 1), wish(4, 1), wish(3, 0));
    assert_eq!(floor.put(wider, StationId(9)), Ok((0, true)));
    assert_eq!(floor.put(stale, StationId(9)), Err(Error::Stale { current: 2 }));
    assert_eq!(floor.put(twice, StationId(9)), Ok((0, false)));
    assert_eq!(floor.set(f64::NAN, None, 0), Err(Error::BadTimeScale));
    assert_eq!(floor.set(60.0, Some(true), 1), Err(Error::Stale { current: 0 }));
    assert_eq!(floor.set(60.0, Some(true), 0), Ok(()));
    assert_eq!((floor.set(1.0, None, 1), floor.by_hand), (Ok(()), true), "what is not said stays");
    assert_eq!((floor.set(1.0, Some(false), 2), floor.by_hand), (Ok(()), false));
}

/// A small generator of chance (xorshift, Marsaglia 2003): the same seed tells the same day.
struct Chance(u64);

impl Chance {
    fn below(&mut self, limit: u64) -> u64 {
        self.0 ^= self.0 << 13;
        self.0 ^= self.0 >> 7;
        self.0 ^= self.0 << 17;
        self.0 % limit
    }
}

/// What was cooked on the floor: bookings as they stood when they were torn or ended.
type Used = BTreeMap<(usize, usize), Vec<(i64, i64)>>;

fn recipes() -> Vec<TicketLine> {
    vec![
        pizza(1),
        line(2, &[("prep", 30, 0), ("pass", 20, 0)]),
        line(1, &[("oven", 90, 180), ("prep", 15, 0), ("oven", 60, 220)]),
        line(3, &[("pass", 5, 0)]),
    ]
}

/// One random day; gives the tickets, and what every place really did.
fn day(seed: u64, time_scale: f64) -> (Vec<Ticket>, Used) {
    let mut chance = Chance(seed * 2 + 1);
    let mut floor = floor(&[("prep", 2), ("oven", 2), ("oven", 3), ("pass", 1), ("pass", 2)]);
    floor.time_scale = time_scale;
    let mut tickets: Vec<Ticket> = Vec::new();
    let mut used = Used::new();
    let mut now = Timestamp(0);
    for number in 0..120 {
        now = now + std::time::Duration::from_micros(chance.below(60_000_000));
        match chance.below(10) {
            0 if !tickets.is_empty() => {
                let place = chance.below(tickets.len() as u64) as usize;
                let _ = tickets[place].cancel(&mut floor);
            }
            1 => {
                let station = chance.below(5) as usize;
                let (id, broken) = (floor.stations[station].id, floor.stations[station].broken);
                floor.set_broken(id, !broken).unwrap();
                if !broken {
                    for ticket in &mut tickets {
                        let before = ticket.clone();
                        let _ = ticket.leave(&mut floor, station, now);
                        // What had begun and was torn did hold its place until now.
                        for step in
                            before.booked().filter(|step| !ticket.booked().any(|kept| kept == *step) && step.starts_at < now)
                        {
                            used.entry((step.station, step.place)).or_default().push((step.starts_at.0, step.ends_at.min(now).0));
                        }
                    }
                }
            }
            _ => {
                let mut lines = vec![recipes()[chance.below(4) as usize].clone()];
                lines.extend((chance.below(3) == 0).then(|| recipes()[chance.below(4) as usize].clone()));
                let mut ticket = ticket(number, lines);
                let _ = ticket.book(&mut floor, now);
                tickets.push(ticket);
            }
        }
        for ticket in &mut tickets {
            let _ = ticket.start(now);
            let _ = ticket.finish(now);
        }
    }
    for step in tickets.iter().flat_map(Ticket::booked) {
        used.entry((step.station, step.place)).or_default().push((step.starts_at.0, step.ends_at.0));
    }
    (tickets, used)
}

#[test]
fn no_place_ever_holds_two_dishes_at_once() {
    for seed in 1..=60 {
        for (place, mut spans) in day(seed, 1.0).1 {
            spans.sort_unstable();
            for pair in spans.windows(2) {
                assert!(pair[0].1 <= pair[1].0, "seed {seed}: place {place:?} holds two: {pair:?}");
            }
        }
    }
}

#[test]
fn the_steps_of_a_dish_keep_their_order_their_kind_and_all_their_work() {
    let kinds = ["prep", "oven", "oven", "pass", "pass"];
    let mut moved = 0;
    for seed in 1..=60 {
        for ticket in day(seed, 1.0).0 {
            for line in &ticket.lines {
                for dish in &line.booked {
                    assert_eq!(dish.len(), line.steps.len(), "seed {seed}");
                    assert!(dish.windows(2).all(|pair| pair[0].ends_at <= pair[1].starts_at), "seed {seed}: {dish:?}");
                    for (booked, step) in dish.iter().zip(&line.steps) {
                        assert_eq!(
                            booked.ends_at.0 - booked.starts_at.0,
                            step.seconds * SECOND,
                            "seed {seed}: work is conserved"
                        );
                        assert_eq!(kinds[booked.station], step.station_kind, "seed {seed}");
                    }
                }
            }
            moved += usize::from(ticket.state == State::Failed);
        }
    }
    assert!(moved > 0, "the days were too quiet to prove anything");
}

#[test]
fn a_dish_never_goes_back_to_an_earlier_state() {
    for ticket in day(7, 1.0).0 {
        for line in &ticket.lines {
            for dish in 0..line.booked.len() {
                let states: Vec<_> = (0..200).map(|tick| line.state_of(dish, Timestamp(tick * 20 * SECOND))).collect();
                assert!(states.is_sorted(), "{states:?}");
            }
        }
    }
}

#[test]
fn the_time_scale_changes_durations_and_nothing_else() {
    let booked = |time_scale: f64| {
        let mut floor = floor(&[("prep", 1), ("oven", 2), ("pass", 1)]);
        floor.time_scale = time_scale;
        let mut tickets: Vec<_> = (0..20).map(|number| ticket(number, vec![recipes()[number as usize % 4].clone()])).collect();
        for ticket in &mut tickets {
            let _ = ticket.book(&mut floor, Timestamp(0));
        }
        tickets
    };
    for (slow, fast) in booked(1.0).iter().zip(booked(1_000.0)) {
        for (slow, fast) in slow.booked().zip(fast.booked()) {
            assert_eq!((slow.station, slow.place), (fast.station, fast.place));
            assert_eq!((slow.starts_at.0, slow.ends_at.0), (fast.starts_at.0 * 1_000, fast.ends_at.0 * 1_000));
        }
        assert_eq!(slow.cooking_ms(), fast.cooking_ms());
    }
}
