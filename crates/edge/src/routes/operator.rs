//! Operating: health, pause, dead letters, breakers, what staff did by hand.

use axum::Json;
use axum::extract::{Path, State};
use base::id::DeadLetterId;
use base::{Event, Fault};
use operator_api::{DiscardRequest, GetHealthRequest, Health, Letter, LetterRequest, ListActsRequest, ListLettersRequest, SetPausedRequest};
use serde::Serialize;
use serde_json::Value;
use utoipa::ToSchema;

use super::Reply;
use crate::api::{self, Api};
use crate::asked::{Asked, Asking, Named, Sent};
use crate::public::shown;
use crate::shape::{PAGE, PageAsked, Reason, rows, time};
use crate::{Edge, SERVICES};

pub(crate) fn add(api: &mut Api) {
    api.chapter("operator");
    api.add(api::get("/v1/services", "Tells how every service is").gives::<ServiceList>(), list);
    api.add(api::post("/v1/services/{service}/pause", "Closes a service: its rpcs answer unavailable, its reactions wait").takes::<Reason>().gives::<ServiceHealth>(), pause);
    api.add(api::post("/v1/services/{service}/resume", "Opens a service again").takes::<Reason>().gives::<ServiceHealth>(), resume);
    api.add(api::get("/v1/services/{service}/dead-letters", "Lists what could not be processed").asks(PAGE).gives::<LetterList>(), letters);
    api.add(api::get("/v1/services/{service}/dead-letters/{letter}", "Shows a dead letter whole").gives::<DeadLetter>(), letter);
    api.add(api::post("/v1/services/{service}/dead-letters/{letter}/redrive", "Processes it again, and those of its key behind it").takes::<Reason>().gives::<Redriven>(), redrive);
    api.add(api::post("/v1/services/{service}/dead-letters/{letter}/discard", "Gives it up, with a reason").takes::<Reason>().gives::<Redriven>(), discard);
    api.add(api::get("/v1/services/{service}/acts", "Lists what staff did by hand, newest first").asks(PAGE).gives::<ActList>(), acts);
    api.add(api::get("/v1/breakers", "Shows the breakers between services").gives::<BreakerList>(), breakers);
    api.add(api::post("/v1/breakers/{from}/{to}/reset", "Closes a breaker").takes::<Reason>().gives::<BreakerList>(), reset);
}

/// How a service is.
#[derive(Serialize, ToSchema)]
pub(crate) struct ServiceHealth {
    service: String,
    ready: bool,
    paused: bool,
    detail: String,
    dead_letters: i64,
    jobs: i64,
    lag_events: i64,
}

#[derive(Serialize, ToSchema)]
struct ServiceList {
    services: Vec<ServiceHealth>,
}

/// What could not be processed.
#[derive(Serialize, ToSchema)]
struct DeadLetter {
    dead_letter_id: String,
    service: String,
    /// `event` or `job`.
    what: String,
    source: String,
    kind: String,
    /// What it is about, as events name it.
    about: String,
    cause: String,
    attempts: i64,
    parked_at: Option<String>,
    /// The letter behind which it waits.
    behind: Option<String>,
    /// The event or the job.
    #[schema(value_type = Object)]
    body: Option<Value>,
}

#[derive(Serialize, ToSchema)]
struct LetterList {
    letters: Vec<DeadLetter>,
    next: Option<String>,
}

#[derive(Serialize, ToSchema)]
struct Redriven {
    letters: u64,
}

/// What staff did by hand.
#[derive(Serialize, ToSchema)]
struct ActDone {
    at: Option<String>,
    principal: String,
    act: String,
    subject: String,
    reason: String,
}

#[derive(Serialize, ToSchema)]
struct ActList {
    acts: Vec<ActDone>,
    next: Option<String>,
}

/// The breaker of an edge.
#[derive(Serialize, ToSchema)]
struct WireBreaker {
    from: String,
    to: String,
    /// `closed`, `open` or `half_open`.
    #[schema(value_type = String)]
    state: Value,
    failures: u32,
    calls: u32,
    since: String,
    opens: u64,
}

#[derive(Serialize, ToSchema)]
struct BreakerList {
    breakers: Vec<WireBreaker>,
}

fn health(health: Health) -> ServiceHealth {
    let Health { service, ready, paused, detail, dead_letters, jobs, lag_events } = health;
    ServiceHealth { service, ready, paused, detail, dead_letters, jobs, lag_events }
}

async fn list(State(edge): State<Edge>, asked: Asked) -> Reply<ServiceList> {
    let mut services = Vec::new();
    for service in SERVICES {
        services.push(match edge.desk(service, &asked.call)?.get_health(GetHealthRequest {}).await {
            Ok(told) => health(told.into_inner()),
            Err(status) => {
                let detail = wire::fault_of(status).message;
                health(Health { service: service.to_owned(), detail, ..Health::default() })
            }
        });
    }
    Ok(Json(ServiceList { services }))
}

async fn set_paused(edge: &Edge, asked: &Asked, service: &str, paused: bool, reason: String) -> Reply<ServiceHealth> {
    let mut desk = edge.desk(Edge::service(service)?, &asked.call)?;
    let told = desk.set_paused(SetPausedRequest { paused, reason }).await.map_err(wire::fault_of)?;
    Ok(Json(health(told.into_inner())))
}

async fn pause(State(edge): State<Edge>, asked: Asked, Path(service): Named, Sent(body): Sent<Reason>) -> Reply<ServiceHealth> {
    set_paused(&edge, &asked, &service, true, body.reason).await
}

