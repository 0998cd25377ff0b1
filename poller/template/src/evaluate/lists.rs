//! Lists of which an item may be known to AWS only.

use super::context::{Context, Reported};
use super::intrinsics::is_aws_only;
use super::node::Node;

impl Context<'_> {
    /// The items of a list, not evaluated: some of them may be known to AWS only, and not be needed.
    pub(crate) fn items<'n>(&mut self, node: &'n Node, wanted: &str) -> Result<Vec<&'n Node>, Reported> {
        let mut node = node;
        while let Some((name, argument)) = node.as_intrinsic() {
            match name {
                "Fn::If" => node = self.branch(argument, node.span)?,
                "Ref" if argument.as_scalar() == Some("AWS::NoValue") => return Ok(Vec::new()),
                name if is_aws_only(name) => return Err(self.aws_only(name, node.span)),
                _ => break,
            }
        }
        match node.as_sequence() {
            Some(items) => Ok(items.iter().collect()),
            None => Err(self.wrong_kind(Some(node), node.span, wanted)),
        }
    }
}
