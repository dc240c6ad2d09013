//! The operator's desk of one service: health, pause, dead letters, acts.

use std::sync::Arc;

use base::id::{DeadLetterId, ShopId};
use base::{Event, Fault};
use operator_api::operator_server::{Operator, OperatorServer};
use operator_api::{
    Act, ActPage, DiscardRequest, GetHealthRequest, Health, Letter, LetterPage, LetterRequest, ListActsRequest,
    ListLettersRequest, RedriveAnswer, SetPausedRequest,
};
use saga::Letters;
use tonic::{Request, Response, Status};
use wire::{Call, Exchange};

use crate::answer;
use crate::platform::Hosted;

/// The rows of a page when nobody says, and at most.
const PAGE_DEFAULT: u32 = base::limits::PAGE_ROWS_DEFAULT;
const PAGE_MAX: u32 = base::limits::PAGE_ROWS_MAX;
/// How many waiting events of one source are counted; whoever is further behind is far behind.
const LAG_COUNTED_MAX: usize = 1_000;

#[derive(Clone)]
pub(crate) struct Desk {
    hosted: Hosted,
    exchange: Exchange,
}

impl Desk {
    pub(crate) fn new(hosted: Hosted, exchange: Exchange) -> Desk {
        Desk { hosted, exchange }
    }

    pub(crate) fn server(self) -> OperatorServer<Desk> {
        OperatorServer::new(self)
    }

    fn letters(&self) -> Result<&Letters, Fault> {
        let running = self.hosted.running.as_ref();
        running
            .map(|running| &running.letters)
            .ok_or_else(|| Fault::not_found("dead_letter_not_found", "This service hears nothing, so it has no dead letters."))
    }

    /// Counts the events that are for this service and that it has not worked yet, source by source up to a page of them.
    async fn lag(&self, store: &sql::Store) -> Result<i64, Fault> {
        let Some(running) = &self.hosted.running else { return Ok(0) };
        let mut lag = 0;
        for source in &running.sources {
            let (cursor, ahead) = store.cursor(source).await?;
            let events = self.hosted.ctx.log().read(source, cursor, LAG_COUNTED_MAX).await?;
            let open = |event: &Arc<Event>| running.heard.contains(event.name()) && !ahead.contains(&event.seq);
            lag += events.iter().filter(|event| open(event)).count() as i64;
        }
        Ok(lag)
    }

    async fn health(&self) -> Health {
        let service = self.hosted.ctx.name();
        let (mut ready, mut detail) = (true, String::new());
        let (mut dead_letters, mut jobs, mut lag) = (0, 0, 0);
        if let Some(store) = &self.hosted.ctx.0.store {
            let looked = async {
                dead_letters = store.parked_count().await?;
                jobs = store.job_count().await?;
                lag = self.lag(store).await?;
                Ok::<_, Fault>(())
            };
            if let Err(fault) = looked.await {
                ready = false;
                detail = fault.message;
            }
        }
        let paused = self.exchange.is_paused(service);
        Health { service: service.to_owned(), ready: ready && !paused, paused, detail, dead_letters, jobs, lag_events: lag }
    }
}

/// Operators are the staff of the platform's first shop, and the platform itself.
fn may_operate(call: &Call) -> Result<(), Fault> {
    call.principal.must_serve(ShopId(1))
}

fn shown(letter: sql::Letter, service: &str, whole: bool) -> Letter {
    Letter {
        dead_letter_id: letter.id,
        service: service.to_owned(),
        what: letter.what.word().to_owned(),
        source: letter.source,
        kind: letter.kind,
        about: letter.key,
        cause: letter.cause,
        attempts: letter.attempts,
        parked_at: letter.parked_at.micros(),
        behind: letter.behind.unwrap_or(0),
        body: if whole { letter.body } else { String::new() },
    }
}

fn rows(limit: u32) -> usize {
    (if limit == 0 { PAGE_DEFAULT } else { limit.min(PAGE_MAX) }) as usize
}

#[tonic::async_trait]
impl Operator for Desk {
    async fn get_health(&self, _: Request<GetHealthRequest>) -> Result<Response<Health>, Status> {
        Ok(Response::new(self.health().await))
    }

