//! What an operator sees and does: services, dead letters, breakers, acts.

use axum::Json;
use axum::extract::{Path, State};
use base::Fault;
use base::id::{DeadLetterId, EventId, OrderId};
use operator_api::{
    DiscardRequest, GetHealthRequest, Health, Letter, LetterRequest, ListActsRequest, ListLettersRequest, SetPausedRequest,
};
use serde::Deserialize;
use serde_json::{Value, json};
use utoipa::ToSchema;

use super::Answer;
use crate::Edge;
use crate::api::{Api, get, post};
use crate::asked::{Asked, Asking, Named, Sent};
use crate::shape::{PAGE, PageAsked, Reason, rows, some, time};

pub(crate) fn add(api: &mut Api) {
    api.chapter("operation");
    api.add(get("/v1/services", "The health of every service."), services);
    api.add(
        post("/v1/services/{service}/pause", "Pauses a service: its rpcs answer unavailable, its reactions wait.")
            .takes::<Reason>(),
        pause,
    );
    api.add(post("/v1/services/{service}/resume", "Resumes a paused service.").takes::<Reason>(), resume);
    api.add(get("/v1/services/{service}/acts", "What staff did by hand, newest first.").asks(PAGE), acts);
    api.add(get("/v1/services/{service}/dead-letters", "What a service could not process.").asks(PAGE), letters);
    api.add(get("/v1/services/{service}/dead-letters/{id}", "One dead letter, whole."), letter);
    api.add(
        post("/v1/services/{service}/dead-letters/{id}/redrive", "Processes a dead letter again, and those behind it."),
        redrive,
    );
    api.add(
        post("/v1/services/{service}/dead-letters/{id}/discard", "Gives a dead letter up, for a reason.").takes::<Reason>(),
        discard,
    );
    api.add(get("/v1/breakers", "The circuit breakers between services."), breakers);
    api.add(post("/v1/breakers/reset", "Closes a circuit breaker.").takes::<BreakerBody>(), reset);
}

