//! Mermaid: a saga as a flowchart that a web page or a README can draw.

use crate::duration::show;
use crate::model::{Saga, Step};

/// Draws the saga: a box per step, an arrow per event from who says it to who goes on, dotted where it takes back.
///
/// Steps are told in the order of the story, so arrows only lead forward; an event that an earlier step hears again
/// (the money of an order paid at the door) changes nothing there and has no arrow.
pub fn mermaid(saga: &Saga) -> String {
    let mut lines = vec!["flowchart TD".to_owned()];
    lines.extend(saga.steps.iter().map(boxed));
    lines.extend(saga.ends.iter().map(|end| format!("  {}([{end}])", id("end", end))));
    for (at, step) in saga.steps.iter().enumerate() {
        lines.extend(saga.steps[at + 1..].iter().filter_map(|later| arrow(step, later)));
        lines.extend(
            step.says
                .iter()
                .filter(|event| saga.ends_with(event))
                .map(|end| format!("  {} --> {}", id("step", &step.does), id("end", end))),
        );
    }
    let undo: Vec<String> = saga.steps.iter().filter(|step| !step.undoes.is_empty()).map(|step| id("step", &step.does)).collect();
    if !undo.is_empty() {
        lines.push("  classDef undo stroke-dasharray: 4 3".to_owned());
        lines.push(format!("  class {} undo", undo.join(",")));
    }
    lines.join("\n") + "\n"
}

fn boxed(step: &Step) -> String {
    let mut label = format!("<b>{}</b><br/>{}", step.who, step.does);
    if !step.undoes.is_empty() {
        label.push_str(&format!("<br/>undoes {}", step.undoes.join(", ")));
    }
    if let Some(deadline) = step.deadline {
        label.push_str(&format!("<br/>within {}", show(deadline)));
    }
    format!("  {}[\"{label}\"]", id("step", &step.does))
}

fn arrow(from: &Step, to: &Step) -> Option<String> {
    let events: Vec<&str> = from.says.iter().filter(|event| to.hears.contains(event)).map(String::as_str).collect();
    let line = if to.undoes.is_empty() { "-->" } else { "-.->" };
    let arrow = format!("  {} {line}|\"{}\"| {}", id("step", &from.does), events.join("<br/>"), id("step", &to.does));
    (!events.is_empty()).then_some(arrow)
}

/// A node's id; prefixed, because bare words such as `end` mean something to mermaid.
fn id(prefix: &str, name: &str) -> String {
    format!("{prefix}_{}", name.replace(['-', '.'], "_"))
}
