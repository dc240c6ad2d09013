//! Names: one word per thing, and the alphabet in which it fits everywhere that it is used.

use crate::model::PLATFORM;
use crate::problem::{Code, Problems};
use crate::source::At;

/// The longest name that every engine takes as a table prefix, topic or label.
const LENGTH_MAX: usize = 40;

/// What is named.
#[derive(Clone, Copy)]
pub(crate) enum Kind {
    /// A folder, package, table prefix, metric label and Kubernetes name at once.
    Service,
    /// Words joined by `-`.
    Topic,
    /// A thing and what happened to it: `order.created`.
    Event,
    /// Words joined by `-`.
    Saga,
    /// Words joined by `-`, a verb first.
    Step,
    /// Words joined by `-`.
    Environment,
}

impl Kind {
    /// Notes a name that does not fit.
    pub(crate) fn check(self, name: &At<String>, problems: &mut Problems<'_>) {
        let text = name.value.as_str();
        let words = "use lower-case words joined by `-`";
        let (kind, fits, rule) = match self {
            Kind::Service if text == PLATFORM => ("a service", false, "this name is taken by the machinery itself"),
            Kind::Service => ("a service", is_word(text, ""), "use lower-case letters and digits, a letter first"),
            Kind::Event => {
                ("an event", is_event(text), "use a thing and what happened to it, without a version, such as `order.created`")
            }
            Kind::Topic => ("a topic", are_words(text), words),
            Kind::Saga => ("a saga", are_words(text), words),
            Kind::Step => ("a step", are_words(text), words),
            Kind::Environment => ("an environment", are_words(text), words),
        };
        if !fits {
            problems.add_with_help(Code::BadName, &name.span, format!("`{text}` is no name for {kind}"), rule);
        } else if text.len() > LENGTH_MAX {
            let help = format!("it may have {LENGTH_MAX} letters");
            problems.add_with_help(Code::BadName, &name.span, format!("`{text}` is too long a name for {kind}"), help);
        }
    }
}

/// Starts with a letter and goes on with letters, digits and `also`.
fn is_word(text: &str, also: &str) -> bool {
    text.starts_with(|c: char| c.is_ascii_lowercase())
        && text.chars().all(|c| c.is_ascii_lowercase() || c.is_ascii_digit() || also.contains(c))
}

fn are_words(text: &str) -> bool {
    text.split('-').all(|word| is_word(word, ""))
}

fn is_event(text: &str) -> bool {
    text.split_once('.').is_some_and(|(thing, fact)| is_word(thing, "_") && is_word(fact, "_"))
}
