//! The steps of a batch in few pieces, as they go to the writer.

use embedded::Text;
use embedded::rusqlite::types::{ToSqlOutput, ValueRef};
use embedded::rusqlite::{self, ToSql};

use crate::{Expect, Step, Value};

/// Statements whose parameters lie one behind the other.
///
/// A commit has dozens of parameters, each in a piece of memory of its own. Given to another thread they would have to be
/// fetched by it one by one and given back across threads, which costs more than to copy them here once.
#[derive(Default)]
pub(crate) struct Packed {
    steps: Vec<PackedStep>,
    params: Vec<Param>,
    bytes: Vec<u8>,
}

struct PackedStep {
    text: Text,
    expect: Expect,
    /// Where its parameters end; those of the next begin there.
    end: usize,
}

#[derive(Clone, Copy)]
enum Param {
    Null,
    Int(i64),
    Real(f64),
    /// Where its bytes begin and end.
    Text(usize, usize),
    Bytes(usize, usize),
}

impl Packed {
    pub(crate) fn of(steps: Vec<Step>, translate: impl Fn(&'static str) -> Text) -> Packed {
        let bytes = |value: &Value| match value {
            Value::Text(text) => text.len(),
            Value::Bytes(bytes) => bytes.len(),
            _ => 0,
        };
        let mut packed = Packed {
            steps: Vec::with_capacity(steps.len()),
            params: Vec::with_capacity(steps.iter().map(|step| step.params.len()).sum()),
            bytes: Vec::with_capacity(steps.iter().flat_map(|step| &step.params).map(bytes).sum()),
        };
        for Step { text, params, expect } in steps {
            for value in params {
                let param = packed.param(&value);
                packed.params.push(param);
            }
            packed.steps.push(PackedStep { text: translate(text), expect, end: packed.params.len() });
        }
        packed
    }

    fn param(&mut self, value: &Value) -> Param {
        match value {
            Value::Null => Param::Null,
            Value::Int(value) => Param::Int(*value),
            Value::Real(value) => Param::Real(*value),
            Value::Bool(value) => Param::Int(i64::from(*value)),
            Value::Text(text) => {
                let (from, to) = self.put(text.as_bytes());
                Param::Text(from, to)
            }
            Value::Bytes(bytes) => {
                let (from, to) = self.put(bytes);
                Param::Bytes(from, to)
            }
        }
    }

    fn put(&mut self, bytes: &[u8]) -> (usize, usize) {
        let from = self.bytes.len();
        self.bytes.extend_from_slice(bytes);
        (from, self.bytes.len())
    }

    /// Gives each statement with its parameters, in order.
    pub(crate) fn steps(&self) -> impl Iterator<Item = (&Text, Expect, impl ExactSizeIterator<Item = Bound<'_>>)> {
        let mut from = 0;
        self.steps.iter().map(move |step| {
            let params = &self.params[from..step.end];
            from = step.end;
            (&step.text, step.expect, params.iter().map(move |param| self.bound(*param)))
        })
    }

    fn bound(&self, param: Param) -> Bound<'_> {
        Bound(match param {
            Param::Null => ValueRef::Null,
            Param::Int(value) => ValueRef::Integer(value),
            Param::Real(value) => ValueRef::Real(value),
            Param::Text(from, to) => ValueRef::Text(&self.bytes[from..to]),
            Param::Bytes(from, to) => ValueRef::Blob(&self.bytes[from..to]),
        })
    }
}

/// A parameter as SQLite takes it.
pub(crate) struct Bound<'a>(ValueRef<'a>);

impl ToSql for Bound<'_> {
    fn to_sql(&self) -> rusqlite::Result<ToSqlOutput<'_>> {
        Ok(ToSqlOutput::Borrowed(self.0))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::params;

    #[test]
    fn what_is_packed_comes_out_as_it_went_in() {
        let step = |text, params, expect| Step { text, params, expect };
        let steps = vec![
            step("one", params![7_i64, "Ёлка 🍕", true, ""], Expect::Rows(1)),
            step("two", vec![], Expect::Any),
            step("three", vec![Value::Null, Value::Real(0.5), Value::Bytes(vec![0, 255]), Value::Bytes(vec![])], Expect::Any),
        ];
        let packed = Packed::of(steps, embedded::text);
        let seen: Vec<_> = packed
            .steps()
            .map(|(text, expect, params)| (text.to_string(), expect, params.map(|bound| bound.0).collect()))
            .collect();
        let wanted: Vec<(String, Expect, Vec<ValueRef<'_>>)> = vec![
            (
                "one".to_owned(),
                Expect::Rows(1),
                vec![ValueRef::Integer(7), ValueRef::Text("Ёлка 🍕".as_bytes()), ValueRef::Integer(1), ValueRef::Text(b"")],
            ),
            ("two".to_owned(), Expect::Any, vec![]),
            (
                "three".to_owned(),
                Expect::Any,
                vec![ValueRef::Null, ValueRef::Real(0.5), ValueRef::Blob(&[0, 255]), ValueRef::Blob(&[])],
            ),
        ];
        assert_eq!(seen, wanted);
    }
}
