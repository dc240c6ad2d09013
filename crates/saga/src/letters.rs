//! Dead letters: what could not be processed, with its cause; redriven in the order of its key, or discarded.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex};

use base::id::DeadLetterId;
use base::{Event, Fault, Mistake, NewEvent, Principal, Timestamp, World, planted};
use metrics::gauge;
use sql::{Change, Job, Letter, NewJob, Once, Outcome, Store, What};

use crate::events::{DeadLetterDiscarded, DeadLetterParked, DeadLetterRedriven};
use crate::plan::Plan;

/// How often a redrive decides again because others got in between.
const TRIES_MAX: u32 = 20;
/// How many letters of one key a redrive works at most in one call.
const LETTERS_MAX: usize = 1_000;

type Keys = BTreeMap<(String, i64), DeadLetterId>;

/// The dead letters of one service.
#[derive(Clone)]
pub struct Letters {
    world: World,
    store: Store,
    plan: Arc<Plan>,
    /// The first letter of each key that has any; what comes later for the key waits behind it.
    keys: Arc<Mutex<Keys>>,
    /// Held while a key is parked or freed, so that no event slips between.
    turn: Arc<tokio::sync::Mutex<()>>,
}

/// The letters while nobody else parks or frees a key.
pub(crate) struct Locked<'a> {
    letters: &'a Letters,
    _turn: tokio::sync::MutexGuard<'a, ()>,
}

impl Letters {
    pub(crate) async fn load(world: World, store: Store, plan: Arc<Plan>) -> Result<Letters, Fault> {
        let mut keys = Keys::new();
        for parked in store.parked_keys().await? {
            if parked.what == What::Event {
                keys.insert((parked.source, parked.key), DeadLetterId(parked.first));
            }
        }
        let letters = Letters { world, store, plan, keys: Arc::new(Mutex::new(keys)), turn: Arc::default() };
        letters.count().await?;
        Ok(letters)
    }

    /// Lists letters by id, beginning after one.
    pub async fn list(&self, after: DeadLetterId, limit: usize) -> Result<Vec<Letter>, Fault> {
        self.store.parked(None, after.0, limit).await
    }

    /// Finds a letter.
    pub async fn show(&self, id: DeadLetterId) -> Result<Letter, Fault> {
        self.store.letter(id.0).await?.ok_or_else(|| Fault::not_found("dead_letter_not_found", "There is no such dead letter."))
    }

    /// Processes a letter again, and all that waits behind the first of its key, in order; gives how many went through.
    pub async fn redrive(&self, id: DeadLetterId, by: &Principal) -> Result<u64, Fault> {
        let letter = self.show(id).await?;
        let turn = self.lock().await;
        let letters = match letter.what {
            What::Job => vec![letter],
            What::Event if planted(Mistake::RedriveSkipsTheQueue) => vec![letter],
            What::Event => {
                let all = self.store.parked(Some(letter.key), 0, LETTERS_MAX).await?;
                let events = all.into_iter().filter(|other| other.what == What::Event && other.source == letter.source);
                let mut letters: Vec<Letter> = events.collect();
                // By their place in the log: the clocks of those who parked them may be apart, and their ids with them.
                letters.sort_by_key(|letter| letter.seq);
                letters
            }
        };
        let mut redriven = 0;
        let mut ended = Ok(());
        for letter in &letters {
            let act = self.store.act(by, "redrive_dead_letter", &letter.id.to_string(), "");
            let said = DeadLetterRedriven { dead_letter_id: DeadLetterId(letter.id), service: self.plan.service.to_owned() };
            let said = NewEvent::of(&said, self.world.now(), "");
            ended = self.process(letter, act, said).await;
            if ended.is_err() {
                break;
            }
            redriven += 1;
        }
        // Before the turn is given up, whatever happened: an event that waits for it must see which keys are free.
        self.refresh(&turn).await?;
        drop(turn);
        ended.map(|()| redriven)
    }

