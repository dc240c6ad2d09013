//! One thing that everybody wants at once.

use std::sync::Arc;
use std::sync::atomic::{AtomicI64, Ordering};
use std::time::Duration;

use base::{Fault, Principal};
use host::testing::Platform;
use inventory_api as api;
use inventory_api::events::StockChanged;
use inventory_api::inventory_client::InventoryClient;

use crate::{add, ledger_agrees, order, platform, terms, write};

const UNITS: i64 = 1_000;
const CLIENTS: i64 = 64;
/// How often a client asks for the same before it gives up: on a busy machine an answer may not come in time.
const TRIES_MAX: u32 = 60;

/// Sets one aside for an order, and asks again under the same key for as long as nobody can say what came of it.
async fn reserve(platform: &Platform, stock_id: i64, order_id: i64) -> Result<(), Fault> {
    let world = platform.inner().world();
    let mut tries = 0;
    loop {
        let who = Principal::platform("gateway");
        let mut client = InventoryClient::new(platform.writing("inventory", who, &order_id.to_string(), ""));
        let needs = vec![api::Need { stock_id, quantity: 1 }];
        match client.reserve(api::ReserveRequest { order_id, shop_id: 1, needs }).await.map_err(wire::fault_of) {
            Err(fault) if fault.is_retryable() && tries < TRIES_MAX => {
                world.sleep(world.backoff(tries, Duration::from_millis(5), Duration::from_millis(500))).await;
                tries += 1;
            }
            answer => return answer.map(drop),
        }
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn s1_i02_a_hot_thing_is_sold_exactly_as_often_as_it_is_there_and_nobody_starves() {
    let platform = platform().await;
    let hot = add(&platform, "hot", UNITS, 100).await.stock_id;
    let (sold, orders) = (Arc::new(AtomicI64::new(0)), Arc::new(AtomicI64::new(0)));
    let clients = (0..CLIENTS).map(|_| {
        let (platform, sold, orders) = (platform.clone(), sold.clone(), orders.clone());
        let (done, ended) = tokio::sync::oneshot::channel();
        let world = platform.inner().world().clone();
        world.clone().spawn("client", async move {
            let mut waits = Vec::new();
            loop {
                let order = orders.fetch_add(1, Ordering::Relaxed) + 1;
                let began = world.monotonic();
                let answer = reserve(&platform, hot, order).await;
                waits.push(world.monotonic() - began);
                match answer {
                    Ok(()) => sold.fetch_add(1, Ordering::Relaxed),
                    Err(fault) if fault.code == "out_of_stock" => break,
                    Err(fault) => panic!("{fault} {:?}", fault.cause),
                };
            }
            let _ = done.send(waits);
        });
        ended
    });
    let mut waits = Vec::new();
    let mut fewest = usize::MAX;
    for client in clients.collect::<Vec<_>>() {
        let of_client = client.await.expect("no client panics");
        fewest = fewest.min(of_client.len());
        waits.extend(of_client);
    }
    waits.sort_unstable();
    let at = |percent: usize| waits[(waits.len() - 1) * percent / 100];
    let longest = *waits.last().unwrap();
    println!(
        "hot item: {} asked, p50 {:?}, p99 {:?}, longest {longest:?}, fewest answers of a client {fewest}",
        waits.len(),
        at(50),
        at(99)
    );
    assert_eq!(sold.load(Ordering::Relaxed), UNITS);
    assert_eq!(terms(&platform, hot).await, (0, UNITS, 0));
    assert!(fewest > 1, "a client got nothing but the refusal");
    platform.settled().await;
    assert_eq!(platform.events("stock.low").await.len(), 1);
    ledger_agrees(&platform).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn who_receives_what_is_being_sold_is_told_what_there_is_afterwards() {
    const ORDERS: i64 = 400;
    let platform = platform().await;
    let hot = add(&platform, "hot", ORDERS, 0).await.stock_id;
    let selling = platform.clone();
    let (done, sold) = tokio::sync::oneshot::channel();
    platform.inner().world().spawn("orders", async move {
        for number in 1..=ORDERS {
            selling.say("orders", &order(number, &[(hot, 1)])).await;
        }
        let _ = done.send(());
    });
    let mut told = Vec::new();
    while told.len() < 100 {
        let one = api::EditRequest { stock_id: hot, quantity: 1, ..Default::default() };
        let key = format!("receipt {}", told.len());
        told.push(write(&platform, &key, "").receive(one).await.unwrap().into_inner().available);
    }
    sold.await.unwrap();
    platform.heard("stock.reserved", usize::try_from(ORDERS).unwrap()).await;
    let mut log = platform.events("stock.reserved").await;
    log.extend(platform.events("stock.changed").await);
    log.sort_by_key(|event| event.seq);
    // What is said in a row is what was committed in a row: so each receipt can be told what there was.
    let (mut available, mut receipts) = (ORDERS, told.into_iter());
    for event in log {
        if event.name() == "stock.reserved" {
            available -= 1;
            continue;
        }
        available += 1;
        let said: StockChanged = event.read().unwrap();
        assert_eq!((said.available, receipts.next()), (available, Some(available)), "{said:?}");
    }
    assert_eq!(receipts.next(), None);
    assert_eq!(terms(&platform, hot).await, (100, ORDERS, 0));
}
