//! References to DynamoDB tables (specification 11.4): what stands for the ARN of a table's stream, whose label only AWS knows.

use super::context::{Context, Reported};
use super::cycles::references_in;
use super::node::Node;
use super::resource::Resource;

pub(crate) const TABLE: &str = "AWS::DynamoDB::Table";
const GLOBAL_TABLE: &str = "AWS::DynamoDB::GlobalTable";
/// SAM makes a table of it, and gives that no stream: it has no property for one.
pub(crate) const SIMPLE_TABLE: &str = "AWS::Serverless::SimpleTable";

/// The kinds of tables.
pub(crate) const TABLES: [&str; 3] = [TABLE, GLOBAL_TABLE, SIMPLE_TABLE];

/// What `Fn::GetAtt` calls the ARN of a table's stream.
pub(crate) const STREAM_ARN_ATTRIBUTE: &str = "StreamArn";

/// The stream that a table has, whatever its label.
const ANY_STREAM_ARN: &str = "arn:{partition}:dynamodb:{region}:{account}:table/{name}/stream/*";

/// The shortest name that a table may have.
const NAME_CHARS_MIN: usize = 3;

impl<'t> Context<'t> {
    /// Evaluates where a mapping reads from. Only there does `StreamArn` of a table have a value: the mapping finds the stream by
    /// its table.
    pub(crate) fn as_source<T>(&mut self, evaluate: impl FnOnce(&mut Self) -> T) -> T {
        let before = std::mem::replace(&mut self.is_source, true);
        let result = evaluate(self);
        self.is_source = before;
        result
    }

    /// What stands for the ARN of a table's stream; `None` where nothing does.
    pub(crate) fn stream_of_table(
        &mut self,
        resource: &'t Resource,
        attribute: &str,
    ) -> Result<Option<String>, Reported> {
        let is_wanted =
            self.is_source && attribute == STREAM_ARN_ATTRIBUTE && TABLES.contains(&resource.kind.as_str());
        if !is_wanted {
            return Ok(None);
        }
        let name = self.name_of(resource)?;
        Ok(Some(self.fill(ANY_STREAM_ARN, &name)))
    }

    /// The name of a table to which the template gives none. AWS makes up one of the stack's name and the logical id.
    pub(crate) fn unnamed_table(&self, id: &str) -> String {
        match id.len() < NAME_CHARS_MIN {
            true => format!("{}-{id}", self.options.stack_name),
            false => id.to_owned(),
        }
    }
}

/// The tables that an expression refers to.
pub(crate) fn referred<'t>(context: &mut Context<'t>, node: &'t Node) -> Vec<&'t Resource> {
    let mut mentioned = Vec::new();
    references_in(context, node, &mut mentioned);
    let document = context.document;
    let tables = document.resources.iter().filter(|resource| TABLES.contains(&resource.kind.as_str()));
    tables.filter(|table| mentioned.iter().any(|(id, _)| *id == table.id)).collect()
}
