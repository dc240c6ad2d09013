//! The floor: a shop's stations, and until when each of their places is taken.

use base::id::{ShopId, StationId};
use base::{Texts, Timestamp};

use super::{BookedStep, Error, Step};

/// How many stations a shop may have.
pub const STATIONS_MAX: usize = 100;
/// How many places a station may have.
pub const PLACES_MAX: usize = 10_000;
/// The slowest and the fastest that a kitchen may be told to work.
pub const TIME_SCALE_RANGE: std::ops::RangeInclusive<f64> = 0.001..=1e12;

/// A station with its places.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Station {
    /// Its id.
    pub id: StationId,
    /// Its short name, once in a shop.
    pub slug: String,
    /// What steps ask for, such as `oven`.
    pub kind: String,
    /// Its name.
    pub name: Texts,
    /// How many dishes it takes at once.
    pub places: usize,
    /// Whether it is out of order.
    pub broken: bool,
    /// Counts the changes by staff; a stale one is refused.
    pub version: i64,
    /// Until when each place is taken. It never shrinks: a place that was taken away still ends what it has begun.
    pub free_at: Vec<Timestamp>,
}

impl Station {
    /// Counts the places that are taken or promised beyond a time.
    pub fn busy(&self, now: Timestamp) -> usize {
        self.free_at.iter().filter(|free_at| **free_at > now).count()
    }
}

/// What staff say about a station.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct StationWish {
    /// The station; none for a new one.
    pub id: Option<StationId>,
    /// Its short name.
    pub slug: String,
    /// Its kind.
    pub kind: String,
    /// Its name.
    pub name: Texts,
    /// How many places it has.
    pub places: usize,
    /// The version that the wish is based on; 0 for a new one.
    pub version: i64,
}

/// Why the floor cannot make something.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Failure {
    /// The shop has no station of a kind that a recipe needs.
    NoStation,
    /// All stations of a kind are broken.
    StationBroken,
    /// More dishes than a ticket may have.
    TooManyDishes,
}

impl Failure {
    /// Gives its name in events.
    pub fn name(self) -> &'static str {
        match self {
            Failure::NoStation => "no_station",
            Failure::StationBroken => "station_broken",
            Failure::TooManyDishes => "too_many_dishes",
        }
    }
}

/// All stations of a shop. Its version guards every booking, so that no place is given away twice.
#[derive(Debug, Clone, PartialEq)]
pub struct Floor {
    /// The shop.
    pub shop_id: ShopId,
    /// Counts every change; 0 while the shop has no floor yet.
    pub version: i64,
    /// Divides all durations.
    pub time_scale: f64,
    /// Counts the changes of these settings by staff.
    pub settings_version: i64,
    /// Whether steps end only when a cook says so, for what is booked from now on.
    pub by_hand: bool,
    /// What staff of the shop say about that; none while they leave it to the platform.
    pub staff_by_hand: Option<bool>,
    /// The stations. They keep their places in this list, because booked steps point at them.
    pub stations: Vec<Station>,
}

impl Floor {
    /// Makes the floor of a shop that has nothing yet; a time scale that makes no sense is one.
    pub fn empty(shop_id: ShopId, time_scale: f64) -> Floor {
        let time_scale = if TIME_SCALE_RANGE.contains(&time_scale) { time_scale } else { 1.0 };
        Floor { shop_id, version: 0, time_scale, settings_version: 0, by_hand: false, staff_by_hand: None, stations: Vec::new() }
    }

