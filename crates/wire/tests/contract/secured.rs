//! Between machines: only the platform's own processes are heard, and each only as the services that it is.

use std::fs;
use std::sync::Arc;
use std::time::Duration;

use base::{Fault, Kind, World};
use rcgen::{BasicConstraints, CertificateParams, DnType, IsCa, Issuer, KeyPair, date_time_ymd};
use tempfile::TempDir;
use tokio_rustls::rustls::pki_types::pem::PemObject;
use tokio_rustls::rustls::pki_types::{CertificateDer, ServerName};
use tokio_rustls::rustls::{ClientConfig, RootCertStore, crypto};
use wire::{Dial, Exchange, PlainTcp, Policy, Stream, Tls, TlsFiles};

use crate::house::{House, Paused, key, listening_tls, say};

/// An authority that lives as long as a test.
pub struct Authority {
    issuer: Issuer<'static, KeyPair>,
    pem: String,
    folder: TempDir,
}

impl Authority {
    pub fn new() -> Authority {
        let mut params = CertificateParams::default();
        params.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
        params.distinguished_name.push(DnType::CommonName, "Comanda tests");
        let key = KeyPair::generate().unwrap();
        let pem = params.self_signed(&key).unwrap().pem();
        Authority { issuer: Issuer::new(params, key), pem, folder: tempfile::tempdir().unwrap() }
    }

    /// Gives the identity of a process that holds services.
    pub fn identity(&self, world: &World, services: &[&str]) -> Tls {
        Tls::load(self.issue(services, 2_100), world.clone()).unwrap()
    }

    /// Writes what a process needs; its certificate ends with the first day of a year.
    fn issue(&self, services: &[&str], ends_year: i32) -> TlsFiles {
        let path = |name: &str| self.folder.path().join(format!("{}.{name}.pem", services.join("-")));
        let files = TlsFiles { authority: path("authority"), certificate: path("certificate"), key: path("key") };
        let names: Vec<String> = services.iter().map(|service| format!("{service}.comanda.internal")).collect();
        let mut params = CertificateParams::new(names).unwrap();
        params.not_after = date_time_ymd(ends_year, 1, 1);
        let key = KeyPair::generate().unwrap();
        let certificate = params.signed_by(&key, &self.issuer).unwrap();
        fs::write(&files.authority, &self.pem).unwrap();
        fs::write(&files.certificate, certificate.pem()).unwrap();
        fs::write(&files.key, key.serialize_pem()).unwrap();
        files
    }
}

/// A callee that is the echo service, and callers that reach it in their own way.
struct Door {
    house: House,
    authority: Authority,
}

impl Door {
    async fn open() -> Door {
        let authority = Authority::new();
        let house = House::empty();
        let tls = authority.identity(&house.world, &["echo"]);
        Door::of(house, authority, tls).await
    }

    async fn of(mut house: House, authority: Authority, tls: Tls) -> Door {
        house.callee = Exchange::new(house.world.clone(), key());
        house.start_echo();
        let (address, stop) = listening_tls(&house.callee, tls).await;
        (house.address, house.stop) = (Some(address), Some(stop));
        Door { house, authority }
    }

    /// Asks as `tests`, once.
    async fn ask(&self, dial: impl Dial) -> Result<String, Fault> {
        self.ask_as("tests", dial).await
    }

    async fn ask_as(&self, from: &'static str, dial: impl Dial) -> Result<String, Fault> {
        let caller = Exchange::dialing(self.house.world.clone(), key(), dial);
        caller.connect_remote("echo", format!("https://{}", self.house.address.unwrap()).parse().unwrap());
        say(&caller.channel(from, "echo", Policy { retries: 0, ..Policy::default() }), "a").await
    }

    fn known(&self, services: &[&str]) -> Tls {
        self.authority.identity(&self.house.world, services)
    }