    /// Gives a letter up, for a reason; what waits behind it moves up and is parked no longer once none is left.
    pub async fn discard(&self, id: DeadLetterId, by: &Principal, reason: &str) -> Result<(), Fault> {
        let letter = self.show(id).await?;
        let turn = self.lock().await;
        let said = DeadLetterDiscarded {
            dead_letter_id: id,
            service: self.plan.service.to_owned(),
            kind: letter.kind.clone(),
            about: letter.key,
            reason: reason.to_owned(),
        };
        let change = self
            .store
            .unpark(letter.id)
            .write(self.store.act(by, "discard_dead_letter", &letter.id.to_string(), reason))
            .say(NewEvent::of(&said, self.world.now(), ""));
        let discarded = match self.store.commit(Once::Nothing, change).await? {
            Outcome::Done { .. } => Ok(()),
            Outcome::Unknown => Err(Fault::unavailable("commit_in_doubt", "It is not known whether the letter was discarded.")),
            _ => Err(Fault::not_found("dead_letter_not_found", "There is no such dead letter.")),
        };
        // Whatever became of it: a key whose letter is gone must not be taken for one that waits.
        self.refresh(&turn).await?;
        drop(turn);
        discarded
    }

    /// Processes one letter: its change and its disappearance are one commit.
    async fn process(&self, letter: &Letter, act: sql::Statement, said: NewEvent) -> Result<(), Fault> {
        let broken =
            |error: serde_json::Error| Fault::internal("dead_letter_unreadable", "The letter cannot be read.").because(error);
        for _ in 0..TRIES_MAX {
            let change = match letter.what {
                What::Event => {
                    let event: Event = serde_json::from_str(&letter.body).map_err(broken)?;
                    match self.plan.reactions.get(event.name()) {
                        Some(react) => react.run(vec![Arc::new(event)]).await?,
                        None => Change::new(),
                    }
                }
                What::Job => Change::new().job(self.job_of(letter)?),
            };
            let change = change.and(self.store.unpark(letter.id)).write(act.clone()).say(said.clone());
            match self.store.commit(Once::Nothing, change).await? {
                Outcome::Done { .. } => return Ok(()),
                Outcome::Unknown => {
                    return Err(Fault::unavailable("commit_in_doubt", "It is not known whether the letter went through."));
                }
                _ if self.store.letter(letter.id).await?.is_none() => return Ok(()),
                _ => {}
            }
        }
        Err(Fault::unavailable("too_busy", "Too many others are changing the same thing; try again."))
    }

    fn job_of(&self, letter: &Letter) -> Result<NewJob, Fault> {
        let parked: ParkedJob = serde_json::from_str(&letter.body)
            .map_err(|error| Fault::internal("dead_letter_unreadable", "The letter cannot be read.").because(error))?;
        let kind = self.plan.works.keys().find(|kind| **kind == letter.kind);
        let kind =
            kind.ok_or_else(|| Fault::refused("job_unknown", format!("Nobody works jobs of the kind {}.", letter.kind)))?;
        // What a timer is for is decided by the time for which it was set: one that rang earlier, because the clock was set
        // back since, would be taken for another that counts no more.
        let set_for = parked.due.unwrap_or(i64::MIN);
        Ok(NewJob {
            kind,
            key: letter.key,
            due: self.world.now().max(Timestamp(set_for)),
            // A person wants it done: the old deadline has passed and counts no more.
            deadline: None,
            body: parked.body,
            correlation: parked.correlation,
            lease: None,
        })
    }

