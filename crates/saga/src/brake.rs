//! What holds jobs back: while whoever they talk to is left alone, it is no use to claim them, to fail and to put them off.

use std::sync::Arc;
use std::time::Duration;

/// How many jobs of a kind may begin now.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Leave {
    /// As many as have a turn.
    All,
    /// One, to see, when no other of its kind is at work.
    One,
    /// None, for so long.
    NoneFor(Duration),
}

/// Tells how many jobs of a kind may begin. It is asked before each claim, so it must be quick.
pub type Brake = Arc<dyn Fn() -> Leave + Send + Sync>;
