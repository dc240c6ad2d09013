//! Saga: how a service hears what others said, acts on it once, and works off what must be done outside.
//!
//! Owns: the reaction loop, the job worker, dead letters, the relay of outboxes, and `settle` for requests.
//! Promises: `EffectsHappenOnce`, `OrderPerKey`, `NothingIsSwallowed`.
//! Never: decides anything of the business, reads the clock or spawns but through `World`.
//! Start reading at [`Plan`], then [`lane`] (events) and [`worker`] (jobs).

mod brake;
mod claims;
mod events;
mod gate;
mod lane;
mod letters;
mod pace;
mod plan;
mod relay;
mod settle;
mod turns;
mod window;
mod worker;

pub use brake::{Brake, Leave};
pub use gate::Gate;
pub use letters::Letters;
pub use plan::{Plan, React, Retry, Running, Work};
pub use relay::{Relay, Sink};
pub use settle::settle;