    pub(crate) async fn lock(&self) -> Locked<'_> {
        Locked { letters: self, _turn: self.turn.lock().await }
    }

    /// Tells whether events of a key must wait behind a letter.
    pub(crate) fn waits(&self, source: &str, key: i64) -> bool {
        let keys = self.keys.lock().expect("nobody panics while holding the keys");
        !planted(Mistake::ParkedKeyGoesOn) && !keys.is_empty() && keys.contains_key(&(source.to_owned(), key))
    }

    /// Makes the change that parks a job, and the letter's id.
    pub(crate) fn park_job(&self, job: &Job, cause: &str) -> Change {
        let id: DeadLetterId = self.world.next_id();
        let body = ParkedJob { body: job.body.clone(), correlation: job.correlation.clone(), due: Some(job.due.0) };
        let letter = Letter {
            id: id.0,
            what: What::Job,
            source: self.plan.service.to_owned(),
            seq: job.id,
            kind: job.kind.clone(),
            key: job.key,
            body: serde_json::to_string(&body).expect("two texts are always JSON"),
            cause: written(cause),
            attempts: job.attempts,
            parked_at: self.world.now(),
            behind: None,
        };
        self.store.park(&letter).say(self.said(id, &job.kind, job.key, cause, &job.correlation))
    }

    fn said(&self, id: DeadLetterId, kind: &str, about: i64, cause: &str, correlation: &str) -> NewEvent {
        let said = DeadLetterParked {
            dead_letter_id: id,
            service: self.plan.service.to_owned(),
            kind: kind.to_owned(),
            about,
            cause: cause.to_owned(),
        };
        NewEvent::of(&said, self.world.now(), correlation)
    }

    /// Reads again which keys wait, after letters have gone.
    pub(crate) async fn refresh(&self, _held: &Locked<'_>) -> Result<(), Fault> {
        let mut fresh = Keys::new();
        for parked in self.store.parked_keys().await? {
            if parked.what == What::Event {
                fresh.insert((parked.source, parked.key), DeadLetterId(parked.first));
            }
        }
        *self.keys.lock().expect("nobody panics while holding the keys") = fresh;
        self.count().await
    }

    pub(crate) async fn count(&self) -> Result<(), Fault> {
        let depth = self.store.parked_count().await?;
        gauge!("comanda_dead_letters", "service" => self.plan.service).set(depth as f64);
        Ok(())
    }
}

fn written(cause: &str) -> String {
    if planted(Mistake::LetterWithoutCause) { String::new() } else { cause.to_owned() }
}

#[derive(serde::Serialize, serde::Deserialize)]
struct ParkedJob {
    body: String,
    correlation: String,
    /// When it was due; letters of older versions do not say it.
    #[serde(default)]
    due: Option<i64>,
}

impl Locked<'_> {
    pub(crate) fn first_of(&self, source: &str, key: i64) -> Option<DeadLetterId> {
        self.letters.keys.lock().expect("nobody panics while holding the keys").get(&(source.to_owned(), key)).copied()
    }

    /// Makes the change that parks an event, with the id of its letter.
    pub(crate) fn park_event(&self, event: &Event, attempts: u32, cause: &str) -> (DeadLetterId, Change) {
        let id: DeadLetterId = self.letters.world.next_id();
        let change = self.letters.store.park(&self.letter(id, event, i64::from(attempts), cause, None));
        (id, change.say(self.letters.said(id, &event.kind, event.key, cause, &event.correlation)))
    }

    /// Makes the change that parks an event behind the first letter of its key.
    pub(crate) fn park_behind(&self, event: &Event, first: DeadLetterId) -> Change {
        let id: DeadLetterId = self.letters.world.next_id();
        self.letters.store.park(&self.letter(id, event, 0, "It waits behind an earlier event of its key.", Some(first.0)))
    }

    /// Notes that a key has its first letter now.
    pub(crate) fn parked(&self, source: &str, key: i64, first: DeadLetterId) {
        let mut keys = self.letters.keys.lock().expect("nobody panics while holding the keys");
        keys.entry((source.to_owned(), key)).or_insert(first);
        gauge!("comanda_dead_letters", "service" => self.letters.plan.service).increment(1.0);
    }

    fn letter(&self, id: DeadLetterId, event: &Event, attempts: i64, cause: &str, behind: Option<i64>) -> Letter {
        Letter {
            id: id.0,
            what: What::Event,
            source: event.source.to_string(),
            seq: event.seq,
            kind: event.kind.to_string(),
            key: event.key,
            body: serde_json::to_string(event).expect("an event is plain data"),
            cause: written(cause),
            attempts,
            parked_at: self.letters.world.now(),
            behind,
        }
    }
}
