//! The rules of the kitchen: pure, computed at the moments that matter and never ticked.
//!
//! Start reading at [`Ticket::book`], then [`Floor::book`].

mod dish;
mod floor;
mod ticket;

pub use dish::{BookedStep, DishState, Step, TicketLine};
pub use floor::{Failure, Floor, PLACES_MAX, Station, StationWish};
pub use ticket::{DISHES_MAX, Decision, Said, State, Ticket, Timer};

use base::Fault;

/// Why the kitchen says no.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum Error {
    /// No such ticket, or none that the asker may see.
    #[error("There is no ticket of this order.")]
    TicketNotFound,
    /// No such station, or none that the asker may see.
    #[error("There is no such station.")]
    StationNotFound,
    /// A field of a station is wrong.
    #[error("The station's {field} is missing, too long or out of range.")]
    BadStation {
        /// The field.
        field: &'static str,
    },
    /// The short name belongs to another station of the shop.
    #[error("The shop has another station with the short name `{slug}`.")]
    SlugTaken {
        /// The short name.
        slug: String,
    },
    /// Steps are booked by kind, so a station keeps the kind with which it was made.
    #[error("A station keeps its kind; add another station instead.")]
    KindIsFixed,
    /// The shop has as many stations as it may have.
    #[error("A shop has at most {} stations.", floor::STATIONS_MAX)]
    TooManyStations,
    /// The time scale is out of range.
    #[error("The time scale must be between {} and {}.", floor::TIME_SCALE_RANGE.start(), floor::TIME_SCALE_RANGE.end())]
    BadTimeScale,
    /// Somebody else has changed it meanwhile.
    #[error("It has changed meanwhile; load it again.")]
    Stale {
        /// The version that it has now.
        current: i64,
    },
    /// The reason is too long.
    #[error("The reason is too long.")]
    ReasonTooLong,
}

impl Error {
    /// Gives the fault that callers see.
    pub fn fault(&self) -> Fault {
        let message = self.to_string();
        match self {
            Error::TicketNotFound => Fault::not_found("ticket_not_found", message),
            Error::StationNotFound => Fault::not_found("station_not_found", message),
            Error::BadStation { field } => Fault::invalid("bad_station", message).with("field", *field),
            Error::SlugTaken { slug } => Fault::conflict("station_slug_taken", message).with("slug", slug.as_str()),
            Error::KindIsFixed => Fault::refused("station_kind_fixed", message),
            Error::TooManyStations => Fault::refused("too_many_stations", message),
            Error::BadTimeScale => Fault::invalid("bad_time_scale", message).with("field", "time_scale"),
            Error::Stale { current } => Fault::conflict("stale_version", message).with("version", *current),
            Error::ReasonTooLong => Fault::invalid("text_too_long", message).with("field", "reason"),
        }
    }
}

#[cfg(test)]
mod properties;
