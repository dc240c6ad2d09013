//! Comanda: an order platform in one binary.
//!
//! Owns: the list of services, the command line. Promises: every command says what it did, and exits non-zero when it did not.
//! Never: holds a rule of the business.
//! Start reading at [`up`].

mod audit;
mod backup;
mod client;
#[cfg(test)]
mod clock_tests;
mod lab;
mod load;
mod operate;
mod replay;
pub mod seed;
pub mod services;
mod settings;
mod sockets;
mod telemetry;
mod up;

use std::path::PathBuf;
use std::process::ExitCode;

use base::Fault;
use clap::{Args, Parser, Subcommand};
use rustix::fs::Mode;

/// An order platform in one binary: menu, orders, payments, stock, kitchen, delivery.
#[derive(Parser)]
#[command(name = "comanda", version)]
struct Cli {
    #[command(subcommand)]
    command: Command,
}

/// Where a running platform is, and how to show oneself there.
#[derive(Args, Clone)]
pub struct Remote {
    /// The data folder of the platform; its staff token is read from there.
    #[arg(long, default_value = "comanda-data", global = true)]
    pub data: PathBuf,
    /// The address of the running platform.
    #[arg(long, default_value = "http://127.0.0.1:8080", global = true)]
    pub url: String,
}

#[derive(Subcommand)]
enum Command {
    /// Runs the whole platform in this process, on one data folder.
    Up(up::Options),
    /// Runs the payment provider mock by itself.
    ProviderMock(up::ProviderOptions),
    /// Sends the orders of a file through HTTP, as customers would.
    Replay(replay::Options),
    /// Checks the promises on the data of a platform.
    Audit(audit::Options),
    /// Shows what services say, live.
    Events(operate::EventsOptions),
    /// Lists, shows, redrives or discards dead letters.
    #[command(subcommand)]
    Dlq(operate::Dlq),
    /// Pauses a service: its rpcs answer unavailable, its reactions wait.
    Pause(operate::ServiceOptions),
    /// Resumes a paused service.
    Resume(operate::ServiceOptions),
    /// Copies the data of a platform, running or not, into one file.
    Backup(backup::BackupOptions),
    /// Makes a data folder of a backup.
    Restore(backup::RestoreOptions),
    /// Measures: the platform, the ceiling of the machine, and their ratio.
    Lab(lab::Options),
}

/// Runs what the command line says.
pub fn main() -> ExitCode {
    let cli = Cli::parse();
    // What is written here holds people's names and addresses, and secrets: it is for its owner alone, whoever made the folder.
    rustix::process::umask(Mode::RWXG | Mode::RWXO);
    telemetry::begin_logs();
    sockets::allow_many();
    let outcome = runtime(&cli.command).and_then(|runtime| runtime.block_on(run(cli.command)));
    match outcome {
        Ok(code) => code,
        Err(fault) => {
            eprintln!("comanda: {}", fault.message);
            if let Some(cause) = &fault.cause {
                eprintln!("  because: {cause}");
            }
            eprintln!("  ({})", fault.code);
            ExitCode::FAILURE
        }
    }
}

/// After how many tasks a busy thread looks whether anybody has sent something or a time has come. Tasks are not alike: a round of
/// a lane is one, and so is reading a request, so whoever orders would wait behind as many rounds as there are between two looks.
const TASKS_BETWEEN_LOOKS: u32 = 13;

fn runtime(command: &Command) -> Result<tokio::runtime::Runtime, Fault> {
    let mut builder = tokio::runtime::Builder::new_multi_thread();
    if let Command::Lab(options) = command
        && options.is_load()
    {
        // The platform measured lives in another process: a load with threads of its own to wake would take from it.
        builder.worker_threads(1);
    }
    builder
        .event_interval(TASKS_BETWEEN_LOOKS)
        .enable_all()
        .build()
        .map_err(|error| Fault::internal("no_runtime", "The program could not start its threads.").because(error))
}

async fn run(command: Command) -> Result<ExitCode, Fault> {
    match command {
        Command::Up(options) => up::run(options).await,
        Command::ProviderMock(options) => up::run_provider(options).await,
        Command::Replay(options) => replay::run(options).await,
        Command::Audit(options) => audit::run(options).await,
        Command::Events(options) => operate::events(options).await,
        Command::Dlq(command) => operate::dlq(command).await,
        Command::Pause(options) => operate::set_paused(options, true).await,
        Command::Resume(options) => operate::set_paused(options, false).await,
        Command::Backup(options) => backup::backup(options).await,
        Command::Restore(options) => backup::restore(options),
        Command::Lab(options) => lab::run(options).await,
    }
}
