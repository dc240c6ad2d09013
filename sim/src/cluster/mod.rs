//! A cluster: the services spread over machines that talk over a network, above engines on a machine of their own.

pub mod links;
pub mod log;
pub mod papers;
pub mod pipe;
pub mod rows;
pub mod server;

use std::io;
use std::sync::Arc;
use std::time::Duration;

use base::{BoxFuture, Fault};
use http::Uri;
use tokio::sync::watch;
use wire::{Dial, Exchange, Stream};

use crate::chance::Chance;
use crate::cluster::links::Links;
use crate::cluster::server::Server;
use crate::history::History;
use crate::kernel::{Kernel, NodeId};
use crate::machine::Machine;
use crate::weather::{Trouble, Weather};
use sim_disk::Disk;

/// How many machines services may be spread over.
const MEMBERS: (u64, u64) = (2, 4);
/// How many in a thousand services have a second instance.
const SECOND_INSTANCE: u64 = 300;
/// How long a dial to a machine that does not answer takes.
const DIAL_MAX: Duration = Duration::from_secs(3);

/// One machine of the platform.
pub struct Member {
    /// The machine.
    pub machine: Machine,
    /// The services that it runs.
    pub services: Vec<&'static str>,
    /// What answers there now; nothing while it is down.
    pub door: watch::Sender<Option<Exchange>>,
}

/// A cluster.
pub struct Cluster {
    /// The network.
    pub links: Links,
    /// The engines.
    pub server: Server,
    /// What the engines count in memory.
    pub rows: Arc<rows::Shared>,
    /// The machines of the platform; clients come to the first.
    pub members: Vec<Member>,
}

impl Cluster {
    /// Draws a cluster whose data are on a disk; its machines are numbered from `first` on.
    pub fn draw(
        kernel: &Kernel,
        weather: &Weather,
        history: &History,
        chance: &mut Chance,
        disk: Disk,
        first: NodeId,
        services: &[&'static str],
    ) -> Cluster {
        let links = Links::new(kernel.clone(), weather.clone());
        let machine = |node, disk| Machine::new(node, kernel.clone(), weather.clone(), disk).in_history(history);
        let server = Server::new(machine(first, disk), links.clone());
        let count = MEMBERS.0 + chance.below(MEMBERS.1 - MEMBERS.0 + 1);
        let mut members: Vec<Member> = (1..=count)
            .map(|number| {
                let node = first + u32::try_from(number).unwrap_or(0);
                let machine = machine(node, Disk::new(chance.bits()));
                Member { machine, services: Vec::new(), door: watch::Sender::new(None) }
            })
            .collect();
        for service in services {
            let home = chance.below(count);
            let second = (home + 1 + chance.below(count - 1)) % count;
            let has_second = chance.happens(SECOND_INSTANCE);
            for place in [Some(home), has_second.then_some(second)].into_iter().flatten() {
                members[usize::try_from(place).unwrap_or(0)].services.push(service);
            }
        }
        Cluster { links, server, rows: Arc::default(), members }
    }

    /// Gives all machines.
    pub fn machines(&self) -> impl Iterator<Item = &Machine> {
        self.members.iter().map(|member| &member.machine).chain([&self.server.machine])
    }

    /// Tells an exchange where the services are that do not live beside it.
    pub fn connect(&self, here: NodeId, exchange: &Exchange) {
        for member in self.members.iter().filter(|member| member.machine.node != here) {
            let Ok(peer) = format!("http://node-{}", member.machine.node).parse::<Uri>() else { continue };
            for service in &member.services {
                exchange.add_instance(service, peer.clone());
                exchange.add_instance(host::operator_name(service), peer.clone());
            }
        }
    }

    /// Restarts the machines of the platform one after another, as a new release does.
    pub async fn roll(self: Arc<Cluster>) {
        let Machine { kernel, weather, .. } = &self.server.machine;
        while !weather.troubles().is_empty() {
            kernel.sleep(Duration::from_micros(5_000_000 + kernel.below(60_000_000))).await;
            if weather.strikes(Trouble::RollingRestart, kernel) {
                for member in &self.members {
                    if !member.machine.is_down() {
                        member.machine.kill();
                    }
                    kernel.sleep(Duration::from_secs(8)).await;
                }
            }
        }
    }

    /// Counts what was said and is not in the log yet.
    pub fn unsent(&self) -> Result<u64, Fault> {
        let Some(database) = self.server.database() else { return Ok(1) };
        database.read(|connection| {
            let mut tables = connection.prepare("select name from sqlite_master where name like '%\\_outbox' escape '\\'")?;
            let names = tables.query_map([], |row| row.get::<_, String>(0))?.collect::<Result<Vec<_>, _>>()?;
            names.iter().try_fold(0, |sum, name| {
                connection
                    .query_row(&format!("select count(*) from {name}"), [], |row| row.get::<_, i64>(0))
                    .map(|count| sum + count.unsigned_abs())
            })
        })
    }
}

/// How a machine reaches the others.
pub struct Dialer {
    /// The cluster.
    pub cluster: Arc<Cluster>,
    /// Who dials.
    pub from: Machine,
}

impl Dial for Dialer {
    fn dial(&self, _: &str, peer: Uri) -> BoxFuture<'static, io::Result<Box<dyn Stream>>> {
        let (cluster, from) = (self.cluster.clone(), self.from.clone());
        Box::pin(async move {
            let (kernel, links) = (&from.kernel, &cluster.links);
            let number = peer.host().and_then(|host| host.strip_prefix("node-")).and_then(|number| number.parse::<NodeId>().ok());
            let member = cluster.members.iter().find(|member| Some(member.machine.node) == number);
            let member = member.ok_or_else(|| io::Error::from(io::ErrorKind::NotFound))?;
            let there = member.machine.node;
            kernel.sleep(links.latency(from.node, there)).await;
            if links.is_cut(from.node, there) || links.is_cut(there, from.node) {
                kernel.sleep(DIAL_MAX).await;
                return Err(io::ErrorKind::TimedOut.into());
            }
            kernel.sleep(links.latency(there, from.node)).await;
            let Some(exchange) = member.door.borrow().clone() else { return Err(io::ErrorKind::ConnectionRefused.into()) };
            let (mine, theirs) = pipe::connect(kernel, links, from.node, there);
            kernel.spawn(there, Box::pin(async move { exchange.serve_peer(theirs).await }));
            Ok(Box::new(mine) as Box<dyn Stream>)
        })
    }
}
