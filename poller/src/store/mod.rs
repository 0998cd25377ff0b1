//! Where checkpoints are kept: one SQLite file in the data folder.

mod sqlite;

pub use sqlite::SqliteStore;
