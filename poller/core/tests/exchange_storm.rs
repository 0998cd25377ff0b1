//! Seeded storms over the exchange: processes that work, hang, crash, lie and fail to start, requests that are
//! cancelled, code that is replaced. Then everything heals, and whoever still waits must be served.
//!
//! The test is the shell: it carries out commands, knows which requests are open, and checks each command.

use bytes::Bytes;
use fastrand::Rng;
use pelton_core::exchange::{
    AttemptId, Command, Exchange, Exit, FunctionError, Input, Limits, ProcessId, RequestId, Ticket,
};
use pelton_core::{Outcome, Timestamp};
use std::collections::{BTreeMap, BTreeSet};
use std::time::Duration;

const SEEDS: u64 = 10_000;
const STEPS: usize = 120;
const STEPS_TO_HEAL_MAX: usize = 2_000;

/// What the test knows of a process.
#[derive(Clone, Copy, Debug, Default)]
struct Handler {
    has_asked: bool,
    running: Option<Ticket>,
    is_killed: bool,
}

struct World {
    exchange: Exchange,
    random: Rng,
    now: u64,
    processes_max: usize,
    requests_made: u128,
    open: BTreeSet<RequestId>,
    handlers: BTreeMap<ProcessId, Handler>,
    log: Vec<String>,
}

impl World {
    fn new(seed: u64) -> Self {
        let mut random = Rng::with_seed(seed);
        let processes_max = random.usize(0..5);
        let limits = Limits {
            processes_max,
            waiting_max: random.usize(1..6),
            wait_max: Duration::from_secs(random.u64(1..30)),
            ..Limits::new(Duration::from_secs(random.u64(1..10)), None)
        };
        Self {
            exchange: Exchange::new(limits),
            random,
            now: 0,
            processes_max,
            requests_made: 0,
            open: BTreeSet::new(),
            handlers: BTreeMap::new(),
            log: Vec::new(),
        }
    }

    fn handle(&mut self, input: Input) {
        self.log.push(format!("{} {input:?}", self.now));
        // A refusal is told to the process, which is free to ignore it.
        let _refused = self.exchange.handle(input, Timestamp::from_millis(self.now)).is_err();
        while let Some(command) = self.exchange.next_command() {
            self.log.push(format!("  {command:?}"));
            self.carry_out(command);
        }
        assert_eq!(self.exchange.processes(), self.handlers.len(), "the exchange forgets no process");
    }

    fn carry_out(&mut self, command: Command) {
        match command {
            Command::Start(id) => {
                assert!(self.handlers.insert(id, Handler::default()).is_none(), "a process is started once");
                assert!(self.handlers.len() <= self.processes_max, "there are too many processes");
            }
            Command::Hand { process, ticket, deadline } => {
                let handler = self.handlers.get_mut(&process).expect("a process that exists");
                assert!(handler.has_asked, "{process:?} did not ask");
                assert!(handler.running.is_none() && !handler.is_killed, "{process:?} is not free");
                assert!(deadline.as_millis() > self.now, "there is no time left");
                assert!(self.open.contains(&ticket.request), "nobody waits for {ticket:?}");
                handler.running = Some(ticket);
                handler.has_asked = false;
            }
            Command::Answer(request, _) => {
                assert!(self.open.remove(&request), "{request} was answered twice, or had been cancelled");
                for handler in self.handlers.values_mut() {
                    handler.running.take_if(|ticket| ticket.request == request);
                }
            }
            Command::Kill(id) => {
                let handler = self.handlers.get_mut(&id).expect("a process that exists");
                assert!(!handler.is_killed, "{id:?} is killed twice");
                handler.is_killed = true;
            }
        }
    }

    fn request(&mut self) {
        self.requests_made += 1;
        let ticket =
            Ticket { request: RequestId(self.requests_made), attempt: AttemptId(self.requests_made << 64) };
        self.open.insert(ticket.request);
        self.handle(Input::Requested(ticket));
    }

    fn cancel(&mut self) {
        let open: Vec<RequestId> = self.open.iter().copied().collect();
        if let Some(&request) = self.random.choice(&open) {
            self.open.remove(&request);
            self.handle(Input::Cancelled(request));
            for handler in self.handlers.values_mut() {
                handler.running.take_if(|ticket| ticket.request == request);
            }
        }
    }

    fn ask(&mut self, id: ProcessId) {
        let handler = self.handlers.get_mut(&id).expect("a process that exists");
        handler.has_asked = handler.running.is_none();
        self.handle(Input::Asked(id));
    }

    fn answer(&mut self, id: ProcessId, ticket: Ticket, attempt: Option<AttemptId>) {
        let answer = if self.random.bool() { Ok(Bytes::new()) } else { Err(error()) };
        self.handle(Input::Answered { process: id, request: ticket.request, attempt, answer });
    }

    fn exit(&mut self, id: ProcessId) {
        self.handlers.remove(&id);
        let exit = if self.random.bool() { Exit::Code(self.random.i32(0..3)) } else { Exit::Signal(9) };
        self.handle(Input::Exited(id, exit));
    }

