//! The history of what is guarded: what stock and money were, step by step, and whether all that was answered fits it.
//!
//! Linearizability (Herlihy and Wing, "Linearizability: a correctness condition for concurrent objects", 1990) asks that
//! every answer can be explained by one moment between the question and the answer. To find such an order is hard from
//! outside; a world sees the commits as they happen, so the order is known, and each answer is held against it.

mod money;
mod stock;

use std::collections::{BTreeMap, BTreeSet};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use people::net::{Answer, Ask};
use serde_json::Value;
use sql::{Batch, Engine};

use money::Money;
use stock::{Stock, Touched};

/// How many wrongs are told of a world.
const WRONG_MAX: usize = 20;

#[derive(Default)]
struct State {
    stock: Stock,
    money: Money,
    wrong: Vec<String>,
}

/// The history of a world. Clones share everything.
#[derive(Clone, Default)]
pub struct History(Arc<Mutex<State>>);

/// What a batch is about to say of stock and money, what it takes from the shelves, and which of them it touches.
#[derive(Default)]
pub struct Claims {
    says: Vec<(String, i64, Value)>,
    takes: BTreeMap<i64, i64>,
    touches: Touched,
}

impl Claims {
    /// Reads a batch.
    pub fn of(batch: &Batch) -> Claims {
        let guarded = |kind: &str| {
            let name = kind.rsplit_once(".v").map_or(kind, |(name, _)| name);
            ["order.created", "stock.rejected", "order.paid", "payment.refunded"].contains(&name).then(|| name.to_owned())
        };
        let claim = |event: &base::NewEvent| Some((guarded(event.kind)?, event.key, serde_json::from_str(&event.data).ok()?));
        let says = batch.events.iter().filter_map(claim).collect();
        Claims { says, takes: stock::takes(batch), touches: stock::touches(batch) }
    }
}

impl History {
    fn with<T>(&self, work: impl FnOnce(&mut State) -> T) -> T {
        let mut state: MutexGuard<'_, State> = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let done = work(&mut state);
        state.wrong.truncate(WRONG_MAX);
        done
    }

    /// Gives what was wrong.
    pub fn wrong(&self) -> Vec<String> {
        self.with(|state| state.wrong.clone())
    }

    /// Looks at the shelves that a batch touches where they are kept, right after its commit, whatever became of it; at all
    /// of them where it is not known how they stood before.
    pub async fn look(&self, claims: &Claims, engine: &dyn Engine, now: Duration) {
        let ids = match &claims.touches {
            Touched::Nobodys => return,
            Touched::These(ids) if self.with(|state| state.stock.is_sure()) => Some(ids),
            Touched::These(_) | Touched::Any => None,
        };
        if ids.is_some_and(BTreeSet::is_empty) {
            return;
        }
        let found = match ids {
            Some(ids) => {
                let ids = Value::from(ids.iter().copied().collect::<Vec<i64>>()).to_string();
                engine.read(stock::LEVELS_OF, sql::params![ids], stock::LEVELS_MAX).await
            }
            None => engine.read(stock::LEVELS, vec![], stock::LEVELS_MAX).await,
        };
        self.with(|state| {
            let Ok(rows) = found else { return state.stock.is_unsure(now) };
            if ids.is_none() {
                state.stock.is_sure_from(now);
            }
            for row in &rows {
                state.wrong.extend(state.stock.stands(row, now));
            }
        });
    }

    /// Notes that a machine has died: what it had in hand may have happened, and nobody has looked since.
    pub fn died(&self, now: Duration) {
        self.with(|state| state.stock.is_unsure(now));
    }

    /// Notes that something is about to be committed; what follows from it may be seen from now on.
    pub fn begins(&self, claims: &Claims, now: Duration) {
        self.with(|state| {
            for (name, key, _) in &claims.says {
                if name == "order.created" {
                    state.stock.wanted(*key, now);
                }
            }
        });
    }

    /// Holds what was said by a commit against what was so.
    pub fn said(&self, claims: &Claims) {
        self.with(|state| {
            for (name, key, data) in &claims.says {
                let wrong = match name.as_str() {
                    "stock.rejected" => state.stock.rejected(*key, data, &claims.takes),
                    "order.paid" | "payment.refunded" => state.money.said(name, *key, data),
                    _ => None,
                };
                state.wrong.extend(wrong);
            }
        });
    }

    /// Notes what the provider answers, whoever comes to hear it.
    pub fn provider(&self, body: &[u8]) {
        if let Ok(body) = serde_json::from_slice(body) {
            self.with(|state| state.money.provider(&body));
        }
    }

    /// Notes that a client asks; a write that was asked before under the same key may have been done since then.
    pub fn asked(&self, ask: &Ask, now: Duration) -> Duration {
        match &ask.key {
            Some(key) => self.with(|state| state.stock.asked(key, now)),
            None => now,
        }
    }

    /// Holds what a client was answered against what was so between its asking and the answer.
    pub fn answered(&self, ask: &Ask, answer: &Answer, from: Duration) {
        if ask.path.starts_with("/v1/stock") && answer.status == 200 {
            self.with(|state| state.wrong.extend(state.stock.answered(&answer.body, from)));
        }
    }
}
