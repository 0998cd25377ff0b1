//! Whoever writes a template, a filter or a response may make it large, but must not be able to make Pelton slow: the time that each of
//! them takes grows about as its size does.
//!
//! What counts is the ratio of two sizes, in processor time of the thread, of which the best of several is taken: neither a slow
//! machine nor busy neighbours change it.

mod filters;
mod responses;
mod templates;

use rustix::time::{ClockId, clock_gettime};
use std::hint::black_box;
use std::time::Duration;

/// How much larger the larger of two inputs is.
const LARGER: usize = 4;

/// Most times as long as the smaller one that the larger one may take: what is quadratic takes sixteen times as long.
const RATIO_MAX: f64 = 8.0;

/// How often each is measured in one go.
const MEASURED: usize = 3;

/// How often it is looked at again before it counts as too slow.
const LOOKS_MAX: usize = 4;

/// The time in which the smaller one is repeated, so that the clock's own error does not count.
const LEAST: Duration = Duration::from_millis(4);

/// Asserts that `run` takes about four times as long for an input of four times the size. `make` makes one of a size.
#[track_caller]
fn check<I>(size: usize, make: impl Fn(usize) -> I, run: impl Fn(&I)) {
    let (small, large) = (make(size), make(size * LARGER));
    let mut repeats = 1;
    while time_of(&run, &small, repeats) < LEAST {
        repeats *= 2;
    }
    let (mut best_small, mut best_large) = (Duration::MAX, Duration::MAX);
    for _ in 0..LOOKS_MAX {
        for _ in 0..MEASURED {
            best_small = best_small.min(time_of(&run, &small, repeats));
            best_large = best_large.min(time_of(&run, &large, repeats));
        }
        if best_large.div_duration_f64(best_small) <= RATIO_MAX {
            break;
        }
    }
    let ratio = best_large.div_duration_f64(best_small);
    let measured =
        format!("{LARGER} times the input takes {ratio:.1} times as long: {best_small:?}, {best_large:?}");
    println!("{measured}, each for {repeats}");
    assert!(ratio <= RATIO_MAX, "{measured}");
}

fn time_of<I>(run: impl Fn(&I), input: &I, repeats: usize) -> Duration {
    let begun = processor_time();
    for _ in 0..repeats {
        run(black_box(input));
    }
    processor_time() - begun
}

/// What this thread has used so far.
fn processor_time() -> Duration {
    let time = clock_gettime(ClockId::ThreadCPUTime);
    let seconds = u64::try_from(time.tv_sec).expect("a thread's time is not negative");
    Duration::new(seconds, u32::try_from(time.tv_nsec).expect("less than a second"))
}

#[test]
fn what_is_linear_passes() {
    check(1_000, |size| size, |size| spin(*size));
}

#[test]
#[should_panic(expected = "4 times the input takes")]
fn what_is_quadratic_is_found() {
    check(100, |size| size, |size| spin(size * size));
}

fn spin(steps: usize) {
    let sum = (0..steps).fold(0_u64, |sum, step| black_box(sum.wrapping_mul(31).wrapping_add(step as u64)));
    black_box(sum);
}
