//! A fault proxy: stands between a client of Kinesis or DynamoDB Streams and an endpoint, and gets in the way as it was told.
//!
//! In: requests on loopback, and a [`Weather`] that can be changed at any time. Out: the endpoint's answers, or what a bad
//! day makes of them; and a log of every call. It never helps: it does not retry, remembers no records, and a fault
//! that hides records leaves the client's iterator as it is. Only calls of an AWS API pass, so that the embedded stream
//! behind it looks like any other endpoint.

mod api;
mod connection;
mod delivery;
mod fault;
mod iterators;
mod lies;
mod weather;

pub use fault::{Fault, GROWS, Refusal};
pub use lies::{LIES, Lie};
pub use weather::{Operation, Rule, Weather};

use api::Api;
use connection::{Answer, Connection};
use delivery::{Backend, deliver};
use iterators::Iterators;
use lies::Memory;
use pelton::clock::Clock;
use std::net::SocketAddr;
use std::sync::{Arc, Mutex, MutexGuard};
use std::time::Duration;
use tokio::net::{TcpListener, TcpStream};
use tokio::task::{AbortHandle, JoinSet};
use weather::{Judgement, Place, Subject};

/// Calls that are kept of one proxy. Later ones are only counted.
const CALLS_KEPT_MAX: usize = 200_000;

/// A call that came through, or did not.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Call {
    /// When it came, since the proxy started.
    pub at: Duration,
    /// What was asked for.
    pub operation: Operation,
    /// The shard that it concerns, if it concerns one.
    pub shard: Option<String>,
    /// What happened to it; `None`: it was answered as if the proxy were not there.
    pub fault: Option<Fault>,
}

/// A running proxy. Dropping it ends it and every connection through it.
#[derive(Debug)]
pub struct FaultProxy {
    address: SocketAddr,
    shared: Arc<Shared>,
    server: AbortHandle,
}

/// What all connections share.
#[derive(Debug)]
struct Shared {
    /// `HOST:PORT` of the endpoint behind.
    backend: String,
    clock: Clock,
    state: Mutex<State>,
}

#[derive(Debug, Default)]
struct State {
    weather: Weather,
    /// How often it changed.
    changes: u64,
    judgement: Judgement,
    iterators: Iterators,
    memory: Memory,
    calls: Vec<Call>,
    calls_count: u64,
    faults_count: u64,
    lies_count: u64,
}

/// A call, and what happens to it.
#[derive(Debug)]
struct Asked {
    operation: Operation,
    subject: Option<Subject>,
    fault: Option<Fault>,
    /// How often the weather had changed.
    changes: u64,
}

impl FaultProxy {
    /// A proxy in front of `endpoint`, such as `http://127.0.0.1:4567`.
    ///
    /// # Panics
    /// If the endpoint is no plain HTTP URL, or no port is free.
    pub async fn start(endpoint: &str, weather: Weather) -> Self {
        let backend = endpoint.strip_prefix("http://").expect("the endpoint is reached without TLS");
        let listener = TcpListener::bind("127.0.0.1:0").await.expect("a port is free");
        let address = listener.local_addr().expect("a listener has an address");
        let state = Mutex::new(State { weather, ..State::default() });
        let shared = Arc::new(Shared {
            backend: backend.trim_end_matches('/').to_owned(),
            clock: Clock::start(),
            state,
        });
        let server = tokio::spawn(serve(listener, Arc::clone(&shared))).abort_handle();
        Self { address, shared, server }
    }

    /// The URL that clients use.
    #[must_use]
    pub fn endpoint(&self) -> String {
        format!("http://{}", self.address)
    }

    /// From now on the weather is this. What was counted goes on being counted; what was asked before is not told again, also if
    /// its answer comes later: it is that of a poller that was killed, and may be of records far ahead of what the next one asks for.
    pub fn change(&self, weather: Weather) {
        let mut state = self.shared.state();
        state.weather = weather;
        state.changes += 1;
        state.memory.forget();
    }

    /// The calls so far, in the order in which they came: the first 200,000.
    #[must_use]
    pub fn calls(&self) -> Vec<Call> {
        self.shared.state().calls.clone()
    }

    /// Number of calls so far, and how many of them met with a fault.
    #[must_use]
    pub fn counts(&self) -> (u64, u64) {
        let state = self.shared.state();
        (state.calls_count, state.faults_count)
    }

    /// Number of wrong answers so far.
    #[must_use]
    pub fn lies(&self) -> u64 {
        self.shared.state().lies_count
    }

    /// Number of calls so far that met with this fault.
    #[must_use]
    pub fn count_of(&self, fault: &Fault) -> usize {
        self.shared.state().calls.iter().filter(|call| call.fault.as_ref() == Some(fault)).count()
    }
}

