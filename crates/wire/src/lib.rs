//! Wire: how one service reaches another.
//!
//! Owns: the exchange of a process, its channels, and what every call carries. Promises: both arms, in the process and
//! over HTTP/2, have the same layers in the same order; who asks cannot be forged, and between machines only peers with the platform's certificate are heard; every call ends by its deadline.
//! Never: hides that a call can fail, repeats what may have been carried out unless told so, knows a service by name.
//! Start reading at [`Channel`] for the caller's end, at `server::serve` for the other.

mod body;
mod breaker;
mod call;
mod channel;
mod edge;
mod exchange;
mod fault;
mod headers;
mod instances;
mod listen;
mod parcel;
mod policy;
mod remote;
mod routes;
mod server;
#[cfg(feature = "tls")]
mod tls;
mod witness;

pub use breaker::{BreakerState, BreakerView};
pub use call::Call;
pub use channel::Channel;
pub use exchange::Exchange;
pub use fault::{fault_of, status_of};
pub use policy::{BreakerPolicy, Faults, Policy};
pub use remote::{Dial, PlainTcp, Stream};
pub use routes::Routes;
#[cfg(feature = "tls")]
pub use tls::{Tls, TlsFiles};
pub use witness::{Attempted, Witness};
