//! The story of one order as a page of text.

use super::order::{Ties, moment};
use super::{Kind, Note};

/// How many lines a page has.
const LINES: usize = 80;
/// How many of them show how it began.
const HEAD: usize = 30;

/// How many things in a row that happen to machines are told one by one.
const MACHINES: usize = 4;

/// Writes what happened to an order; the middle of a long story is left out.
pub fn page(order: &str, notes: &[Note]) -> Vec<String> {
    let ties = Ties::of(notes);
    let concerned = ties.concern(order, notes);
    let mut told: Vec<usize> = (0..notes.len()).filter(|place| concerned[*place] && !is_said_before(&notes[*place])).collect();
    if told.len() > LINES {
        told.retain(|place| !is_small(&notes[*place], notes));
    }
    let mut lines = Vec::new();
    for run in told.chunk_by(|one, next| is_machine(&notes[*one]) && is_machine(&notes[*next])) {
        let shown = |places: &[usize]| places.iter().map(|place| line(*place, notes)).collect::<Vec<_>>();
        if run.len() > MACHINES {
            lines.extend(shown(&run[..MACHINES / 2]));
            lines.push(format!("  … {} more things that happened to machines", run.len() - MACHINES));
            lines.extend(shown(&run[run.len() - MACHINES / 2..]));
        } else {
            lines.extend(shown(run));
        }
    }
    if lines.len() > LINES {
        let left_out = lines.len() - (LINES - 1);
        let mark = format!("  … {left_out} lines left out: `--html FILE` shows them all");
        lines.splice(HEAD..HEAD + left_out, [mark]);
    }
    if lines.is_empty() {
        lines.push(format!("  nothing is known of {order} in this world; its orders are"));
        lines.extend(ties.orders().map(|order| format!("  {order}")));
    }
    lines
}

fn is_machine(note: &Note) -> bool {
    note.kind == Kind::Machine
}

/// An answer that says that all is well stands with its question already.
fn is_said_before(note: &Note) -> bool {
    note.kind == Kind::Answered && !note.bad && note.to.as_deref() != Some("client")
}

/// What may be left out of a long story: readings that were answered, and what only counts.
fn is_small(note: &Note, notes: &[Note]) -> bool {
    let answered = |note: &Note| note.answers.is_none_or(|asked| notes[asked].text.starts_with("GET"));
    match note.kind {
        Kind::Asked => !note.bad && ["GET", "Get", "List"].iter().any(|word| note.text.starts_with(word)),
        Kind::Answered => !note.bad && answered(note),
        Kind::Commit => !note.bad && (note.who == "analytics" || note.who == "notifications") && note.said.is_empty(),
        Kind::Machine | Kind::Struck => false,
    }
}

fn line(place: usize, notes: &[Note]) -> String {
    let note = &notes[place];
    let way = match &note.to {
        Some(to) => format!("{} → {to}", note.who),
        None => note.who.clone(),
    };
    let mark = if note.bad { '!' } else { ' ' };
    let mut text = note.text.clone();
    if note.kind == Kind::Asked {
        let answer = notes[place..].iter().find(|other| other.answers == Some(place) && is_said_before(other));
        if let Some(answer) = answer {
            text.push_str(&format!(" → {} ({:.1} ms)", answer.text, (answer.at - note.at).as_secs_f64() * 1_000.0));
        }
    }
    cut(format!("{mark}{:>12} n{} {way:<24} {text}", moment(note.at), note.node))
}

/// Keeps a line on one line.
fn cut(line: String) -> String {
    const WIDTH: usize = 160;
    if line.chars().count() <= WIDTH {
        return line;
    }
    let mut short: String = line.chars().take(WIDTH - 1).collect();
    short.push('…');
    short
}
