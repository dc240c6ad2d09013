//! A small data folder of every schema that was ever released: today's program opens it, finds its orders, and goes on.
//!
//! A fixture is a backup, packed, beside what it holds (`manifest.json`). Whoever changes a table makes one more:
//! `COMANDA_FIXTURE=make cargo test -p comanda --test product fixture`; the older ones stay.

use std::collections::BTreeMap;
use std::io::{Read, Write};
use std::path::{Path, PathBuf};

use embedded::rusqlite::{Connection, OpenFlags};
use flate2::Compression;
use flate2::read::GzDecoder;
use flate2::write::GzEncoder;
use serde_json::{Value, json};

use crate::outages::ends_with_clean_books;
use crate::platform::{Folder, Platform, comanda};

/// Every state of an order; a fixture holds at least one of each.
const STATES: [&str; 9] = ["pending", "reserved", "promised", "paid", "cooking", "ready", "shipped", "delivered", "cancelled"];
/// How the platform hurries when a fixture is opened.
const QUICK: [&str; 3] = ["kitchen_time_scale=2000", "delivery_time_scale=20000", "rate_limit_per_second=100000"];

fn home() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../tests/fixtures")
}

/// Gives the folders of all fixtures, the oldest first.
fn all() -> Vec<PathBuf> {
    let number = |path: &PathBuf| path.file_name()?.to_str()?.strip_prefix('v')?.parse::<u32>().ok();
    let mut found: Vec<PathBuf> = std::fs::read_dir(home()).unwrap().map(|entry| entry.unwrap().path()).collect();
    found.retain(|path| number(path).is_some());
    found.sort_by_key(number);
    assert!(!found.is_empty(), "there are fixtures");
    found
}

fn manifest(fixture: &Path) -> Value {
    serde_json::from_str(&std::fs::read_to_string(fixture.join("manifest.json")).unwrap()).unwrap()
}

/// Makes a data folder of a fixture.
fn unpack(fixture: &Path, folder: &Folder) {
    let mut bytes = Vec::new();
    GzDecoder::new(std::fs::File::open(fixture.join("backup.gz")).unwrap()).read_to_end(&mut bytes).unwrap();
    let file = folder.path().join("backup");
    std::fs::write(&file, bytes).unwrap();
    let output = comanda().arg("restore").arg(&file).arg("--data").arg(folder.path().join("data")).output().unwrap();
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
}

fn open(path: &Path) -> Connection {
    Connection::open_with_flags(path, OpenFlags::SQLITE_OPEN_READ_ONLY).unwrap()
}

fn texts(connection: &Connection, text: &str) -> Vec<String> {
    let mut statement = connection.prepare(text).unwrap();
    statement.query_map([], |row| row.get(0)).unwrap().map(Result::unwrap).collect()
}

/// Gives the schema of a data folder as one line per table, index and migration, with a mark that changes with its text.
fn schema(data: &Path) -> BTreeMap<String, String> {
    let mut lines = BTreeMap::new();
    for (of, file) in [("platform", "comanda.db"), ("provider", "provider/provider.db")] {
        let connection = open(&data.join(file));
        for name in texts(&connection, "select name from sqlite_master where sql is not null and name not like 'sqlite_%'") {
            let sql = texts(&connection, &format!("select sql from sqlite_master where name = '{name}'")).concat();
            lines.insert(format!("{of}: {name}"), mark(&sql));
            if name.ends_with("_migrations") {
                let ran = format!("select version || ' ' || name || ' ' || checksum from {name} order by version");
                lines.insert(format!("{of}: {name} ran"), texts(&connection, &ran).join(", "));
            }
        }
    }
    lines
}

/// A number that changes with a text (FNV-1a).
fn mark(text: &str) -> String {
    let step = |hash: u64, byte: u8| (hash ^ u64::from(byte)).wrapping_mul(0x0100_0000_01b3);
    format!("{:016x}", text.bytes().fold(0xcbf2_9ce4_8422_2325, step))
}

