//! Stub: commands.
