//! A check: a question to the data, and a sentence for every row that answers it.

use embedded::rusqlite::Row;
use embedded::rusqlite::types::ValueRef;

use crate::NAMED_MAX;
use crate::report::{Promise, Report, Rest, Violation};
use crate::snapshot::Snapshot;

/// How a check finds what is wrong.
#[derive(Clone, Copy)]
pub(crate) enum Find {
    /// Every row of a query is a violation. Its whole numbers whose name is that of an id, or ends in `_id` or `seq`, name it.
    Rows(&'static str),
    /// Code, where rules of the business are needed.
    Code(fn(&Snapshot, &mut Found) -> Result<(), String>),
}

/// One way in which a promise can turn out to be broken.
pub struct Check {
    /// The promise.
    pub promise: Promise,
    /// Its name.
    pub code: &'static str,
    /// The tables without which it cannot run.
    pub tables: &'static [&'static str],
    /// What is wrong, with the columns of the row in braces.
    pub sentence: &'static str,
    pub(crate) find: Find,
}

/// What a check has found.
pub(crate) struct Found {
    violations: Vec<Violation>,
    count: u64,
    promise: Promise,
    code: &'static str,
}

impl Found {
    /// Notes a violation; of too many, only the number.
    pub(crate) fn note(&mut self, message: impl FnOnce() -> String, ids: &[(&str, i64)]) {
        self.count += 1;
        if self.violations.len() < NAMED_MAX {
            let ids = ids.iter().map(|(name, number)| ((*name).to_owned(), *number)).collect();
            self.violations.push(Violation { promise: self.promise, code: self.code, message: message(), ids });
        }
    }
}

/// Tells whether a column names what a violation is about.
fn is_id(name: &str) -> bool {
    name.ends_with("_id") || name == "seq" || name.ends_with("_seq")
}

fn text_of(value: ValueRef<'_>) -> String {
    match value {
        ValueRef::Null => "nothing".to_owned(),
        ValueRef::Integer(number) => number.to_string(),
        ValueRef::Real(number) => number.to_string(),
        ValueRef::Text(text) => String::from_utf8_lossy(text).into_owned(),
        ValueRef::Blob(bytes) => format!("{} bytes", bytes.len()),
    }
}

impl Check {
    /// Runs on a snapshot; what it lacks, or that it failed, is in the report.
    pub fn run(&self, snapshot: &Snapshot, report: &mut Report) {
        if let Some(missing) = self.tables.iter().find(|table| !snapshot.has(table)) {
            report.facts.skipped.push(format!("{}: there is no {missing}", self.code));
            return;
        }
        let mut found = Found { violations: Vec::new(), count: 0, promise: self.promise, code: self.code };
        let outcome = match self.find {
            Find::Rows(text) => self.rows(snapshot, text, &mut found),
            Find::Code(code) => code(snapshot, &mut found),
        };
        // Data that a check cannot read does not keep the promise either.
        if let Err(error) = outcome {
            found.note(|| format!("The data cannot be read: {error}."), &[]);
        }
        let named = found.violations.len() as u64;
        report.violations.extend(found.violations);
        if found.count > named {
            report.rest.push(Rest { promise: self.promise, code: self.code, count: found.count - named });
        }
    }

    fn rows(&self, snapshot: &Snapshot, text: &str, found: &mut Found) -> Result<(), String> {
        let failed = |error: embedded::rusqlite::Error| error.to_string();
        let mut statement = snapshot.connection().prepare(text).map_err(failed)?;
        let names: Vec<String> = statement.column_names().map(str::to_owned).collect();
        let mut rows = statement.query([]).map_err(failed)?;
        while let Some(row) = rows.next().map_err(failed)? {
            let mut ids = Vec::new();
            for (place, name) in names.iter().enumerate().filter(|(_, name)| is_id(name)) {
                if let ValueRef::Integer(number) = row.get_ref(place).map_err(failed)? {
                    ids.push((name.as_str(), number));
                }
            }
            found.note(|| self.say(row, &names), &ids);
        }
        Ok(())
    }

    fn say(&self, row: &Row<'_>, names: &[String]) -> String {
        let mut text = self.sentence.to_owned();
        for (place, name) in names.iter().enumerate() {
            let mark = format!("{{{name}}}");
            if text.contains(&mark) {
                text = text.replace(&mark, &row.get_ref(place).map_or_else(|error| error.to_string(), text_of));
            }
        }
        text
    }
}
