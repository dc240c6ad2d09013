//! What was on the shelves, and when.

use std::collections::{BTreeMap, BTreeSet};
use std::time::Duration;

use serde_json::Value;
use sql::{Batch, Row, Value as Cell};

/// Who keeps the shelves.
pub const KEEPER: &str = "inventory";
/// Asks for all of them.
pub const LEVELS: &str = "select l.id, i.slug, l.version, l.available, l.reserved, l.consumed, l.received, l.corrected, l.wasted from inventory_levels l join inventory_items i on i.id = l.id";
/// Asks for some of them, by a list of their ids.
pub const LEVELS_OF: &str = "select l.id, i.slug, l.version, l.available, l.reserved, l.consumed, l.received, l.corrected, l.wasted from json_each($1) e join inventory_levels l on l.id = e.value join inventory_items i on i.id = l.id";
/// More than there are.
pub const LEVELS_MAX: usize = 5_000;

/// One shelf at one moment: available, reserved, consumed, received, corrected, wasted.
type Terms = [i64; 6];

struct Shelf {
    slug: String,
    /// Since when it was so, which edit that was, and how it was.
    stood: Vec<(Duration, i64, Terms)>,
}

/// The shelves of a shop.
#[derive(Default)]
pub struct Stock {
    shelves: BTreeMap<i64, Shelf>,
    /// By order: since when it may be known.
    wanted: BTreeMap<i64, Duration>,
    /// By key: when it was asked first.
    asked: BTreeMap<String, Duration>,
    /// Since when nobody has looked at what a machine that died has left.
    unsure: Option<Duration>,
    /// Until when nobody had looked the last time.
    sure: Duration,
}

fn read(row: &Row) -> Option<(i64, &str, i64, Terms)> {
    let mut terms = Terms::default();
    for (place, term) in terms.iter_mut().enumerate() {
        *term = row.int(place + 3).ok()?;
    }
    Some((row.int(0).ok()?, row.text(1).ok()?, row.int(2).ok()?, terms))
}

/// Which shelves a batch touches.
#[derive(Default)]
pub enum Touched {
    /// It is not the keeper's.
    #[default]
    Nobodys,
    These(BTreeSet<i64>),
    /// It does not say which.
    Any,
}

/// Gives which shelves a batch touches.
pub fn touches(batch: &Batch) -> Touched {
    if batch.service != KEEPER {
        return Touched::Nobodys;
    }
    let of_levels = batch.steps.iter().filter(|step| step.text.contains("inventory_levels"));
    let ids = of_levels.map(|step| match step.params.first() {
        Some(Cell::Int(id)) => Some(*id),
        _ => None,
    });
    ids.collect::<Option<BTreeSet<i64>>>().map_or(Touched::Any, Touched::These)
}

/// Gives what a batch takes from the shelves, by thing.
pub fn takes(batch: &Batch) -> BTreeMap<i64, i64> {
    let mut takes = BTreeMap::new();
    for step in batch.steps.iter().filter(|step| step.text.starts_with("update inventory_levels set available = available - $2"))
    {
        if let [Cell::Int(id), Cell::Int(quantity), ..] = step.params[..] {
            *takes.entry(id).or_default() += quantity;
        }
    }
    takes
}

impl Stock {
    /// Notes how a shelf stands now; says what must not be.
    pub fn stands(&mut self, row: &Row, now: Duration) -> Option<String> {
        let (id, slug, version, terms) = read(row)?;
        let shelf = self.shelves.entry(id).or_insert_with(|| Shelf { slug: slug.to_owned(), stood: Vec::new() });
        let last = shelf.stood.last().map(|(_, version, terms)| (*version, *terms));
        if last == Some((version, terms)) {
            return None;
        }
        shelf.stood.push((now, version, terms));
        let [available, reserved, consumed, received, corrected, wasted] = terms;
        let sound = available >= 0
            && [reserved, consumed, received, wasted].iter().all(|term| *term >= 0)
            && received + corrected - wasted == available + reserved + consumed;
        if !sound {
            return Some(format!(
                "StockIsNeverNegative: of {slug} there were, at {now:?}: available {available}, reserved {reserved}, consumed {consumed}, received {received}, corrected {corrected}, wasted {wasted}"
            ));
        }
        let back = last.filter(|(before, _)| *before > version)?.0;
        Some(format!("StockIsNeverNegative: the shelf of {slug} went back from edit {back} to edit {version}"))
    }

