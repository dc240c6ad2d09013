//! The gate of a service: while it is closed, its reactions and jobs wait. What had begun goes on to its end.

use tokio::sync::watch;

/// A clonable gate; an operator closes it to pause a service.
#[derive(Debug, Clone)]
pub struct Gate(watch::Sender<bool>);

impl Gate {
    /// Makes an open gate.
    pub fn open() -> Gate {
        Gate(watch::Sender::new(true))
    }

    /// Opens or closes it.
    pub fn set_open(&self, open: bool) {
        self.0.send_replace(open);
    }

    /// Tells whether it is open.
    pub fn is_open(&self) -> bool {
        *self.0.borrow()
    }

    /// Waits until it is open.
    pub async fn pass(&self) {
        // The sender is ours, so the channel cannot close while we wait.
        let _ = self.0.subscribe().wait_for(|open| *open).await;
    }
}
