//! The relay: brings what a service has said from its outbox to the log, where the two are not one file.

use std::sync::Arc;
use std::time::Duration;

use base::{BoxFuture, Event, Fault, Mistake, World, planted};
use sql::Outbox;

/// The most events that are brought at once.
const EVENTS_MAX: usize = 500;
/// How long a claim holds. A relay that dies keeps its keys waiting for so long.
const CLAIM: Duration = Duration::from_secs(2);
/// How often the outbox is looked at without news, at first and at rest: what a process of the service has said and not brought
/// before it died is brought by another.
const IDLE: (Duration, Duration) = (Duration::from_secs(1), Duration::from_secs(8));
/// The waits between attempts to put.
const RETRY: (Duration, Duration) = (Duration::from_millis(10), Duration::from_millis(500));

/// Where a relay puts events. It must know an event by its source and place: a relay that dies after it has put, and before
/// it has noted so, leaves the same to be put again.
pub trait Sink: Send + Sync + 'static {
    /// Puts events in their order.
    fn put<'a>(&'a self, events: &'a [Event]) -> BoxFuture<'a, Result<(), Fault>>;
}

/// One service's relay.
#[derive(Clone)]
pub struct Relay {
    /// The world.
    pub world: World,
    /// The service.
    pub service: &'static str,
    /// Where it takes.
    pub outbox: Arc<dyn Outbox>,
    /// Where it puts.
    pub sink: Arc<dyn Sink>,
}

impl Relay {
    /// Relays until the world ends.
    pub async fn run(self) {
        let mut news = self.outbox.news();
        let mut last = 0;
        let mut idle = IDLE.0;
        loop {
            news.mark_unchanged();
            match self.bring(&mut last).await {
                Ok(EVENTS_MAX) => continue,
                Ok(0) => {}
                Ok(_) => idle = IDLE.0,
                Err(fault) => {
                    tracing::warn!(service = self.service, %fault, cause = fault.cause, "events wait in the outbox");
                    idle = IDLE.0;
                    self.world.sleep(idle).await;
                }
            }
            // Either way it is time to look; without a writer left, the time alone decides.
            match self.world.within(idle, news.changed()).await {
                Ok(Ok(())) => idle = IDLE.0,
                Ok(Err(_closed)) => self.world.sleep(idle).await,
                Err(_) => idle = (idle * 2).min(IDLE.1),
            }
        }
    }

    /// Brings what can be claimed; gives how many events that were.
    async fn bring(&self, last: &mut i64) -> Result<usize, Fault> {
        let now = self.world.now();
        let until = now + CLAIM;
        let mut events = match planted(Mistake::RelayFollowsIds) {
            true => self.outbox.unsent(self.service, EVENTS_MAX).await?,
            false => self.outbox.claim(self.service, EVENTS_MAX, now, until).await?,
        };
        events.retain(|event| !planted(Mistake::RelayFollowsIds) || event.seq > *last);
        if events.is_empty() {
            return Ok(0);
        }
        let mut attempt = 0;
        // Beyond its end the claim protects nobody: then they are claimed anew, in their order.
        while let Err(fault) = self.sink.put(&events).await {
            attempt += 1;
            self.world.sleep(self.world.backoff(attempt, RETRY.0, RETRY.1)).await;
            if self.world.now() >= until {
                return Err(fault);
            }
        }
        let seqs: Vec<i64> = events.iter().map(|event| event.seq).collect();
        *last = seqs.last().copied().unwrap_or(*last);
        self.outbox.mark_sent(self.service, &seqs).await?;
        Ok(events.len())
    }
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeMap;
    use std::sync::Mutex;

    use base::Timestamp;
    use base::event::Known;
    use serde_json::value::RawValue;
    use tokio::sync::watch;

    use super::*;

    /// An outbox in memory, which fails to note what was sent when told.
    #[derive(Default)]
    struct Memory {
        rows: Mutex<BTreeMap<i64, Timestamp>>,
        notes_lost: Mutex<usize>,
        news: watch::Sender<u64>,
    }

