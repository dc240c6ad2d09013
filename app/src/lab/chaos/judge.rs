//! The end of a run: waits until nothing is on its way any more, and compares the platform and its provider with the book.
#![allow(clippy::disallowed_methods)] // Real processes come to rest in real time.

use std::collections::BTreeMap;
use std::net::SocketAddr;
use std::path::Path;
use std::time::{Duration, Instant};

use base::Fault;
use people::book::Book;
use people::menu::Menu;
use people::net::Net;
use people::rest;
use serde_json::Value;

use super::diary::Diary;
use crate::client::Client;
use crate::replay::journal::{Entry, Journal};

/// How long the last orders may take to end when all is well.
const REST_MAX: Duration = Duration::from_secs(180);
/// How long money that goes back may be on its way when the last order has ended.
const BOOKS_MAX: Duration = Duration::from_secs(60);
/// The pause between two looks.
const LOOK: Duration = Duration::from_millis(250);
/// How many rows of the provider's books are read at once.
const ROWS: usize = 5_000;

/// How much of an event's data is told.
const DATA_MAX: usize = 240;

/// What the end is judged by.
pub struct Judge<'a> {
    /// The way to the platform.
    pub net: &'a Net,
    /// What was sent and answered.
    pub book: &'a Book,
    /// What there was at first.
    pub menu: &'a Menu,
    /// Where the provider is.
    pub provider: SocketAddr,
}

/// What was found.
pub struct Found {
    /// How many orders there are.
    pub orders: usize,
    /// How many of them were delivered.
    pub delivered: usize,
    /// How many of them were cancelled.
    pub cancelled: usize,
    /// What does not agree.
    pub wrong: Vec<String>,
}

impl Judge<'_> {
    /// Waits until all is at rest, and compares.
    pub async fn compare(&self) -> Result<Found, Fault> {
        people::repair(self.net).await;
        let found = self.at_rest().await;
        let names = rest::names(self.net, &found).await;
        let until = Instant::now() + BOOKS_MAX;
        let wrong = loop {
            let levels = rest::all(self.net, "/v1/stock?", "levels").await;
            // They live faster than the menu at hand grows old.
            self.book.forgive_late();
            let wrong = self.book.settle(&found, &names, &rest::held(&self.rows().await?), &levels, self.menu);
            if wrong.is_empty() || Instant::now() > until {
                break wrong;
            }
            tokio::time::sleep(LOOK).await;
        };
        let count = |state: &str| found.iter().filter(|order| order["state"] == state).count();
        Ok(Found { orders: found.len(), delivered: count("delivered"), cancelled: count("cancelled"), wrong })
    }

    async fn at_rest(&self) -> Vec<Value> {
        let until = Instant::now() + REST_MAX;
        let mut round = 0;
        loop {
            round += 1;
            let letters = people::operator(self.net, self.book, round).await;
            let cooking = rest::is_cooking(self.net).await;
            let open = rest::all(self.net, "/v1/board?", "orders").await.len();
            let moving = rest::is_money_moving(self.net).await;
            if letters == 0 && !cooking && open == 0 && !moving {
                let found = rest::orders(self.net, self.book).await;
                if found.iter().all(rest::has_ended) {
                    return found;
                }
            }
            if Instant::now() > until {
                self.book.wrong(format!(
                    "NothingIsSwallowed: {letters} dead letters and {open} open orders do not come to an end within {} s{}",
                    REST_MAX.as_secs(),
                    if moving { ", and money is on its way" } else { "" }
                ));
                return rest::orders(self.net, self.book).await;
            }
            tokio::time::sleep(LOOK).await;
        }
    }

    /// Reads the provider's books, as a company of its own would show them.
    async fn rows(&self) -> Result<Vec<Value>, Fault> {
        let client = Client::new(&format!("http://{}", self.provider), "");
        let (mut rows, mut after) = (Vec::new(), 0);
        loop {
            let page = client.get(&format!("/v1/books?limit={ROWS}&after={after}")).await?.good()?;
            rows.extend(page["rows"].as_array().cloned().unwrap_or_default());
            match page["next"].as_i64() {
                Some(next) => after = next,
                None => return Ok(rows),
            }
        }
    }

    /// Writes down what was acknowledged, for the audit.
    pub fn journal(&self, path: &Path) -> Result<(), Fault> {
        let entry =
            |(reference, order): (String, people::book::Order)| Entry { reference, order_id: order.id, total_minor: order.total };
        Journal::open(path)?.write(&self.book.orders().into_iter().map(entry).collect::<Vec<_>>())
    }

    /// Tells the stories of the orders that are named in what is wrong: what people saw, and what the platform said.
    pub async fn stories(&self, wrong: &[String], diary: &Diary, most: usize) -> Vec<String> {
        let mut ids: Vec<String> = Vec::new();
        for id in wrong.iter().flat_map(|text| orders_in(text)) {
            if !ids.contains(&id) {
                ids.push(id);
            }
        }
        let keys: BTreeMap<String, String> = self.book.orders().into_iter().map(|(key, order)| (order.id, key)).collect();
        let events = if ids.is_empty() { Vec::new() } else { rest::all(self.net, "/v1/events/log?", "events").await };
        let rows = self.rows().await.unwrap_or_default();
        let mut told = Vec::new();
        for id in ids.iter().take(most) {
            told.push(format!("the story of {id}, as it was seen from outside:"));
            let names: Vec<&str> = [Some(id.as_str()), keys.get(id).map(String::as_str)].into_iter().flatten().collect();
            told.extend(diary.story(&names).into_iter().map(|line| format!("  {line}")));
            told.push("  what was said about it (`comanda events`):".to_owned());
            for event in events.iter().filter(|event| event.to_string().contains(id.as_str())) {
                let text = |name: &str| event[name].as_str().unwrap_or_default().to_owned();
                let data: String = event["data"].to_string().chars().take(DATA_MAX).collect();
                told.push(format!("  {} {} {data}", text("time"), text("type")));
            }
            told.push("  what the provider's books hold of it:".to_owned());
            told.extend(rows.iter().filter(|row| row["order_reference"] == id.as_str()).map(|row| format!("  {row}")));
        }
        told
    }
}

/// Finds the orders that a text names.
pub fn orders_in(text: &str) -> Vec<String> {
    let is_part = |character: char| character.is_ascii_alphanumeric() || character == '_';
    text.split(|character| !is_part(character)).filter(|word| word.starts_with("ord_")).map(str::to_owned).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_orders_that_a_text_names_are_found() {
        let text = "NoOrderIsLost: ord_0a1 was acknowledged under a-key and is not there (ord_9z).";
        assert_eq!(orders_in(text), ["ord_0a1", "ord_9z"]);
        assert!(orders_in("nothing here").is_empty());
    }
}
