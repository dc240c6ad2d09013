//! The rules of the kitchen: pure, computed at the moments that matter and never ticked.
//!
//! Start reading at [`Ticket::book`], then [`Floor::book`].

mod bump;
mod dish;
mod floor;
mod lines;
mod ticket;

pub use bump::Mark;
pub use dish::{BookedStep, Cut, DishState, Step, TicketLine};
pub use floor::{Failure, Floor, PLACES_MAX, Station, StationWish};
pub use lines::Lines;
pub use ticket::{DISHES_MAX, Decision, Said, State, Ticket, Timer, Why};

use base::Fault;

/// Why the kitchen says no.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum Error {
    /// No such ticket, or none that the asker may see.
    #[error("There is no ticket of this order.")]
    TicketNotFound,
    /// Nobody has paid or promised to, so nothing is cooked.
    #[error("Nothing of this order is cooked yet: its payment is still open.")]
    NotBooked,
    /// The ticket has ended without a meal.
    #[error("This ticket is over: it was cancelled or could not be made.")]
    TicketOver,
    /// What is ready is on its way.
    #[error("The order has left the kitchen; nothing of it can be taken back.")]
    LeftKitchen,
    /// Nobody bumped what is to be recalled.
    #[error("No cook has said that this was done, so there is nothing to take back.")]
    NothingToRecall,
    /// The ticket has no such dish, or the dish no such step.
    #[error("The ticket has no dish {dish} with a step {step}.")]
    NoSuchStep {
        /// Which dish, counted from 0.
        dish: u32,
        /// Which step, counted from 0.
        step: u32,
    },
    /// What is recalled cannot be made now.
    #[error("No station that works can make this now.")]
    NoPlace {
        /// Why not.
        why: Failure,
    },
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
            Error::NotBooked => Fault::refused("ticket_not_booked", message),
            Error::TicketOver => Fault::refused("ticket_over", message),
            Error::LeftKitchen => Fault::refused("order_left_kitchen", message),
            Error::NothingToRecall => Fault::refused("nothing_to_recall", message),
            Error::NoSuchStep { dish, step } => {
                Fault::invalid("no_such_dish_step", message).with("dish", *dish).with("step", *step)
            }
            Error::NoPlace { why } => Fault::refused("no_station_works", message).with("reason", why.name()),
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
