//! The few kinds of values that every engine can keep, and the rows that come back.

use std::sync::Arc;

use base::id::{
    CategoryId, ContactId, DeadLetterId, DeliveryId, DeviceId, EventId, ItemId, MethodId, NotificationId, OrderId, PaymentId,
    ShopId, StaffId, StationId, StockId, TicketId,
};
use base::{Fault, Id, Timestamp};

/// A value of one of the five column types, or none.
#[derive(Debug, Clone, PartialEq)]
pub enum Value {
    /// No value.
    Null,
    /// `bigint`.
    Int(i64),
    /// `double precision`.
    Real(f64),
    /// `text`.
    Text(String),
    /// `bytes`.
    Bytes(Vec<u8>),
    /// `boolean`.
    Bool(bool),
}

macro_rules! values {
    ($($from:ty => |$value:ident| $make:expr;)*) => {
        $(impl From<$from> for Value {
            fn from($value: $from) -> Value {
                $make
            }
        })*
    };
}

values! {
    i64 => |value| Value::Int(value);
    i32 => |value| Value::Int(value.into());
    u32 => |value| Value::Int(value.into());
    u16 => |value| Value::Int(value.into());
    u8 => |value| Value::Int(value.into());
    f64 => |value| Value::Real(value);
    bool => |value| Value::Bool(value);
    String => |value| Value::Text(value);
    &String => |value| Value::Text(value.clone());
    &str => |value| Value::Text(value.to_owned());
    Arc<str> => |value| Value::Text(value.as_ref().to_owned());
    Vec<u8> => |value| Value::Bytes(value);
    &[u8] => |value| Value::Bytes(value.to_vec());
    Timestamp => |value| Value::Int(value.micros());
}

// A blanket rule over `base::Id` would collide with the numbers above, so each kind of id is named.
macro_rules! ids {
    ($($id:ident),* $(,)?) => {
        $(impl From<$id> for Value {
            fn from(id: $id) -> Value {
                Value::Int(id.number())
            }
        })*
    };
}

ids!(
    ShopId,
    StaffId,
    DeviceId,
    OrderId,
    ItemId,
    CategoryId,
    StockId,
    PaymentId,
    MethodId,
    TicketId,
    StationId,
    DeliveryId,
    NotificationId,
    ContactId,
    EventId,
    DeadLetterId,
);

impl<T: Into<Value>> From<Option<T>> for Value {
    fn from(value: Option<T>) -> Value {
        value.map_or(Value::Null, Into::into)
    }
}

/// Makes the parameters of a statement: `params![order, 3, "text"]`.
#[macro_export]
macro_rules! params {
    ($($value:expr),* $(,)?) => {
        vec![$($crate::Value::from($value)),*]
    };
}

/// One row of an answer; columns count from 0.
#[derive(Debug, Clone, PartialEq)]
pub struct Row(pub Vec<Value>);

impl Row {
    fn wrong(&self, column: usize, wanted: &str) -> Fault {
        Fault::internal("store_row", format!("Column {column} of the row is not {wanted}."))
            .because(format!("{:?}", self.0.get(column)))
    }

    /// Reads a `bigint`.
    pub fn int(&self, column: usize) -> Result<i64, Fault> {
        self.opt_int(column)?.ok_or_else(|| self.wrong(column, "a number"))
    }

    /// Reads a `bigint` that may be missing.
    pub fn opt_int(&self, column: usize) -> Result<Option<i64>, Fault> {
        match self.0.get(column) {
            Some(Value::Null) => Ok(None),
            Some(Value::Int(value)) => Ok(Some(*value)),
            Some(Value::Bool(value)) => Ok(Some(i64::from(*value))),
            _ => Err(self.wrong(column, "a number")),
        }
    }

    /// Reads a `text`.
    pub fn text(&self, column: usize) -> Result<&str, Fault> {
        self.opt_text(column)?.ok_or_else(|| self.wrong(column, "a text"))
    }

    /// Reads a `text` that may be missing.
    pub fn opt_text(&self, column: usize) -> Result<Option<&str>, Fault> {
        match self.0.get(column) {
            Some(Value::Null) => Ok(None),
            Some(Value::Text(value)) => Ok(Some(value)),
            _ => Err(self.wrong(column, "a text")),
        }
    }

    /// Reads a `boolean`. SQLite keeps it as 0 or 1.
    pub fn bool(&self, column: usize) -> Result<bool, Fault> {
        match self.0.get(column) {
            Some(Value::Bool(value)) => Ok(*value),
            Some(Value::Int(value)) => Ok(*value != 0),
            _ => Err(self.wrong(column, "a boolean")),
        }
    }

    /// Reads a `double precision`.
    pub fn real(&self, column: usize) -> Result<f64, Fault> {
        match self.0.get(column) {
            Some(Value::Real(value)) => Ok(*value),
            // A whole number is exact up to 2^53; beyond, the column should have been a bigint.
            #[allow(clippy::cast_precision_loss)]
            Some(Value::Int(value)) => Ok(*value as f64),
            _ => Err(self.wrong(column, "a real number")),
        }
    }

    /// Reads `bytes`.
    pub fn bytes(&self, column: usize) -> Result<&[u8], Fault> {
        match self.0.get(column) {
            Some(Value::Bytes(value)) => Ok(value),
            _ => Err(self.wrong(column, "bytes")),
        }
    }

    /// Reads a point in time, kept as a `bigint` of microseconds.
    pub fn time(&self, column: usize) -> Result<Timestamp, Fault> {
        self.int(column).map(Timestamp)
    }

    /// Reads a point in time that may be missing.
    pub fn opt_time(&self, column: usize) -> Result<Option<Timestamp>, Fault> {
        Ok(self.opt_int(column)?.map(Timestamp))
    }

    /// Reads a typed id.
    pub fn id<I: Id>(&self, column: usize) -> Result<I, Fault> {
        self.int(column).map(I::of)
    }

    /// Reads a typed id that may be missing.
    pub fn opt_id<I: Id>(&self, column: usize) -> Result<Option<I>, Fault> {
        Ok(self.opt_int(column)?.map(I::of))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_wrong_column_is_a_fault_and_never_a_panic() {
        let row = Row(params![OrderId(7), "текст 🍕", None::<i64>, true, 2.5, vec![1u8]]);
        assert_eq!(row.id::<OrderId>(0).unwrap(), OrderId(7));
        assert_eq!(row.text(1).unwrap(), "текст 🍕");
        assert_eq!(row.opt_int(2).unwrap(), None);
        assert!(row.bool(3).unwrap());
        assert_eq!(row.real(4).unwrap(), 2.5);
        assert_eq!(row.bytes(5).unwrap(), [1]);
        assert_eq!(row.int(1).unwrap_err().code, "store_row");
        assert_eq!(row.int(2).unwrap_err().code, "store_row");
        assert_eq!(row.int(9).unwrap_err().code, "store_row");
    }
}
