//! One edge of the topology: what all calls from one service to another share.

use std::collections::BTreeMap;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::sync::{Arc, Mutex, OnceLock, PoisonError, RwLock};
use std::time::Duration;

use base::{Fault, World};
use metrics::{Gauge, Histogram};
use tonic::Code;

use crate::breaker::Breaker;
use crate::{Faults, Policy};

/// How many repeats an edge can save up. It begins with as many, so that a quiet edge can repeat at all.
const RETRY_TOKENS_MAX: f64 = 10.0;
/// The gRPC codes are 0 to 16.
const CODES: [&str; 17] = [
    "ok",
    "cancelled",
    "unknown",
    "invalid_argument",
    "deadline_exceeded",
    "not_found",
    "already_exists",
    "permission_denied",
    "resource_exhausted",
    "failed_precondition",
    "aborted",
    "out_of_range",
    "unimplemented",
    "internal",
    "unavailable",
    "data_loss",
    "unauthenticated",
];

pub(crate) struct Edge {
    pub(crate) from: &'static str,
    pub(crate) to: &'static str,
    pub(crate) policy: Policy,
    pub(crate) breaker: Breaker,
    tokens: Mutex<f64>,
    in_flight: AtomicUsize,
    faulty: AtomicBool,
    faults: Mutex<Faults>,
    methods: RwLock<BTreeMap<String, Arc<Method>>>,
    state_gauge: Gauge,
    in_flight_gauge: Gauge,
}

/// The meters of one rpc on one edge. Handles are kept, because looking them up costs more than a local call.
pub(crate) struct Method {
    name: String,
    durations: [OnceLock<Histogram>; CODES.len()],
}

impl Edge {
    pub(crate) fn new(from: &'static str, to: &'static str, policy: Policy, world: &World) -> Edge {
        let state_gauge = metrics::gauge!("comanda_breaker_state", "from" => from, "to" => to);
        state_gauge.set(0.0);
        Edge {
            from,
            to,
            breaker: Breaker::new(policy.breaker.clone(), world),
            policy,
            tokens: Mutex::new(RETRY_TOKENS_MAX),
            in_flight: AtomicUsize::new(0),
            faulty: AtomicBool::new(false),
            faults: Mutex::new(Faults::default()),
            methods: RwLock::new(BTreeMap::new()),
            state_gauge,
            in_flight_gauge: metrics::gauge!("comanda_rpc_in_flight", "from" => from, "to" => to),
        }
    }

    /// Takes a place among the calls on their way, or refuses; each call earns its share of a repeat.
    pub(crate) fn enter(self: &Arc<Edge>, path: &str, world: &World) -> Result<Ticket, Fault> {
        let ticket = Ticket {
            edge: Arc::clone(self),
            method: self.method(path),
            world: world.clone(),
            started: world.monotonic(),
            code: None,
        };
        self.in_flight_gauge.increment(1.0);
        if self.in_flight.fetch_add(1, Ordering::AcqRel) >= self.policy.in_flight {
            ticket.finish(Code::ResourceExhausted as i32);
            return Err(Fault::limited("too_many_in_flight", format!("Too many calls to {} are on their way.", self.to))
                .with("service", self.to));
        }
        let mut tokens = self.tokens.lock().unwrap_or_else(PoisonError::into_inner);
        *tokens = (*tokens + self.policy.retry_budget_ratio).min(RETRY_TOKENS_MAX);
        drop(tokens);
        Ok(ticket)
    }

    /// Pays for a repeat; false when nothing is left.
    pub(crate) fn pay_retry(&self) -> bool {
        let mut tokens = self.tokens.lock().unwrap_or_else(PoisonError::into_inner);
        let paid = *tokens >= 1.0;
        if paid {
            *tokens -= 1.0;
        }
        paid
    }

    pub(crate) fn set_faults(&self, faults: Option<Faults>) {
        *self.faults.lock().unwrap_or_else(PoisonError::into_inner) = faults.unwrap_or_default();
        self.faulty.store(faults.is_some(), Ordering::Release);
    }

