//! The life of one handler process: started, served on a port of its own until it ends, and cleared away.

use super::code::Code;
use super::dispatcher::Dispatcher;
use super::environment::environment;
use super::executable;
use super::handler_exec::NOT_EXECUTED;
use super::keeper::Word;
use super::keeper_handle::KeeperHandle;
use super::output::Output;
use super::runtime_api::RuntimeApi;
use super::spawner::HandlerCommand;
use crate::errors::chain;
use pelton_core::Timestamp;
use pelton_core::exchange::{Exit, ProcessId};
use std::error::Error;
use std::io::{self, PipeReader};
use std::net::{Ipv4Addr, SocketAddr};
use std::sync::Arc;
use std::time::Duration;
use tokio::net::unix::pipe;
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::oneshot;
use tokio::task::{JoinHandle, JoinSet};
use uuid::Uuid;

/// Most connections of one process at a time; further ones are refused. Runtimes use one or two.
const CONNECTIONS_MAX: usize = 64;

/// What a connection too many is told, whatever it asks.
const CONNECTION_REFUSED: &[u8] = b"HTTP/1.1 503 Service Unavailable\r\nContent-Type: application/json\r\n\
    Connection: close\r\n\r\n\
    {\"errorMessage\":\"this process has too many connections\",\"errorType\":\"TooManyConnections\"}";

/// How long what a process wrote before it ended is still read. Everything that it started is dead: only something that
/// could not be killed, and kept the connection or the pipe open, makes anybody wait this long.
const LAST_WORDS_MAX: Duration = Duration::from_millis(500);

/// How long to wait after a connection could not be accepted, such as for lack of file descriptors.
const ACCEPT_PAUSE: Duration = Duration::from_millis(50);

/// How long to wait for the end of what a process left behind, once it has ended itself. Only what a system call holds,
/// or what multiplies faster than it is killed, makes anybody wait this long.
const END_MAX: Duration = Duration::from_secs(5);

/// Why a function without code does not start.
const NO_CODE: &str = "its code does not compile";

/// A process that runs.
struct Running {
    keeper: KeeperHandle,
    listener: TcpListener,
    connections: JoinSet<()>,
    connections_accepted: u64,
    has_refused: bool,
    output: JoinHandle<()>,
}

/// Runs a process until it ends, or until `killed` ends because it is to be killed. Dropping this kills it.
pub(super) async fn run(
    dispatcher: Arc<Dispatcher>,
    id: ProcessId,
    code: Option<Arc<Code>>,
    killed: oneshot::Receiver<()>,
) {
    let Some(code) = code else { return dispatcher.start_failed(id, NO_CODE.to_owned()) };
    let mut running = match start(&dispatcher, id, &code).await {
        Ok(started) => started,
        Err(error) => return dispatcher.start_failed(id, chain(error.as_ref())),
    };
    running.serve(&dispatcher, id, killed).await;
    let Running { keeper, mut connections, connections_accepted, mut output, .. } = running;
    let exit = keeper.end(&dispatcher.profile.name);
    last_words(&dispatcher, &mut connections, &mut output).await;
    match exit.map_or(Some("its keeper does not start; its output says why"), |exit| defect(&code, exit)) {
        Some(defect) if connections_accepted == 0 => {
            dispatcher.start_failed(id, format!("{} cannot be executed: {defect}", code.bootstrap.display()));
        }
        Some(_) | None => dispatcher.exited(id, exit.unwrap_or(Exit::Code(0))),
    }
}

impl Running {
    /// Serves the process until nothing is left of it.
    async fn serve(
        &mut self,
        dispatcher: &Arc<Dispatcher>,
        id: ProcessId,
        mut killed: oneshot::Receiver<()>,
    ) {
        let mut was_killed = false;
        let mut over_at = None;
        loop {
            tokio::select! {
                // What the keeper says first, the process's number, counts before anything that the process does.
                biased;
                word = self.keeper.next() => match word {
                    Some(Word::Began(pid)) => dispatcher.started(id, pid),
                    Some(Word::Ended(_)) => over_at = Some(dispatcher.clock.now().after(END_MAX)),
                    None => return,
                },
                _ = &mut killed, if !was_killed => {
                    was_killed = true;
                    self.keeper.kill();
                }
                accepted = self.listener.accept() => match accepted {
                    Ok((connection, _)) => self.accept(dispatcher, id, connection),
                    Err(error) => {
                        tracing::warn!(function = dispatcher.profile.name, %error, "cannot accept a connection to the Runtime API");
                        dispatcher.clock.sleep(ACCEPT_PAUSE).await;
                    }
                },
                Some(_) = self.connections.join_next() => {}
                () = sleep_until(dispatcher, over_at) => {
                    tracing::warn!(function = dispatcher.profile.name, "child processes of a handler do not end");
                    return;
                }
            }
        }
    }

