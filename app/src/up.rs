//! `comanda up`: the whole platform in one process.

use std::net::SocketAddr;
use std::path::PathBuf;
use std::process::ExitCode;
use std::sync::Arc;
use std::time::Duration;

use base::{Fault, World};
use clap::Args;
use embedded::Options as DatabaseOptions;
use host::outside::{MailFolder, RealHttp};
use host::{Boot, Folder, IdSource, Outside, Platform, keeper};
use metrics_exporter_prometheus::PrometheusHandle;
use provider_mock::{Books, Settings as ProviderSettings};
use tokio::net::TcpListener;
use tokio::sync::watch;
use topology::Topology;

use crate::{seed, services, settings, telemetry};

/// How often what was measured is summed up: until then every single measurement takes memory, whether or not anybody asks.
const METRICS_EVERY: Duration = Duration::from_secs(2);
/// What the topology of this binary declares.
const TOPOLOGY: &str = include_str!("../../topology.toml");
/// How long open requests may take to end after Ctrl-C.
const DRAIN: Duration = Duration::from_secs(5);
/// How many mails the outbox folder holds when nobody says.
const MAIL_FILES_MAX: usize = 10_000;

/// How to run the platform.
#[derive(Args, Clone)]
pub struct Options {
    /// The folder that holds everything the platform keeps.
    #[arg(long, default_value = "comanda-data")]
    pub data: PathBuf,
    /// Where to listen for HTTP.
    #[arg(long, default_value = "127.0.0.1:8080")]
    pub listen: SocketAddr,
    /// Where the payment provider mock of this process listens.
    #[arg(long, default_value = "127.0.0.1:0")]
    pub provider_listen: SocketAddr,
    /// A setting, as name=value; may be given several times.
    #[arg(long = "set", value_name = "NAME=VALUE")]
    pub set: Vec<String>,
    /// Begin with a shop, its kitchen and an empty menu instead of the small one; it stays so at later starts.
    #[arg(long)]
    pub bare: bool,
    /// Serve the pages of this folder instead of those inside the binary: for whoever works on them.
    #[arg(long, value_name = "FOLDER")]
    pub web: Option<PathBuf>,
}

/// How to run the provider mock by itself.
#[derive(Args, Clone)]
pub struct ProviderOptions {
    /// The folder of its books.
    #[arg(long, default_value = "comanda-data/provider")]
    pub data: PathBuf,
    /// Where to listen for HTTP.
    #[arg(long, default_value = "127.0.0.1:8090")]
    pub listen: SocketAddr,
}

/// A platform that runs, with its doors open.
pub struct Running {
    /// The platform.
    pub platform: Platform,
    /// Where it listens.
    pub address: SocketAddr,
    /// Where its provider mock listens, if it has one.
    pub provider: Option<SocketAddr>,
    folder: Folder,
    closing: watch::Sender<bool>,
    doors: tokio::task::JoinSet<Result<(), Fault>>,
}

/// Runs until Ctrl-C or SIGTERM.
pub async fn run(options: Options) -> Result<ExitCode, Fault> {
    let metrics = telemetry::begin_metrics()?;
    let running = start(&options, metrics).await?;
    let url = format!("http://{}", running.address);
    println!("Comanda is up.");
    println!("  shop        {url}/");
    println!("  menu        {url}/v1/menu");
    println!("  try the API {url}/docs/api");
    println!("  metrics     {url}/metrics");
    println!("  data        {}", options.data.display());
    println!("  staff token {}", options.data.join("staff.token").display());
    if let Some(provider) = running.provider {
        println!("  payment provider mock http://{provider}");
    }
    println!("Order a pizza:");
    println!("  curl -s {url}/api/v1/orders -H 'content-type: application/json' \\");
    println!(
        "    -d '{{\"items\":[{{\"pizzaId\":\"margherita\",\"quantity\":1}}],\"deliveryAddress\":\"1 Test Street\",\"paymentMethod\":\"card\"}}'"
    );
    println!("Stop with Ctrl-C.");
    asked_to_stop().await?;
    println!("Stopping…");
    running.stop().await?;
    println!("Stopped; everything is on the disk.");
    Ok(ExitCode::SUCCESS)
}

/// Runs the provider mock until Ctrl-C or SIGTERM.
pub async fn run_provider(options: ProviderOptions) -> Result<ExitCode, Fault> {
    let ids = Arc::new(host::IdSource::new(1_023, 0));
    let world = host::RealWorld::begin(ids)?;
    let listener = listen(options.listen).await?;
    make_folder(&options.data)?;
    let books = Books::open(&options.data.join("provider.db"), world.clone()).await?;
    println!("The payment provider mock listens on http://{}.", options.listen);
    let stop = async {
        let _ = asked_to_stop().await;
    };
    provider_mock::serve(listener, books, ProviderSettings::default(), world, stop).await?;
    Ok(ExitCode::SUCCESS)
}

/// Starts a platform and opens its doors.
pub async fn start(options: &Options, metrics: PrometheusHandle) -> Result<Running, Fault> {
    start_in(options, metrics, |world, _| world).await
}

