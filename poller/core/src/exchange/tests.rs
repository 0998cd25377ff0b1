//! Each rule of the exchange, one story each: what happens at which second, and which commands that brings.

use super::*;
use std::time::Duration;

const P1: ProcessId = ProcessId(1);
const P2: ProcessId = ProcessId(2);
const TIMEOUT_SECS: u64 = 3;

/// An exchange whose function has a timeout of 3 s, and whose processes are counted on for 1 s after an answer.
struct Story(Exchange);

impl Story {
    fn of(reserved_concurrency: Option<u32>) -> Self {
        Self(Exchange::new(Limits {
            return_max: Duration::from_secs(1),
            ..Limits::new(Duration::from_secs(TIMEOUT_SECS), reserved_concurrency)
        }))
    }

    /// Process 1 has initialized within the first second, and waits.
    fn with_an_idle_process(reserved_concurrency: Option<u32>) -> Self {
        let mut story = Self::of(reserved_concurrency);
        story.check(0, request(100), &[Command::Start(P1)]);
        story.check(0, Input::Asked(P1), &[hand(P1, 100, TIMEOUT_SECS)]);
        story.check(0, succeeded(P1, 100), &[answer(100, success())]);
        story.check(0, Input::Asked(P1), &[]);
        story
    }

    /// Process 1 runs request 1 since second 0.
    fn with_a_running_process(reserved_concurrency: Option<u32>) -> Self {
        let mut story = Self::with_an_idle_process(reserved_concurrency);
        story.check(0, request(1), &[hand(P1, 1, TIMEOUT_SECS)]);
        story
    }

    #[track_caller]
    fn check(&mut self, second: u64, input: Input, commands: &[Command]) {
        assert_eq!(self.handle(second, input), (Ok(()), commands.to_vec()));
    }

    #[track_caller]
    fn check_refused(&mut self, second: u64, input: Input, refusal: Refusal, commands: &[Command]) {
        assert_eq!(self.handle(second, input), (Err(refusal), commands.to_vec()));
    }

    fn handle(&mut self, second: u64, input: Input) -> (Result<(), Refusal>, Vec<Command>) {
        let verdict = self.0.handle(input, at(second));
        (verdict, std::iter::from_fn(|| self.0.next_command()).collect())
    }
}

fn at(second: u64) -> Timestamp {
    Timestamp::from_millis(second * 1_000)
}

fn ticket(number: u128) -> Ticket {
    Ticket { request: RequestId(number), attempt: AttemptId(number + 1_000) }
}

fn request(number: u128) -> Input {
    Input::Requested(ticket(number))
}

fn cancel(number: u128) -> Input {
    Input::Cancelled(RequestId(number))
}

fn succeeded(process: ProcessId, number: u128) -> Input {
    answered(process, number, Some(AttemptId(number + 1_000)), Ok(Bytes::new()))
}

fn answered(
    process: ProcessId,
    number: u128,
    attempt: Option<AttemptId>,
    answer: Result<Bytes, FunctionError>,
) -> Input {
    Input::Answered { process, request: RequestId(number), attempt, answer }
}

fn hand(process: ProcessId, number: u128, deadline: u64) -> Command {
    Command::Hand { process, ticket: ticket(number), deadline: at(deadline) }
}

fn answer(number: u128, outcome: Outcome) -> Command {
    Command::Answer(RequestId(number), outcome)
}

fn success() -> Outcome {
    Outcome::Succeeded { payload: Bytes::new() }
}

fn own_error() -> FunctionError {
    FunctionError { error_type: "Exception".to_owned(), message: "Handler fails".to_owned() }
}

fn failure(error_type: &str, number: u128, reason: &str) -> Outcome {
    let message = format!("RequestId: {} Error: {reason}", RequestId(number));
    Outcome::FunctionFailed { error_type: error_type.to_owned(), message }
}

fn timed_out(number: u128) -> Outcome {
    failure("Sandbox.Timedout", number, "Task timed out after 3.00 seconds")
}

#[test]
fn a_request_id_is_shown_as_a_uuid() {
    let id = RequestId(0x0123_4567_89ab_cdef_0123_4567_89ab_cdef);
    assert_eq!(id.to_string(), "01234567-89ab-cdef-0123-456789abcdef");
    assert_eq!(AttemptId(7).to_string(), "00000000-0000-0000-0000-000000000007");
}

