//! Statement texts as SQLite wants them, translated and numbered once.

use std::cell::RefCell;
use std::collections::BTreeMap;
use std::ops::Deref;
use std::sync::{PoisonError, RwLock};

/// A text for SQLite. Its number is its own among the texts of the process, so that a statement is found without looking at
/// it. It is no more than an address: writers and readers pass it on without counting who holds it.
#[derive(Debug, Clone, Copy)]
pub struct Text {
    pub(crate) number: usize,
    text: &'static str,
}

impl Deref for Text {
    type Target = str;

    fn deref(&self) -> &str {
        self.text
    }
}

/// Translations by the address of the text, which is static, so that nothing is hashed or compared.
type Texts = BTreeMap<(usize, usize), Text>;

/// What the process has translated. A program has so many texts and no more, so they stay.
static KNOWN: RwLock<Texts> = RwLock::new(BTreeMap::new());

thread_local! {
    /// What this thread has asked for: a lock that all take at every statement is a place that all wait for.
    static ASKED: RefCell<Texts> = const { RefCell::new(BTreeMap::new()) };
}

/// Translates a portable text (`$1`), once.
pub fn text(text: &'static str) -> Text {
    let place = (text.as_ptr() as usize, text.len());
    ASKED.with_borrow_mut(|asked| *asked.entry(place).or_insert_with(|| known(place, text)))
}

fn known(place: (usize, usize), text: &'static str) -> Text {
    if let Some(known) = KNOWN.read().unwrap_or_else(PoisonError::into_inner).get(&place) {
        return *known;
    }
    let mut texts = KNOWN.write().unwrap_or_else(PoisonError::into_inner);
    let number = texts.len();
    *texts.entry(place).or_insert_with(|| Text { number, text: numbered(text).leak() })
}

/// Writes `$1` as `?1`: to SQLite `$1` is a name, numbered by its first appearance, and `?1` is the first parameter.
fn numbered(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    let mut quoted = false;
    let mut letters = text.chars().peekable();
    while let Some(letter) = letters.next() {
        quoted ^= letter == '\'';
        let is_parameter = letter == '$' && !quoted && letters.peek().is_some_and(char::is_ascii_digit);
        out.push(if is_parameter { '?' } else { letter });
    }
    out
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    #[allow(clippy::disallowed_methods)] // What another thread is given is the question.
    fn parameters_are_numbered_and_quoted_text_is_left_alone() {
        assert_eq!(numbered("select $2, '$1', $1"), "select ?2, '$1', ?1");
        let one = "select $1";
        let (once, again) = (text(one), text(one));
        let elsewhere = std::thread::spawn(move || text(one)).join().unwrap();
        for other in [again, elsewhere] {
            assert!(std::ptr::eq(once.text, other.text) && once.number == other.number);
        }
        assert_ne!(text("select $1, $1").number, once.number);
    }
}