    /// The caller is told that it cannot be, and not why; nobody was asked.
    fn turned_away(&self, asked: Result<String, Fault>) {
        let fault = asked.unwrap_err();
        assert_eq!(fault.kind, Kind::Unavailable, "{fault:?}");
        assert!(["service_unreachable", "transport_failed"].contains(&fault.code.as_str()), "{fault:?}");
        let told = serde_json::to_string(&fault).unwrap().to_lowercase();
        for detail in ["certificate", "tls", "pem", "expired", "127.0.0.1", "comanda.internal"] {
            assert!(!told.contains(detail), "{told}");
        }
        assert_eq!(self.house.notes.calls(), 0);
    }
}

/// Encrypts, but shows nothing.
struct Nameless(Authority);

impl Dial for Nameless {
    fn dial(&self, service: &str, peer: http::Uri) -> base::BoxFuture<'static, std::io::Result<Box<dyn Stream>>> {
        let mut roots = RootCertStore::empty();
        roots.add(CertificateDer::from_pem_slice(self.0.pem.as_bytes()).unwrap()).unwrap();
        let provider = Arc::new(crypto::ring::default_provider());
        let config = ClientConfig::builder_with_provider(provider).with_safe_default_protocol_versions().unwrap();
        let config = config.with_root_certificates(roots).with_no_client_auth();
        let connector = tokio_rustls::TlsConnector::from(Arc::new(config));
        let stream = PlainTcp.dial(service, peer);
        let name = ServerName::try_from("echo.comanda.internal").unwrap();
        Box::pin(async move { Ok(Box::new(connector.connect(name, stream.await?).await?) as Box<dyn Stream>) })
    }
}

#[tokio::test(start_paused = true)]
async fn who_shows_no_certificate_is_turned_away() {
    let Door { house, authority } = Door::open().await;
    let nameless = Nameless(authority);
    let door = Door { house, authority: Authority::new() };
    let asked = door.ask(nameless).await;
    door.turned_away(asked);
}

#[tokio::test(start_paused = true)]
async fn who_comes_from_another_authority_is_turned_away() {
    let door = Door::open().await;
    let stranger = Authority::new();
    // It knows whom it talks to, but is not known itself.
    let files = TlsFiles { authority: door.authority.issue(&["echo"], 2_100).authority, ..stranger.issue(&["tests"], 2_100) };
    let tls = Tls::load(files, door.house.world.clone()).unwrap();
    let asked = door.ask(tls).await;
    door.turned_away(asked);
    assert_eq!(door.ask(door.known(&["tests"])).await.unwrap(), "a");
}

#[tokio::test(start_paused = true)]
async fn a_service_of_another_authority_is_not_asked() {
    let door = Door::open().await;
    let asked = door.ask(Authority::new().identity(&door.house.world, &["tests"])).await;
    door.turned_away(asked);
}

#[tokio::test(start_paused = true)]
async fn a_service_with_the_name_of_another_is_not_asked() {
    let (house, authority) = (House::empty(), Authority::new());
    let tls = authority.identity(&house.world, &["payments"]);
    let door = Door::of(house, authority, tls).await;
    let asked = door.ask(door.known(&["tests"])).await;
    door.turned_away(asked);
}

#[tokio::test(start_paused = true)]
async fn a_certificate_counts_until_it_ends() {
    let door = Door::open().await;
    let ends_soon = Tls::load(door.authority.issue(&["tests"], 2_016), door.house.world.clone()).unwrap();
    assert_eq!(door.ask(ends_soon.clone()).await.unwrap(), "a");
    door.house.clock.jump(Duration::from_secs(400 * 86_400));
    let asked = door.ask(ends_soon).await;
    assert_eq!(asked.unwrap_err().kind, Kind::Unavailable);
    assert_eq!(door.house.notes.calls(), 1);
    assert_eq!(door.ask(door.known(&["tests"])).await.unwrap(), "a");
}

