//! One world, from its seed to its end: begin, live, heal, come to rest, be judged.

use std::cell::Cell;
use std::collections::BTreeMap;
use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

use audit::{Inputs, JournalEntry};
use axum::Router;
use axum::body::Body;
use base::id::{Id, OrderId};
use base::{Fault, Timestamp};
use http_body_util::BodyExt;
use people::book::Book;
use people::menu::Menu;
use people::net::{Ask, Net};
use people::rest;
use serde_json::Value;
use sim_disk::Disk;
use tower::ServiceExt;

use crate::chance::Chance;
use crate::cover::Covered;
use crate::house;
use crate::kernel::{Kernel, Stuck};
use crate::machine::Machine;
use crate::outside::{self, PROVIDER};
use crate::parts;
use crate::story::{Note, Recorder};
use crate::town::{self, Town};
use crate::weather::{Trouble, Weather};
use crate::world::BEGINNING;

/// More steps than any sound world takes.
const STEPS_MAX: u64 = 20_000_000;
/// How long a healed world may take to come to rest: an order's last deadline and a day.
const REST_MAX: Duration = Duration::from_secs(60 * 3_600);

/// Within how many milliseconds half of the customers come on the day of a rush.
const RUSH_MS: u64 = 150;
/// How often a healed platform is asked before it counts as dumb, and looked at while something waits to come to its log.
const ANSWERED_WITHIN_TRIES: u32 = 60;
const UNSAID_ROUNDS_MAX: u32 = 8;
/// A dead letter that comes back so often, one time after the other, while all is well never comes to an end: some hours.
const LETTERS_ROUNDS_MAX: u32 = 30;

/// How often it is looked whether all have gone, and how often at most.
const GONE_LOOK_EVERY: Duration = Duration::from_secs(20);
const GONE_LOOKS_MAX: u32 = 42;
/// How many looks longer trouble goes on: what comes after the end of an order, such as its money back, has its share too.
const QUIET_LOOKS: u32 = 6;

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
    fn span(&self) -> Duration {
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

/// Those who come to a world, on nobody's machine.
struct People(Kernel, Arc<()>);

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

    fn are_gone(&self) -> bool {
        Arc::strong_count(&self.1) == 1
    }
}

struct Life {
    kernel: Kernel,
    weather: Weather,
    book: Book,
    menu: Menu,
    disk: Disk,
    books: Disk,
    script: Script,
}

