//! `comanda lab chaos`: the people and the bookkeeper of the simulator against a real process, which is killed, stopped, robbed of
//! its room and failed by its provider.
//!
//! The seed decides what people wish and which trouble comes when. What a real process is doing at that moment it does not
//! decide: a run can be repeated, but not step by step. For that there is `cargo sim`.
#![allow(clippy::disallowed_methods)] // A run in real time, on real processes.

mod diary;
mod door;
mod judge;
mod life;
mod room;
mod strikes;

use std::path::{Path, PathBuf};
use std::process::ExitCode;
use std::sync::Arc;
use std::time::{Duration, Instant};

use base::Fault;
use clap::Args;
use host::{IdSource, RealWorld};
use people::book::Book;
use people::chance::Chance;
use people::menu::Menu;
use people::net::{Ask, Net};
use people::whims::Whims;
use people::{insist, rest};
use serde_json::{Value, json};

use self::diary::Diary;
use self::door::Street;
use self::judge::Judge;
use self::life::{HURRY, Lives};
use self::room::SmallDisk;
use self::strikes::{House, Troubles};
use super::child::{Platform, Scratch, free_port};

/// How many customers come in a second when nobody says.
const CUSTOMERS_PER_SECOND: f64 = 8.0;
/// Where the numbers of those begin who are no customers.
const STAFF: u64 = 1 << 30;
/// How long people may take to go home when all is well.
const HOME_MAX: Duration = Duration::from_secs(120);
/// The pause between two lines of progress.
const PROGRESS: Duration = Duration::from_secs(5);
/// The pause between two trucks with goods, in the time of people, and how much each brings of everything.
const TRUCK: Duration = Duration::from_secs(60);
const LOAD: i64 = 20_000;
/// How many orders a broken promise is told of.
const STORIES_MAX: usize = 3;
/// Kitchen and couriers hurry, as people do; who waits too long for stock or money gives up within the run.
const SETTINGS: [&str; 6] = [
    "kitchen_time_scale=400",
    "kitchen_places=20",
    "delivery_time_scale=20000",
    "rate_limit_per_second=1000000",
    "order_first_deadline_seconds=40",
    "payment_deadline_seconds=15",
];

/// What to be out for.
#[derive(Args, Clone)]
pub struct Options {
    /// For how long trouble comes, in seconds; then all heals, and the run waits until every order has ended.
    #[arg(long, default_value_t = 60.0)]
    seconds: f64,
    /// How many customers come meanwhile; eight per second when it is not given.
    #[arg(long)]
    customers: Option<u64>,
    /// Decides what people wish and which trouble comes when, but not what the process is doing then; drawn when it is not given.
    #[arg(long)]
    seed: Option<u64>,
    /// The folder for the data of the run, which must be new; it is kept when given, and when a promise was broken.
    #[arg(long)]
    data: Option<PathBuf>,
}

pub async fn run(options: Options) -> Result<ExitCode, Fault> {
    let seed = options.seed.map_or_else(drawn, Ok)?;
    let scratch = Scratch::new()?;
    let data = options.data.clone().unwrap_or_else(|| scratch.path().join("data"));
    if data.join("comanda.db").exists() {
        let text = format!("{} holds data of a platform: the book must know a platform from its first day.", data.display());
        return Err(Fault::internal("lab_failed", text));
    }
    #[allow(clippy::cast_possible_truncation, clippy::cast_sign_loss)] // A count of people.
    let customers = options.customers.unwrap_or((options.seconds * CUSTOMERS_PER_SECOND).ceil() as u64);
    println!("seed          {seed}: comanda lab chaos --seed {seed} --seconds {} --customers {customers}", options.seconds);
    println!(
        "              the same wishes and the same plan of troubles; what the process does at each moment is not for a seed to say"
    );
    let disk = match SmallDisk::mount(&data) {
        Ok(disk) => Some(disk),
        Err(reason) => {
            println!("no full disk  a small file system cannot be mounted here ({reason}): this trouble is left out");
            None
        }
    };
    let plan = Plan { seed, customers, span: Duration::from_secs_f64(options.seconds.clamp(0.0, 1e6)), data: data.clone() };
    let kept = tokio::select! {
        kept = plan.live(disk.as_ref()) => kept?,
        _ = crate::up::asked_to_stop() => return Err(Fault::internal("lab_failed", "The run was broken off; nothing was judged.")),
    };
    if options.data.is_some() || !kept {
        keep(disk, &data)?;
        println!("kept          {}, with the journal, the log and the diary of all that was sent beside it", data.display());
        scratch.keep();
    }
    Ok(if kept { ExitCode::SUCCESS } else { ExitCode::FAILURE })
}

