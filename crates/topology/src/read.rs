//! Read: values out of TOML tables, each wrong one noted with its place and left out.

use std::collections::BTreeMap;
use std::ops::RangeInclusive;
use std::time::Duration;

use toml::Spanned;
use toml::de::{DeTable, DeValue};

use crate::duration;
use crate::problem::{Code, Problems};
use crate::source::{At, Span};

/// A table with the name by which messages call it.
pub(crate) struct Table<'a> {
    pub(crate) name: String,
    /// Its key, or the whole of it where it has none; what is missing is missed here.
    pub(crate) span: Span,
    entries: BTreeMap<&'a str, Entry<'a>>,
}

/// A key and its value.
#[derive(Clone)]
pub(crate) struct Entry<'a> {
    pub(crate) key: At<String>,
    pub(crate) value: &'a Spanned<DeValue<'a>>,
}

impl<'a> Table<'a> {
    pub(crate) fn new(name: impl Into<String>, span: Span, table: &'a DeTable<'a>) -> Self {
        let entry = |key: &'a Spanned<_>, value| {
            let name: &'a std::borrow::Cow<'a, str> = key.get_ref();
            (name.as_ref(), Entry { key: At { value: name.to_string(), span: key.span() }, value })
        };
        Table { name: name.into(), span, entries: table.iter().map(|(key, value)| entry(key, value)).collect() }
    }

    /// All entries, ordered by key.
    pub(crate) fn entries(&self) -> impl Iterator<Item = &Entry<'a>> {
        self.entries.values()
    }

    /// The value under a key as it is, with no problem noted.
    pub(crate) fn value(&self, key: &str) -> Option<&'a DeValue<'a>> {
        self.entries.get(key).map(|entry| entry.value.get_ref())
    }

    fn path(&self, key: &str) -> String {
        if self.name.is_empty() { key.to_owned() } else { format!("{}.{key}", self.name) }
    }

    fn title(&self) -> String {
        if self.name.is_empty() { "the file".to_owned() } else { format!("`{}`", self.name) }
    }
}

