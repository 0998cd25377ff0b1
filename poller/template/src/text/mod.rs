//! First step: from bytes to nodes that know their place.

mod json;
pub(crate) mod node;
pub(crate) mod yaml;
mod yaml_mapping;
mod yaml_scalar;

use crate::problem::{diagnostics, source};
