//! Stub: source.
