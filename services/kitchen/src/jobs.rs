//! What the kitchen does when its time has come: first dishes, last dishes, and broken stations.

use base::id::{OrderId, StationId};
use base::{Fault, Id, Mistake, planted};
use host::{Change, Ctx, Job};

use crate::batch::Batch;
use crate::domain::{Decision, State, Ticket};
use crate::store::{self, Leaving};

/// How many tickets are looked at in one commit when a station has broken. Few, so that bookings rarely get in between.
const LEAVING_AT_ONCE: u32 = 64;

/// Says that the first dishes are begun.
pub async fn start(ctx: Ctx, jobs: Vec<Job>) -> Result<Change, Fault> {
    on_time(&ctx, store::START, jobs, |ticket, job| ticket.start(job.due)).await
}

/// Says that the last dishes are ready.
pub async fn ready(ctx: Ctx, jobs: Vec<Job>) -> Result<Change, Fault> {
    let now = base::Timestamp(ctx.now().0 / 1_000_000 * 1_000_000);
    let by = |job: &Job| if planted(Mistake::ExpiryByWallClock) { now } else { job.due };
    on_time(&ctx, store::READY, jobs, |ticket, job| ticket.finish(by(job))).await
}

async fn on_time(
    ctx: &Ctx,
    kind: &'static str,
    jobs: Vec<Job>,
    decide: impl Fn(&mut Ticket, &Job) -> Decision,
) -> Result<Change, Fault> {
    let orders: Vec<OrderId> = jobs.iter().map(|job| OrderId(job.key)).collect();
    let known = store::tickets(ctx.store(), &orders).await?;
    let mut batch = Batch::begin(ctx);
    let mut later = Vec::new();
    for job in &jobs {
        let Some(before) = known.get(&OrderId(job.key)) else { continue };
        if before.state == State::Booked {
            let begins = batch.begins(before.order_id).await?;
            if begins > batch.now() {
                later.push(store::timer(kind, before.order_id, begins, &job.correlation));
                continue;
            }
        }
        let mut ticket = before.clone();
        let decision = decide(&mut ticket, job);
        batch.keep(before, &ticket, decision, &job.correlation);
    }
    Ok(later.into_iter().fold(batch.end(), Change::job))
}

/// Moves dishes away from a broken station, some tickets at a time; one that was repaired meanwhile keeps the rest.
pub async fn leave(ctx: Ctx, job: Job) -> Result<Change, Fault> {
    let Leaving { shop, after } = serde_json::from_str(&job.body)
        .map_err(|error| Fault::internal("job_unreadable", "The work at a broken station cannot be read.").because(error))?;
    let id = StationId::of(job.key);
    let mut batch = Batch::begin(&ctx);
    let now = batch.now();
    let station = match batch.floor(shop).await?.station(id) {
        Some((station, known)) if known.broken => station,
        _ => return Ok(Change::new()),
    };
    let tickets = store::open_tickets(ctx.store(), shop, after, LEAVING_AT_ONCE).await?;
    for before in &tickets {
        let mut ticket = before.clone();
        let decision = ticket.leave(batch.floor(shop).await?, station, now);
        batch.keep(before, &ticket, decision, &job.correlation);
    }
    let change = batch.end();
    match tickets.last() {
        Some(last) if tickets.len() >= LEAVING_AT_ONCE as usize => {
            Ok(change.job(store::leaving(id, &Leaving { shop, after: last.order_id }, now, &job.correlation)))
        }
        _ => Ok(change),
    }
}
