//! The network between machines: how long a word takes, and which words do not come through for a while.

use std::collections::BTreeSet;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use tokio::sync::Notify;

use crate::kernel::{Kernel, NodeId};
use crate::story::{Kind, Note};
use crate::weather::{Trouble, Weather};

/// The network itself is no machine: what becomes of it is told as of the world's own.
const NETWORK: NodeId = 0;
/// How long a cut lasts at most.
const CUT_MAX_MS: u64 = 20_000;

#[derive(Default)]
struct State {
    /// From whom nothing comes through to whom.
    cut: BTreeSet<(NodeId, NodeId)>,
    slow: BTreeSet<NodeId>,
}

/// The network. Clones share everything.
#[derive(Clone)]
pub struct Links {
    kernel: Kernel,
    weather: Weather,
    state: Arc<Mutex<State>>,
    healed: Arc<Notify>,
}

impl Links {
    /// Makes a network on which all goes well.
    pub fn new(kernel: Kernel, weather: Weather) -> Links {
        Links { kernel, weather, state: Arc::default(), healed: Arc::default() }
    }

    fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Tells whether nothing comes through from one machine to another.
    pub fn is_cut(&self, from: NodeId, to: NodeId) -> bool {
        self.state().cut.contains(&(from, to))
    }

    /// Waits until something comes through.
    pub async fn passable(&self, from: NodeId, to: NodeId) {
        loop {
            let healed = self.healed.notified();
            if !self.is_cut(from, to) {
                return;
            }
            healed.await;
        }
    }

    /// Draws how long a word takes: mostly a fraction of a millisecond, now and then a hundred times that.
    pub fn latency(&self, from: NodeId, to: NodeId) -> Duration {
        let usual = 100 + self.kernel.below(500);
        let tail = if self.kernel.happens(10) { 1 + self.kernel.below(100) } else { 1 };
        let state = self.state();
        let slow = if state.slow.contains(&from) || state.slow.contains(&to) { 40 } else { 1 };
        Duration::from_micros(usual * tail * slow)
    }

    /// Cuts and slows the machines of a network for as long as there is weather.
    pub async fn blow(self, nodes: Vec<NodeId>) {
        let Links { kernel, weather, .. } = &self;
        while !weather.troubles().is_empty() {
            kernel.sleep(Duration::from_micros(500_000 + kernel.below(4_000_000))).await;
            // Two groups that do not hear each other, or of which one does not hear the other.
            let (here, there): (Vec<NodeId>, Vec<NodeId>) = nodes.iter().partition(|_| kernel.happens(500));
            let (both, one_way) = (weather.strikes(Trouble::Cut, kernel), weather.strikes(Trouble::CutOneWay, kernel));
            if both || one_way {
                let how = if both { "does not hear" } else { "is not heard by" };
                self.tell(|| format!("{here:?} {how} {there:?}"));
                for (from, to) in here.iter().flat_map(|from| there.iter().map(move |to| (*from, *to))) {
                    self.state().cut.insert((from, to));
                    if both {
                        self.state().cut.insert((to, from));
                    }
                }
                kernel.sleep(Duration::from_millis(kernel.below(CUT_MAX_MS))).await;
                self.heal();
            }
            if weather.strikes(Trouble::PeerSlow, kernel) {
                let slow = nodes[usize::try_from(kernel.below(nodes.len() as u64)).unwrap_or(0)];
                self.tell(|| format!("all to and from {slow} is slow"));
                self.state().slow.insert(slow);
                kernel.sleep(Duration::from_millis(kernel.below(CUT_MAX_MS))).await;
                self.heal();
            }
        }
        self.heal();
    }

    fn tell(&self, text: impl FnOnce() -> String) {
        self.kernel.tell(|| Note::new(Kind::Machine, "network", text()).on(NETWORK).bad(true));
    }

    /// Lets everything through again.
    pub fn heal(&self) {
        let mut state = self.state();
        state.cut.clear();
        state.slow.clear();
        drop(state);
        self.healed.notify_waiters();
    }
}
