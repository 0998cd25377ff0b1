//! No code: see `Cargo.toml`, which names features.
