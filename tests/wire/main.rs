//! Pelton over its wires: real handler processes, real connections, the real clock.

#![allow(clippy::unwrap_used, reason = "there is nothing here but tests")]

mod lambda;
