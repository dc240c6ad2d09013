//! One thing that everybody wants at once.

use std::sync::Arc;
use std::sync::atomic::{AtomicI64, Ordering};

use base::Principal;
use inventory_api as api;
use inventory_api::events::StockChanged;
use inventory_api::inventory_client::InventoryClient;

use crate::{add, ledger_agrees, order, platform, terms, write};

const UNITS: i64 = 1_000;
const CLIENTS: i64 = 64;

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
                let who = Principal::platform("gateway");
                let mut client = InventoryClient::new(platform.writing("inventory", who, &order.to_string(), ""));
                let ask =
                    api::ReserveRequest { order_id: order, shop_id: 1, needs: vec![api::Need { stock_id: hot, quantity: 1 }] };
                let began = world.monotonic();
                let answer = client.reserve(ask).await;
                waits.push(world.monotonic() - began);
                match answer.map_err(wire::fault_of) {
                    Ok(_) => sold.fetch_add(1, Ordering::Relaxed),
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
    // Who starves gets nothing while the others take all.
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
