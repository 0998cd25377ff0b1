//! Second step: from nodes to values: parameters, conditions, intrinsic functions, references.

mod choices;
pub(crate) mod cluster_references;
mod conditions;
pub(crate) mod context;
pub(crate) mod cycles;
pub(crate) mod dependencies;
pub(crate) mod document;
mod generated;
mod generated_references;
mod globals;
mod intrinsics;
mod lists;
pub(crate) mod parameters;
pub(crate) mod pseudo_parameters;
pub(crate) mod references;
pub(crate) mod resource;
pub(crate) mod resource_kinds;
pub(crate) mod resource_types;
mod settings;
pub(crate) mod table_references;
pub(crate) mod text_functions;

use crate::problem::{diagnostics, source, suggest};
use crate::text::node;
