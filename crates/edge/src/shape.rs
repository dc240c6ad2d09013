//! Shapes that many resources share: money, texts, times, pages.

use std::collections::BTreeMap;

use base::{Fault, Timestamp};
use data_encoding::BASE32HEX_NOPAD;
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use crate::Edge;

/// A text by language tag, such as `{"en": "Ham", "ru": "Ветчина"}`.
#[derive(Debug, Clone, Default, Serialize, Deserialize, ToSchema)]
#[serde(transparent)]
pub(crate) struct Texts(BTreeMap<String, String>);

impl FromIterator<(String, String)> for Texts {
    fn from_iter<I: IntoIterator<Item = (String, String)>>(texts: I) -> Texts {
        Texts(texts.into_iter().collect())
    }
}

impl IntoIterator for Texts {
    type Item = (String, String);
    type IntoIter = std::collections::btree_map::IntoIter<String, String>;

    fn into_iter(self) -> Self::IntoIter {
        self.0.into_iter()
    }
}

/// An amount of money.
#[derive(Debug, Clone, Serialize, ToSchema)]
pub(crate) struct Money {
    /// Whole minor units of the currency: cents for USD, yen for JPY, thousandths for KWD.
    #[schema(example = 1325)]
    pub(crate) amount_minor: i64,
    /// The currency's code (ISO 4217); empty while there is no amount of any currency yet.
    #[schema(example = "USD")]
    pub(crate) currency: String,
}

pub(crate) fn money(amount_minor: i64, currency: &str) -> Money {
    Money { amount_minor, currency: currency.to_owned() }
}

/// A point in time (RFC 3339, UTC).
#[derive(Debug, Clone, Serialize, ToSchema)]
#[serde(transparent)]
#[schema(value_type = String, format = DateTime, example = "2026-01-31T12:00:00Z")]
pub(crate) struct Time(String);

impl Time {
    pub(crate) fn of(at: Timestamp) -> Time {
        Time(at.to_string())
    }
}

/// Writes a time; none for zero.
pub(crate) fn time(micros: i64) -> Option<Time> {
    (micros != 0).then(|| Time::of(Timestamp(micros)))
}

/// Reads a time of a body.
pub(crate) fn read_time(field: &str, text: &str) -> Result<i64, Fault> {
    let bad = || Fault::invalid("bad_time", "A time is RFC 3339, such as 2026-01-31T12:00:00Z.").with("field", field);
    Timestamp::parse(text).map(Timestamp::micros).ok_or_else(bad)
}

/// Leaves out an empty text.
pub(crate) fn some(text: String) -> Option<String> {
    (!text.is_empty()).then_some(text)
}

/// What a page of a list may be asked for.
#[derive(Debug, Clone, Default, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct PageAsked {
    #[serde(default)]
    pub(crate) after: String,
    #[serde(default)]
    pub(crate) limit: u32,
}

/// Refuses a page that is too large.
pub(crate) fn rows(limit: u32) -> Result<u32, Fault> {
    if limit > base::limits::PAGE_ROWS_MAX {
        return Err(Fault::invalid("page_too_large", format!("A page has at most {} rows.", base::limits::PAGE_ROWS_MAX))
            .with("field", "limit"));
    }
    Ok(limit)
}

impl Edge {
    /// Shows where the next page begins, so that it tells nothing about numbers inside.
    pub(crate) fn next(&self, next: &str) -> Option<String> {
        if next.is_empty() {
            return None;
        }
        Some(match next.parse::<i64>() {
            // A short name may look like a number and not be one: 007.
            Ok(number) if number > 0 && number.to_string() == next => format!("n{}", self.key().permute("page", number)),
            _ => format!("t{}", BASE32HEX_NOPAD.encode(next.as_bytes()).to_ascii_lowercase()),
        })
    }

    /// Reads what [`Edge::next`] wrote.
    pub(crate) fn after(&self, shown: &str) -> Result<String, Fault> {
        let bad = || Fault::invalid("bad_page", "This is not a page of this list.").with("field", "after");
        if shown.is_empty() {
            return Ok(String::new());
        }
        match shown.split_at_checked(1) {
            Some(("n", number)) => number
                .parse::<i64>()
                .ok()
                .filter(|n| *n >= 0)
                .map(|number| self.key().restore("page", number).to_string())
                .ok_or_else(bad),
            Some(("t", text)) => {
                let bytes = BASE32HEX_NOPAD.decode(text.to_ascii_uppercase().as_bytes()).map_err(|_| bad())?;
                String::from_utf8(bytes).map_err(|_| bad())
            }
            _ => Err(bad()),
        }
    }
}

/// A reason, as staff give it for what they do by hand.
#[derive(Debug, Clone, Default, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct Reason {
    /// Why; it is kept with the act.
    #[serde(default)]
    #[schema(max_length = 1000)]
    pub(crate) reason: String,
}
