//! Where the platform lives in a world: all of it on one machine, or spread over several; kept up, and struck by the weather.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::time::Duration;

use axum::Router;
use base::Fault;
use embedded::Database;
use host::IdSource;
use people::net::Net;
use sim_disk::Disk;
use tokio::sync::{oneshot, watch};

use crate::chance::Chance;
use crate::cluster::{Cluster, server};
use crate::house::{House, Plot, STAFF, Share};
use crate::kernel::{Kernel, NodeId};
use crate::machine::Machine;
use crate::net::Way;
use crate::run::Script;
use crate::weather::{Trouble, Weather};
use crate::world::{self, Skew};

/// The first machine of the platform; of a cluster, that of the engines.
const FIRST: NodeId = 2;
/// How many flushes in a row fail when more than one does.
const FLUSHES_IN_A_ROW: u64 = 8;
/// How many in a thousand worlds are a cluster.
const CLUSTERS: u64 = 500;

/// How those name themselves who see every commit: the watch, and the history of stock and money.
pub const WATCH: &str = "watch";
/// See `WATCH`.
pub const HISTORY: &str = "history";

/// The platform's machines.
pub struct Town {
    kernel: Kernel,
    /// Where its data are.
    pub disk: Disk,
    machines: Vec<Machine>,
    houses: Vec<watch::Receiver<Option<House>>>,
    cluster: Option<Arc<Cluster>>,
}

impl Town {
    /// Founds what the seed says on a disk, and starts it.
    pub fn found(
        script: &Script,
        kernel: &Kernel,
        weather: &Weather,
        disk: &Disk,
        provider: &(Machine, Router),
        settings: &BTreeMap<String, String>,
        hearing: u64,
    ) -> Town {
        let mut chance = Chance::new(script.seed ^ 0x70_3a);
        let services: Vec<&'static str> = comanda::services::all().iter().map(host::Service::name).collect();
        let cluster = (chance.happens(CLUSTERS) && !script.together)
            .then(|| Arc::new(Cluster::draw(kernel, weather, &provider.0.history, &mut chance, disk.clone(), FIRST, &services)));
        let places: Vec<(Machine, Option<Share>)> = match &cluster {
            Some(cluster) => (0..cluster.members.len())
                .map(|place| (cluster.members[place].machine.clone(), Some(Share { cluster: cluster.clone(), place })))
                .collect(),
            None => {
                let machine = Machine::new(FIRST, kernel.clone(), weather.clone(), disk.clone());
                vec![(machine.in_history(&provider.0.history), None)]
            }
        };
        let mut houses = Vec::new();
        for (machine, share) in &places {
            let (machine, cluster) = (machine.clone(), share.clone());
            let plot = Plot { machine, settings: settings.clone(), provider: Some(provider.clone()), hearing, cluster };
            let (show, house) = watch::channel(None);
            kernel.spawn(0, Box::pin(keep_up(plot, show)));
            houses.push(house);
        }
        if let Some(cluster) = &cluster {
            kernel.spawn(0, Box::pin(server::keep_up(cluster.server.clone())));
            kernel.spawn(0, Box::pin(cluster.links.clone().blow(cluster.machines().map(|machine| machine.node).collect())));
            kernel.spawn(0, Box::pin(cluster.clone().roll()));
        }
        let machines: Vec<Machine> = match &cluster {
            Some(cluster) => cluster.machines().cloned().collect(),
            None => places.into_iter().map(|(machine, _)| machine).collect(),
        };
        let town = Town { kernel: kernel.clone(), disk: disk.clone(), machines, houses, cluster };
        for machine in &town.machines {
            kernel.spawn(0, Box::pin(strike(machine.clone(), town.holds_data(machine))));
        }
        town
    }

    /// Tells whether the data are on a machine's disk.
    fn holds_data(&self, machine: &Machine) -> bool {
        self.cluster.as_ref().is_none_or(|cluster| cluster.server.machine.node == machine.node)
    }

