//! The chances that a test takes: all of them follow from one seed, which a failure shows.

use std::sync::OnceLock;

/// Repeats a failed run: what the failure shows.
const SEED_VARIABLE: &str = "PELTON_TEST_SEED";

/// The seed of this process: that of the environment, or a new one. It is printed.
///
/// # Panics
///
/// If the environment names one that is no number.
#[must_use]
pub fn seed() -> u64 {
    static SEED: OnceLock<u64> = OnceLock::new();
    let seed = *SEED.get_or_init(|| match std::env::var(SEED_VARIABLE) {
        Ok(text) => text.parse().unwrap_or_else(|_| panic!("{SEED_VARIABLE} is a number, not {text:?}")),
        Err(_) => fastrand::u64(..),
    });
    eprintln!("{SEED_VARIABLE}={seed}");
    seed
}

/// Lets every generator that the code under test makes on this thread follow from the seed of this process.
pub fn seed_this_thread() {
    fastrand::seed(seed());
}
