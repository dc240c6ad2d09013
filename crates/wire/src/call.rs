//! What travels with every call: who asks, on which errand, and until when the answer is of use.

use std::time::Duration;

use base::{Fault, Principal, RequestKey, World};

/// The context of a call, on both of its ends.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Call {
    /// Who asks.
    pub principal: Principal,
    /// The id that ties together everything done for one request from outside.
    pub correlation: String,
    /// The W3C trace context, if the request is traced.
    pub traceparent: Option<String>,
    /// When the answer stops being of use, as [`World::monotonic`] of this process; it travels as a remaining time, so
    /// that neither a jump of a clock nor two clocks that differ can change it.
    pub due: Option<Duration>,
    /// The service that sent the call; none where the call begins.
    pub from: Option<String>,
    /// What makes the write that is asked for happen once; none for reads.
    pub request: Option<RequestKey>,
}

impl Call {
    /// Begins a call for a principal.
    pub fn new(principal: Principal, correlation: impl Into<String>) -> Call {
        Call { principal, correlation: correlation.into(), traceparent: None, due: None, from: None, request: None }
    }

    /// Begins a call that the platform makes by itself, in the name of a service.
    pub fn platform(service: &str, correlation: impl Into<String>) -> Call {
        Call::new(Principal::platform(service), correlation)
    }

    /// Adds the trace context.
    pub fn traced(mut self, traceparent: Option<String>) -> Call {
        self.traceparent = traceparent;
        self
    }

    /// Names the request, so that a repeat of it gets the answer of the first time.
    pub fn once(mut self, request: RequestKey) -> Call {
        self.request = Some(request);
        self
    }

    /// Limits the call to `span` from now; an earlier end stays.
    pub fn within(mut self, world: &World, span: Duration) -> Call {
        let due = world.monotonic().saturating_add(span);
        self.due = Some(self.due.map_or(due, |before| before.min(due)));
        self
    }

    /// Gives the context that the server's layers verified.
    pub fn of<T>(request: &tonic::Request<T>) -> Result<Call, Fault> {
        request
            .extensions()
            .get::<Call>()
            .cloned()
            .ok_or_else(|| Fault::unauthenticated("principal_missing", "The call does not say who asks."))
    }
}
