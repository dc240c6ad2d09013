//! A platform in a process of its own, for measuring from outside.
#![allow(clippy::disallowed_methods)] // Measurements live in real time, on real processes.

use std::net::SocketAddr;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

use base::Fault;
use rustix::process::{Pid, Signal, kill_process};

use crate::client::Client;

/// How long a platform may take to answer after its start.
const START: Duration = Duration::from_secs(30);

fn failed(what: &str, error: impl std::fmt::Display) -> Fault {
    Fault::internal("lab_failed", format!("{what}.")).because(error)
}

/// A folder that goes away with the value.
pub struct Scratch(PathBuf);

impl Scratch {
    /// Makes one.
    pub fn new() -> Result<Scratch, Fault> {
        let path = std::env::temp_dir().join(format!("comanda-lab-{}-{}", std::process::id(), crate::operate::fresh_key()?));
        std::fs::create_dir_all(&path).map_err(|error| failed("No folder could be made", error))?;
        Ok(Scratch(path))
    }

    /// Gives its path.
    pub fn path(&self) -> &Path {
        &self.0
    }

    /// Leaves it where it is.
    pub fn keep(self) {
        std::mem::forget(self);
    }
}

impl Drop for Scratch {
    fn drop(&mut self) {
        let _ = std::fs::remove_dir_all(&self.0);
    }
}

/// A platform that runs in a child process.
pub struct Platform {
    child: Child,
    data: PathBuf,
    port: u16,
    begun: Instant,
    /// Talks to it.
    pub client: Client,
    /// Where its provider mock listens.
    pub provider: SocketAddr,
    /// How long it took from its start to its first answer.
    pub started_in: Duration,
}

impl Platform {
    /// Starts one on a folder, at free ports, and waits until it answers.
    pub async fn start(data: &Path, settings: &[String]) -> Result<Platform, Fault> {
        let mut platform = Platform::begin(data, settings, free_port()?, free_port()?)?;
        platform.answers().await?;
        Ok(platform)
    }

    /// Starts one on a folder, at given ports; it may take a moment until it answers.
    pub fn begin(data: &Path, settings: &[String], port: u16, provider_port: u16) -> Result<Platform, Fault> {
        let provider = SocketAddr::from(([127, 0, 0, 1], provider_port));
        let program = std::env::current_exe().map_err(|error| failed("The program does not know itself", error))?;
        let log = std::fs::OpenOptions::new()
            .create(true)
            .append(true)
            .open(data.with_extension("log"))
            .map_err(|error| failed("No log could be made", error))?;
        let mut command = Command::new(program);
        command
            .arg("up")
            .arg("--data")
            .arg(data)
            .arg("--listen")
            .arg(format!("127.0.0.1:{port}"))
            .arg("--provider-listen")
            .arg(provider.to_string());
        for setting in settings {
            command.arg("--set").arg(setting);
        }
        let begun = Instant::now();
        let child = command
            .stdout(Stdio::null())
            .stderr(log)
            .spawn()
            .map_err(|error| failed("The platform could not be started", error))?;
        let url = format!("http://127.0.0.1:{port}");
        Ok(Platform {
            child,
            data: data.to_owned(),
            port,
            client: Client::new(&url, ""),
            provider,
            begun,
            started_in: Duration::ZERO,
        })
    }

    /// Waits until it answers.
    pub async fn answers(&mut self) -> Result<(), Fault> {
        loop {
            // The token's file is made by its first start.
            if let Ok(client) = Client::of_folder(self.client.url(), &self.data)
                && client.get("/readyz").await.is_ok_and(|answer| answer.status == 200)
            {
                self.client = client;
                self.started_in = self.begun.elapsed();
                return Ok(());
            }
            if self.begun.elapsed() > START {
                return Err(Fault::timeout("lab_failed", "The platform did not start; see the log beside its data folder."));
            }
            tokio::time::sleep(Duration::from_millis(5)).await;
        }
    }

    /// Tells at which port it listens.
    pub fn port(&self) -> u16 {
        self.port
    }