async fn resume(State(edge): State<Edge>, asked: Asked, Path(service): Named, Sent(body): Sent<Reason>) -> Reply<ServiceHealth> {
    set_paused(&edge, &asked, &service, false, body.reason).await
}

fn shown_letter(edge: &Edge, letter: Letter) -> DeadLetter {
    let body = serde_json::from_str::<Event>(&letter.body).map(|event| shown(&event, edge.key(), true)).ok();
    DeadLetter {
        dead_letter_id: edge.id::<DeadLetterId>(letter.dead_letter_id),
        service: letter.service,
        what: letter.what,
        source: letter.source,
        about: edge.id::<base::id::OrderId>(letter.about),
        kind: letter.kind,
        cause: letter.cause,
        attempts: letter.attempts,
        parked_at: time(letter.parked_at),
        behind: edge.show::<DeadLetterId>(letter.behind),
        body: body.or_else(|| (!letter.body.is_empty()).then_some(Value::String(letter.body))),
    }
}

async fn letters(State(edge): State<Edge>, asked: Asked, Path(service): Named, Asking(page): Asking<PageAsked>) -> Reply<LetterList> {
    let after = edge.after(&page.after)?.parse().unwrap_or(0);
    let mut desk = edge.desk(Edge::service(&service)?, &asked.call)?;
    let told = desk.list_letters(ListLettersRequest { after, limit: rows(page.limit)? }).await.map_err(wire::fault_of);
    let told = match told {
        Ok(told) => told.into_inner(),
        // A service that hears nothing has none.
        Err(fault) if fault.code == "dead_letter_not_found" => Default::default(),
        Err(fault) => return Err(fault.into()),
    };
    let next = edge.next(&told.next.to_string());
    Ok(Json(LetterList { letters: told.letters.into_iter().map(|letter| shown_letter(&edge, letter)).collect(), next }))
}

async fn letter(State(edge): State<Edge>, asked: Asked, Path((service, letter)): Path<(String, String)>) -> Reply<DeadLetter> {
    let dead_letter_id = edge.read::<DeadLetterId>(&letter)?;
    let told = edge.desk(Edge::service(&service)?, &asked.call)?.show_letter(LetterRequest { dead_letter_id }).await.map_err(wire::fault_of)?;
    Ok(Json(shown_letter(&edge, told.into_inner())))
}

async fn redrive(State(edge): State<Edge>, asked: Asked, Path((service, letter)): Path<(String, String)>, Sent(_): Sent<Reason>) -> Reply<Redriven> {
    let dead_letter_id = edge.read::<DeadLetterId>(&letter)?;
    let told = edge.desk(Edge::service(&service)?, &asked.call)?.redrive(LetterRequest { dead_letter_id }).await.map_err(wire::fault_of)?;
    Ok(Json(Redriven { letters: told.get_ref().letters }))
}

async fn discard(State(edge): State<Edge>, asked: Asked, Path((service, letter)): Path<(String, String)>, Sent(body): Sent<Reason>) -> Reply<Redriven> {
    let dead_letter_id = edge.read::<DeadLetterId>(&letter)?;
    let mut desk = edge.desk(Edge::service(&service)?, &asked.call)?;
    let told = desk.discard(DiscardRequest { dead_letter_id, reason: body.reason }).await.map_err(wire::fault_of)?;
    Ok(Json(Redriven { letters: told.get_ref().letters }))
}

async fn acts(State(edge): State<Edge>, asked: Asked, Path(service): Named, Asking(page): Asking<PageAsked>) -> Reply<ActList> {
    let before = edge.after(&page.after)?.parse().unwrap_or(0);
    let limit = rows(page.limit)?;
    let mut desk = edge.desk(Edge::service(&service)?, &asked.call)?;
    let told = desk.list_acts(ListActsRequest { before, limit }).await.map_err(wire::fault_of)?.into_inner();
    let full = told.acts.len() >= if limit == 0 { base::limits::PAGE_ROWS_DEFAULT } else { limit } as usize;
    let next = told.acts.last().filter(|_| full).and_then(|act| edge.next(&act.act_id.to_string()));
    let shown = |act: operator_api::Act| ActDone { at: time(act.at), principal: act.principal, act: act.act, subject: act.subject, reason: act.reason };
    Ok(Json(ActList { acts: told.acts.into_iter().map(shown).collect(), next }))
}

fn all_breakers(edge: &Edge) -> BreakerList {
    let views = edge.0.ctx.exchange().breakers().into_iter();
    let shown = views.map(|view| WireBreaker {
        from: view.from,
        to: view.to,
        state: serde_json::to_value(view.state).unwrap_or_default(),
        failures: view.failures,
        calls: view.calls,
        since: view.since.to_string(),
        opens: view.opens,
    });
    BreakerList { breakers: shown.collect() }
}

async fn breakers(State(edge): State<Edge>) -> Reply<BreakerList> {
    Ok(Json(all_breakers(&edge)))
}

async fn reset(State(edge): State<Edge>, asked: Asked, Path((from, to)): Path<(String, String)>, Sent(body): Sent<Reason>) -> Reply<BreakerList> {
    if !edge.0.ctx.exchange().reset_breaker(&from, &to) {
        return Err(Fault::not_found("breaker_not_found", format!("No breaker stands between {from} and {to}.")).into());
    }
    tracing::warn!(from, to, by = %asked.call.principal, reason = body.reason, "an operator reset a breaker");
    Ok(Json(all_breakers(&edge)))
}
