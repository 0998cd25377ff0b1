//! The life of one handler process: started, served on a port of its own until it ends, and cleared away.

use super::code::Code;
use super::dispatcher::Dispatcher;
use super::environment::environment;
use super::handler_exec::NOT_EXECUTED;
use super::process_group::ProcessGroup;
use super::runtime_api::RuntimeApi;
use super::spawner::HandlerCommand;
use super::{executable, output};
use crate::errors::chain;
use pelton_core::exchange::{Exit, ProcessId};
use std::error::Error;
use std::io::{self, PipeReader};
use std::net::{Ipv4Addr, SocketAddr};
use std::os::fd::OwnedFd;
use std::sync::Arc;
use std::time::Duration;
use tokio::io::Interest;
use tokio::io::unix::AsyncFd;
use tokio::net::TcpListener;
use tokio::net::unix::pipe;
use tokio::sync::oneshot;
use tokio::task::{JoinHandle, JoinSet};
use uuid::Uuid;

/// Most connections of one process at a time; further ones wait to be accepted. Runtimes use one or two.
const CONNECTIONS_MAX: usize = 16;

/// How long what a process wrote before it ended is still read. Its group is dead: only something that left the group,
/// and kept the connection or the pipe open, makes anybody wait this long.
const LAST_WORDS_MAX: Duration = Duration::from_millis(500);

/// How long to wait after a connection could not be accepted, such as for lack of file descriptors.
const ACCEPT_PAUSE: Duration = Duration::from_millis(50);

/// A process that runs.
struct Running {
    group: ProcessGroup,
    exit_signal: AsyncFd<OwnedFd>,
    output: JoinHandle<()>,
}

/// Runs a process until it ends, or until `killed` ends because it is to be killed. Dropping this kills it.
pub(super) async fn run(
    dispatcher: Arc<Dispatcher>,
    id: ProcessId,
    code: Arc<Code>,
    mut killed: oneshot::Receiver<()>,
) {
    let mut connections = JoinSet::new();
    let (listener, mut running) = match start(&dispatcher, &code).await {
        Ok(started) => started,
        Err(error) => return dispatcher.start_failed(id, chain(error.as_ref())),
    };
    dispatcher.started(id, running.group.pid());
    let mut was_killed = false;
    let mut connections_accepted = 0_u64;
    loop {
        tokio::select! {
            _ = running.exit_signal.readable() => break,
            _ = &mut killed, if !was_killed => {
                was_killed = true;
                running.group.kill();
            }
            accepted = listener.accept(), if connections.len() < CONNECTIONS_MAX => match accepted {
                Ok((connection, _)) => {
                    connections_accepted += 1;
                    connections.spawn(RuntimeApi::new(Arc::clone(&dispatcher), id).serve(connection));
                }
                Err(error) => {
                    tracing::warn!(function = dispatcher.profile.name, %error, "a handler cannot be heard");
                    dispatcher.clock.sleep(ACCEPT_PAUSE).await;
                }
            },
            Some(_) = connections.join_next() => {}
        }
    }
    let exit = running.group.end();
    last_words(&dispatcher, &mut connections, &mut running.output).await;
    let exit = exit.unwrap_or_else(|error| {
        tracing::warn!(function = dispatcher.profile.name, %error, "nobody knows how a handler ended");
        Exit::Code(0)
    });
    match defect(&code, exit) {
        Some(defect) if connections_accepted == 0 => {
            dispatcher.start_failed(id, format!("{} cannot be executed: {defect}", code.bootstrap.display()));
        }
        Some(_) | None => dispatcher.exited(id, exit),
    }
}

/// Why a process that ended like this, without a word, never was the handler; `None` if it was.
fn defect(code: &Code, exit: Exit) -> Option<&'static str> {
    let was_not_executed = exit == Exit::Code(NOT_EXECUTED.into());
    let defect = executable::defect(&code.bootstrap);
    defect.or_else(|| was_not_executed.then_some("the system refuses; its output says why"))
}

async fn start(
    dispatcher: &Arc<Dispatcher>,
    code: &Code,
) -> Result<(TcpListener, Running), Box<dyn Error + Send + Sync>> {
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
    let (group, pipe) = dispatcher.spawner.spawn(command).await?;
    let exit_signal = readable(group.exit_signal()?)?;
    let output = forward_output(dispatcher, pipe)?;
    Ok((listener, Running { group, exit_signal, output }))
}

#[expect(deprecated, reason = "its successor is `unsafe`, for the sake of types that swap their descriptor")]
fn readable(descriptor: OwnedFd) -> io::Result<AsyncFd<OwnedFd>> {
    AsyncFd::with_interest(descriptor, Interest::READABLE)
}

fn forward_output(dispatcher: &Arc<Dispatcher>, pipe: PipeReader) -> io::Result<JoinHandle<()>> {
    let pipe = pipe::Receiver::from_owned_fd(pipe.into())?;
    let dispatcher = Arc::clone(dispatcher);
    Ok(tokio::spawn(async move {
        let Dispatcher { profile, log, clock, .. } = dispatcher.as_ref();
        output::forward(pipe, &profile.name, log.as_ref(), clock).await;
    }))
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
