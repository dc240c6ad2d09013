//! For how much of a run a platform answered: somebody asks for the menu all the time, and notes when nobody says it.
#![allow(clippy::disallowed_methods)] // A measurement lives in real time.

use std::fmt;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::{Duration, Instant};

use base::Fault;
use tokio::task::JoinHandle;

use crate::client::Client;

/// The pause between two questions.
const PAUSE: Duration = Duration::from_millis(5);
/// An answer that takes longer is none.
const ANSWER_MAX: Duration = Duration::from_secs(1);

/// Somebody who asks.
pub struct Watch {
    asking: JoinHandle<Answered>,
    over: Arc<AtomicBool>,
}

/// What they found.
#[derive(Debug, Default, Clone, Copy)]
pub struct Answered {
    /// For how long they asked.
    pub span: Duration,
    /// The parts of it from the last good answer before a bad one to the next good answer.
    pub silent: Duration,
    asked: u64,
    failed: u64,
}

impl Watch {
    /// Begins to ask.
    pub fn begin(client: Client) -> Watch {
        let over = Arc::new(AtomicBool::new(false));
        let asking = tokio::spawn(ask(client, over.clone()));
        Watch { asking, over }
    }

    /// Asks no more, and tells.
    pub async fn end(self) -> Result<Answered, Fault> {
        self.over.store(true, Ordering::Relaxed);
        self.asking.await.map_err(|error| Fault::internal("lab_failed", "The watch broke off.").because(error))
    }
}

impl Answered {
    /// The share of the time in which the platform answered.
    pub fn share(&self) -> f64 {
        1.0 - self.silent.as_secs_f64() / self.span.as_secs_f64().max(1e-9)
    }
}

impl fmt::Display for Answered {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(
            f,
            "{} of {} questions for the menu within {} s; {:.2} s of {:.1} s without an answer",
            self.asked - self.failed,
            self.asked,
            ANSWER_MAX.as_secs(),
            self.silent.as_secs_f64(),
            self.span.as_secs_f64()
        )
    }
}

async fn ask(client: Client, over: Arc<AtomicBool>) -> Answered {
    let begun = Instant::now();
    let mut answered = Answered::default();
    let mut last_good = begun;
    let mut silence = false;
    while !over.load(Ordering::Relaxed) {
        let answer = tokio::time::timeout(ANSWER_MAX, client.get("/v1/menu")).await;
        let good = answer.is_ok_and(|answer| answer.is_ok_and(|answer| answer.status == 200));
        let now = Instant::now();
        answered.asked += 1;
        answered.failed += u64::from(!good);
        if good {
            if silence {
                answered.silent += now - last_good;
            }
            last_good = now;
        }
        silence = !good;
        tokio::time::sleep(PAUSE).await;
    }
    if silence {
        answered.silent += last_good.elapsed();
    }
    answered.span = begun.elapsed();
    answered
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_share_is_what_is_left_of_the_time() {
        let (span, silent) = (Duration::from_secs(100), Duration::from_secs(25));
        assert_eq!(Answered { span, silent, ..Answered::default() }.share(), 0.75);
    }

    #[tokio::test]
    async fn whoever_is_away_to_the_end_is_silent_to_the_end() {
        let closed = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap().local_addr().unwrap();
        let watch = Watch::begin(Client::new(&format!("http://{closed}"), ""));
        tokio::time::sleep(Duration::from_millis(200)).await; // allowed: the silence that is measured
        let answered = watch.end().await.unwrap();
        assert!(answered.asked > 0 && answered.asked == answered.failed && answered.share() < 0.1, "{answered}");
    }
}