    /// Something happens in one of the processes.
    fn disturb(&mut self, id: ProcessId) {
        let handler = self.handlers[&id];
        match (self.random.u8(0..10), handler.running) {
            (0, _) => self.exit(id),
            (1, _) => self.handle(Input::InitFailed(id, error())),
            (2, None) if !handler.has_asked => {
                self.handlers.remove(&id);
                self.handle(Input::StartFailed(id, "no such file".to_owned()));
            }
            (3, running) => {
                let handler = self.handlers.get_mut(&id).expect("a process that exists");
                handler.has_asked = false;
                handler.running = None;
                self.log.push(format!("withdraws with {running:?}"));
                self.handle(Input::Withdrew(id));
            }
            (4, _) => {
                let lie = Ticket { request: RequestId(self.random.u128(0..50)), attempt: AttemptId(0) };
                self.answer(id, lie, Some(AttemptId(0)));
            }
            (5..=7, Some(ticket)) => self.answer(id, ticket, Some(ticket.attempt)),
            (8, Some(ticket)) => self.answer(id, ticket, None),
            _ => self.ask(id),
        }
    }

    fn step(&mut self) {
        let ids: Vec<ProcessId> = self.handlers.keys().copied().collect();
        match self.random.u8(0..20) {
            0..=6 => self.request(),
            7 => self.cancel(),
            8 => match self.random.u8(0..4) {
                0 => self.handle(Input::CodeReplaced),
                // A function that may have none is never given any.
                1 if self.processes_max > 0 => {
                    self.processes_max = self.random.usize(1..5);
                    self.handle(Input::ProcessesMax(self.processes_max));
                }
                _ => {}
            },
            9..=11 => self.pass_time(),
            _ => {
                if let Some(&id) = self.random.choice(&ids) {
                    if self.handlers[&id].is_killed { self.exit(id) } else { self.disturb(id) }
                }
            }
        }
    }

    fn pass_time(&mut self) {
        let wakeup = self.exchange.next_wakeup().map(Timestamp::as_millis);
        match wakeup {
            Some(wakeup) if self.random.bool() => {
                self.now = self.now.max(wakeup);
                self.handle(Input::TimePassed);
                let next = self.exchange.next_wakeup().map(Timestamp::as_millis);
                assert!(next.is_none_or(|next| next > self.now), "a wakeup changes something");
            }
            Some(_) | None => {
                self.now += self.random.u64(0..3_000);
                self.handle(Input::TimePassed);
            }
        }
    }

    /// Every process does what it should, and nothing new is requested: whoever waits is served without a wait.
    fn heal(&mut self) {
        for _ in 0..STEPS_TO_HEAL_MAX {
            let next =
                self.handlers.iter().map(|(&id, &handler)| (id, handler)).find(|(_, handler)| {
                    handler.is_killed || handler.running.is_some() || !handler.has_asked
                });
            let Some((id, handler)) = next else { break };
            match handler.running {
                _ if handler.is_killed => self.exit(id),
                Some(ticket) => self.answer(id, ticket, Some(ticket.attempt)),
                None => self.ask(id),
            }
        }
        assert!(self.open.is_empty(), "never answered: {:?}", self.open);
    }

    fn stop(&mut self) {
        for _ in 0..3 {
            self.request();
        }
        self.handle(Input::Stop);
        assert!(self.open.is_empty(), "never answered: {:?}", self.open);
        for id in self.handlers.keys().copied().collect::<Vec<_>>() {
            self.exit(id);
        }
        assert!(self.exchange.is_finished());
        self.request();
        assert!(self.open.is_empty() && self.handlers.is_empty(), "a stopped exchange starts nothing");
    }
}

fn error() -> FunctionError {
    FunctionError { error_type: "Exception".to_owned(), message: "Handler fails".to_owned() }
}

fn run(seed: u64) -> Vec<String> {
    let mut world = World::new(seed);
    for _ in 0..STEPS {
        world.step();
    }
    world.heal();
    world.stop();
    world.log
}

#[test]
#[expect(clippy::disallowed_macros, reason = "the seed of a failure is worth printing")]
fn every_request_gets_exactly_one_answer_and_the_cap_is_kept() {
    for seed in 0..SEEDS {
        if let Err(panic) = std::panic::catch_unwind(|| run(seed)) {
            eprintln!("seed {seed}");
            std::panic::resume_unwind(panic);
        }
    }
}

#[test]
fn the_same_seed_twice_gives_the_same_story() {
    for seed in 0..20 {
        assert_eq!(run(seed), run(seed));
    }
}

#[test]
fn a_storm_reaches_every_outcome() {
    let story = (0..50).flat_map(run).collect::<Vec<_>>().join("\n");
    let outcomes = [
        Outcome::Throttled,
        Outcome::Succeeded { payload: Bytes::new() },
        Outcome::NotInvoked { reason: "no such file".to_owned() },
    ];
    for outcome in outcomes {
        assert!(story.contains(&format!("{outcome:?}")), "{outcome:?} never happened");
    }
    for error_type in ["Sandbox.Timedout", "Runtime.ExitError", "Runtime.InvalidStateTransition", "Exception"]
    {
        assert!(story.contains(error_type), "{error_type} never happened");
    }
}
