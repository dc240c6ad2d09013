//! What every service says about its dead letters, on the topic `dlq-events`.

use base::id::DeadLetterId;

base::facts! {
    /// Something could not be processed and waits for a person.
    DeadLetterParked = "dead_letter.parked.v1" on "dlq-events", key dead_letter_id {
        /// The letter.
        dead_letter_id: DeadLetterId,
        /// The service that could not process it.
        service: String,
        /// The type of the event, or the kind of the job.
        kind: String,
        /// The key of the event or job: an order id in most cases.
        about: i64,
        /// Why.
        cause: String,
    }

    /// A dead letter was processed after all.
    DeadLetterRedriven = "dead_letter.redriven.v1" on "dlq-events", key dead_letter_id {
        /// The letter.
        dead_letter_id: DeadLetterId,
        /// The service.
        service: String,
    }

    /// A person gave a dead letter up.
    DeadLetterDiscarded = "dead_letter.discarded.v1" on "dlq-events", key dead_letter_id {
        /// The letter.
        dead_letter_id: DeadLetterId,
        /// The service.
        service: String,
        /// Why.
        reason: String,
    }
}
