//! The life of a world: people come and go, trouble strikes, and in the end all of it is healed.

use std::cell::Cell;
use std::sync::Arc;
use std::time::Duration;

use base::Fault;
use people::book::Book;
use people::menu::Menu;
use sim_disk::Disk;

use crate::chance::Chance;
use crate::kernel::Kernel;
use crate::machine::Machine;
use crate::outside::{self, PROVIDER};
use crate::run::Script;
use crate::town::{self, Town};
use crate::weather::Weather;

/// Within how many milliseconds half of the customers come on the day of a rush.
const RUSH_MS: u64 = 150;

/// How often it is looked whether all have gone, and how often at most.
const GONE_LOOK_EVERY: Duration = Duration::from_secs(20);
const GONE_LOOKS_MAX: u32 = 42;
/// How many looks longer trouble goes on: what comes after the end of an order, such as its money back, has its share too.
const QUIET_LOOKS: u32 = 6;

/// Those who come to a world, on nobody's machine.
pub(crate) struct People(Kernel, Arc<()>);

impl People {
    /// Has somebody come.
    fn come(&self, life: impl Future<Output = ()> + Send + 'static) {
        let here = self.1.clone();
        let life = async move {
            life.await;
            drop(here);
        };
        self.0.spawn(0, Box::pin(life));
    }

    pub fn are_gone(&self) -> bool {
        Arc::strong_count(&self.1) == 1
    }
}

/// What a world consists of while it is lived.
pub(crate) struct Life {
    pub kernel: Kernel,
    pub weather: Weather,
    /// What people asked for and were told.
    pub book: Book,
    pub menu: Menu,
    /// The platform's disk, and the provider's.
    pub disk: Disk,
    pub books: Disk,
    pub script: Script,
}

impl Life {
    /// Lives it; gives what was wrong with it.
    pub async fn live(&self, founded: &Cell<Option<Town>>) -> Result<Vec<String>, Fault> {
        let Life { kernel, weather, book, script, .. } = self;
        let machine = Machine::new(PROVIDER, kernel.clone(), weather.clone(), self.books.clone());
        let router = outside::open_provider(&machine).await?;
        let mut chance = Chance::new(script.seed ^ 0x5e77);
        let settings = town::settings(&mut chance);
        let hearing = if chance.happens(700) { chance.bits() | 1 } else { 0 };
        let provider = (machine, router);
        let town = Town::found(script, kernel, weather, &self.disk, &provider, &settings, hearing);
        let net = town.net();
        let span = script.span();
        // On some days most want the same, and half of them come within a breath.
        let people = People(kernel.clone(), Arc::default());
        let rush = chance.happens(250).then(|| (chance.bits(), span * 3 / 10));
        let menu = &rush.map_or_else(|| self.menu.clone(), |(number, _)| self.menu.with_wanted(number));
        if let Some((_, comes)) = rush
            && !script.alone
        {
            people.come(people::rush::shelf(net.clone(), book.clone(), menu.clone(), comes));
        }
        for number in 0..script.customers {
            let (net, book, menu) = (net.clone(), book.clone(), menu.clone());
            // Each by a chance of their own, so that fewer customers leave the others as they were.
            let mut own = Chance::new(script.seed ^ (number + 1) << 32);
            let wait = match rush {
                Some((_, comes)) if own.happens(500) => comes + Duration::from_millis(own.below(RUSH_MS)),
                _ => Duration::from_millis(own.below(u64::try_from(span.as_millis()).unwrap_or(1))),
            };
            people.come(async move {
                net.world.sleep(wait).await;
                people::customer(net, book, menu, number).await;
            });
        }
        let rounds = if script.alone { 0 } else { chance.below(8) };
        people.come(people::desk(net.clone(), book.clone(), menu.clone(), rounds));
        if !script.alone && chance.happens(600) {
            let rounds = 2 + chance.below(10);
            people.come(people::office(net.clone(), book.clone(), menu.clone(), rounds));
        }
        if !script.alone && chance.happens(300) {
            people.come(people::kitchen(net.clone(), book.clone(), chance.below(4)));
        }
        if !script.alone && chance.happens(300) {
            people.come(people::deliveries(net.clone(), book.clone(), chance.below(4)));
        }
        // In between it is looked whether what is there is sound as it stands: every other time, as to look at everything
        // costs as much as some orders do.
        for part in [Some(span / 3), Some(span / 3), Some(span / 3 + Duration::from_secs(60)), None] {
            match part {
                Some(part) => kernel.sleep(part).await,
                None => self.come_to_an_end(&people).await,
            }
            if chance.happens(500) && town.can_be_audited() {
                // The disk may fail while it is looked at.
                let wrong = self.audit(false).unwrap_or_default();
                if !wrong.is_empty() {
                    founded.set(Some(town));
                    return Ok(wrong);
                }
            }
        }
        provider.0.tell(|| "all trouble ends".to_owned(), false);
        weather.heal();
        town.heal();
        let judged = self.rest(&town, &net, &provider.1, &people).await;
        founded.set(Some(town));
        judged
    }

    /// Waits until all who came have gone, served or not, and no order is on its way, and a while longer; at the latest
    /// until nobody can be waiting any more. Trouble that strikes a platform at rest teaches nothing, and costs most of a
    /// world's steps.
    async fn come_to_an_end(&self, people: &People) {
        let mut quiet = 0;
        for _ in 0..GONE_LOOKS_MAX {
            self.kernel.sleep(GONE_LOOK_EVERY).await;
            quiet = if people.are_gone() && self.weather.on_their_way() == 0 { quiet + 1 } else { 0 };
            if quiet > QUIET_LOOKS {
                return;
            }
        }
    }
}
