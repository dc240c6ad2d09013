//! What is sent: a request that is all there at once can be sent again, a stream cannot.

use std::collections::VecDeque;
use std::pin::Pin;
use std::task::{Context, Poll};

use bytes::{Bytes, BytesMut};
use http::Request;
use http::request::Parts;
use http_body::{Body as _, Frame};
use http_body_util::Full;
use tonic::Status;
use tonic::body::Body;

/// How much of a request is kept for a repeat: tonic's largest message and its five bytes of frame.
const KEPT_BYTES_MAX: usize = 4 * 1024 * 1024 + 5;

/// A request on its way out.
pub(crate) struct Parcel {
    parts: Parts,
    content: Content,
}

enum Content {
    Whole(Bytes),
    Once(Option<Body>),
}

impl Parcel {
    /// Reads as much of a request as is there already, without waiting: a unary call's message always is.
    pub(crate) async fn pack(request: Request<Body>) -> Result<Parcel, Status> {
        let (parts, mut body) = request.into_parts();
        let mut chunks = VecDeque::new();
        let mut size = 0;
        let whole = std::future::poll_fn(|context| {
            while size <= KEPT_BYTES_MAX {
                match Pin::new(&mut body).poll_frame(context) {
                    Poll::Pending => return Poll::Ready(Ok(false)),
                    Poll::Ready(None) => return Poll::Ready(Ok(true)),
                    Poll::Ready(Some(Err(status))) => return Poll::Ready(Err(status)),
                    // Requests of gRPC have no trailers.
                    Poll::Ready(Some(Ok(frame))) => {
                        if let Ok(chunk) = frame.into_data() {
                            size += chunk.len();
                            chunks.push_back(chunk);
                        }
                    }
                }
            }
            Poll::Ready(Ok(false))
        })
        .await?;
        let content = match (whole, chunks.len()) {
            (false, _) => Content::Once(Some(Body::new(Resumed { chunks, rest: body }))),
            (true, 1) => Content::Whole(chunks.pop_front().unwrap_or_default()),
            (true, _) => Content::Whole(chunks.iter().fold(BytesMut::new(), joined).freeze()),
        };
        Ok(Parcel { parts, content })
    }

    /// Gives the request to send; none when it was a stream that is used up.
    pub(crate) fn open(&mut self) -> Option<Request<Body>> {
        let body = match &mut self.content {
            Content::Whole(bytes) => Body::new(Full::new(bytes.clone())),
            Content::Once(body) => body.take()?,
        };
        Some(Request::from_parts(self.parts.clone(), body))
    }

    /// Tells whether it can be opened once more.
    pub(crate) fn is_repeatable(&self) -> bool {
        matches!(self.content, Content::Whole(_))
    }
}

fn joined(mut sum: BytesMut, chunk: &Bytes) -> BytesMut {
    sum.extend_from_slice(chunk);
    sum
}

/// A stream of which the beginning has been read.
struct Resumed {
    chunks: VecDeque<Bytes>,
    rest: Body,
}

impl http_body::Body for Resumed {
    type Data = Bytes;
    type Error = Status;

    fn poll_frame(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<Option<Result<Frame<Bytes>, Status>>> {
        match self.chunks.pop_front() {
            Some(chunk) => Poll::Ready(Some(Ok(Frame::data(chunk)))),
            None => Pin::new(&mut self.rest).poll_frame(context),
        }
    }
}
