//! Where the tests live: a world on a paused clock, an echo service, and an exchange on each end.

use std::collections::VecDeque;
use std::net::SocketAddr;
use std::sync::atomic::{AtomicI64, AtomicU32, AtomicU64, Ordering};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use base::world::Runtime;
use base::{BoxFuture, Fault, PlatformKey, Principal, Timestamp, World};
use tokio::sync::{Notify, oneshot};
use tokio_stream::Stream;
use tonic::codegen::tokio_stream;
use tonic::{Request, Response, Status, Streaming};
use wire::{Call, Channel, Exchange, Policy, Tls};

use crate::echo_generated::echo_client::EchoClient;
use crate::echo_generated::echo_server::{Echo, EchoServer};
use crate::echo_generated::{Number, Numbers, Words};
use crate::secured::Authority;

/// A world on tokio's paused clock; its wall clock can be set off.
#[derive(Clone)]
pub struct Paused(Arc<Clock>);

struct Clock {
    start: tokio::time::Instant,
    skew_micros: AtomicI64,
    chance: AtomicU64,
    ids: AtomicI64,
}

impl Paused {
    pub fn new() -> Paused {
        Paused(Arc::new(Clock {
            start: tokio::time::Instant::now(),
            skew_micros: AtomicI64::new(0),
            chance: AtomicU64::new(7),
            ids: AtomicI64::new(1),
        }))
    }

    pub fn jump(&self, span: Duration) {
        self.0.skew_micros.fetch_add(i64::try_from(span.as_micros()).unwrap(), Ordering::SeqCst);
    }
}

impl Runtime for Paused {
    fn now(&self) -> Timestamp {
        let skew = self.0.skew_micros.load(Ordering::SeqCst);
        Timestamp::from_micros(1_420_000_000_000_000 + skew) + self.monotonic()
    }

    fn monotonic(&self) -> Duration {
        self.0.start.elapsed()
    }

