//! Who may read and who may write a file: SQLite's five levels (sqlite.org: `lockingv3.html`).

/// How far a connection has locked a file.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Default)]
pub(crate) enum Level {
    /// Not at all.
    #[default]
    None,
    /// It reads.
    Shared,
    /// It means to write; others still read.
    Reserved,
    /// It waits for the readers to end; no new ones come.
    Pending,
    /// It writes.
    Exclusive,
}

/// The locks on one file.
#[derive(Default)]
pub(crate) struct Locks {
    /// How many hold it at any level.
    held: usize,
    /// Who is beyond reading, and wants to be alone.
    reserved: Option<usize>,
    pending: Option<usize>,
}

impl Locks {
    /// Gives the level reached, and whether it is the wanted one; a writer that has to wait for readers stays on its way.
    pub(crate) fn lock(&mut self, who: usize, has: Level, wanted: Level) -> (Level, bool) {
        let other = |holder: Option<usize>| holder.is_some_and(|holder| holder != who);
        if has >= wanted {
            return (has, true);
        }
        match wanted {
            Level::None | Level::Shared => {
                if other(self.pending) {
                    return (has, false);
                }
                self.held += 1;
                (Level::Shared, true)
            }
            Level::Reserved => {
                if other(self.reserved) || other(self.pending) {
                    return (has, false);
                }
                self.reserved = Some(who);
                (Level::Reserved, true)
            }
            Level::Pending | Level::Exclusive => {
                if other(self.reserved) || other(self.pending) {
                    return (has, false);
                }
                self.pending = Some(who);
                if self.held > 1 { (Level::Pending, false) } else { (Level::Exclusive, true) }
            }
        }
    }

    /// Goes back to reading, or to nothing.
    pub(crate) fn unlock(&mut self, who: usize, has: Level, wanted: Level) -> Level {
        if has <= wanted {
            return has;
        }
        for holder in [&mut self.reserved, &mut self.pending] {
            if *holder == Some(who) {
                *holder = None;
            }
        }
        if wanted == Level::None {
            self.held -= 1;
        }
        wanted
    }

    /// True when somebody is about to write.
    pub(crate) fn is_reserved(&self) -> bool {
        self.reserved.is_some() || self.pending.is_some()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_writer_waits_for_readers_and_keeps_new_ones_out() {
        let mut locks = Locks::default();
        assert_eq!(locks.lock(1, Level::None, Level::Shared), (Level::Shared, true));
        assert_eq!(locks.lock(2, Level::None, Level::Shared), (Level::Shared, true));
        assert_eq!(locks.lock(1, Level::Shared, Level::Reserved), (Level::Reserved, true));
        assert_eq!(locks.lock(2, Level::Shared, Level::Reserved), (Level::Shared, false));
        assert_eq!(locks.lock(1, Level::Reserved, Level::Exclusive), (Level::Pending, false));
        assert_eq!(locks.lock(3, Level::None, Level::Shared), (Level::None, false));
        assert_eq!(locks.unlock(2, Level::Shared, Level::None), Level::None);
        assert_eq!(locks.lock(1, Level::Pending, Level::Exclusive), (Level::Exclusive, true));
        assert!(locks.is_reserved());
        assert_eq!(locks.unlock(1, Level::Exclusive, Level::Shared), Level::Shared);
        assert_eq!(locks.lock(3, Level::None, Level::Shared), (Level::Shared, true));
    }
}
