//! Stub: data_dir.
