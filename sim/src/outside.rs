//! What lies outside of the platform: the payment provider, a company of its own, and a mail drop.

use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

use axum::Router;
use axum::body::Body;
use base::{BoxFuture, Fault, World};
use embedded::{Mode, Options};
use host::IdSource;
use host::outside::{HttpOut, HttpRequest, HttpResponse, MailDrop};
use http_body_util::BodyExt;
use provider_mock::{Books, Settings};
use tokio::sync::oneshot;
use tower::ServiceExt;

use crate::machine::Machine;
use crate::story::{Kind, Note, order};
use crate::weather::Trouble;
use crate::world;

/// The node of the provider.
pub const PROVIDER: u32 = 1;
/// Who of the platform talks to the provider.
const ASKER: &str = "payments";
/// The provider's file on its disk.
pub const FILE: &str = "/provider.db";
/// The number in the ids that the provider gives.
const PROVIDER_IDS: u16 = 1_023;

/// Opens the provider on a file of its books.
pub async fn open_provider(machine: &Machine) -> Result<Router, Fault> {
    let ids = Arc::new(IdSource::new(PROVIDER_IDS, 0));
    let world = world::of_node(&machine.kernel, machine.node, machine.skew.clone(), ids);
    let options = Options { mode: Mode::Inline, vfs: Some(machine.disk.vfs().to_owned()), ..Options::default() };
    let books = Books::open_with(Path::new(FILE), options, world.clone()).await?;
    provider_mock::without_socket(books, Settings::default(), world).await
}

/// The way to the provider from a machine of the platform.
pub struct ToProvider {
    /// Who asks.
    pub from: Machine,
    /// The clock by which it waits.
    pub world: World,
    /// Where the provider lives.
    pub provider: Machine,
    /// The provider.
    pub router: Router,
}

fn lost() -> Fault {
    Fault::timeout("outside_answer_lost", "The service outside did not answer; what became of the request is unknown.")
}

impl ToProvider {
    async fn exchange(&self, request: HttpRequest) -> Result<HttpResponse, Fault> {
        let Machine { kernel, weather, .. } = &self.from;
        let text = if kernel.is_told() { request_text(&request) } else { String::new() };
        let asks = |how: &str| {
            let note = Note::new(Kind::Asked, ASKER, format!("{how}{text}")).to("provider").on(self.from.node);
            note.about(order::named(&text)).bad(!how.is_empty())
        };
        if weather.strikes(Trouble::ProviderAway, kernel) {
            kernel.tell(|| asks("[cannot be reached] "));
            return Err(Fault::unavailable("outside_unreachable", "The service outside could not be reached."));
        }
        if weather.strikes(Trouble::ProviderAskLost, kernel) {
            kernel.tell(|| asks("[is lost on its way] "));
            return std::future::pending().await;
        }
        let mut builder = http::Request::builder().method(request.method).uri(&request.url);
        for (name, value) in &request.headers {
            builder = builder.header(name, value);
        }
        let asked = builder
            .body(Body::from(request.body))
            .map_err(|error| Fault::internal("bad_outside_request", "The request cannot be made.").because(error))?;
        let sent = kernel.tell(|| asks(""));
        let answers = move |text: String, bad: bool| {
            let named = order::named(&text);
            let note = Note::new(Kind::Answered, "provider", text).to(ASKER).bad(bad).about(named);
            sent.map_or_else(|| note.clone(), |sent| note.clone().answering(sent))
        };
        let (send, answer) = oneshot::channel();
        let (router, wind, clock) = (self.router.clone(), weather.clone(), kernel.clone());
        let history = self.provider.history.clone();
        // On the provider's own machine: it goes on when whoever asked is gone.
        self.provider.kernel.spawn(
            self.provider.node,
            Box::pin(async move {
                clock.sleep(Duration::from_micros(5_000 + clock.below(60_000))).await;
                if wind.strikes(Trouble::ProviderStalls, &clock) {
                    clock.sleep(Duration::from_millis(1_000 + clock.below(9_000))).await;
                }
                if wind.strikes(Trouble::ProviderFails, &clock) {
                    clock.tell(|| answers("503".to_owned(), true));
                    let _ = send.send(Some(HttpResponse { status: 503, headers: vec![], body: bytes() }));
                    return;
                }
                let answer = router.oneshot(asked).await;
                let Ok(response) = answer;
                let (status, is_dropped) = (response.status(), provider_mock::is_dropped(&response));
                let body = response.into_body().collect().await.map(http_body_util::Collected::to_bytes).unwrap_or_default();
                history.provider(&body);
                if is_dropped || wind.strikes(Trouble::ProviderAnswerLost, &clock) {
                    clock.tell(|| answers(format!("{status}, and the answer is lost"), true));
                    let _ = send.send(None);
                    return;
                }
                let status = status.as_u16();
                clock.sleep(Duration::from_micros(clock.below(20_000))).await;
                clock.tell(|| answers(format!("{status} {}", String::from_utf8_lossy(&body)), status >= 400));
                let _ = send.send(Some(HttpResponse { status, headers: vec![], body }));
            }),
        );
        answer.await.ok().flatten().ok_or_else(lost)
    }
}

/// Writes a request down for the story.
fn request_text(request: &HttpRequest) -> String {
    let path = request.url.split_once("//").and_then(|(_, rest)| rest.split_once('/')).map_or("", |(_, path)| path);
    format!("{} /{path} {}", request.method, String::from_utf8_lossy(&request.body))
}

fn bytes() -> axum::body::Bytes {
    axum::body::Bytes::from_static(b"{}")
}

impl HttpOut for ToProvider {
    fn send(&self, request: HttpRequest) -> BoxFuture<'_, Result<HttpResponse, Fault>> {
        Box::pin(async move { self.world.within(request.timeout, self.exchange(request)).await? })
    }
}

/// A mail drop that the weather may close.
pub struct Mailbox(pub Machine);

impl MailDrop for Mailbox {
    fn drop_mail(&self, _: &str, message: &[u8]) -> BoxFuture<'_, Result<(), Fault>> {
        let failed = self.0.weather.strikes(Trouble::MailFails, &self.0.kernel);
        self.0.kernel.note(message.len() as u64);
        Box::pin(
            async move { if failed { Err(Fault::unavailable("mail_failed", "The mail fails on purpose.")) } else { Ok(()) } },
        )
    }
}
