//! A log that holds news back at random: what `OrderPerKey` does not promise must not be leant on.
//!
//! It lies over another log, one for each reader, and shows what is beneath late: a source may stand still for a while
//! and others run ahead by many events. Within a source the order stays, and what was shown stays shown.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use base::{BoxFuture, Event, Fault, World};

use crate::Engine;

/// A source is held back for at most two to this power of looks.
const LOOKS_POWER_MAX: u64 = 6;
/// How many new events are looked at to find the one that is held back first.
const NEWS_MAX: usize = 16;
/// How long a source is held back for each look; others go on meanwhile.
const LOOK_EVERY: Duration = Duration::from_millis(2);

/// One reader's view of a log.
pub(crate) struct Shuffled {
    engine: Arc<dyn Engine>,
    world: World,
    /// What each source's chance grows from.
    seed: u64,
    sources: Mutex<BTreeMap<String, Shown>>,
}

/// What the reader has seen of a source.
struct Shown {
    /// All up to here has been shown.
    upto: i64,
    /// For how many more looks nothing beyond is shown; 0 when it is not held back.
    held: u32,
    chance: u64,
}

impl Shuffled {
    pub(crate) fn new(engine: Arc<dyn Engine>, world: World, seed: u64, reader: &str) -> Shuffled {
        let seed = sown(seed, reader);
        Shuffled { engine, world, seed, sources: Mutex::default() }
    }

    fn sources(&self) -> MutexGuard<'_, BTreeMap<String, Shown>> {
        self.sources.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn with<T>(&self, source: &str, look: impl FnOnce(&mut Shown) -> T) -> T {
        let mut sources = self.sources();
        if !sources.contains_key(source) {
            let chance = sown(self.seed, source);
            sources.insert(source.to_owned(), Shown { upto: 0, held: 0, chance });
        }
        look(sources.get_mut(source).expect("it was just put there"))
    }

    /// Looks at what a source has said; gives the place up to which all of it is shown.
    pub(crate) async fn look(&self, source: &str) -> Result<i64, Fault> {
        // While it is held back, and when all is shown, nobody needs to know what there is.
        let (next, before) = self.with(source, |shown| (shown.next(), shown.upto));
        if next == Next::Nothing {
            return Ok(before);
        }
        // Asked for before reading: all that was said up to here is read then.
        let newest = self.engine.last().await?;
        if next == Next::All {
            return Ok(self.with(source, |shown| shown.show(newest)));
        }
        let news = self.engine.read(source, before, NEWS_MAX).await?;
        Ok(self.with(source, |shown| if news.is_empty() { shown.show(newest) } else { shown.hold(&news) }))
    }

    /// Waits for as long as a source is held back, if it is.
    async fn wait(&self, source: &str, after: i64) {
        let held = self.with(source, |shown| if shown.upto == after { shown.held } else { 0 });
        if held > 0 {
            self.world.sleep(LOOK_EVERY * held).await;
            // The next look shows what there is.
            self.with(source, |shown| shown.held = shown.held.min(1));
        }
    }
}

/// What the next look shows.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Next {
    /// Nothing new.
    Nothing,
    /// All that there is.
    All,
    /// What lies before the one that is held back.
    Some,
}

impl Shown {
    /// Decides what the reader sees now.
    fn next(&mut self) -> Next {
        let was_held = self.held > 0;
        self.held = self.held.saturating_sub(1);
        match () {
            () if self.held > 0 => Next::Nothing,
            () if was_held || self.roll().is_multiple_of(2) => Next::All,
            () => Next::Some,
        }
    }

    fn show(&mut self, newest: i64) -> i64 {
        self.upto = self.upto.max(newest);
        self.upto
    }

    /// Holds one of the news back, and all that come after it.
    fn hold(&mut self, news: &[Arc<Event>]) -> i64 {
        let first_held = usize::try_from(self.roll() % news.len() as u64).unwrap_or_default();
        if let Some(last_shown) = first_held.checked_sub(1) {
            self.upto = self.upto.max(news[last_shown].seq);
        }
        self.held = 1 + (1 << (self.roll() % (LOOKS_POWER_MAX + 1)));
        self.upto
    }

