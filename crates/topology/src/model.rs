//! Model: what a valid file says, as plain values.

use std::collections::BTreeMap;
use std::time::Duration;

/// Where a service keeps its state of record.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Store {
    /// The port `sql`.
    Sql,
    /// The port `documents`.
    Documents,
    /// It keeps nothing, so it neither says nor hears events.
    None,
}

/// A service as the platform declares it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Service {
    /// The plural noun of what it owns.
    pub name: String,
    /// What it owns, as one line.
    pub owns: String,
    /// Where it keeps that.
    pub store: Store,
    /// The events that it says, by topic, in the order of the file.
    pub says: BTreeMap<String, Vec<String>>,
    /// The events that it hears, in the order of the file.
    pub hears: Vec<String>,
    /// The services that it calls, and how.
    pub needs: BTreeMap<String, EdgePolicy>,
}

/// How one service calls another.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct EdgePolicy {
    /// How long the call may take, all its attempts together.
    pub timeout: Duration,
    /// How many more attempts follow a first one that failed and may be repeated.
    pub retries: u32,
    /// How many retries are allowed in all, so that they do not multiply an outage.
    pub retry_budget: RetryBudget,
    /// How many calls may be under way at once; more are refused at the caller.
    pub in_flight: u32,
    /// When the callee is left alone.
    pub breaker: Breaker,
}

/// A share of the calls, with a floor for quiet times.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct RetryBudget {
    /// Retries per hundred calls.
    pub percent: u32,
    /// Retries per second that are always allowed.
    pub per_second_min: u32,
}

/// When a circuit opens, and how it closes again.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Breaker {
    /// The time over which calls are counted.
    pub window: Duration,
    /// Calls in the window below which it never opens.
    pub calls_min: u32,
    /// Failures per hundred calls from which on it opens.
    pub failures_percent: u32,
    /// How long it stays open before it lets probes through.
    pub open_for: Duration,
    /// Probes that must succeed before it closes.
    pub probes: u32,
}

impl EdgePolicy {
    /// The policy of an edge that says only its timeout.
    pub const fn with_timeout(timeout: Duration) -> Self {
        EdgePolicy { timeout, retries: 2, retry_budget: RetryBudget::DEFAULT, in_flight: 256, breaker: Breaker::DEFAULT }
    }
}

impl RetryBudget {
    /// One call in five may be a retry.
    pub const DEFAULT: RetryBudget = RetryBudget { percent: 20, per_second_min: 10 };
}

impl Breaker {
    /// Opens when half of at least twenty calls in ten seconds failed.
    pub const DEFAULT: Breaker = Breaker {
        window: Duration::from_secs(10),
        calls_min: 20,
        failures_percent: 50,
        open_for: Duration::from_secs(5),
        probes: 3,
    };
}

/// A stream of events.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Topic {
    /// Its name, such as `order-events`.
    pub name: String,
    /// What it carries, as one line.
    pub carries: String,
    /// How long an event stays readable.
    pub retention: Duration,
}

/// An event, and who has to do with it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Event {
    /// Its name without a version, such as `order.created`.
    pub name: String,
    /// Where it is said.
    pub topic: String,
    /// The one who says it: a service, or [`PLATFORM`].
    pub producer: String,
    /// The services that hear it, ordered by name.
    pub hearers: Vec<String>,
}

/// The producer of events that the machinery itself says, such as `dead_letter.parked`.
pub const PLATFORM: &str = "platform";

/// A choreography seen whole.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Saga {
    /// Its name, such as `checkout`.
    pub name: String,
    /// The events of which one must have been said at the end.
    pub ends: Vec<String>,
    /// How long it may take from its first event to its end.
    pub deadline: Duration,
    /// Its steps in the order of the story; what undoes comes after what is undone.
    pub steps: Vec<Step>,
}

/// What one service does in a saga.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Step {
    /// Its name, a verb.
    pub does: String,
    /// The service.
    pub who: String,
    /// Any of these events starts it; none of them when somebody outside does.
    pub hears: Vec<String>,
    /// It answers with these events.
    pub says: Vec<String>,
    /// The steps whose effect it takes back.
    pub undoes: Vec<String>,
    /// How long after what it heard it must have answered; only a step that hears has one.
    pub deadline: Option<Duration>,
}

impl Saga {
    /// The step of this name.
    pub fn step(&self, does: &str) -> Option<&Step> {
        self.steps.iter().find(|step| step.does == does)
    }

    /// Whether this event is an end of the saga.
    pub fn ends_with(&self, event: &str) -> bool {
        self.ends.iter().any(|end| end == event)
    }

    /// The steps that take back what this step did.
    pub fn undone_by<'a>(&'a self, does: &'a str) -> impl Iterator<Item = &'a Step> {
        self.steps.iter().filter(move |step| step.undoes.iter().any(|undone| undone == does))
    }
}

/// How the services are laid out over processes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Mode {
    /// One process holds all of them.
    AllInOne,
    /// Each service is a process of its own.
    Split,
    /// One thread, a simulated world.
    Simulated,
}

/// Whether the data outlives the process.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Data {
    /// It is the point of the environment.
    Kept,
    /// It is gone at the end.
    Throwaway,
}

/// A place where the platform runs.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Environment {
    /// Its name, such as `laptop`.
    pub name: String,
    /// What it is for, as one line.
    pub purpose: String,
    /// How the services are laid out.
    pub mode: Mode,
    /// Whether its data is kept.
    pub data: Data,
    /// The engine under each port, by the port's name.
    pub engines: BTreeMap<String, String>,
}

/// What the platform promises about its speed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Slo {
    /// Nineteen of twenty orders are accepted within this time.
    pub accept_p95: Duration,
    /// Ninety-nine of a hundred orders are accepted within this time.
    pub accept_p99: Duration,
    /// Nineteen of twenty orders are delivered within this time, without the time of ovens, couriers and the provider.
    pub deliver_p95: Duration,
    /// Requests in a million that may fail through the platform's fault.
    pub failures_ppm_max: u32,
}
