//! The caller's end of a call. The layers, from the outside in: limit, deadline, repeats, breaker, faults, seal, arm.

use std::sync::Arc;
use std::task::{Context, Poll};
use std::time::Duration;

use base::{BoxFuture, Fault, Mistake, planted};
use http::{Request, Response};
use tonic::Status;
use tonic::body::Body;
use tower::Service;

use crate::body::{Answer, late};
use crate::edge::{Edge, Leave};
use crate::fault::{code_in, fault_in, status_of};
use crate::parcel::Parcel;
use crate::{Attempted, Call, Exchange, headers, server};

/// The first wait before a repeat, and the longest.
const BACKOFF: (Duration, Duration) = (Duration::from_millis(10), Duration::from_millis(500));
/// Faults that say "not now": to ask again at once would only make it worse.
const NOT_NOW: [&str; 3] = ["breaker_open", "service_paused", "too_many_in_flight"];

/// A way from one service to another that generated clients take as it is.
#[derive(Clone)]
pub struct Channel {
    exchange: Exchange,
    edge: Arc<Edge>,
    call: Option<Arc<Call>>,
    idempotent: bool,
}

impl Channel {
    pub(crate) fn new(exchange: Exchange, edge: Arc<Edge>) -> Channel {
        Channel { exchange, edge, call: None, idempotent: false }
    }

    /// Gives a channel for the errand of `call`: its principal, its ids, its deadline. Without it the service itself asks.
    #[must_use]
    pub fn on_behalf(&self, call: &Call) -> Channel {
        Channel { call: Some(Arc::new(call.clone())), ..self.clone() }
    }

    /// Gives a channel whose calls may be carried out more than once, so that any transient failure can be repeated.
    #[must_use]
    pub fn idempotent(&self) -> Channel {
        Channel { idempotent: true, ..self.clone() }
    }

    async fn send(self, request: Request<Body>) -> Result<Response<Body>, Status> {
        let world = self.exchange.world();
        let call = match &self.call {
            Some(call) => Arc::clone(call),
            None => Arc::new(Call::platform(self.edge.from, format!("{:016x}", world.chance()))),
        };
        let now = world.monotonic();
        let asked = headers::timeout_in(request.headers()).unwrap_or(Duration::MAX);
        let left = call.due.map_or(Duration::MAX, |due| due.saturating_sub(now));
        let span = self.edge.policy.timeout.min(asked).min(left);
        let ticket = self.edge.enter(request.uri().path(), world).map_err(status_of)?;
        if span.is_zero() {
            ticket.finish(tonic::Code::DeadlineExceeded as i32);
            return Err(status_of(late()));
        }
        let mut errand = Errand { channel: &self, call: &call, due: now.saturating_add(span), alarm: world.sleep(span) };
        match errand.run(request).await {
            Ok((response, None)) => {
                ticket.finish(code_in(response.headers()).unwrap_or_default());
                Ok(response)
            }
            Ok((response, Some(leave))) => {
                let alarm = errand.alarm;
                Ok(response.map(|body| Body::new(Answer::new(body, alarm, ticket, leave))))
            }
            Err(fault) => {
                ticket.finish(fault.kind.grpc_code());
                Err(status_of(fault))
            }
        }
    }
}

impl Service<Request<Body>> for Channel {
    type Response = Response<Body>;
    type Error = Status;
    type Future = BoxFuture<'static, Result<Response<Body>, Status>>;

    /// Is always ready: generated clients poll it outside of the call, where no limit could be given back.
    fn poll_ready(&mut self, _: &mut Context<'_>) -> Poll<Result<(), Status>> {
        Poll::Ready(Ok(()))
    }

    fn call(&mut self, request: Request<Body>) -> Self::Future {
        Box::pin(self.clone().send(request))
    }
}

impl std::fmt::Debug for Channel {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "Channel({} -> {})", self.edge.from, self.edge.to)
    }
}

/// One call with its repeats, all under one alarm.
struct Errand<'a> {
    channel: &'a Channel,
    call: &'a Call,
    due: Duration,
    alarm: BoxFuture<'static, ()>,
}

/// An answer, and the breaker's leave if the answer is not over with its headers.
type Answered = (Response<Body>, Option<Leave>);

/// How one attempt ended.
enum Attempt {
    /// With an answer that ends the call.
    Answered(Answered),
    /// With an answer that says that the service cannot now.
    Refused(Response<Body>, Again),
    /// Without an answer.
    Failed(Fault, Again),
}

/// When an attempt may be repeated.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Again {
    Never,
    /// The service may have carried it out.
    IfIdempotent,
    /// The service certainly has not seen it.
    Always,
}

