//! How long things take in a shop, and whether they end by themselves.

use super::Error;

/// The longest that a step of a delivery may take: a month.
const SECONDS_MAX: i64 = 31 * 86_400;
/// The slowest and the fastest that delivery may be told to work.
const TIME_SCALE_RANGE: std::ops::RangeInclusive<f64> = 0.001..=1e12;

/// A shop's settings.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Settings {
    /// How long goods are packed, in seconds at a time scale of one.
    pub packing_seconds: i64,
    /// How long dishes are carried, in seconds.
    pub carrying_seconds: i64,
    /// How long goods are under way, in seconds.
    pub shipping_seconds: i64,
    /// Divides all durations.
    pub time_scale: f64,
    /// Whether a delivery ends by itself when its time is over; else a courier says so. Decided when it is shipped.
    pub by_itself: bool,
    /// Counts the changes by staff; 0 while nobody has set anything.
    pub version: i64,
}

/// What staff want the settings to be; `version` is the one that they have seen.
pub type Wish = Settings;

impl Settings {
    /// Gives the settings of a shop that has set nothing; a time scale that makes no sense is one.
    pub fn usual(time_scale: f64) -> Settings {
        let time_scale = if TIME_SCALE_RANGE.contains(&time_scale) { time_scale } else { 1.0 };
        Settings { packing_seconds: 60, carrying_seconds: 900, shipping_seconds: 86_400, time_scale, by_itself: true, version: 0 }
    }

    /// Takes over what staff want.
    pub fn change(self, wish: Wish) -> Result<Settings, Error> {
        if wish.version != self.version {
            return Err(Error::Stale { current: self.version });
        }
        for (field, seconds) in [
            ("packing_seconds", wish.packing_seconds),
            ("carrying_seconds", wish.carrying_seconds),
            ("shipping_seconds", wish.shipping_seconds),
        ] {
            if !(0..=SECONDS_MAX).contains(&seconds) {
                return Err(Error::BadSettings { field });
            }
        }
        if !TIME_SCALE_RANGE.contains(&wish.time_scale) {
            return Err(Error::BadSettings { field: "time_scale" });
        }
        Ok(Settings { version: self.version + 1, ..wish })
    }

    /// Gives a duration in microseconds, divided by the time scale and rounded to the nearest.
    // A month in microseconds is far below 2^53, and what is not saturates.
    #[allow(clippy::cast_possible_truncation, clippy::cast_precision_loss)]
    pub(super) fn scaled_micros(&self, seconds: i64) -> i64 {
        (seconds.max(0) as f64 * 1e6 / self.time_scale).round() as i64
    }
}
