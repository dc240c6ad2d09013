//! Mutual TLS around the remote arm: both ends show a certificate of the platform's own authority.
//!
//! A certificate says for which services its process may speak: `orders` is `orders.comanda.internal` there, and a
//! process that holds several services carries several such names. A caller asks for the name of the service that it
//! calls, wherever that is; a callee believes a sender only what its certificate says.

use std::io;
use std::net::SocketAddr;
use std::path::{Path, PathBuf};
use std::sync::{Arc, PoisonError, RwLock};

use base::{BoxFuture, Fault, World};
use http::Uri;
use tokio::net::{TcpListener, TcpStream};
use tokio_rustls::rustls::client::{Resumption, WebPkiServerVerifier, verify_server_name};
use tokio_rustls::rustls::crypto::{CryptoProvider, ring};
use tokio_rustls::rustls::pki_types::pem::PemObject;
use tokio_rustls::rustls::pki_types::{CertificateDer, PrivateKeyDer, ServerName, UnixTime};
use tokio_rustls::rustls::server::{NoServerSessionStorage, ParsedCertificate, WebPkiClientVerifier};
use tokio_rustls::rustls::time_provider::TimeProvider;
use tokio_rustls::rustls::{self, ClientConfig, RootCertStore, ServerConfig, version};
use tokio_rustls::{TlsAcceptor, TlsConnector};

use crate::exchange::Exchange;
use crate::listen::{Greet, Peer};
use crate::remote::{Dial, PlainTcp, Stream};

/// What the names of services end in.
const DOMAIN: &str = "comanda.internal";
/// What is spoken inside.
const HTTP2: &[u8] = b"h2";

/// Where a process finds what it shows and what it believes, as PEM files.
#[derive(Debug, Clone)]
pub struct TlsFiles {
    /// The certificates of the platform's authority; several while one takes the place of another.
    pub authority: PathBuf,
    /// The process's own certificate, and those between it and the authority.
    pub certificate: PathBuf,
    /// The private key of the certificate.
    pub key: PathBuf,
}

/// A process's identity. Clones share it, so that all of them see a reload.
#[derive(Clone)]
pub struct Tls(Arc<Inner>);

struct Inner {
    files: TlsFiles,
    world: World,
    ends: RwLock<Ends>,
}

/// Both ends of the same identity.
#[derive(Clone)]
struct Ends {
    server: Arc<ServerConfig>,
    client: Arc<ClientConfig>,
}

impl Tls {
    /// Reads the files. Whether certificates still count is judged by the world's clock.
    pub fn load(files: TlsFiles, world: World) -> Result<Tls, Fault> {
        let ends = RwLock::new(Ends::read(&files, &world)?);
        Ok(Tls(Arc::new(Inner { files, world, ends })))
    }

    /// Reads the files again, for connections from now on; when they cannot be used, everything stays as it was.
    pub fn reload(&self) -> Result<(), Fault> {
        let ends = Ends::read(&self.0.files, &self.0.world)?;
        *self.0.ends.write().unwrap_or_else(PoisonError::into_inner) = ends;
        Ok(())
    }

    fn ends(&self) -> Ends {
        self.0.ends.read().unwrap_or_else(PoisonError::into_inner).clone()
    }
}

impl std::fmt::Debug for Tls {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "Tls({})", self.0.files.certificate.display())
    }
}

impl Exchange {
    /// Serves the services of this process to other machines, as [`Exchange::listen`] does on this one: to peers alone
    /// that show a certificate of the platform, and only what they say in the name that it carries.
    pub async fn listen_tls(&self, listener: TcpListener, tls: Tls, shutdown: impl Future<Output = ()>) {
        self.listen_greeting(listener, Arc::new(tls), shutdown).await;
    }
}

impl Dial for Tls {
    fn dial(&self, service: &str, peer: Uri) -> BoxFuture<'static, io::Result<Box<dyn Stream>>> {
        let connector = TlsConnector::from(self.ends().client);
        // A service's operator's desk is in its process, and has no name of its own.
        let name = name_of(service.split('.').next().unwrap_or_default())
            .ok_or_else(|| io::Error::other("the service has no name that a certificate can hold"));
        let dialing = PlainTcp.dial(service, peer);
        Box::pin(async move { Ok(Box::new(connector.connect(name?, dialing.await?).await?) as Box<dyn Stream>) })
    }
}

