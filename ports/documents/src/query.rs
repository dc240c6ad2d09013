//! What can be asked of a collection: only what every engine answers from its indexes or by looking through one field.

use base::Fault;
use serde::de::DeserializeOwned;

use crate::{Collection, Kind, Value};

/// The most documents of one page.
pub const PAGE_MAX: usize = 1_000;

/// A document as it is kept.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Doc {
    /// Its id.
    pub id: i64,
    /// 1 when it was made, one more with each change.
    pub version: i64,
    /// The body, as JSON.
    pub body: String,
}

impl Doc {
    /// Reads the body as a type of the service that wrote it.
    pub fn read<T: DeserializeOwned>(&self) -> Result<T, Fault> {
        serde_json::from_str(&self.body).map_err(|error| {
            Fault::internal("document_unreadable", format!("The document {} cannot be read.", self.id)).because(error)
        })
    }
}

/// One condition on one field; those of a query must all hold.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Filter {
    /// Exactly this.
    Is(Value),
    /// This or more.
    AtLeast(Value),
    /// This or less.
    AtMost(Value),
    /// A text with this part; both must be folded.
    Contains(String),
}

/// Which way documents are sorted.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Order {
    /// The smallest first.
    #[default]
    Up,
    /// The largest first.
    Down,
}

/// The place behind which a page begins: the last document's value of the sort field, and its id.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct After {
    /// The value of the sort field.
    pub value: Value,
    /// The id, which tells apart documents of the same value.
    pub id: i64,
}

/// A page of documents, and where the next one begins.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Page {
    /// The documents, sorted.
    pub docs: Vec<Doc>,
    /// The place behind the last one; none on the last page.
    pub next: Option<After>,
}

/// A question to a collection: filters, one sort field (the id decides among equals), a keyset page.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Query {
    pub(crate) filters: Vec<(&'static str, Filter)>,
    pub(crate) sort: (&'static str, Order),
    pub(crate) after: Option<After>,
    pub(crate) limit: usize,
}

impl Default for Query {
    fn default() -> Query {
        Query { filters: Vec::new(), sort: ("id", Order::Up), after: None, limit: PAGE_MAX }
    }
}

impl Query {
    /// Asks for all, by id.
    pub fn all() -> Query {
        Query::default()
    }

    /// Keeps what has this value.
    pub fn is(self, field: &'static str, value: impl Into<Value>) -> Query {
        self.filter(field, Filter::Is(value.into()))
    }

    /// Keeps what has this value or more.
    pub fn at_least(self, field: &'static str, value: impl Into<Value>) -> Query {
        self.filter(field, Filter::AtLeast(value.into()))
    }

    /// Keeps what has this value or less.
    pub fn at_most(self, field: &'static str, value: impl Into<Value>) -> Query {
        self.filter(field, Filter::AtMost(value.into()))
    }

    /// Keeps what has this part in a folded text.
    pub fn contains(self, field: &'static str, part: &str) -> Query {
        self.filter(field, Filter::Contains(base::text::fold(part)))
    }

    fn filter(mut self, field: &'static str, filter: Filter) -> Query {
        self.filters.push((field, filter));
        self
    }

    /// Sorts.
    pub fn sort(mut self, field: &'static str, order: Order) -> Query {
        self.sort = (field, order);
        self
    }

    /// Begins behind a place.
    pub fn after(mut self, after: Option<After>) -> Query {
        self.after = after;
        self
    }

    /// Limits the page, to [`PAGE_MAX`] at most.
    pub fn limit(mut self, limit: usize) -> Query {
        self.limit = limit.clamp(1, PAGE_MAX);
        self
    }

    /// Refuses fields that are not declared and values of another kind: defects of the service that asks.
    pub(crate) fn check(&self, collection: &Collection) -> Result<(), Fault> {
        let same = |field: &str, kind: Kind| match collection.kind(field)? {
            declared if declared == kind => Ok(()),
            _ => Err(Fault::internal("document_field", format!("The field {field} of {} is of another kind.", collection.name))),
        };
        for (field, filter) in &self.filters {
            match filter {
                Filter::Is(value) | Filter::AtLeast(value) | Filter::AtMost(value) => same(field, value.kind())?,
                Filter::Contains(_) => same(field, Kind::Text)?,
            }
        }
        let sorted = collection.kind(self.sort.0)?;
        match &self.after {
            Some(after) if after.value.kind() != sorted => same(self.sort.0, after.value.kind()),
            _ => Ok(()),
        }
    }
}
