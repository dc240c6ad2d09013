//! What an operator sees and does: services, dead letters, breakers, acts.

use axum::Json;
use axum::extract::{Path, State};
use base::Fault;
use base::id::{DeadLetterId, EventId, OrderId};
use operator_api::{
    Act as ActMessage, DiscardRequest, GetHealthRequest, Health, Letter as LetterMessage, LetterRequest, ListActsRequest,
    ListLettersRequest, SetPausedRequest,
};
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;
use wire::{BreakerState, BreakerView};

use super::Reply;
use crate::Edge;
use crate::api::{Api, get, post};
use crate::asked::{Asked, Asking, Named, Sent};
use crate::document::PAGE;
use crate::shape::{PageAsked, Reason, Time, rows, some, time};

pub(crate) fn add(api: &mut Api) {
    api.chapter("operation");
    api.add(get("/v1/services", "Shows the health of every service").gives::<ServiceList>(), services);
    api.add(
        post("/v1/services/{service}/pause", "Pauses a service: its rpcs answer unavailable, its reactions wait")
            .takes::<Reason>()
            .gives::<ServiceHealth>(),
        pause,
    );
    api.add(post("/v1/services/{service}/resume", "Resumes a paused service").takes::<Reason>().gives::<ServiceHealth>(), resume);
    api.add(get("/v1/services/{service}/acts", "Lists what staff did by hand, newest first").asks(PAGE).gives::<ActPage>(), acts);
    api.add(
        get("/v1/services/{service}/dead-letters", "Lists what a service could not process").asks(PAGE).gives::<LetterPage>(),
        letters,
    );
    api.add(get("/v1/services/{service}/dead-letters/{letter}", "Shows a dead letter, whole").gives::<DeadLetter>(), letter);
    api.add(
        post("/v1/services/{service}/dead-letters/{letter}/redrive", "Processes a dead letter again, and those behind it")
            .gives::<LettersMoved>(),
        redrive,
    );
    api.add(
        post("/v1/services/{service}/dead-letters/{letter}/discard", "Gives a dead letter up, for a reason")
            .takes::<Reason>()
            .gives::<LettersMoved>(),
        discard,
    );
    api.add(get("/v1/breakers", "Lists the circuit breakers between services").gives::<BreakerList>(), breakers);
    api.add(post("/v1/breakers/reset", "Closes a circuit breaker").takes::<BreakerNamed>().gives::<BreakerClosed>(), reset);
}

/// How a service is.
#[derive(Serialize, ToSchema)]
pub(crate) struct ServiceHealth {
    pub(crate) service: String,
    /// Whether it answers and works.
    pub(crate) ready: bool,
    /// Whether an operator has paused it.
    paused: bool,
    /// What ails it.
    detail: Option<String>,
    /// How many events and jobs were put aside because they kept failing.
    dead_letters: i64,
    /// How many jobs wait or are worked on.
    jobs: i64,
    /// How many events of the log it has not heard yet.
    lag_events: i64,
}

/// How all services are.
#[derive(Serialize, ToSchema)]
struct ServiceList {
    services: Vec<ServiceHealth>,
}

/// An event or a job that kept failing and was put aside.
#[derive(Serialize, ToSchema)]
struct DeadLetter {
    /// Its id: `dlq_…`.
    dead_letter_id: String,
    service: String,
    /// `event` or `job`.
    what: String,
    /// Which service said it.
    source: String,
    /// The type of the event or the kind of the job.
    kind: String,
    /// The order that it is about: `ord_…`.
    about: Option<String>,
    /// Why it failed the last time.
    cause: String,
    /// How often it was tried.
    attempts: i64,
    parked_at: Option<Time>,
    /// The letter behind which it waits: `dlq_…`.
    behind: Option<String>,
    /// The whole event or job, as JSON in a text; lists leave it out.
    body: Option<String>,
}

/// A page of dead letters.
#[derive(Serialize, ToSchema)]
struct LetterPage {
    letters: Vec<DeadLetter>,
    /// What to send as `after` for the next page.
    next: Option<String>,
}

/// How many dead letters were moved.
#[derive(Serialize, ToSchema)]
struct LettersMoved {
    /// How many, those that waited behind it included.
    letters: u64,
}

