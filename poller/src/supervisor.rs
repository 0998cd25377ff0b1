//! Stub: supervisor.
