//! The intrinsic functions that choose: Select from a list, FindInMap from the section `Mappings`.

use super::context::{Context, Evaluated, Reported};
use super::diagnostics::{Code, Diagnostic};
use super::document::LANGUAGE_EXTENSIONS;
use super::node::Node;
use super::source::Span;
use super::suggest;

impl Context<'_> {
    pub(crate) fn select(&mut self, argument: &Node, span: Span) -> Result<Node, Reported> {
        let Some([index, list]) = argument.as_sequence() else {
            return Err(self.wrong_arguments("Fn::Select", span, "an index and a list"));
        };
        let (index, items) = (self.evaluate_text(index, "an index"), self.evaluate_list(list, "a list"));
        let (index, items) = (index?, items?);
        let chosen = index.parse().ok().and_then(|index: usize| items.get(index));
        match chosen {
            Some(item) => Ok(Node { span, ..item.clone() }),
            None => Err(self.report(
                Diagnostic::error(Code::InvalidValue, format!("the list has no item `{index}`"))
                    .at(span, format!("the list has {} items, counted from 0", items.len())),
            )),
        }
    }

    pub(crate) fn find_in_map(&mut self, argument: &Node, span: Span) -> Evaluated {
        let arguments = argument.as_sequence().unwrap_or_default();
        let (path, default) = match arguments {
            [path @ .., _] if path.len() == 3 => (path, arguments[3].get("DefaultValue")),
            path => (path, None),
        };
        if default.is_some() {
            self.require_language_extensions("DefaultValue", arguments[3].span);
        }
        let [map, top, second] = path else {
            return Err(self.wrong_arguments("Fn::FindInMap", span, "a map's name and two keys"));
        };
        let wanted = [map, top, second];
        let names = self.each(wanted, |context, part| context.evaluate_text(part, "a name"))?;
        let document = self.document;
        let mut entries = document.mappings.as_slice();
        for (level, name) in names.iter().enumerate() {
            let found = entries.iter().find(|entry| entry.key == *name);
            let Some(found) = found else {
                if let Some(unseen) = entries.iter().find(|entry| entry.key.starts_with("Fn::")) {
                    return Err(self.aws_only(&unseen.key, unseen.key_span));
                }
                if let Some(default) = default {
                    return self.evaluate(default);
                }
                let keys = entries.iter().map(|entry| entry.key.as_str());
                let what = ["mapping", "top-level key", "second-level key"][level];
                let diagnostic =
                    Diagnostic::error(Code::UnknownReference, format!("`Mappings` has no {what} `{name}`"))
                        .at(wanted[level].span, "not defined")
                        .help(suggest::did_you_mean(name, keys, "keys"));
                return Err(self.report(diagnostic));
            };
            if level + 1 == names.len() {
                return Ok(self.evaluate(&found.value)?.map(|value| Node { span, ..value }));
            }
            entries = found.value.as_mapping().unwrap_or_default();
        }
        Err(self.wrong_arguments("Fn::FindInMap", span, "a map's name and two keys"))
    }

    /// Functions that are there only with a macro: Pelton carries them out in any case.
    pub(crate) fn require_language_extensions(&mut self, name: &str, span: Span) {
        if self.document.has_language_extensions {
            return;
        }
        let message = format!("`{name}` needs the transform `{LANGUAGE_EXTENSIONS}`");
        self.report(
            Diagnostic::warning(Code::Missing, message)
                .at(span, "AWS knows this function only with that transform")
                .help(format!("add `{LANGUAGE_EXTENSIONS}` to the list `Transform`, before SAM's")),
        );
    }
}