/// Something that staff did by hand.
#[derive(Serialize, ToSchema)]
struct StaffAct {
    /// Its id: `evt_…`.
    act_id: String,
    at: Option<Time>,
    /// Who did it.
    principal: String,
    /// What, such as `refund`.
    act: String,
    /// To what.
    subject: String,
    /// Why.
    reason: String,
}

/// A page of acts.
#[derive(Serialize, ToSchema)]
struct ActPage {
    acts: Vec<StaffAct>,
    /// What to send as `after` for the next page.
    next: Option<String>,
}

/// The circuit breaker of the calls from one service to another.
#[derive(Serialize, ToSchema)]
struct CallBreaker {
    /// The service that asks.
    from: String,
    /// The service that is asked.
    to: String,
    /// `closed` (calls go through), `open` (none do) or `half_open` (a few are let through to see).
    state: String,
    /// How many of the counted calls failed.
    failures: u32,
    /// How many calls are counted now.
    calls: u32,
    /// Since when it is in this state.
    since: Option<Time>,
    /// How many times it has opened since the platform started.
    opens: u64,
}

/// The circuit breakers between services.
#[derive(Serialize, ToSchema)]
struct BreakerList {
    breakers: Vec<CallBreaker>,
}

/// That a breaker was closed.
#[derive(Serialize, ToSchema)]
struct BreakerClosed {
    reset: bool,
}

pub(crate) fn shown_health(health: Health) -> ServiceHealth {
    ServiceHealth {
        service: health.service,
        ready: health.ready,
        paused: health.paused,
        detail: some(health.detail),
        dead_letters: health.dead_letters,
        jobs: health.jobs,
        lag_events: health.lag_events,
    }
}

/// Asks every service how it is; one that does not answer is not ready.
pub(crate) async fn health_of_all(edge: &Edge) -> Vec<Health> {
    let call = edge.0.ctx.call("health");
    let asked = crate::SERVICES.into_iter().map(|service| {
        let call = call.clone();
        async move {
            let answer = async { edge.desk(service, &call)?.get_health(GetHealthRequest {}).await.map_err(wire::fault_of) };
            match answer.await {
                Ok(health) => health.into_inner(),
                Err(fault) => Health { service: service.to_owned(), detail: fault.message, ..Health::default() },
            }
        }
    });
    futures_util::future::join_all(asked).await
}

async fn services(State(edge): State<Edge>, _: Asked) -> Reply<ServiceList> {
    let all = health_of_all(&edge).await;
    Ok(Json(ServiceList { services: all.into_iter().map(shown_health).collect() }))
}

async fn set_paused(edge: &Edge, asked: &Asked, service: &str, paused: bool, reason: String) -> Reply<ServiceHealth> {
    let mut desk = edge.desk(Edge::service(service)?, &asked.call)?;
    let health = desk.set_paused(SetPausedRequest { paused, reason }).await.map_err(wire::fault_of)?.into_inner();
    Ok(Json(shown_health(health)))
}

async fn pause(State(edge): State<Edge>, asked: Asked, service: Named, Sent(body): Sent<Reason>) -> Reply<ServiceHealth> {
    set_paused(&edge, &asked, &service, true, body.reason).await
}

async fn resume(State(edge): State<Edge>, asked: Asked, service: Named, Sent(body): Sent<Reason>) -> Reply<ServiceHealth> {
    set_paused(&edge, &asked, &service, false, body.reason).await
}

fn shown_letter(edge: &Edge, letter: LetterMessage) -> DeadLetter {
    DeadLetter {
        dead_letter_id: edge.id::<DeadLetterId>(letter.dead_letter_id),
        service: letter.service,
        what: letter.what,
        source: letter.source,
        kind: letter.kind,
        about: edge.show::<OrderId>(letter.about),
        cause: letter.cause,
        attempts: letter.attempts,
        parked_at: time(letter.parked_at),
        behind: edge.show::<DeadLetterId>(letter.behind),
        body: some(letter.body),
    }
}

fn number(text: &str) -> Result<i64, Fault> {
    if text.is_empty() {
        Ok(0)
    } else {
        text.parse().map_err(|_| Fault::invalid("bad_page", "This is not a page of this list.").with("field", "after"))
    }
}

