//! What a mapping needs before it starts: its stream, found twice alike; else why it cannot start, and what to do.

mod find;
mod start_error;
mod table_help;

pub use find::find_stream;
pub use start_error::StartError;
