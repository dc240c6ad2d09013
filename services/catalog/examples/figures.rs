//! Prints how many quotes of three lines, and pages of 20 items, go through the local wire of one process:
//! `cargo run --release -p catalog --example figures`.

#[path = "../tests/service/house.rs"]
mod house;

use std::sync::Arc;
use std::time::Duration;

use catalog_api as api;

use house::{House, pizza, said};

#[tokio::main(flavor = "multi_thread", worker_threads = 2)]
#[allow(clippy::disallowed_methods)] // A load generator starts its own tasks.
async fn main() {
    let house = Arc::new(House::open().await);
    for number in 0..40 {
        house.make(pizza(&format!("p{number}"), &format!("Pizza {number}"), &format!("Пицца {number}"), 1_000 + number)).await;
    }
    house.quote("p1", "L", &["cheese"]).await.expect("the menu is on the shelf");
    let line = |slug: &str| api::LineRequest {
        slug: slug.to_owned(),
        size: "L".to_owned(),
        quantity: 2,
        options: vec!["cheese".to_owned()],
        ..Default::default()
    };
    let quote = api::QuoteRequest { shop_id: 1, lines: vec![line("p1"), line("p2"), line("p3")] };
    let page = api::ListItemsRequest { shop_id: 1, limit: 20, ..Default::default() };
    for what in ["quotes of three lines", "pages of 20 items", "pages that are known"] {
        let world = house.platform.inner().world().clone();
        let began = world.monotonic();
        let tasks: Vec<_> = (0..64)
            .map(|_| {
                let (house, quote, mut page, world) = (house.clone(), quote.clone(), page.clone(), world.clone());
                tokio::spawn(async move {
                    let mut client = house.guest();
                    let mut count = 0u64;
                    while world.monotonic() - began < Duration::from_secs(3) {
                        if what.starts_with("quotes") {
                            assert_eq!(said(client.quote(quote.clone()).await).unwrap().lines.len(), 3);
                        } else {
                            let answer = said(client.list_items(page.clone()).await).unwrap();
                            if what.ends_with("known") {
                                page.known_version = answer.version;
                            }
                        }
                        count += 1;
                    }
                    count
                })
            })
            .collect();
        let mut count = 0;
        for task in tasks {
            count += task.await.unwrap();
        }
        println!("{what}: {:.0} per second", count as f64 / (world.monotonic() - began).as_secs_f64());
    }
}
