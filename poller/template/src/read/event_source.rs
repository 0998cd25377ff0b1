//! Where a mapping reads from: an ARN that must be one of a stream, of Kinesis or of a table, or one of a cluster of MSK.

use super::context::{Context, Reported, Without};
use super::diagnostics::{Code, Diagnostic};
use super::node::{Entry, Node};
use super::references::referenced_id;
use super::resource::Resource;
use super::resource_types::CONSUMER;
use super::source::Span;
use super::table_references;
use super::tables;
use pelton_model::kafka::is_msk;
use pelton_model::{Arn, StreamArn};

/// What a mapping reads.
#[derive(Clone, Debug)]
pub(crate) struct StreamSource {
    pub(crate) stream: StreamArn,
    /// The consumer that the mapping names instead of the stream: to AWS another event source.
    pub(crate) consumer: Option<String>,
}

/// The stream that `Stream` or `EventSourceArn` names.
pub(crate) fn read<'t>(context: &mut Context<'t>, property: &'t Entry) -> Result<StreamSource, Reported> {
    let node = &property.value;
    let Some((id, consumer)) = referred_consumer(context, node) else {
        return read_arn(context, property, node);
    };
    fan_out_is_unsupported(context, node.span);
    let Some(stream) = consumer.properties.get("StreamARN") else { return Err(Reported) };
    let source = read_arn(context, property, stream)?;
    Ok(StreamSource { consumer: Some(id.to_owned()), ..source })
}

/// The cluster that `Stream` or `EventSourceArn` names.
pub(crate) fn read_cluster<'t>(context: &mut Context<'t>, property: &'t Entry) -> Result<Arn, Reported> {
    let node = &property.value;
    let text = context.as_source(|context| context.evaluate_text(node, "the ARN of a cluster"))?;
    if let Some(arn) = text.parse().ok().filter(is_msk) {
        return Ok(arn);
    }
    let message = format!("`{}` is `{text}`, which is not the ARN of an MSK cluster", property.key);
    let form = "must be `arn:aws:kafka:REGION:ACCOUNT:cluster/NAME/UUID`";
    Err(context.report(Diagnostic::error(Code::InvalidValue, message).at(node.span, form)))
}

/// What stands for the ARN of the stream: of a consumer of the template, its `StreamARN`.
pub(crate) fn arn_node<'t>(context: &Context<'t>, node: &'t Node) -> &'t Node {
    let consumer = referred_consumer(context, node);
    consumer.and_then(|(_, consumer)| consumer.properties.get("StreamARN")).unwrap_or(node)
}

fn referred_consumer<'t>(context: &Context<'t>, node: &'t Node) -> Option<(&'t str, &'t Resource)> {
    let id = referenced_id(node)?;
    let document = context.document;
    document.resource(id).filter(|resource| resource.kind == CONSUMER).map(|consumer| (id, consumer))
}

/// Enhanced fan-out is a matter of speed: without it, the same records come in the same order.
fn fan_out_is_unsupported(context: &mut Context<'_>, span: Span) {
    let message = "enhanced fan-out is not supported by Pelton yet";
    context.without(Without::Setting, |context| {
        context.unsupported(span, message, "the ARN of a consumer: Pelton reads only streams")
    });
}

fn read_arn<'t>(
    context: &mut Context<'t>,
    property: &'t Entry,
    node: &'t Node,
) -> Result<StreamSource, Reported> {
    let text = context.as_source(|context| context.evaluate_text(node, "the ARN of a stream"))?;
    let Ok(arn) = text.parse::<Arn>() else { return Err(no_arn(context, property, &text)) };
    if !["kinesis", "dynamodb"].contains(&arn.service.as_str()) {
        let message = format!("Pelton does not read from `{}` yet", arn.service);
        return Err(context.unsupported(
            node.span,
            message,
            "only streams of Kinesis and of tables, and topics of Kafka, are read",
        ));
    }
    if let Some(stream) = StreamArn::of_table(&arn) {
        let tables = table_references::referred(context, node);
        if !tables.is_empty() {
            context.each(tables, |context, table| tables::require_stream(context, table, node.span))?;
            return Ok(StreamSource { stream, consumer: None });
        }
    }
    let Some((stream, consumer)) = StreamArn::of(&arn) else { return Err(no_arn(context, property, &text)) };
    if consumer.is_some() {
        fan_out_is_unsupported(context, node.span);
    }
    Ok(StreamSource { stream, consumer })
}

