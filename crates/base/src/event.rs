//! Events: what a service says happened, and how what was said in an older version is heard.
//!
//! A version is part of the type: `order.created.v1`. Whoever changes an event makes a new version and keeps, beside it, the
//! step that lifts the one before; hearers only know the newest. See [`Fact::OLDER`] and [`Event::read`]. What happened lies
//! in the name, the version tells how its data are written: who acts on name and key alone does not depend on it.

use std::any::Any;
use std::borrow::Cow;
use std::sync::{Arc, OnceLock};

use serde::{Deserialize, Serialize};
use serde_json::Value;
use serde_json::value::RawValue;

use crate::{Fault, Timestamp};

/// An event that is about to be said, as part of a commit.
#[derive(Debug, Clone)]
pub struct NewEvent {
    /// The topic, such as `order-events`.
    pub topic: &'static str,
    /// The versioned type, such as `order.created.v1`.
    pub kind: &'static str,
    /// What the event is about; events of one key keep their order. An order id wherever there is one.
    pub key: i64,
    /// When it happened.
    pub at: Timestamp,
    /// The correlation id of the request that began it all.
    pub correlation: String,
    /// The data, as JSON.
    pub data: String,
}

/// An event as it is heard.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct Event {
    /// Where it stands in the log. With (`source`, `seq`) an event is known everywhere.
    pub seq: i64,
    /// The service that said it.
    pub source: Cow<'static, str>,
    /// The topic.
    pub topic: Cow<'static, str>,
    /// The versioned type, such as `order.created.v1`.
    pub kind: Cow<'static, str>,
    /// What it is about.
    pub key: i64,
    /// When it happened.
    pub at: Timestamp,
    /// The correlation id.
    pub correlation: String,
    /// The data.
    pub data: Box<RawValue>,
    /// What the data were read as.
    #[serde(skip)]
    pub known: Known,
}

/// The fact that an event was read as, once somebody has: the services of a process hear the same event, and its data are
/// the most of what each would read.
#[derive(Debug, Clone, Default)]
pub struct Known(OnceLock<Arc<dyn Any + Send + Sync>>);

impl Event {
    /// Reads the data as [`Event::read`] does, once for all who hear this event in this process: for facts with many hearers.
    pub fn fact<F: Fact>(&self) -> Result<Arc<F>, Fault> {
        let known = self.known.0.get().and_then(|known| known.clone().downcast::<F>().ok());
        if let Some(fact) = known {
            return Ok(fact);
        }
        let fact = Arc::new(self.read::<F>()?);
        // Somebody else may have read it meanwhile; it says the same.
        let _ = self.known.0.set(fact.clone());
        Ok(fact)
    }

    /// Reads the data as the newest version of a fact; what was said in an older one is lifted, step by step.
    ///
    /// A version that this program does not know yet is refused with `event_newer`: reading it as an older one would lose
    /// what it says.
    pub fn read<F: Fact>(&self) -> Result<F, Fault> {
        if self.kind == F::KIND { self.peek() } else { self.lifted() }
    }

    /// Reads some fields, whatever the version: for those who only look at what has no meaning of its own, such as the shop.
    pub fn peek<T: for<'de> Deserialize<'de>>(&self) -> Result<T, Fault> {
        serde_json::from_str(self.data.get()).map_err(|error| self.unreadable(error))
    }

    fn lifted<F: Fact>(&self) -> Result<F, Fault> {
        let (name, newest) = version_of(F::KIND);
        let (said, version) = version_of(&self.kind);
        if said != name {
            return Err(self.unreadable(format!("it was read as a {}", F::KIND)));
        }
        if version > newest {
            let message = format!("A {} is newer than this program, which knows {}.", self.kind, F::KIND);
            return Err(Fault::refused("event_newer", message).with("version", i64::from(version)));
        }
        let mut data: Value = self.peek()?;
        for older in version..newest {
            let is_step = |step: &&Upcast| version_of(step.kind) == (name, older);
            let step = F::OLDER.iter().find(is_step).ok_or_else(|| self.unreadable(format!("nothing lifts {name}.v{older}")))?;
            data = (step.lift)(data)?;
        }
        serde_json::from_value(data).map_err(|error| self.unreadable(error))
    }

    fn unreadable(&self, cause: impl std::fmt::Display) -> Fault {
        Fault::invalid("event_unreadable", format!("The data of a {} cannot be read.", self.kind)).because(cause)
    }

    /// Gives the type without its version: `order.created` for `order.created.v1`.
    pub fn name(&self) -> &str {
        name_of(&self.kind)
    }
}

/// Takes the version off a type.
const fn name_of(kind: &str) -> &str {
    let bytes = kind.as_bytes();
    let mut end = bytes.len();
    while end > 0 && bytes[end - 1].is_ascii_digit() {
        end -= 1;
    }
    if end < 2 || bytes[end - 1] != b'v' || bytes[end - 2] != b'.' {
        return kind;
    }
    match str::from_utf8(bytes.split_at(end - 2).0) {
        Ok(name) => name,
        Err(_) => kind,
    }
}

/// Takes a versioned type apart; one without a version is of the version 0.
fn version_of(kind: &str) -> (&str, u32) {
    let parts = kind.rsplit_once(".v").and_then(|(name, version)| Some((name, version.parse().ok()?)));
    parts.unwrap_or((kind, 0))
}

/// The step from one version of an event to the next.
#[derive(Debug, Clone, Copy)]
pub struct Upcast {
    /// The older version, such as `order.created.v1`.
    pub kind: &'static str,
    /// Makes its data those of the next version.
    pub lift: fn(Value) -> Result<Value, Fault>,
}

