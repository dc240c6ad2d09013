//! The rules of delivery: pure. Start reading at [`Delivery::is_ready`].

mod delivery;
mod settings;

pub use delivery::{Decision, Delivery, Order, Said, State, Timer};
pub use settings::{Settings, Wish};

use base::Fault;

/// Why delivery says no.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum Error {
    /// No such delivery, or none that the asker may see.
    #[error("There is no delivery of this order.")]
    NotFound,
    /// It has not left the shop.
    #[error("The order has not left the shop yet.")]
    NotShipped,
    /// It has ended.
    #[error("The delivery is over: {state}.")]
    Over {
        /// How it ended.
        state: &'static str,
    },
    /// The courier took another amount than what is due.
    #[error("The cash that was taken is not the cash that is due.")]
    CashDiffers {
        /// What is due, in minor units.
        due_minor: i64,
    },
    /// A handing over needs its proof.
    #[error("Say what shows that it was handed over.")]
    ProofNeeded,
    /// Giving up needs its reason.
    #[error("Say why it could not be handed over.")]
    ReasonNeeded,
    /// A text is too long.
    #[error("The {field} is too long.")]
    TextTooLong {
        /// The field.
        field: &'static str,
    },
    /// A setting is out of range.
    #[error("The setting {field} is out of range.")]
    BadSettings {
        /// The field.
        field: &'static str,
    },
    /// Somebody else has changed it meanwhile.
    #[error("It has changed meanwhile; load it again.")]
    Stale {
        /// The version that it has now.
        current: i64,
    },
}

impl Error {
    /// Gives the fault that callers see.
    pub fn fault(&self) -> Fault {
        let message = self.to_string();
        match self {
            Error::NotFound => Fault::not_found("delivery_not_found", message),
            Error::NotShipped => Fault::refused("delivery_not_shipped", message),
            Error::Over { state } => Fault::refused("delivery_over", message).with("state", *state),
            Error::CashDiffers { due_minor } => Fault::refused("cash_differs", message).with("due_minor", *due_minor),
            Error::ProofNeeded => Fault::invalid("proof_needed", message).with("field", "proof"),
            Error::ReasonNeeded => Fault::invalid("reason_needed", message).with("field", "reason"),
            Error::TextTooLong { field } => Fault::invalid("text_too_long", message).with("field", *field),
            Error::BadSettings { field } => Fault::invalid("bad_delivery_settings", message).with("field", *field),
            Error::Stale { current } => Fault::conflict("stale_version", message).with("version", *current),
        }
    }
}

#[cfg(test)]
mod tests;
