//! What strikes the platform: its process, its disk and its provider, each by a plan of its own from the seed.
#![allow(clippy::disallowed_methods)] // Trouble comes in real time.

use std::collections::BTreeMap;
use std::net::SocketAddr;
use std::path::PathBuf;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Mutex, PoisonError};
use std::time::{Duration, Instant};

use base::Fault;
use people::chance::Chance;

use super::diary::Diary;
use super::room::SmallDisk;
use crate::lab::child::Platform;
use crate::replay;

/// How long a platform may take until it answers again.
const UP_MAX: Duration = Duration::from_secs(60);
/// How long somebody waits for an answer about the trouble itself.
const ANSWER_MAX: Duration = Duration::from_secs(1);
/// The pause between two looks.
const LOOK: Duration = Duration::from_millis(5);
/// The pause before something that failed is tried again, in milliseconds.
const AGAIN_MS: u64 = 100;
/// How the provider may behave, beside well.
const MOODS: [(&str, &str); 5] = [
    ("provider fails", r#"{"failure_rate":0.5}"#),
    ("provider stalls", r#"{"latency_ms":4000}"#),
    ("provider loses answers", r#"{"lost_answer_rate":0.5}"#),
    ("provider away", r#"{"down":true}"#),
    ("provider declines all", r#"{"declined_tokens":["tok_visa","tok_declined","tok_insufficient_funds"]}"#),
];
/// How it behaves when it is well.
const WELL: &str = r#"{"failure_rate":0.0,"latency_ms":10,"lost_answer_rate":0.0,"down":false,"declined_tokens":["tok_declined","tok_insufficient_funds"]}"#;

/// What is common to all troubles of a run.
pub struct Troubles {
    /// Until when they strike.
    pub until: Instant,
    /// Where they are written down.
    pub diary: Diary,
    /// Odd while there is hardly any room on the disk.
    tight: AtomicU64,
    struck: Mutex<BTreeMap<&'static str, u64>>,
}

impl Troubles {
    /// Nothing has struck yet.
    pub fn until(until: Instant, diary: Diary) -> Troubles {
        Troubles { until, diary, tight: AtomicU64::new(0), struck: Mutex::default() }
    }

    /// Tells how often each has struck.
    pub fn struck(&self) -> BTreeMap<&'static str, u64> {
        self.struck.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }

    fn strikes(&self, what: &'static str) {
        self.diary.strikes(what);
        *self.struck.lock().unwrap_or_else(PoisonError::into_inner).entry(what).or_default() += 1;
    }

    /// Waits, but not beyond the end of trouble; tells whether it goes on.
    async fn goes_on(&self, wait: u64) -> bool {
        let until = (Instant::now() + Duration::from_millis(wait)).min(self.until);
        tokio::time::sleep_until(until.into()).await;
        Instant::now() < self.until
    }

    fn tight(&self) -> u64 {
        self.tight.load(Ordering::SeqCst)
    }

    /// Takes the room of the disk away now and then.
    pub async fn of_disk(&self, mut chance: Chance, disk: Option<&SmallDisk>) -> Result<(), Fault> {
        let Some(disk) = disk else { return Ok(()) };
        while self.goes_on(1_000 + chance.below(4_000)).await {
            let (left, held) = (chance.below(200), 200 + chance.below(1_800));
            self.tight.fetch_add(1, Ordering::SeqCst);
            if disk.fill(left) {
                self.strikes("disk full");
                self.goes_on(held).await;
                disk.free()?;
                self.diary.strikes("disk has room again");
            }
            self.tight.fetch_add(1, Ordering::SeqCst);
        }
        Ok(())
    }

    /// Has the provider misbehave now and then.
    pub async fn of_provider(&self, mut chance: Chance, provider: SocketAddr) {
        while self.goes_on(300 + chance.below(2_500)).await {
            let (name, how) = MOODS[usize::try_from(chance.below(MOODS.len() as u64)).unwrap_or(0)];
            let held = 300 + chance.below(3_000);
            // It cannot be told while it is down itself.
            if behaves(provider, how).await {
                self.strikes(name);
                self.goes_on(held).await;
                // It may be down with the platform: no mood is to outlast its time by much, or nobody is ever paid.
                while !behaves(provider, WELL).await {
                    if !self.goes_on(AGAIN_MS).await {
                        return;
                    }
                }
                self.diary.strikes("provider is well again");
            }
        }
    }

    /// Kills the process and lets it stand still; gives what must not be seen at it.
    pub async fn of_process(&self, mut chance: Chance, house: &mut House) -> Result<Vec<String>, Fault> {
        for strike in 0_u64.. {
            // However short a run is, and however slow the machine, it has one of each.
            let goes_on = self.goes_on(200 + chance.below(2_500)).await || strike < 2;
            if !house.wrong.is_empty() || !goes_on {
                break;
            }
            // Drawn in one order whatever happens, so that the plan is the seed's.
            let (kind, again, held, within) =
                (chance.below(10), chance.happens(333), chance.below(3_000) >> chance.below(4), chance.below(60));
            let kills = if strike < 2 { strike == 0 } else { kind < 6 };
            if house.platform.has_ended()? {
                house.wrong.push("the platform has ended by itself".to_owned());
                house.start_again()?;
            } else if kills {
                self.strikes("kill -9");
                house.kill_and_start()?;
                if again {
                    tokio::time::sleep(Duration::from_millis(within)).await;
                    self.strikes("kill -9 during recovery");
                    house.kill_and_start()?;
                }
            } else {
                self.strikes("stop");
                house.platform.stand_still()?;
                tokio::time::sleep(Duration::from_millis(50 + held)).await;
                if again {
                    self.strikes("kill -9 while stopped");
                    house.kill_and_start()?;
                } else {
                    house.platform.go_on()?;
                    self.diary.strikes("goes on");
                }
            }
            house.comes_up(self).await?;
        }
        Ok(std::mem::take(&mut house.wrong))
    }

    /// Ends all of it: the provider behaves, and the platform answers.
    pub async fn heal(&self, house: &mut House) -> Result<Vec<String>, Fault> {
        house.comes_up(self).await?;
        let provider = house.platform.provider;
        let until = Instant::now() + UP_MAX;
        while house.wrong.is_empty() && !behaves(provider, WELL).await {
            if Instant::now() > until {
                house.wrong.push("the provider does not answer any more".to_owned());
            }
            tokio::time::sleep(LOOK).await;
        }
        self.diary.strikes("all trouble ends");
        Ok(std::mem::take(&mut house.wrong))
    }
}

/// Sets how the provider behaves; tells whether that is certain.
pub async fn behaves(provider: SocketAddr, how: &str) -> bool {
    matches!(tokio::time::timeout(ANSWER_MAX, replay::behave(provider, how)).await, Ok(Ok(())))
}

/// A platform that is started again whenever it has died, always at the same place.
pub struct House {
    /// What runs there now.
    pub platform: Platform,
    /// Its data folder.
    pub data: PathBuf,
    /// Its settings.
    pub settings: Vec<String>,
    /// Whether it was started and has not answered yet.
    pub starts: bool,
    /// The slowest start so far, from the start of the process to its first answer.
    pub slowest: Duration,
    /// What must not be seen at it.
    pub wrong: Vec<String>,
}

impl House {
    fn kill_and_start(&mut self) -> Result<(), Fault> {
        self.platform.kill()?;
        self.start_again()
    }

    fn start_again(&mut self) -> Result<(), Fault> {
        let (port, provider) = (self.platform.port(), self.platform.provider.port());
        self.platform = Platform::begin(&self.data, &self.settings, port, provider)?;
        self.starts = true;
        Ok(())
    }

    /// Waits until it answers. Without room on its disk a start may fail: then there is another.
    async fn comes_up(&mut self, troubles: &Troubles) -> Result<(), Fault> {
        let until = Instant::now() + UP_MAX;
        let mut tight = troubles.tight();
        while !self.answers().await {
            let now = troubles.tight();
            if self.platform.has_ended()? {
                if now == tight && now.is_multiple_of(2) {
                    self.wrong.push("NoOrderIsLost: the platform does not come up although nothing ails it".to_owned());
                    return Ok(());
                }
                troubles.strikes("start without room");
                tight = now;
                tokio::time::sleep(Duration::from_millis(AGAIN_MS)).await;
                self.start_again()?;
            }
            if Instant::now() > until {
                self.wrong.push(format!("EveryOrderEnds: the platform does not answer within {} s", UP_MAX.as_secs()));
                return Ok(());
            }
            tokio::time::sleep(LOOK).await;
        }
        if std::mem::take(&mut self.starts) {
            self.slowest = self.slowest.max(self.platform.age());
        }
        Ok(())
    }

    async fn answers(&self) -> bool {
        let answer = tokio::time::timeout(ANSWER_MAX, self.platform.client.get("/readyz")).await;
        matches!(answer, Ok(Ok(answer)) if answer.status == 200)
    }
}
