//! Somebody who sees every attempt of every call, for a simulation that tells its story; the product has none.

use base::Fault;

use crate::Call;

/// One attempt of a call, as its caller sends it.
#[derive(Debug, Clone, Copy)]
pub struct Attempted<'a> {
    /// Who calls.
    pub from: &'static str,
    /// Whom.
    pub to: &'static str,
    /// The path of the method.
    pub method: &'a str,
    /// On which errand.
    pub call: &'a Call,
}

/// Sees calls. It must not block, and cannot change anything.
pub trait Witness: Send + Sync + 'static {
    /// Sees an attempt that is about to be sent; gives a number under which its end is told.
    fn asked(&self, attempt: Attempted<'_>) -> u64;

    /// Sees how an attempt ended: with what fault, if it did not end well, whether the service said it or nobody answered.
    fn answered(&self, asked: u64, fault: Option<&Fault>);
}
