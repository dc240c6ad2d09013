//! A commit as it is entered: what it says, writes and uses up, in short, and what became of it.

use base::NewEvent;
use documents::Put;
use sql::{Batch, Expect, Step, Value};

use super::{Kind, Note};
use crate::cover::{self, Said};
use crate::machine::Machine;

/// How a commit can end, for whoever tells of it.
pub trait Ended {
    /// Says it, and whether everything happened.
    fn words(&self) -> (String, bool);
}

impl Ended for sql::Verdict {
    fn words(&self) -> (String, bool) {
        match self {
            sql::Verdict::Done { .. } => ("commits".to_owned(), true),
            sql::Verdict::Missed { step } => (format!("is refused at step {}", step + 1), false),
            sql::Verdict::Unknown => ("nobody knows".to_owned(), false),
        }
    }
}

impl Ended for documents::Verdict {
    fn words(&self) -> (String, bool) {
        match self {
            documents::Verdict::Done => ("commits".to_owned(), true),
            documents::Verdict::Missed => ("is refused".to_owned(), false),
            documents::Verdict::Unknown => ("nobody knows".to_owned(), false),
        }
    }
}

/// A commit before anybody knows how it ends.
pub struct Entry {
    said: Vec<Said>,
    note: Option<(Note, Machine)>,
    steps: Vec<String>,
}

impl Drop for Entry {
    // Whoever waited for its end is gone with its machine.
    fn drop(&mut self) {
        if let Some((mut note, machine)) = self.note.take() {
            note.text = format!("nobody is left to hear whether it commits: {}", note.text);
            machine.kernel.tell(|| note.bad(true).on(machine.node));
        }
    }
}

impl Entry {
    /// Reads a batch of rows; only its events, unless somebody takes notes.
    pub fn of_rows(batch: &Batch, machine: &Machine) -> Entry {
        let said = said(&batch.events);
        if !machine.kernel.is_told() {
            return Entry { said, note: None, steps: Vec::new() };
        }
        let mut note = noted(batch.service, &batch.events);
        let mut parts: Vec<String> = Vec::new();
        let mut steps = Vec::new();
        for step in &batch.steps {
            note.ids.extend(step.params.iter().filter_map(|value| match value {
                Value::Int(number) if *number > 1 << 40 => Some(*number),
                _ => None,
            }));
            let part = part(batch.service, step);
            if !part.is_empty() && !parts.contains(&part) {
                parts.push(part.clone());
            }
            steps.push(part);
        }
        note.text = joined(&note, &parts);
        Entry { said, note: Some((note, machine.clone())), steps }
    }

    /// Reads a change of a document.
    pub fn of_document(put: &Put, machine: &Machine) -> Entry {
        let said = said(&put.events);
        if !machine.kernel.is_told() {
            return Entry { said, note: None, steps: Vec::new() };
        }
        let mut note = noted(put.service, &put.events);
        note.ids.push(put.id);
        let part = if put.content.is_some() { vec![format!("~{}", put.collection.name)] } else { Vec::new() };
        note.text = joined(&note, &part);
        Entry { said, note: Some((note, machine.clone())), steps: Vec::new() }
    }

    /// Counts what it said for certain.
    pub fn happened(&mut self, machine: &Machine) {
        let said = std::mem::take(&mut self.said);
        if !said.is_empty() {
            machine.weather.cover(|coverage| said.into_iter().for_each(|said| coverage.said(said)));
        }
    }

    /// Tells how it ended.
    pub fn ends(mut self, words: &str, bad: bool) {
        let Some((mut note, machine)) = self.note.take() else { return };
        // A guard that did not hold says more than its number.
        let missed = words.strip_prefix("is refused at step ").and_then(|step| step.parse::<usize>().ok());
        let guard =
            missed.and_then(|step| self.steps.get(step.checked_sub(1)?)).map_or(String::new(), |step| format!(" ({step})"));
        note.text = format!("{words}{guard}: {}", note.text);
        machine.kernel.tell(|| note.bad(bad).on(machine.node));
    }
}

fn said(events: &[NewEvent]) -> Vec<Said> {
    events.iter().map(|event| (name_of(event), event.key, cover::reason(&event.data))).collect()
}

fn name_of(event: &NewEvent) -> &'static str {
    event.kind.rsplit_once(".v").map_or(event.kind, |(name, _)| name)
}

fn noted(service: &'static str, events: &[NewEvent]) -> Note {
    let mut note = Note::new(Kind::Commit, service, "");
    for event in events {
        note.said.push((name_of(event), event.key, event.correlation.clone()));
        note.ids.push(event.key);
    }
    note
}

fn joined(note: &Note, parts: &[String]) -> String {
    let mut text = String::new();
    if !note.said.is_empty() {
        let names: Vec<&str> = note.said.iter().map(|(name, _, _)| *name).collect();
        text = format!("says {}; ", names.join(", "));
    }
    text.push_str(&parts.join(" "));
    text.trim_end_matches("; ").to_owned()
}

/// Says what a step does in a word: `+orders_lines` inserts, `~` updates, `-` deletes, `!` guards.
fn part(service: &str, step: &Step) -> String {
    let words: Vec<&str> = step.text.split_whitespace().take(3).collect();
    let (sign, table) = match words.as_slice() {
        [first, _, table] if first.eq_ignore_ascii_case("insert") => ('+', *table),
        [first, _, table] if first.eq_ignore_ascii_case("delete") => ('-', *table),
        [first, table, ..] if first.eq_ignore_ascii_case("update") => ('~', *table),
        _ => return String::new(),
    };
    let table = table.strip_prefix(service).and_then(|rest| rest.strip_prefix('_')).unwrap_or(table);
    let text = |place: usize| match step.params.get(place) {
        Some(Value::Text(text)) => text.as_str(),
        _ => "",
    };
    let number = |place: usize| match step.params.get(place) {
        Some(Value::Int(number)) => *number,
        _ => 0,
    };
    let guard = if matches!(step.expect, Expect::Rows(_)) { "!" } else { "" };
    match (sign, table) {
        ('+', "cursors") => format!("hears {}≤{}", text(0), number(1)),
        ('~', "cursors") => format!("hears {}≤{}", text(0), number(2)),
        ('+', "ahead") => format!("hears {}={}", text(0), number(1)),
        ('-', "ahead") => String::new(),
        ('+', "jobs") => format!("+job:{}", text(1)),
        ('-', "jobs") if step.params.len() == 2 && !text(0).is_empty() => format!("-job:{}", text(0)),
        ('-', "jobs") => "-job".to_owned(),
        ('~', "jobs") => "~job".to_owned(),
        ('+', "parked") => format!("PARKS {} {}", text(4), text(7)),
        _ => format!("{sign}{table}{guard}"),
    }
}