async fn letters(State(edge): State<Edge>, asked: Asked, service: Named, Asking(page): Asking<PageAsked>) -> Reply<LetterPage> {
    let mut desk = edge.desk(Edge::service(&service)?, &asked.call)?;
    let request = ListLettersRequest { after: number(&edge.after(&page.after)?)?, limit: rows(page.limit)? };
    let page = desk.list_letters(request).await.map_err(wire::fault_of)?.into_inner();
    let next = (page.next != 0).then(|| page.next.to_string()).and_then(|next| edge.next(&next));
    Ok(Json(LetterPage { letters: page.letters.into_iter().map(|letter| shown_letter(&edge, letter)).collect(), next }))
}

fn named(edge: &Edge, id: &str) -> Result<LetterRequest, Fault> {
    Ok(LetterRequest { dead_letter_id: edge.read::<DeadLetterId>(id)? })
}

async fn letter(State(edge): State<Edge>, asked: Asked, Path((service, id)): Path<(String, String)>) -> Reply<DeadLetter> {
    let mut desk = edge.desk(Edge::service(&service)?, &asked.call)?;
    let letter = desk.show_letter(named(&edge, &id)?).await.map_err(wire::fault_of)?.into_inner();
    Ok(Json(shown_letter(&edge, letter)))
}

async fn redrive(State(edge): State<Edge>, asked: Asked, Path((service, id)): Path<(String, String)>) -> Reply<LettersMoved> {
    let mut desk = edge.desk(Edge::service(&service)?, &asked.call)?;
    let answer = desk.redrive(named(&edge, &id)?).await.map_err(wire::fault_of)?.into_inner();
    Ok(Json(LettersMoved { letters: answer.letters }))
}

async fn discard(
    State(edge): State<Edge>,
    asked: Asked,
    Path((service, id)): Path<(String, String)>,
    Sent(body): Sent<Reason>,
) -> Reply<LettersMoved> {
    let mut desk = edge.desk(Edge::service(&service)?, &asked.call)?;
    let request = DiscardRequest { dead_letter_id: edge.read::<DeadLetterId>(&id)?, reason: body.reason };
    let answer = desk.discard(request).await.map_err(wire::fault_of)?.into_inner();
    Ok(Json(LettersMoved { letters: answer.letters }))
}

async fn acts(State(edge): State<Edge>, asked: Asked, service: Named, Asking(page): Asking<PageAsked>) -> Reply<ActPage> {
    let mut desk = edge.desk(Edge::service(&service)?, &asked.call)?;
    let request = ListActsRequest { before: number(&edge.after(&page.after)?)?, limit: rows(page.limit)? };
    let acts = desk.list_acts(request).await.map_err(wire::fault_of)?.into_inner().acts;
    let next = acts.last().and_then(|act| edge.next(&act.act_id.to_string()));
    let shown = |act: ActMessage| StaffAct {
        act_id: edge.id::<EventId>(act.act_id),
        at: time(act.at),
        principal: act.principal,
        act: act.act,
        subject: act.subject,
        reason: act.reason,
    };
    Ok(Json(ActPage { acts: acts.into_iter().map(shown).collect(), next }))
}

fn word(state: BreakerState) -> &'static str {
    match state {
        BreakerState::Closed => "closed",
        BreakerState::Open => "open",
        BreakerState::HalfOpen => "half_open",
    }
}

async fn breakers(State(edge): State<Edge>, _: Asked) -> Reply<BreakerList> {
    let shown = |breaker: BreakerView| CallBreaker {
        state: word(breaker.state).to_owned(),
        from: breaker.from,
        to: breaker.to,
        failures: breaker.failures,
        calls: breaker.calls,
        since: time(breaker.since.micros()),
        opens: breaker.opens,
    };
    Ok(Json(BreakerList { breakers: edge.0.ctx.exchange().breakers().into_iter().map(shown).collect() }))
}

/// Which breaker is meant.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
struct BreakerNamed {
    /// The service that asks.
    from: String,
    /// The service that is asked.
    to: String,
}

async fn reset(State(edge): State<Edge>, asked: Asked, Sent(body): Sent<BreakerNamed>) -> Reply<BreakerClosed> {
    if !edge.0.ctx.exchange().reset_breaker(&body.from, &body.to) {
        return Err(
            Fault::not_found("breaker_not_found", format!("No call has gone from {} to {} yet.", body.from, body.to)).into()
        );
    }
    tracing::warn!(from = body.from, to = body.to, by = %asked.call.principal, "an operator closed a breaker");
    Ok(Json(BreakerClosed { reset: true }))
}
