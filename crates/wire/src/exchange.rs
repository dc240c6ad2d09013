//! The switchboard of one process: which services are here, where the others are, and the edges between them.

use std::collections::BTreeMap;
use std::convert::Infallible;
use std::sync::{Arc, OnceLock, PoisonError, RwLock};

use base::{Fault, PlatformKey, World};
use http::{Request, Response, Uri};
use tonic::body::Body;
use tower::Service;

use crate::breaker::BreakerView;
use crate::edge::Edge;
use crate::fault::answer_of;
use crate::instances::Instances;
use crate::listen::Peer;
use crate::remote::{Dial, PlainTcp, Undelivered};
use crate::routes::Handler;
use crate::server::{self, Gate, Local};
use crate::{Call, Channel, Faults, Policy, Witness, headers};

/// A clonable handle of the switchboard. Services start in any order: a name is resolved when it is called.
#[derive(Clone)]
pub struct Exchange(Arc<Inner>);

/// Tells whether one service may call another.
type Callers = Arc<dyn Fn(&str, &str) -> bool + Send + Sync>;

struct Inner {
    world: World,
    key: PlatformKey,
    dial: Arc<dyn Dial>,
    callers: RwLock<Callers>,
    locals: RwLock<BTreeMap<&'static str, Arc<Local>>>,
    remotes: RwLock<BTreeMap<String, Arc<Instances>>>,
    gates: RwLock<BTreeMap<String, Arc<Gate>>>,
    edges: RwLock<BTreeMap<(&'static str, &'static str), Arc<Edge>>>,
    witness: OnceLock<Arc<dyn Witness>>,
}

impl Exchange {
    /// Makes an empty switchboard that reaches other processes over plain TCP.
    pub fn new(world: World, key: PlatformKey) -> Exchange {
        Exchange::dialing(world, key, PlainTcp)
    }

    /// Makes an empty switchboard that reaches other processes in its own way.
    pub fn dialing(world: World, key: PlatformKey, dial: impl Dial) -> Exchange {
        Exchange(Arc::new(Inner {
            world,
            key,
            dial: Arc::new(dial),
            callers: RwLock::new(Arc::new(|_, _| true)),
            locals: RwLock::default(),
            remotes: RwLock::default(),
            gates: RwLock::default(),
            edges: RwLock::default(),
            witness: OnceLock::new(),
        }))
    }