#[test]
fn the_first_request_starts_a_process_and_the_next_one_uses_it_again() {
    let mut story = Story::of(None);
    story.check(0, request(1), &[Command::Start(P1)]);
    story.check(1, Input::Asked(P1), &[hand(P1, 1, 4)]);
    story.check(2, succeeded(P1, 1), &[answer(1, success())]);
    story.check(2, Input::Asked(P1), &[]);
    story.check(9, request(2), &[hand(P1, 2, 12)]);
}

#[test]
fn a_process_gets_one_invocation_at_a_time() {
    let mut story = Story::with_a_running_process(None);
    story.check(0, request(2), &[Command::Start(P2)]);
    story.check(1, request(3), &[Command::Start(ProcessId(3))]);
}

#[test]
fn a_process_that_answered_is_free_only_once_it_asks() {
    let mut story = Story::with_a_running_process(Some(1));
    story.check(1, request(2), &[]);
    story.check(1, succeeded(P1, 1), &[answer(1, success())]);
    story.check(2, Input::Asked(P1), &[hand(P1, 2, 5)]);
}

#[test]
fn a_request_waits_for_a_process_that_just_answered_rather_than_for_a_new_one() {
    let mut story = Story::with_a_running_process(None);
    story.check(1, succeeded(P1, 1), &[answer(1, success())]);
    story.check(1, request(2), &[]);
    story.check(1, request(3), &[Command::Start(P2)]);
    story.check(1, Input::Asked(P1), &[hand(P1, 2, 4)]);
}

#[test]
fn a_process_that_does_not_ask_at_once_is_not_counted_on() {
    let mut story = Story::with_a_running_process(None);
    story.check(1, succeeded(P1, 1), &[answer(1, success())]);
    story.check(1, request(2), &[]);
    assert_eq!(story.0.next_wakeup(), Some(at(2)));
    story.check(2, Input::TimePassed, &[Command::Start(P2)]);
    story.check(2, Input::Asked(P1), &[]);
    story.check(2, request(3), &[hand(P1, 3, 5)]);
}

#[test]
fn at_the_cap_requests_wait_in_order_of_arrival() {
    let mut story = Story::with_a_running_process(Some(1));
    story.check(0, request(2), &[]);
    story.check(0, request(3), &[]);
    assert_eq!(story.0.waiting(), 2);
    story.check(1, succeeded(P1, 1), &[answer(1, success())]);
    story.check(1, Input::Asked(P1), &[hand(P1, 2, 4)]);
    story.check(2, succeeded(P1, 2), &[answer(2, success())]);
    story.check(2, Input::Asked(P1), &[hand(P1, 3, 5)]);
}

#[test]
fn a_request_that_waited_too_long_is_throttled() {
    let mut story = Story(Exchange::new(Limits {
        processes_max: 1,
        wait_max: Duration::from_secs(2),
        ..Limits::new(Duration::from_secs(900), None)
    }));
    story.check(0, request(1), &[Command::Start(P1)]);
    story.check(0, Input::Asked(P1), &[hand(P1, 1, 900)]);
    story.check(1, request(2), &[]);
    assert_eq!(story.0.next_wakeup(), Some(at(3)));
    story.check(3, Input::TimePassed, &[answer(2, Outcome::Throttled)]);
}

#[test]
fn a_request_that_finds_the_queue_full_is_throttled() {
    let mut story = Story(Exchange::new(Limits { waiting_max: 1, ..Limits::new(secs(3), Some(1)) }));
    story.check(0, request(1), &[Command::Start(P1)]);
    story.check(0, request(2), &[]);
    story.check(0, request(3), &[answer(3, Outcome::Throttled)]);
}

#[test]
fn reserved_concurrency_zero_throttles_everything() {
    let mut story = Story::of(Some(0));
    story.check(0, request(1), &[answer(1, Outcome::Throttled)]);
    assert_eq!(story.0.processes(), 0);
}