impl Problems<'_> {
    /// Notes every key of the table that is not one of these.
    pub(crate) fn allow(&mut self, table: &Table<'_>, keys: &[&str]) {
        for Entry { key, .. } in table.entries().filter(|entry| !keys.contains(&entry.key.value.as_str())) {
            let message = format!("{} has no key `{}`", table.title(), key.value);
            match crate::suggest::nearest(&key.value, keys.iter().copied()) {
                Some(meant) => self.add_with_help(Code::UnknownKey, &key.span, message, format!("did you mean `{meant}`?")),
                None => self.add_with_help(Code::UnknownKey, &key.span, message, format!("it takes {}", listed(keys))),
            }
        }
    }

    /// The entry of a key that must be there.
    pub(crate) fn required<'t, 'a>(&mut self, table: &'t Table<'a>, key: &str) -> Option<&'t Entry<'a>> {
        let entry = table.entries.get(key);
        if entry.is_none() {
            self.add(Code::MissingKey, &table.span, format!("{} lacks the key `{key}`", table.title()));
        }
        entry
    }

    /// The table under a key, if there is one.
    pub(crate) fn table<'a>(&mut self, table: &Table<'a>, key: &str) -> Option<Table<'a>> {
        let entry = table.entries.get(key)?;
        self.as_table(table, entry)
    }

    /// The entry as a table.
    pub(crate) fn as_table<'a>(&mut self, parent: &Table<'a>, entry: &Entry<'a>) -> Option<Table<'a>> {
        let name = parent.path(&entry.key.value);
        match entry.value.get_ref() {
            DeValue::Table(table) => Some(Table::new(name, entry.key.span.clone(), table)),
            other => self.mistyped(&name, entry.value.span(), "a table", other),
        }
    }

    /// The tables of an array that must be there.
    pub(crate) fn tables<'a>(&mut self, table: &Table<'a>, key: &str) -> Vec<Table<'a>> {
        let Some(entry) = self.required(table, key) else {
            return Vec::new();
        };
        let name = table.path(key);
        let DeValue::Array(array) = entry.value.get_ref() else {
            return self.mistyped(&name, entry.value.span(), "an array of tables", entry.value.get_ref()).unwrap_or_default();
        };
        let mut tables = Vec::new();
        for item in array.iter() {
            match item.get_ref() {
                DeValue::Table(inner) => tables.push(Table::new(name.clone(), item.span(), inner)),
                other => tables.extend(self.mistyped(&name, item.span(), "an array of tables", other)),
            }
        }
        tables
    }

    /// The text under a key that must be there.
    pub(crate) fn text(&mut self, table: &Table<'_>, key: &str) -> Option<At<String>> {
        let entry = self.required(table, key)?;
        match entry.value.get_ref() {
            DeValue::String(text) => Some(At { value: text.to_string(), span: entry.value.span() }),
            other => self.mistyped(&table.path(key), entry.value.span(), "a text", other),
        }
    }

    /// The texts under a key, none when it is left out.
    pub(crate) fn texts(&mut self, table: &Table<'_>, key: &str) -> Vec<At<String>> {
        let Some(entry) = table.entries.get(key) else {
            return Vec::new();
        };
        let name = table.path(key);
        let DeValue::Array(array) = entry.value.get_ref() else {
            return self.mistyped(&name, entry.value.span(), "an array of texts", entry.value.get_ref()).unwrap_or_default();
        };
        let mut texts: Vec<At<String>> = Vec::new();
        for item in array.iter() {
            let span = item.span();
            match item.get_ref() {
                DeValue::String(text) if texts.iter().any(|earlier| earlier.value == text.as_ref()) => {
                    self.add(Code::DuplicateEntry, &span, format!("`{name}` lists `{text}` twice"));
                }
                DeValue::String(text) => texts.push(At { value: text.to_string(), span }),
                other => texts.extend(self.mistyped(&name, span, "an array of texts", other)),
            }
        }
        texts
    }

    /// One of a few words, under a key that must be there.
    pub(crate) fn choice<T: Copy>(&mut self, table: &Table<'_>, key: &str, choices: &[(&str, T)]) -> Option<T> {
        let text = self.text(table, key)?;
        let chosen = choices.iter().find(|(word, _)| *word == text.value);
        if chosen.is_none() {
            let words: Vec<&str> = choices.iter().map(|(word, _)| *word).collect();
            let help = match crate::suggest::nearest(&text.value, words.iter().copied()) {
                Some(meant) => format!("did you mean `{meant}`?"),
                None => format!("it is one of {}", listed(&words)),
            };
            self.add_with_help(
                Code::UnknownValue,
                &text.span,
                format!("`{}` cannot be \"{}\"", table.path(key), text.value),
                help,
            );
        }
        chosen.map(|(_, value)| *value)
    }

    /// The duration under a key that must be there.
    pub(crate) fn duration(&mut self, table: &Table<'_>, key: &str) -> Option<At<Duration>> {
        self.required(table, key)?;
        self.duration_if_any(table, key)
    }

    /// The duration under a key, if there is one.
    pub(crate) fn duration_if_any(&mut self, table: &Table<'_>, key: &str) -> Option<At<Duration>> {
        let entry = table.entries.get(key)?;
        let span = entry.value.span();
        let written = match entry.value.get_ref() {
            DeValue::String(text) => format!("\"{text}\""),
            DeValue::Integer(number) => number.to_string(),
            other => return self.mistyped(&table.path(key), span, "a duration", other),
        };
        let read = duration::parse(written.trim_matches('"'));
        if read.is_none() {
            self.add_with_help(
                Code::BadDuration,
                &span,
                format!("`{}` is {written}, which is not a duration", table.path(key)),
                duration::FORM,
            );
        }
        read.map(|value| At { value, span })
    }

    /// The whole number under a key, if there is one and it lies in the range.
    pub(crate) fn whole(&mut self, table: &Table<'_>, key: &str, range: RangeInclusive<u32>) -> Option<u32> {
        let entry = table.entries.get(key)?;
        let DeValue::Integer(number) = entry.value.get_ref() else {
            return self.mistyped(&table.path(key), entry.value.span(), "a whole number", entry.value.get_ref());
        };
        let read = u32::from_str_radix(number.as_str(), number.radix()).ok().filter(|read| range.contains(read));
        if read.is_none() {
            let help = format!("it is between {} and {}", range.start(), range.end());
            self.add_with_help(Code::OutOfRange, &entry.value.span(), format!("`{}` cannot be {number}", table.path(key)), help);
        }
        read
    }

    fn mistyped<T>(&mut self, name: &str, span: Span, wanted: &str, found: &DeValue<'_>) -> Option<T> {
        let kind = match found {
            DeValue::String(_) => "a text",
            DeValue::Integer(_) => "a whole number",
            DeValue::Float(_) => "a fraction",
            DeValue::Boolean(_) => "true or false",
            DeValue::Datetime(_) => "a date",
            DeValue::Array(_) => "an array",
            DeValue::Table(_) => "a table",
        };
        self.add(Code::WrongType, &span, format!("`{name}` takes {wanted}, not {kind}"));
        None
    }
}

/// Words in backquotes, joined as in a sentence.
pub(crate) fn listed(words: &[&str]) -> String {
    let quoted: Vec<String> = words.iter().map(|word| format!("`{word}`")).collect();
    match quoted.split_last() {
        Some((last, rest)) if !rest.is_empty() => format!("{} or {last}", rest.join(", ")),
        _ => quoted.concat(),
    }
}