    pub(crate) fn faults(&self) -> Option<Faults> {
        let faulty = self.faulty.load(Ordering::Acquire);
        faulty.then(|| *self.faults.lock().unwrap_or_else(PoisonError::into_inner))
    }

    /// Shows the breaker's state to the meters.
    pub(crate) fn show_state(&self) {
        self.state_gauge.set(self.breaker.state().gauge());
    }

    fn method(&self, path: &str) -> Arc<Method> {
        let name = path.trim_start_matches('/');
        if let Some(method) = self.methods.read().unwrap_or_else(PoisonError::into_inner).get(name) {
            return Arc::clone(method);
        }
        let mut methods = self.methods.write().unwrap_or_else(PoisonError::into_inner);
        let fresh = || Arc::new(Method { name: name.to_owned(), durations: Default::default() });
        Arc::clone(methods.entry(name.to_owned()).or_insert_with(fresh))
    }
}

/// A call's place on its edge. Given back when the answer, a streamed one's end included, is over.
pub(crate) struct Ticket {
    edge: Arc<Edge>,
    method: Arc<Method>,
    world: World,
    started: Duration,
    code: Option<i32>,
}

impl Ticket {
    /// Ends the call with a gRPC code. A ticket dropped without one was given up by its caller.
    pub(crate) fn finish(mut self, code: i32) {
        self.code = Some(code);
    }
}

impl Drop for Ticket {
    fn drop(&mut self) {
        self.edge.in_flight.fetch_sub(1, Ordering::AcqRel);
        self.edge.in_flight_gauge.decrement(1.0);
        let code = self.code.and_then(|code| usize::try_from(code).ok()).unwrap_or(Code::Cancelled as usize);
        let code = if code < CODES.len() { code } else { Code::Unknown as usize };
        let histogram = self.method.durations[code].get_or_init(|| {
            let method = self.method.name.clone();
            metrics::histogram!("comanda_rpc_duration_seconds",
                "from" => self.edge.from, "to" => self.edge.to, "method" => method, "code" => CODES[code])
        });
        histogram.record(self.world.monotonic().saturating_sub(self.started).as_secs_f64());
    }
}

/// The breaker's leave for one attempt. Dropped without an outcome, it says nothing about the service.
pub(crate) struct Leave {
    edge: Arc<Edge>,
    world: World,
    epoch: Option<u64>,
}

impl Leave {
    pub(crate) fn ask(edge: &Arc<Edge>, world: &World) -> Result<Leave, Fault> {
        let epoch = edge.breaker.admit(edge.to, world);
        edge.show_state();
        Ok(Leave { edge: Arc::clone(edge), world: world.clone(), epoch: Some(epoch?) })
    }

    /// Tells the breaker how the attempt ended; true when that opened it.
    pub(crate) fn end(mut self, code: i32) -> bool {
        let Some(epoch) = self.epoch.take() else { return false };
        let opened = self.edge.breaker.record(epoch, counts_as_failure(code), &self.world);
        if opened {
            let (from, to) = (self.edge.from, self.edge.to);
            tracing::warn!(from, to, "the breaker opened");
        }
        self.edge.show_state();
        opened
    }
}

impl Drop for Leave {
    fn drop(&mut self) {
        if let Some(epoch) = self.epoch.take() {
            self.edge.breaker.forget(epoch);
        }
    }
}

/// Tells whether a code speaks against the service, and not against the request.
///
/// A service that says that it is full is alive, and what it can still do would be turned away with the rest if it were
/// left alone: so `ResourceExhausted` is no failure.
fn counts_as_failure(code: i32) -> bool {
    [Code::Unavailable, Code::DeadlineExceeded, Code::Internal, Code::Unknown, Code::DataLoss]
        .iter()
        .any(|failure| *failure as i32 == code)
}
