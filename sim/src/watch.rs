//! The watcher: sees every commit as it happens, and knows in which order things must be heard.
//!
//! What lies still can be audited; an order in time cannot be seen afterwards. So the watcher stands where all commits pass
//! (`store.rs`) and keeps the log, who has heard what, and the dead letters, by what was committed alone.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use base::Fault;
use sql::{Batch, Value, Verdict};

/// What a service must not say any more of an order once it has heard of its cancelling.
const NOT_AFTER_CANCELLING: [(&str, &[&str]); 4] = [
    ("kitchen", &["cooking.started"]),
    ("inventory", &["stock.reserved"]),
    ("payments", &["payment.requested", "payment.promised"]),
    ("delivery", &["order.shipped", "order.delivered"]),
];

#[derive(Clone)]
struct Said {
    source: &'static str,
    name: &'static str,
    key: i64,
}

#[derive(Default)]
struct Hearer {
    kinds: BTreeSet<&'static str>,
    /// By source: up to where all is done.
    cursors: BTreeMap<String, i64>,
    ahead: BTreeSet<i64>,
    /// What commits in doubt may have marked as done: nobody is blamed for having heard it before, or for not.
    doubted: BTreeSet<i64>,
    /// Letters that lie there: by id, the event's place, source and key.
    letters: BTreeMap<i64, (i64, String, i64)>,
    /// Orders of whose cancelling it has heard.
    cancelled: BTreeSet<i64>,
}

#[derive(Default)]
struct State {
    log: BTreeMap<i64, Said>,
    hearers: BTreeMap<&'static str, Hearer>,
    wrong: Vec<String>,
}

/// The watcher of a world. Clones share everything.
#[derive(Clone, Default)]
pub struct Watch(Arc<Mutex<State>>);

/// A batch that has begun and has not ended yet.
pub struct Begun {
    watch: Watch,
    doing: Option<Doing>,
}

/// What a batch is about to do, as far as the watcher cares.
#[derive(Default)]
pub struct Doing {
    service: &'static str,
    moves: Option<(String, i64)>,
    ahead: Vec<i64>,
    parks: Vec<(i64, i64, String, i64)>,
    frees: Vec<i64>,
    redrives: bool,
    says: Vec<(&'static str, i64)>,
}

fn int(params: &[Value], place: usize) -> i64 {
    match params.get(place) {
        Some(Value::Int(number)) => *number,
        _ => 0,
    }
}

fn text(params: &[Value], place: usize) -> String {
    match params.get(place) {
        Some(Value::Text(text)) => text.clone(),
        _ => String::new(),
    }
}

impl Doing {
    /// Reads a batch.
    pub fn of(batch: &Batch) -> Doing {
        let mut doing = Doing { service: batch.service, ..Doing::default() };
        for step in &batch.steps {
            let Some((verb, table)) = table_of(step.text, batch.service) else { continue };
            let params = &step.params;
            match (verb, table) {
                ("insert", "cursors") => doing.moves = Some((text(params, 0), int(params, 1))),
                ("update", "cursors") => doing.moves = Some((text(params, 0), int(params, 2))),
                ("insert", "ahead") => doing.ahead.push(int(params, 1)),
                ("insert", "parked") if text(params, 1) == "event" => {
                    doing.parks.push((int(params, 0), int(params, 3), text(params, 2), int(params, 5)));
                }
                ("delete", "parked") => doing.frees.push(int(params, 0)),
                ("insert", "acts") => doing.redrives |= text(params, 3) == "redrive_dead_letter",
                _ => {}
            }
        }
        doing.says = batch.events.iter().map(|event| (name_of(event.kind), event.key)).collect();
        doing
    }
}

/// Gives the verb of a statement, and which of the port's own tables of a service it touches.
fn table_of<'a>(statement: &'a str, service: &str) -> Option<(&'a str, &'a str)> {
    let mut words = statement.split_ascii_whitespace();
    let verb = words.next()?;
    let table = words.find(|word| !matches!(*word, "into" | "from"))?;
    Some((verb, table.strip_prefix(service)?.strip_prefix('_')?))
}

