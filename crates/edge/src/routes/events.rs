//! What services say: live, and page by page.

use axum::Json;
use axum::extract::State;
use axum::response::Response;
use base::id::EventId;
use http::HeaderMap;
use serde::Deserialize;
use serde_json::{Value, json};

use super::Answer;
use crate::api::{Api, get};
use crate::asked::{Asked, Asking};
use crate::problem::Problem;
use crate::shape::rows;
use crate::stream::{self, Wanted};
use crate::{Edge, public};

const WHICH: &[(&str, &str)] = &[
    ("topic", "Only events of this topic, such as `order-events`."),
    ("type", "Only events of these types, separated by commas."),
    ("after", "The id of the last event seen; browsers send it as Last-Event-ID."),
];

pub(crate) fn add(api: &mut Api) {
    api.chapter("events");
    api.add(
        get("/v1/events", "Follows what all services say, as CloudEvents.").asks(WHICH).gives_text("text/event-stream"),
        live,
    );
    api.add(get("/v1/events/log", "What was said, page by page.").asks(WHICH), log);
}

#[derive(Deserialize, Default)]
#[serde(default, deny_unknown_fields)]
struct EventsAsked {
    topic: Option<String>,
    r#type: Option<String>,
    after: Option<String>,
    limit: u32,
}

async fn live(
    State(edge): State<Edge>,
    _: Asked,
    headers: HeaderMap,
    Asking(query): Asking<EventsAsked>,
) -> Result<Response, Problem> {
    let after = stream::resume(&edge, &headers, query.after.as_deref())?;
    stream::of_all(&edge, Wanted::of(query.topic, query.r#type.as_deref()), after)
}

/// How many events are read at once, and how often for one page, whatever is filtered out of them.
const READ: usize = 1_000;
const READS_MAX: usize = 20;

async fn log(State(edge): State<Edge>, _: Asked, Asking(query): Asking<EventsAsked>) -> Answer {
    let mut after = query.after.filter(|after| !after.is_empty()).map_or(Ok(0), |after| edge.read::<EventId>(&after))?;
    let limit = match rows(query.limit)? {
        0 => base::limits::PAGE_ROWS_DEFAULT,
        limit => limit,
    } as usize;
    let wanted = Wanted::of(query.topic, query.r#type.as_deref());
    let mut shown: Vec<Value> = Vec::new();
    let (mut more, mut reads) = (true, 0);
    while more && shown.len() < limit && reads < READS_MAX {
        let events = edge.0.ctx.log().read_all(after, READ).await?;
        more = events.len() == READ;
        reads += 1;
        let Some(last) = events.last() else { break };
        let end = last.seq;
        after = end;
        for event in events.iter().filter(|event| wanted.has(event)) {
            shown.push(public::shown(event, edge.key(), true));
            if shown.len() == limit {
                after = event.seq;
                more |= after < end;
                break;
            }
        }
    }
    Ok(Json(json!({ "events": shown, "next": more.then(|| public::place(edge.key(), after)) })))
}
