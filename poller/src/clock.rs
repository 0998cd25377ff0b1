//! Stub: clock.
