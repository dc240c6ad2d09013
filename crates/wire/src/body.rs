//! Bodies that watch: what a call holds is given back when its body ends, however it ends.

use std::panic::{AssertUnwindSafe, catch_unwind};
use std::pin::Pin;
use std::task::{Context, Poll};

use base::{BoxFuture, Fault};
use bytes::Bytes;
use http::HeaderMap;
use http_body::{Frame, SizeHint};
use tonic::body::Body;
use tonic::{Code, Status};
use tracing::Span;

use crate::edge::{Leave, Ticket};
use crate::fault::{code_in, status_of};
use crate::server::{Place, panicked};

type Step = Poll<Option<Result<Frame<Bytes>, Status>>>;

/// The answer as its caller reads it: bounded by the deadline, its end told to the meters and the breaker.
pub(crate) struct Answer {
    body: Body,
    alarm: BoxFuture<'static, ()>,
    holds: Option<(Ticket, Leave)>,
    over: bool,
}

impl Answer {
    pub(crate) fn new(body: Body, alarm: BoxFuture<'static, ()>, ticket: Ticket, leave: Leave) -> Answer {
        Answer { body, alarm, holds: Some((ticket, leave)), over: false }
    }

    fn end(&mut self, code: i32) {
        self.over = true;
        if let Some((ticket, leave)) = self.holds.take() {
            leave.end(code);
            ticket.finish(code);
        }
    }

    fn fail(&mut self, status: Status) -> Step {
        self.end(status.code() as i32);
        Poll::Ready(Some(Err(status)))
    }
}

impl http_body::Body for Answer {
    type Data = Bytes;
    type Error = Status;

    fn poll_frame(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Step {
        if self.over {
            return Poll::Ready(None);
        }
        // The deadline is asked first: a body that always has more to say must not outlive it.
        if self.alarm.as_mut().poll(context).is_ready() {
            self.body = Body::empty();
            return self.fail(status_of(late()));
        }
        match Pin::new(&mut self.body).poll_frame(context) {
            Poll::Pending => Poll::Pending,
            Poll::Ready(Some(Ok(frame))) => {
                if let Some(trailers) = frame.trailers_ref() {
                    let code = code_in(trailers).unwrap_or(Code::Unknown as i32);
                    self.end(code);
                }
                Poll::Ready(Some(Ok(frame)))
            }
            Poll::Ready(Some(Err(status))) => self.fail(status),
            // A gRPC answer ends in trailers; one that just stops was cut off.
            Poll::Ready(None) => self.fail(status_of(Fault::unavailable("answer_cut", "The answer was cut off."))),
        }
    }

    fn size_hint(&self) -> SizeHint {
        self.body.size_hint()
    }

    fn is_end_stream(&self) -> bool {
        self.over
    }
}

/// What a caller is told when the time is over.
pub(crate) fn late() -> Fault {
    Fault::timeout("deadline_exceeded", "No answer came in time.")
}

/// The answer as the service writes it: panics and errors become trailers, because an error would reset the
/// connection's stream and lose the status.
pub(crate) struct Served {
    body: Body,
    span: Span,
    place: Option<Place>,
    over: bool,
}

impl Served {
    pub(crate) fn new(body: Body, span: Span, place: Place) -> Served {
        Served { body, span, place: Some(place), over: false }
    }

    fn end(&mut self) {
        self.over = true;
        self.place = None;
    }
}

impl http_body::Body for Served {
    type Data = Bytes;
    type Error = Status;

    fn poll_frame(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Step {
        if self.over {
            return Poll::Ready(None);
        }
        let this = &mut *self;
        let entered = this.span.enter();
        let step = catch_unwind(AssertUnwindSafe(|| Pin::new(&mut this.body).poll_frame(context)));
        let trailers = match step {
            Ok(Poll::Pending) => return Poll::Pending,
            Ok(Poll::Ready(Some(Ok(frame)))) => {
                drop(entered);
                if frame.is_trailers() {
                    self.end();
                }
                return Poll::Ready(Some(Ok(frame)));
            }
            Ok(Poll::Ready(None)) => {
                drop(entered);
                self.end();
                return Poll::Ready(None);
            }
            Ok(Poll::Ready(Some(Err(status)))) => trailers_of(&status),
            Err(panic) => trailers_of(&status_of(panicked(&*panic))),
        };
        drop(entered);
        self.body = Body::empty();
        self.end();
        Poll::Ready(Some(Ok(Frame::trailers(trailers))))
    }

    fn size_hint(&self) -> SizeHint {
        self.body.size_hint()
    }

    fn is_end_stream(&self) -> bool {
        self.over || self.body.is_end_stream()
    }
}

fn trailers_of(status: &Status) -> HeaderMap {
    let mut trailers = HeaderMap::new();
    // It fails only for a message that no header can hold, and messages are percent-encoded.
    let _ = status.add_header(&mut trailers);
    trailers
}
