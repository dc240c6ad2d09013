//! What every service says about its dead letters, on the topic `dlq-events`.

use base::Fault;
use base::id::DeadLetterId;
use serde_json::Value;

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
    DeadLetterDiscarded = "dead_letter.discarded.v2" on "dlq-events", key dead_letter_id,
        older ["dead_letter.discarded.v1" => without_content] {
        /// The letter.
        dead_letter_id: DeadLetterId,
        /// The service.
        service: String,
        /// The type of the event, or the kind of the job; empty in what was said before this was.
        kind: String,
        /// The key of the event or job, as when it was parked: what waited behind another letter was never said to be. 0 in
        /// what was said before this was.
        about: i64,
        /// Why.
        reason: String,
    }
}

fn without_content(mut data: Value) -> Result<Value, Fault> {
    data["kind"] = "".into();
    data["about"] = 0.into();
    Ok(data)
}

#[cfg(test)]
mod tests {
    use base::event::Known;
    use base::{Event, Timestamp};
    use serde_json::value::RawValue;

    use super::DeadLetterDiscarded;

    #[test]
    fn a_letter_that_was_discarded_before_it_was_said_what_it_was_can_be_read() {
        let data = r#"{"dead_letter_id":7,"service":"kitchen","reason":"late"}"#;
        let event = Event {
            seq: 1,
            source: "kitchen".into(),
            topic: "dlq-events".into(),
            kind: "dead_letter.discarded.v1".into(),
            key: 7,
            at: Timestamp(1),
            correlation: String::new(),
            data: RawValue::from_string(data.to_owned()).unwrap(),
            known: Known::default(),
        };
        let read: DeadLetterDiscarded = event.read().unwrap();
        assert_eq!((read.dead_letter_id.0, read.kind.as_str(), read.about, read.reason.as_str()), (7, "", 0, "late"));
    }
}