fn states(data: &Path) -> BTreeMap<String, i64> {
    let connection = open(&data.join("comanda.db"));
    let mut statement = connection.prepare("select state, count(*) from orders_orders group by state").unwrap();
    statement.query_map([], |row| Ok((row.get(0)?, row.get(1)?))).unwrap().map(Result::unwrap).collect()
}

#[tokio::test]
async fn the_newest_fixture_is_of_todays_schema() {
    let folder = Folder::new();
    let platform = Platform::start(&folder).await;
    let today = schema(&platform.data);
    platform.stop();
    if std::env::var("COMANDA_FIXTURE").is_ok_and(|what| what == "make") {
        make(&today).await;
    }
    let newest = all().pop().expect("there are fixtures");
    let kept: BTreeMap<String, String> = serde_json::from_value(manifest(&newest)["schema"].clone()).unwrap();
    let differs = today.iter().filter(|(name, mark)| kept.get(*name) != Some(mark)).map(|(name, _)| name);
    let gone = kept.keys().filter(|name| !today.contains_key(*name));
    let differs: Vec<&String> = differs.chain(gone).collect();
    assert!(
        differs.is_empty(),
        "the schema is not that of {}: {differs:?}. Make a fixture of it, and keep the older ones: \
         COMANDA_FIXTURE=make cargo test -p comanda --test product fixture",
        newest.display()
    );
    let unpacked = Folder::new();
    unpack(&newest, &unpacked);
    assert_eq!(schema(&unpacked.path().join("data")), kept, "the fixture is what its manifest says");
}

#[tokio::test]
async fn every_fixture_opens_its_orders_are_there_and_those_on_their_way_arrive() {
    for fixture in all() {
        let (folder, held) = (Folder::new(), manifest(&fixture));
        unpack(&fixture, &folder);
        let before = states(&folder.path().join("data"));
        assert!(STATES.iter().all(|state| before.get(*state).is_some_and(|orders| *orders > 0)), "{before:?}");
        // The last deadline is yet to come: whoever has stock and money goes on to the door.
        let settings = [&QUICK[..], &["order_last_deadline_seconds=9000000000"]].concat();
        let platform = Platform::start_with(&folder, &settings).await;
        for (id, state) in held["orders"].as_object().unwrap() {
            match state.as_str().unwrap() {
                // Their first deadline has passed long ago, while they are heard of now: either may come first.
                "pending" | "reserved" => {
                    let order = ends(&platform, id).await;
                    assert!(order["state"] == "delivered" || order["reason"].as_str().is_some_and(is_late), "{order}");
                }
                "cancelled" => drop(platform.reaches(id, "cancelled").await),
                _ => drop(platform.reaches(id, "delivered").await),
            }
        }
        let letters = platform.look("/v1/services/analytics/dead-letters").await;
        assert!(letters.to_string().contains("event_newer"), "the dead letter is there with its cause: {letters}");
        // It is a platform like any other: it takes orders.
        let id = platform.order_pizza("hawaiian", "card").await;
        platform.reaches(&id, "delivered").await;
        assert_eq!(schema(&platform.data).keys().collect::<Vec<_>>(), today().await.keys().collect::<Vec<_>>());
        ends_with_clean_books(platform, &folder).await;
    }
}

#[tokio::test]
async fn a_fixture_that_is_opened_after_every_deadline_ends_every_order_with_a_reason() {
    for fixture in all() {
        let (folder, held) = (Folder::new(), manifest(&fixture));
        unpack(&fixture, &folder);
        let settings = [&QUICK[..], &["order_last_deadline_seconds=1"]].concat();
        let platform = Platform::start_with(&folder, &settings).await;
        for (id, state) in held["orders"].as_object().unwrap() {
            let order = ends(&platform, id).await;
            let ended = order["state"] == "delivered" || order["reason"].as_str().is_some_and(|why| !why.is_empty());
            assert!(ended, "{order}");
            if state == "delivered" || state == "cancelled" {
                assert_eq!(order["state"], *state, "what had ended stays as it was");
            }
        }
        ends_with_clean_books(platform, &folder).await;
    }
}

