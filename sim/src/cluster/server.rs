//! The machine of the engines: what big databases are to a platform, a server of its own that several nodes talk to.
//!
//! What is in it is SQLite on a simulated disk; what is simulated is what a client of a server sees: answers that are late
//! or lost, commits in doubt, several writers, ids that become visible out of their order.

use std::path::Path;
use std::sync::Arc;
use std::task::Poll;
use std::time::Duration;

use base::{BoxFuture, Fault};
use embedded::{Database, Mode, Options};
use tokio::sync::{oneshot, watch};

use crate::cluster::links::Links;
use crate::house;
use crate::machine::Machine;

/// How long a client waits for an answer.
const PATIENCE: Duration = Duration::from_secs(5);
/// How many of the newest events the server keeps in memory.
const TAIL: usize = 1_024;

/// A server of engines. Clones share everything.
#[derive(Clone)]
pub struct Server {
    /// Where it runs.
    pub machine: Machine,
    /// The network to it.
    pub links: Links,
    open: Arc<watch::Sender<Option<Database>>>,
}

/// What became of a question to the server.
pub enum Asked<T> {
    /// It was answered.
    Answered(Result<T, Fault>),
    /// It certainly did not reach the server.
    Unsent,
    /// Nobody knows.
    Lost,
}

impl<T> Asked<T> {
    /// Gives the answer to a question that changes nothing.
    pub fn or_unreachable(self) -> Result<T, Fault> {
        match self {
            Asked::Answered(answer) => answer,
            Asked::Unsent | Asked::Lost => Err(unreachable()),
        }
    }
}

/// Says that the server does not answer.
pub fn unreachable() -> Fault {
    Fault::unavailable("store_unreachable", "The database does not answer.")
}

impl Server {
    /// Makes a server that is not up yet.
    pub fn new(machine: Machine, links: Links) -> Server {
        Server { machine, links, open: Arc::default() }
    }

    /// Opens what is on its disk.
    pub fn start(&self) -> Result<(), Fault> {
        self.machine.up();
        let vfs = Some(self.machine.disk.vfs().to_owned());
        let options = Options { mode: Mode::Inline, vfs, tail_events: TAIL, ..Options::default() };
        self.open.send_replace(Some(Database::open(Path::new(house::FILE), options)?));
        Ok(())
    }

    /// Lets go of its file, as the end of a process does.
    pub fn close(&self) {
        if let Some(database) = self.open.send_replace(None) {
            database.close();
        }
    }

    /// Gives what is open now.
    pub fn database(&self) -> Option<Database> {
        self.open.borrow().clone()
    }

    /// Gives what tells when another is open.
    pub fn opened(&self) -> watch::Receiver<Option<Database>> {
        self.open.subscribe()
    }

    /// Asks the server from a machine. What it has heard it does, whatever becomes of who asked.
    pub async fn ask<T: Send + 'static>(
        &self,
        from: &Machine,
        work: impl FnOnce(Database) -> BoxFuture<'static, Result<T, Fault>> + Send + 'static,
    ) -> Asked<T> {
        let (links, here, there) = (&self.links, from.node, self.machine.node);
        let kernel = &self.machine.kernel;
        kernel.sleep(links.latency(here, there)).await;
        if links.is_cut(here, there) {
            kernel.sleep(PATIENCE / 5).await;
            return Asked::Unsent;
        }
        let Some(database) = self.database() else { return Asked::Unsent };
        let Some(answer) = self.carry_out(work(database)).await else { return Asked::Lost };
        kernel.sleep(links.latency(there, here)).await;
        if links.is_cut(there, here) {
            kernel.sleep(PATIENCE).await;
            return Asked::Lost;
        }
        Asked::Answered(answer)
    }

    /// Carries out what was asked; none when whoever asked has waited long enough, or the server has died over it.
    ///
    /// What takes no time, as reads do, is done with the step in which the question arrives: that is most of what a world
    /// does. The rest goes on by itself on the server.
    async fn carry_out<T: Send + 'static>(&self, mut work: BoxFuture<'static, Result<T, Fault>>) -> Option<Result<T, Fault>> {
        let Machine { kernel, node, .. } = &self.machine;
        let machine = self.machine.clone();
        if !kernel.is_frozen(*node) {
            let first = std::future::poll_fn(|context| Poll::Ready(work.as_mut().poll(context))).await;
            match first {
                Poll::Ready(_) if machine.disk.is_down() => {
                    machine.kill();
                    return None;
                }
                Poll::Ready(done) => return Some(done),
                Poll::Pending => {}
            }
        }
        let (send, answer) = oneshot::channel();
        let carry = async move {
            let done = work.await;
            if machine.disk.is_down() {
                return machine.crash().await;
            }
            let _ = send.send(done);
        };
        kernel.spawn(*node, Box::pin(carry));
        crate::within(kernel, PATIENCE, answer).await.and_then(Result::ok)
    }
}

/// Keeps the server up: starts it, and starts it again when it has died.
pub async fn keep_up(server: Server) {
    loop {
        if server.start().is_err() {
            server.machine.kill();
        }
        server.machine.death().await;
        server.close();
        let kernel = &server.machine.kernel;
        kernel.sleep(Duration::from_millis(50 + kernel.below(5_000))).await;
    }
}
