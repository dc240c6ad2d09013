//! What a service declares: its collections, and the fields of a document that can be searched, sorted and kept unique.

use base::Fault;
use base::Id;

/// What a field holds.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Kind {
    /// A whole number: an id, an amount, a time.
    Int,
    /// A text; for sorting and searching it must be folded before (`base::text::fold`).
    Text,
}

/// A field of a document that queries may name. It stands beside the body, so that no engine has to look inside.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Field {
    /// Its name: lower case letters and underscores.
    pub name: &'static str,
    /// What it holds.
    pub kind: Kind,
}

impl Field {
    /// Declares a number.
    pub const fn int(name: &'static str) -> Field {
        Field { name, kind: Kind::Int }
    }

    /// Declares a text.
    pub const fn text(name: &'static str) -> Field {
        Field { name, kind: Kind::Text }
    }
}

/// Fields by which documents are found.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Index {
    /// An index over these fields, in this order.
    On(&'static [&'static str]),
    /// No two documents may have the same values in these fields; the second one is refused.
    Unique(&'static [&'static str]),
}

impl Index {
    pub(crate) fn fields(self) -> &'static [&'static str] {
        match self {
            Index::On(fields) | Index::Unique(fields) => fields,
        }
    }
}

/// A kind of documents of a service.
///
/// A field that is declared later is empty in the documents that were there before, until each is put again.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Collection {
    /// Its name: the plural noun of what it holds.
    pub name: &'static str,
    /// What queries may name, besides `id`.
    pub fields: &'static [Field],
    /// How documents are found quickly.
    pub indexes: &'static [Index],
}

impl Collection {
    /// Gives the kind of a field; `id` is always there.
    pub(crate) fn kind(&self, field: &str) -> Result<Kind, Fault> {
        if field == "id" {
            return Ok(Kind::Int);
        }
        let known = self.fields.iter().find(|known| known.name == field);
        known.map(|known| known.kind).ok_or_else(|| {
            Fault::internal("document_field", format!("The collection {} does not declare the field {field}.", self.name))
        })
    }

    /// Refuses names that no engine could take, and indexes over what is not declared.
    pub(crate) fn check(&self) -> Result<(), Fault> {
        let plain = |name: &str| !name.is_empty() && name.bytes().all(|byte| byte.is_ascii_lowercase() || byte == b'_');
        let names = std::iter::once(self.name).chain(self.fields.iter().map(|field| field.name));
        let taken = ["id", "version", "body"];
        for name in names {
            if !plain(name) || taken.contains(&name) {
                return Err(Fault::internal("document_field", format!("`{name}` cannot name a collection or a field.")));
            }
        }
        for field in self.indexes.iter().flat_map(|index| index.fields()) {
            self.kind(field)?;
        }
        Ok(())
    }
}

/// The value of a field.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub enum Value {
    /// A whole number.
    Int(i64),
    /// A text.
    Text(String),
}

impl Value {
    pub(crate) fn kind(&self) -> Kind {
        match self {
            Value::Int(_) => Kind::Int,
            Value::Text(_) => Kind::Text,
        }
    }
}

impl From<i64> for Value {
    fn from(value: i64) -> Value {
        Value::Int(value)
    }
}

impl From<bool> for Value {
    fn from(value: bool) -> Value {
        Value::Int(i64::from(value))
    }
}

impl From<&str> for Value {
    fn from(value: &str) -> Value {
        Value::Text(value.to_owned())
    }
}

impl From<String> for Value {
    fn from(value: String) -> Value {
        Value::Text(value)
    }
}

/// Gives an id as the value of a field.
pub fn id(id: impl Id) -> Value {
    Value::Int(id.number())
}
