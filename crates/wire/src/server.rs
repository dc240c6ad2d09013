//! The service's end of a call. Both arms pass through here: gate, limit, span, panics.

use std::any::Any;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::task::Poll;

use base::{BoxFuture, Fault};
use http::{Request, Response};
use tonic::body::Body;
use tracing::Instrument;

use crate::Call;
use crate::body::Served;
use crate::fault::{answer_of, code_in};
use crate::routes::Handler;

/// How many calls a service carries out at once unless it says otherwise.
const IN_FLIGHT_MAX: usize = 1_024;

/// Whether a service takes calls, and how many it has.
pub(crate) struct Gate {
    paused: AtomicBool,
    in_flight: AtomicUsize,
    in_flight_max: AtomicUsize,
}

impl Gate {
    pub(crate) fn new() -> Gate {
        Gate { paused: AtomicBool::new(false), in_flight: AtomicUsize::new(0), in_flight_max: AtomicUsize::new(IN_FLIGHT_MAX) }
    }

    pub(crate) fn pause(&self, paused: bool) {
        self.paused.store(paused, Ordering::Release);
    }

    pub(crate) fn is_paused(&self) -> bool {
        self.paused.load(Ordering::Acquire)
    }

    pub(crate) fn limit(&self, in_flight_max: usize) {
        self.in_flight_max.store(in_flight_max, Ordering::Release);
    }

    fn enter(self: &Arc<Gate>, service: &str) -> Result<Place, Fault> {
        if self.is_paused() {
            return Err(Fault::unavailable("service_paused", format!("{service} is paused.")).with("service", service));
        }
        let place = Place(Arc::clone(self));
        if self.in_flight.fetch_add(1, Ordering::AcqRel) >= self.in_flight_max.load(Ordering::Acquire) {
            return Err(
                Fault::limited("too_many_in_flight", format!("{service} has too many calls at once.")).with("service", service)
            );
        }
        Ok(place)
    }
}

/// A call's place in a service, given back when its answer is over.
pub(crate) struct Place(Arc<Gate>);

impl Drop for Place {
    fn drop(&mut self) {
        self.0.in_flight.fetch_sub(1, Ordering::AcqRel);
    }
}

/// A service of this process.
pub(crate) struct Local {
    pub(crate) service: &'static str,
    pub(crate) handler: Handler,
    pub(crate) gate: Arc<Gate>,
}

/// Carries out one call. It always answers; what went wrong is in the answer.
pub(crate) async fn serve(local: &Local, mut request: Request<Body>, call: Call) -> Response<Body> {
    let place = match local.gate.enter(local.service) {
        Ok(place) => place,
        Err(fault) => return answer_of(fault),
    };
    let span = tracing::info_span!("rpc",
        service = local.service,
        method = request.uri().path(),
        correlation = %call.correlation,
        from = call.from.as_deref().unwrap_or_default());
    request.extensions_mut().insert(call);
    let handled = caught(local.handler.call(request)).instrument(span.clone()).await;
    match handled {
        // A unary error is whole: its status is in the headers.
        Ok(response) if code_in(response.headers()).is_some() => response,
        Ok(response) => response.map(|body| Body::new(Served::new(body, span, place))),
        Err(fault) => span.in_scope(|| answer_of(fault)),
    }
}

async fn caught(mut handler: BoxFuture<'static, Response<Body>>) -> Result<Response<Body>, Fault> {
    std::future::poll_fn(|context| match catch_unwind(AssertUnwindSafe(|| handler.as_mut().poll(context))) {
        Ok(step) => step.map(Ok),
        Err(panic) => Poll::Ready(Err(panicked(&*panic))),
    })
    .await
}

/// Makes a fault of a panic; its words go to the log when the fault becomes a status, and nowhere else.
pub(crate) fn panicked(panic: &(dyn Any + Send)) -> Fault {
    let text = panic.downcast_ref::<&str>().copied();
    let text = text.or_else(|| panic.downcast_ref::<String>().map(String::as_str)).unwrap_or("no words");
    Fault::internal("handler_panicked", "The service hit a defect.").because(text)
}
