//! Who did what and why: what staff do by hand can be listed.

use base::id::EventId;
use base::{Fault, Principal, Timestamp};

use crate::{Statement, Store, params, statement};

/// Something that staff did.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Act {
    /// Its id, ordered by time.
    pub id: i64,
    /// When.
    pub at: Timestamp,
    /// Who, as [`Principal`] prints it.
    pub principal: String,
    /// What, such as `count_stock`.
    pub act: String,
    /// To what.
    pub subject: String,
    /// Why.
    pub reason: String,
}

impl Store {
    /// Makes the statement that records an act; put it into the change that the act makes.
    pub fn act(&self, principal: &Principal, act: &str, subject: &str, reason: &str) -> Statement {
        let id: EventId = self.0.world.next_id();
        statement(self.0.texts.act_put, params![id, self.0.world.now(), principal.to_string(), act, subject, reason])
    }

    /// Lists acts, the newest first, beginning before an id (`i64::MAX` for the newest).
    pub async fn acts(&self, before: i64, limit: usize) -> Result<Vec<Act>, Fault> {
        let limit = i64::try_from(limit).unwrap_or(i64::MAX);
        let rows = self.read(self.0.texts.act_list, params![before, limit]).await?;
        rows.iter()
            .map(|row| {
                Ok(Act {
                    id: row.int(0)?,
                    at: row.time(1)?,
                    principal: row.text(2)?.to_owned(),
                    act: row.text(3)?.to_owned(),
                    subject: row.text(4)?.to_owned(),
                    reason: row.text(5)?.to_owned(),
                })
            })
            .collect()
    }
}