#[test]
fn the_process_that_was_used_last_is_used_first() {
    let mut story = Story::with_a_running_process(None);
    story.check(0, request(2), &[Command::Start(P2)]);
    story.check(0, Input::Asked(P2), &[hand(P2, 2, 3)]);
    story.check(1, succeeded(P2, 2), &[answer(2, success())]);
    story.check(1, Input::Asked(P2), &[]);
    story.check(2, succeeded(P1, 1), &[answer(1, success())]);
    story.check(2, Input::Asked(P1), &[]);
    story.check(3, request(3), &[hand(P1, 3, 6)]);
}

#[test]
fn an_idle_process_is_ended_after_five_minutes() {
    let mut story = Story::with_an_idle_process(None);
    assert_eq!(story.0.next_wakeup(), Some(at(300)));
    story.check(299, Input::TimePassed, &[]);
    story.check(300, Input::TimePassed, &[Command::Kill(P1)]);
    story.check(300, Input::Exited(P1, Exit::Signal(9)), &[]);
    assert_eq!((story.0.processes(), story.0.next_wakeup()), (0, None));
}

#[test]
fn a_function_that_takes_too_long_fails_and_the_next_request_gets_a_fresh_process() {
    let mut story = Story::with_a_running_process(None);
    assert_eq!(story.0.next_wakeup(), Some(at(3)));
    story.check(3, Input::TimePassed, &[answer(1, timed_out(1)), Command::Kill(P1)]);
    story.check(3, request(2), &[Command::Start(P2)]);
    story.check(4, Input::Exited(P1, Exit::Signal(9)), &[]);
}

#[test]
fn a_process_that_is_being_killed_counts_until_it_is_gone() {
    let mut story = Story::with_a_running_process(Some(1));
    story.check(3, Input::TimePassed, &[answer(1, timed_out(1)), Command::Kill(P1)]);
    story.check(3, request(2), &[]);
    story.check(4, Input::Exited(P1, Exit::Signal(9)), &[Command::Start(P2)]);
}

#[test]
fn the_late_answer_of_an_attempt_that_timed_out_is_refused() {
    let mut story = Story::with_a_running_process(None);
    let killed = [answer(1, timed_out(1)), Command::Kill(P1)];
    story.check_refused(3, succeeded(P1, 1), Refusal::GivenUp, &killed);
    story.check_refused(3, Input::Asked(P1), Refusal::GivenUp, &[]);
    story.check(3, Input::Exited(P1, Exit::Signal(9)), &[]);
    story.check_refused(4, succeeded(P1, 1), Refusal::GivenUp, &[]);
}

#[test]
fn what_the_function_says_about_its_failure_is_passed_on() {
    let mut story = Story::with_a_running_process(None);
    let error = answered(P1, 1, None, Err(own_error()));
    story.check(1, error, &[answer(1, own_error().into())]);
    story.check(1, Input::Asked(P1), &[]);
    story.check(2, request(2), &[hand(P1, 2, 5)]);
}

#[test]
fn an_exit_in_mid_invocation_fails_it_in_the_words_of_aws() {
    let check = |exit, reason| {
        let mut story = Story::with_a_running_process(None);
        story.check(1, Input::Exited(P1, exit), &[answer(1, failure("Runtime.ExitError", 1, reason))]);
        story.check(1, request(2), &[Command::Start(P2)]);
    };
    check(Exit::Code(0), "Runtime exited without providing a reason");
    check(Exit::Code(127), "Runtime exited with error: exit status 127");
    check(Exit::Signal(9), "Runtime exited with error: signal: killed");
    check(Exit::Signal(11), "Runtime exited with error: signal: segmentation fault");
    check(Exit::Signal(34), "Runtime exited with error: signal: signal 34");
}

#[test]
fn an_exit_after_the_answer_fails_nothing() {
    let mut story = Story::with_a_running_process(None);
    story.check(1, succeeded(P1, 1), &[answer(1, success())]);
    story.check(1, Input::Exited(P1, Exit::Code(0)), &[]);
    story.check(1, request(2), &[Command::Start(P2)]);
}

#[test]
fn an_exit_during_init_fails_the_request_that_it_was_for_and_the_next_one_starts_anew() {
    let mut story = Story::of(Some(1));
    story.check(0, request(1), &[Command::Start(P1)]);
    story.check(0, request(2), &[]);
    let exited = failure("Runtime.ExitError", 1, "Runtime exited with error: exit status 1");
    story.check(1, Input::Exited(P1, Exit::Code(1)), &[answer(1, exited), Command::Start(P2)]);
}

