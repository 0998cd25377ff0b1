//! Resources that refer to each other in a circle: CloudFormation makes none of them, and Pelton runs them.
//!
//! In: the template. Out: a warning for each circle through a resource that Pelton reads. Looks at every reference, also
//! at those that Pelton does not need, but only at the branch of an `Fn::If` that counts.

use super::context::Context;
use super::diagnostics::{Code, Diagnostic};
use super::generated;
use super::node::{Entry, Node, Value};
use super::references::{SAM_FUNCTION, referenced_id};
use super::resource::Resource;
use super::resource_types::READ;
use super::source::Span;
use super::text_functions::{Piece, pieces};
use std::collections::BTreeMap;

/// Properties of a SAM function that become resources of their own, which the function does not wait for.
const OWN_RESOURCES: [&str; 4] = ["Events", "EventInvokeConfig", "FunctionUrlConfig", "DeploymentPreference"];

/// From a name to the names that it needs, and where it says so.
type Graph<'t> = BTreeMap<&'t str, Vec<(&'t str, Span)>>;

/// Warns of the circles through what Pelton reads. If a value is needed for itself, its evaluation reported that.
pub(crate) fn check(context: &mut Context<'_>) {
    if context.diagnostics.has(Code::Cycle) {
        return;
    }
    let resources = resource_graph(context);
    for (circle, span) in circles(&resources) {
        let kinds = circle.iter().filter_map(|id| context.kind_of_resource(id));
        if kinds.into_iter().any(|kind| READ.contains(&kind)) {
            let circle = [&circle[..], &circle[..1]].concat().join(" -> ");
            let message = format!("circular dependency between resources: {circle}");
            context.report(
                Diagnostic::warning(Code::Cycle, message)
                    .at(span, "this reference closes the circle")
                    .help("AWS refuses such a template: remove one of these references"),
            );
        }
    }
}

fn resource_graph<'t>(context: &mut Context<'t>) -> Graph<'t> {
    let mut graph = Graph::new();
    let document = context.document;
    for resource in &document.resources {
        let exists = context.quietly(|context| context.exists(resource));
        if exists == Ok(false) {
            continue;
        }
        let mut needs: Vec<(&str, Span)> =
            resource.depends_on.iter().map(|(name, span)| (name.as_str(), *span)).collect();
        for property in properties_of(resource) {
            references_in(context, &property.value, &mut needs);
        }
        needs.retain(|(name, _)| document.resource(name).is_some());
        graph.insert(&resource.id, needs);
    }
    graph
}

/// The properties that the resource itself is made from. SAM makes several resources from each of its own: what the
/// others need is not known here.
fn properties_of(resource: &Resource) -> impl Iterator<Item = &Entry> {
    let properties = match resource.kind.as_str() {
        kind if kind.starts_with("AWS::Serverless::") && kind != SAM_FUNCTION => &[],
        _ => resource.properties.as_mapping().unwrap_or_default(),
    };
    let is_own_resource = |name: &str| resource.kind == SAM_FUNCTION && OWN_RESOURCES.contains(&name);
    properties.iter().filter(move |property| !is_own_resource(&property.key))
}

/// What a value refers to, and where.
pub(crate) fn references_in<'t>(context: &mut Context<'t>, node: &'t Node, needs: &mut Vec<(&'t str, Span)>) {
    if let Some(("Fn::If", argument)) = node.as_intrinsic()
        && let Ok(branch) = context.quietly(|context| context.branch(argument, node.span))
    {
        return references_in(context, branch, needs);
    }
    if let Some(id) = referenced_id(node)
        && !path_of_attribute(node).is_some_and(|path| is_made_by_sam(context, path))
    {
        needs.push((id, node.span));
    }
    if let Some(("Fn::Sub", argument)) = node.as_intrinsic() {
        let text = argument.as_sequence().and_then(<[Node]>::first).unwrap_or(argument);
        let variables = pieces(text.as_scalar().unwrap_or_default());
        needs.extend(variables.into_iter().filter_map(|piece| match piece {
            Piece::Variable(name) if is_made_by_sam(context, name) => None,
            Piece::Variable(name) => Some((name.split('.').next().unwrap_or(name), node.span)),
            Piece::Text(_) | Piece::Literal(_) => None,
        }));
    }
    match &node.value {
        Value::Null | Value::Scalar(_) => {}
        Value::Sequence(items) => items.iter().for_each(|item| references_in(context, item, needs)),
        Value::Mapping(entries) => {
            entries.iter().for_each(|entry| references_in(context, &entry.value, needs));
        }
    }
}

/// What a `Fn::GetAtt` in its short form names, attribute included.
fn path_of_attribute(node: &Node) -> Option<&str> {
    match node.as_intrinsic()? {
        ("Fn::GetAtt", argument) => argument.as_scalar(),
        _ => None,
    }
}

/// Whether a path such as `Ledger.DestinationQueue.Arn` leads to a resource that SAM makes beside `Ledger`.
fn is_made_by_sam(context: &Context<'_>, path: &str) -> bool {
    let end = path.match_indices('.').nth(1).map_or(path.len(), |(end, _)| end);
    generated::find_property(context.document, &path[..end]).is_some()
}

