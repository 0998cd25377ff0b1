//! Third step: from values to the application: functions, streams, event source mappings.

mod access;
mod environment;
mod event_source;
pub(crate) mod event_source_kind;
pub(crate) mod event_source_mappings;
mod events;
mod filter_criteria;
mod function_code;
mod function_names;
pub(crate) mod functions;
mod kafka;
pub(crate) mod kafka_options;
pub(crate) mod left_out;
mod mapping_places;
mod mapping_problems;
pub(crate) mod mappings;
mod not_here;
mod on_failure;
mod schema_registry;
pub(crate) mod selection;
pub(crate) mod streams;
pub(crate) mod tables;

use crate::evaluate::{
    cluster_references, context, cycles, parameters, references, resource, resource_kinds, resource_types,
    table_references, text_functions,
};
use crate::problem::{diagnostics, source, suggest};
use crate::text::node;