    fn sleep(&self, span: Duration) -> BoxFuture<'static, ()> {
        Box::pin(tokio::time::sleep(span))
    }

    fn spawn(&self, _: &'static str, task: BoxFuture<'static, ()>) {
        tokio::spawn(task);
    }

    /// Weyl's sequence through a mixer: even enough for rates.
    fn chance(&self) -> u64 {
        let weyl = self.0.chance.fetch_add(0x9e37_79b9_7f4a_7c15, Ordering::SeqCst);
        let mixed = (weyl ^ (weyl >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        mixed ^ (mixed >> 27)
    }

    fn next_id(&self) -> i64 {
        self.0.ids.fetch_add(1, Ordering::SeqCst)
    }
}

/// What the echo service saw and is told to do.
#[derive(Default)]
pub struct Notes {
    /// How many calls reached a handler.
    pub calls: AtomicU32,
    /// What the next calls answer instead of an echo.
    pub faults: Mutex<VecDeque<Fault>>,
    /// The context of the last call.
    pub last: Mutex<Option<Call>>,
    /// A handler has begun to hang.
    pub hangs: Notify,
    /// A hanging handler was dropped.
    pub dropped: Notify,
    /// Lets hanging handlers answer.
    pub release: Notify,
}

impl Notes {
    pub fn calls(&self) -> u32 {
        self.calls.load(Ordering::SeqCst)
    }

    pub fn fail_next(&self, times: usize, fault: &Fault) {
        self.faults.lock().unwrap().extend(std::iter::repeat_n(fault.clone(), times));
    }

    pub fn last(&self) -> Call {
        self.last.lock().unwrap().clone().expect("a call has arrived")
    }
}

#[derive(Clone)]
struct Echoes(Arc<Notes>);

struct OnDrop(Arc<Notes>);

impl Drop for OnDrop {
    fn drop(&mut self) {
        self.0.dropped.notify_one();
    }
}

impl Echoes {
    fn note<T>(&self, request: &Request<T>) -> Result<(), Status> {
        self.0.calls.fetch_add(1, Ordering::SeqCst);
        *self.0.last.lock().unwrap() = Some(Call::of(request).map_err(wire::status_of)?);
        match self.0.faults.lock().unwrap().pop_front() {
            Some(fault) => Err(wire::status_of(fault)),
            None => Ok(()),
        }
    }
}

#[tonic::async_trait]
impl Echo for Echoes {
    async fn say(&self, request: Request<Words>) -> Result<Response<Words>, Status> {
        self.note(&request)?;
        let mut words = request.into_inner();
        match words.text.as_str() {
            "panic" => panic!("the dough fell"),
            "big" => words.text = "x".repeat(5 * 1024 * 1024),
            "hang" => {
                let _dropped = OnDrop(Arc::clone(&self.0));
                self.0.hangs.notify_one();
                self.0.release.notified().await;
            }
            _ => {}
        }
        Ok(Response::new(words))
    }

    type CountStream = std::pin::Pin<Box<dyn Stream<Item = Result<Number, Status>> + Send>>;

    async fn count(&self, request: Request<Numbers>) -> Result<Response<Self::CountStream>, Status> {
        self.note(&request)?;
        let Numbers { until, then } = request.into_inner();
        let mut next = 0;
        let dropped = OnDrop(Arc::clone(&self.0));
        let stream = futures_util::stream::poll_fn(move |_| {
            use std::task::Poll;
            let _ = &dropped;
            next += 1;
            if next <= until {
                return Poll::Ready(Some(Ok(Number { value: next })));
            }
            match then.as_str() {
                "fail" => {
                    let fault = Fault::refused("oven_cold", "The oven went cold.").with("after", until);
                    Poll::Ready(Some(Err(wire::status_of(fault))))
                }
                "panic" => panic!("the dough fell"),
                "hang" => Poll::Pending,
                _ => Poll::Ready(None),
            }
        });
        Ok(Response::new(Box::pin(stream)))
    }

    async fn sum(&self, request: Request<Streaming<Number>>) -> Result<Response<Number>, Status> {
        self.note(&request)?;
        let mut numbers = request.into_inner();
        let mut value = 0;
        while let Some(number) = numbers.message().await? {
            value += number.value;
        }
        Ok(Response::new(Number { value }))
    }
}

/// Two ends and what is between them; the same exchange twice on the local arm.
pub struct House {
    pub world: World,
    pub clock: Paused,
    pub notes: Arc<Notes>,
    pub caller: Exchange,
    pub callee: Exchange,
    pub address: Option<SocketAddr>,
    pub stop: Option<oneshot::Sender<()>>,
}

pub fn key() -> PlatformKey {
    PlatformKey::new(&[7; 32])
}

/// Serves an exchange on a socket of its own until the sender is used or dropped.
pub async fn listening(exchange: &Exchange, address: &str) -> (SocketAddr, oneshot::Sender<()>) {
    let listener = tokio::net::TcpListener::bind(address).await.unwrap();
    let address = listener.local_addr().unwrap();
    let (stop, stopped) = oneshot::channel();
    let exchange = exchange.clone();
    tokio::spawn(async move {
        exchange
            .listen(listener, async {
                let _ = stopped.await;
            })
            .await;
    });
    (address, stop)
}

/// Serves an exchange to those who show a certificate.
pub async fn listening_tls(exchange: &Exchange, tls: Tls) -> (SocketAddr, oneshot::Sender<()>) {
    let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap();
    let (stop, stopped) = oneshot::channel();
    let exchange = exchange.clone();
    tokio::spawn(async move {
        exchange
            .listen_tls(listener, tls, async {
                let _ = stopped.await;
            })
            .await;
    });
    (address, stop)
}

impl House {
    pub fn local() -> House {
        let house = House::empty();
        house.start_echo();
        house
    }

    pub async fn remote() -> House {
        let mut house = House::empty();
        house.callee = Exchange::new(house.world.clone(), key());
        house.start_echo();
        let (address, stop) = listening(&house.callee, "127.0.0.1:0").await;
        house.caller.connect_remote("echo", format!("http://{address}").parse().unwrap());
        (house.address, house.stop) = (Some(address), Some(stop));
        house
    }

    pub async fn secured() -> House {
        let mut house = House::empty();
        let authority = Authority::new();
        let caller = authority.identity(&house.world, &["tests", "late"]);
        let callee = authority.identity(&house.world, &["echo"]);
        house.callee = Exchange::new(house.world.clone(), key());
        house.start_echo();
        let (address, stop) = listening_tls(&house.callee, callee).await;
        house.caller = Exchange::dialing(house.world.clone(), key(), caller);
        house.caller.connect_remote("echo", format!("https://{address}").parse().unwrap());
        (house.address, house.stop) = (Some(address), Some(stop));
        house
    }

    /// One exchange with nobody in it.
    pub fn empty() -> House {
        crate::watched::keep_log_lines();
        let clock = Paused::new();
        let world = World::new(clock.clone());
        let caller = Exchange::new(world.clone(), key());
        let notes = Arc::default();
        House { world, clock, notes, callee: caller.clone(), caller, address: None, stop: None }
    }

    pub fn start_echo(&self) {
        self.callee.serve_local("echo", wire::Routes::new().with(self.server()));
    }

    pub fn server(&self) -> EchoServer<impl Echo + use<>> {
        EchoServer::new(Echoes(Arc::clone(&self.notes)))
    }

    pub fn channel(&self, policy: Policy) -> Channel {
        self.caller.channel("tests", "echo", policy)
    }

    pub fn call(&self) -> Call {
        Call::new(Principal::Nobody, "c-1")
    }
}

/// Says one thing and gives the echo.
pub async fn say(channel: &Channel, text: &str) -> Result<String, Fault> {
    let answer = EchoClient::new(channel.clone()).say(Words { text: text.to_owned() }).await;
    answer.map(|words| words.into_inner().text).map_err(wire::fault_of)
}

/// Counts, and gives what came and how it ended.
pub async fn count(channel: &Channel, until: u32, then: &str) -> (Vec<u32>, Result<(), Fault>) {
    let asked = EchoClient::new(channel.clone()).count(Numbers { until, then: then.to_owned() }).await;
    let mut numbers = match asked {
        Ok(numbers) => numbers.into_inner(),
        Err(status) => return (Vec::new(), Err(wire::fault_of(status))),
    };
    let mut got = Vec::new();
    loop {
        match numbers.message().await {
            Ok(Some(number)) => got.push(number.value),
            Ok(None) => return (got, Ok(())),
            Err(status) => return (got, Err(wire::fault_of(status))),
        }
    }
}
