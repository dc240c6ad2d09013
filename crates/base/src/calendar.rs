//! The shop's own calendar: its time zone, business days and months.

use jiff::tz::TimeZone;

use crate::{Fault, Timestamp};

/// Tells local dates for a shop; a business day begins at `day_starts_at_hour`, local time.
#[derive(Debug, Clone)]
pub struct ShopClock {
    zone: TimeZone,
    day_starts_at_hour: i8,
}

impl ShopClock {
    /// Makes the clock of a shop from the name of an IANA time zone, such as `America/New_York`.
    pub fn new(zone: &str, day_starts_at_hour: i8) -> Result<ShopClock, Fault> {
        let zone = TimeZone::get(zone)
            .map_err(|error| Fault::invalid("bad_time_zone", format!("`{zone}` is not a time zone.")).because(error))?;
        Ok(ShopClock { zone, day_starts_at_hour })
    }

    /// Gives the business day as `2015-01-31`.
    pub fn business_day(&self, time: Timestamp) -> String {
        let shifted = time - std::time::Duration::from_secs(u64::try_from(self.day_starts_at_hour).unwrap_or(0) * 3_600);
        self.local(shifted).map_or_else(String::new, |local| local.date().to_string())
    }

    /// Gives the month of the business day as `2015-01`.
    pub fn business_month(&self, time: Timestamp) -> String {
        self.business_day(time).get(..7).unwrap_or_default().to_owned()
    }

    /// Gives the local wall-clock time as `2015-01-31T18:30:00`.
    pub fn wall(&self, time: Timestamp) -> String {
        self.local(time).map_or_else(String::new, |local| local.datetime().to_string())
    }

    /// Gives the point in time of a local date and time (`2015-01-31`, `18:30:00`); the earlier one where a clock change makes two.
    pub fn at(&self, date: &str, time: &str) -> Result<Timestamp, Fault> {
        let bad =
            |error: jiff::Error| Fault::invalid("bad_time", format!("`{date} {time}` is not a date and a time.")).because(error);
        let local: jiff::civil::DateTime = format!("{date}T{time}").parse().map_err(bad)?;
        let zoned = self.zone.to_ambiguous_zoned(local).compatible().map_err(bad)?;
        Ok(Timestamp(zoned.timestamp().as_microsecond()))
    }

    fn local(&self, time: Timestamp) -> Option<jiff::Zoned> {
        jiff::Timestamp::from_microsecond(time.0).ok().map(|instant| instant.to_zoned(self.zone.clone()))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_late_evening_belongs_to_the_shops_own_day_and_month() {
        let clock = ShopClock::new("America/New_York", 0).unwrap();
        let late = clock.at("2015-01-31", "23:05:52").unwrap();
        assert_eq!(late.to_string(), "2015-02-01T04:05:52Z");
        assert_eq!(clock.business_day(late), "2015-01-31");
        assert_eq!(clock.business_month(late), "2015-01");
    }

    #[test]
    fn a_night_shop_closes_its_day_in_the_morning() {
        let clock = ShopClock::new("Europe/Moscow", 5).unwrap();
        assert_eq!(clock.business_day(clock.at("2015-06-02", "04:59:59").unwrap()), "2015-06-01");
        assert_eq!(clock.business_day(clock.at("2015-06-02", "05:00:00").unwrap()), "2015-06-02");
    }
}
