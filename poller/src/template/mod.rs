//! Stub: template.
