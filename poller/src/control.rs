//! Stub: control.