    async fn set_paused(&self, request: Request<SetPausedRequest>) -> Result<Response<Health>, Status> {
        answer(async {
            let call = Call::of(&request)?;
            may_operate(&call)?;
            let paused = request.get_ref().paused;
            let service = self.hosted.ctx.name();
            self.exchange.pause(service, paused);
            if let Some(running) = &self.hosted.running {
                running.gate.set_open(!paused);
            }
            if let Some(store) = &self.hosted.ctx.0.store {
                let act = if paused { "pause_service" } else { "resume_service" };
                let act = store.act(&call.principal, act, service, &request.get_ref().reason);
                store.commit(sql::Once::Nothing, sql::Change::new().write(act)).await?;
            }
            tracing::warn!(service, paused, by = %call.principal, "an operator paused or resumed a service");
            Ok(self.health().await)
        })
        .await
    }

    async fn list_letters(&self, request: Request<ListLettersRequest>) -> Result<Response<LetterPage>, Status> {
        answer(async {
            may_operate(&Call::of(&request)?)?;
            let asked = request.get_ref();
            let limit = rows(asked.limit);
            // Who hears nothing has nothing to park.
            let Some(running) = &self.hosted.running else { return Ok(LetterPage::default()) };
            let letters = running.letters.list(DeadLetterId(asked.after), limit).await?;
            let next = if letters.len() == limit { letters.last().map_or(0, |letter| letter.id) } else { 0 };
            let service = self.hosted.ctx.name();
            Ok(LetterPage { letters: letters.into_iter().map(|letter| shown(letter, service, false)).collect(), next })
        })
        .await
    }

    async fn show_letter(&self, request: Request<LetterRequest>) -> Result<Response<Letter>, Status> {
        answer(async {
            may_operate(&Call::of(&request)?)?;
            let letter = self.letters()?.show(DeadLetterId(request.get_ref().dead_letter_id)).await?;
            Ok(shown(letter, self.hosted.ctx.name(), true))
        })
        .await
    }

    async fn redrive(&self, request: Request<LetterRequest>) -> Result<Response<RedriveAnswer>, Status> {
        answer(async {
            let call = Call::of(&request)?;
            may_operate(&call)?;
            let letters = self.letters()?.redrive(DeadLetterId(request.get_ref().dead_letter_id), &call.principal).await?;
            Ok(RedriveAnswer { letters })
        })
        .await
    }

    async fn discard(&self, request: Request<DiscardRequest>) -> Result<Response<RedriveAnswer>, Status> {
        answer(async {
            let call = Call::of(&request)?;
            may_operate(&call)?;
            let asked = request.get_ref();
            if asked.reason.trim().is_empty() || asked.reason.len() > base::limits::TEXT_BYTES_MAX {
                return Err(Fault::invalid("reason_needed", "Say in a sentence why this dead letter is given up."));
            }
            self.letters()?.discard(DeadLetterId(asked.dead_letter_id), &call.principal, &asked.reason).await?;
            Ok(RedriveAnswer { letters: 1 })
        })
        .await
    }

    async fn list_acts(&self, request: Request<ListActsRequest>) -> Result<Response<ActPage>, Status> {
        answer(async {
            may_operate(&Call::of(&request)?)?;
            let asked = request.get_ref();
            let Some(store) = &self.hosted.ctx.0.store else { return Ok(ActPage::default()) };
            let before = if asked.before == 0 { i64::MAX } else { asked.before };
            let acts = store.acts(before, rows(asked.limit)).await?;
            let shown = |act: sql::Act| Act {
                act_id: act.id,
                at: act.at.micros(),
                principal: act.principal,
                act: act.act,
                subject: act.subject,
                reason: act.reason,
            };
            Ok(ActPage { acts: acts.into_iter().map(shown).collect() })
        })
        .await
    }
}

/// What the wire shows of a principal that may operate, for tests of who may not.
#[cfg(test)]
mod tests {
    use super::*;
    use base::Principal;
    use base::id::{DeviceId, StaffId};

    #[test]
    fn guests_and_other_shops_may_not_operate() {
        let call = |principal| Call::new(principal, "c");
        assert!(may_operate(&call(Principal::platform("gateway"))).is_ok());
        assert!(may_operate(&call(Principal::Staff { staff: StaffId(1), shop: ShopId(1) })).is_ok());
        assert!(may_operate(&call(Principal::Staff { staff: StaffId(1), shop: ShopId(2) })).is_err());
        assert!(may_operate(&call(Principal::Guest { device: DeviceId(1) })).is_err());
        assert!(may_operate(&call(Principal::Nobody)).is_err());
    }
}
