//! Events as the outside sees them: CloudEvents 1.0, with ids permuted, times written out, and only what one may see.

use std::sync::{Arc, OnceLock};

use base::id::{EventId, RULES};
use base::{Event, Id, PlatformKey, Timestamp};
use bytes::Bytes;
use serde::Serialize;
use serde_json::{Map, Value, json};
use utoipa::ToSchema;

use crate::shape::Time;

/// What only staff see of an event.
const STAFF_ONLY: [&str; 5] = ["device_id", "method_id", "needs", "steps", "shortages"];
/// Fields of data that are times in microseconds.
const TIMES: [&str; 4] = ["placed_at", "ready_at", "expected_at", "delivered_at"];

/// What whoever came by a link sees of an event's data: how far the order is, nothing of the person and the money.
const BY_LINK: [&str; 5] = ["order_id", "placed_at", "ready_at", "expected_at", "delivered_at"];

/// Who looks at an event.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Sight {
    Staff,
    Guest,
    /// Somebody to whom the guest has shown the order.
    Link,
}

impl Sight {
    /// Tells whether an event is there at all for this sight.
    fn sees(self, event: &Event) -> bool {
        self != Sight::Link || matches!(&*event.topic, "order-events" | "kitchen-events") || event.name() == "order.paid"
    }
}

/// An event that is written down for the outside once, however many follow it.
pub(crate) struct Said {
    pub(crate) event: Arc<Event>,
    staff: OnceLock<Bytes>,
    guest: OnceLock<Bytes>,
    link: OnceLock<Bytes>,
}

impl Said {
    pub(crate) fn new(event: Arc<Event>) -> Said {
        Said { event, staff: OnceLock::new(), guest: OnceLock::new(), link: OnceLock::new() }
    }

    /// Gives the event as a frame of a stream; none where it is not for this sight.
    pub(crate) fn frame(&self, key: &PlatformKey, sight: Sight) -> Option<Bytes> {
        if !sight.sees(&self.event) {
            return None;
        }
        let kept = match sight {
            Sight::Staff => &self.staff,
            Sight::Guest => &self.guest,
            Sight::Link => &self.link,
        };
        let write = || {
            let mut event = shown(&self.event, key, sight == Sight::Staff);
            if sight == Sight::Link {
                event.hide();
            }
            let text = serde_json::to_string(&event).expect("an event is plain JSON");
            Bytes::from(format!("id: {}\nevent: {}\ndata: {text}\n\n", place(key, self.event.seq), self.event.name()))
        };
        Some(kept.get_or_init(write).clone())
    }
}

/// Shows where an event stands.
pub(crate) fn place(key: &PlatformKey, seq: i64) -> String {
    EventId(seq).show(key)
}

/// An event (CloudEvents 1.0).
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct CloudEvent {
    /// `1.0`.
    specversion: &'static str,
    /// Its id, which is also its place in the log: `evt_…`.
    id: String,
    /// Which service said it, such as `/services/orders`.
    source: String,
    /// What was said, with its version, such as `order.paid.v1`.
    r#type: String,
    time: Time,
    /// What it is about: the id of the order, or of whatever else it is.
    subject: String,
    /// The topic, such as `order-events`.
    topic: String,
    /// The id of the request with which it began.
    correlationid: String,
    /// `application/json`.
    datacontenttype: &'static str,
    /// What there is to say; its fields are those of its type.
    #[schema(value_type = Object)]
    data: Value,
}

impl CloudEvent {
    /// Leaves what whoever came by a link may see.
    fn hide(&mut self) {
        self.correlationid.clear();
        match &mut self.data {
            Value::Object(fields) => fields.retain(|name, _| BY_LINK.contains(&name.as_str())),
            data => *data = Value::Null,
        }
    }
}

/// Shows an event.
pub(crate) fn shown(event: &Event, key: &PlatformKey, staff: bool) -> CloudEvent {
    let mut data: Value = serde_json::from_str(event.data.get()).unwrap_or(Value::Null);
    let subject = subject(event, &data, key);
    tame(&mut data, key, staff);
    CloudEvent {
        specversion: "1.0",
        id: place(key, event.seq),
        source: format!("/services/{}", event.source),
        r#type: event.kind.to_string(),
        time: Time::of(event.at),
        subject,
        topic: event.topic.to_string(),
        correlationid: event.correlation.clone(),
        datacontenttype: "application/json",
        data,
    }
}

/// Says what an event is about: the id in its data that is its key.
fn subject(event: &Event, data: &Value, key: &PlatformKey) -> String {
    let names = |rule: &&base::IdRule| data.get(rule.field).and_then(Value::as_i64) == Some(event.key);
    let orders = RULES.iter().filter(|rule| rule.field == "order_id");
    orders
        .chain(RULES)
        .find(names)
        .map_or_else(|| format!("evt_{}", key.permute("about", event.key)), |rule| rule.show(event.key, key))
}

