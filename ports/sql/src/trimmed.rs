//! The mark of retention: up to where a service has dropped what had ended.

use base::{Fault, Timestamp};

use crate::{Statement, Store, params, statement};

/// Up to where rows were dropped on purpose.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Trimmed {
    /// Only what had ended before this.
    pub ended_before: Timestamp,
    /// Only rows whose id is below this.
    pub ids_below: i64,
}

impl Store {
    /// Makes the statement that moves the mark, in the commit that drops rows; it never goes back.
    pub fn trim(&self, mark: Trimmed) -> Statement {
        statement(self.0.texts.trimmed_put, params![mark.ended_before, mark.ids_below])
    }

    /// Tells up to where rows were dropped; at the beginning, nowhere.
    pub async fn trimmed(&self) -> Result<Trimmed, Fault> {
        match self.read_one(self.0.texts.trimmed_get, params![]).await? {
            Some(row) => Ok(Trimmed { ended_before: row.time(0)?, ids_below: row.int(1)? }),
            None => Ok(Trimmed::default()),
        }
    }
}