impl Greet for Tls {
    fn greet(&self, stream: TcpStream, _: SocketAddr) -> BoxFuture<'static, io::Result<(Box<dyn Stream>, Peer)>> {
        let acceptor = TlsAcceptor::from(self.ends().server);
        Box::pin(async move {
            let stream = acceptor.accept(stream).await?;
            let shown = stream.get_ref().1.peer_certificates().and_then(|chain| chain.first());
            let certificate = shown.ok_or_else(|| io::Error::other("no certificate was shown"))?.clone().into_owned();
            let peer: Peer = Arc::new(move |service| speaks_for(&certificate, service));
            Ok((Box::new(stream) as Box<dyn Stream>, peer))
        })
    }
}

/// Gives what a service is called in certificates.
fn name_of(service: &str) -> Option<ServerName<'static>> {
    ServerName::try_from(format!("{service}.{DOMAIN}")).ok()
}

fn speaks_for(certificate: &CertificateDer<'_>, service: &str) -> bool {
    let Some(name) = name_of(service).filter(|_| !service.contains('.')) else { return false };
    ParsedCertificate::try_from(certificate).is_ok_and(|parsed| verify_server_name(&parsed, &name).is_ok())
}

impl Ends {
    fn read(files: &TlsFiles, world: &World) -> Result<Ends, Fault> {
        let mut roots = RootCertStore::empty();
        for certificate in certificates(&files.authority)? {
            roots.add(certificate).map_err(|error| unusable(&files.authority, &error))?;
        }
        let roots = Arc::new(roots);
        let chain = certificates(&files.certificate)?;
        let key = PrivateKeyDer::from_pem_file(&files.key).map_err(|error| unusable(&files.key, &error))?;
        // Each of these fails only for a certificate or a key that does not fit.
        let unfit = |error: &dyn std::error::Error| unusable(&files.certificate, error);
        let server = server(&roots, chain.clone(), key.clone_key(), world).map_err(|error| unfit(&*error))?;
        let client = client(&roots, chain, key, world).map_err(|error| unfit(&*error))?;
        Ok(Ends { server: Arc::new(server), client: Arc::new(client) })
    }
}

type Unfit = Box<dyn std::error::Error>;

fn server(
    roots: &Arc<RootCertStore>,
    chain: Vec<CertificateDer<'static>>,
    key: PrivateKeyDer<'static>,
    world: &World,
) -> Result<ServerConfig, Unfit> {
    let verifier = WebPkiClientVerifier::builder_with_provider(roots.clone(), provider()).build()?;
    let builder = ServerConfig::builder_with_details(provider(), Arc::new(Clock(world.clone())));
    let builder = builder.with_protocol_versions(&[&version::TLS13])?.with_client_cert_verifier(verifier);
    let mut config = builder.with_single_cert(chain, key)?;
    config.alpn_protocols = vec![HTTP2.to_vec()];
    // A resumed session would go on with a certificate that has ended since.
    config.session_storage = Arc::new(NoServerSessionStorage {});
    config.send_tls13_tickets = 0;
    Ok(config)
}

fn client(
    roots: &Arc<RootCertStore>,
    chain: Vec<CertificateDer<'static>>,
    key: PrivateKeyDer<'static>,
    world: &World,
) -> Result<ClientConfig, Unfit> {
    let verifier = WebPkiServerVerifier::builder_with_provider(roots.clone(), provider()).build()?;
    let builder = ClientConfig::builder_with_details(provider(), Arc::new(Clock(world.clone())));
    let builder = builder.with_protocol_versions(&[&version::TLS13])?.with_webpki_verifier(verifier);
    let mut config = builder.with_client_auth_cert(chain, key)?;
    config.alpn_protocols = vec![HTTP2.to_vec()];
    config.resumption = Resumption::disabled();
    Ok(config)
}

fn provider() -> Arc<CryptoProvider> {
    Arc::new(ring::default_provider())
}

fn certificates(path: &Path) -> Result<Vec<CertificateDer<'static>>, Fault> {
    let read = CertificateDer::pem_file_iter(path).and_then(Iterator::collect::<Result<Vec<_>, _>>);
    let certificates = read.map_err(|error| unusable(path, &error))?;
    if certificates.is_empty() {
        return Err(unusable(path, &rustls::Error::NoCertificatesPresented));
    }
    Ok(certificates)
}

fn unusable(path: &Path, error: &dyn std::error::Error) -> Fault {
    let message = format!("The file {} holds no certificate or key that can be used.", path.display());
    Fault::internal("certificate_unusable", message).because(error)
}

/// Tells the time by the world.
#[derive(Debug)]
struct Clock(World);

impl TimeProvider for Clock {
    fn current_time(&self) -> Option<UnixTime> {
        let micros = u64::try_from(self.0.now().micros()).ok()?;
        Some(UnixTime::since_unix_epoch(std::time::Duration::from_micros(micros)))
    }
}