    /// Tells why steps cannot be made here; none when they can.
    pub fn lacks<'a>(&self, steps: impl IntoIterator<Item = &'a Step>) -> Option<Failure> {
        let mut failure = None;
        for step in steps {
            let mut stations = self.stations.iter().filter(|station| station.kind == step.station_kind).peekable();
            if stations.peek().is_none() {
                return Some(Failure::NoStation);
            }
            if stations.all(|station| station.broken) {
                failure = Some(Failure::StationBroken);
            }
        }
        failure
    }

    /// Books steps one after the other, none before `from`: for each the place where it can begin earliest.
    ///
    /// The caller has asked [`Floor::lacks`] before.
    pub fn book(&mut self, steps: &[Step], from: Timestamp) -> Vec<BookedStep> {
        let mut from = from;
        let mut booked = Vec::with_capacity(steps.len());
        for step in steps {
            let (station, place) = self.earliest(&step.station_kind, from).expect("the caller asked what is lacking");
            let micros = self.micros_of(step);
            let free_at = &mut self.stations[station].free_at[place];
            let starts_at = from.max(*free_at);
            let ends_at = Timestamp(starts_at.0.saturating_add(micros));
            *free_at = ends_at;
            from = ends_at;
            booked.push(BookedStep { station, place, starts_at, ends_at });
        }
        booked
    }

    /// Tells how many microseconds a step takes here, as things are now.
    pub fn micros_of(&self, step: &Step) -> i64 {
        scaled_micros(step.seconds, self.time_scale)
    }

    /// Finds the place of a kind where a step can begin earliest; among those that are free in time, the one that was
    /// freed last, so that the longest gaps stay whole.
    fn earliest(&self, kind: &str, from: Timestamp) -> Option<(usize, usize)> {
        let mut best: Option<((Timestamp, i64), (usize, usize))> = None;
        for (number, station) in self.stations.iter().enumerate() {
            if station.broken || station.kind != kind {
                continue;
            }
            for (place, free_at) in station.free_at[..station.places].iter().enumerate() {
                let rank = (from.max(*free_at), -free_at.0);
                if best.is_none_or(|(least, _)| rank < least) {
                    best = Some((rank, (number, place)));
                }
            }
        }
        best.map(|(_, place)| place)
    }

    /// Gives back what steps hold where they are the last in line; elsewhere a gap stays.
    pub fn release(&mut self, mut steps: Vec<BookedStep>) {
        steps.sort_by_key(|step| std::cmp::Reverse(step.ends_at));
        for step in steps {
            let free_at = &mut self.stations[step.station].free_at[step.place];
            if *free_at == step.ends_at {
                *free_at = step.starts_at;
            }
        }
    }

    /// Finds a station.
    pub fn station(&self, id: StationId) -> Option<(usize, &Station)> {
        self.stations.iter().enumerate().find(|(_, station)| station.id == id)
    }

    /// Adds a station, or changes its name and its places. Gives where it stands, and whether anything changed.
    pub fn put(&mut self, wish: StationWish, fresh: StationId) -> Result<(usize, bool), Error> {
        check(&wish)?;
        let known = match wish.id {
            Some(id) => Some(self.station(id).ok_or(Error::StationNotFound)?.0),
            None => self.stations.iter().position(|station| station.slug == wish.slug),
        };
        let Some(number) = known else { return self.add(wish, fresh).map(|number| (number, true)) };
        if self.stations.iter().enumerate().any(|(other, station)| other != number && station.slug == wish.slug) {
            return Err(Error::SlugTaken { slug: wish.slug });
        }
        let station = &mut self.stations[number];
        let same =
            (&station.slug, &station.kind, &station.name, station.places) == (&wish.slug, &wish.kind, &wish.name, wish.places);
        if same {
            return Ok((number, false));
        }
        if wish.version != station.version {
            return Err(Error::Stale { current: station.version });
        }
        if station.kind != wish.kind {
            return Err(Error::KindIsFixed);
        }
        station.slug = wish.slug;
        station.name = wish.name;
        station.places = wish.places;
        station.free_at.resize(wish.places.max(station.free_at.len()), Timestamp(0));
        station.version += 1;
        Ok((number, true))
    }

    fn add(&mut self, wish: StationWish, id: StationId) -> Result<usize, Error> {
        if self.stations.len() >= STATIONS_MAX {
            return Err(Error::TooManyStations);
        }
        if wish.version != 0 {
            return Err(Error::Stale { current: 0 });
        }
        let StationWish { slug, kind, name, places, .. } = wish;
        self.stations.push(Station {
            id,
            slug,
            kind,
            name,
            places,
            broken: false,
            version: 1,
            free_at: vec![Timestamp(0); places],
        });
        Ok(self.stations.len() - 1)
    }

    /// Says that a station is broken, or works again; gives whether that is news.
    pub fn set_broken(&mut self, id: StationId, broken: bool) -> Result<(usize, bool), Error> {
        let number = self.station(id).ok_or(Error::StationNotFound)?.0;
        let station = &mut self.stations[number];
        let news = station.broken != broken;
        if news {
            station.broken = broken;
            station.version += 1;
        }
        Ok((number, news))
    }

    /// Sets how much faster than life the kitchen works and, where it is said, whether cooks alone end a step: for what is
    /// booked from now on. What is booked already goes on as its cooks know it.
    pub fn set(&mut self, time_scale: f64, by_hand: Option<bool>, version: i64) -> Result<(), Error> {
        if !TIME_SCALE_RANGE.contains(&time_scale) {
            return Err(Error::BadTimeScale);
        }
        if version != self.settings_version {
            return Err(Error::Stale { current: self.settings_version });
        }
        self.time_scale = time_scale;
        self.staff_by_hand = by_hand.or(self.staff_by_hand);
        self.by_hand = self.staff_by_hand.unwrap_or(self.by_hand);
        self.settings_version += 1;
        Ok(())
    }
}

fn check(wish: &StationWish) -> Result<(), Error> {
    let is_slug = |text: &str| {
        !text.is_empty()
            && text.len() <= 40
            && text.bytes().all(|byte| byte.is_ascii_lowercase() || byte.is_ascii_digit() || byte == b'-' || byte == b'_')
    };
    if !is_slug(&wish.slug) {
        return Err(Error::BadStation { field: "slug" });
    }
    if !is_slug(&wish.kind) {
        return Err(Error::BadStation { field: "kind" });
    }
    if wish.places == 0 || wish.places > PLACES_MAX {
        return Err(Error::BadStation { field: "places" });
    }
    if wish.name.0.iter().any(|(language, text)| language.len() + text.len() > base::limits::TEXT_BYTES_MAX)
        || wish.name.0.len() > 20
    {
        return Err(Error::BadStation { field: "name" });
    }
    Ok(())
}

/// Gives a duration in microseconds, divided by the time scale and rounded to the nearest.
// A recipe's step is far below 2^53 µs, and what is not saturates.
#[allow(clippy::cast_possible_truncation, clippy::cast_precision_loss)]
fn scaled_micros(seconds: i64, time_scale: f64) -> i64 {
    (seconds.max(0) as f64 * 1e6 / time_scale).round() as i64
}
