//! The handler's side of the Runtime API over a plain socket, so that tests can break each rule of it.

use serde_json::Value;
use std::collections::BTreeMap;
use std::io::{BufRead as _, BufReader, Read as _, Write as _};
use std::net::TcpStream;

const PREFIX: &str = "/2018-06-01/runtime/";

/// One connection.
pub(crate) struct Connection {
    host: String,
    stream: BufReader<TcpStream>,
}

/// An invocation.
pub(crate) struct Invocation {
    /// By name, in lower case.
    pub(crate) headers: BTreeMap<String, String>,
    /// The names as they stand on the wire.
    pub(crate) header_names: Vec<String>,
    pub(crate) event: Value,
}

/// An answer.
pub(crate) struct Answer {
    pub(crate) status: u16,
    headers: BTreeMap<String, String>,
    pub(crate) header_names: Vec<String>,
    body: Vec<u8>,
}

impl Connection {
    pub(crate) fn open() -> Self {
        let host = std::env::var("AWS_LAMBDA_RUNTIME_API").expect("AWS_LAMBDA_RUNTIME_API is set");
        let stream = TcpStream::connect(&host).expect("the Runtime API listens");
        stream.set_nodelay(true).expect("a socket");
        Self { host, stream: BufReader::new(stream) }
    }

    pub(crate) fn next(&mut self) -> Invocation {
        let answer = self.get("invocation/next");
        if answer.status != 200 {
            std::process::exit(1);
        }
        Invocation { event: answer.json(), headers: answer.headers, header_names: answer.header_names }
    }

    pub(crate) fn get(&mut self, call: &str) -> Answer {
        self.send(&format!("GET {PREFIX}{call} HTTP/1.1\r\nhost: {}\r\n\r\n", self.host), b"");
        self.receive()
    }

    pub(crate) fn post(&mut self, call: &str, headers: &[(&str, &str)], body: &[u8]) -> Answer {
        let lines: String = headers.iter().map(|(name, value)| format!("{name}: {value}\r\n")).collect();
        let length = body.len();
        let host = &self.host;
        let head = format!(
            "POST {PREFIX}{call} HTTP/1.1\r\nhost: {host}\r\n{lines}content-length: {length}\r\n\r\n"
        );
        self.send(&head, body);
        self.receive()
    }

    pub(crate) fn stream(&mut self, invocation: &Invocation, chunks: &[&str], trailers: &[(&str, &str)]) {
        let head = format!(
            "POST {PREFIX}{} HTTP/1.1\r\nhost: {}\r\nlambda-runtime-function-response-mode: streaming\r\n\
             transfer-encoding: chunked\r\n\
             trailer: Lambda-Runtime-Function-Error-Type, Lambda-Runtime-Function-Error-Body\r\n\r\n",
            invocation.path("response"),
            self.host
        );
        self.send(&head, b"");
        for chunk in chunks {
            self.send(&format!("{:x}\r\n{chunk}\r\n", chunk.len()), b"");
        }
        let lines: String = trailers.iter().map(|(name, value)| format!("{name}: {value}\r\n")).collect();
        self.send(&format!("0\r\n{lines}\r\n"), b"");
        println!("status {}", self.receive().status);
    }

    /// Begins a response and closes the connection in the middle of it.
    pub(crate) fn break_off(&mut self, invocation: &Invocation) {
        let path = invocation.path("response");
        let host = &self.host;
        let head = format!("POST {PREFIX}{path} HTTP/1.1\r\nhost: {host}\r\ncontent-length: 100\r\n\r\n");
        self.send(&head, b"only this much");
        self.stream.get_ref().shutdown(std::net::Shutdown::Both).expect("an open socket");
    }

    fn send(&mut self, head: &str, body: &[u8]) {
        let sent = [head.as_bytes(), body].concat();
        self.stream.get_mut().write_all(&sent).expect("Pelton reads everything");
    }

    /// The next answer, to whatever was asked.
    pub(crate) fn receive(&mut self) -> Answer {
        let status_line = self.line();
        let status = status_line.split(' ').nth(1).and_then(|status| status.parse().ok());
        let mut headers = BTreeMap::new();
        let mut header_names = Vec::new();
        loop {
            let line = self.line();
            let Some((name, value)) = line.split_once(": ") else { break };
            headers.insert(name.to_lowercase(), value.to_owned());
            header_names.push(name.to_owned());
        }
        let length = headers.get("content-length").and_then(|length| length.parse().ok()).unwrap_or(0);
        let mut body = vec![0; length];
        self.stream.read_exact(&mut body).expect("a body of the length that was announced");
        Answer { status: status.unwrap_or(0), headers, header_names, body }
    }

    fn line(&mut self) -> String {
        let mut line = String::new();
        if self.stream.read_line(&mut line).unwrap_or(0) == 0 {
            eprintln!("the Runtime API closed the connection");
            std::process::exit(1);
        }
        line.trim_end().to_owned()
    }
}

impl Answer {
    pub(crate) fn json(&self) -> Value {
        serde_json::from_slice(&self.body).expect("JSON")
    }
}
