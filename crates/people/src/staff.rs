//! Those who work in the shop: at the stock, at the stations, at the operator's desk.

use std::time::Duration;

use serde_json::json;

use crate::book::Book;
use crate::menu::Menu;
use crate::net::{Answer, Ask, Net};
use crate::whims::Whims;
use crate::{SERVICES, TRIES, insist, keeper, look_at};

/// Takes goods in, and says now and then that something is sold out, costs something else, or is off the menu.
pub async fn desk(net: Net, book: Book, menu: Menu, rounds: u64) {
    let world = net.world.clone();
    for round in 0..rounds {
        world.sleep(Duration::from_millis(world.below(60_000))).await;
        if world.happens(600) {
            let slug = menu.any_stock(&world);
            let quantity = i64::try_from(world.between(1, 50)).unwrap_or(1);
            let body = json!({ "receipts": [{ "slug": slug, "quantity": quantity }], "reason": "пришло" });
            let answer =
                insist(&net, Ask::post("/v1/stock/receipts", format!("receipt-{round}"), body).by(net.staff()), TRIES).await;
            match answer {
                Some(answer) if answer.status < 300 => book.received(&slug, quantity, true),
                Some(answer) => book.wrong(format!("EffectsHappenOnce: a receipt was refused: {}", answer.body)),
                None => book.received(&slug, quantity, false),
            }
            book.count("receipts");
        } else if world.happens(300) {
            keeper::reprice(&net, &book, &menu, round).await;
        } else if world.happens(150) {
            keeper::retire(&net, &book, &menu, round).await;
        } else {
            keeper::sold_out(&net, &book, &menu, round).await;
        }
    }
}

/// Breaks stations and repairs them: one, or all when the kitchen is without power.
pub async fn kitchen(net: Net, book: Book, rounds: u64) {
    let world = net.world.clone();
    for round in 0..rounds {
        world.sleep(Duration::from_millis(world.below(90_000))).await;
        let mut stations = stations(&net).await;
        if !world.happens(250) && !stations.is_empty() {
            stations = vec![stations.swap_remove(usize::try_from(world.below(stations.len() as u64)).unwrap_or(0))];
        }
        for (deed, done) in [("break", "stations broken"), ("repair", "stations repaired")] {
            for station in &stations {
                if turn(&net, station, deed, &format!("{deed}-{station}-{round}")).await {
                    book.count(done);
                }
            }
            world.sleep(Duration::from_millis(world.below(20_000))).await;
        }
    }
}

/// Repairs all stations: whoever broke one may have gone without getting through again.
pub async fn repair(net: &Net) {
    for station in stations(net).await {
        turn(net, &station, "repair", &format!("at-last-{station}")).await;
    }
}

async fn stations(net: &Net) -> Vec<String> {
    let read = insist(net, Ask::get("/v1/kitchen/stations").by(net.staff()), TRIES).await;
    let ids = |read: Answer| -> Vec<String> {
        let stations = read.body["stations"].as_array().into_iter().flatten();
        stations.filter_map(|station| station["station_id"].as_str()).map(str::to_owned).collect()
    };
    read.map(ids).unwrap_or_default()
}

async fn turn(net: &Net, station: &str, deed: &str, key: &str) -> bool {
    let path = format!("/v1/kitchen/stations/{station}/{deed}");
    let ask = Ask::post(path, key, json!({ "reason": "искрит" })).by(net.staff());
    insist(net, ask, TRIES).await.is_some_and(|answer| answer.status == 200)
}

/// Pauses services and resumes them.
pub async fn deliveries(net: Net, book: Book, rounds: u64) {
    let world = net.world.clone();
    for round in 0..rounds {
        world.sleep(Duration::from_millis(world.below(90_000))).await;
        let service = SERVICES[usize::try_from(world.below(SERVICES.len() as u64)).unwrap_or(0)];
        for deed in ["pause", "resume"] {
            let path = format!("/v1/services/{service}/{deed}");
            let ask = Ask::post(path, format!("{deed}-{round}"), json!({ "reason": "проба" })).by(net.staff());
            if insist(&net, ask, TRIES).await.is_some_and(|answer| answer.status == 200) {
                book.count(if deed == "pause" { "pauses" } else { "resumptions" });
            }
            world.sleep(Duration::from_millis(world.below(15_000))).await;
        }
    }
}

/// Resumes every service: whoever paused one may have gone without getting through again.
pub async fn reopen(net: &Net) {
    for service in SERVICES {
        resume(net, service, "reopen").await;
    }
}

async fn resume(net: &Net, service: &str, key: &str) {
    let path = format!("/v1/services/{service}/resume");
    insist(net, Ask::post(path, format!("{key}-{service}"), json!({ "reason": "всё хорошо" })).by(net.staff()), TRIES).await;
}

/// Redrives every dead letter of every service, and rebuilds a projection now and then. Gives how many letters there were.
pub async fn operator(net: &Net, book: &Book, round: u64) -> u64 {
    let mut letters = 0;
    for service in SERVICES {
        if round == 1 {
            resume(net, service, "resume").await;
        }
        let path = format!("/v1/services/{service}/dead-letters?limit=100");
        let Some(page) = insist(net, Ask::get(path).by(net.staff()), 3).await else { continue };
        let mut found: Vec<_> = page.body["letters"].as_array().into_iter().flatten().collect();
        // Whoever begins with the last has those before it done first.
        if round % 2 == 1 {
            found.reverse();
        }
        for letter in found {
            let Some(id) = letter["dead_letter_id"].as_str() else { continue };
            look_at(book, letter);
            letters += 1;
            let path = format!("/v1/services/{service}/dead-letters/{id}/redrive");
            if insist(net, Ask::post(path, format!("redrive-{id}-{round}"), json!({})).by(net.staff()), 3).await.is_some() {
                book.count("redriven");
            }
        }
    }
    letters
}