fn no_arn(context: &mut Context<'_>, property: &Entry, text: &str) -> Reported {
    let form = match text.contains(":dynamodb:") {
        true => "arn:aws:dynamodb:REGION:ACCOUNT:table/NAME/stream/LABEL",
        false => "arn:aws:kinesis:REGION:ACCOUNT:stream/NAME",
    };
    let mut diagnostic = Diagnostic::error(
        Code::InvalidValue,
        format!("`{}` is `{text}`, which is not the ARN of a stream", property.key),
    )
    .at(property.value.span, format!("must be `{form}`"));
    if let Some(id) = referenced_id(&property.value) {
        let is_table =
            context.kind_of_resource(id).is_some_and(|kind| table_references::TABLES.contains(&kind));
        let attribute = if is_table { table_references::STREAM_ARN_ATTRIBUTE } else { "Arn" };
        diagnostic = diagnostic.help(format!("did you mean `!GetAtt {id}.{attribute}`?"));
    }
    context.report(diagnostic)
}

#[cfg(test)]
mod tests {
    use crate::testing::{check_problem, load, load_with, options, template};
    use crate::{LoadOptions, Unsupported};

    const SECTIONS: &str = "
  Named: {Type: AWS::Kinesis::Stream, Properties: {Name: named, ShardCount: 1}}
  Consumer: {Type: AWS::Kinesis::StreamConsumer, Properties: {ConsumerName: c, StreamARN: !GetAtt Named.Arn}}";

    fn text(source: &str) -> String {
        template("", "", SECTIONS).replace("!GetAtt Orders.Arn", source)
    }

    #[track_caller]
    fn check(source: &str, arn: &str) {
        let loaded = load(&text(source));
        check_problem(&loaded, "");
        assert_eq!(
            loaded.application.expect("there is no problem").mappings[0].source.stream().unwrap().to_string(),
            arn
        );
    }

    #[track_caller]
    fn check_refused(source: &str, expected: &str) {
        check_problem(&load(&text(source)), expected);
    }

    #[test]
    fn a_stream_is_named_by_its_arn() {
        let named = "arn:aws:kinesis:eu-west-1:123456789012:stream/named";
        check("!GetAtt Named.Arn", named);
        check("!Sub 'arn:${AWS::Partition}:kinesis:${AWS::Region}:${AWS::AccountId}:stream/${Named}'", named);
        check(
            "arn:aws-cn:kinesis:cn-north-1:000000000000:stream/x.y",
            "arn:aws-cn:kinesis:cn-north-1:000000000000:stream/x.y",
        );
    }

    #[test]
    fn the_stream_of_a_table_is_named_by_its_own_arn() {
        let arn = "arn:aws:dynamodb:eu-west-1:123456789012:table/users/stream/2026-11-30T00:00:00.000";
        check(arn, arn);
        check_refused(
            "arn:aws:dynamodb:eu-west-1:123456789012:table/users",
            "which is not the ARN of a stream | must be `arn:aws:dynamodb:REGION:ACCOUNT:table/NAME/stream/LABEL`",
        );
    }

    #[test]
    fn what_is_no_arn_of_a_stream_is_refused() {
        check_refused(
            "!Ref Named",
            "`Stream` is `named`, which is not the ARN of a stream | must be `arn:aws:kinesis:REGION:ACCOUNT:stream/NAME` | did you mean `!GetAtt Named.Arn`?",
        );
        check_refused("named", "which is not the ARN of a stream");
        check_refused("arn:aws:kinesis:eu-west-1:1234:stream/x", "which is not the ARN of a stream");
        check_refused(
            "arn:aws:kinesis:eu-west-1:123456789012:stream/a b",
            "which is not the ARN of a stream",
        );
        check_refused(
            "!GetAtt Namde.Arn",
            "no resource and no parameter `Namde` | not defined | did you mean `Named`?",
        );
    }

    #[test]
    fn other_sources_are_refused() {
        check_refused("arn:aws:s3:::bucket", "Pelton does not read from `s3` yet");
    }

    #[test]
    fn a_consumer_is_refused_or_read_as_its_stream() {
        let arn = "arn:aws:kinesis:eu-west-1:123456789012:stream/named";
        for source in
            ["!Ref Consumer", "!GetAtt Consumer.ConsumerARN", &format!("{arn}/consumer/c:1700000000")]
        {
            check_refused(source, "enhanced fan-out is not supported by Pelton yet");
            let allowing = LoadOptions { unsupported: Unsupported::Warn, ..options() };
            let loaded = load_with(&text(source), &allowing);
            check_problem(&loaded, "warning unsupported: enhanced fan-out");
            assert_eq!(
                loaded.application.expect("a warning is no error").mappings[0]
                    .source
                    .stream()
                    .unwrap()
                    .to_string(),
                arn
            );
        }
    }
}
