//! Host: gives services a place to live: stores, peers, the outside, a lifecycle, and operators who look in.
//!
//! Owns: the data folder, the real world, the order in which a platform starts and ends.
//! Promises: services start in any order; a second owner of a data folder is refused.
//! Never: knows a service by name, or a rule of the business.
//! Start reading at [`Service`] and [`Platform::start`].

mod answer;
mod ctx;
mod folder;
mod ids;
pub mod keeper;
mod operator;
pub mod outside;
mod platform;
mod real;
pub mod retention;
mod service;
#[cfg(feature = "testing")]
pub mod testing;

pub use answer::answer;
pub use ctx::Ctx;
pub use folder::{Folder, RESTORING, key_of};
pub use ids::{IdSource, lowest_at};
pub use outside::Outside;
pub use platform::{Boot, Engines, Platform, operator_name};
pub use real::RealWorld;
pub use retention::{Dropped, Kept, Old};
pub use service::Service;

pub use saga::{Leave, Retry, settle};
pub use sql::{Change, Job};
