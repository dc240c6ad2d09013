//! Computes all figures again from the log, beside those that are shown, while events go on.

use base::{Fault, Mistake, Timestamp, planted};
use host::{Change, Ctx, Job};
use sql::NewJob;
use wire::Call;

use crate::clocks::Clocks;
use crate::domain::Error;
use crate::reactions::counted;
use crate::store;

/// How many events one commit replays.
const PAGE: usize = 1_000;

fn job(due: Timestamp, correlation: &str) -> NewJob {
    NewJob {
        kind: "rebuild",
        key: 0,
        due,
        deadline: None,
        body: "{}".to_owned(),
        correlation: correlation.to_owned(),
        lease: None,
    }
}

/// Begins a rebuild; gives how many events will be counted again.
pub async fn begin(ctx: &Ctx, clocks: &Clocks, call: &Call) -> Result<(Change, i64), Fault> {
    // The first event ever said stands at 1.
    if let Some(begins_at) = ctx.log().first().await?.filter(|first| *first > 1) {
        return Err(Error::LogTooShort { begins_at }.fault());
    }
    let state = store::state(ctx.store()).await?;
    if state.building > 0 {
        return Err(Error::Rebuilding.fault());
    }
    let events = store::all_events(ctx.store(), state.generation).await?;
    let mut change = clocks.renewed(ctx).await?;
    for statement in store::begin_rebuild(state) {
        change = change.write(statement);
    }
    let change =
        change.write(ctx.store().act(&call.principal, "rebuild_figures", "all", "")).job(job(ctx.now(), &call.correlation));
    Ok((change, events))
}

/// Replays a page of one source and leaves a job for the next; at the end the new figures take the place of the old.
pub async fn replay(ctx: Ctx, clocks: Clocks, done: Job) -> Result<Change, Fault> {
    let state = store::state(ctx.store()).await?;
    if state.building == 0 {
        return Ok(Change::new());
    }
    let replays = store::replays(ctx.store()).await?;
    let Some(replay) = replays.iter().find(|replay| !replay.is_over()) else {
        return Ok(store::take_place(state).into_iter().fold(Change::new(), Change::write));
    };
    let mut events = ctx.log().read(&replay.source, replay.seq, PAGE).await?;
    let last = events.last().map(|event| event.seq);
    // What was retained for so long is gone now, or there is nothing left: then this source is over.
    let end = replay.cut.max(replay.ahead.last().copied().unwrap_or(0));
    let upto = last.map_or(end, |last| last.min(end));
    let counts = |seq| replay.covers(seq) || planted(Mistake::RebuildCountsTwice);
    events.retain(|event| counts(event.seq) && crate::HEARD.contains(&event.name()));
    let change = counted(&ctx, &clocks, state.building, &events).await?;
    let change = change.guarded(store::same_epoch(state)).guarded(store::replayed(replay, upto));
    Ok(change.job(job(ctx.now(), &done.correlation)))
}