    fn event(seq: i64) -> Event {
        Event {
            seq,
            source: "orders".into(),
            topic: "t".into(),
            kind: "a.b.v1".into(),
            key: seq,
            at: Timestamp(1),
            correlation: String::new(),
            data: RawValue::from_string("{}".to_owned()).unwrap(),
            known: Known::default(),
        }
    }

    fn lost<T>() -> Result<T, Fault> {
        Err(Fault::unavailable("lost", "Lost."))
    }

    impl Outbox for Memory {
        fn claim<'a>(
            &'a self,
            _: &'a str,
            limit: usize,
            now: Timestamp,
            until: Timestamp,
        ) -> BoxFuture<'a, Result<Vec<Event>, Fault>> {
            let mut rows = self.rows.lock().unwrap();
            let free = rows.iter_mut().filter(|(_, held)| **held <= now).take(limit);
            let claimed = free.map(|(seq, held)| {
                *held = until;
                event(*seq)
            });
            Box::pin(std::future::ready(Ok(claimed.collect())))
        }

        fn mark_sent<'a>(&'a self, _: &'a str, seqs: &'a [i64]) -> BoxFuture<'a, Result<(), Fault>> {
            let mut lose = self.notes_lost.lock().unwrap();
            if *lose > 0 {
                *lose -= 1;
                return Box::pin(std::future::ready(lost()));
            }
            self.rows.lock().unwrap().retain(|seq, _| !seqs.contains(seq));
            Box::pin(std::future::ready(Ok(())))
        }

        fn unsent<'a>(&'a self, _: &'a str, _: usize) -> BoxFuture<'a, Result<Vec<Event>, Fault>> {
            Box::pin(std::future::ready(Ok(self.rows.lock().unwrap().keys().map(|seq| event(*seq)).collect())))
        }

        fn news(&self) -> watch::Receiver<u64> {
            self.news.subscribe()
        }
    }

    /// A log that refuses at first.
    #[derive(Default)]
    struct Log {
        refuses: Mutex<usize>,
        took: Mutex<Vec<i64>>,
    }

    impl Sink for Log {
        fn put<'a>(&'a self, events: &'a [Event]) -> BoxFuture<'a, Result<(), Fault>> {
            let mut refuses = self.refuses.lock().unwrap();
            if *refuses > 0 {
                *refuses -= 1;
                return Box::pin(std::future::ready(lost()));
            }
            self.took.lock().unwrap().extend(events.iter().map(|event| event.seq));
            Box::pin(std::future::ready(Ok(())))
        }
    }

    fn relay(outbox: &Arc<Memory>, log: &Arc<Log>) -> Relay {
        Relay { world: sql::testing::world(), service: "orders", outbox: outbox.clone(), sink: log.clone() }
    }

    #[tokio::test]
    async fn what_the_log_refuses_is_put_again_and_leaves_the_outbox_once() {
        let (outbox, log) = (Arc::new(Memory::default()), Arc::new(Log::default()));
        outbox.rows.lock().unwrap().extend((1..=3).map(|seq| (seq, Timestamp(0))));
        *log.refuses.lock().unwrap() = 2;
        assert_eq!(relay(&outbox, &log).bring(&mut 0).await.unwrap(), 3);
        assert_eq!(*log.took.lock().unwrap(), [1, 2, 3]);
        assert_eq!(relay(&outbox, &log).bring(&mut 0).await.unwrap(), 0);
    }

    #[tokio::test]
    async fn what_was_put_and_not_noted_stays_in_the_outbox() {
        let (outbox, log) = (Arc::new(Memory::default()), Arc::new(Log::default()));
        outbox.rows.lock().unwrap().insert(1, Timestamp(0));
        *outbox.notes_lost.lock().unwrap() = 1;
        assert!(relay(&outbox, &log).bring(&mut 0).await.is_err());
        assert_eq!(outbox.unsent("orders", 9).await.unwrap().len(), 1);
        assert_eq!(relay(&outbox, &log).bring(&mut 0).await.unwrap(), 0, "the claim holds yet");
    }
}
