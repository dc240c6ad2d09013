//! Events of the whole platform, for staff: as they happen, and by pages.

use axum::Json;
use axum::extract::State;
use axum::response::Response;
use base::id::EventId;
use http::HeaderMap;
use serde::{Deserialize, Serialize};
use serde_json::Value;
use utoipa::ToSchema;

use super::Reply;
use crate::Edge;
use crate::api::{self, Api};
use crate::asked::Asking;
use crate::problem::Problem;
use crate::public::{place, shown};
use crate::shape::rows;
use crate::stream::{self, Wanted};

const QUERY: &[(&str, &str)] = &[
    ("topic", "Only of this topic, such as `order-events`."),
    ("type", "Only of these types, separated by commas, such as `order.paid`."),
    ("after", "The id of the last event that was seen."),
    ("limit", "How many (pages only)."),
];

pub(crate) fn add(api: &mut Api) {
    api.chapter("events");
    api.add(api::get("/v1/events", "Follows events as they happen; resumable by Last-Event-ID").asks(QUERY).gives_text("text/event-stream"), live);
    api.add(api::get("/v1/events/log", "Lists events, oldest first").asks(QUERY).gives::<EventPage>(), log);
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct EventsAsked {
    topic: Option<String>,
    r#type: Option<String>,
    after: Option<String>,
    #[serde(default)]
    limit: u32,
}

/// A page of events.
#[derive(Serialize, ToSchema)]
struct EventPage {
    /// CloudEvents 1.0.
    #[schema(value_type = Vec<Object>)]
    events: Vec<Value>,
    /// What to send as `after` for the next page; none at the end of the log.
    next: Option<String>,
}

async fn live(State(edge): State<Edge>, headers: HeaderMap, Asking(asked): Asking<EventsAsked>) -> Result<Response, Problem> {
    let after = stream::resume(&edge, &headers, asked.after.as_deref())?;
    stream::of_all(&edge, Wanted::of(asked.topic, asked.r#type.as_deref()), after)
}

/// Reads at most so many events for one page, whatever is filtered out of them.
const LOOKED_AT_MAX: usize = 20_000;

async fn log(State(edge): State<Edge>, Asking(asked): Asking<EventsAsked>) -> Reply<EventPage> {
    let limit = match rows(asked.limit)? {
        0 => base::limits::PAGE_ROWS_DEFAULT,
        limit => limit,
    } as usize;
    let mut after = match asked.after.as_deref() {
        None | Some("") => 0,
        Some(after) => edge.read::<EventId>(after)?,
    };
    let wanted = Wanted::of(asked.topic, asked.r#type.as_deref());
    let (mut events, mut looked_at) = (Vec::new(), 0);
    let mut more = true;
    while more && events.len() < limit && looked_at < LOOKED_AT_MAX {
        let read = edge.0.ctx.log().read_all(after, 512).await?;
        more = read.len() == 512;
        for event in read {
            looked_at += 1;
            after = event.seq;
            if wanted.has(&event) {
                events.push(shown(&event, edge.key(), true));
                if events.len() == limit {
                    more = true;
                    break;
                }
            }
        }
    }
    Ok(Json(EventPage { events, next: more.then(|| place(edge.key(), after)) }))
}
