//! Statement texts as SQLite wants them, translated and numbered once.

use std::collections::BTreeMap;
use std::ops::Deref;
use std::sync::{Arc, RwLock};

/// A text for SQLite. Its number is its own among the texts of a database, so that a statement is found without looking at it.
#[derive(Debug, Clone)]
pub struct Text {
    pub(crate) number: usize,
    text: Arc<str>,
}

impl Deref for Text {
    type Target = str;

    fn deref(&self) -> &str {
        &self.text
    }
}

/// Remembers translations by the address of the text, which is static, so that nothing is hashed or compared.
#[derive(Default)]
pub(crate) struct Texts(RwLock<BTreeMap<(usize, usize), Text>>);

impl Texts {
    pub(crate) fn translate(&self, text: &'static str) -> Text {
        let place = (text.as_ptr() as usize, text.len());
        if let Some(known) = self.0.read().expect("translating does not panic").get(&place) {
            return known.clone();
        }
        let mut texts = self.0.write().expect("translating does not panic");
        let number = texts.len();
        texts.entry(place).or_insert_with(|| Text { number, text: numbered(text).into() }).clone()
    }
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
    fn parameters_are_numbered_and_quoted_text_is_left_alone() {
        assert_eq!(numbered("select $2, '$1', $1"), "select ?2, '$1', ?1");
        let texts = Texts::default();
        let text = "select $1";
        let (once, again) = (texts.translate(text), texts.translate(text));
        assert!(Arc::ptr_eq(&once.text, &again.text) && once.number == again.number);
        assert_ne!(texts.translate("select $1, $1").number, once.number);
    }
}
