//! What the host does by itself: the mark of the ids, retention of the log, of recorded answers and of what has ended.

use std::sync::Arc;
use std::time::Duration;

use base::{Fault, Timestamp};
use embedded::Database;

use crate::platform::Hosted;
use crate::retention::{self, Kept};
use crate::{IdSource, Platform};

/// How far ahead of now ids are allowed.
const MARK_AHEAD_MS: i64 = 60_000;
/// How often the mark is moved.
const MARK_EVERY: Duration = Duration::from_secs(10);
/// The file's name for the mark.
const MARK: &str = "ids_mark_ms";
/// How long the answers of requests are kept.
const ANSWERS_KEPT: Duration = Duration::from_secs(24 * 3_600);
/// When old things are first looked for: what a platform that was off for long has to end, it ends before that.
const RETENTION_AFTER: Duration = Duration::from_secs(60);
/// How often old things are looked for.
const RETENTION_EVERY: Duration = Duration::from_secs(600);

/// Makes the source of ids of a node (0 to 1023) with a file: it goes on beyond all that was ever given.
pub fn ids_of(database: &Database, node: u16) -> Result<Arc<IdSource>, Fault> {
    let floor = database.meta(MARK)?.and_then(|text| text.parse().ok()).unwrap_or(0);
    Ok(Arc::new(IdSource::new(node, floor)))
}

/// Moves the mark of a source of ids: first on the disk, then in memory.
pub async fn move_mark(database: &Database, ids: &IdSource, now_ms: i64) -> Result<(), Fault> {
    // Never back, whatever the clock does: the ids up to the old mark may be given already.
    let mark = now_ms.max(ids.last_ms()) + MARK_AHEAD_MS;
    database.set_meta(MARK, &mark.to_string()).await?;
    ids.set_mark(mark);
    Ok(())
}

/// Lets the mark follow the clock for as long as the platform lives.
pub(crate) fn keep(platform: &Platform) {
    let keeper = platform.clone();
    platform.world().spawn("retention", async move {
        keeper.world().sleep(RETENTION_AFTER).await;
        loop {
            if let Err(fault) = retain(&keeper).await {
                tracing::warn!(%fault, cause = fault.cause, "what is old could not be dropped");
            }
            keeper.world().sleep(RETENTION_EVERY).await;
        }
    });
}

/// Moves the mark now, and again and again.
pub async fn keep_ids(database: Database, world: base::World, ids: Arc<IdSource>) -> Result<(), Fault> {
    move_mark(&database, &ids, world.now().millis()).await?;
    let clock = world.clone();
    world.spawn("ids", async move {
        loop {
            clock.sleep(MARK_EVERY).await;
            if let Err(fault) = move_mark(&database, &ids, clock.now().millis()).await {
                tracing::warn!(%fault, cause = fault.cause, "the mark of the ids could not be moved");
            }
        }
    });
    Ok(())
}

/// Drops what is old: see [`retain_at`].
pub async fn retain(platform: &Platform) -> Result<(), Fault> {
    retain_at(platform, platform.world().now()).await
}

/// Drops what is old at a time: answers of more than a day, what has ended long ago, events that everybody has heard.
///
/// One service that cannot drop its own does not keep the others from it; its fault is given at the end.
pub async fn retain_at(platform: &Platform, now: Timestamp) -> Result<(), Fault> {
    let mut failed = None;
    // What is said while we look is not old, whatever the clock says.
    let mut heard = platform.log().last().await?;
    for hosted in platform.hosted() {
        // Where nobody knows what a service has yet to hear, no event goes this time.
        heard = heard.min(unheard_from(hosted).await?.unwrap_or(heard));
        if let Err(fault) = retain_of(hosted, now).await {
            failed = Some(fault);
        }
    }
    let setting = |name: &str| platform.setting(name).map(str::to_owned);
    let kept = match setting("log_retention_days").and_then(|text| text.parse().ok()) {
        Some(days) => retention::days(days),
        None => Kept::Books.duration(setting),
    };
    if let Some(kept) = kept {
        platform.database().trim_log(now - kept, heard).await?;
    }
    failed.map_or(Ok(()), Err)
}

/// Tells up to where a service has heard the log; none when it waits for nothing but news.
async fn unheard_from(hosted: &Hosted) -> Result<Option<i64>, Fault> {
    let (Some(store), Some(running)) = (&hosted.ctx.0.store, &hosted.running) else { return Ok(None) };
    let mut from: Option<i64> = None;
    for source in &running.sources {
        let (cursor, ahead) = store.cursor(source).await?;
        if !ahead.is_empty() || hosted.unheard(source).await?.is_some() {
            from = Some(from.map_or(cursor, |from| from.min(cursor)));
        }
    }
    Ok(from)
}

/// Drops what is old of one service.
async fn retain_of(hosted: &Hosted, now: Timestamp) -> Result<(), Fault> {
    if let Some(documents) = &hosted.ctx.0.documents {
        documents.forget_answers(now - ANSWERS_KEPT).await?;
    }
    let Some(store) = &hosted.ctx.0.store else { return Ok(()) };
    store.forget_answers(now - ANSWERS_KEPT).await?;
    let commits = retention::sweep(hosted, now).await?;
    if commits > 0 {
        tracing::info!(service = hosted.ctx.name(), commits, "what had ended long ago was dropped");
    }
    Ok(())
}
