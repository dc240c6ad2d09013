//! What the handle measures: how long, and how it ended.

use metrics::{Counter, Histogram, counter, histogram};

use crate::store::Ended;

pub(crate) struct Meter {
    pub(crate) read: Histogram,
    pub(crate) scan: Histogram,
    pub(crate) commit: Histogram,
    pub(crate) failed: Counter,
    done: Counter,
    refused: Counter,
    repeated: Counter,
    fenced: Counter,
    unknown: Counter,
}

impl Meter {
    pub(crate) fn new(service: &'static str, engine: &'static str) -> Meter {
        let seconds =
            |op: &'static str| histogram!("comanda_store_seconds", "service" => service, "engine" => engine, "op" => op);
        let commits = |outcome: &'static str| counter!("comanda_store_commits_total", "service" => service, "outcome" => outcome);
        Meter {
            read: seconds("read"),
            scan: seconds("scan"),
            commit: seconds("commit"),
            failed: commits("failed"),
            done: commits("done"),
            refused: commits("refused"),
            repeated: commits("repeated"),
            fenced: commits("fenced"),
            unknown: commits("unknown"),
        }
    }

    pub(crate) fn ended(&self, ended: &Ended) {
        let counter = match ended {
            Ended::Done { .. } => &self.done,
            Ended::Refused { .. } => &self.refused,
            Ended::Repeated(_) | Ended::OtherBody => &self.repeated,
            Ended::Fenced => &self.fenced,
            Ended::Unknown => &self.unknown,
        };
        counter.increment(1);
    }
}