fn name_of(kind: &'static str) -> &'static str {
    kind.rsplit_once(".v").map_or(kind, |(name, _)| name)
}

impl Watch {
    fn state(&self) -> MutexGuard<'_, State> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Notes what a service listens for.
    pub fn hears(&self, service: &'static str, kinds: impl IntoIterator<Item = &'static str>) {
        self.state().hearers.entry(service).or_default().kinds = kinds.into_iter().collect();
    }

    /// Gives what was wrong.
    pub fn wrong(&self) -> Vec<String> {
        self.state().wrong.clone()
    }

    /// Notes that a batch begins. Whoever crashes before its end is told leaves it in doubt.
    pub fn begins(&self, doing: Doing) -> Begun {
        Begun { watch: self.clone(), doing: Some(doing) }
    }

    /// Notes that a batch may have happened, or not: nobody is blamed for either.
    fn doubt(&self, doing: &Doing) {
        let mut state = self.state();
        let State { log, hearers, .. } = &mut *state;
        let hearer = hearers.entry(doing.service).or_default();
        let newly = hearer.newly(log, doing);
        hearer.doubted.extend(newly);
        hearer.letters.retain(|id, _| !doing.frees.contains(id));
    }

    /// Notes that a batch was committed, and looks whether it might be.
    fn done(&self, doing: Doing, seqs: &[i64]) {
        let mut state = self.state();
        let State { log, hearers, wrong } = &mut *state;
        let hearer = hearers.entry(doing.service).or_default();
        let newly = hearer.newly(log, &doing);
        let parked: BTreeSet<i64> = doing.parks.iter().map(|(_, seq, ..)| *seq).collect();
        for seq in newly.difference(&hearer.doubted) {
            let Some(said) = log.get(seq) else { continue };
            let waits = hearer.letters.values().any(|(_, source, key)| source == said.source && *key == said.key);
            if waits && !parked.contains(seq) {
                wrong.push(format!(
                    "OrderPerKey: {} has heard {} of {} while what came before it lies in the dead letters",
                    doing.service, said.name, said.key
                ));
            }
            if let Some(earlier) = hearer.passed(log, *seq, said, &newly) {
                wrong.push(format!("OrderPerKey: {} has heard {} of {} before {earlier}", doing.service, said.name, said.key));
            }
        }
        for id in &doing.frees {
            let Some((seq, source, key)) = hearer.letters.remove(id) else { continue };
            let before = hearer.letters.values().find(|(other, from, of)| *other < seq && *from == source && *of == key);
            if let (Some((other, ..)), true) = (before, doing.redrives) {
                wrong.push(format!(
                    "OrderPerKey: {} has processed event {seq} of {source} and {key} again before event {other}, which waits before it",
                    doing.service
                ));
            }
        }
        for (name, key) in &doing.says {
            let not_any_more =
                NOT_AFTER_CANCELLING.iter().any(|(service, names)| *service == doing.service && names.contains(name));
            if not_any_more && hearer.cancelled.contains(key) {
                wrong.push(format!("EffectsHappenOnce: {} has heard that {key} is cancelled, and says {name}", doing.service));
            }
        }
        hearer.take(log, &doing, &newly, &parked);
        for (seq, (name, key)) in seqs.iter().zip(doing.says) {
            log.insert(*seq, Said { source: doing.service, name, key });
        }
        wrong.truncate(20);
    }
}

impl Begun {
    /// Notes how the batch ended, and at which places of the log its events are.
    pub fn ended(mut self, verdict: &Result<Verdict, Fault>, places: impl Fn(&[i64]) -> Vec<i64>) {
        let Some(doing) = self.doing.take() else { return };
        match verdict {
            Ok(Verdict::Done { seqs, .. }) => self.watch.done(doing, &places(seqs)),
            Ok(Verdict::Unknown) => self.watch.doubt(&doing),
            _ => {}
        }
    }
}

impl Drop for Begun {
    fn drop(&mut self) {
        if let Some(doing) = self.doing.take() {
            self.watch.doubt(&doing);
        }
    }
}

impl Hearer {
    fn is_done(&self, source: &str, seq: i64) -> bool {
        seq <= self.cursors.get(source).copied().unwrap_or(0) || self.ahead.contains(&seq)
    }

    /// Finds the events that a batch marks as done and that were not before.
    fn newly(&self, log: &BTreeMap<i64, Said>, doing: &Doing) -> BTreeSet<i64> {
        let Some((source, upto)) = &doing.moves else { return BTreeSet::new() };
        let from = self.cursors.get(source).copied().unwrap_or(0);
        let passed = if *upto > from { log.range(from + 1..=*upto) } else { log.range(0..0) };
        let passed = passed.filter(|(_, said)| said.source == source && self.kinds.contains(said.name)).map(|(seq, _)| *seq);
        passed.chain(doing.ahead.iter().copied()).filter(|seq| !self.is_done(source, *seq)).collect()
    }

    /// Finds an event of the same source and key that must be heard first and was not.
    fn passed(&self, log: &BTreeMap<i64, Said>, seq: i64, said: &Said, newly: &BTreeSet<i64>) -> Option<&'static str> {
        let from = self.cursors.get(said.source).copied().unwrap_or(0);
        let mut earlier = log.range(from.min(seq - 1) + 1..seq);
        let open = earlier.find(|(other, earlier)| {
            let same = earlier.source == said.source && earlier.key == said.key && self.kinds.contains(earlier.name);
            same && !self.is_done(said.source, **other) && !newly.contains(other) && !self.doubted.contains(other)
        });
        open.map(|(_, earlier)| earlier.name)
    }

    fn take(&mut self, log: &BTreeMap<i64, Said>, doing: &Doing, newly: &BTreeSet<i64>, parked: &BTreeSet<i64>) {
        // What was done in doubt may have been parked.
        for seq in newly.iter().filter(|seq| !parked.contains(seq) && !self.doubted.contains(seq)) {
            if let Some(said) = log.get(seq).filter(|said| said.name == "order.cancelled") {
                self.cancelled.insert(said.key);
            }
        }
        if let Some((source, upto)) = &doing.moves {
            let cursor = self.cursors.entry(source.clone()).or_default();
            *cursor = (*cursor).max(*upto);
            self.ahead.extend(&doing.ahead);
        }
        for (id, seq, source, key) in &doing.parks {
            self.letters.insert(*id, (*seq, source.clone(), *key));
        }
    }
}

