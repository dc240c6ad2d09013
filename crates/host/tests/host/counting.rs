//! A service that counts events per key, and fails when it is told to.

use std::collections::BTreeSet;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use base::id::{OrderId, ShopId};
use base::{Currency, Event, Fault, Timestamp};
use host::testing::Platform;
use host::{Change, Ctx, Job, Retry, Service};
use orders_api::events::{Fulfilment, OrderCreated, PaymentKind};
use sql::{Migration, NewJob, params, statement};

/// Which keys fail, and how.
#[derive(Clone, Default)]
pub struct Moods {
    /// These cannot be done at all.
    pub poison: Arc<Mutex<BTreeSet<i64>>>,
    /// These fail as if somebody were away.
    pub away: Arc<Mutex<BTreeSet<i64>>>,
}

impl Moods {
    fn check(&self, key: i64) -> Result<(), Fault> {
        if self.poison.lock().unwrap().contains(&key) {
            return Err(Fault::internal("poisoned", "This cannot be done.").because("a planted defect"));
        }
        if self.away.lock().unwrap().contains(&key) {
            return Err(Fault::unavailable("away", "Somebody is away."));
        }
        Ok(())
    }
}

/// This key makes the handler panic.
pub const PANICS: i64 = 666;
/// This key makes a change that the store rejects.
pub const REJECTED: i64 = 777;

fn counted(key: i64, seq: i64) -> Change {
    assert!(key != PANICS, "a planted panic");
    if key == REJECTED {
        let text = "insert into inventory_counts (id, events) values ($1, null)";
        return Change::new().write(statement(text, params![key]));
    }
    Change::new()
        .write(statement(
            "insert into inventory_counts (id, events) values ($1, 1) on conflict (id) do update set events = inventory_counts.events + 1",
            params![key],
        ))
        // Numbered as they are written, so that the order in which a key was worked can be seen.
        .write(statement(
            "insert into inventory_order (id, about, seq) select count(*) + 1, cast($1 as bigint), cast($2 as bigint) from inventory_order",
            params![key, seq],
        ))
}

/// How the service hears.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Hearing {
    /// One event at a time.
    Each,
    /// In batches of different keys.
    Batches,
    /// In batches that may hold a key several times.
    Runs,
}

impl Hearing {
    /// Every way.
    pub const ALL: [Hearing; 3] = [Hearing::Each, Hearing::Batches, Hearing::Runs];
}

/// Gives the service.
pub fn service(moods: &Moods, hearing: Hearing) -> Service {
    let text = "create table inventory_counts (id bigint primary key, events bigint not null);
        create table inventory_order (id bigint primary key, about bigint not null, seq bigint not null);
        create table inventory_jobs_done (id bigint primary key, times bigint not null);";
    let service = Service::new("inventory").sql(&[Migration { version: 1, name: "begin", text }]);
    let (one, batch, worker) = (moods.clone(), moods.clone(), moods.clone());
    let in_batches = move |_: Ctx, events: Vec<Arc<Event>>| {
        let moods = batch.clone();
        async move {
            let mut change = Change::new();
            for event in events {
                moods.check(event.key)?;
                change = change.and(counted(event.key, event.seq));
            }
            Ok(change)
        }
    };
    let service = match hearing {
        Hearing::Batches => service.hears_many("order.created", in_batches),
        Hearing::Runs => service.hears_runs(&["order.created"], in_batches),
        Hearing::Each => service.hears("order.created", move |_: Ctx, event: Arc<Event>| {
            let moods = one.clone();
            async move {
                moods.check(event.key)?;
                Ok(counted(event.key, event.seq))
            }
        }),
    };
    let retry = Retry { attempts_max: 4, first: Duration::from_millis(1), longest: Duration::from_millis(5), concurrency: 8 };
    service.job("count", retry, move |_: Ctx, job: Job| {
        let moods = worker.clone();
        async move {
            moods.check(job.key)?;
            let text = "insert into inventory_jobs_done (id, times) values ($1, 1) on conflict (id) do update set times = inventory_jobs_done.times + 1";
            Ok(Change::new().write(statement(text, params![job.key])))
        }
    })
}

/// Says that an order was created.
pub async fn created(platform: &Platform, key: i64) -> i64 {
    let fact = OrderCreated {
        order_id: OrderId(key),
        shop_id: ShopId(1),
        placed_at: Timestamp(1),
        lines: vec![],
        needs: vec![],
        total_minor: 1,
        currency: Currency::USD,
        payment: PaymentKind::Cash,
        method_id: None,
        fulfilment: Fulfilment::Pickup,
        language: "en".to_owned(),
        device_id: None,
        has_email: false,
    };
    platform.say("orders", &fact).await
}

/// Leaves a job for the service.
pub async fn leave_job(platform: &Platform, key: i64) {
    let job = NewJob {
        kind: "count",
        key,
        due: platform.now(),
        deadline: None,
        body: String::new(),
        correlation: "test".to_owned(),
        lease: None,
    };
    platform.ctx("inventory").store().commit(sql::Once::Nothing, Change::new().job(job)).await.unwrap();
}

/// Reads a number of the service.
pub async fn number(platform: &Platform, text: &'static str, key: i64) -> i64 {
    let row = platform.ctx("inventory").store().read_one(text, params![key]).await.unwrap();
    row.map_or(0, |row| row.int(0).unwrap())
}

/// Tells how often a key was counted.
pub async fn counts(platform: &Platform, key: i64) -> i64 {
    number(platform, "select events from inventory_counts where id = $1", key).await
}
