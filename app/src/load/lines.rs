//! The load's own way to the platform: a request in one write, an answer read as it lies.
//!
//! The load shares its cores with the platform it measures, so whatever it costs is missing there. A client for everybody
//! (pools, tasks for each connection, headers as maps) took a fifth of the processor of a run. This one knows one route,
//! and keeps its connections itself.

use std::io;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;

/// How much is read at once; an answer to an order fits.
const READ_BYTES: usize = 4_096;
/// An answer that is longer is none of ours.
const ANSWER_BYTES_MAX: usize = 1 << 20;

/// An answer, and where its body begins.
pub(super) struct Reply {
    /// The HTTP status.
    pub(super) status: u16,
    /// How long to wait before trying again, as the platform says.
    pub(super) retry_after: Option<Duration>,
    bytes: Vec<u8>,
    body: usize,
}

impl Reply {
    /// Gives the body.
    pub(super) fn body(&self) -> &[u8] {
        &self.bytes[self.body..]
    }
}

/// The connections to a platform that are free, the one used last on top. Clones share them.
#[derive(Clone)]
pub(super) struct Lines {
    address: Arc<str>,
    token: Arc<str>,
    idle: Arc<Mutex<Vec<Line>>>,
    open: Arc<AtomicUsize>,
}

/// A connection, counted for as long as it is open.
struct Line {
    stream: TcpStream,
    open: Arc<AtomicUsize>,
}

impl Drop for Line {
    fn drop(&mut self) {
        self.open.fetch_sub(1, Ordering::Relaxed);
    }
}

impl Lines {
    /// Makes none yet; `url` is `http://host:port`.
    pub(super) fn new(url: &str, token: &str) -> Lines {
        let address = url.strip_prefix("http://").unwrap_or(url).split('/').next().unwrap_or_default();
        Lines { address: address.into(), token: token.into(), idle: Arc::default(), open: Arc::default() }
    }

    /// Tells how many connections are open, in use or free.
    pub(super) fn open(&self) -> usize {
        self.open.load(Ordering::Relaxed)
    }

    /// Writes the request that sends an order.
    pub(super) fn order(&self, key: &str, body: &str) -> Vec<u8> {
        let Lines { address, token, .. } = self;
        let shown = if token.is_empty() { String::new() } else { format!("authorization: Bearer {token}\r\n") };
        let length = body.len();
        format!(
            "POST /v1/orders HTTP/1.1\r\nhost: {address}\r\naccept: application/json\r\n{shown}idempotency-key: {key}\r\n\
             content-type: application/json\r\ncontent-length: {length}\r\n\r\n{body}"
        )
        .into_bytes()
    }

    /// Sends a request that may be sent twice: a connection that was closed while nobody used it is no lost answer.
    pub(super) async fn send(&self, request: &[u8]) -> io::Result<Reply> {
        let idle = self.idle.lock().unwrap_or_else(PoisonError::into_inner).pop();
        if let Some(line) = idle
            && let Ok(reply) = self.over(line, request).await
        {
            return Ok(reply);
        }
        let stream = TcpStream::connect(&*self.address).await?;
        stream.set_nodelay(true)?;
        self.open.fetch_add(1, Ordering::Relaxed);
        self.over(Line { stream, open: self.open.clone() }, request).await
    }

    async fn over(&self, mut line: Line, request: &[u8]) -> io::Result<Reply> {
        line.stream.write_all(request).await?;
        let mut bytes = Vec::with_capacity(READ_BYTES);
        loop {
            if line.stream.read_buf(&mut bytes).await? == 0 {
                return Err(io::ErrorKind::UnexpectedEof.into());
            }
            if let Some(head) = Head::of(&bytes)?
                && bytes.len() >= head.ends_at
            {
                if head.stays_open && bytes.len() == head.ends_at {
                    self.idle.lock().unwrap_or_else(PoisonError::into_inner).push(line);
                }
                return Ok(Reply { status: head.status, retry_after: head.retry_after, body: head.body, bytes });
            }
            if bytes.len() > ANSWER_BYTES_MAX {
                return Err(unreadable());
            }
        }
    }
}

