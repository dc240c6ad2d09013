//! How long the processor was busy with this process: a machine that others use does not make it look slow.

use std::time::{Duration, Instant};

/// Where Linux tells it: the nanoseconds that the process has had, before all else.
const TOLD: &str = "/proc/self/schedstat";

/// A clock that shows how long the processor was busy since it was last looked at.
pub struct Busy {
    seen: Duration,
    began: Instant,
}

impl Busy {
    /// Begins with the process: what it did to get ready is in the first look.
    pub fn begin() -> Busy {
        Busy { seen: Duration::ZERO, began: Instant::now() }
    }

    /// Gives the time since the last look. Where nobody tells, all time that passed counts.
    pub fn lap(&mut self) -> Duration {
        let told = std::fs::read_to_string(TOLD).ok();
        let nanos = told.as_deref().and_then(|text| text.split(' ').next()).and_then(|nanos| nanos.parse().ok());
        let now = nanos.map_or_else(|| self.began.elapsed(), Duration::from_nanos);
        let lap = now.saturating_sub(self.seen);
        self.seen = now;
        lap
    }
}