    /// Gives the way of clients to it.
    pub fn net(&self) -> Net {
        let way = Way { kernel: self.kernel.clone(), machine: self.machines[0].clone(), house: self.houses[0].clone() };
        // People make no ids, and their clocks are right.
        let world = world::of_node(&self.kernel, 0, Skew::default(), Arc::new(IdSource::new(0, 0)));
        Net::new(world, way, STAFF)
    }

    /// Says what it is, in a word or two.
    pub fn shape(&self) -> String {
        match &self.cluster {
            None => "one process".to_owned(),
            Some(cluster) => {
                let shares = cluster.members.iter().map(|member| member.services.join("+")).collect::<Vec<_>>();
                format!("{} machines: {}", shares.len(), shares.join(" | "))
            }
        }
    }

    /// Mends all that the weather has done.
    pub fn heal(&self) {
        for machine in &self.machines {
            self.kernel.thaw(machine.node);
            machine.disk.cut_at(u64::MAX);
            machine.disk.set_room(None);
            machine.disk.fail_syncs(0..0);
        }
        if let Some(cluster) = &self.cluster {
            cluster.links.heal();
        }
    }

    /// Tells whether its data can be looked at now and are whole: nothing is on its way to the log.
    pub fn can_be_audited(&self) -> bool {
        let there = self.machines.iter().all(|machine| !self.holds_data(machine) || !machine.disk.is_down());
        there
            && match &self.cluster {
                Some(cluster) => cluster.unsent().is_ok_and(|unsent| unsent == 0),
                // Before it has come up, nothing has recovered what a crash has left.
                None => self.houses[0].borrow().is_some(),
            }
    }

    /// Gives what was seen in commits that must not be there, each with who has seen it behind its promise.
    pub fn wrong(&self) -> Vec<String> {
        let by = |who: &'static str| move |wrong: String| wrong.replacen(": ", &format!(": {who}: "), 1);
        let history = self.machines.iter().take(1).flat_map(|machine| machine.history.wrong()).map(by(HISTORY));
        self.machines.iter().flat_map(|machine| machine.watch.wrong()).map(by(WATCH)).chain(history).collect()
    }

    /// Waits until all of it is up.
    pub async fn up(&self) {
        for house in &self.houses {
            // Its sender lives as long as the world.
            let _ = house.clone().wait_for(Option::is_some).await;
        }
    }

    /// Counts what was said and has yet to come to the log.
    pub fn unsent(&self) -> u64 {
        self.cluster.as_ref().map_or(0, |cluster| cluster.unsent().unwrap_or(0))
    }

    /// Counts what waits to be done now; at least one while some of it is down.
    pub async fn pressing(&self) -> Result<u64, Fault> {
        let mut pressing = self.cluster.as_ref().map_or(Ok(0), |cluster| cluster.unsent())?;
        for house in &self.houses {
            let house = house.borrow().clone();
            pressing += match house {
                // Whose engine starts again at this moment cannot say: it is asked in the next round.
                Some(house) => house.platform.pressing().await.unwrap_or(1),
                None => 1,
            };
        }
        Ok(pressing)
    }

    /// Gives the file with the data.
    pub fn database(&self) -> Option<Database> {
        match &self.cluster {
            Some(cluster) => cluster.server.database(),
            None => self.houses[0].borrow().as_ref().map(|house| house.platform.database().clone()),
        }
    }

    /// Lets go of all, at the end of the world.
    pub fn close(&self) {
        for house in &self.houses {
            let house = house.borrow().clone();
            house.iter().for_each(House::close);
        }
        if let Some(cluster) = &self.cluster {
            cluster.server.close();
        }
    }
}

