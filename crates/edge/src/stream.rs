//! Streams of events (server-sent events): a catch-up from the log, then what the feed hands on.

use std::collections::BTreeSet;
use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::time::Duration;

use axum::body::Body;
use axum::response::{IntoResponse, Response};
use base::id::EventId;
use base::{Event, Fault, Principal};
use bytes::{Bytes, BytesMut};
use http::{HeaderMap, HeaderValue, header};
use tokio::sync::mpsc::{Receiver, Sender, channel};

use crate::Edge;
use crate::asked::Asked;
use crate::limit::Client;
use crate::problem::Problem;
use crate::public::{Said, Sight};

/// How many frames wait for a slow reader.
const FRAMES: usize = 64;
/// How many events are read from the log at once.
const READ: usize = 512;
/// How many bytes of events that came together are handed on in one piece.
const PIECE: usize = 16 * 1_024;
/// After its end an order still has a little to say, such as cash that was taken.
const LINGER: Duration = Duration::from_secs(2);

/// Which events somebody follows.
#[derive(Debug, Clone, Default)]
pub(crate) struct Wanted {
    pub(crate) topic: Option<String>,
    pub(crate) kinds: BTreeSet<String>,
}

impl Wanted {
    /// Makes one of what a query says; types are separated by commas, with or without version.
    pub(crate) fn of(topic: Option<String>, kinds: Option<&str>) -> Wanted {
        let kinds =
            kinds.unwrap_or_default().split(',').map(str::trim).filter(|kind| !kind.is_empty()).map(str::to_owned).collect();
        Wanted { topic: topic.filter(|topic| !topic.is_empty()), kinds }
    }

    pub(crate) fn has(&self, event: &Event) -> bool {
        let topic = self.topic.as_ref().is_none_or(|topic| *topic == event.topic);
        topic && (self.kinds.is_empty() || self.kinds.contains(event.name()) || self.kinds.contains(&*event.kind))
    }
}

/// Reads where to go on: the header that browsers send, else the query.
pub(crate) fn resume(edge: &Edge, headers: &HeaderMap, after: Option<&str>) -> Result<Option<i64>, Fault> {
    let given = headers.get("last-event-id").and_then(|value| value.to_str().ok()).or(after).filter(|given| !given.is_empty());
    given.map(|given| edge.read::<EventId>(given)).transpose()
}

/// One open stream; it counts for as long as it lives, for all and for the client who holds it.
struct Place {
    edge: Edge,
    clients: Vec<(Client, usize)>,
}

impl Place {
    fn take(edge: &Edge, asked: &Asked) -> Result<Place, Fault> {
        let config = &edge.0.config;
        let principal = &asked.call.principal;
        let mut clients = vec![(Client::of(principal, asked.origin), config.streams_per_client_max)];
        if matches!(principal, Principal::Guest { .. }) {
            clients.push((Client::Guests(asked.origin), config.streams_per_address_max));
        }
        if !edge.0.open.enter(&clients) {
            return Err(Fault::limited(
                "too_many_own_streams",
                "You follow events with as many streams as one client may; close some of them.",
            )
            .with("retry_after_seconds", 5));
        }
        let open = edge.0.streams.fetch_add(1, Ordering::AcqRel);
        let place = Place { edge: edge.clone(), clients };
        metrics::gauge!("comanda_event_streams").set((open + 1) as f64);
        if open >= edge.0.config.streams_max {
            return Err(Fault::unavailable("too_many_streams", "Too many pages follow events at once; try again in a moment.")
                .with("retry_after_seconds", 5));
        }
        Ok(place)
    }
}

impl Drop for Place {
    fn drop(&mut self) {
        self.edge.0.open.leave(&self.clients);
        let open = self.edge.0.streams.fetch_sub(1, Ordering::AcqRel);
        metrics::gauge!("comanda_event_streams").set(open.saturating_sub(1) as f64);
    }
}

/// The writing end of a stream.
struct Pen {
    place: Place,
    frames: Sender<Bytes>,
    sight: Sight,
    last: i64,
    /// When something was written last, on the world's monotonic clock.
    wrote_at: Duration,
}

/// The reader has gone, or the stream is to end.
struct Over;

impl Pen {
    fn new(place: Place, frames: Sender<Bytes>, sight: Sight, after: Option<i64>) -> Pen {
        let wrote_at = place.edge.world().monotonic();
        Pen { place, frames, sight, last: after.unwrap_or(0), wrote_at }
    }

    async fn write(&mut self, frame: Bytes) -> Result<(), Over> {
        self.wrote_at = self.place.edge.world().monotonic();
        self.frames.send(frame).await.map_err(|_| Over)
    }

    /// Gives the frame of an event that is wanted and was not said yet; else nothing.
    fn frame(&mut self, wanted: &Wanted, said: &Said) -> Option<Bytes> {
        if said.event.seq <= self.last || !wanted.has(&said.event) {
            return None;
        }
        self.last = said.event.seq;
        said.frame(self.place.edge.key(), self.sight)
    }

    async fn say(&mut self, said: &Said) -> Result<(), Over> {
        match self.frame(&Wanted::default(), said) {
            Some(frame) => self.write(frame).await,
            None => Ok(()),
        }
    }