#[test]
fn an_init_error_fails_the_request_that_it_was_for() {
    let mut story = Story::of(Some(1));
    story.check(0, request(1), &[Command::Start(P1)]);
    let failed = [answer(1, own_error().into()), Command::Kill(P1)];
    story.check(1, Input::InitFailed(P1, own_error()), &failed);
    story.check_refused(1, Input::InitFailed(P1, own_error()), Refusal::GivenUp, &[]);
    story.check(1, request(2), &[]);
    story.check(1, Input::Exited(P1, Exit::Code(1)), &[Command::Start(P2)]);
}

#[test]
fn an_init_error_after_init_is_refused() {
    let mut story = Story::with_a_running_process(None);
    story.check_refused(1, Input::InitFailed(P1, own_error()), Refusal::OutOfTurn, &[]);
    story.check(1, succeeded(P1, 1), &[answer(1, success())]);
}

#[test]
fn init_may_take_ten_seconds_and_then_counts_against_the_timeout() {
    let mut in_time = Story::of(None);
    in_time.check(0, request(1), &[Command::Start(P1)]);
    in_time.check(10, Input::Asked(P1), &[hand(P1, 1, 13)]);

    let mut late = Story::of(None);
    late.check(0, request(1), &[Command::Start(P1)]);
    assert_eq!(late.0.next_wakeup(), Some(at(13)));
    late.check(12, Input::Asked(P1), &[hand(P1, 1, 13)]);

    let mut too_late = Story::of(None);
    too_late.check(0, request(1), &[Command::Start(P1)]);
    too_late.check(13, Input::TimePassed, &[answer(1, timed_out(1)), Command::Kill(P1)]);
}

#[test]
fn a_process_that_cannot_be_started_is_no_failure_of_the_function() {
    let mut story = Story::of(Some(1));
    let reason = "there is no bootstrap".to_owned();
    story.check(0, request(1), &[Command::Start(P1)]);
    let not_invoked = answer(1, Outcome::NotInvoked { reason: reason.clone() });
    story.check(0, Input::StartFailed(P1, reason), &[not_invoked]);
    assert_eq!(story.0.processes(), 0);
}

#[test]
fn asking_again_without_having_answered_fails_the_invocation() {
    let mut story = Story::with_a_running_process(None);
    let reason = "Runtime asked for the next invocation without having answered this one";
    let failed = answer(1, failure("Runtime.InvalidStateTransition", 1, reason));
    story.check_refused(1, Input::Asked(P1), Refusal::OutOfTurn, &[failed, Command::Kill(P1)]);
}

#[test]
fn asking_again_while_idle_is_allowed() {
    let mut story = Story::with_an_idle_process(None);
    story.check(1, Input::Asked(P1), &[]);
    story.check(1, request(2), &[hand(P1, 2, 4)]);
}

#[test]
fn an_answer_for_another_request_or_attempt_is_refused_and_the_right_one_still_counts() {
    let mut story = Story::with_a_running_process(None);
    story.check_refused(1, succeeded(P1, 2), Refusal::UnknownRequest, &[]);
    let wrong_attempt = answered(P1, 1, Some(AttemptId(1)), Ok(Bytes::new()));
    story.check_refused(1, wrong_attempt, Refusal::UnknownAttempt, &[]);
    story.check(1, answered(P1, 1, None, Ok(Bytes::new())), &[answer(1, success())]);
    story.check_refused(1, succeeded(P1, 1), Refusal::UnknownRequest, &[]);
}

#[test]
fn a_process_cannot_answer_for_another() {
    let mut story = Story::with_a_running_process(None);
    story.check(0, request(2), &[Command::Start(P2)]);
    story.check_refused(1, succeeded(P2, 1), Refusal::UnknownRequest, &[]);
    story.check_refused(1, succeeded(ProcessId(9), 1), Refusal::GivenUp, &[]);
}