    fn roll(&mut self) -> u64 {
        self.chance = self.chance.wrapping_add(0x9e37_79b9_7f4a_7c15);
        mixed(self.chance) >> 8
    }
}

/// Makes a seed of its own for a name.
fn sown(seed: u64, name: &str) -> u64 {
    name.bytes().fold(mixed(seed), |seed, byte| mixed(seed ^ u64::from(byte)))
}

/// Spreads every bit over the whole number.
fn mixed(number: u64) -> u64 {
    let number = (number ^ (number >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
    let number = (number ^ (number >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
    number ^ (number >> 31)
}

impl Engine for Shuffled {
    fn name(&self) -> &'static str {
        self.engine.name()
    }

    fn read(&self, source: &str, after: i64, limit: usize) -> BoxFuture<'_, Result<Vec<Arc<Event>>, Fault>> {
        let source = source.to_owned();
        Box::pin(async move {
            let mut events = self.engine.read(&source, after, limit).await?;
            self.with(&source, |shown| {
                // Whoever goes on from a place has seen what is before it, in another life maybe.
                shown.upto = shown.upto.max(after);
                if shown.held > 0 {
                    events.retain(|event| event.seq <= shown.upto);
                }
                shown.upto = events.last().map_or(shown.upto, |event| event.seq.max(shown.upto));
            });
            Ok(events)
        })
    }

    fn read_all(&self, after: i64, limit: usize) -> BoxFuture<'_, Result<Vec<Arc<Event>>, Fault>> {
        self.engine.read_all(after, limit)
    }

    fn of_key(&self, key: i64, after: i64, limit: usize) -> BoxFuture<'_, Result<Vec<Arc<Event>>, Fault>> {
        self.engine.of_key(key, after, limit)
    }

    fn changed(&self, after: i64) -> BoxFuture<'_, i64> {
        Box::pin(async move {
            let newest = self.engine.changed(after).await;
            let held = self.sources().values().any(|shown| shown.held > 0 && shown.upto == after);
            if held {
                self.world.sleep(LOOK_EVERY).await;
            }
            newest
        })
    }

    fn changed_of(&self, source: &str, after: i64) -> BoxFuture<'_, i64> {
        let source = source.to_owned();
        Box::pin(async move {
            self.with(&source, |shown| shown.upto = shown.upto.max(after));
            loop {
                self.engine.changed_of(&source, after).await;
                self.wait(&source, after).await;
                match self.look(&source).await {
                    Ok(shown) if shown > after => return shown,
                    // All of it is held back, or it cannot be looked at.
                    _ => self.world.sleep(LOOK_EVERY).await,
                }
            }
        })
    }

    fn last(&self) -> BoxFuture<'_, Result<i64, Fault>> {
        self.engine.last()
    }

    fn first(&self) -> BoxFuture<'_, Result<Option<i64>, Fault>> {
        self.engine.first()
    }
}

#[cfg(test)]
pub(crate) mod tests {
    use base::Timestamp;
    use base::world::Runtime;

    use super::*;

    struct Hasty;

    /// Gives a world in which waiting takes no time but lets others go first.
    pub(crate) fn hasty() -> World {
        World::new(Hasty)
    }

    impl Runtime for Hasty {
        fn now(&self) -> Timestamp {
            Timestamp(0)
        }

        fn monotonic(&self) -> Duration {
            Duration::ZERO
        }

        fn sleep(&self, _: Duration) -> BoxFuture<'static, ()> {
            Box::pin(tokio::task::yield_now())
        }

        fn spawn(&self, _: &'static str, _: BoxFuture<'static, ()>) {}

        fn chance(&self) -> u64 {
            0
        }

        fn next_id(&self) -> i64 {
            0
        }
    }
}