    /// Takes a service of this process on: a generated server, or several as [`crate::Routes`].
    pub fn serve_local<S>(&self, service: &'static str, routes: S)
    where
        S: Service<Request<Body>, Response = Response<Body>, Error = Infallible> + Clone + Send + Sync + 'static,
        S::Future: Send,
    {
        let local = Local { service, handler: Handler::new(routes), gate: self.gate(service) };
        self.0.locals.write().unwrap_or_else(PoisonError::into_inner).insert(service, Arc::new(local));
    }

    /// Says where a service of another process is, such as `http://10.0.0.7:7000`, and that it is nowhere else. A local
    /// one of the same name wins.
    pub fn connect_remote(&self, service: &str, uri: Uri) {
        let instances = self.no_instances(service);
        instances.add(uri);
        self.0.remotes.write().unwrap_or_else(PoisonError::into_inner).insert(service.to_owned(), instances);
    }

    /// Says that a service of another process is there too; false when that is known. Calls are spread over its instances.
    pub fn add_instance(&self, service: &str, uri: Uri) -> bool {
        let mut remotes = self.0.remotes.write().unwrap_or_else(PoisonError::into_inner);
        remotes.entry(service.to_owned()).or_insert_with(|| self.no_instances(service)).add(uri)
    }

    /// Says that a service of another process is there no more; false when it was not. Calls on their way end well.
    pub fn remove_instance(&self, service: &str, uri: &Uri) -> bool {
        self.remote(service).is_some_and(|instances| instances.remove(uri))
    }

    /// Says which services of other processes may call which of this one; until then all of the platform may.
    pub fn admit_only(&self, may_call: impl Fn(&str, &str) -> bool + Send + Sync + 'static) {
        *self.0.callers.write().unwrap_or_else(PoisonError::into_inner) = Arc::new(may_call);
    }

    /// Gives the channel of an edge. All channels of one edge share its breaker, limit and budget; the first policy counts.
    pub fn channel(&self, from: &'static str, to: &'static str, policy: Policy) -> Channel {
        let mut edges = self.0.edges.write().unwrap_or_else(PoisonError::into_inner);
        let edge = edges.entry((from, to)).or_insert_with(|| Arc::new(Edge::new(from, to, policy, &self.0.world)));
        Channel::new(self.clone(), Arc::clone(edge))
    }

    /// Lets go of all services and edges, for a process that has held several platforms: each knows the exchange that knows it.
    pub fn end(&self) {
        let locals = std::mem::take(&mut *self.0.locals.write().unwrap_or_else(PoisonError::into_inner));
        let remotes = std::mem::take(&mut *self.0.remotes.write().unwrap_or_else(PoisonError::into_inner));
        let edges = std::mem::take(&mut *self.0.edges.write().unwrap_or_else(PoisonError::into_inner));
        self.admit_only(|_, _| false);
        drop((locals, remotes, edges));
    }

    /// Makes a service of this process answer `service_paused`, or go on.
    pub fn pause(&self, service: &str, paused: bool) {
        self.gate(service).pause(paused);
    }

    /// Tells whether a service of this process is paused.
    pub fn is_paused(&self, service: &str) -> bool {
        self.gate(service).is_paused()
    }

    /// Limits how many calls a service of this process carries out at once.
    pub fn limit(&self, service: &str, in_flight_max: usize) {
        self.gate(service).limit(in_flight_max);
    }

    /// Shows the breakers of all edges, in the order of their names.
    pub fn breakers(&self) -> Vec<BreakerView> {
        let edges = self.0.edges.read().unwrap_or_else(PoisonError::into_inner);
        edges.values().map(|edge| edge.breaker.view(edge.from, edge.to, &self.0.world)).collect()
    }

    /// Closes a breaker and forgets what it counted; false when there is no such edge.
    pub fn reset_breaker(&self, from: &str, to: &str) -> bool {
        let Some(edge) = self.edge(from, to) else { return false };
        edge.breaker.reset(&self.0.world);
        edge.show_state();
        true
    }

    /// Puts faults onto an edge, or takes them off; false when there is no such edge.
    pub fn inject(&self, from: &str, to: &str, faults: Option<Faults>) -> bool {
        let Some(edge) = self.edge(from, to) else { return false };
        edge.set_faults(faults);
        true
    }

    /// Lets somebody see every call that leaves this process's services from now on. There is one at most: the first.
    pub fn watch(&self, witness: Arc<dyn Witness>) {
        let _ = self.0.witness.set(witness);
    }

    pub(crate) fn witness(&self) -> Option<&dyn Witness> {
        self.0.witness.get().map(AsRef::as_ref)
    }

    pub(crate) fn world(&self) -> &World {
        &self.0.world
    }

    pub(crate) fn key(&self) -> &PlatformKey {
        &self.0.key
    }

    /// Hands a request to the other process where the service is.
    pub(crate) async fn deliver(&self, to: &str, request: Request<Body>) -> Result<Response<Body>, Undelivered> {
        let Some(remote) = self.remote(to) else { return Err(Undelivered::unseen(to)) };
        remote.send(request).await
    }

    /// Carries out a call of another process.
    pub(crate) async fn serve(&self, local: &Local, request: Request<Body>, peer: &Peer) -> Response<Body> {
        let read = headers::read(request.headers(), &self.0.world, &self.0.key);
        match read.and_then(|call| self.admitted(call, local.service, peer)) {
            Ok(call) => server::serve(local, request, call).await,
            Err(fault) => answer_of(fault),
        }
    }

    /// Refuses a call whose sender is not who it says, or has not declared that it needs the service.
    fn admitted(&self, call: Call, to: &str, speaks_for: &Peer) -> Result<Call, Fault> {
        let from = call.from.as_deref().unwrap_or_default();
        if !speaks_for(from) {
            let message = "The caller's certificate is not that of the service in whose name it speaks.";
            return Err(Fault::unauthenticated("caller_forged", message).with("service", from));
        }
        let callers = Arc::clone(&self.0.callers.read().unwrap_or_else(PoisonError::into_inner));
        if !callers(from, to) {
            return Err(Fault::denied("caller_not_allowed", format!("{to} takes no calls from {from}.")).with("service", from));
        }
        Ok(call)
    }

    /// Lets go of what may be dead connections to a service.
    pub(crate) fn hang_up(&self, to: &str) {
        if let Some(remote) = self.remote(to) {
            remote.forget();
        }
    }

    pub(crate) fn local(&self, service: &str) -> Option<Arc<Local>> {
        self.0.locals.read().unwrap_or_else(PoisonError::into_inner).get(service).cloned()
    }

    fn remote(&self, service: &str) -> Option<Arc<Instances>> {
        self.0.remotes.read().unwrap_or_else(PoisonError::into_inner).get(service).cloned()
    }

    fn no_instances(&self, service: &str) -> Arc<Instances> {
        Arc::new(Instances::new(service, self.0.world.clone(), Arc::clone(&self.0.dial)))
    }

    fn edge(&self, from: &str, to: &str) -> Option<Arc<Edge>> {
        let edges = self.0.edges.read().unwrap_or_else(PoisonError::into_inner);
        edges.values().find(|edge| edge.from == from && edge.to == to).cloned()
    }

    /// Gives the gate of a service, which may be paused before it has started.
    fn gate(&self, service: &str) -> Arc<Gate> {
        let mut gates = self.0.gates.write().unwrap_or_else(PoisonError::into_inner);
        Arc::clone(gates.entry(service.to_owned()).or_insert_with(|| Arc::new(Gate::new())))
    }
}

impl std::fmt::Debug for Exchange {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Exchange")
    }
}
