//! A machine: what the world may do to it, and how it dies.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use sim_disk::Disk;
use tokio::sync::Notify;

use crate::history::History;
use crate::kernel::{Kernel, NodeId};
use crate::story::{Kind, Note};
use crate::watch::Watch;
use crate::weather::{Trouble, Weather};
use crate::world::Skew;

/// A machine of a world. Clones share everything.
#[derive(Clone)]
pub struct Machine {
    /// Its number.
    pub node: NodeId,
    /// The world's kernel.
    pub kernel: Kernel,
    /// The world's weather.
    pub weather: Weather,
    /// What its clock shows beside the truth.
    pub skew: Skew,
    /// Its disk.
    pub disk: Disk,
    /// Who sees every commit from here.
    pub watch: Watch,
    /// The history of its world.
    pub history: History,
    down: Arc<AtomicBool>,
    died: Arc<Notify>,
}

impl Machine {
    /// Makes a machine on which nothing runs yet.
    pub fn new(node: NodeId, kernel: Kernel, weather: Weather, disk: Disk) -> Machine {
        Machine {
            node,
            kernel,
            weather,
            skew: Skew::default(),
            disk,
            watch: Watch::default(),
            history: History::default(),
            down: Arc::new(AtomicBool::new(true)),
            died: Arc::default(),
        }
    }

    /// Gives it the history of a world of several machines.
    pub fn in_history(mut self, history: &History) -> Machine {
        self.history = history.clone();
        self
    }

    /// Tells what happens to it.
    pub fn tell(&self, text: impl FnOnce() -> String, bad: bool) {
        self.kernel.tell(|| Note::new(Kind::Machine, "machine", text()).on(self.node).bad(bad));
    }

    /// Notes that it runs.
    pub fn up(&self) {
        self.tell(|| "starts".to_owned(), false);
        self.disk.start();
        self.down.store(false, Ordering::SeqCst);
    }

    /// Tells whether it is down.
    pub fn is_down(&self) -> bool {
        self.down.load(Ordering::SeqCst)
    }

    /// Kills all that runs on it, at this very moment; now and then the power goes with it.
    pub fn kill(&self) {
        let mut powerless = self.disk.is_down();
        if powerless {
            self.weather.count(Trouble::PowerLoss);
        } else if self.weather.strikes(Trouble::PowerLoss, &self.kernel) {
            powerless = true;
            self.disk.cut();
        } else {
            self.disk.kill();
        }
        self.tell(|| if powerless { "dies, and its power goes".to_owned() } else { "dies".to_owned() }, true);
        self.history.died(self.kernel.now());
        self.down.store(true, Ordering::SeqCst);
        self.kernel.end(self.node);
        self.died.notify_one();
    }

    /// Kills it from within: whoever calls this is gone too.
    pub async fn crash<T>(&self) -> T {
        self.kill();
        std::future::pending().await
    }

    /// Waits until it has died.
    pub async fn death(&self) {
        self.died.notified().await;
    }
}