pub(crate) fn shown_health(health: &Health) -> Value {
    json!({ "service": health.service, "ready": health.ready, "paused": health.paused, "detail": some(health.detail.clone()),
        "dead_letters": health.dead_letters, "jobs": health.jobs, "lag_events": health.lag_events })
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

async fn services(State(edge): State<Edge>, _: Asked) -> Answer {
    let all = health_of_all(&edge).await;
    Ok(Json(json!({ "services": all.iter().map(shown_health).collect::<Vec<_>>() })))
}

async fn set_paused(edge: &Edge, asked: &Asked, service: &str, paused: bool, reason: String) -> Answer {
    let mut desk = edge.desk(Edge::service(service)?, &asked.call)?;
    let health = desk.set_paused(SetPausedRequest { paused, reason }).await.map_err(wire::fault_of)?.into_inner();
    Ok(Json(shown_health(&health)))
}

async fn pause(State(edge): State<Edge>, asked: Asked, service: Named, Sent(body): Sent<Reason>) -> Answer {
    set_paused(&edge, &asked, &service, true, body.reason).await
}

async fn resume(State(edge): State<Edge>, asked: Asked, service: Named, Sent(body): Sent<Reason>) -> Answer {
    set_paused(&edge, &asked, &service, false, body.reason).await
}

fn shown_letter(edge: &Edge, letter: &Letter) -> Value {
    json!({
        "dead_letter_id": edge.id::<DeadLetterId>(letter.dead_letter_id), "service": letter.service, "what": letter.what, "source": letter.source, "kind": letter.kind,
        "about": edge.show::<OrderId>(letter.about), "cause": letter.cause, "attempts": letter.attempts, "parked_at": time(letter.parked_at),
        "behind": edge.show::<DeadLetterId>(letter.behind), "body": some(letter.body.clone()),
    })
}

fn number(text: &str) -> Result<i64, Fault> {
    if text.is_empty() {
        Ok(0)
    } else {
        text.parse().map_err(|_| Fault::invalid("bad_page", "This is not a page of this list.").with("field", "after"))
    }
}

async fn letters(State(edge): State<Edge>, asked: Asked, service: Named, Asking(page): Asking<PageAsked>) -> Answer {
    let mut desk = edge.desk(Edge::service(&service)?, &asked.call)?;
    let request = ListLettersRequest { after: number(&edge.after(&page.after)?)?, limit: rows(page.limit)? };
    let page = desk.list_letters(request).await.map_err(wire::fault_of)?.into_inner();
    let next = edge.next(&page.next.to_string());
    Ok(Json(
        json!({ "letters": page.letters.iter().map(|letter| shown_letter(&edge, letter)).collect::<Vec<_>>(), "next": next }),
    ))
}

fn named(edge: &Edge, id: &str) -> Result<LetterRequest, Fault> {
    Ok(LetterRequest { dead_letter_id: edge.read::<DeadLetterId>(id)? })
}

async fn letter(State(edge): State<Edge>, asked: Asked, Path((service, id)): Path<(String, String)>) -> Answer {
    let mut desk = edge.desk(Edge::service(&service)?, &asked.call)?;
    let letter = desk.show_letter(named(&edge, &id)?).await.map_err(wire::fault_of)?.into_inner();
    Ok(Json(shown_letter(&edge, &letter)))
}

async fn redrive(State(edge): State<Edge>, asked: Asked, Path((service, id)): Path<(String, String)>) -> Answer {
    let mut desk = edge.desk(Edge::service(&service)?, &asked.call)?;
    let answer = desk.redrive(named(&edge, &id)?).await.map_err(wire::fault_of)?.into_inner();
    Ok(Json(json!({ "letters": answer.letters })))
}

async fn discard(
    State(edge): State<Edge>,
    asked: Asked,
    Path((service, id)): Path<(String, String)>,
    Sent(body): Sent<Reason>,
) -> Answer {
    let mut desk = edge.desk(Edge::service(&service)?, &asked.call)?;
    let request = DiscardRequest { dead_letter_id: edge.read::<DeadLetterId>(&id)?, reason: body.reason };
    let answer = desk.discard(request).await.map_err(wire::fault_of)?.into_inner();
    Ok(Json(json!({ "letters": answer.letters })))
}

async fn acts(State(edge): State<Edge>, asked: Asked, service: Named, Asking(page): Asking<PageAsked>) -> Answer {
    let mut desk = edge.desk(Edge::service(&service)?, &asked.call)?;
    let request = ListActsRequest { before: number(&edge.after(&page.after)?)?, limit: rows(page.limit)? };
    let acts = desk.list_acts(request).await.map_err(wire::fault_of)?.into_inner().acts;
    let next = acts.last().and_then(|act| edge.next(&act.act_id.to_string()));
    let shown: Vec<Value> = acts
        .iter()
        .map(|act| json!({ "act_id": edge.id::<EventId>(act.act_id), "at": time(act.at), "principal": act.principal, "act": act.act, "subject": act.subject, "reason": act.reason }))
        .collect();
    Ok(Json(json!({ "acts": shown, "next": next })))
}

async fn breakers(State(edge): State<Edge>, _: Asked) -> Answer {
    Ok(Json(json!({ "breakers": edge.0.ctx.exchange().breakers() })))
}

#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
struct BreakerBody {
    from: String,
    to: String,
}

async fn reset(State(edge): State<Edge>, _: Asked, Sent(body): Sent<BreakerBody>) -> Answer {
    if !edge.0.ctx.exchange().reset_breaker(&body.from, &body.to) {
        return Err(
            Fault::not_found("breaker_not_found", format!("No call has gone from {} to {} yet.", body.from, body.to)).into()
        );
    }
    Ok(Json(json!({ "reset": true })))
}