impl Drop for FaultProxy {
    fn drop(&mut self) {
        self.server.abort();
    }
}

impl Shared {
    fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().expect("nobody panics while holding the state")
    }

    /// Notes a call, and decides what happens to it.
    fn decide(&self, api: &Api, operation: Operation, body: &[u8]) -> Asked {
        let at = self.clock.elapsed();
        let mut guard = self.state();
        let state = &mut *guard;
        let subject = state.iterators.subject(operation, body);
        let is_expired = operation == Operation::GetRecords
            && state.weather.iterators_live().is_some_and(|live| state.iterators.is_older(body, at, live));
        let fault = if is_expired {
            Some(Fault::Refused(Refusal::ExpiredIterator))
        } else {
            state.judgement.fault(&state.weather, (api, operation), subject.as_ref(), at)
        };
        state.calls_count += 1;
        state.faults_count += u64::from(fault.is_some());
        if state.calls.len() < CALLS_KEPT_MAX {
            let shard = subject.as_ref().and_then(|subject| subject.shard.clone());
            state.calls.push(Call { at, operation, shard, fault: fault.clone() });
        }
        Asked { operation, subject, fault, changes: state.changes }
    }

    /// What the client is to see of the endpoint's answer: a lie, if that is the fault. Remembers the answer, and which shard its
    /// iterator is of.
    fn answer(&self, asked: &Asked, answer: Answer) -> Answer {
        let Asked { operation, fault, changes, .. } = asked;
        let Some(subject) = &asked.subject else { return answer };
        let at = self.clock.elapsed();
        let mut guard = self.state();
        let state = &mut *guard;
        if let Some(place) = Place::of(subject) {
            state.iterators.learn(&place, &answer.body, at);
        }
        let told = match fault {
            Some(Fault::Lie(lie)) => state.memory.tell(*lie, *operation, subject, &answer),
            Some(_) | None => None,
        };
        state.lies_count += u64::from(told.is_some());
        if *changes == state.changes {
            state.memory.learn(*operation, subject.clone(), &answer, state.calls_count);
        }
        told.unwrap_or(answer)
    }
}

/// Accepts connections until it is dropped, and all of them with it.
async fn serve(listener: TcpListener, shared: Arc<Shared>) {
    let mut connections = JoinSet::new();
    loop {
        tokio::select! {
            accepted = listener.accept() => {
                if let Ok((stream, _)) = accepted {
                    connections.spawn(serve_connection(stream, Arc::clone(&shared)));
                }
            }
            Some(_ended) = connections.join_next() => {}
        }
    }
}

/// Serves one connection until the client closes it, or a fault breaks it.
async fn serve_connection(stream: TcpStream, shared: Arc<Shared>) {
    let mut backend = Backend::new(&shared.backend);
    let Ok(mut connection) = Connection::new(stream) else { return };
    while let Ok(Some(request)) = connection.next_request().await {
        let Some(target) = request.header("x-amz-target") else {
            if connection.send(&connection::NOT_FOUND).await.is_err() {
                return;
            }
            continue;
        };
        let (api, operation) = (Api::of_target(target), Operation::of_target(target));
        let asked = shared.decide(api, operation, &request.body);
        let answer = match &asked.fault {
            Some(fault) if !fault.reaches_the_endpoint() => None,
            Some(_) | None => match backend.ask(&request).await {
                Ok(answer) => Some(answer),
                // Nobody there: as if the client had knocked at that door itself.
                Err(_) => return,
            },
        };
        let answer = answer.map(|answer| shared.answer(&asked, answer));
        let fault = asked.fault.as_ref();
        let goes_on = deliver(&mut connection, &shared.clock, (api, &request), answer, fault).await;
        if !matches!(goes_on, Ok(true)) {
            return;
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use bytes::Bytes;

    #[tokio::test]
    async fn what_was_asked_before_the_weather_changed_is_not_told_again() {
        let proxy = FaultProxy::start("http://127.0.0.1:1", Weather::calm()).await;
        let (api, operation) = (Api::of_target("Kinesis_20131202.ListShards"), Operation::ListShards);
        let ask = || proxy.shared.decide(api, operation, br#"{"StreamName":"s"}"#);
        let ok = |text: &'static str| Answer {
            status: 200,
            body: Bytes::from_static(text.as_bytes()),
            ..connection::NOT_FOUND
        };
        let is_told_again = || {
            let asked = Asked { fault: Some(Fault::Lie(Lie::Repeated)), ..ask() };
            proxy.shared.answer(&asked, ok("new")).body == "old"
        };
        let before = ask();
        proxy.change(Weather::calm());
        proxy.shared.answer(&before, ok("old"));
        assert!(!is_told_again());
        proxy.change(Weather::calm());
        proxy.shared.answer(&ask(), ok("old"));
        assert!(is_told_again());
    }
}