/// Each circle, and where it closes. Walks depth first, with its own stack: a chain of references may be as long as the
/// template.
fn circles<'t>(graph: &Graph<'t>) -> Vec<(Vec<&'t str>, Span)> {
    let mut circles = Vec::new();
    let mut done: BTreeMap<&str, Visit> = BTreeMap::new();
    for &start in graph.keys() {
        if done.contains_key(start) {
            continue;
        }
        let mut path: Vec<(&str, usize)> = vec![(start, 0)];
        done.insert(start, Visit::Open);
        while let Some((name, next)) = path.last_mut() {
            let Some(&(need, span)) = graph.get(name).and_then(|needs| needs.get(*next)) else {
                done.insert(name, Visit::Closed);
                path.pop();
                continue;
            };
            *next += 1;
            match done.get(need) {
                None => {
                    done.insert(need, Visit::Open);
                    path.push((need, 0));
                }
                Some(Visit::Open) => {
                    let first = path.iter().position(|&(name, _)| name == need).unwrap_or(0);
                    circles.push((path[first..].iter().map(|&(name, _)| name).collect(), span));
                }
                Some(Visit::Closed) => {}
            }
        }
    }
    circles
}

/// How far the walk is with a name.
#[derive(Clone, Copy)]
enum Visit {
    /// On the path from the start to where the walk is.
    Open,
    /// Everything behind it was seen.
    Closed,
}

#[cfg(test)]
mod tests {
    use crate::testing::{check_problem, load};

    #[track_caller]
    fn check(resources: &str, expected: &str) {
        check_problem(&load(&format!("Resources:\n{resources}")), expected);
    }

    #[test]
    fn circles_are_found_through_every_kind_of_reference() {
        let stream = |rest: &str| format!("Type: AWS::Kinesis::Stream, {rest} Properties: {{ShardCount: 1}}");
        check(
            &format!("  A: {{{}}}", stream("DependsOn: A,")),
            "warning cycle: circular dependency between resources: A -> A",
        );
        check(
            &format!(
                "  A: {{{}}}\n  B: {{Type: Custom::T, Properties: {{X: !Ref A}}}}",
                stream("DependsOn: [B],")
            ),
            "A -> B -> A",
        );
        let consumer = |id: &str| {
            format!(
                "  C: {{Type: AWS::Kinesis::StreamConsumer, Properties: {{X: [{{Y: !GetAtt {id}.Arn}}]}}}}"
            )
        };
        check(
            &format!("{}\n  B: {{Type: Custom::T, Properties: {{X: !Sub '${{C.Arn}}'}}}}", consumer("B")),
            "B -> C -> B",
        );
        check(&format!("  A: {{{}}}\n  B: {{Type: Custom::T}}", stream("DependsOn: [B, B],")), "");
    }

    #[test]
    fn a_value_that_needs_itself_is_refused_where_it_is_needed() {
        let named = "{Type: AWS::Kinesis::Stream, Properties: {ShardCount: 1, Name: !Ref A}}";
        check(&format!("  A: {named}"), "warning cycle: circular reference: A -> A");
        let mapping =
            "Properties: {EventSourceArn: !GetAtt A.Arn, FunctionName: !Ref F, StartingPosition: LATEST}";
        let function = "Properties: {Handler: bootstrap, Runtime: provided.al2023}";
        check(
            &format!(
                "  A: {named}\n  M: {{Type: AWS::Lambda::EventSourceMapping, {mapping}}}\n  F: {{Type: AWS::Lambda::Function, {function}}}"
            ),
            "error cycle: circular reference: A -> A",
        );
    }

    #[test]
    fn a_circle_of_what_pelton_does_not_read_is_no_problem() {
        check("  A: {Type: Custom::T, DependsOn: B}\n  B: {Type: Custom::T, Properties: {X: !Ref A}}", "");
        let conditions = "Conditions: {A: !Not [!Condition B], B: !Not [!Condition A]}";
        check(&format!("  A: {{Type: Custom::T, Condition: A}}\n{conditions}"), "");
        let stream = "{Type: AWS::Kinesis::Stream, Condition: A, Properties: {ShardCount: 1}}";
        check(&format!("  S: {stream}\n{conditions}"), "circular reference: A -> B -> A");
    }

    #[test]
    fn a_branch_that_does_not_count_closes_no_circle() {
        check(
            "  A: {Type: Custom::T, Properties: {X: !If [C, !Ref B, none]}}\n  B: {Type: Custom::T, DependsOn: A}\nConditions: {C: !Equals [a, b]}",
            "",
        );
    }

    #[test]
    fn a_chain_as_long_as_a_template_is_walked() {
        let mut resources = String::new();
        for index in 0..499 {
            resources.push_str(&format!("  R{index}: {{Type: Custom::T, DependsOn: R{}}}\n", index + 1));
        }
        check(&format!("{resources}  R499: {{Type: Custom::T}}"), "");
    }

    #[test]
    fn a_long_chain_of_conditions_is_refused_and_not_followed_forever() {
        let mut conditions = "  C0: !Equals [a, a]\n".to_owned();
        for index in 1..2000 {
            conditions.push_str(&format!("  C{index}: !Not [!Condition C{}]\n", index - 1));
        }
        let stream = "  S: {Type: AWS::Kinesis::Stream, Condition: C1999, Properties: {ShardCount: 1}}";
        check(&format!("{stream}\nConditions:\n{conditions}"), "references are nested more than");
    }
}
