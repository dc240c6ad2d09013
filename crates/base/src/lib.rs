//! Base: the words that every other crate speaks.
//!
//! Owns: typed ids, money, time, faults, principals, texts in several languages, the handle of the world.
//! Promises: no I/O, no clock, no chance of its own; every conversion that can fail says so.
//! Never: knows a service, a store or a protocol.
//! Start reading at [`Fault`] and [`World`].

pub mod calendar;
pub mod event;
pub mod fault;
pub mod id;
pub mod key;
pub mod limits;
pub mod money;
pub mod mutant;
pub mod principal;
pub mod request;
pub mod text;
pub mod time;
pub mod world;

pub use calendar::ShopClock;
pub use event::{Event, NewEvent};
pub use fault::{Fault, Kind};
pub use id::{Id, IdRule};
pub use key::PlatformKey;
pub use money::{Currency, Money};
pub use mutant::{Mistake, planted};
pub use principal::Principal;
pub use request::RequestKey;
pub use text::Texts;
pub use time::Timestamp;
pub use world::{BoxFuture, World};
