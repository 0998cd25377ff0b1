//! From the endpoint's answer to what the client gets to see of it.

use super::api::Api;
use super::connection::{Answer, Connection, Request};
use super::fault::{Fault, busy_page, empty_page, grown};
use super::iterators::iterator_of;
use bytes::Bytes;
use http_body_util::{BodyExt as _, Full};
use hyper::client::conn::http1::{SendRequest, handshake};
use hyper_util::rt::TokioIo;
use pelton::clock::Clock;
use std::error::Error;
use std::io;
use std::time::Duration;
use tokio::net::TcpStream;

/// Pieces in which an answer trickles.
const TRICKLE_PIECES: usize = 20;

/// Headers that belong to one connection, and not to the message.
const OF_ONE_CONNECTION: [&str; 4] = ["connection", "content-length", "transfer-encoding", "keep-alive"];

/// A connection to the endpoint, made when it is needed.
#[derive(Debug)]
pub(super) struct Backend {
    address: String,
    sender: Option<SendRequest<Full<Bytes>>>,
}

impl Backend {
    pub(super) fn new(address: &str) -> Self {
        Self { address: address.to_owned(), sender: None }
    }

    /// The endpoint's own answer.
    pub(super) async fn ask(&mut self, request: &Request) -> Result<Answer, Box<dyn Error + Send + Sync>> {
        let mut sender = match self.sender.take().filter(|sender| !sender.is_closed()) {
            Some(sender) => sender,
            None => self.connect().await?,
        };
        sender.ready().await?;
        let (head, body) = sender.send_request(forwarded(request)?).await?.into_parts();
        let body = body.collect().await?.to_bytes();
        self.sender = Some(sender);
        let passes = |name: &str| !OF_ONE_CONNECTION.contains(&name);
        let headers = head.headers.iter().filter(|(name, _)| passes(name.as_str()));
        let headers = headers
            .map(|(name, value)| Ok((name.to_string(), value.to_str()?.to_owned())))
            .collect::<Result<_, hyper::header::ToStrError>>()?;
        Ok(Answer { status: head.status.as_u16(), headers, body })
    }

    async fn connect(&self) -> Result<SendRequest<Full<Bytes>>, Box<dyn Error + Send + Sync>> {
        let stream = TcpStream::connect(&self.address).await?;
        stream.set_nodelay(true)?;
        let (sender, connection) = handshake(TokioIo::new(stream)).await?;
        // It ends with its sender; that it broke is seen there.
        tokio::spawn(async move { connection.await.ok() });
        Ok(sender)
    }
}

fn forwarded(request: &Request) -> Result<hyper::Request<Full<Bytes>>, hyper::http::Error> {
    let mut forwarded = hyper::Request::builder().method(&*request.method).uri(&request.path);
    for (name, value) in &request.headers {
        if !OF_ONE_CONNECTION.contains(&&*name.to_ascii_lowercase()) {
            forwarded = forwarded.header(name, value);
        }
    }
    forwarded.body(Full::new(request.body.clone()))
}

/// Gives the client what is left of the answer. `asked` is the endpoint's, if it was asked. Whether the connection goes on.
pub(super) async fn deliver(
    connection: &mut Connection,
    clock: &Clock,
    (api, request): (&Api, &Request),
    asked: Option<Answer>,
    fault: Option<&Fault>,
) -> io::Result<bool> {
    let Some(answer) = asked else {
        return refuse(connection, clock, (api, request), fault).await;
    };
    let answer = match fault {
        Some(Fault::Grown(bytes)) => grown(answer, *bytes).ok_or(io::ErrorKind::InvalidData)?,
        Some(_) | None => answer,
    };
    let bytes = answer.to_bytes();
    let (whole, first_half) = (&bytes[..], &bytes[..bytes.len() - answer.body.len().div_ceil(2)]);
    match fault {
        Some(Fault::ResetInBody) => {
            connection.send_bytes(first_half).await?;
            connection.reset_at_end()?;
            return Ok(false);
        }
        Some(Fault::CutShort) => {
            connection.send_bytes(first_half).await?;
            return Ok(false);
        }
        Some(Fault::StallInBody(stall)) => {
            connection.send_bytes(first_half).await?;
            clock.sleep(*stall).await;
            return Ok(false);
        }
        Some(Fault::Trickle(over)) => trickle(connection, clock, whole, *over).await?,
        Some(Fault::Late(after)) => {
            clock.sleep(*after).await;
            connection.send_bytes(whole).await?;
        }
        Some(Fault::Twice) => connection.send_bytes(&[whole, whole].concat()).await?,
        Some(
            Fault::Refused(_)
            | Fault::BusyPage
            | Fault::EmptyPage
            | Fault::Grown(_)
            | Fault::Lie(_)
            | Fault::Reset
            | Fault::Stall(_),
        )
        | None => connection.send_bytes(whole).await?,
    }
    Ok(true)
}

/// What the client gets to see of a call that did not reach the endpoint.
async fn refuse(
    connection: &mut Connection,
    clock: &Clock,
    (api, request): (&Api, &Request),
    fault: Option<&Fault>,
) -> io::Result<bool> {
    match fault {
        Some(Fault::Refused(refusal)) => connection.send(&refusal.answer(api)).await?,
        Some(Fault::BusyPage) => connection.send(&busy_page()).await?,
        Some(Fault::EmptyPage) => {
            let iterator = iterator_of(&request.body).ok_or(io::ErrorKind::InvalidData)?;
            connection.send(&empty_page(api, &iterator)).await?;
        }
        Some(Fault::Stall(stall)) => {
            clock.sleep(*stall).await;
            return Ok(false);
        }
        Some(
            Fault::Reset
            | Fault::ResetInBody
            | Fault::CutShort
            | Fault::StallInBody(_)
            | Fault::Trickle(_)
            | Fault::Late(_)
            | Fault::Grown(_)
            | Fault::Lie(_)
            | Fault::Twice,
        )
        | None => {
            connection.reset_at_end()?;
            return Ok(false);
        }
    }
    Ok(true)
}

async fn trickle(connection: &mut Connection, clock: &Clock, bytes: &[u8], over: Duration) -> io::Result<()> {
    for piece in bytes.chunks(bytes.len().div_ceil(TRICKLE_PIECES).max(1)) {
        clock.sleep(over / u32::try_from(TRICKLE_PIECES).expect("a small number")).await;
        connection.send_bytes(piece).await?;
    }
    Ok(())
}
