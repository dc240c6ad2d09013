//! Those who keep the shop's books: they count and throw away, give money back, hand over, and look again.

use std::time::Duration;

use futures_util::future::join;
use serde_json::{Value, json};

use crate::book::Book;
use crate::menu::Menu;
use crate::net::{Answer, Ask, Net};
use crate::whims::Whims;
use crate::{TRIES, insist, leaf};

/// Does something here and there.
pub async fn office(net: Net, book: Book, menu: Menu, rounds: u64) {
    let world = net.world.clone();
    for round in 0..rounds {
        world.sleep(Duration::from_millis(world.below(40_000))).await;
        let office = Office { net: &net, book: &book, round };
        match world.below(14) {
            0..=2 => office.edit_stock(&menu).await,
            3 | 4 => office.refund().await,
            5 | 6 => office.hand_over().await,
            7 => office.rebuild().await,
            8 => office.bump().await,
            9 => office.cancel().await,
            10 | 11 => leaf::any(&net, &book).await,
            12 => office.discard().await,
            _ => office.redrive().await,
        }
    }
}

struct Office<'a> {
    net: &'a Net,
    book: &'a Book,
    round: u64,
}

impl Office<'_> {
    async fn read(&self, path: impl Into<String>) -> Option<Value> {
        let answer = insist(self.net, Ask::get(path.into()).by(self.net.staff()), 4).await?;
        (answer.status == 200).then_some(answer.body)
    }

    async fn act(&self, path: String, name: &str, body: Value) -> Option<Answer> {
        insist(self.net, Ask::post(path, format!("office-{name}-{}", self.round), body).by(self.net.staff()), TRIES).await
    }

    /// Chooses one of a list.
    async fn any(&self, path: &str, list: &str, fits: impl Fn(&Value) -> bool) -> Option<Value> {
        let page = self.read(path).await?;
        let all: Vec<&Value> = page[list].as_array()?.iter().filter(|one| fits(one)).collect();
        let place = usize::try_from(self.net.world.below(all.len() as u64)).unwrap_or(0);
        all.get(place).map(|one| (*one).clone())
    }

    /// Counts something or throws some of it away; whoever has not seen that must not edit it too.
    async fn edit_stock(&self, menu: &Menu) {
        let world = &self.net.world;
        let slug = menu.any_stock(world);
        let Some(level) = self.read(format!("/v1/stock/{slug}")).await else { return };
        let Some(id) = level["stock_id"].as_str() else { return };
        let (version, available) = (level["version"].as_i64().unwrap_or(0), level["available"].as_i64().unwrap_or(0));
        let wastes = world.happens(500);
        // Now and then little is left: that is when guards are needed.
        let quantity = match (wastes, world.happens(700)) {
            (true, true) => (available - i64::try_from(world.below(1_500)).unwrap_or(0)).max(1),
            (true, false) => 1,
            // Now and then it lies just at the mark below which it is low, or will with the next order.
            (false, _) if world.happens(300) => {
                level["low_at"].as_i64().unwrap_or(0) + i64::try_from(world.below(6)).unwrap_or(0)
            }
            (false, _) => i64::try_from(world.below(3_000)).unwrap_or(0),
        };
        let verb = if wastes { "waste" } else { "count" };
        let body = json!({ "quantity": quantity, "version": version, "reason": "пересчёт" });
        let answer = self.act(format!("/v1/stock/{id}/{verb}"), verb, body.clone()).await;
        if wastes {
            match &answer {
                Some(answer) if answer.status == 200 => self.book.wasted(&slug, quantity, true),
                Some(_) => {}
                None => self.book.wasted(&slug, quantity, false),
            }
        }
        if answer.is_some_and(|answer| answer.status == 200) {
            self.book.count("stock edits");
            let stale =
                self.act(format!("/v1/stock/{id}/count"), "stale", json!({ "quantity": 7, "version": version, "reason": "" }));
            if stale.await.is_some_and(|answer| answer.status == 200) {
                self.book.wrong(format!("EffectsHappenOnce: {slug} was edited twice at version {version}: one edit is lost"));
            }
        }
    }

    /// Gives some of the money of an order back, and then more than there is.
    async fn refund(&self) {
        let fits = |payment: &Value| payment["state"] == "captured" && payment["method"] == "card";
        let Some(payment) = self.any("/v1/payments?limit=50", "payments", fits).await else { return };
        let taken = payment["taken"]["amount_minor"].as_i64().unwrap_or(0);
        let (Some(id), Some(order)) = (payment["payment_id"].as_str(), payment["order_id"].as_str()) else { return };
        // Now and then two of the office do it at once, and neither knows of the other.
        if self.net.world.happens(400) {
            join(self.refund_part(id, order, taken, "refund"), self.refund_part(id, order, taken, "refund-too")).await;
        } else {
            self.refund_part(id, order, taken, "refund").await;
        }
        // Some orders are called off for good by whoever has just given a part back.
        if self.net.world.happens(300) {
            let path = format!("/v1/orders/{order}/cancel");
            let answer = self.act(path, "cancel-too", json!({ "reason": "возврат целиком" })).await;
            if answer.is_some_and(|answer| answer.status == 200) {
                self.book.count("cancelled while money went back");
            }
        }
        let body = json!({ "amount_minor": taken + 1, "reason": "слишком много" });
        if self.act(format!("/v1/payments/{id}/refund"), "too-much", body).await.is_some_and(|answer| answer.status == 200) {
            self.book.wrong(format!("MoneyIsConserved: of {order} {taken} was taken, and more was given back"));
        }
    }

    async fn refund_part(&self, id: &str, order: &str, taken: i64, name: &str) {
        // Many give the same round sum, also of the same order; others whatever seems right.
        let part = match self.net.world.happens(500) {
            true => 100.min(taken / 3).max(1),
            false => 1 + i64::try_from(self.net.world.below(u64::try_from(taken / 3).unwrap_or(1))).unwrap_or(0),
        };
        let body = json!({ "amount_minor": part, "reason": "остыло" });
        match self.act(format!("/v1/payments/{id}/refund"), name, body).await {
            Some(answer) if answer.status == 200 => {
                self.book.refunded(order, part, true);
                self.book.count("refunds");
            }
            Some(_) => {}
            None => self.book.refunded(order, part, false),
        }
    }

    /// Hands an order over, twice, or gives up.
    async fn hand_over(&self) {
        let Some(delivery) = self.any("/v1/deliveries?state=shipped&limit=50", "deliveries", |_| true).await else { return };
        let Some(order) = delivery["order_id"].as_str() else { return };
        if self.net.world.happens(200) {
            let given_up = self.act(format!("/v1/deliveries/{order}/give-up"), "give-up", json!({ "reason": "никого" })).await;
            if given_up.is_some_and(|answer| answer.status == 200) {
                self.book.count("given up");
            }
            return;
        }
        let body = json!({ "proof": "подпись", "cash_taken_minor": delivery["cash_due"]["amount_minor"] });
        let answer = self.act(format!("/v1/deliveries/{order}/hand-over"), "hand-over", body).await;
        if answer.is_some_and(|answer| answer.status == 200) {
            self.book.count("handed over");
            let again = json!({ "proof": "ещё раз", "cash_taken_minor": 0 });
            if self
                .act(format!("/v1/deliveries/{order}/hand-over"), "again", again)
                .await
                .is_some_and(|answer| answer.status == 200)
            {
                self.book.wrong(format!("EffectsHappenOnce: {order} was handed over twice"));
            }
        }
    }

    /// Has a read side built again while orders flow.
    async fn rebuild(&self) {
        let path = match self.net.world.below(6) {
            0 => "/v1/projections/mine/rebuild",
            1 => "/v1/projections/board/rebuild",
            2 => "/v1/projections/statistics/rebuild",
            _ => "/v1/analytics/rebuild",
        };
        let body = if path.contains("analytics") { json!({}) } else { json!({ "reason": "проба" }) };
        if self.act(path.to_owned(), "rebuild", body).await.is_some_and(|answer| answer.status == 200) {
            self.book.count("rebuilds");
        }
    }

    /// Cancels an order that is far on its way.
    async fn cancel(&self) {
        let state = if self.net.world.happens(500) { "ready" } else { "paid" };
        let Some(order) = self.any(&format!("/v1/board?state={state}&limit=50"), "orders", |_| true).await else { return };
        let Some(id) = order["order_id"].as_str() else { return };
        let answer = self.act(format!("/v1/orders/{id}/cancel"), "cancel", json!({ "reason": "нет теста" })).await;
        if answer.is_some_and(|answer| answer.status == 200) {
            self.book.count("cancelled by staff");
        }
    }

    /// A cook says that a whole ticket is done, and may take it back.
    async fn bump(&self) {
        let Some(ticket) = self.any("/v1/kitchen/tickets?limit=50", "tickets", |_| true).await else { return };
        let Some(order) = ticket["order_id"].as_str() else { return };
        for (verb, often) in [("bump", 1_000), ("recall", 300)] {
            if !self.net.world.happens(often) {
                return;
            }
            let done = self.act(format!("/v1/kitchen/tickets/{order}/{verb}"), verb, json!({ "dishes": [], "reason": "" })).await;
            if done.is_some_and(|answer| answer.status == 200) {
                self.book.count(if verb == "bump" { "bumps" } else { "bumps taken back" });
            }
        }
    }

    /// Gives up telling a guest something: of all that can be given up, nobody misses money, goods or an order by that.
    async fn discard(&self) {
        let path = "/v1/services/notifications/dead-letters";
        let Some(letter) = self.any(&format!("{path}?limit=100"), "letters", |_| true).await else { return };
        crate::look_at(self.book, &letter);
        let Some(id) = letter["dead_letter_id"].as_str() else { return };
        let answer = self.act(format!("{path}/{id}/discard"), "discard", json!({ "reason": "уже неважно" })).await;
        if answer.is_some_and(|answer| answer.status == 200) {
            self.book.count("letters given up");
        }
    }

    /// Redrives some dead letter, not the first of its key.
    async fn redrive(&self) {
        for service in crate::SERVICES {
            let path = format!("/v1/services/{service}/dead-letters");
            let Some(page) = self.read(format!("{path}?limit=100")).await else { continue };
            let Some(letter) = page["letters"].as_array().and_then(|letters| letters.last()) else { continue };
            crate::look_at(self.book, letter);
            if let Some(id) = letter["dead_letter_id"].as_str()
                && self.act(format!("{path}/{id}/redrive"), service, json!({})).await.is_some()
            {
                self.book.count("redriven in between");
            }
        }
    }
}
