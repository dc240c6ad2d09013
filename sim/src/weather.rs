//! What a world has in store: how often each fault strikes. A seed turns on some of them (swarm testing: Groce et al., ISSTA
//! 2012), and all end when the world heals.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, PoisonError};

use crate::chance::{Chance, mixed};
use crate::cover::{Coverage, Covered};
use crate::story::{Kind, Note};

/// Everything that can go wrong.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Trouble {
    /// A commit is refused by the store; nothing has happened.
    CommitFails,
    /// Nobody knows what became of a commit that has happened.
    DoubtDone,
    /// Nobody knows what became of a commit that has not happened.
    DoubtLost,
    /// The node dies before a commit.
    CrashBefore,
    /// The node dies after a commit, before anybody has heard of it.
    CrashAfter,
    /// A read fails.
    ReadFails,
    /// The store takes its time.
    StoreSlow,
    /// The node dies at any await.
    CrashAnywhere,
    /// With a node that dies, its power goes: what was not flushed is lost, torn or reordered.
    PowerLoss,
    /// The power goes in the middle of a write or a flush.
    PowerCut,
    /// The disk is full for a while.
    DiskFull,
    /// A flush fails, and nobody knows what it left on the disk.
    FlushFails,
    /// The node stands still, and wakes up late.
    Freeze,
    /// The wall clock jumps.
    ClockJumps,
    /// A call between services fails before it was heard.
    CallFails,
    /// A call between services is carried out, and its answer lost.
    CallAnswerLost,
    /// Calls between services take their time.
    CallSlow,
    /// A client's request is lost.
    AskLost,
    /// A client's request is carried out, and the answer lost.
    AnswerLost,
    /// A client's request arrives twice.
    AskTwice,
    /// The provider cannot be reached.
    ProviderAway,
    /// A request to the provider is lost.
    ProviderAskLost,
    /// The provider moves the money, and its answer is lost.
    ProviderAnswerLost,
    /// The provider fails.
    ProviderFails,
    /// The provider takes longer than anybody waits.
    ProviderStalls,
    /// Mail cannot be delivered.
    MailFails,
    /// Two groups of machines do not hear each other.
    Cut,
    /// One group of machines hears another, and is not heard by it.
    CutOneWay,
    /// All to and from one machine takes its time.
    PeerSlow,
    /// The machines are restarted one after another, as for a new release.
    RollingRestart,
    /// What a relay brings is taken, and the answer lost.
    PutAnswerLost,
    /// A relay does not come to note what it has brought.
    NoteLost,
    /// A read meets what it cannot understand: whoever asked will not be better off for waiting.
    ReadGarbled,
    /// A source of the log stands still for one hearer.
    SourceLate,
}

impl Trouble {
    /// All of them.
    pub const ALL: [Trouble; 34] = [
        Trouble::CommitFails,
        Trouble::DoubtDone,
        Trouble::DoubtLost,
        Trouble::CrashBefore,
        Trouble::CrashAfter,
        Trouble::ReadFails,
        Trouble::StoreSlow,
        Trouble::CrashAnywhere,
        Trouble::PowerLoss,
        Trouble::PowerCut,
        Trouble::DiskFull,
        Trouble::FlushFails,
        Trouble::Freeze,
        Trouble::ClockJumps,
        Trouble::CallFails,
        Trouble::CallAnswerLost,
        Trouble::CallSlow,
        Trouble::AskLost,
        Trouble::AnswerLost,
        Trouble::AskTwice,
        Trouble::ProviderAway,
        Trouble::ProviderAskLost,
        Trouble::ProviderAnswerLost,
        Trouble::ProviderFails,
        Trouble::ProviderStalls,
        Trouble::MailFails,
        Trouble::Cut,
        Trouble::CutOneWay,
        Trouble::PeerSlow,
        Trouble::RollingRestart,
        Trouble::PutAnswerLost,
        Trouble::NoteLost,
        Trouble::ReadGarbled,
        Trouble::SourceLate,
    ];

    /// Names it as the command line does.
    pub fn name(self) -> String {
        format!("{self:?}")
    }

    /// Reads a name.
    pub fn of(name: &str) -> Option<Trouble> {
        Trouble::ALL.into_iter().find(|trouble| trouble.name() == name)
    }

