//! What is true of the embedded stream alone, and `pelton put` and `pelton stream`.

mod commands;
mod server;
