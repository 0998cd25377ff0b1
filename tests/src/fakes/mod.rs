//! Small honest implementations of the ports, for tests on tokio's paused time.

mod function;
mod store;
mod stream;

pub use function::{FakeFunction, Run};
pub use store::MemoryStore;
pub use stream::FakeStream;