async fn ends(platform: &Platform, id: &str) -> Value {
    platform
        .eventually(&format!("{id} ends"), async |platform| {
            let order = platform.look(&format!("/v1/orders/{id}")).await;
            (order["state"] == "delivered" || order["state"] == "cancelled").then_some(order)
        })
        .await
}

fn is_late(reason: &str) -> bool {
    ["stock_timeout", "payment_timeout"].contains(&reason)
}

async fn today() -> BTreeMap<String, String> {
    let folder = Folder::new();
    let platform = Platform::start(&folder).await;
    schema(&platform.data)
}

/// Makes the next fixture: an order in every state, and an event of a newer program in the dead letters.
async fn make(schema: &BTreeMap<String, String>) {
    let folder = Folder::new();
    let mut orders = BTreeMap::new();
    let platform = Platform::start(&folder).await;
    for payment in ["card", "cash"] {
        let id = platform.order_pizza("hawaiian", payment).await;
        platform.reaches(&id, "delivered").await;
        orders.insert(id, "delivered");
    }
    platform.provider(json!({ "declined_tokens": ["tok_visa"] })).await;
    let id = platform.order_pizza("margherita", "card").await;
    platform.reaches(&id, "cancelled").await;
    orders.insert(id, "cancelled");
    platform.provider(json!({ "declined_tokens": [] })).await;
    assert!(platform.stop());
    say_something_newer(&folder.path().join("data"));

    // The kitchen is slow enough to be stopped in the middle, and the way to the door takes half a minute.
    let slow = ["kitchen_time_scale=60", "delivery_time_scale=30", "order_first_deadline_seconds=100"];
    let platform = Platform::start_with(&folder, &slow).await;
    let pause = |service| assert!(platform.command(&["pause", service, "--reason", "a fixture is made"]).status.success());
    orders.insert(placed(&platform, "card", "shipped").await, "shipped");
    pause("delivery");
    orders.insert(placed(&platform, "card", "ready").await, "ready");
    orders.insert(placed(&platform, "cash", "cooking").await, "cooking");
    pause("kitchen");
    orders.insert(placed(&platform, "card", "paid").await, "paid");
    orders.insert(placed(&platform, "cash", "promised").await, "promised");
    pause("payments");
    orders.insert(placed(&platform, "cash", "reserved").await, "reserved");
    pause("inventory");
    orders.insert(placed(&platform, "cash", "pending").await, "pending");
    let file = folder.path().join("backup");
    let output = comanda().arg("backup").arg(&file).arg("--data").arg(&platform.data).output().unwrap();
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    platform.kill();

    let next = std::fs::read_dir(home()).map_or(0, Iterator::count) + 1;
    let fixture = home().join(format!("v{next}"));
    std::fs::create_dir_all(&fixture).unwrap();
    let mut packed = GzEncoder::new(Vec::new(), Compression::best());
    packed.write_all(&std::fs::read(&file).unwrap()).unwrap();
    std::fs::write(fixture.join("backup.gz"), packed.finish().unwrap()).unwrap();
    let manifest = json!({ "orders": orders, "schema": schema });
    std::fs::write(fixture.join("manifest.json"), format!("{manifest:#}\n")).unwrap();
}

async fn placed(platform: &Platform, payment: &str, state: &str) -> String {
    let id = platform.order_pizza("hawaiian", payment).await;
    platform.reaches(&id, state).await;
    id
}

/// Appends an event as a newer program would say it of the first order.
fn say_something_newer(data: &Path) {
    let file = Connection::open(data.join("comanda.db")).unwrap();
    file.execute_batch(
        "insert into log_kinds (source, topic, kind) values ('payments', 'payment-events', 'payment.refunded.v2');
         insert into log (seq, kind_id, key, at, correlation, data)
         select max(l.seq) + 1, (select id from log_kinds where kind = 'payment.refunded.v2'), (select min(id) from orders_orders), max(l.at),
             'a-newer-program', '{\"refund\":{\"minor\":0}}' from log l;",
    )
    .unwrap();
}
