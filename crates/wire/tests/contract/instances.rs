//! Several instances of one service: calls are spread over them, and one that is dead, slow or gone costs nobody an error.

use std::net::SocketAddr;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use base::world::Runtime;
use base::{BoxFuture, Timestamp, World};
use http::{Request, Uri};
use tokio::net::TcpSocket;
use tokio::task::{AbortHandle, JoinHandle};
use tonic::body::Body;
use tower::{Service, ServiceExt};
use wire::{Channel, Exchange, Policy};

use crate::echo_generated::Numbers;
use crate::echo_generated::echo_client::EchoClient;
use crate::house::{House, Paused, count, key, say};

/// A world whose tasks can all be ended at once, as a process is that is killed.
#[derive(Clone)]
struct Mortal(Paused, Arc<Mutex<Vec<AbortHandle>>>);

impl Runtime for Mortal {
    fn now(&self) -> Timestamp {
        self.0.now()
    }

    fn monotonic(&self) -> Duration {
        self.0.monotonic()
    }

    fn sleep(&self, span: Duration) -> BoxFuture<'static, ()> {
        self.0.sleep(span)
    }

    fn spawn(&self, _: &'static str, task: BoxFuture<'static, ()>) {
        self.1.lock().unwrap().push(tokio::spawn(task).abort_handle());
    }

    fn chance(&self) -> u64 {
        self.0.chance()
    }

    fn next_id(&self) -> i64 {
        self.0.next_id()
    }
}

/// One instance of a service, as a process of its own would be.
struct Instance {
    house: House,
    world: Mortal,
    at: SocketAddr,
}

impl Instance {
    fn start(socket: TcpSocket) -> Instance {
        let mut house = House::empty();
        let world = Mortal(house.clock.clone(), Arc::default());
        house.callee = Exchange::new(World::new(world.clone()), key());
        house.start_echo();
        let listener = socket.listen(1_024).unwrap();
        let at = listener.local_addr().unwrap();
        let callee = house.callee.clone();
        world.spawn("process", Box::pin(async move { callee.listen(listener, std::future::pending()).await }));
        Instance { house, world, at }
    }

    fn uri(&self) -> Uri {
        format!("http://{}", self.at).parse().unwrap()
    }

    fn calls(&self) -> u32 {
        self.house.notes.calls()
    }

    /// Gives how many tasks of the process go on, the one that listens included.
    fn tasks(&self) -> usize {
        self.world.1.lock().unwrap().iter().filter(|task| !task.is_finished()).count()
    }

    /// Ends the process and keeps its address.
    async fn kill(&self) -> TcpSocket {
        self.world.1.lock().unwrap().iter().for_each(AbortHandle::abort);
        until(|| self.tasks() == 0).await;
        socket(self.at)
    }

    fn release(&self) {
        self.house.notes.release.notify_waiters();
    }
}

/// Takes an address, where nobody answers until somebody listens, and which nobody else is given.
fn socket(at: SocketAddr) -> TcpSocket {
    let socket = TcpSocket::new_v4().unwrap();
    socket.set_reuseaddr(true).unwrap();
    socket.bind(at).unwrap();
    socket
}

fn anywhere() -> TcpSocket {
    socket(SocketAddr::from(([127, 0, 0, 1], 0)))
}

async fn until(condition: impl Fn() -> bool) {
    while !condition() {
        tokio::task::yield_now().await;
    }
}

/// A caller and three instances of what it calls.
async fn three() -> (House, [Instance; 3]) {
    let house = House::empty();
    let mut instances = Vec::new();
    for _ in 0..3 {
        let instance = Instance::start(anywhere());
        assert!(house.caller.add_instance("echo", instance.uri()));
        instances.push(instance);
    }
    (house, instances.try_into().unwrap_or_else(|_| unreachable!("three were started")))
}

fn calls(instances: &[Instance]) -> Vec<u32> {
    instances.iter().map(Instance::calls).collect()
}

async fn ask(channel: &Channel, times: u32) {
    for _ in 0..times {
        assert_eq!(say(channel, "a").await.unwrap(), "a");
    }
}

/// Makes calls that hang, each begun when the one before has arrived.
async fn hang(channel: &Channel, instances: &[Instance], times: u32) -> Vec<JoinHandle<Result<String, base::Fault>>> {
    let mut hanging = Vec::new();
    for _ in 0..times {
        let arrived = calls(instances).iter().sum::<u32>();
        let channel = channel.clone();
        hanging.push(tokio::spawn(async move { say(&channel, "hang").await }));
        until(|| calls(instances).iter().sum::<u32>() > arrived).await;
    }
    hanging
}

/// No repeats: what goes wrong is seen.
fn once() -> Policy {
    Policy { retries: 0, timeout: Duration::from_secs(3_600), ..Policy::default() }
}