impl Errand<'_> {
    async fn run(&mut self, request: Request<Body>) -> Result<Answered, Fault> {
        let mut parcel = Parcel::pack(request).await.map_err(crate::fault_of)?;
        let mut repeats = 0;
        loop {
            let request = parcel.open().expect("a stream is opened once: it is not repeatable");
            let (ended, again) = match self.attempt(request, repeats).await {
                Attempt::Answered(answered) => return Ok(answered),
                Attempt::Refused(response, again) => (Ok((response, None)), again),
                Attempt::Failed(fault, again) => (Err(fault), again),
            };
            if !parcel.is_repeatable() || !self.may_repeat(again, repeats) || !self.wait(repeats).await {
                return ended;
            }
            repeats += 1;
        }
    }

    fn may_repeat(&self, again: Again, repeats: u32) -> bool {
        let safe = again == Again::Always || (again == Again::IfIdempotent && self.channel.idempotent);
        safe && repeats < self.channel.edge.policy.retries && self.channel.edge.pay_retry()
    }

    /// Waits before a repeat; false when the deadline comes first.
    async fn wait(&mut self, repeats: u32) -> bool {
        let pause = self.channel.exchange.world().backoff(repeats, BACKOFF.0, BACKOFF.1);
        let nap = self.channel.exchange.world().sleep(pause);
        before(&mut self.alarm, nap).await.is_some()
    }

    async fn attempt(&mut self, request: Request<Body>, repeats: u32) -> Attempt {
        let leave = match Leave::ask(&self.channel.edge, self.channel.exchange.world()) {
            Ok(leave) => leave,
            Err(fault) => return Attempt::Failed(fault, Again::Never),
        };
        match self.witnessed(request, repeats).await {
            Ok(response) => match code_in(response.headers()) {
                None => Attempt::Answered((response, Some(leave))),
                Some(code) => {
                    self.end(leave, code);
                    judged(response, code)
                }
            },
            Err((fault, again)) => {
                self.end(leave, fault.kind.grpc_code());
                Attempt::Failed(fault, again)
            }
        }
    }

    async fn witnessed(&mut self, request: Request<Body>, repeats: u32) -> Result<Response<Body>, (Fault, Again)> {
        let Channel { exchange, edge, .. } = self.channel;
        let Some(witness) = exchange.witness() else { return self.deliver(request, repeats).await };
        let method = request.uri().path();
        let asked = witness.asked(Attempted { from: edge.from, to: edge.to, method, call: self.call });
        let answer = self.deliver(request, repeats).await;
        match &answer {
            Ok(response) if code_in(response.headers()).is_some_and(|code| code != 0) => {
                witness.answered(asked, fault_in(response.headers()).as_ref());
            }
            Ok(_) => witness.answered(asked, None),
            Err((fault, _)) => witness.answered(asked, Some(fault)),
        }
        answer
    }

    async fn deliver(&mut self, mut request: Request<Body>, repeats: u32) -> Result<Response<Body>, (Fault, Again)> {
        let Channel { exchange, edge, .. } = self.channel;
        let world = exchange.world();
        let faults = edge.faults().unwrap_or_default();
        if !faults.latency.is_zero() && before(&mut self.alarm, world.sleep(faults.latency)).await.is_none() {
            return Err((late(), Again::Never));
        }
        if happens(faults.failure_rate, world) {
            return Err((Fault::unavailable("fault_injected", "This edge fails on purpose."), Again::Always));
        }
        let remaining = self.due.saturating_sub(world.monotonic());
        let without_key = repeats > 0 && planted(Mistake::RepeatWithoutKey);
        let arrived = match exchange.local(edge.to) {
            Some(local) => {
                let mut call = headers::carried(self.call, edge.from, remaining, world);
                call.request = call.request.filter(|_| !without_key);
                before(&mut self.alarm, server::serve(&local, request, call)).await.map(Ok)
            }
            None => {
                headers::write(request.headers_mut(), self.call, edge.from, edge.to, remaining, world, exchange.key())
                    .map_err(|fault| (fault, Again::Never))?;
                if without_key {
                    request.headers_mut().remove(headers::REQUEST);
                }
                before(&mut self.alarm, exchange.deliver(edge.to, request)).await
            }
        };
        match arrived {
            None => Err((late(), Again::Never)),
            Some(Err(lost)) if lost.seen => Err((lost.fault, Again::IfIdempotent)),
            Some(Err(lost)) => Err((lost.fault, Again::Always)),
            Some(Ok(_)) if happens(faults.lost_answer_rate, world) => {
                Err((Fault::unavailable("answer_lost", "This edge loses answers on purpose."), Again::IfIdempotent))
            }
            Some(Ok(response)) => Ok(response),
        }
    }

    fn end(&self, leave: Leave, code: i32) {
        if leave.end(code) {
            self.channel.exchange.hang_up(self.channel.edge.to);
        }
    }
}

/// Judges an answer that is over with its headers.
fn judged(response: Response<Body>, code: i32) -> Attempt {
    if code != tonic::Code::Unavailable as i32 {
        return Attempt::Answered((response, None));
    }
    let not_now = fault_in(response.headers()).is_some_and(|fault| NOT_NOW.contains(&fault.code.as_str()));
    Attempt::Refused(response, if not_now { Again::Never } else { Again::IfIdempotent })
}

fn happens(rate: f64, world: &base::World) -> bool {
    const STEPS: f64 = (1u64 << 53) as f64;
    rate > 0.0 && ((world.chance() >> 11) as f64) / STEPS < rate
}

/// Waits for a future; none when the alarm rings first.
async fn before<T>(alarm: &mut BoxFuture<'static, ()>, future: impl Future<Output = T>) -> Option<T> {
    let mut future = std::pin::pin!(future);
    std::future::poll_fn(|context| match future.as_mut().poll(context) {
        Poll::Ready(value) => Poll::Ready(Some(value)),
        Poll::Pending => alarm.as_mut().poll(context).map(|()| None),
    })
    .await
}
