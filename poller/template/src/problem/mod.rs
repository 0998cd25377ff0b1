//! What is wrong with a template, and at which place of its text.

pub mod diagnostics;
mod excerpt;
mod render;
pub mod source;
pub mod suggest;