    /// Tells how long ago it was started.
    pub fn age(&self) -> Duration {
        self.begun.elapsed()
    }

    /// Kills it as a power cut would kill a process: at once, wherever it is.
    pub fn kill(&mut self) -> Result<(), Fault> {
        self.child
            .kill()
            .and_then(|()| self.child.wait())
            .map(drop)
            .map_err(|error| failed("The platform could not be killed", error))
    }

    /// Tells whether it has ended by itself.
    pub fn has_ended(&mut self) -> Result<bool, Fault> {
        self.child.try_wait().map(|status| status.is_some()).map_err(|error| failed("Nobody knows whether it runs", error))
    }

    /// Lets it stand still, wherever it is.
    pub fn stand_still(&self) -> Result<(), Fault> {
        self.signal(Signal::STOP)
    }

    /// Lets it go on.
    pub fn go_on(&self) -> Result<(), Fault> {
        self.signal(Signal::CONT)
    }

    fn signal(&self, signal: Signal) -> Result<(), Fault> {
        let pid = i32::try_from(self.child.id()).ok().and_then(Pid::from_raw);
        let pid = pid.ok_or_else(|| failed("The platform has no number", self.child.id()))?;
        kill_process(pid, signal).map_err(|error| failed("The platform could not be signalled", error))
    }

    /// Tells how much memory it holds, in bytes.
    pub fn resident_bytes(&self) -> u64 {
        self.memory("VmRSS:")
    }

    /// Tells the most memory that it has ever held, in bytes.
    pub fn peak_bytes(&self) -> u64 {
        self.memory("VmHWM:")
    }

    fn memory(&self, name: &str) -> u64 {
        let status = std::fs::read_to_string(format!("/proc/{}/status", self.child.id())).unwrap_or_default();
        let line = status.lines().find_map(|line| line.strip_prefix(name));
        line.and_then(|line| line.split_whitespace().next()?.parse::<u64>().ok()).unwrap_or(0) * 1_024
    }

    /// Tells how much processor time it has used, in seconds.
    pub fn cpu_seconds(&self) -> f64 {
        cpu_seconds_of(&self.child.id().to_string())
    }

    /// Tells it to end and waits until it has.
    pub fn stop(mut self) -> Result<(), Fault> {
        let ended = Command::new("kill").arg("-INT").arg(self.child.id().to_string()).status();
        ended.map_err(|error| failed("The platform could not be told to stop", error))?;
        self.child.wait().map(drop).map_err(|error| failed("The platform did not end", error))
    }
}

impl Drop for Platform {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

/// Tells how much processor time this process has used, in seconds.
pub fn own_cpu_seconds() -> f64 {
    cpu_seconds_of("self")
}

fn cpu_seconds_of(process: &str) -> f64 {
    let stat = std::fs::read_to_string(format!("/proc/{process}/stat")).unwrap_or_default();
    let fields: Vec<&str> = stat.rsplit(')').next().unwrap_or_default().split_whitespace().collect();
    let ticks = |place: usize| fields.get(place).and_then(|field| field.parse::<f64>().ok()).unwrap_or(0.0);
    // Fields 14 and 15 of proc(5): user and system time, in hundredths of a second.
    (ticks(11) + ticks(12)) / 100.0
}

/// Settings under which nobody waits for an oven or a courier: only the platform's own work is left.
pub fn hurried(more: &[&str]) -> Vec<String> {
    let fast =
        ["kitchen_time_scale=1000000", "kitchen_places=100", "delivery_time_scale=1000000", "rate_limit_per_second=1000000"];
    fast.iter().chain(more).map(|setting| (*setting).to_owned()).collect()
}

/// Finds a port that is free now.
pub fn free_port() -> Result<u16, Fault> {
    let listener = std::net::TcpListener::bind("127.0.0.1:0").map_err(|error| failed("There is no free port", error))?;
    listener.local_addr().map(|address| address.port()).map_err(|error| failed("There is no free port", error))
}
