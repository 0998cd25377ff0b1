//! The mappings and clusters of Kafka that the command line names (`--bootstrap-servers`, `--parallelization-factor`).
//!
//! In: logical ids. Out: a problem for each that nothing has, or that has nothing to do with Kafka: what somebody asks for is never
//! passed over in silence.

use super::cluster_references::CLUSTERS;
use super::context::Context;
use super::diagnostics::{Code, Diagnostic};
use super::event_source_mappings::Read;
use super::selection;
use super::suggest;
use pelton_model::SourceKind;

/// Reports each name of the command line that is for nothing.
pub(crate) fn check_names(context: &mut Context<'_>, read: &[Read]) {
    let options = &context.options.kafka;
    let servers = options.bootstrap_servers.iter().map(|(id, _)| ("--bootstrap-servers", id));
    let factors = options.parallelization_factors.iter().map(|(id, _)| ("--parallelization-factor", id));
    let named: Vec<(&str, &String)> = servers.chain(factors).collect();
    if named.is_empty() {
        return;
    }
    let mappings = selection::mappings(context);
    let clusters =
        context.document.resources.iter().filter(|resource| CLUSTERS.contains(&resource.kind.as_str()));
    let clusters: Vec<&str> = clusters.map(|resource| resource.id.as_str()).collect();
    for (option, id) in named {
        let is_of_cluster = option == "--bootstrap-servers" && clusters.contains(&id.as_str());
        let mapping = read.iter().find(|read| read.mapping.id.0 == *id);
        match mapping.map(|read| (read.mapping.source.kind(), read.span)) {
            Some((SourceKind::Kafka, _)) => {}
            Some((SourceKind::Kinesis | SourceKind::DynamoDb | SourceKind::Sqs, span)) => {
                let message = format!("{option} {id}: the mapping `{id}` does not read from Kafka");
                context.report(Diagnostic::error(Code::Conflict, message).at(span, "reads from elsewhere"));
            }
            // One that is not read, or that is wrong, was told where that matters.
            None if is_of_cluster || mappings.contains(id) || context.report_broken(id) => {}
            None => {
                let message = format!("{option} {id}: the template has no event source mapping `{id}`");
                let known = mappings.iter().map(String::as_str).chain(clusters.iter().copied());
                let help = suggest::did_you_mean(id, known, "mappings");
                context.report(Diagnostic::error(Code::UnknownName, message).help(help));
            }
        }
    }
}