fn drawn() -> Result<u64, Fault> {
    let mut bytes = [0; 4];
    getrandom::fill(&mut bytes)
        .map_err(|error| Fault::internal("no_chance", "The machine gives no random bytes.").because(error))?;
    Ok(u64::from(u32::from_le_bytes(bytes)))
}

/// Leaves the data where they are, on a disk that stays.
fn keep(disk: Option<SmallDisk>, data: &Path) -> Result<(), Fault> {
    let Some(disk) = disk else { return Ok(()) };
    let aside = data.with_extension("kept");
    let failed = |error| Fault::internal("lab_failed", "The data could not be kept.").because(error);
    std::fs::create_dir_all(&aside).map_err(failed)?;
    disk.copy_to(&aside)?;
    drop(disk);
    std::fs::remove_dir(data).and_then(|()| std::fs::rename(&aside, data)).map_err(failed)
}

struct Plan {
    seed: u64,
    customers: u64,
    span: Duration,
    data: PathBuf,
}

impl Plan {
    /// Lives through all of it; tells whether every promise was kept.
    async fn live(&self, disk: Option<&SmallDisk>) -> Result<bool, Fault> {
        let settings: Vec<String> = SETTINGS.iter().map(|setting| (*setting).to_owned()).collect();
        let platform = Platform::begin(&self.data, &settings, free_port()?, free_port()?)?;
        let data = self.data.clone();
        let mut house = House { platform, data, settings, starts: true, slowest: Duration::ZERO, wrong: Vec::new() };
        house.platform.answers().await?;
        let (diary, book, menu) = (Diary::begin(), Book::default(), Menu::read()?);
        let staff = std::fs::read_to_string(self.data.join("staff.token"))
            .map_err(|error| Fault::internal("lab_failed", "The staff token cannot be read.").because(error))?;
        let staff = staff.trim().to_owned();
        let lives = Lives::new(RealWorld::begin(Arc::new(IdSource::new(0, 0)))?, self.seed);
        let street = Street { client: house.platform.client.clone(), staff: staff.clone(), diary: diary.clone() };
        let net = Net::new(lives.of(STAFF), street, &staff);
        let troubles = Troubles::until(Instant::now() + self.span, diary.clone());
        self.send_out(&lives, &net, &book, &menu);
        let chance = |what: u64| Chance::new(self.seed ^ what);
        let provider = house.platform.provider;
        let (process, room, (), ()) = tokio::join!(
            troubles.of_process(chance(0x9c0), &mut house),
            troubles.of_disk(chance(0xd15c), disk),
            troubles.of_provider(chance(0x9a7), provider),
            self.tell(&troubles, &book),
        );
        room?;
        let mut wrong = process?;
        wrong.extend(troubles.heal(&mut house).await?);
        if wrong.is_empty() && tokio::time::timeout(HOME_MAX, lives.are_over()).await.is_err() {
            wrong.push(format!("EveryOrderEnds: all is well, and {} people are still not answered", lives.out()));
        }
        println!("struck        {}", listed(troubles.struck()));
        println!("              the slowest start took {:.0} ms", house.slowest.as_secs_f64() * 1e3);
        let judge = Judge { net: &net, book: &book, menu: &menu, provider };
        let journal = self.data.with_extension("journal");
        judge.journal(&journal)?;
        if wrong.is_empty() {
            let found = judge.compare().await?;
            wrong.extend(found.wrong);
            println!("people        {}", listed(book.counts()));
            println!(
                "orders        {} on the platform: {} delivered, {} cancelled",
                found.orders, found.delivered, found.cancelled
            );
        }
        let looks = crate::audit::Options::of(self.data.clone(), Some(journal), wrong.is_empty());
        let mut named = wrong.clone();
        if crate::audit::run(looks.clone()).await? != ExitCode::SUCCESS {
            let (report, key) = crate::audit::look(looks).await?;
            named.push(report.text(&key));
            wrong.push("the audit has found broken promises".to_owned());
        }
        diary.write(&self.data.with_extension("diary"))?;
        for text in &wrong {
            println!("WRONG         {text}");
        }
        if !wrong.is_empty() && !house.platform.has_ended()? {
            for line in judge.stories(&named, &diary, STORIES_MAX).await {
                println!("{line}");
            }
        }
        if !house.platform.has_ended()? {
            house.platform.stop()?;
        }
        println!(
            "{}",
            if wrong.is_empty() { "The book and the platform agree." } else { "The book and the platform do not agree." }
        );
        Ok(wrong.is_empty())
    }

