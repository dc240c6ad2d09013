//! The life of a write that somebody asked for: load → decide → commit, as often as others get in between.

use std::time::Duration;

use base::{Fault, Mistake, RequestKey, World, planted};
use prost::Message;
use sql::{Change, Once, Outcome, Store};
use wire::Call;

/// How often others may get in between before the request is refused as busy.
const TRIES_MAX: u32 = 40;

/// Carries out a write once per request key and gives its answer; a repeat gets the answer of the first time.
///
/// `attempt` loads, decides and gives the change with its answer; it is called again when a guard did not hold.
pub async fn settle<A, F>(store: &Store, world: &World, call: &Call, attempt: impl Fn() -> F) -> Result<A, Fault>
where
    A: Message + Default,
    F: Future<Output = Result<(Change, A), Fault>>,
{
    // A request without a key still gets one, so that a commit in doubt can be told from one that failed.
    let request = call.request.unwrap_or_else(|| RequestKey { key: world.next_id::<base::id::EventId>().0, fingerprint: 0 });
    let mut once = Once::Request { key: request.key, fingerprint: request.fingerprint, at: world.now() };
    for tries in 0..TRIES_MAX {
        let (change, answer) = match attempt().await {
            Ok(decided) => decided,
            // A twin of this request may have done what now looks impossible. Only then is it looked for: a first request
            // is by far the most frequent, and the commit itself finds the twin of one that looks possible still.
            Err(fault) => match recorded(store, request).await? {
                Some(answer) => return Ok(answer),
                None => {
                    if planted(Mistake::RefusalRemembered) {
                        store.commit(once.clone(), Change::new().answering([])).await?;
                    }
                    return Err(fault);
                }
            },
        };
        if change.is_empty() && call.request.is_none() {
            return Ok(answer);
        }
        if planted(Mistake::AnsweredBeforeTheCommit) {
            let (store, once, change) = (store.clone(), once.clone(), change.clone().answering(answer.encode_to_vec()));
            world.spawn("commit", async move { drop(store.commit(once, change).await) });
            return Ok(answer);
        }
        match store.commit(once.clone(), change.answering(answer.encode_to_vec())).await? {
            Outcome::Done { .. } => return Ok(answer),
            Outcome::Repeated { answer } => return decoded(&answer),
            Outcome::OtherBody => return Err(reused()),
            Outcome::Refused { .. } | Outcome::Fenced => {
                if tries > 1 {
                    world.sleep(world.backoff(tries, Duration::from_micros(200), Duration::from_millis(20))).await;
                }
            }
            Outcome::Unknown if planted(Mistake::DoubtTakenForDone) => return Ok(answer),
            Outcome::Unknown if planted(Mistake::DoubtTakenForLost) => {
                let key = world.next_id::<base::id::EventId>().0;
                once = Once::Request { key, fingerprint: request.fingerprint, at: world.now() };
            }
            Outcome::Unknown => world.sleep(world.backoff(tries, Duration::from_millis(5), Duration::from_millis(200))).await,
        }
    }
    Err(Fault::unavailable("too_busy", "Too many others are changing the same thing; try again."))
}

async fn recorded<A: Message + Default>(store: &Store, request: RequestKey) -> Result<Option<A>, Fault> {
    match store.recorded(request.key).await? {
        Some((fingerprint, answer)) if fingerprint == request.fingerprint => Ok(Some(decoded(&answer)?)),
        Some(_) => Err(reused()),
        None => Ok(None),
    }
}

fn decoded<A: Message + Default>(answer: &[u8]) -> Result<A, Fault> {
    A::decode(answer).map_err(|error| Fault::internal("answer_unreadable", "The recorded answer cannot be read.").because(error))
}

fn reused() -> Fault {
    Fault::conflict("idempotency_key_reused", "This idempotency key was used for another request.")
}