    /// Waits for the next event, and says now and then that the stream is alive: also while all that comes is unwanted.
    async fn next(&mut self, feed: &mut Receiver<Arc<Said>>) -> Result<Arc<Said>, Over> {
        loop {
            let world = self.place.edge.world();
            let due = self.wrote_at + self.place.edge.0.config.heartbeat;
            let left = due.saturating_sub(world.monotonic());
            if left.is_zero() {
                self.write(Bytes::from_static(b": alive\n\n")).await?;
                continue;
            }
            tokio::select! {
                biased;
                said = feed.recv() => return said.ok_or(Over),
                () = self.frames.closed() => return Err(Over),
                () = world.sleep(left) => {}
            }
        }
    }
}

fn opened(mut frames: Receiver<Bytes>) -> Response {
    let stream = futures_util::stream::poll_fn(move |context| {
        frames.poll_recv(context).map(|frame| frame.map(Ok::<_, std::convert::Infallible>))
    });
    let mut response = Body::from_stream(stream).into_response();
    let headers = response.headers_mut();
    headers.insert(header::CONTENT_TYPE, HeaderValue::from_static("text/event-stream"));
    headers.insert(header::CACHE_CONTROL, HeaderValue::from_static("no-store"));
    headers.insert("x-accel-buffering", HeaderValue::from_static("no"));
    response
}

fn is_end(event: &Event) -> bool {
    matches!(event.name(), "order.delivered" | "order.cancelled")
}

/// Streams what happens to one order: its state first, then each event, until it has ended.
pub(crate) fn of_order(
    edge: &Edge,
    asked: &Asked,
    sight: Sight,
    order: i64,
    snapshot: &str,
    after: Option<i64>,
) -> Result<Response, Problem> {
    let (frames, receiver) = channel(FRAMES);
    let pen = Pen::new(Place::take(edge, asked)?, frames, sight, after);
    let first = Bytes::from(format!("retry: 1000\nevent: snapshot\ndata: {snapshot}\n\n"));
    let task = edge.clone();
    edge.world().spawn("order stream", async move {
        let _ = tell_order(&task, pen, order, first).await;
        task.0.feed.forget_key(order);
    });
    Ok(opened(receiver))
}

async fn tell_order(edge: &Edge, mut pen: Pen, order: i64, first: Bytes) -> Result<(), Over> {
    // Followed before the log is read, so that nothing falls between the two.
    let mut feed = edge.0.feed.follow_key(order);
    pen.write(first).await?;
    let mut ended = false;
    // An order has ended before its reader came when the end lies before where the reader goes on.
    let mut seen = 0;
    loop {
        let events = edge.0.ctx.log().of_key(order, seen, READ).await.map_err(|_| Over)?;
        for event in &events {
            seen = event.seq;
            ended |= is_end(event);
            pen.say(&Said::new(event.clone())).await?;
        }
        if events.len() < READ {
            break;
        }
    }
    while !ended {
        let said = pen.next(&mut feed).await?;
        pen.say(&said).await?;
        ended = is_end(&said.event);
    }
    let rest = async {
        while let Ok(said) = pen.next(&mut feed).await {
            if pen.say(&said).await.is_err() {
                return;
            }
        }
    };
    let _ = edge.world().within(LINGER, rest).await;
    Ok(())
}

/// Streams everything that is wanted, for staff.
pub(crate) fn of_all(edge: &Edge, asked: &Asked, wanted: Wanted, after: Option<i64>) -> Result<Response, Problem> {
    let (frames, receiver) = channel(FRAMES);
    let pen = Pen::new(Place::take(edge, asked)?, frames, Sight::Staff, after);
    // Whoever names no place begins now: the place is taken before the answer begins.
    let feed = after.is_none().then(|| edge.0.feed.follow_all());
    let task = edge.clone();
    edge.world().spawn("event stream", async move {
        let _ = tell_all(&task, pen, &wanted, feed).await;
    });
    Ok(opened(receiver))
}

async fn tell_all(edge: &Edge, mut pen: Pen, wanted: &Wanted, feed: Option<Receiver<Arc<Said>>>) -> Result<(), Over> {
    pen.write(Bytes::from_static(b"retry: 1000\n\n")).await?;
    let mut feed = match feed {
        Some(feed) => feed,
        None => {
            let mut seen = pen.last;
            while catch_up(edge, &mut pen, wanted, &mut seen).await? >= READ {}
            let feed = edge.0.feed.follow_all();
            while catch_up(edge, &mut pen, wanted, &mut seen).await? >= READ {}
            pen.last = pen.last.max(seen);
            feed
        }
    };
    loop {
        let said = pen.next(&mut feed).await?;
        let mut frames = BytesMut::new();
        frames.extend_from_slice(&pen.frame(wanted, &said).unwrap_or_default());
        // What has come meanwhile goes in one piece: every piece is a chunk of its own for the server and the reader.
        while frames.len() < PIECE
            && let Ok(said) = feed.try_recv()
        {
            frames.extend_from_slice(&pen.frame(wanted, &said).unwrap_or_default());
        }
        if !frames.is_empty() {
            pen.write(frames.freeze()).await?;
        }
    }
}

async fn catch_up(edge: &Edge, pen: &mut Pen, wanted: &Wanted, seen: &mut i64) -> Result<usize, Over> {
    let events = edge.0.ctx.log().read_all(*seen, READ).await.map_err(|_| Over)?;
    for event in &events {
        *seen = event.seq;
        if wanted.has(event) {
            pen.say(&Said::new(event.clone())).await?;
        }
    }
    Ok(events.len())
}
