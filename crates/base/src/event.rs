//! Events: what a service says happened.

use serde::{Deserialize, Serialize};
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
    pub source: String,
    /// The topic.
    pub topic: String,
    /// The versioned type, such as `order.created.v1`.
    pub kind: String,
    /// What it is about.
    pub key: i64,
    /// When it happened.
    pub at: Timestamp,
    /// The correlation id.
    pub correlation: String,
    /// The data.
    pub data: Box<RawValue>,
}

impl Event {
    /// Reads the data as a type of the service that said it.
    pub fn read<T: for<'de> Deserialize<'de>>(&self) -> Result<T, Fault> {
        serde_json::from_str(self.data.get()).map_err(|error| {
            Fault::invalid("event_unreadable", format!("The data of a {} cannot be read.", self.kind)).because(error)
        })
    }

    /// Gives the type without its version: `order.created` for `order.created.v1`.
    pub fn name(&self) -> &str {
        self.kind.rsplit_once(".v").map_or(self.kind.as_str(), |(name, _)| name)
    }
}

/// A typed event: what a service's `api` declares for others to hear.
pub trait Fact: Serialize + for<'de> Deserialize<'de> {
    /// The topic, such as `order-events`.
    const TOPIC: &'static str;
    /// The versioned type, such as `order.created.v1`.
    const KIND: &'static str;

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
#[macro_export]
macro_rules! facts {
    ($($(#[$doc:meta])* $name:ident = $kind:literal on $topic:literal, key $key:ident { $($(#[$field_doc:meta])* $field:ident: $type:ty,)* })*) => {
        $(
            $(#[$doc])*
            #[derive(Debug, Clone, PartialEq, serde::Serialize, serde::Deserialize)]
            pub struct $name { $($(#[$field_doc])* pub $field: $type,)* }

            impl $crate::event::Fact for $name {
                const TOPIC: &'static str = $topic;
                const KIND: &'static str = $kind;

                fn key(&self) -> i64 {
                    $crate::Id::number(self.$key)
                }
            }
        )*
    };
}