/// Starts a platform in a world that is made of the real one and its ids.
#[allow(clippy::disallowed_methods)] // The process's own tasks: its doors to the outside.
pub async fn start_in(
    options: &Options,
    metrics: PrometheusHandle,
    dress: impl FnOnce(World, Arc<IdSource>) -> World,
) -> Result<Running, Fault> {
    let folder = Folder::open(&options.data)?;
    let listener = listen(options.listen).await?;
    let address = listener.local_addr().map_err(|error| cannot_listen(options.listen, &error))?;
    let mut settings = settings::read(&options.data, &options.set)?;
    let flush_delay = settings.get("flush_delay_ms").and_then(|text| text.parse().ok()).map(Duration::from_millis);
    let database_options = DatabaseOptions { flush_delay, ..DatabaseOptions::default() };
    let (database, world, ids) = Boot::open_database(&folder.path("comanda.db"), database_options)?;
    let world = dress(world, ids.clone());
    keeper::keep_ids(database.clone(), world.clone(), ids).await?;
    let (closing, closed) = watch::channel(false);
    let mut doors = tokio::task::JoinSet::new();
    let provider = if settings.contains_key("provider_url") {
        None
    } else {
        let provider = open_provider(&folder, options.provider_listen, world.clone(), closed.clone(), &mut doors).await?;
        settings.insert("provider_url".to_owned(), format!("http://{provider}"));
        Some(provider)
    };
    let mail_files = settings.get("mail_files_max").and_then(|text| text.parse().ok()).unwrap_or(MAIL_FILES_MAX);
    let boot = Boot {
        world: world.clone(),
        key: folder.key().clone(),
        exchange: wire::Exchange::new(world.clone(), folder.key().clone()),
        database,
        topology: Arc::new(Topology::parse(TOPOLOGY).map_err(|report| Fault::internal("bad_topology", report.to_string()))?),
        outside: Outside {
            http: Arc::new(RealHttp::new(world.clone())),
            mail: Arc::new(MailFolder::new(folder.path("outbox"), mail_files)),
        },
        settings,
    };
    let platform = Platform::start(boot, services::all()).await?;
    seed::if_empty(&platform, options.bare).await?;
    let (kept, upkeep) = (world.clone(), metrics.clone());
    world.spawn("metrics", async move {
        loop {
            kept.sleep(METRICS_EVERY).await;
            upkeep.run_upkeep();
        }
    });
    let mut config = edge::EdgeConfig::new(folder.staff_token());
    config.web.clone_from(&options.web);
    let edge = edge::Edge::new(platform.ctx("gateway"), config, Arc::new(move || metrics.render()));
    doors.spawn(edge::serve(listener, edge.router(), world, until(closed)));
    Ok(Running { platform, address, provider, folder, closing, doors })
}

impl Running {
    /// Gives the staff's token.
    pub fn staff_token(&self) -> &str {
        self.folder.staff_token()
    }

    /// Closes the doors, lets open requests end, and closes the file.
    pub async fn stop(mut self) -> Result<(), Fault> {
        let _ = self.closing.send(true);
        let world = self.platform.world().clone();
        let ended = world.within(DRAIN, async { while self.doors.join_next().await.is_some() {} }).await;
        if ended.is_err() {
            tracing::warn!("some requests were cut off");
        }
        self.platform.database().close();
        Ok(())
    }
}

async fn open_provider(
    folder: &Folder,
    listen_at: SocketAddr,
    world: World,
    closed: watch::Receiver<bool>,
    doors: &mut tokio::task::JoinSet<Result<(), Fault>>,
) -> Result<SocketAddr, Fault> {
    let path = folder.path("provider");
    make_folder(&path)?;
    let books = Books::open(&path.join("provider.db"), world.clone()).await?;
    let listener = listen(listen_at).await?;
    let address = listener.local_addr().map_err(|error| cannot_listen(listen_at, &error))?;
    doors.spawn(provider_mock::serve(listener, books, ProviderSettings::default(), world, until(closed)));
    Ok(address)
}

async fn until(mut closed: watch::Receiver<bool>) {
    let _ = closed.wait_for(|closed| *closed).await;
}

#[allow(clippy::disallowed_methods)] // The doors of the process.
async fn listen(address: SocketAddr) -> Result<TcpListener, Fault> {
    TcpListener::bind(address).await.map_err(|error| cannot_listen(address, &error))
}

fn cannot_listen(address: SocketAddr, error: &std::io::Error) -> Fault {
    Fault::conflict(
        "cannot_listen",
        format!("Nothing can listen on {address}: is another program there? Choose another address with --listen."),
    )
    .because(error)
}

#[allow(clippy::disallowed_methods)] // The folder of the provider's books.
fn make_folder(path: &std::path::Path) -> Result<(), Fault> {
    std::fs::create_dir_all(path)
        .map_err(|error| Fault::internal("data_folder_failed", format!("{} could not be made.", path.display())).because(error))
}

pub async fn asked_to_stop() -> Result<(), Fault> {
    use tokio::signal::unix::{SignalKind, signal};
    let failed = |error: std::io::Error| Fault::internal("no_signals", "The program cannot be told to stop.").because(error);
    let mut terminate = signal(SignalKind::terminate()).map_err(failed)?;
    let mut interrupt = signal(SignalKind::interrupt()).map_err(failed)?;
    tokio::select! {
        _ = terminate.recv() => {}
        _ = interrupt.recv() => {}
    }
    Ok(())
}