/// A typed event: what a service's `api` declares for others to hear.
pub trait Fact: Serialize + for<'de> Deserialize<'de> + Send + Sync + 'static {
    /// The topic, such as `order-events`.
    const TOPIC: &'static str;
    /// The versioned type, such as `order.created.v1`.
    const KIND: &'static str;
    /// The type without its version: `order.created` for `order.created.v1`.
    const NAME: &'static str = name_of(Self::KIND);
    /// How older versions become this one, one step for each.
    const OLDER: &'static [Upcast] = &[];

    /// Gives what the event is about: the order wherever there is one.
    fn key(&self) -> i64;
}

impl NewEvent {
    /// Makes an event of a typed fact.
    pub fn of<F: Fact>(fact: &F, at: Timestamp, correlation: &str) -> NewEvent {
        NewEvent {
            topic: F::TOPIC,
            kind: F::KIND,
            key: fact.key(),
            at,
            correlation: correlation.to_owned(),
            data: serde_json::to_string(fact).expect("facts are plain data with text keys"),
        }
    }
}

/// Declares the facts of an `api` crate: topic, versioned type and key beside the fields.
///
/// Beside the newest version stands what lifts each older one to the version after it:
/// `Paid = "order.paid.v2" on "payment-events", key order_id, older ["order.paid.v1" => with_currency] { … }`.
#[macro_export]
macro_rules! facts {
    ($($(#[$doc:meta])* $name:ident = $kind:literal on $topic:literal, key $key:ident $(, older [$($older:literal => $lift:expr),* $(,)?])? { $($(#[$field_doc:meta])* $field:ident: $type:ty,)* })*) => {
        $(
            $(#[$doc])*
            #[derive(Debug, Clone, PartialEq, serde::Serialize, serde::Deserialize)]
            pub struct $name { $($(#[$field_doc])* pub $field: $type,)* }

            impl $crate::event::Fact for $name {
                const TOPIC: &'static str = $topic;
                const KIND: &'static str = $kind;
                $(const OLDER: &'static [$crate::event::Upcast] = &[$($crate::event::Upcast { kind: $older, lift: $lift }),*];)?

                fn key(&self) -> i64 {
                    $crate::Id::number(self.$key)
                }
            }
        )*
    };
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::id::OrderId;

    crate::facts! {
        /// Made up: version 2 gave the amount a currency, version 3 renamed it.
        Tipped = "order.tipped.v3" on "order-events", key order_id, older ["order.tipped.v1" => with_currency, "order.tipped.v2" => renamed] {
            /// The order.
            order_id: OrderId,
            /// How much.
            tip_minor: i64,
            /// Of what.
            currency: String,
        }

        /// Made up: somebody forgot the step.
        Sung = "order.sung.v2" on "order-events", key order_id {
            /// The order.
            order_id: OrderId,
        }
    }

    fn with_currency(mut data: Value) -> Result<Value, Fault> {
        data["currency"] = "USD".into();
        Ok(data)
    }

    fn renamed(mut data: Value) -> Result<Value, Fault> {
        data["tip_minor"] = data["amount"].take();
        Ok(data)
    }

    fn event(kind: &str, data: &str) -> Event {
        Event {
            seq: 1,
            source: "orders".into(),
            topic: "order-events".into(),
            kind: kind.to_owned().into(),
            key: 7,
            at: Timestamp(0),
            correlation: String::new(),
            data: RawValue::from_string(data.to_owned()).unwrap(),
            known: Known::default(),
        }
    }

    #[test]
    fn every_older_version_is_heard_as_the_newest() {
        for (kind, data) in [
            ("order.tipped.v1", r#"{"order_id":7,"amount":50}"#),
            ("order.tipped.v2", r#"{"order_id":7,"amount":50,"currency":"USD"}"#),
            ("order.tipped.v3", r#"{"order_id":7,"tip_minor":50,"currency":"USD"}"#),
        ] {
            let heard: Tipped = event(kind, data).read().unwrap();
            assert_eq!((Tipped::NAME, event(kind, data).name()), ("order.tipped", "order.tipped"));
            assert_eq!(heard, Tipped { order_id: OrderId(7), tip_minor: 50, currency: "USD".to_owned() }, "{kind}");
        }
    }

    #[test]
    fn a_fact_is_read_once_and_as_what_it_is_asked_for() {
        let event = event("order.tipped.v1", r#"{"order_id":7,"amount":50}"#);
        assert!(event.fact::<Sung>().is_err(), "what cannot be read is not known");
        let (one, other) = (event.fact::<Tipped>().unwrap(), event.fact::<Tipped>().unwrap());
        assert!(Arc::ptr_eq(&one, &other));
        assert_eq!(*one, event.read().unwrap());
        assert!(event.fact::<Sung>().is_err(), "it is known as something else");
    }

    #[test]
    fn a_newer_version_is_refused_even_where_it_could_be_read() {
        let newer = event("order.tipped.v4", r#"{"order_id":7,"tip_minor":50,"currency":"USD"}"#);
        let fault = newer.read::<Tipped>().unwrap_err();
        assert_eq!(fault.code, "event_newer");
        assert!(fault.message.contains("order.tipped.v4") && fault.message.contains("order.tipped.v3"), "{fault}");
        assert!(!fault.is_retryable(), "waiting does not make a program newer");
    }

    #[test]
    fn a_missing_step_and_another_event_are_told() {
        for kind in ["order.sung.v1", "order.tipped.v2"] {
            let fault = event(kind, r#"{"order_id":7}"#).read::<Sung>().unwrap_err();
            assert_eq!(fault.code, "event_unreadable", "{kind}");
        }
    }
}
