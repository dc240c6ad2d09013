//! A healed world comes to rest, and is judged.

use std::collections::BTreeMap;
use std::path::Path;
use std::time::Duration;

use audit::{Inputs, JournalEntry};
use axum::Router;
use axum::body::Body;
use base::id::{Id, OrderId};
use base::{Fault, Timestamp};
use http_body_util::BodyExt;
use people::net::{Answer, Ask, Net};
use people::rest;
use serde_json::Value;
use tower::ServiceExt;

use crate::life::{Life, People};
use crate::town::Town;
use crate::weather::Trouble;
use crate::world::BEGINNING;
use crate::{house, outside, parts};

/// How long a healed world may take to come to rest: an order's last deadline and a day.
const REST_MAX: Duration = Duration::from_secs(60 * 3_600);
/// How often a healed platform is asked before it counts as dumb, and looked at while something waits to come to its log.
const ANSWERED_WITHIN_TRIES: u32 = 60;
const UNSAID_ROUNDS_MAX: u32 = 8;
/// A dead letter that comes back so often, one time after the other, while all is well never comes to an end: some hours.
const LETTERS_ROUNDS_MAX: u32 = 30;

impl Life {
    /// Waits until nothing is on its way any more, and judges.
    pub async fn rest(&self, town: &Town, net: &Net, provider: &Router, people: &People) -> Result<Vec<String>, Fault> {
        if crate::within(&self.kernel, Duration::from_secs(3_600), town.up()).await.is_none() {
            return Ok(vec!["NoOrderIsLost: the platform does not come up any more".to_owned()]);
        }
        for path in ["/v1/board?limit=1", "/v1/payments?limit=1", "/v1/stock?limit=1", "/v1/deliveries?limit=1"] {
            let ask = || Ask::get(path).by(net.staff());
            let is_answered = |answer: Option<Answer>| answer.is_some_and(|answer| answer.status == 200);
            if is_answered(people::insist(net, ask(), ANSWERED_WITHIN_TRIES).await) {
                continue;
            }
            // Only what says that it is paused is well and refuses all the same, until it is resumed.
            let is_paused = net.send(ask()).await.is_some_and(|answer| answer.code() == "service_paused");
            if is_paused {
                people::reopen(net).await;
            }
            if !is_paused || !is_answered(people::insist(net, ask(), ANSWERED_WITHIN_TRIES).await) {
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

    /// Has the files looked at by the product's own audit, as they are now.
    pub fn audit(&self, at_rest: bool) -> Result<Vec<String>, Fault> {
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
