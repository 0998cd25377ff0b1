//! `pelton status`.