    /// How often it may strike at most, in a thousand times that it could.
    fn most(self) -> u64 {
        match self {
            Trouble::CrashBefore | Trouble::CrashAfter => 6,
            Trouble::CommitFails | Trouble::DoubtDone | Trouble::DoubtLost => 60,
            Trouble::ReadFails => 20,
            Trouble::ReadGarbled => 80,
            // The worst day of a provider is one without it.
            Trouble::ProviderAway => 900,
            // Of the moments at which the world looks whether something happens to a node.
            Trouble::CrashAnywhere | Trouble::ClockJumps => 30,
            Trouble::Freeze | Trouble::PowerCut | Trouble::DiskFull | Trouble::FlushFails => 60,
            Trouble::PowerLoss => 1_000,
            Trouble::StoreSlow | Trouble::CallSlow => 500,
            Trouble::ProviderStalls => 100,
            // Of the moments at which a lane hears that there are news.
            Trouble::SourceLate => 6,
            _ => 250,
        }
    }
}

struct Sky {
    /// Each has a chance of its own, so that one that is spared leaves the others as they were.
    chances: Vec<Chance>,
    /// 0 for what is not on.
    rates: [u64; Trouble::ALL.len()],
    struck: BTreeMap<Trouble, u64>,
    coverage: Coverage,
}

/// The weather of a world. Clones share everything.
#[derive(Clone)]
pub struct Weather(Arc<Mutex<Sky>>);

impl Weather {
    /// Draws the weather of a seed; what is not `allowed` does not come.
    pub fn draw(seed: u64, allowed: impl Fn(Trouble) -> bool) -> Weather {
        let mut chance = Chance::new(seed ^ 0x5e_a5_0f);
        // Some worlds are nearly calm and some are wild.
        let share = chance.below(700);
        let mut rates = [0; Trouble::ALL.len()];
        for trouble in Trouble::ALL {
            // Drawn for all, so that forbidding one leaves the others as they were.
            let (is_on, rate) = (chance.happens(share), 1 + chance.below(trouble.most()));
            if is_on && allowed(trouble) {
                rates[trouble as usize] = rate;
            }
        }
        let chances = (1..).take(rates.len()).map(|number: u64| Chance::new(seed ^ number << 40));
        Weather(Arc::new(Mutex::new(Sky {
            chances: chances.collect(),
            rates,
            struck: BTreeMap::new(),
            coverage: Coverage::default(),
        })))
    }

    fn with<T>(&self, look: impl FnOnce(&mut Sky) -> T) -> T {
        look(&mut self.0.lock().unwrap_or_else(PoisonError::into_inner))
    }

    /// Gives how often something strikes, in a thousand.
    pub fn rate(&self, trouble: Trouble) -> u64 {
        self.with(|sky| sky.rates[trouble as usize])
    }

    /// Tells whether something strikes now, and counts it.
    pub fn strikes(&self, trouble: Trouble, kernel: &crate::kernel::Kernel) -> bool {
        let strikes = |sky: &mut Sky| match sky.rates[trouble as usize] {
            0 => false,
            rate => sky.chances[trouble as usize].happens(rate),
        };
        if !self.with(strikes) {
            return false;
        }
        kernel.tell(|| Note::new(Kind::Struck, "weather", trouble.name()).bad(true));
        self.count(trouble);
        true
    }

    /// Counts something that struck.
    pub fn count(&self, trouble: Trouble) {
        self.with(|sky| {
            *sky.struck.entry(trouble).or_default() += 1;
            sky.coverage.struck(trouble);
        });
    }

    /// Counts what was exercised.
    pub fn cover(&self, count: impl FnOnce(&mut Coverage)) {
        self.with(|sky| count(&mut sky.coverage));
    }

    /// Gives what was exercised.
    pub fn covered(&self) -> Covered {
        self.with(|sky| sky.coverage.covered())
    }

    /// Counts the orders that are on their way, by what was committed for certain.
    pub fn on_their_way(&self) -> usize {
        self.with(|sky| sky.coverage.on_their_way())
    }

    /// Ends all trouble.
    pub fn heal(&self) {
        self.with(|sky| sky.rates.fill(0));
    }

    /// Gives what is on.
    pub fn troubles(&self) -> Vec<Trouble> {
        self.with(|sky| Trouble::ALL.into_iter().filter(|trouble| sky.rates[*trouble as usize] > 0).collect())
    }

    /// Gives how often each struck.
    pub fn struck(&self) -> BTreeMap<Trouble, u64> {
        self.with(|sky| sky.struck.clone())
    }
}

/// Names how seeds are read: another name, and a seed is another weather.
pub fn draws() -> String {
    let mut sum = 0;
    for seed in 0..16 {
        let weather = Weather::draw(seed, |_| true);
        for (trouble, rate) in weather.troubles().into_iter().map(|trouble| (trouble, weather.rate(trouble))) {
            sum = mixed(sum ^ trouble.name().bytes().fold(rate, |sum, byte| mixed(sum ^ u64::from(byte))));
        }
    }
    format!("{:06x}", sum >> 40)
}
