//! Which notes concern an order: by its id, or by the correlation of a request that named it or made it.

use std::collections::{BTreeMap, BTreeSet};
use std::time::Duration;

use base::id::{Id, OrderId};

use super::{Kind, Note};
use crate::house;

/// How an order's id begins when it is shown, and how long it is.
const SHOWN: (&str, usize) = ("ord_", 17);

/// Finds the ids of orders that a text names, each once.
pub fn named(text: &str) -> Vec<String> {
    let mut found = Vec::new();
    for (at, _) in text.match_indices(SHOWN.0) {
        let Some(id) = text.get(at..at + SHOWN.1) else { continue };
        if !found.iter().any(|known| known == id) {
            found.push(id.to_owned());
        }
    }
    found
}

/// Finds the order that what was wrong is about: shown, or as the audit writes it.
pub fn concerned(wrong: &str) -> Option<String> {
    if let Some(id) = named(wrong).into_iter().next() {
        return Some(id);
    }
    let after = wrong.split("\"order_id\", ").nth(1)?;
    let digits: String = after.chars().take_while(char::is_ascii_digit).collect();
    Some(OrderId(digits.parse().ok()?).show(&house::key()))
}

/// The orders of a world's story.
pub struct Ties {
    /// By the shown id: the number inside, and the correlations of its requests.
    orders: BTreeMap<String, (i64, BTreeSet<String>)>,
}

impl Ties {
    /// Reads them off the notes.
    pub fn of(notes: &[Note]) -> Ties {
        let key = house::key();
        let mut orders: BTreeMap<String, (i64, BTreeSet<String>)> = BTreeMap::new();
        let mut numbers = BTreeMap::new();
        for (name, number, correlation) in notes.iter().flat_map(|note| &note.said) {
            if *name == "order.created" {
                let shown = OrderId(*number).show(&key);
                numbers.insert(*number, shown.clone());
                orders.entry(shown).or_insert_with(|| (*number, BTreeSet::new())).1.insert(correlation.clone());
            }
        }
        // A request that names one order is about it: what is done for the request is too.
        for note in notes.iter().filter(|note| note.answers.is_some() && note.to.as_deref() == Some("client")) {
            let asked = note.answers.and_then(|asked| notes.get(asked));
            let words = note.words.iter().chain(asked.iter().flat_map(|asked| &asked.words));
            let (ids, others): (Vec<&String>, Vec<&String>) = words.partition(|word| word.starts_with(SHOWN.0));
            for id in ids {
                if let Some((_, correlations)) = orders.get_mut(id) {
                    correlations.extend(others.iter().map(|word| (*word).clone()));
                }
            }
        }
        Ties { orders }
    }

    /// Gives the ids of all orders.
    pub fn orders(&self) -> impl Iterator<Item = &str> {
        self.orders.keys().map(String::as_str)
    }

    /// Tells for each note whether it concerns an order. What happens to machines concerns every order on its way.
    pub fn concern(&self, order: &str, notes: &[Note]) -> Vec<bool> {
        let Some((number, correlations)) = self.orders.get(order) else { return vec![false; notes.len()] };
        let ties =
            |note: &Note| note.ids.contains(number) || note.words.iter().any(|word| word == order || correlations.contains(word));
        let mut concerned: Vec<bool> = notes.iter().map(ties).collect();
        for (place, note) in notes.iter().enumerate() {
            if let Some(asked) = note.answers {
                // A question and its answer go together.
                if concerned[asked] || concerned[place] {
                    (concerned[asked], concerned[place]) = (true, true);
                }
            }
        }
        let first = concerned.iter().position(|is| *is).unwrap_or(notes.len());
        let last = concerned.iter().rposition(|is| *is).unwrap_or(0);
        for (place, note) in notes.iter().enumerate().take(last + 1).skip(first) {
            concerned[place] |= note.kind == Kind::Machine;
        }
        concerned
    }

    /// Gives the orders that each note concerns, by their place among [`Ties::orders`].
    pub fn by_note(&self, notes: &[Note]) -> Vec<Vec<usize>> {
        let mut all = vec![Vec::new(); notes.len()];
        for (which, order) in self.orders.keys().enumerate() {
            for (place, _) in self.concern(order, notes).iter().enumerate().filter(|(_, is)| **is) {
                all[place].push(which);
            }
        }
        all
    }
}

/// Writes a moment as seconds with what follows: `12.034 567`.
pub fn moment(at: Duration) -> String {
    format!("{}.{:03} {:03}", at.as_secs(), at.subsec_millis(), at.subsec_micros() % 1_000)
}
