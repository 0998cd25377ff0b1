//! Small honest implementations of the ports, for tests on tokio's paused time.

mod destination;
mod function;
mod store;
mod stream;

pub use destination::{FakeDestination, Taken};
pub use function::{FakeFunction, Run};
pub use store::MemoryStore;
pub use stream::FakeStream;
