//! Retention: what has ended long ago goes, some rows at a time.
//!
//! Owns: how long what kind of thing is kept, and the walk over a service's old rows.
//! Promises: the writer is never held for long; what goes is marked in the same commit, so that an audit can tell what was
//! dropped on purpose; a service that has not yet heard what was said before the mark keeps everything.
//! Never: drops what has not ended: what that means, each service says itself.
//! Start reading at [`sweep`], then `services/orders/src/retention.rs`.

use std::sync::Arc;
use std::time::Duration;

use base::{BoxFuture, Event, Fault, Timestamp};
use sql::{Change, Once, Outcome, Statement, Trimmed};

use crate::platform::Hosted;
use crate::{Ctx, lowest_at};

/// The pause between two commits, in which others get their turn.
const PAUSE: Duration = Duration::from_millis(5);
/// How many events are looked at at once.
const EVENTS: usize = 1_000;
/// Nothing is kept shorter: an order may take 36 hours, and who takes part in it leans on what it knows of it.
const DAYS_MIN: f64 = 2.0;

/// For how long something is kept after it has ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Kept {
    /// What was needed to do the work: tickets, deliveries, reservations. The setting `work_retention_days`.
    Work,
    /// What books are made of: orders, their history, payments. The setting `books_retention_days`.
    Books,
}

impl Kept {
    /// Finds out how long that is; nothing for ever.
    pub fn duration(self, setting: impl Fn(&str) -> Option<String>) -> Option<Duration> {
        let (name, otherwise) = match self {
            Kept::Work => ("work_retention_days", 90.0),
            Kept::Books => ("books_retention_days", 3_650.0),
        };
        days(setting(name).and_then(|text| text.parse().ok()).unwrap_or(otherwise))
    }
}

/// Turns a number of days into how long something is kept; zero and less mean for ever.
pub(crate) fn days(days: f64) -> Option<Duration> {
    (days > 0.0).then(|| Duration::try_from_secs_f64(days.max(DAYS_MIN) * 86_400.0).ok()).flatten()
}

/// Where a walk over old rows has come to.
#[derive(Debug, Clone, Copy)]
pub struct Old {
    /// Only what had ended before this goes.
    pub before: Timestamp,
    /// Whatever has such an id or a higher one is not old enough, whether it has ended or not.
    pub below: i64,
    /// The walk has looked at everything up to this id.
    pub after: i64,
}

/// What a service drops of a stretch of its old rows.
#[derive(Debug, Default)]
#[must_use]
pub struct Dropped {
    /// The drops, some hundreds at most.
    pub change: Change,
    /// Where the walk goes on; nothing at its end.
    pub next: Option<i64>,
}

impl Dropped {
    /// Drops rows with one statement each, given the ids that a read of at most `limit` rows found, in order.
    pub fn each(ids: &[i64], limit: u32, statement: impl Fn(i64) -> Statement) -> Dropped {
        let change = ids.iter().fold(Change::new(), |change, id| change.write(statement(*id)));
        Dropped { change, next: ids.last().copied().filter(|_| ids.len() >= limit as usize) }
    }
}

/// What a service says it drops.
pub(crate) type Drops = Arc<dyn Fn(Ctx, Old) -> BoxFuture<'static, Result<Dropped, Fault>> + Send + Sync>;

/// Walks over all that a service keeps only for a time; gives the number of commits that dropped something.
pub(crate) async fn sweep(hosted: &Hosted, now: Timestamp) -> Result<u64, Fault> {
    let (ctx, mut commits) = (&hosted.ctx, 0);
    let Some(store) = &ctx.0.store else { return Ok(0) };
    for (kept, drops) in hosted.drops.iter() {
        let Some(duration) = kept.duration(|name| ctx.setting(name).map(str::to_owned)) else { continue };
        let before = now - duration;
        if lags(hosted, before).await? {
            tracing::warn!(service = ctx.name(), "nothing old is dropped: what was said back then was not heard yet");
            return Ok(commits);
        }
        let mark = Trimmed { ended_before: before, ids_below: lowest_at(before) };
        let mut old = Old { before, below: mark.ids_below, after: 0 };
        loop {
            let Dropped { change, next } = drops(ctx.clone(), old).await?;
            if !change.is_empty() {
                // What is refused was changed by somebody, or is not what it should be: it stays for the audit to see.
                match store.commit(Once::Nothing, change.write(store.trim(mark))).await? {
                    Outcome::Done { .. } => commits += 1,
                    outcome => tracing::info!(service = ctx.name(), ?outcome, "some of what is old stays for now"),
                }
                ctx.world().sleep(PAUSE).await;
            }
            match next {
                Some(next) => old.after = next,
                None => break,
            }
        }
    }
    Ok(commits)
}

/// Tells whether a service has still to hear something that was said before a time.
async fn lags(hosted: &Hosted, before: Timestamp) -> Result<bool, Fault> {
    for source in hosted.running.iter().flat_map(|running| &running.sources) {
        if hosted.unheard(source).await?.is_some_and(|event| event.at < before) {
            return Ok(true);
        }
    }
    Ok(false)
}

impl Hosted {
    /// Finds the oldest event of a source that the service has still to hear. Cursors move over what concerns nobody only
    /// now and then, so what stands behind a cursor need not be news.
    pub(crate) async fn unheard(&self, source: &str) -> Result<Option<Arc<Event>>, Fault> {
        let (Some(store), Some(running)) = (&self.ctx.0.store, &self.running) else { return Ok(None) };
        let (mut after, ahead) = store.cursor(source).await?;
        loop {
            let events = self.ctx.log().read(source, after, EVENTS).await?;
            let news = |event: &&Arc<Event>| running.heard.contains(event.name()) && !ahead.contains(&event.seq);
            match (events.iter().find(news), events.last()) {
                (Some(event), _) => return Ok(Some(event.clone())),
                (None, Some(last)) if events.len() == EVENTS => after = last.seq,
                _ => return Ok(None),
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn kept(kept: Kept, days: Option<&str>) -> Option<u64> {
        kept.duration(|_| days.map(str::to_owned)).map(|duration| duration.as_secs() / 86_400)
    }

    #[test]
    fn work_is_kept_for_a_season_and_books_for_ten_years_unless_a_setting_says_otherwise() {
        assert_eq!((kept(Kept::Work, None), kept(Kept::Books, None)), (Some(90), Some(3_650)));
        assert_eq!((kept(Kept::Work, Some("30")), kept(Kept::Books, Some("0"))), (Some(30), None));
    }

    #[test]
    fn nothing_goes_while_an_order_may_still_be_on_its_way() {
        assert_eq!(kept(Kept::Work, Some("0.001")), Some(2));
    }
}
