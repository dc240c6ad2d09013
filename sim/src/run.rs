//! One world, from its seed to its end, and what is told of it.

use std::cell::Cell;
use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;

use people::book::Book;
use people::menu::Menu;
use sim_disk::Disk;

use crate::chance::Chance;
use crate::cover::Covered;
use crate::house;
use crate::kernel::{Kernel, Stuck};
use crate::life::Life;
use crate::story::{Note, Recorder};
use crate::town::Town;
use crate::weather::{Trouble, Weather};

/// More steps than any sound world takes.
const STEPS_MAX: u64 = 20_000_000;

/// What a world is made from.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Script {
    /// Decides everything.
    pub seed: u64,
    /// How many customers come.
    pub customers: u64,
    /// What must not strike, whatever the seed says.
    pub spared: Vec<Trouble>,
    /// Within which time all customers come, if it is not for the seed to say.
    pub span: Option<Duration>,
    /// Whether only customers come: no staff who restock, break stations or pause services.
    pub alone: bool,
    /// Whether the whole platform is in one process, whatever the seed says.
    pub together: bool,
}

impl Script {
    /// Leaves to the seed all but how many come.
    pub fn of(seed: u64, customers: u64) -> Script {
        Script { seed, customers, spared: Vec::new(), span: None, alone: false, together: false }
    }

    /// Says within which time all customers come.
    pub(crate) fn span(&self) -> Duration {
        self.span.unwrap_or_else(|| Duration::from_millis(20_000 + Chance::new(self.seed ^ 0x5_9a11).below(600_000)))
    }
}

/// How a world ended.
#[derive(Debug, Clone, Default)]
pub struct Ended {
    /// The seed.
    pub seed: u64,
    /// What was wrong; nothing in a sound world.
    pub wrong: Vec<String>,
    /// The hash of all that happened.
    pub trace: u64,
    /// How many steps were taken.
    pub steps: u64,
    /// How long it lasted, by its own clock.
    pub lasted: Duration,
    /// How many orders there were.
    pub orders: u64,
    /// How often each trouble struck.
    pub struck: BTreeMap<Trouble, u64>,
    /// What people did.
    pub counts: BTreeMap<&'static str, u64>,
    /// What was on.
    pub troubles: Vec<Trouble>,
    /// Within which time the customers came.
    pub span: Duration,
    /// Where the platform lived.
    pub shape: String,
    /// What was exercised.
    pub covered: Covered,
}

/// The fresh file of a platform, made once for all worlds.
#[derive(Clone)]
pub struct Ground {
    fresh: Arc<Vec<u8>>,
    menu: Menu,
}

impl Ground {
    /// Makes the ground on which worlds stand.
    pub fn new() -> Result<Ground, String> {
        sim_disk::seed_sqlite(0);
        Ok(Ground { fresh: Arc::new(house::fresh()?), menu: Menu::read().map_err(|fault| fault.to_string())? })
    }

    /// Lives one world.
    pub fn live(&self, script: &Script) -> Ended {
        self.live_told(script, None)
    }

    /// Lives one world and tells its story too.
    pub fn tell(&self, script: &Script) -> (Ended, Vec<Note>) {
        let recorder = Recorder::default();
        let ended = self.live_told(script, Some(recorder.clone()));
        (ended, recorder.told())
    }

    fn live_told(&self, script: &Script, recorder: Option<Recorder>) -> Ended {
        sim_disk::seed_sqlite(script.seed as u32);
        let (disk, books) = (Disk::new(script.seed), Disk::new(script.seed ^ 1));
        disk.put(house::FILE, self.fresh.as_ref().clone());
        let kernel = Kernel::told(script.seed, STEPS_MAX, recorder);
        let spared = script.spared.clone();
        let weather = Weather::draw(script.seed, |trouble| !spared.contains(&trouble));
        let troubles = weather.troubles();
        let book = Book::default();
        let life = Life {
            kernel: kernel.clone(),
            weather: weather.clone(),
            book: book.clone(),
            menu: self.menu.clone(),
            disk: disk.clone(),
            books,
            script: script.clone(),
        };
        let founded = Cell::new(None);
        let ended = kernel.run(life.live(&founded));
        let lasted = kernel.now();
        let (trace, steps) = kernel.trace();
        let town = founded.take();
        let shape = town.as_ref().map_or_else(|| "nowhere yet".to_owned(), Town::shape);
        town.iter().for_each(Town::close);
        kernel.close();
        let mut wrong = match ended {
            Ok(Ok(wrong)) => wrong,
            Ok(Err(fault)) => vec![format!("the world broke: {fault} {:?}", fault.cause)],
            Err(Stuck::Silence) => vec!["EveryOrderEnds: nothing will ever happen again".to_owned()],
            Err(Stuck::TooLong) => vec!["EveryOrderEnds: it went on and on".to_owned()],
        };
        wrong.extend(town.iter().flat_map(Town::wrong));
        wrong.extend(kernel.panics().into_iter().map(|panic| format!("a task panicked: {panic}")));
        let counts = book.counts();
        let orders = counts.get("orders").copied().unwrap_or(0);
        let struck = weather.struck();
        Ended {
            seed: script.seed,
            wrong,
            trace,
            steps,
            lasted,
            orders,
            struck,
            counts,
            troubles,
            shape,
            span: script.span(),
            covered: weather.covered(),
        }
    }
}