#[cfg(test)]
mod tests {
    use base::{NewEvent, Timestamp};
    use sql::{Expect, Step, params};

    use super::*;

    fn says(service: &'static str, kind: &'static str, key: i64) -> Batch {
        let event = NewEvent { topic: "t", kind, key, at: Timestamp(0), correlation: String::new(), data: "{}".to_owned() };
        Batch { service, steps: vec![], events: vec![event], alone: false }
    }

    fn moves(upto: i64, ahead: &[i64]) -> Batch {
        let step = |text, params| Step { text, params, expect: Expect::Any };
        let mut steps =
            vec![step("update kitchen_cursors set seq = $3 where source = $1 and seq = $2", params!["orders", 0_i64, upto])];
        steps.extend(
            ahead.iter().map(|seq| step("insert into kitchen_ahead (source, seq) values ($1, $2)", params!["orders", *seq])),
        );
        Batch { service: "kitchen", steps, events: vec![], alone: false }
    }

    fn park(id: i64, seq: i64) -> Step {
        let text = "insert into kitchen_parked (id, what, source, seq, kind, key) values ($1)";
        Step { text, params: params![id, "event", "orders", seq, "order.created.v1", 7_i64], expect: Expect::Any }
    }

    fn watch() -> Watch {
        let watch = Watch::default();
        watch.hears("kitchen", ["order.created", "order.cancelled"]);
        for (seq, kind, key) in [(1, "order.created.v1", 7), (2, "order.created.v1", 8), (3, "order.cancelled.v1", 7)] {
            watch.done(Doing::of(&says("orders", kind, key)), &[seq]);
        }
        watch
    }

    #[test]
    fn what_is_heard_in_its_order_is_fine_and_what_overtakes_is_seen() {
        let fine = watch();
        fine.done(Doing::of(&moves(0, &[2])), &[]);
        fine.done(Doing::of(&moves(3, &[])), &[]);
        assert_eq!(fine.wrong(), Vec::<String>::new());
        let overtaken = watch();
        overtaken.done(Doing::of(&moves(0, &[3])), &[]);
        assert!(overtaken.wrong()[0].starts_with("OrderPerKey"), "{:?}", overtaken.wrong());
    }