    /// Tells whether it is known how all shelves stand.
    pub fn is_sure(&self) -> bool {
        self.unsure.is_none() && !self.sure.is_zero()
    }

    /// Notes that all shelves have been looked at.
    pub fn is_sure_from(&mut self, now: Duration) {
        if !self.is_sure() {
            (self.unsure, self.sure) = (None, now);
        }
    }

    /// Notes that from now on nobody has looked.
    pub fn is_unsure(&mut self, now: Duration) {
        self.unsure.get_or_insert(now);
    }

    /// Notes since when an order may be known.
    pub fn wanted(&mut self, order: i64, now: Duration) {
        self.wanted.entry(order).or_insert(now);
    }

    /// Notes when something was asked, and gives when it was asked first.
    pub fn asked(&mut self, key: &str, now: Duration) -> Duration {
        *self.asked.entry(key.to_owned()).or_insert(now)
    }

    /// Tells whether all that was so since a moment is known.
    fn is_known_since(&self, from: Duration) -> bool {
        self.is_sure() && from > self.sure
    }

    /// Holds an answer about shelves against how they stood.
    pub fn answered(&self, body: &Value, from: Duration) -> Option<String> {
        if !self.is_known_since(from) {
            return None;
        }
        let shown = body["levels"].as_array().map_or(std::slice::from_ref(body), Vec::as_slice);
        shown.iter().find_map(|shown| self.shown(shown, from))
    }

    fn shown(&self, shown: &Value, from: Duration) -> Option<String> {
        let slug = shown["slug"].as_str()?;
        let seen = (shown["version"].as_i64()?, shown["available"].as_i64()?, shown["reserved"].as_i64()?);
        let shelf = self.shelves.values().find(|shelf| shelf.slug == slug)?;
        let stood = || since(&shelf.stood, from).map(|(_, version, terms)| (*version, terms[0], terms[1]));
        if stood().any(|stood| stood == seen) {
            return None;
        }
        Some(format!(
            "StockIsNeverNegative: a client was shown edit, available and reserved of {slug} as {seen:?}, and since it asked they were {:?}",
            stood().collect::<Vec<_>>()
        ))
    }

    /// Holds the refusal of an order against how the shelves stood: there must have been less than was wanted of each thing,
    /// or of what those have left who were served before it in the same commit.
    pub fn rejected(&self, order: i64, data: &Value, takes: &BTreeMap<i64, i64>) -> Option<String> {
        let from = *self.wanted.get(&order)?;
        if !self.is_known_since(from) {
            return None;
        }
        let short = |shortage: &Value| {
            let wanted = shortage["wanted"].as_i64().unwrap_or(i64::MAX);
            let id = shortage["stock_id"].as_i64().unwrap_or_default();
            let taken = takes.get(&id).unwrap_or(&0);
            let shelf = self.shelves.get(&id);
            shelf.is_none_or(|shelf| since(&shelf.stood, from).any(|(_, _, terms)| terms[0] - taken < wanted))
        };
        let shortages = data["shortages"].as_array()?;
        if shortages.iter().all(short) {
            return None;
        }
        Some(format!(
            "EveryOrderEnds: order {order} was refused for {shortages:?}, and at no time since it was placed was there so little"
        ))
    }
}