    /// Lets all people begin.
    fn send_out(&self, lives: &Lives, net: &Net, book: &Book, menu: &Menu) {
        let span = self.span * HURRY;
        for number in 0..self.customers {
            let world = lives.of(number);
            let wait = Duration::from_millis(world.below(u64::try_from(span.as_millis()).unwrap_or(1)));
            let (net, book, menu) = (net.living(world.clone()), book.clone(), menu.clone());
            world.clone().spawn("customer", async move {
                world.sleep(wait).await;
                people::customer(net, book, menu, number).await;
            });
        }
        // About as many rounds as they have time for.
        let rounds = |seconds: u64| span.as_secs() / seconds;
        let one = |number: u64| (net.living(lives.of(STAFF + number)), book.clone(), menu.clone());
        let (net, book, menu) = one(1);
        net.world.clone().spawn("desk", people::desk(net, book, menu, rounds(45)));
        let (net, book, menu) = one(2);
        net.world.clone().spawn("office", people::office(net, book, menu, rounds(25)));
        let (net, book, _) = one(3);
        net.world.clone().spawn("kitchen", people::kitchen(net, book, rounds(70)));
        let (net, book, _) = one(4);
        net.world.clone().spawn("operator", people::deliveries(net, book, rounds(70)));
        let (net, book, menu) = one(5);
        net.world.clone().spawn("supplier", supplier(net, book, menu, rounds(TRUCK.as_secs())));
    }

    /// Tells how far it is.
    async fn tell(&self, troubles: &Troubles, book: &Book) {
        let mut passed = Duration::ZERO;
        while passed + PROGRESS < self.span {
            tokio::time::sleep(PROGRESS).await;
            passed += PROGRESS;
            let placed = book.counts().get("placed").copied().unwrap_or(0);
            println!("{:>6} s      {placed} orders placed; {}", passed.as_secs(), listed(troubles.struck()));
        }
    }
}

/// Brings of everything, again and again, so that a long run does not end before empty shelves.
async fn supplier(net: Net, book: Book, menu: Menu, trucks: u64) {
    for truck in 0..trucks {
        net.world.sleep(TRUCK).await;
        let slugs: Vec<&String> = menu.initial().keys().collect();
        let receipts: Vec<Value> = slugs.iter().map(|slug| json!({ "slug": slug, "quantity": LOAD })).collect();
        let body = json!({ "receipts": receipts, "reason": "truck" });
        let ask = Ask::post("/v1/stock/receipts", format!("truck-{truck}"), body).by(net.staff());
        let answer = insist(&net, ask, rest::TRIES).await;
        match &answer {
            Some(answer) if answer.status >= 300 => book.wrong(format!("a truck was refused: {}", answer.body)),
            _ => slugs.iter().for_each(|slug| book.received(slug, LOAD, answer.is_some())),
        }
        book.count("trucks");
    }
}

fn listed(counts: impl IntoIterator<Item = (&'static str, u64)>) -> String {
    counts.into_iter().map(|(what, count)| format!("{what} {count}")).collect::<Vec<_>>().join(", ")
}
