//! Makes pairs of a pattern and an event that have something to do with each other.
//!
//! In: a seed. Out: the same pair every time.

mod event;
mod numbers;
mod operators;
mod pattern;
mod pools;

use fastrand::Rng;

/// What both engines are to judge.
pub(crate) struct Pair {
    pub(crate) pattern: String,
    pub(crate) event: String,
}

/// The pair of a seed.
pub(crate) fn pair(seed: u64) -> Pair {
    let mut random = Rng::with_seed(seed);
    let names = pools::Names::choose(&mut random);
    let event = event::make(&mut random, &names);
    let pattern = pattern::make(&mut random, &names, &event);
    Pair { pattern, event: event::write(&mut random, &event) }
}

/// True once in `times`.
fn once_in(random: &mut Rng, times: u32) -> bool {
    random.u32(..times) == 0
}

fn any<T: Copy>(random: &mut Rng, of: &[T]) -> T {
    of[random.usize(..of.len())]
}
