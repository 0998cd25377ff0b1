//! Functions in processes of this machine, each test through the public door of `pelton::lambda`.

mod bench;
mod failures;
mod headers;
mod lifecycle;
mod orphans;
mod output;
