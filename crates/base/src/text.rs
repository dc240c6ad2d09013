//! Names of things in several languages, and keys to sort and search them by.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

/// A text by language tag (BCP 47), such as `{"en": "Ham", "ru": "Ветчина"}`.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(transparent)]
pub struct Texts(pub BTreeMap<String, String>);

impl Texts {
    /// Makes a text in one language.
    pub fn of(language: &str, text: impl Into<String>) -> Texts {
        Texts(BTreeMap::from([(language.to_owned(), text.into())]))
    }

    /// Makes a text in English and Russian.
    pub fn en_ru(en: impl Into<String>, ru: impl Into<String>) -> Texts {
        Texts(BTreeMap::from([("en".to_owned(), en.into()), ("ru".to_owned(), ru.into())]))
    }

    /// Gives the text in a language, else in English, else in whichever there is.
    pub fn get(&self, language: &str) -> &str {
        self.0.get(language).or_else(|| self.0.get("en")).or_else(|| self.0.values().next()).map_or("", String::as_str)
    }

    /// Tells whether any language holds any text.
    pub fn is_empty(&self) -> bool {
        self.0.values().all(|text| text.trim().is_empty())
    }

    /// Gives one folded text of all languages, to search in.
    pub fn folded(&self) -> String {
        self.0.values().map(|text| fold(text)).collect::<Vec<_>>().join("\n")
    }
}

/// Folds a text for sorting and searching: lower case in any script, ё as е, single spaces, no outer blanks.
///
/// This is done in Rust because SQLite lowers ASCII only.
pub fn fold(text: &str) -> String {
    let mut folded = String::with_capacity(text.len());
    for word in text.split_whitespace() {
        if !folded.is_empty() {
            folded.push(' ');
        }
        folded.extend(word.chars().flat_map(char::to_lowercase).map(|letter| if letter == 'ё' { 'е' } else { letter }));
    }
    folded
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn cyrillic_is_folded_like_latin() {
        assert_eq!(fold("  Пицца  ЁЛКА  Grande "), "пицца елка grande");
    }

    #[test]
    fn a_missing_language_falls_back_to_english() {
        let name = Texts::en_ru("Ham", "Ветчина");
        assert_eq!(name.get("ru"), "Ветчина");
        assert_eq!(name.get("de"), "Ham");
    }
}
