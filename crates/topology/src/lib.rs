//! Topology: the one list of services, the edges between them, their events and sagas.
//!
//! Owns: the meaning of `topology.toml`. Promises: all problems of a file at once, each with its line and a way out;
//! every answer in the same order each time.
//! Never: reads files or the environment, starts anything, guesses at what the file does not say.
//! Start reading at [`Topology::parse`]; the file at the root of the repository shows every key.

mod cycles;
mod draft;
mod duration;
mod mermaid;
mod model;
mod names;
mod problem;
mod read;
mod rules;
mod saga_rules;
mod shape;
mod shape_edges;
mod source;
mod suggest;
mod topology;

#[cfg(test)]
mod golden;
#[cfg(test)]
mod real_file;

pub use duration::show as show_duration;
pub use mermaid::mermaid;
pub use model::{
    Breaker, Data, EdgePolicy, Environment, Event, Mode, PLATFORM, RetryBudget, Saga, Service, Slo, Step, Store, Topic,
};
pub use problem::{Code, Problem, Report};
pub use topology::Topology;
