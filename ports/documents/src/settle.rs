//! The life of a write that somebody asked for: load → decide → commit, as often as others get in between.

use std::time::Duration;

use base::{Fault, RequestKey, World};
use prost::Message;

use crate::{Change, Once, Outcome, Store};

/// How often others may get in between before the request is refused as busy.
const TRIES_MAX: u32 = 40;

/// Carries out a write once per request key and gives its answer; a repeat gets the answer of the first time.
///
/// `attempt` loads, decides and gives the change with its answer; it is called again when the document has moved.
pub async fn settle<A, F>(store: &Store, world: &World, request: Option<RequestKey>, attempt: impl Fn() -> F) -> Result<A, Fault>
where
    A: Message + Default,
    F: Future<Output = Result<(Change, A), Fault>>,
{
    if let Some(request) = request
        && let Some(answer) = store.answered(request).await?
    {
        return decoded(&answer);
    }
    // A request without a key still gets one, so that a commit in doubt can be told from one that failed.
    let request = request.unwrap_or_else(|| RequestKey { key: world.next_id::<base::id::EventId>().0, fingerprint: 0 });
    let once = Once::Request { request, at: world.now() };
    for tries in 0..TRIES_MAX {
        let (change, answer) = match attempt().await {
            Ok(decided) => decided,
            // Meanwhile a twin of this request may have done what now looks impossible.
            Err(fault) => return store.answered(request).await?.map_or(Err(fault), |answer| decoded(&answer)),
        };
        match store.commit(once.clone(), change.answering(answer.encode_to_vec())).await? {
            Outcome::Done { .. } => return Ok(answer),
            Outcome::Repeated { answer } => return decoded(&answer),
            Outcome::OtherBody => return Err(reused()),
            Outcome::Refused if tries < 2 => {}
            Outcome::Refused => world.sleep(world.backoff(tries, Duration::from_micros(200), Duration::from_millis(20))).await,
            Outcome::Unknown => world.sleep(world.backoff(tries, Duration::from_millis(5), Duration::from_millis(200))).await,
        }
    }
    Err(Fault::unavailable("too_busy", "Too many others are changing the same thing; try again."))
}

fn decoded<A: Message + Default>(answer: &[u8]) -> Result<A, Fault> {
    A::decode(answer).map_err(|error| Fault::internal("answer_unreadable", "The recorded answer cannot be read.").because(error))
}

pub(crate) fn reused() -> Fault {
    Fault::conflict("idempotency_key_reused", "This idempotency key was used for another request.")
}