/// Draws how the platform is set.
pub fn settings(chance: &mut Chance) -> BTreeMap<String, String> {
    // Goods take a day to be there: no world waits for one at the pace of the street.
    let scale = |chance: &mut Chance, scales: [&str; 3]| scales[usize::try_from(chance.below(3)).unwrap_or(0)].to_owned();
    BTreeMap::from([
        ("provider_url".to_owned(), "http://provider".to_owned()),
        ("rate_limit_per_second".to_owned(), "1000000".to_owned()),
        ("kitchen_time_scale".to_owned(), scale(chance, ["5", "40", "400"])),
        ("delivery_time_scale".to_owned(), scale(chance, ["60", "400", "20000"])),
        ("kitchen_places".to_owned(), (1 + chance.below(10)).to_string()),
    ])
}

/// Keeps a machine's share of the platform up: starts it, and starts it again when it has died.
async fn keep_up(plot: Plot, show: watch::Sender<Option<House>>) {
    let machine = plot.machine.clone();
    let kernel = machine.kernel.clone();
    loop {
        let (send, started) = oneshot::channel();
        let here = plot.clone();
        machine.up();
        kernel.spawn(
            machine.node,
            Box::pin(async move {
                let _ = send.send(House::start(&here).await);
            }),
        );
        let house = match started.await {
            Ok(Ok(house)) => {
                machine.tell(|| "is up".to_owned(), false);
                Some(house)
            }
            // It did not come up: a store that fails at the start is an end of the process.
            Ok(Err(fault)) => {
                machine.tell(|| format!("does not come up: {fault}"), true);
                machine.kill();
                None
            }
            Err(_) => None,
        };
        show.send_replace(house.clone());
        machine.death().await;
        show.send_replace(None);
        if let Some(house) = house {
            house.close();
        }
        kernel.sleep(Duration::from_millis(50 + kernel.below(5_000))).await;
    }
}

/// Draws by how many microseconds a clock is off: mostly a moment, rarely up to an hour, forwards or back.
fn jump(kernel: &Kernel) -> i64 {
    let off = kernel.below(3_600_000_000) >> kernel.below(24);
    let off = i64::try_from(off).unwrap_or(0);
    if kernel.happens(500) { off } else { -off }
}

/// Lets happen to a machine what happens to machines; to its disk too, when that holds the data.
async fn strike(machine: Machine, holds_data: bool) {
    let Machine { kernel, weather, .. } = &machine;
    while !weather.troubles().is_empty() {
        kernel.sleep(Duration::from_micros(500_000 + kernel.below(3_000_000))).await;
        if machine.is_down() {
            continue;
        }
        if weather.strikes(Trouble::CrashAnywhere, kernel) {
            machine.kill();
        } else if weather.strikes(Trouble::Freeze, kernel) {
            machine.tell(|| "stands still".to_owned(), true);
            kernel.freeze(machine.node);
            kernel.sleep(Duration::from_millis(kernel.below(20_000))).await;
            kernel.thaw(machine.node);
            machine.tell(|| "goes on".to_owned(), false);
        } else if weather.strikes(Trouble::ClockJumps, kernel) {
            let jump = jump(kernel);
            machine.tell(|| format!("its clock shows {} ms more than it is", jump / 1_000), true);
            machine.skew.store(jump, Ordering::Relaxed);
        } else if !holds_data {
            continue;
        } else if weather.strikes(Trouble::PowerCut, kernel) {
            machine.disk.cut_at(1 + kernel.below(300));
        } else if weather.strikes(Trouble::DiskFull, kernel) {
            machine.tell(|| "has hardly any room on its disk".to_owned(), true);
            machine.disk.set_room(Some(kernel.below(200_000)));
            kernel.sleep(Duration::from_millis(kernel.below(20_000))).await;
            machine.disk.set_room(None);
            machine.tell(|| "has room on its disk again".to_owned(), false);
        } else if weather.strikes(Trouble::FlushFails, kernel) {
            let first = 1 + kernel.below(30);
            // A disk that is about to die fails for a while: then a start has to do with what it fails to flush too.
            let count = if first.is_multiple_of(3) { FLUSHES_IN_A_ROW } else { 1 };
            machine.tell(|| format!("will see flushes fail: {count}"), true);
            machine.disk.fail_syncs(first..first + count);
        }
    }
    machine.skew.store(0, Ordering::Relaxed);
}
