//! What of the platform a world has exercised: which events, ends and refusals were met, and in which state of an order's
//! saga each trouble struck. The state of an order is the last event that was said about it.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

use crate::house;

/// What is counted: by a first name and a second.
pub type Table = BTreeMap<String, BTreeMap<String, u64>>;

/// What was exercised.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
pub struct Covered {
    /// Events said, by their name and by the reason that they give.
    pub events: Table,
    /// Orders that ended: by the reason, and by the state before.
    pub ends: Table,
    /// What the edge refused, by its code.
    pub refusals: BTreeMap<String, u64>,
    /// Troubles that struck, by the states of the orders that were on their way then.
    pub struck: Table,
}

impl Covered {
    /// Adds what another world has exercised.
    pub fn add(&mut self, other: &Covered) {
        for (sums, other) in [(&mut self.events, &other.events), (&mut self.ends, &other.ends), (&mut self.struck, &other.struck)]
        {
            for (name, counts) in other {
                more(sums.entry(name.clone()).or_default(), counts);
            }
        }
        more(&mut self.refusals, &other.refusals);
    }
}

/// Adds counts to others.
pub fn more(sums: &mut BTreeMap<String, u64>, other: &BTreeMap<String, u64>) {
    for (what, count) in other {
        *sums.entry(what.clone()).or_default() += count;
    }
}

/// An event as far as it is counted: its name, its key, and the reason that it gives.
pub type Said = (&'static str, i64, String);

/// Gives the reason of an event: the word under `reason` or `change`, if it is one.
pub fn reason(data: &str) -> String {
    let word = ["\"reason\":\"", "\"change\":\""].iter().find_map(|field| data.split_once(field)?.1.split_once('"'));
    let is_word = |text: &&str| text.bytes().all(|byte| byte.is_ascii_lowercase() || byte == b'_');
    word.map(|(word, _)| word).filter(is_word).unwrap_or_default().to_owned()
}

/// Counts for one world.
#[derive(Default)]
pub struct Coverage {
    /// The last event of each order on its way.
    states: BTreeMap<i64, &'static str>,
    /// How many orders are in each state.
    crowds: BTreeMap<&'static str, u64>,
    struck: BTreeMap<(crate::weather::Trouble, &'static str), u64>,
    events: BTreeMap<(&'static str, String), u64>,
    ends: BTreeMap<(String, &'static str), u64>,
    refusals: BTreeMap<String, u64>,
}

impl Coverage {
    /// Counts an event that was said for certain.
    pub fn said(&mut self, (name, key, reason): Said) {
        *self.events.entry((name, reason.clone())).or_default() += 1;
        let saga = house::checkout();
        let before = self.states.get(&key).copied();
        if (before.is_none() && name != saga.begins) || !saga.says.iter().any(|said| said == name) {
            return;
        }
        if let Some(crowd) = before.and_then(|state| self.crowds.get_mut(state)) {
            *crowd -= 1;
        }
        if saga.ends.iter().any(|end| end == name) {
            self.states.remove(&key);
            let why = if reason.is_empty() { name.to_owned() } else { format!("{name} {reason}") };
            *self.ends.entry((why, before.unwrap_or_default())).or_default() += 1;
        } else {
            self.states.insert(key, name);
            *self.crowds.entry(name).or_default() += 1;
        }
    }

    /// Counts the orders that are on their way.
    pub fn on_their_way(&self) -> usize {
        self.states.len()
    }

    /// Counts a trouble that struck, once for each state that some order is in.
    pub fn struck(&mut self, trouble: crate::weather::Trouble) {
        for (state, _) in self.crowds.iter().filter(|(_, crowd)| **crowd > 0) {
            *self.struck.entry((trouble, state)).or_default() += 1;
        }
    }

    /// Counts what the edge refused.
    pub fn refused(&mut self, code: &str) {
        if !code.is_empty() {
            *self.refusals.entry(code.to_owned()).or_default() += 1;
        }
    }

    /// Gives what was counted.
    pub fn covered(&self) -> Covered {
        let mut covered = Covered { refusals: self.refusals.clone(), ..Covered::default() };
        for ((name, reason), count) in &self.events {
            covered.events.entry((*name).to_owned()).or_default().insert(reason.clone(), *count);
        }
        for ((why, state), count) in &self.ends {
            covered.ends.entry(why.clone()).or_default().insert((*state).to_owned(), *count);
        }
        for ((trouble, state), count) in &self.struck {
            covered.struck.entry(trouble.name()).or_default().insert((*state).to_owned(), *count);
        }
        covered
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::weather::Trouble;

    #[test]
    fn a_trouble_counts_in_the_states_that_orders_are_in() {
        let mut coverage = Coverage::default();
        coverage.said(("stock.reserved", 1, String::new()));
        coverage.struck(Trouble::Freeze);
        assert_eq!(coverage.covered().struck, Table::new(), "no order is on its way");
        coverage.said(("order.created", 1, String::new()));
        coverage.said(("order.created", 2, String::new()));
        coverage.struck(Trouble::Freeze);
        coverage.said(("stock.reserved", 1, String::new()));
        coverage.said(("order.cancelled", 2, "out_of_stock".to_owned()));
        coverage.struck(Trouble::Freeze);
        coverage.said(("order.delivered", 1, String::new()));
        coverage.struck(Trouble::Freeze);
        let covered = coverage.covered();
        let freezes = BTreeMap::from([("order.created".to_owned(), 1), ("stock.reserved".to_owned(), 1)]);
        assert_eq!(covered.struck, Table::from([("Freeze".to_owned(), freezes)]));
        assert_eq!(covered.ends["order.cancelled out_of_stock"]["order.created"], 1);
        assert_eq!(covered.ends["order.delivered"]["stock.reserved"], 1);
    }

    #[test]
    fn a_reason_is_a_word() {
        assert_eq!(reason(r#"{"order_id":1,"reason":"too_late","by":"platform"}"#), "too_late");
        assert_eq!(reason(r#"{"change":"release"}"#), "release");
        assert_eq!(reason(r#"{"reason":"Зоя передумала"}"#), "");
        assert_eq!(reason("{}"), "");
    }
}
