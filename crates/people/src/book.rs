//! The bookkeeper: knows only what was sent to the platform and what it answered, and must agree with how it ends.
//!
//! What was answered with yes has happened, what was answered with no has not, and what was never answered may have gone
//! either way: only that.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use serde_json::Value;

use crate::menu::Menu;
use crate::receipt;

/// What a customer wished.
#[derive(Debug, Clone)]
pub struct Wish {
    /// The idempotency key.
    pub key: String,
    /// Each item's short name, its size, and how many of it.
    pub lines: Vec<(String, String, i64)>,
    /// Whether it is fetched.
    pub pickup: bool,
    /// What the tip is, in minor units.
    pub tip: i64,
    /// Whether it is paid by card, and whether the card will say no.
    pub card: Option<bool>,
}

/// An order that was acknowledged.
#[derive(Debug, Clone)]
pub struct Order {
    /// Its id outside.
    pub id: String,
    /// What it costs, in minor units.
    pub total: i64,
    /// Whether a cancellation was acknowledged.
    pub cancelled: bool,
}

#[derive(Default)]
struct Pages {
    /// By key.
    wishes: BTreeMap<String, Wish>,
    orders: BTreeMap<String, Order>,
    /// Keys that were never answered for certain, and how many orders each may have left.
    doubts: BTreeMap<String, u64>,
    /// Keys that were answered with no, for certain, by the only request there was.
    refused: BTreeMap<String, u64>,
    /// Whether a request may have come twice by itself: then a no to one of the two is no certainty.
    doubled: bool,
    /// By item and size: what staff have asked for it.
    prices: BTreeMap<(String, String), Vec<i64>>,
    /// What came late where clocks are right.
    late: Vec<String>,
    /// How many orders each name may have.
    wished: BTreeMap<String, u64>,
    /// By item: what came in for certain, and what may have.
    received: BTreeMap<String, (i64, i64)>,
    /// By item: what was thrown away for certain, and what may have been.
    wasted: BTreeMap<String, (i64, i64)>,
    /// By order: what staff gave back for certain, and what they may have.
    refunded: BTreeMap<String, (i64, i64)>,
    wrong: Vec<String>,
    counts: BTreeMap<&'static str, u64>,
}

/// The book of a world or a run. Clones share everything.
#[derive(Clone, Default)]
pub struct Book(Arc<Mutex<Pages>>);

impl Book {
    fn pages(&self) -> MutexGuard<'_, Pages> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Counts something, for the summary.
    pub fn count(&self, what: &'static str) {
        *self.pages().counts.entry(what).or_default() += 1;
    }