/// Gives how a shelf stood at a moment, and ever since.
fn since(stood: &[(Duration, i64, Terms)], from: Duration) -> impl Iterator<Item = &(Duration, i64, Terms)> {
    let first = stood.iter().rposition(|(at, ..)| *at <= from).unwrap_or(0);
    stood[first..].iter()
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn at(seconds: u64) -> Duration {
        Duration::from_secs(seconds)
    }

    fn row(version: i64, terms: Terms) -> Row {
        let mut cells = vec![Cell::Int(7), Cell::Text("dough".to_owned()), Cell::Int(version)];
        cells.extend(terms.map(Cell::Int));
        Row(cells)
    }

    /// Five; two of them set aside at 10 s; one thrown away at 20 s.
    fn stock() -> Stock {
        let mut stock = Stock::default();
        stock.is_sure_from(at(1));
        for (second, version, terms) in [(1, 1, [5, 0, 0, 5, 0, 0]), (10, 1, [3, 2, 0, 5, 0, 0]), (20, 2, [2, 2, 0, 5, 0, 1])] {
            assert_eq!(stock.stands(&row(version, terms), at(second)), None);
        }
        stock
    }

    fn seen(version: i64, available: i64, reserved: i64) -> Value {
        json!({ "slug": "dough", "version": version, "available": available, "reserved": reserved })
    }

    #[test]
    fn a_shelf_below_zero_or_out_of_balance_is_seen_at_once() {
        assert!(
            stock().stands(&row(2, [-1, 5, 0, 5, 0, 1]), at(30)).is_some_and(|wrong| wrong.starts_with("StockIsNeverNegative"))
        );
        assert!(stock().stands(&row(2, [3, 2, 0, 5, 0, 1]), at(30)).is_some());
        assert!(stock().stands(&row(1, [3, 2, 0, 5, 0, 0]), at(30)).is_some_and(|wrong| wrong.contains("went back")));
    }

    #[test]
    fn an_answer_fits_a_moment_since_it_was_asked_for_or_is_seen() {
        let stock = stock();
        for (from, fits) in [(5, true), (10, true), (15, true), (21, false)] {
            assert_eq!(stock.answered(&seen(1, 3, 2), at(from)).is_none(), fits, "{from}");
        }
        assert!(stock.answered(&json!({ "levels": [seen(2, 2, 2), seen(2, 9, 2)] }), at(15)).is_some());
        assert!(stock.answered(&json!({ "status": "ok" }), at(15)).is_none());
    }

    #[test]
    fn nothing_is_held_against_what_nobody_could_look_at() {
        let mut stock = stock();
        stock.is_unsure(at(30));
        assert!(stock.answered(&seen(9, 9, 9), at(25)).is_none());
        stock.is_sure_from(at(40));
        stock.stands(&row(2, [2, 2, 0, 5, 0, 1]), at(40));
        assert!(stock.answered(&seen(9, 9, 9), at(35)).is_none(), "it was asked before anybody had looked");
        assert!(stock.answered(&seen(9, 9, 9), at(41)).is_some());
    }

    #[test]
    fn an_order_is_refused_only_for_what_was_not_there() {
        let mut stock = stock();
        stock.wanted(1, at(5));
        stock.wanted(1, at(15));
        let refused = |wanted: i64| json!({ "shortages": [{ "stock_id": 7, "wanted": wanted, "available": 0 }] });
        assert!(stock.rejected(1, &refused(3), &BTreeMap::new()).is_none(), "there were two in the end");
        assert!(stock.rejected(1, &refused(2), &BTreeMap::new()).is_some_and(|wrong| wrong.contains("refused")));
        assert!(
            stock.rejected(1, &refused(2), &BTreeMap::from([(7, 1)])).is_none(),
            "another took one of them in the same commit"
        );
        assert!(stock.rejected(2, &refused(1), &BTreeMap::new()).is_none(), "nobody knows of it");
    }

    #[test]
    fn a_batch_names_the_shelves_that_it_touches() {
        let batch = |service, text, params| {
            let steps = vec![sql::Step { text, params, expect: sql::Expect::Any }];
            touches(&Batch { service, steps, events: vec![], alone: false })
        };
        let text = "update inventory_levels set available = available + $2 where id = $1";
        assert!(matches!(batch(KEEPER, text, sql::params![7_i64, 2_i64]), Touched::These(ids) if ids == BTreeSet::from([7])));
        assert!(matches!(batch(KEEPER, text, sql::params!["all"]), Touched::Any));
        let other = "insert into inventory_movements (id) values ($1)";
        assert!(matches!(batch(KEEPER, other, sql::params![7_i64]), Touched::These(ids) if ids.is_empty()));
        assert!(matches!(batch("orders", text, sql::params![7_i64]), Touched::Nobodys));
    }

    #[test]
    fn what_is_asked_again_counts_from_the_first_time() {
        let mut stock = stock();
        assert_eq!((stock.asked("k", at(3)), stock.asked("k", at(9))), (at(3), at(3)));
    }
}
