//! Shape of edges: how patiently one service calls another.

use std::time::Duration;

use crate::model::{Breaker, EdgePolicy, RetryBudget};
use crate::problem::{Code, Problems};
use crate::read::Table;
use crate::source::At;

/// A longer call would hold its caller longer than any person waits.
const TIMEOUT_MAX: Duration = Duration::from_secs(60);

/// The services that a service calls, each with what its edge says and defaults for the rest.
pub(crate) fn needs(table: &Table<'_>, problems: &mut Problems<'_>) -> Vec<(At<String>, EdgePolicy)> {
    let Some(group) = problems.table(table, "needs") else {
        return Vec::new();
    };
    let mut edges = Vec::new();
    for entry in group.entries() {
        let read = problems.as_table(&group, entry).map(|table| edge(&table, problems));
        edges.push((entry.key.clone(), read.unwrap_or(EdgePolicy::with_timeout(Duration::ZERO))));
    }
    edges
}

fn edge(table: &Table<'_>, problems: &mut Problems<'_>) -> EdgePolicy {
    problems.allow(table, &["timeout", "retries", "retry_budget", "in_flight", "breaker"]);
    let timeout = problems.duration(table, "timeout");
    if let Some(long) = timeout.as_ref().filter(|timeout| timeout.value > TIMEOUT_MAX) {
        problems.add_with_help(
            Code::OutOfRange,
            &long.span,
            format!("`{}.timeout` is too long", table.name),
            "it is at most 60s",
        );
    }
    let default = EdgePolicy::with_timeout(timeout.map(|at| at.value).unwrap_or_default());
    EdgePolicy {
        retries: problems.whole(table, "retries", 0..=10).unwrap_or(default.retries),
        in_flight: problems.whole(table, "in_flight", 1..=65_536).unwrap_or(default.in_flight),
        retry_budget: problems.table(table, "retry_budget").map_or(default.retry_budget, |inner| retry_budget(&inner, problems)),
        breaker: problems.table(table, "breaker").map_or(default.breaker, |inner| breaker(&inner, problems)),
        ..default
    }
}

fn retry_budget(table: &Table<'_>, problems: &mut Problems<'_>) -> RetryBudget {
    problems.allow(table, &["percent", "per_second_min"]);
    let default = RetryBudget::DEFAULT;
    RetryBudget {
        percent: problems.whole(table, "percent", 0..=100).unwrap_or(default.percent),
        per_second_min: problems.whole(table, "per_second_min", 0..=10_000).unwrap_or(default.per_second_min),
    }
}

fn breaker(table: &Table<'_>, problems: &mut Problems<'_>) -> Breaker {
    problems.allow(table, &["window", "calls_min", "failures_percent", "open_for", "probes"]);
    let default = Breaker::DEFAULT;
    Breaker {
        window: problems.duration_if_any(table, "window").map_or(default.window, |at| at.value),
        calls_min: problems.whole(table, "calls_min", 1..=10_000).unwrap_or(default.calls_min),
        failures_percent: problems.whole(table, "failures_percent", 1..=100).unwrap_or(default.failures_percent),
        open_for: problems.duration_if_any(table, "open_for").map_or(default.open_for, |at| at.value),
        probes: problems.whole(table, "probes", 1..=100).unwrap_or(default.probes),
    }
}
