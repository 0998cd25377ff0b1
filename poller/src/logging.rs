//! Stub: logging.
