//! Waiting for company: flushes are kept a little apart while many write.

use std::time::{Duration, Instant};

/// Tells when it pays to wait a moment for company: each flush writes some pages of every table again, whoever it is for.
#[derive(Default)]
pub(crate) struct Crowd {
    last: Option<Instant>,
    count: usize,
}

#[allow(clippy::disallowed_methods)]
impl Crowd {
    /// How far apart flushes are kept while many write.
    const APART: Duration = Duration::from_micros(1_000);
    /// So many writes in a flush are many: one who writes again and again alone never waits.
    const MANY: usize = 4;
    /// So many writes need no more company.
    const ENOUGH: usize = 96;

    /// Waits when the last flush was a moment ago and served many; tells whether it did.
    pub(crate) fn pause(&self, waiting: usize) -> bool {
        let Some(last) = self.last.filter(|_| self.count >= Crowd::MANY && waiting < Crowd::ENOUGH) else { return false };
        let pause = Crowd::APART.saturating_sub(last.elapsed());
        if pause.is_zero() {
            return false;
        }
        std::thread::sleep(pause); // allowed: on the writer's own thread, and nothing is decided by it
        true
    }

    pub(crate) fn flushed(&mut self, count: usize) {
        (self.last, self.count) = (Some(Instant::now()), count);
    }
}