/// What the head of an answer says.
struct Head {
    status: u16,
    retry_after: Option<Duration>,
    stays_open: bool,
    body: usize,
    ends_at: usize,
}

impl Head {
    /// Reads it; none while it is not whole.
    fn of(bytes: &[u8]) -> io::Result<Option<Head>> {
        let Some(end) = bytes.windows(4).position(|four| four == b"\r\n\r\n") else { return Ok(None) };
        let text = std::str::from_utf8(&bytes[..end]).map_err(|_| unreadable())?;
        let mut lines = text.split("\r\n");
        let status =
            lines.next().and_then(|line| line.strip_prefix("HTTP/1.1 ")?.get(..3)?.parse().ok()).ok_or_else(unreadable)?;
        let (mut length, mut retry_after, mut stays_open) = (None, None, true);
        for line in lines {
            let Some((name, value)) = line.split_once(':') else { continue };
            let value = value.trim();
            if name.eq_ignore_ascii_case("content-length") {
                length = value.parse::<usize>().ok();
            } else if name.eq_ignore_ascii_case("retry-after") {
                retry_after = value.parse().ok().map(Duration::from_secs);
            } else if name.eq_ignore_ascii_case("connection") {
                stays_open = !value.eq_ignore_ascii_case("close");
            }
        }
        let body = end + 4;
        let ends_at = body + length.ok_or_else(unreadable)?;
        Ok(Some(Head { status, retry_after, stays_open, body, ends_at }))
    }
}

fn unreadable() -> io::Error {
    io::Error::new(io::ErrorKind::InvalidData, "the answer cannot be read")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_head_is_read_once_it_is_whole_and_says_where_the_answer_ends() {
        let text = b"HTTP/1.1 429 Too Many Requests\r\nContent-Length: 2\r\nretry-after: 3\r\nconnection: close\r\n\r\n{}";
        for cut in 0..text.len() - 2 {
            assert!(Head::of(&text[..cut]).unwrap().is_none(), "{cut}");
        }
        let head = Head::of(text).unwrap().unwrap();
        assert_eq!((head.status, head.retry_after, head.stays_open), (429, Some(Duration::from_secs(3)), false));
        assert_eq!((&text[head.body..], head.ends_at), (&b"{}"[..], text.len()));
    }

    #[test]
    fn an_answer_whose_end_nobody_knows_is_none() {
        assert!(Head::of(b"HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\n").is_err());
        assert!(Head::of(b"220 mail\r\n\r\n").is_err());
    }

    #[tokio::test]
    async fn a_connection_that_was_closed_meanwhile_is_replaced() {
        let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
        let lines = Lines::new(&format!("http://{}", listener.local_addr().unwrap()), "secret");
        let server = tokio::spawn(async move {
            let mut seen = Vec::new();
            for _ in 0..2 {
                let (mut stream, _) = listener.accept().await.unwrap();
                let mut asked = vec![0; READ_BYTES];
                let count = stream.read(&mut asked).await.unwrap();
                stream.write_all(b"HTTP/1.1 201 Created\r\ncontent-length: 2\r\n\r\n").await.unwrap();
                stream.write_all(b"{}").await.unwrap();
                seen.push(String::from_utf8(asked[..count].to_vec()).unwrap());
            }
            seen
        });
        for key in ["one", "two"] {
            let reply = lines.send(&lines.order(key, "{\"a\":1}")).await.unwrap();
            assert_eq!((reply.status, reply.body()), (201, &b"{}"[..]));
        }
        let seen = server.await.unwrap();
        assert!(seen[0].contains("idempotency-key: one\r\n") && seen[0].contains("Bearer secret\r\n"));
        assert!(seen[1].contains("idempotency-key: two\r\n") && seen[1].ends_with("content-length: 7\r\n\r\n{\"a\":1}"));
    }
}