    /// Gives what was counted.
    pub fn counts(&self) -> BTreeMap<&'static str, u64> {
        self.pages().counts.clone()
    }

    /// Notes something that must never be seen from outside.
    pub fn wrong(&self, what: String) {
        self.pages().wrong.push(what);
    }

    /// Notes a wish before it is sent.
    pub fn wished(&self, wish: &Wish) {
        let mut pages = self.pages();
        pages.wishes.insert(wish.key.clone(), wish.clone());
        *pages.wished.entry(wish.key.clone()).or_default() += 1;
    }

    /// Notes that somebody else wishes the same under the same name; the book calls that wish by a name of its `own`.
    pub fn wished_again(&self, key: &str, own: &str) {
        let mut pages = self.pages();
        *pages.wished.entry(key.to_owned()).or_default() += 1;
        if let Some(wish) = pages.wishes.get(key).cloned() {
            pages.wishes.insert(own.to_owned(), wish);
        }
    }

    /// Tells whether an order was answered to somebody else.
    pub fn is_of_another(&self, id: &str, key: &str) -> bool {
        self.pages().orders.iter().any(|(other, order)| other != key && order.id == id)
    }

    /// Notes that an order was acknowledged.
    pub fn acknowledged(&self, key: &str, order: &Value) {
        let id = order["order_id"].as_str().unwrap_or_default().to_owned();
        let total = order["total"]["amount_minor"].as_i64().unwrap_or(-1);
        let mut pages = self.pages();
        pages.wrong.extend(receipt::added_up(order));
        match pages.orders.get(key) {
            Some(known) if known.id != id => {
                let text = format!("EffectsHappenOnce: the key {key} was answered with {} and with {id}", known.id);
                pages.wrong.push(text);
            }
            Some(known) if known.total != total => {
                let text = format!("MoneyIsConserved: {id} cost {} and then {total}", known.total);
                pages.wrong.push(text);
            }
            Some(_) => {}
            None => {
                pages.orders.insert(key.to_owned(), Order { id, total, cancelled: false });
            }
        }
    }

    /// Notes that a wish was given up without an answer.
    pub fn doubted(&self, key: &str) {
        *self.pages().doubts.entry(key.to_owned()).or_default() += 1;
    }

    /// Notes that the only request for a wish was answered with no.
    pub fn refused(&self, key: &str) {
        *self.pages().refused.entry(key.to_owned()).or_default() += 1;
    }

    /// Notes that requests may have come twice by themselves.
    pub fn may_have_doubled(&self) {
        self.pages().doubled = true;
    }

    /// Notes a price before staff ask for it.
    pub fn priced(&self, item: &str, size: &str, price: i64) {
        self.pages().prices.entry((item.to_owned(), size.to_owned())).or_default().push(price);
    }

    /// Notes that something came later than it may where clocks are right.
    pub fn late(&self, what: String) {
        self.pages().late.push(what);
    }

    /// Forgives what came late.
    pub fn forgive_late(&self) {
        self.pages().late.clear();
    }

    /// Notes that a cancellation was acknowledged.
    pub fn cancelled(&self, key: &str) {
        if let Some(order) = self.pages().orders.get_mut(key) {
            order.cancelled = true;
        }
    }

    /// Notes that stock came in, for certain or maybe.
    pub fn received(&self, slug: &str, quantity: i64, certain: bool) {
        let mut pages = self.pages();
        let entry = pages.received.entry(slug.to_owned()).or_default();
        if certain { entry.0 += quantity } else { entry.1 += quantity }
    }

    /// Notes that stock was thrown away, for certain or maybe.
    pub fn wasted(&self, slug: &str, quantity: i64, certain: bool) {
        let mut pages = self.pages();
        let entry = pages.wasted.entry(slug.to_owned()).or_default();
        if certain { entry.0 += quantity } else { entry.1 += quantity }
    }

    /// Notes that staff gave money of an order back, for certain or maybe.
    pub fn refunded(&self, order: &str, amount: i64, certain: bool) {
        let mut pages = self.pages();
        let entry = pages.refunded.entry(order.to_owned()).or_default();
        if certain { entry.0 += amount } else { entry.1 += amount }
    }

    /// Gives the ids of all orders that were acknowledged.
    pub fn orders(&self) -> Vec<(String, Order)> {
        self.pages().orders.iter().map(|(key, order)| (key.clone(), order.clone())).collect()
    }

    /// Compares with how the platform ended: `found` are all its orders, `charges` is what the provider holds of each order
    /// (taken and given back), `levels` all stock, and the menu knows what there was at first; `names` are those of the people
    /// behind the orders.
    pub fn settle(
        &self,
        found: &[Value],
        names: &BTreeMap<String, String>,
        charges: &BTreeMap<String, Vec<(i64, i64)>>,
        levels: &[Value],
        menu: &Menu,
    ) -> Vec<String> {
        let pages = self.pages();
        let mut wrong: Vec<String> = pages.wrong.iter().chain(&pages.late).cloned().collect();
        let by_id: BTreeMap<&str, &Value> = found.iter().filter_map(|order| Some((order["order_id"].as_str()?, order))).collect();
        let mut sold: BTreeMap<String, (i64, i64)> = BTreeMap::new();
        for (key, order) in &pages.orders {
            let Some(now) = by_id.get(order.id.as_str()) else {
                wrong.push(format!("NoOrderIsLost: {} was acknowledged under {key} and is not there", order.id));
                continue;
            };
            let (state, total) = (now["state"].as_str().unwrap_or_default(), now["total"]["amount_minor"].as_i64().unwrap_or(-1));
            if total != order.total {
                wrong.push(format!("MoneyIsConserved: {} cost {} when it was placed and {total} now", order.id, order.total));
            }
            if order.cancelled && state != "cancelled" {
                wrong.push(format!("EveryOrderEnds: the cancellation of {} was acknowledged, and it is {state}", order.id));
            }
            let Some(wish) = pages.wishes.get(key) else { continue };
            wrong.extend(receipt::as_wished(now, wish, menu, &pages.prices));
            if wish.card == Some(true) && state == "delivered" {
                wrong.push(format!("MoneyIsConserved: {} was delivered although its card said no", order.id));
            }
        }
        let mut by_name: BTreeMap<&str, (u64, u64)> = BTreeMap::new();
        let acknowledged: std::collections::BTreeSet<&str> = pages.orders.values().map(|order| order.id.as_str()).collect();
        for (id, now) in &by_id {
            let state = now["state"].as_str().unwrap_or_default();
            if state != "delivered" && state != "cancelled" {
                wrong.push(format!("EveryOrderEnds: {id} is {state} when all is at rest"));
            }
            if let Some(name) = names.get(*id) {
                let sums = by_name.entry(name.as_str()).or_default();
                sums.0 += 1;
                sums.1 += u64::from(!acknowledged.contains(id));
            }
            // What was cancelled may have been begun before anybody heard of it, or have left the shop: then it is used up.
            let (gone, maybe) = (state == "delivered", state == "cancelled");
            if gone || maybe {
                for line in now["lines"].as_array().into_iter().flatten() {
                    let (item, size) = (line["item"].as_str().unwrap_or_default(), line["size"].as_str().unwrap_or_default());
                    for (thing, of_one) in menu.takes(item, size) {
                        let taken = of_one * line["quantity"].as_i64().unwrap_or(0);
                        let entry = sold.entry(thing.clone()).or_default();
                        if gone { entry.0 += taken } else { entry.1 += taken }
                    }
                }
            }
            let total = now["total"]["amount_minor"].as_i64().unwrap_or(-1);
            let held: &[(i64, i64)] = charges.get(*id).map_or(&[], Vec::as_slice);
            let kept: i64 = held.iter().map(|(taken, back)| taken - back).sum();
            let taken = held.iter().filter(|(taken, _)| *taken > 0).count();
            let by_card = now["payment"] == "card" || now["payment"]["method"] == "card";
            let due = if by_card && state == "delivered" { total } else { 0 };
            let (back, maybe) = pages.refunded.get(*id).copied().unwrap_or_default();
            let (most, least) = if due == 0 { (0, 0) } else { (due - back, due - back - maybe) };
            if kept > most || kept < least {
                wrong.push(format!("MoneyIsConserved: the provider keeps {kept} of {id}, which is {state} and costs {total}"));
            }
            if taken > 1 {
                wrong.push(format!("MoneyIsConserved: {id} was charged {taken} times"));
            }
        }
        for (name, (orders, untold)) in by_name {
            let of = |counts: &BTreeMap<String, u64>| counts.get(name).copied().unwrap_or(0);
            let (wished, doubts) = (of(&pages.wished), of(&pages.doubts) + if pages.doubled { of(&pages.refused) } else { 0 });
            if orders > wished || untold > doubts {
                wrong.push(format!(
                    "EffectsHappenOnce: {name} wished {wished} orders and there are {orders}; of {untold} nobody was told, {doubts} were in doubt"
                ));
            }
        }
        for level in levels {
            let (Some(slug), Some(consumed)) = (level["slug"].as_str(), level["consumed"].as_i64()) else { continue };
            let Some(first) = menu.initial().get(slug) else { continue };
            let figure = |name: &str| level[name].as_i64().unwrap_or(i64::MIN);
            let (sold, maybe) = sold.get(slug).copied().unwrap_or_default();
            if consumed < sold || consumed > sold + maybe {
                wrong.push(format!("StockIsNeverNegative: {sold} of {slug} were delivered and {consumed} used up"));
            }
            let (certain, maybe) = pages.received.get(slug).copied().unwrap_or_default();
            let there = figure("available") + figure("reserved") + consumed + figure("wasted") - figure("corrected");
            let received = figure("received");
            if received != there || received < first + certain || received > first + certain + maybe {
                wrong.push(format!(
                    "StockIsNeverNegative: of {slug} there were {first}, {certain} came in, {maybe} more may have, and {there} are accounted for"
                ));
            }
            let (gone, maybe) = pages.wasted.get(slug).copied().unwrap_or_default();
            if figure("wasted") < gone || figure("wasted") > gone + maybe {
                wrong.push(format!(
                    "StockIsNeverNegative: of {slug} {gone} were thrown away, {maybe} more may have been, and {} are said to be",
                    figure("wasted")
                ));
            }
            if figure("reserved") != 0 || figure("available") < 0 {
                wrong.push(format!(
                    "StockIsNeverNegative: of {slug} {} are set aside at rest, {} free",
                    figure("reserved"),
                    figure("available")
                ));
            }
        }
        wrong
    }
}
