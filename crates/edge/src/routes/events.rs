//! What services say: live, and page by page.

use axum::Json;
use axum::extract::State;
use axum::response::Response;
use base::id::EventId;
use http::HeaderMap;
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use super::Reply;
use crate::Edge;
use crate::api::{Api, get};
use crate::asked::{Asked, Asking};
use crate::document::{LIMIT, Param};
use crate::problem::Problem;
use crate::public::{self, CloudEvent};
use crate::shape::rows;
use crate::stream::{self, Wanted};

const TOPIC: Param = Param::text("topic", "Only events of this topic, such as `order-events`.");
const TYPE: Param = Param::text("type", "Only events of these types, separated by commas, such as `order.paid`.");
const AFTER: Param = Param::text("after", "The id of the last event seen: `evt_…`.");
const LIVE: &[Param] = &[TOPIC, TYPE, AFTER];
const LOG: &[Param] = &[TOPIC, TYPE, AFTER, LIMIT];

pub(crate) fn add(api: &mut Api) {
    api.chapter("events");
    api.add(get("/v1/events", "Follows what all services say, as CloudEvents").asks(LIVE).streams(), live);
    api.add(get("/v1/events/log", "Lists what was said, oldest first").asks(LOG).gives::<EventPage>(), log);
}

/// A page of events.
#[derive(Serialize, ToSchema)]
struct EventPage {
    events: Vec<CloudEvent>,
    /// What to send as `after` for the next page; none at the end of the log.
    next: Option<String>,
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
    asked: Asked,
    headers: HeaderMap,
    Asking(query): Asking<EventsAsked>,
) -> Result<Response, Problem> {
    let after = stream::resume(&edge, &headers, query.after.as_deref())?;
    stream::of_all(&edge, &asked, Wanted::of(query.topic, query.r#type.as_deref()), after)
}

/// How many events are read at once, and how often for one page, whatever is filtered out of them.
const READ: usize = 1_000;
const READS_MAX: usize = 20;

async fn log(State(edge): State<Edge>, _: Asked, Asking(query): Asking<EventsAsked>) -> Reply<EventPage> {
    let mut after = query.after.filter(|after| !after.is_empty()).map_or(Ok(0), |after| edge.read::<EventId>(&after))?;
    let limit = match rows(query.limit)? {
        0 => base::limits::PAGE_ROWS_DEFAULT,
        limit => limit,
    } as usize;
    let wanted = Wanted::of(query.topic, query.r#type.as_deref());
    let mut events: Vec<CloudEvent> = Vec::new();
    let (mut more, mut reads) = (true, 0);
    while more && events.len() < limit && reads < READS_MAX {
        let read = edge.0.ctx.log().read_all(after, READ).await?;
        more = read.len() == READ;
        reads += 1;
        let Some(last) = read.last() else { break };
        let end = last.seq;
        after = end;
        for event in read.iter().filter(|event| wanted.has(event)) {
            events.push(public::shown(event, edge.key(), true));
            if events.len() == limit {
                after = event.seq;
                more |= after < end;
                break;
            }
        }
    }
    Ok(Json(EventPage { events, next: more.then(|| public::place(edge.key(), after)) }))
}