#[tokio::test(start_paused = true)]
async fn s4_c01_a_call_goes_to_the_right_service_and_is_spread_over_its_instances() {
    let (house, instances) = three().await;
    let other = Instance::start(anywhere());
    let routes = wire::Routes::new().with(other.house.server());
    other.house.callee.serve_local("choir", routes);
    house.caller.add_instance("choir", other.uri());
    assert!(!house.caller.add_instance("echo", instances[0].uri()), "it is known");

    let channel = house.channel(once());
    ask(&house.caller.channel("tests", "choir", once()), 10).await;
    assert_eq!((calls(&instances), other.calls()), (vec![0, 0, 0], 10));
    ask(&channel, 600).await;
    let even = calls(&instances);
    assert!(even.iter().all(|calls| (120..=280).contains(calls)), "one after the other, by chance: {even:?}");
    assert_eq!((even.iter().sum::<u32>(), other.calls()), (600, 10));

    let since = |before: &[u32]| calls(&instances).iter().zip(before).map(|(now, before)| now - before).collect::<Vec<_>>();
    let hanging = hang(&channel, &instances, 60).await;
    let busy = since(&even);
    assert!(busy.iter().all(|calls| (17..=23).contains(calls)), "at once, to where fewer are: {busy:?}");
    instances.iter().for_each(Instance::release);
    for call in hanging {
        assert_eq!(call.await.unwrap().unwrap(), "hang");
    }

    let (before, mut streams) = (calls(&instances), Vec::new());
    for _ in 0..60 {
        let numbers = Numbers { until: 1, then: "hang".to_owned() };
        streams.push(EchoClient::new(channel.clone()).count(numbers).await.unwrap());
    }
    let busy = since(&before);
    assert!(busy.iter().all(|calls| (17..=23).contains(calls)), "an answer that goes on counts: {busy:?}");
}

#[tokio::test(start_paused = true)]
async fn s4_c01_an_instance_that_is_killed_costs_no_error_and_gets_calls_again_when_it_is_back() {
    let (house, mut instances) = three().await;
    let channel = house.channel(Policy { retries: 2, ..once() });
    ask(&channel, 30).await;
    let before = calls(&instances);
    assert!(before.iter().all(|calls| *calls > 0), "{before:?}");

    let hanging = hang(&channel.idempotent(), &instances, 9).await;
    let on_it = instances[1].calls() - before[1];
    assert!(on_it > 0);
    let arrived: u32 = calls(&instances).iter().sum();
    let address = instances[1].kill().await;
    while calls(&instances).iter().sum::<u32>() < arrived + on_it {
        // The pause before a repeat passes, more slowly than anything arrives.
        tokio::time::advance(Duration::from_millis(1)).await;
        for _ in 0..100 {
            tokio::task::yield_now().await;
        }
    }
    instances.iter().for_each(Instance::release);
    for call in hanging {
        assert_eq!(call.await.unwrap().unwrap(), "hang", "it was repeated elsewhere");
    }

    let (dead, before) = (instances[1].calls(), calls(&instances));
    // On another edge, which repeats nothing: calls that nobody has seen go on without that.
    ask(&house.caller.channel("late", "echo", once()), 100).await;
    let others = calls(&instances);
    assert_eq!((others[1], others.iter().sum::<u32>()), (dead, before.iter().sum::<u32>() + 100));
    assert!([0, 2].iter().all(|other| others[*other] >= before[*other] + 20), "{before:?} {others:?}");

    instances[1] = Instance::start(address);
    tokio::time::advance(Duration::from_secs(5)).await;
    for _ in 0..1_000 {
        ask(&channel, 1).await;
        if instances[1].calls() > 0 {
            break;
        }
    }
    ask(&channel, 100).await;
    assert!(instances[1].calls() >= 10, "its share again: {}", instances[1].calls());
}

#[tokio::test(start_paused = true)]
async fn s4_c01_the_first_call_of_all_passes_over_the_dead() {
    let alive = Instance::start(anywhere());
    let dead = Instance::start(anywhere());
    let _address = dead.kill().await;
    for round in 1..=16 {
        let house = House::empty();
        // Each round draws other chances.
        for _ in 0..round {
            house.clock.chance();
        }
        assert!(house.caller.add_instance("echo", dead.uri()) && house.caller.add_instance("echo", alive.uri()));
        ask(&house.channel(once()), 1).await;
        assert_eq!(alive.calls(), round);
    }
}

/// Reaches one peer never, and never says so.
struct Nowhere(Uri, Arc<Mutex<u32>>);

impl wire::Dial for Nowhere {
    fn dial(&self, service: &str, peer: Uri) -> BoxFuture<'static, std::io::Result<Box<dyn wire::Stream>>> {
        if peer == self.0 {
            *self.1.lock().unwrap() += 1;
            return Box::pin(std::future::pending());
        }
        wire::PlainTcp.dial(service, peer)
    }
}

