//! The feed: one task follows the event log for the whole edge and hands each event to those who wait for it.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use tokio::sync::mpsc::{Receiver, Sender, channel};

use crate::Edge;
use crate::public::Said;

/// How many events a follower may lie behind before it is let go, to come back and read again.
const BEHIND_MAX: usize = 256;
/// How many events are read at once.
const READ: usize = 1_024;
/// Events of so long are handed on together.
const GATHER: Duration = Duration::from_millis(4);
/// How long to wait when the log cannot be read.
const REST: Duration = Duration::from_millis(500);

/// Whoever follows events.
type Follower = Sender<Arc<Said>>;

#[derive(Default)]
struct Followers {
    of_key: BTreeMap<i64, Vec<Follower>>,
    of_all: Vec<Follower>,
}

/// The followers of all events and of single keys.
#[derive(Default)]
pub(crate) struct Feed(Mutex<Followers>);

impl Feed {
    fn locked(&self) -> std::sync::MutexGuard<'_, Followers> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Follows one key from now on.
    pub(crate) fn follow_key(&self, key: i64) -> Receiver<Arc<Said>> {
        let (sender, receiver) = channel(BEHIND_MAX);
        self.locked().of_key.entry(key).or_default().push(sender);
        receiver
    }

    /// Follows everything from now on.
    pub(crate) fn follow_all(&self) -> Receiver<Arc<Said>> {
        let (sender, receiver) = channel(READ * 4);
        self.locked().of_all.push(sender);
        receiver
    }

    /// Forgets the followers of a key that have gone.
    pub(crate) fn forget_key(&self, key: i64) {
        let mut followers = self.locked();
        if let Some(of_key) = followers.of_key.get_mut(&key) {
            of_key.retain(|follower| !follower.is_closed());
            if of_key.is_empty() {
                followers.of_key.remove(&key);
            }
        }
    }

    /// Hands an event on. Who has gone, or lies too far behind, is dropped; its stream ends and it comes back by itself.
    pub(crate) fn hand_on(&self, said: &Arc<Said>) {
        let mut followers = self.locked();
        followers.of_all.retain(|follower| follower.try_send(said.clone()).is_ok());
        let key = said.event.key;
        if let Some(of_key) = followers.of_key.get_mut(&key) {
            of_key.retain(|follower| follower.try_send(said.clone()).is_ok());
            if of_key.is_empty() {
                followers.of_key.remove(&key);
            }
        }
    }
}

/// Follows the log for as long as the platform lives.
///
/// `from` is where the log ended when the edge was made, where that could be told at once: what is said between then and
/// the first turn of this task has its followers already.
pub(crate) async fn follow(edge: Edge, from: Option<i64>) {
    let (log, world) = (edge.0.ctx.log().clone(), edge.world().clone());
    let mut after = match from {
        Some(from) => from,
        None => loop {
            match log.last().await {
                Ok(last) => break last,
                Err(_) => world.sleep(REST).await,
            }
        },
    };
    loop {
        log.changed(after).await;
        world.sleep(GATHER).await;
        match log.read_all(after, READ).await {
            Ok(events) => {
                for event in events {
                    after = event.seq;
                    if event.topic == "catalog-events" {
                        edge.0.menu.forget();
                    }
                    edge.0.feed.hand_on(&Arc::new(Said::new(event)));
                }
            }
            Err(fault) => {
                tracing::warn!(%fault, cause = fault.cause, "the event log could not be read");
                world.sleep(REST).await;
            }
        }
    }
}

#[cfg(test)]
mod unit {
    use super::*;
    use base::event::Known;
    use base::{Event, Timestamp};
    use serde_json::value::RawValue;

    fn said(key: i64) -> Arc<Said> {
        let data = RawValue::from_string("{}".to_owned()).unwrap();
        let (source, topic, kind, correlation) = Default::default();
        let event = Event { seq: 1, source, topic, kind, key, at: Timestamp(0), correlation, data, known: Known::default() };
        Arc::new(Said::new(Arc::new(event)))
    }

    #[test]
    fn each_follower_gets_its_key_and_a_slow_one_is_let_go() {
        let feed = Feed::default();
        let (mut one, mut two, mut all) = (feed.follow_key(1), feed.follow_key(2), feed.follow_all());
        feed.hand_on(&said(1));
        assert!(one.try_recv().is_ok() && two.try_recv().is_err() && all.try_recv().is_ok());
        for _ in 0..=BEHIND_MAX {
            feed.hand_on(&said(2));
        }
        assert!(!feed.locked().of_key.contains_key(&2), "the slow one is gone");
        let mut got = 0;
        while two.try_recv().is_ok() {
            got += 1;
        }
        assert_eq!(got, BEHIND_MAX);
        drop(one);
        feed.forget_key(1);
        assert!(feed.locked().of_key.is_empty());
    }
}