#[test]
fn a_process_that_never_asks_again_is_ended() {
    let mut story = Story::with_a_running_process(Some(1));
    story.check(2, succeeded(P1, 1), &[answer(1, success())]);
    story.check(5, Input::TimePassed, &[]);
    story.check(6, Input::TimePassed, &[Command::Kill(P1)]);
}

#[test]
fn a_request_cancelled_while_it_waits_leaves_no_trace() {
    let mut story = Story::with_a_running_process(Some(1));
    story.check(0, request(2), &[]);
    story.check(1, cancel(2), &[]);
    story.check(1, succeeded(P1, 1), &[answer(1, success())]);
    story.check(1, Input::Asked(P1), &[]);
    story.check(1, cancel(2), &[]);
}

#[test]
fn a_process_whose_request_was_cancelled_during_init_serves_another() {
    let mut story = Story::of(Some(1));
    story.check(0, request(1), &[Command::Start(P1)]);
    story.check(0, request(2), &[]);
    story.check(1, cancel(1), &[]);
    story.check(2, Input::Asked(P1), &[hand(P1, 2, 5)]);
}

#[test]
fn a_process_whose_invocation_was_cancelled_is_killed() {
    let mut story = Story::with_a_running_process(None);
    story.check(1, cancel(1), &[Command::Kill(P1)]);
    story.check_refused(1, succeeded(P1, 1), Refusal::GivenUp, &[]);
    story.check(1, Input::Exited(P1, Exit::Signal(9)), &[]);
}

#[test]
fn a_request_cancelled_at_its_deadline_is_not_answered() {
    let mut story = Story::with_a_running_process(None);
    story.check(3, cancel(1), &[Command::Kill(P1)]);
}

#[test]
fn what_did_not_reach_a_process_is_handed_to_another() {
    let mut story = Story::with_a_running_process(None);
    story.check(0, Input::Withdrew(P1), &[Command::Start(P2)]);
    story.check(0, Input::Exited(P1, Exit::Code(0)), &[]);
    story.check(1, Input::Asked(P2), &[hand(P2, 1, 4)]);
}

#[test]
fn a_process_that_withdrew_is_not_idle_until_it_asks_again() {
    let mut story = Story::with_an_idle_process(Some(1));
    story.check(1, Input::Withdrew(P1), &[]);
    story.check(1, request(1), &[]);
    story.check(2, Input::Asked(P1), &[hand(P1, 1, 5)]);
}

#[test]
fn processes_of_replaced_code_end_once_idle() {
    let mut idle = Story::with_an_idle_process(None);
    idle.check(1, Input::CodeReplaced, &[Command::Kill(P1)]);
    idle.check(1, request(2), &[Command::Start(P2)]);

    let mut running = Story::with_a_running_process(None);
    running.check(1, Input::CodeReplaced, &[]);
    running.check(1, succeeded(P1, 1), &[answer(1, success())]);
    running.check_refused(1, Input::Asked(P1), Refusal::GivenUp, &[Command::Kill(P1)]);
    running.check(2, request(2), &[Command::Start(P2)]);
}

#[test]
fn a_lower_limit_starts_nothing_more_and_a_higher_one_starts_who_waits() {
    let mut story = Story::of(Some(2));
    story.check(0, request(1), &[Command::Start(P1)]);
    story.check(0, Input::ProcessesMax(1), &[]);
    story.check(0, request(2), &[]);
    story.check(1, Input::ProcessesMax(2), &[Command::Start(P2)]);
    story.check(1, Input::ProcessesMax(1), &[]);
    assert_eq!(story.0.processes(), 2, "none is ended for it");
}

#[test]
fn stopping_answers_everyone_kills_everything_and_takes_no_more() {
    let mut story = Story::with_a_running_process(Some(1));
    story.check(0, request(2), &[]);
    story.check(1, Input::Stop, &[answer(2, stopped()), answer(1, stopped()), Command::Kill(P1)]);
    assert!(!story.0.is_finished());
    story.check(1, request(3), &[answer(3, stopped())]);
    story.check(1, Input::Stop, &[]);
    story.check(2, Input::Exited(P1, Exit::Signal(9)), &[]);
    assert!(story.0.is_finished());
}

fn secs(seconds: u64) -> Duration {
    Duration::from_secs(seconds)
}