#[tokio::test(start_paused = true)]
async fn s4_c01_an_instance_that_cannot_be_reached_is_tried_again_beside_the_calls() {
    let alive = Instance::start(anywhere());
    let (nowhere, dials) = (Uri::from_static("http://192.0.2.1:7000"), Arc::<Mutex<u32>>::default());
    let house = House::empty();
    let caller = Exchange::dialing(house.world.clone(), key(), Nowhere(nowhere.clone(), Arc::clone(&dials)));
    caller.add_instance("echo", alive.uri());
    let channel = caller.channel("tests", "echo", once());
    ask(&channel, 1).await;
    caller.add_instance("echo", nowhere);
    let begun = house.world.monotonic();
    ask(&channel, 50).await;
    assert!(house.world.monotonic() - begun < Duration::from_millis(500), "nobody waits for it");
    assert_eq!(*dials.lock().unwrap(), 1);
    for tried in 2..=4 {
        tokio::time::advance(Duration::from_secs(1)).await;
        ask(&channel, 2).await;
        tokio::time::advance(Duration::from_secs(5)).await;
        ask(&channel, 2).await;
        assert_eq!(*dials.lock().unwrap(), tried);
    }
}

/// Gives the first connection to one peer to nobody, and real ones from then on.
struct SilentAtFirst(Uri, Arc<Mutex<Vec<tokio::io::DuplexStream>>>);

impl wire::Dial for SilentAtFirst {
    fn dial(&self, service: &str, peer: Uri) -> BoxFuture<'static, std::io::Result<Box<dyn wire::Stream>>> {
        let mut silent = self.1.lock().unwrap();
        if peer == self.0 && silent.is_empty() {
            let (near, far) = tokio::io::duplex(1 << 16);
            silent.push(far);
            return Box::pin(async move { Ok(Box::new(near) as Box<dyn wire::Stream>) });
        }
        wire::PlainTcp.dial(service, peer)
    }
}

#[tokio::test(start_paused = true)]
async fn s4_c01_a_connection_that_has_gone_silent_is_let_go_and_made_anew() {
    let instances = [Instance::start(anywhere()), Instance::start(anywhere())];
    let house = House::empty();
    let caller = Exchange::dialing(house.world.clone(), key(), SilentAtFirst(instances[0].uri(), Arc::default()));
    for instance in &instances {
        caller.add_instance("echo", instance.uri());
    }
    let channel = caller.channel("tests", "echo", Policy { timeout: Duration::from_secs(1), ..once() });
    let mut failed = 0;
    while instances[0].calls() < 10 {
        failed += u32::from(say(&channel, "a").await.is_err());
        assert!(instances[1].calls() < 1_000, "it is never asked again");
        tokio::time::advance(Duration::from_millis(20)).await;
    }
    assert_eq!(failed, 5, "then it was known to be dead");
}

/// A service that takes its time before it answers.
fn slow<S>(
    world: World,
    server: S,
) -> impl Service<
    Request<Body>,
    Response = S::Response,
    Error = S::Error,
    Future = impl Future<Output = Result<S::Response, S::Error>> + Send,
> + Clone
+ Send
+ Sync
+ 'static
where
    S: Service<Request<Body>> + Clone + Send + Sync + 'static,
    S::Future: Send,
    S::Response: Send,
    S::Error: Send,
{
    tower::service_fn(move |request| {
        let (server, pause) = (server.clone(), world.sleep(Duration::from_millis(50)));
        async move {
            pause.await;
            server.oneshot(request).await
        }
    })
}

#[tokio::test(start_paused = true)]
async fn s4_c01_a_slow_instance_gets_fewer_calls() {
    let (house, instances) = three().await;
    let tired = &instances[2].house;
    tired.callee.serve_local("echo", slow(house.world.clone(), tired.server()));
    let channel = house.channel(once());
    let asking: Vec<_> =
        (0..12).map(|_| channel.clone()).map(|channel| tokio::spawn(async move { ask(&channel, 50).await })).collect();
    for asker in asking {
        asker.await.unwrap();
    }
    let calls = calls(&instances);
    assert_eq!(calls.iter().sum::<u32>(), 600);
    assert!(calls[2] > 0 && calls[2] * 3 < calls[0].min(calls[1]), "{calls:?}");
}

#[tokio::test(start_paused = true)]
async fn s4_c01_an_instance_that_is_taken_away_ends_its_calls_and_gets_no_more() {
    let (house, instances) = three().await;
    let channel = house.channel(once());
    let hanging = hang(&channel, &instances, 9).await;
    let before = calls(&instances);
    assert!(before[0] > 0);
    assert!(house.caller.remove_instance("echo", &instances[0].uri()));
    assert!(!house.caller.remove_instance("echo", &instances[0].uri()));
    assert!(!house.caller.remove_instance("choir", &instances[0].uri()));

    ask(&channel, 50).await;
    assert_eq!((instances[0].calls(), calls(&instances).iter().sum::<u32>()), (before[0], 59));
    instances.iter().for_each(Instance::release);
    for call in hanging {
        assert_eq!(call.await.unwrap().unwrap(), "hang");
    }
    until(|| instances[0].tasks() == 1).await;

    for instance in &instances[1..] {
        assert!(house.caller.remove_instance("echo", &instance.uri()));
    }
    assert_eq!(say(&channel, "a").await.unwrap_err().code, "service_unreachable");
    assert!(house.caller.add_instance("echo", instances[0].uri()));
    assert_eq!(count(&channel, 3, "").await.0, [1, 2, 3]);
    assert_eq!(instances[0].calls(), before[0] + 1);
}
