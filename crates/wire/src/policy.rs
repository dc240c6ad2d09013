//! What one edge of the topology allows: how long, how often again, how many at once, and when to stop asking.

use std::time::Duration;

/// The rules of one edge, from one service to another.
#[derive(Debug, Clone, PartialEq)]
pub struct Policy {
    /// How long a call may take, its repeats and the whole of a streamed answer included.
    pub timeout: Duration,
    /// How many times a call may be sent again.
    pub retries: u32,
    /// How many repeats each call earns for the edge; 0.1 allows one repeat in ten calls when many fail.
    pub retry_budget_ratio: f64,
    /// How many calls may be on their way at once.
    pub in_flight: usize,
    /// When to stop asking.
    pub breaker: BreakerPolicy,
}

impl Default for Policy {
    fn default() -> Policy {
        Policy {
            timeout: Duration::from_secs(2),
            retries: 2,
            retry_budget_ratio: 0.1,
            in_flight: 256,
            breaker: BreakerPolicy::default(),
        }
    }
}

/// When a circuit breaker opens, and for how long.
#[derive(Debug, Clone, PartialEq)]
pub struct BreakerPolicy {
    /// Over how long calls are counted.
    pub window: Duration,
    /// Which share of the counted calls must have failed.
    pub failures_ratio: f64,
    /// How many calls must have been counted before the share means anything.
    pub calls_min: u32,
    /// How long an open breaker refuses before it lets one probe through.
    pub open_for: Duration,
}

impl Default for BreakerPolicy {
    fn default() -> BreakerPolicy {
        BreakerPolicy { window: Duration::from_secs(10), failures_ratio: 0.5, calls_min: 20, open_for: Duration::from_secs(5) }
    }
}

/// Faults put onto an edge on purpose.
#[derive(Debug, Clone, Copy, PartialEq, Default)]
pub struct Faults {
    /// How long each call waits before it is sent.
    pub latency: Duration,
    /// Which share of calls fails before anybody has seen them.
    pub failure_rate: f64,
    /// Which share of calls is carried out, and the answer then lost.
    pub lost_answer_rate: f64,
}