#[tokio::test(start_paused = true)]
async fn a_service_whose_certificate_has_ended_is_not_asked_until_it_has_read_another() {
    let (house, authority) = (House::empty(), Authority::new());
    let files = authority.issue(&["echo"], 2_000);
    let tls = Tls::load(files.clone(), house.world.clone()).unwrap();
    let door = Door::of(house, authority, tls.clone()).await;
    let asked = door.ask(door.known(&["tests"])).await;
    door.turned_away(asked);

    door.authority.issue(&["echo"], 2_100);
    tls.reload().unwrap();
    assert_eq!(door.ask(door.known(&["tests"])).await.unwrap(), "a");
    for (file, content) in [(&files.key, "no key"), (&files.certificate, ""), (&files.authority, "")] {
        let before = fs::read(file).unwrap();
        fs::write(file, content).unwrap();
        let fault = tls.reload().unwrap_err();
        assert_eq!((fault.kind, fault.code.as_str()), (Kind::Internal, "certificate_unusable"));
        fs::write(file, before).unwrap();
    }
    fs::write(&files.key, KeyPair::generate().unwrap().serialize_pem()).unwrap();
    assert_eq!(tls.reload().unwrap_err().code, "certificate_unusable", "the key of another certificate");
    assert_eq!(door.ask(door.known(&["tests"])).await.unwrap(), "a", "what cannot be read changes nothing");
}

#[tokio::test(start_paused = true)]
async fn who_speaks_plainly_to_tls_is_turned_away() {
    let door = Door::open().await;
    let asked = door.ask(PlainTcp).await;
    door.turned_away(asked);
}

#[tokio::test(start_paused = true)]
async fn who_speaks_tls_does_not_speak_plainly() {
    let house = House::remote().await;
    let door = Door { house, authority: Authority::new() };
    let asked = door.ask(door.known(&["tests"])).await;
    door.turned_away(asked);
}

#[tokio::test(start_paused = true)]
async fn a_peer_speaks_only_for_the_services_that_it_is() {
    let door = Door::open().await;
    let fault = door.ask_as("orders", door.known(&["tests"])).await.unwrap_err();
    assert_eq!((fault.kind, fault.code.as_str()), (Kind::Unauthenticated, "caller_forged"));
    for from in ["echo", "test", "", "tests.comanda.internal", "*", "."] {
        let from = Box::leak(from.to_owned().into_boxed_str());
        assert_eq!(door.ask_as(from, door.known(&["tests"])).await.unwrap_err().code, "caller_forged", "{from:?}");
    }
    assert_eq!(door.house.notes.calls(), 0);
    for from in ["orders", "payments"] {
        assert_eq!(door.ask_as(from, door.known(&["payments", "orders"])).await.unwrap(), "a");
    }
    assert_eq!(door.house.notes.last().from.as_deref(), Some("payments"));
}

#[tokio::test(start_paused = true)]
async fn a_service_is_called_only_by_those_that_say_they_need_it() {
    let door = Door::open().await;
    door.house.callee.admit_only(|from, to| (from, to) == ("orders", "echo"));
    let fault = door.ask_as("kitchen", door.known(&["kitchen"])).await.unwrap_err();
    assert_eq!((fault.kind, fault.code.as_str()), (Kind::Denied, "caller_not_allowed"));
    assert_eq!(door.house.notes.calls(), 0);
    assert_eq!(door.ask_as("orders", door.known(&["orders"])).await.unwrap(), "a");
}

#[tokio::test(start_paused = true)]
async fn a_peer_that_says_nothing_is_not_waited_for() {
    let door = Door::open().await;
    let mut silent = tokio::net::TcpStream::connect(door.house.address.unwrap()).await.unwrap();
    let mut byte = [0];
    let read = tokio::time::timeout(Duration::from_secs(60), tokio::io::AsyncReadExt::read(&mut silent, &mut byte)).await;
    assert_eq!(read.unwrap().unwrap(), 0, "the other end has closed");
}

#[tokio::test(start_paused = true)]
async fn what_cannot_be_used_says_which_file() {
    let (authority, world) = (Authority::new(), World::new(Paused::new()));
    let files = authority.issue(&["orders"], 2_100);
    let missing = TlsFiles { key: "/nowhere/key.pem".into(), ..files };
    let fault = Tls::load(missing, world).unwrap_err();
    assert_eq!(fault.code, "certificate_unusable");
    assert!(fault.message.contains("/nowhere/key.pem"), "{fault:?}");
}
