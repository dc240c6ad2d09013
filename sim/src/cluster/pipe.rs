//! A connection between two machines: bytes in their order, each as late as the network has it, none through a cut.

use std::collections::VecDeque;
use std::io;
use std::pin::Pin;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::task::{Context, Poll, Waker};
use std::time::Duration;

use base::BoxFuture;
use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};

use crate::cluster::links::Links;
use crate::kernel::{Kernel, NodeId};

/// How much may be on its way; who writes more waits, as with any window.
const WINDOW_BYTES: usize = 256 * 1_024;

/// What is on its way in one direction.
#[derive(Default)]
struct Lane {
    words: VecDeque<(Duration, Vec<u8>)>,
    bytes: usize,
    last: Duration,
    is_closed: bool,
    reader: Option<Waker>,
    writer: Option<Waker>,
}

type Shared = Arc<Mutex<Lane>>;

fn lock(lane: &Shared) -> MutexGuard<'_, Lane> {
    lane.lock().unwrap_or_else(PoisonError::into_inner)
}

/// One end of a connection.
pub struct Pipe {
    kernel: Kernel,
    links: Links,
    /// This end and the other.
    ends: (NodeId, NodeId),
    incoming: Shared,
    outgoing: Shared,
    /// What a reader waits for beside the writer: the time, or the end of a cut.
    waiting: Option<BoxFuture<'static, ()>>,
}

/// Connects two machines.
pub fn connect(kernel: &Kernel, links: &Links, one: NodeId, other: NodeId) -> (Pipe, Pipe) {
    let (there, back) = (Shared::default(), Shared::default());
    let end = |ends, incoming: &Shared, outgoing: &Shared| Pipe {
        kernel: kernel.clone(),
        links: links.clone(),
        ends,
        incoming: incoming.clone(),
        outgoing: outgoing.clone(),
        waiting: None,
    };
    (end((one, other), &back, &there), end((other, one), &there, &back))
}

impl Pipe {
    /// Waits until the first word of those on their way can be read; `Ready` when it can be, or nothing will come.
    fn arrived(&mut self, context: &mut Context<'_>) -> Poll<()> {
        let (here, there) = self.ends;
        loop {
            if let Some(waiting) = &mut self.waiting {
                if waiting.as_mut().poll(context).is_pending() {
                    return Poll::Pending;
                }
                self.waiting = None;
            }
            let mut lane = lock(&self.incoming);
            let now = self.kernel.now();
            let until = match lane.words.front() {
                Some((at, _)) => *at,
                None if lane.is_closed => now,
                None => {
                    lane.reader = Some(context.waker().clone());
                    return Poll::Pending;
                }
            };
            drop(lane);
            if self.links.is_cut(there, here) {
                let links = self.links.clone();
                self.waiting = Some(Box::pin(async move { links.passable(there, here).await }));
            } else if until > now {
                self.waiting = Some(Box::pin(self.kernel.sleep(until - now)));
            } else {
                return Poll::Ready(());
            }
        }
    }
}

impl AsyncRead for Pipe {
    fn poll_read(mut self: Pin<&mut Self>, context: &mut Context<'_>, buffer: &mut ReadBuf<'_>) -> Poll<io::Result<()>> {
        if self.arrived(context).is_pending() {
            return Poll::Pending;
        }
        let now = self.kernel.now();
        let mut lane = lock(&self.incoming);
        while buffer.remaining() > 0
            && let Some((at, mut word)) = lane.words.pop_front()
        {
            if at > now {
                lane.words.push_front((at, word));
                break;
            }
            let taken = word.len().min(buffer.remaining());
            buffer.put_slice(&word[..taken]);
            lane.bytes -= taken;
            if taken < word.len() {
                lane.words.push_front((at, word.split_off(taken)));
            }
        }
        let writer = lane.writer.take();
        drop(lane);
        writer.into_iter().for_each(Waker::wake);
        Poll::Ready(Ok(()))
    }
}

impl AsyncWrite for Pipe {
    fn poll_write(self: Pin<&mut Self>, context: &mut Context<'_>, bytes: &[u8]) -> Poll<io::Result<usize>> {
        let (here, there) = self.ends;
        let latency = self.links.latency(here, there);
        let mut lane = lock(&self.outgoing);
        if lane.is_closed {
            return Poll::Ready(Err(io::ErrorKind::BrokenPipe.into()));
        }
        if lane.bytes >= WINDOW_BYTES {
            lane.writer = Some(context.waker().clone());
            return Poll::Pending;
        }
        // In its order: nothing overtakes on one connection.
        let at = lane.last.max(self.kernel.now() + latency);
        lane.last = at;
        lane.bytes += bytes.len();
        lane.words.push_back((at, bytes.to_vec()));
        let reader = lane.reader.take();
        drop(lane);
        reader.into_iter().for_each(Waker::wake);
        Poll::Ready(Ok(bytes.len()))
    }

    fn poll_flush(self: Pin<&mut Self>, _: &mut Context<'_>) -> Poll<io::Result<()>> {
        Poll::Ready(Ok(()))
    }

    fn poll_shutdown(self: Pin<&mut Self>, _: &mut Context<'_>) -> Poll<io::Result<()>> {
        close(&self.outgoing);
        Poll::Ready(Ok(()))
    }
}

fn close(lane: &Shared) {
    let mut lane = lock(lane);
    lane.is_closed = true;
    let wakers = [lane.reader.take(), lane.writer.take()];
    drop(lane);
    wakers.into_iter().flatten().for_each(Waker::wake);
}

impl Drop for Pipe {
    // The process that held it has gone, or has hung up: who writes hears it at once, who reads after what was written.
    fn drop(&mut self) {
        close(&self.incoming);
        close(&self.outgoing);
    }
}