    #[test]
    fn a_key_waits_behind_its_letter_and_is_redriven_in_order() {
        let watch = watch();
        let mut batch = moves(2, &[]);
        batch.steps.push(park(100, 1));
        watch.done(Doing::of(&batch), &[]);
        let going_on = moves(3, &[]);
        let mut behind = moves(3, &[]);
        behind.steps.push(park(101, 3));
        watch.done(Doing::of(&behind), &[]);
        assert_eq!(watch.wrong(), Vec::<String>::new());
        let act = Step {
            text: "insert into kitchen_acts (id, at, principal, act) values ($1)",
            params: params![1_i64, 0_i64, "staff", "redrive_dead_letter"],
            expect: Expect::Any,
        };
        let free = Step { text: "delete from kitchen_parked where id = $1", params: params![101_i64], expect: Expect::Any };
        // Whether the one before was freed is not known: then nobody is blamed.
        let doubted = self::watch();
        doubted.done(Doing::of(&batch), &[]);
        doubted.done(Doing::of(&behind), &[]);
        let first = Step { params: params![100_i64], ..free.clone() };
        let redrive = |step: Step| Batch { service: "kitchen", steps: vec![act.clone(), step], events: vec![], alone: false };
        doubted.begins(Doing::of(&redrive(first))).ended(&Ok(Verdict::Unknown), <[i64]>::to_vec);
        doubted.done(Doing::of(&redrive(free.clone())), &[]);
        assert_eq!(doubted.wrong(), Vec::<String>::new());
        watch.done(Doing::of(&redrive(free)), &[]);
        assert_eq!(watch.wrong().len(), 1, "{:?}", watch.wrong());
        let other = self::watch();
        other.done(Doing::of(&batch), &[]);
        other.done(Doing::of(&going_on), &[]);
        assert!(other.wrong()[0].contains("dead letters"));
    }

    #[test]
    fn what_was_parked_in_doubt_is_not_taken_for_heard_when_the_next_is() {
        let parks = |upto: i64, ahead: &[i64], id: i64, seq: i64| {
            let mut batch = moves(upto, ahead);
            batch.steps.push(park(id, seq));
            Doing::of(&batch)
        };
        let goes_on = |watch: &Watch| {
            watch.done(Doing::of(&says("orders", "order.created.v1", 9)), &[4]);
            watch.done(Doing::of(&moves(4, &[])), &[]);
            watch.wrong()
        };
        let doubted = watch();
        doubted.done(parks(2, &[], 100, 1), &[]);
        doubted.begins(parks(3, &[], 101, 3)).ended(&Ok(Verdict::Unknown), <[i64]>::to_vec);
        assert_eq!(goes_on(&doubted), Vec::<String>::new());
        doubted.done(Doing::of(&says("kitchen", "cooking.started.v1", 7)), &[5]);
        assert_eq!(doubted.wrong(), Vec::<String>::new(), "the cancelling was parked");
        let crashed = watch();
        crashed.done(parks(2, &[], 100, 1), &[]);
        drop(crashed.begins(parks(2, &[3], 101, 3)));
        assert_eq!(goes_on(&crashed), Vec::<String>::new());
        // One that has certainly not happened excuses nobody.
        let missed = watch();
        missed.done(parks(2, &[], 100, 1), &[]);
        missed.begins(parks(3, &[], 101, 3)).ended(&Ok(Verdict::Missed { step: 0 }), <[i64]>::to_vec);
        assert_eq!(goes_on(&missed).len(), 1);
    }

    #[test]
    fn nobody_begins_with_what_they_know_to_be_cancelled() {
        let watch = watch();
        watch.done(Doing::of(&says("kitchen", "cooking.started.v1", 7)), &[4]);
        assert_eq!(watch.wrong(), Vec::<String>::new());
        watch.done(Doing::of(&moves(3, &[])), &[]);
        watch.done(Doing::of(&says("kitchen", "cooking.started.v1", 8)), &[5]);
        assert_eq!(watch.wrong(), Vec::<String>::new());
        watch.done(Doing::of(&says("kitchen", "cooking.started.v1", 7)), &[6]);
        assert!(watch.wrong()[0].starts_with("EffectsHappenOnce"));
    }
}
