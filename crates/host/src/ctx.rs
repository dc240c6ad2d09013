//! What a service holds of the platform around it.

use std::collections::BTreeMap;
use std::sync::Arc;

use base::{Fault, PlatformKey, Timestamp, World};
use eventlog::Log;
use topology::Topology;
use wire::{Call, Channel, Exchange};

use crate::outside::Outside;

pub(crate) struct Inner {
    pub(crate) service: &'static str,
    pub(crate) world: World,
    pub(crate) key: PlatformKey,
    pub(crate) store: Option<sql::Store>,
    pub(crate) documents: Option<documents::Store>,
    pub(crate) log: Log,
    pub(crate) exchange: Exchange,
    pub(crate) topology: Arc<Topology>,
    pub(crate) outside: Outside,
    pub(crate) settings: Arc<BTreeMap<String, String>>,
}

/// A service's own view of the platform. Clones share everything.
#[derive(Clone)]
pub struct Ctx(pub(crate) Arc<Inner>);

impl Ctx {
    /// Gives the service's name.
    pub fn name(&self) -> &'static str {
        self.0.service
    }

    /// Gives the world: clock, sleep, tasks, chance, ids.
    pub fn world(&self) -> &World {
        &self.0.world
    }

    /// Reads the wall clock.
    pub fn now(&self) -> Timestamp {
        self.0.world.now()
    }

    /// Gives the platform's key.
    pub fn key(&self) -> &PlatformKey {
        &self.0.key
    }

    /// Gives the service's own rows.
    ///
    /// # Panics
    /// When the service did not say `.sql(…)`: a defect that the first test of the service meets.
    pub fn store(&self) -> &sql::Store {
        self.0.store.as_ref().expect("a service that uses rows says `.sql(…)`")
    }

    /// Gives the service's own documents.
    ///
    /// # Panics
    /// When the service did not say `.documents(…)`: a defect that the first test of the service meets.
    pub fn documents(&self) -> &documents::Store {
        self.0.documents.as_ref().expect("a service that uses documents says `.documents(…)`")
    }

    /// Gives the event log.
    pub fn log(&self) -> &Log {
        &self.0.log
    }

    /// Gives the way to another service, on behalf of a call. What `topology.toml` does not declare is refused.
    pub fn peer(&self, service: &'static str, call: &Call) -> Result<Channel, Fault> {
        let undeclared =
            || Fault::internal("edge_undeclared", format!("topology.toml does not say that {} needs {service}.", self.0.service));
        let edge = self.0.topology.edge(self.0.service, service).ok_or_else(undeclared)?;
        Ok(self.0.exchange.channel(self.0.service, service, policy_of(edge)).on_behalf(call))
    }

    /// Gives the way to the operator's desk of another service, under the policy of the edge to that service.
    pub fn operator(&self, service: &'static str, call: &Call) -> Result<Channel, Fault> {
        let edge = self.0.topology.edge(self.0.service, service);
        let policy = edge.map_or_else(wire::Policy::default, policy_of);
        Ok(self.0.exchange.channel(self.0.service, crate::operator_name(service), policy).on_behalf(call))
    }

    /// Gives the switchboard of the wire, for whoever shows its breakers.
    pub fn exchange(&self) -> &Exchange {
        &self.0.exchange
    }

    /// Begins a call that the service makes by itself.
    pub fn call(&self, correlation: &str) -> Call {
        Call::platform(self.0.service, correlation)
    }

    /// Gives what lies outside.
    pub fn outside(&self) -> &Outside {
        &self.0.outside
    }

    /// Gives a setting.
    pub fn setting(&self, name: &str) -> Option<&str> {
        self.0.settings.get(name).map(String::as_str)
    }

    /// Gives a setting as a number.
    pub fn number(&self, name: &str, otherwise: f64) -> f64 {
        self.setting(name).and_then(|text| text.parse().ok()).unwrap_or(otherwise)
    }
}

fn policy_of(edge: &topology::EdgePolicy) -> wire::Policy {
    wire::Policy {
        timeout: edge.timeout,
        retries: edge.retries,
        retry_budget_ratio: f64::from(edge.retry_budget.percent) / 100.0,
        in_flight: edge.in_flight as usize,
        breaker: wire::BreakerPolicy {
            window: edge.breaker.window,
            failures_ratio: f64::from(edge.breaker.failures_percent) / 100.0,
            calls_min: edge.breaker.calls_min,
            open_for: edge.breaker.open_for,
        },
    }
}