impl Life {
    async fn live(&self, founded: &Cell<Option<Town>>) -> Result<Vec<String>, Fault> {
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
            people.come(people::kitchen(net.clone(), book.clone(), menu.clone(), chance.below(4)));
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

    /// Waits until nothing is on its way any more, and judges.
    async fn rest(&self, town: &Town, net: &Net, provider: &Router, people: &People) -> Result<Vec<String>, Fault> {
        if crate::within(&self.kernel, Duration::from_secs(3_600), town.up()).await.is_none() {
            return Ok(vec!["NoOrderIsLost: the platform does not come up any more".to_owned()]);
        }
        for path in ["/v1/board?limit=1", "/v1/payments?limit=1", "/v1/stock?limit=1", "/v1/deliveries?limit=1"] {
            let answer = people::insist(net, Ask::get(path).by(net.staff()), ANSWERED_WITHIN_TRIES).await;
            if answer.is_none_or(|answer| answer.status != 200) {
                return Ok(vec![format!("EveryOrderEnds: all is well, and {path} is not answered any more")]);
            }
        }
        let until = self.kernel.now() + REST_MAX;
        let (mut unsaid, mut come_back) = (0, 0);
        let mut round = 0;
        let found = loop {
            round += 1;
            let letters = people::operator(net, &self.book, round).await;
            come_back = if letters > 0 { come_back + 1 } else { 0 };
            let is_over = self.kernel.now() > until || come_back > LETTERS_ROUNDS_MAX;
            let unsent = town.unsent();
            unsaid = if unsent > 0 { unsaid + 1 } else { 0 };
            if unsaid > UNSAID_ROUNDS_MAX {
                let what =
                    format!("what was said does not come to the log: {unsent} events, while there are {letters} dead letters");
                return Ok(vec![format!("NothingIsSwallowed: {what}")]);
            }
            let cooking = rest::is_cooking(net).await;
            let pressing = town.pressing().await?;
            // Somebody who comes late, after all trouble has ended, may order still. The board shows those that are open. Only
            // when it is empty, each is asked for: that is most of the work.
            let waits = !people.are_gone()
                || letters > 0
                || cooking
                || pressing > 0
                || !rest::all(net, "/v1/board?", "orders").await.is_empty()
                || rest::is_money_moving(net).await;
            if is_over && waits {
                let what = format!("{letters} dead letters and {pressing} other things never come to an end");
                self.book.wrong(format!("NothingIsSwallowed: {what}"));
            }
            if !waits || is_over {
                let found = rest::orders(net, &self.book).await;
                if is_over || found.iter().all(rest::has_ended) {
                    break found;
                }
            }
            self.kernel.sleep(Duration::from_secs(10 << round.min(6))).await;
        };
        let levels = rest::all(net, "/v1/stock?", "levels").await;
        for _ in 0..found.len() {
            self.book.count("orders");
        }
        let charges = match held(provider).await {
            Ok(charges) => charges,
            Err(error) => return Ok(vec![error]),
        };
        let names = rest::names(net, &found).await;
        let struck = self.weather.struck();
        if struck.contains_key(&Trouble::AskTwice) {
            self.book.may_have_doubled();
        }
        // What is written down late, or under another time, is found late by those who look for what is new.
        if [Trouble::ClockJumps, Trouble::Freeze].iter().any(|trouble| struck.contains_key(trouble)) {
            self.book.forgive_late();
        }
        let mut wrong = self.book.settle(&found, &names, &charges, &levels, &self.menu);
        wrong.extend(self.audit(true)?);
        let jumped = self.clocks_jumped();
        wrong.extend(town.database().map_or_else(|| Ok(vec![]), |database| parts::judge(&database, jumped))?);
        Ok(wrong)
    }

    fn clocks_jumped(&self) -> bool {
        self.weather.struck().contains_key(&Trouble::ClockJumps)
    }

    fn audit(&self, at_rest: bool) -> Result<Vec<String>, Fault> {
        let key = house::key();
        let now = Timestamp(BEGINNING.0 + i64::try_from(self.kernel.now().as_micros()).unwrap_or(i64::MAX));
        let mut inputs = Inputs::new(Path::new(house::FILE), &key, now);
        inputs.provider_books = Some(Path::new(outside::FILE));
        inputs.vfs = [Some(self.disk.vfs()), Some(self.books.vfs())];
        inputs.at_rest = at_rest;
        if self.clocks_jumped() {
            inputs.clock_tolerance = Duration::from_secs(3 * 3_600);
        }
        for (reference, order) in self.book.orders() {
            let order_id = OrderId::read(&order.id, &key)?;
            inputs.journal.push(JournalEntry { reference, order_id, total_minor: order.total });
        }
        let report = audit::run(&inputs)?;
        let named = report.violations.iter().map(|violation| format!("{violation:?}")).collect();
        Ok(if report.is_clean() { Vec::new() } else { named })
    }
}

/// Gives what the provider took and gave back, of each order and charge.
async fn held(provider: &Router) -> Result<BTreeMap<String, Vec<(i64, i64)>>, String> {
    let failed = |error: &dyn std::fmt::Display| format!("the provider's books cannot be read: {error}");
    let request = http::Request::get("/v1/books?limit=5000").body(Body::empty()).map_err(|error| failed(&error))?;
    let Ok(response) = provider.clone().oneshot(request).await;
    let bytes = response.into_body().collect().await.map_err(|error| failed(&error))?.to_bytes();
    let page: Value = serde_json::from_slice(&bytes).map_err(|error| failed(&error))?;
    Ok(rest::held(page["rows"].as_array().map_or(&[], Vec::as_slice)))
}
