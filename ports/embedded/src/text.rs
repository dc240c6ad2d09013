//! Statement texts as SQLite wants them, translated once.

use std::collections::BTreeMap;
use std::sync::{Arc, RwLock};

/// A text for SQLite.
pub type Text = Arc<str>;

/// Remembers translations by the address of the text, which is static, so that nothing is hashed or compared.
#[derive(Default)]
pub(crate) struct Texts(RwLock<BTreeMap<(usize, usize), Text>>);

impl Texts {
    pub(crate) fn translate(&self, text: &'static str) -> Text {
        let place = (text.as_ptr() as usize, text.len());
        if let Some(known) = self.0.read().expect("translating does not panic").get(&place) {
            return known.clone();
        }
        let made: Text = numbered(text).into();
        self.0.write().expect("translating does not panic").entry(place).or_insert(made).clone()
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
        assert!(Arc::ptr_eq(&texts.translate(text), &texts.translate(text)));
    }
}