    fn accept(&mut self, dispatcher: &Arc<Dispatcher>, id: ProcessId, connection: TcpStream) {
        self.connections_accepted += 1;
        if self.connections.len() < CONNECTIONS_MAX {
            self.connections.spawn(RuntimeApi::new(Arc::clone(dispatcher), id).serve(connection));
            return;
        }
        if !std::mem::replace(&mut self.has_refused, true) {
            let connections_max = CONNECTIONS_MAX;
            tracing::warn!(
                function = dispatcher.profile.name,
                connections_max,
                "a handler has too many connections to its Runtime API: further ones are refused"
            );
        }
        // A new connection takes this much at once, if it takes anything.
        connection.try_write(CONNECTION_REFUSED).ok();
    }
}

async fn sleep_until(dispatcher: &Dispatcher, moment: Option<Timestamp>) {
    match moment {
        Some(moment) => dispatcher.clock.sleep_until(moment).await,
        None => std::future::pending().await,
    }
}

/// Why a process that ended like this, without a word, never was the handler; `None` if it was.
fn defect(code: &Code, exit: Exit) -> Option<&'static str> {
    let was_not_executed = exit == Exit::Code(NOT_EXECUTED.into());
    was_not_executed
        .then(|| executable::defect(&code.bootstrap).unwrap_or("the system refuses; its output says why"))
}

async fn start(
    dispatcher: &Arc<Dispatcher>,
    id: ProcessId,
    code: &Code,
) -> Result<Running, Box<dyn Error + Send + Sync>> {
    let listener = TcpListener::bind(SocketAddr::from((Ipv4Addr::LOCALHOST, 0))).await?;
    let command = HandlerCommand {
        program: code.bootstrap.clone(),
        folder: code.folder.clone(),
        environment: environment(
            &dispatcher.profile,
            code,
            listener.local_addr()?,
            &log_stream(dispatcher),
            std::env::vars_os(),
        ),
    };
    let (keeper, pipe) = dispatcher.spawner.spawn(command).await?;
    let output = forward_output(dispatcher, id, pipe)?;
    let connections = JoinSet::new();
    Ok(Running { keeper, listener, connections, connections_accepted: 0, has_refused: false, output })
}

fn forward_output(
    dispatcher: &Arc<Dispatcher>,
    id: ProcessId,
    pipe: PipeReader,
) -> io::Result<JoinHandle<()>> {
    let Dispatcher { profile, log, clock, .. } = dispatcher.as_ref();
    let pipe = pipe::Receiver::from_owned_fd(pipe.into())?;
    let output = Arc::new(Output::new(pipe, &profile.name, Arc::clone(log), clock.clone()));
    dispatcher.listen(id, Arc::clone(&output));
    Ok(tokio::spawn(async move { output.forward().await }))
}

/// What a process had sent or written before it ended still counts.
async fn last_words(dispatcher: &Dispatcher, connections: &mut JoinSet<()>, output: &mut JoinHandle<()>) {
    let all_is_read = async {
        while connections.join_next().await.is_some() {}
        // An error means that the task panicked, which the runtime has reported.
        let _is_done = (&mut *output).await.is_ok();
    };
    tokio::select! {
        () = all_is_read => {}
        () = dispatcher.clock.sleep(LAST_WORDS_MAX) => {}
    }
    connections.shutdown().await;
    output.abort();
}

/// `2026/11/21/[$LATEST]…`
fn log_stream(dispatcher: &Dispatcher) -> String {
    let millis = i64::try_from(dispatcher.clock.now().as_millis()).unwrap_or(i64::MAX);
    let now = jiff::Timestamp::from_millisecond(millis).unwrap_or(jiff::Timestamp::MAX);
    format!("{}[$LATEST]{}", now.strftime("%Y/%m/%d/"), Uuid::new_v4().simple())
}
