//! Values on their way to PostgreSQL and back, by the type that the server expects.

use std::error::Error;

use base::Fault;
use bytes::BytesMut;
use tokio_postgres::types::{FromSql, IsNull, ToSql, Type, to_sql_checked};

use crate::{Row, Value};

type Failure = Box<dyn Error + Sync + Send>;

impl ToSql for Value {
    fn to_sql(&self, ty: &Type, out: &mut BytesMut) -> Result<IsNull, Failure> {
        match (self, ty) {
            (Value::Null, _) => Ok(IsNull::Yes),
            (Value::Int(value), &Type::INT4) => i32::try_from(*value)?.to_sql(ty, out),
            (Value::Int(value), &Type::INT2) => i16::try_from(*value)?.to_sql(ty, out),
            // Exact up to 2^53; beyond, the column should have been a bigint.
            #[allow(clippy::cast_precision_loss)]
            (Value::Int(value), &Type::FLOAT8) => (*value as f64).to_sql(ty, out),
            (Value::Int(value), &Type::INT8) => value.to_sql(ty, out),
            (Value::Int(value), &Type::NUMERIC) => {
                put_whole_numeric(*value, out);
                Ok(IsNull::No)
            }
            (Value::Real(value), &Type::FLOAT8) => value.to_sql(ty, out),
            (Value::Bool(value), &Type::BOOL) => value.to_sql(ty, out),
            (Value::Bytes(value), &Type::BYTEA) => value.to_sql(ty, out),
            (Value::Text(value), _) if <String as ToSql>::accepts(ty) => value.to_sql(ty, out),
            _ => Err(format!("{self:?} cannot be a {ty}").into()),
        }
    }

    fn accepts(_ty: &Type) -> bool {
        true
    }

    to_sql_checked!();
}

impl<'a> FromSql<'a> for Value {
    fn from_sql(ty: &Type, raw: &'a [u8]) -> Result<Value, Failure> {
        Ok(match *ty {
            Type::INT8 => Value::Int(i64::from_sql(ty, raw)?),
            Type::INT4 => Value::Int(i32::from_sql(ty, raw)?.into()),
            Type::INT2 => Value::Int(i16::from_sql(ty, raw)?.into()),
            Type::FLOAT8 => Value::Real(f64::from_sql(ty, raw)?),
            Type::FLOAT4 => Value::Real(f32::from_sql(ty, raw)?.into()),
            Type::BOOL => Value::Bool(bool::from_sql(ty, raw)?),
            Type::BYTEA => Value::Bytes(Vec::from_sql(ty, raw)?),
            Type::NUMERIC => Value::Int(whole_numeric(raw).ok_or("a numeric that is no whole number of 64 bits")?),
            _ => Value::Text(String::from_sql(ty, raw)?),
        })
    }

    fn from_sql_null(_ty: &Type) -> Result<Value, Failure> {
        Ok(Value::Null)
    }

    fn accepts(ty: &Type) -> bool {
        let others = [Type::INT8, Type::INT4, Type::INT2, Type::FLOAT8, Type::FLOAT4, Type::BOOL, Type::BYTEA, Type::NUMERIC];
        others.contains(ty) || <String as FromSql>::accepts(ty)
    }
}

/// Reads a whole number from a `numeric`, which is what a sum of `bigint` is: four words of 16 bits (digits, weight of
/// the first, sign, scale), then digits to the base of 10,000.
fn whole_numeric(raw: &[u8]) -> Option<i64> {
    let words: Vec<u16> = raw.chunks_exact(2).map(|pair| u16::from_be_bytes([pair[0], pair[1]])).collect();
    let [_count, weight, sign, _scale, digits @ ..] = words.as_slice() else { return None };
    let weight = i32::from(i16::from_be_bytes(weight.to_be_bytes()));
    let mut value: i128 = 0;
    for place in 0..=weight.max(-1) {
        let digit = usize::try_from(place).ok().and_then(|place| digits.get(place)).copied().unwrap_or(0);
        value = value.checked_mul(10_000)?.checked_add(digit.into())?;
    }
    let whole_digits = usize::try_from(weight + 1).ok()?;
    if digits.iter().skip(whole_digits).any(|digit| *digit != 0) {
        return None;
    }
    match sign {
        0 => i64::try_from(value).ok(),
        0x4000 => i64::try_from(-value).ok(),
        _ => None,
    }
}

/// Writes a whole number as a `numeric`, which is what a parameter compared with a sum is.
fn put_whole_numeric(value: i64, out: &mut BytesMut) {
    let mut digits: Vec<u16> = Vec::new();
    let mut left = value.unsigned_abs();
    while left > 0 {
        digits.push(u16::try_from(left % 10_000).unwrap_or(0));
        left /= 10_000;
    }
    let count = u16::try_from(digits.len()).unwrap_or(0);
    let sign = if value < 0 { 0x4000 } else { 0 };
    for word in [count, count.saturating_sub(1), sign, 0].into_iter().chain(digits.into_iter().rev()) {
        out.extend_from_slice(&word.to_be_bytes());
    }
}

pub(super) fn row(row: &tokio_postgres::Row) -> Result<Row, Fault> {
    let value = |column| {
        let unreadable = |error| {
            Fault::internal("store_row", format!("Column {column} of the row is of a type that the port does not know."))
                .because(error)
        };
        row.try_get::<_, Value>(column).map_err(unreadable)
    };
    Ok(Row((0..row.len()).map(value).collect::<Result<_, _>>()?))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn whole_numbers_survive_as_numeric() {
        for value in [0, 1, -1, 9_999, 10_000, -123_456_789, 1_000_000_000_000, i64::MAX, i64::MIN + 1] {
            let mut raw = BytesMut::new();
            put_whole_numeric(value, &mut raw);
            assert_eq!(whole_numeric(&raw), Some(value));
        }
        // 0.5: one digit of weight -1.
        assert_eq!(whole_numeric(&[0, 1, 255, 255, 0, 0, 0, 1, 0x13, 0x88]), None);
    }
}