/// Shows data that stands outside of an event.
pub(crate) fn tamed(data: &str, key: &PlatformKey, staff: bool) -> Value {
    let mut data = serde_json::from_str(data).unwrap_or(Value::Null);
    tame(&mut data, key, staff);
    data
}

fn tame(value: &mut Value, key: &PlatformKey, staff: bool) {
    match value {
        Value::Object(fields) => tame_fields(fields, key, staff),
        Value::Array(values) => values.iter_mut().for_each(|value| tame(value, key, staff)),
        _ => {}
    }
}

fn tame_fields(fields: &mut Map<String, Value>, key: &PlatformKey, staff: bool) {
    if !staff {
        fields.retain(|name, _| !STAFF_ONLY.contains(&name.as_str()));
    }
    for (name, value) in fields.iter_mut() {
        match value.as_i64() {
            Some(number) if name.ends_with("_id") => {
                let rule = RULES.iter().find(|rule| rule.field == name);
                *value = json!(rule.map_or_else(|| key.permute(name, number).to_string(), |rule| rule.show(number, key)));
            }
            Some(micros) if TIMES.contains(&name.as_str()) => *value = json!(Timestamp(micros).to_string()),
            Some(_) => {}
            None => tame(value, key, staff),
        }
    }
}

#[cfg(test)]
mod unit {
    use super::*;
    use base::event::Known;
    use base::id::OrderId;
    use serde_json::value::RawValue;

    fn event(data: &str) -> Event {
        Event {
            seq: 9,
            source: "orders".into(),
            topic: "order-events".into(),
            kind: "order.created.v1".into(),
            key: 1_001,
            at: Timestamp(1_000_000),
            correlation: "c".to_owned(),
            data: RawValue::from_string(data.to_owned()).unwrap(),
            known: Known::default(),
        }
    }

    #[test]
    fn whoever_came_by_a_link_sees_how_far_an_order_is_and_no_more() {
        let key = PlatformKey::new(&[1; 32]);
        let text = |said: &Said, sight| said.frame(&key, sight).map(|frame| String::from_utf8(frame.to_vec()).unwrap());
        let proof = r#"{"order_id":1001,"delivered_at":1000000,"proof":"signed: Ada","cash_taken_minor":7,"reason":"no answer"}"#;
        let said = Said::new(Arc::new(Event { correlation: "click-17".to_owned(), ..event(proof) }));
        let link = text(&said, Sight::Link).unwrap();
        for hidden in ["Ada", "proof", "cash", "no answer", "click-17"] {
            assert!(!link.contains(hidden), "{hidden} in {link}");
        }
        assert!(link.contains("delivered_at") && text(&said, Sight::Guest).unwrap().contains("signed: Ada"));
        let paid =
            |kind: &'static str| Said::new(Arc::new(Event { topic: "payment-events".into(), kind: kind.into(), ..event("{}") }));
        assert!(text(&paid("payment.refunded.v1"), Sight::Link).is_none());
        assert!(
            text(&paid("payment.refunded.v1"), Sight::Guest).is_some() && text(&paid("order.paid.v1"), Sight::Link).is_some()
        );
    }

    #[test]
    fn guests_see_neither_numbers_nor_devices_nor_recipes() {
        let key = PlatformKey::new(&[1; 32]);
        let event = event(
            r#"{"order_id":1001,"device_id":4,"method_id":null,"placed_at":1000000,"low_at":5,"needs":[{"stock_id":7,"quantity":2}],"lines":[{"item_id":3,"steps":[{"seconds":1}]}]}"#,
        );
        let guest = serde_json::to_value(shown(&event, &key, false)).unwrap();
        assert_eq!(guest["subject"], OrderId(1_001).show(&key));
        assert_eq!(guest["data"]["order_id"], guest["subject"]);
        assert_eq!(guest["data"]["placed_at"], "1970-01-01T00:00:01Z");
        assert_eq!(guest["data"]["low_at"], 5);
        for hidden in ["device_id", "method_id", "needs", "steps", "1001"] {
            assert!(!guest.to_string().contains(hidden), "{hidden} in {guest}");
        }
        let staff = serde_json::to_value(shown(&event, &key, true)).unwrap();
        assert!(staff["data"]["needs"][0]["stock_id"].as_str().unwrap().starts_with("stk_"));
        assert!(staff["data"]["lines"][0]["item_id"].as_str().unwrap().starts_with("itm_"));
    }
}
