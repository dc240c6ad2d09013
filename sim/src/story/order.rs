//! Which notes concern an order: by its id, or by the correlation of a request that named it or made it.

use std::collections::{BTreeMap, BTreeSet};
use std::time::Duration;

use base::id::{Id, OrderId};

use super::{Kind, Note};
use crate::house;

/// How an order's id begins when it is shown.
const ORDER: &str = "ord_";
/// And that of a charge at the provider.
const CHARGE: &str = "ch_";

/// Finds the ids of orders and charges that a text names, each once.
pub fn named(text: &str) -> Vec<String> {
    let mut found = Vec::new();
    for prefix in [ORDER, CHARGE] {
        for (at, _) in text.match_indices(prefix) {
            let rest = &text[at + prefix.len()..];
            let length = rest.find(|letter: char| !letter.is_ascii_alphanumeric()).unwrap_or(rest.len());
            let id = &text[at..at + prefix.len() + length];
            if length > 0 && !found.iter().any(|known| known == id) {
                found.push(id.to_owned());
            }
        }
    }
    found
}

/// Finds the order that what was wrong is about: shown, or as the audit writes it.
pub fn concerned(wrong: &str) -> Option<String> {
    if let Some(id) = named(wrong).into_iter().find(|id| id.starts_with(ORDER)) {
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
        // A request that names one order is about it: what is done for the request is too, and so is a charge made for it.
        let outside = |note: &&Note| note.to.as_deref() == Some("client") || note.who == "provider";
        for note in notes.iter().filter(|note| note.answers.is_some()).filter(outside) {
            let asked = note.answers.and_then(|asked| notes.get(asked));
            let words = note.words.iter().chain(asked.iter().flat_map(|asked| &asked.words));
            let (ids, others): (Vec<&String>, Vec<&String>) = words.partition(|word| word.starts_with(ORDER));
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
        // After its last commit it is only looked at.
        let last = (0..notes.len()).rev().find(|place| concerned[*place] && notes[*place].kind == Kind::Commit).unwrap_or(0);
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

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_order_concerned_is_found_however_it_is_written() {
        let shown = OrderId(77).show(&house::key());
        assert_eq!(concerned(&format!("MoneyIsConserved: {shown} was charged 2 times")), Some(shown.clone()));
        assert_eq!(concerned("Violation { code: \"x\", ids: [(\"order_id\", 77)] }"), Some(shown));
        assert_eq!(concerned("StockIsNeverNegative: of flour ch_1 3 are set aside"), None);
    }

    #[test]
    fn what_is_done_about_a_charge_concerns_the_order_that_it_was_made_for() {
        let shown = OrderId(77).show(&house::key());
        let mut made = Note::new(Kind::Commit, "orders", "says order.created");
        made.said.push(("order.created", 77, "errand".to_owned()));
        made.ids.push(77);
        let asks = |text: &str| Note::new(Kind::Asked, "payments", text).to("provider").about(named(text));
        let answers =
            |text: &str, asked| Note::new(Kind::Answered, "provider", text).to("payments").answering(asked).about(named(text));
        let notes = [
            made,
            asks(&format!("charge for {shown}")),
            answers("made ch_5a", 1),
            asks("back with ch_5a"),
            asks("back with ch_6b"),
            Note::new(Kind::Asked, "gateway", "Cancel").to("orders").about(["errand".to_owned()]),
        ];
        assert_eq!(Ties::of(&notes).concern(&shown, &notes), [true, true, true, true, false, true]);
    }
}
