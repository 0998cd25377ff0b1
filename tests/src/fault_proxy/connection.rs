//! One connection of a client: HTTP/1.1 by hand, so that every rule of it can be broken.
//!
//! In: bytes. Out: whole requests. Answers are written as they stand, or as far as they are to get.

use bytes::{Buf as _, Bytes, BytesMut};
use std::fmt::Write as _;
use std::io;
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::TcpStream;

/// Largest request that is taken: 10 MiB of records in base64, and what stands around them.
const REQUEST_BYTES_MAX: usize = 16 * 1024 * 1024;

/// The answer to whatever is not an AWS API.
pub(super) const NOT_FOUND: Answer = Answer { status: 404, headers: Vec::new(), body: Bytes::new() };

/// A client's connection.
#[derive(Debug)]
pub(super) struct Connection {
    stream: TcpStream,
    received: BytesMut,
}

/// A whole request.
#[derive(Clone, Debug)]
pub(super) struct Request {
    pub(super) method: String,
    pub(super) path: String,
    pub(super) headers: Vec<(String, String)>,
    pub(super) body: Bytes,
}

/// A whole answer.
#[derive(Clone, Debug)]
pub(super) struct Answer {
    pub(super) status: u16,
    pub(super) headers: Vec<(String, String)>,
    pub(super) body: Bytes,
}

impl Connection {
    pub(super) fn new(stream: TcpStream) -> io::Result<Self> {
        stream.set_nodelay(true)?;
        Ok(Self { stream, received: BytesMut::new() })
    }

    /// The next request; `None` once the client has closed the connection between two of them.
    pub(super) async fn next_request(&mut self) -> io::Result<Option<Request>> {
        let head_len = loop {
            if let Some(end) = self.received.windows(4).position(|bytes| bytes == b"\r\n\r\n") {
                break end;
            }
            if !self.receive().await? {
                return Ok(None);
            }
        };
        let head = self.received.split_to(head_len);
        self.received.advance(4);
        let mut request = parse_head(&head).ok_or(io::ErrorKind::InvalidData)?;
        let body_len = match request.header("content-length") {
            Some(length) => length.parse().map_err(|_| io::ErrorKind::InvalidData)?,
            None => 0,
        };
        while self.received.len() < body_len {
            if !self.receive().await? {
                return Err(io::ErrorKind::UnexpectedEof.into());
            }
        }
        request.body = self.received.split_to(body_len).freeze();
        Ok(Some(request))
    }

    /// Whether there was more to receive.
    async fn receive(&mut self) -> io::Result<bool> {
        if self.received.len() > REQUEST_BYTES_MAX {
            return Err(io::ErrorKind::InvalidData.into());
        }
        Ok(self.stream.read_buf(&mut self.received).await? > 0)
    }

    /// Sends an answer.
    pub(super) async fn send(&mut self, answer: &Answer) -> io::Result<()> {
        self.stream.write_all(&answer.to_bytes()).await
    }

    /// Sends bytes as they are.
    pub(super) async fn send_bytes(&mut self, bytes: &[u8]) -> io::Result<()> {
        self.stream.write_all(bytes).await
    }

    /// The connection is not closed but reset when it is dropped.
    pub(super) fn reset_at_end(&self) -> io::Result<()> {
        self.stream.set_zero_linger()
    }
}

impl Request {
    /// The value of a header. `name` in lower case.
    pub(super) fn header(&self, name: &str) -> Option<&str> {
        self.headers.iter().find(|(known, _)| known.eq_ignore_ascii_case(name)).map(|(_, value)| &**value)
    }
}

impl Answer {
    /// As it goes over the wire.
    pub(super) fn to_bytes(&self) -> Vec<u8> {
        let mut head = format!("HTTP/1.1 {} -\r\ncontent-length: {}\r\n", self.status, self.body.len());
        for (name, value) in &self.headers {
            write!(head, "{name}: {value}\r\n").expect("a string takes everything");
        }
        head.push_str("\r\n");
        [head.as_bytes(), &self.body].concat()
    }
}

fn parse_head(head: &[u8]) -> Option<Request> {
    let mut lines = std::str::from_utf8(head).ok()?.split("\r\n");
    let mut words = lines.next()?.split(' ');
    let (method, path) = (words.next()?.to_owned(), words.next()?.to_owned());
    let header =
        |line: &str| line.split_once(':').map(|(name, value)| (name.to_owned(), value.trim().to_owned()));
    let headers = lines.map(header).collect::<Option<_>>()?;
    Some(Request { method, path, headers, body: Bytes::new() })
}
