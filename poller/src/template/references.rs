//! `Ref` and `Fn::GetAtt`: parameters, pseudo parameters, and resources by their logical id.

use super::context::{Context, Evaluated, Reported, Scope};
use super::diagnostics::{Code, Diagnostic};
use super::generated;
use super::node::{Node, Value};
use super::parameters::ParameterValue;
use super::resource::Resource;
use super::resource_kinds::{self, FUNCTION_ARN, ROLE_ARN};
use super::source::Span;
use super::suggest;

pub(super) const SAM_FUNCTION: &str = "AWS::Serverless::Function";
pub(super) const LAMBDA_FUNCTION: &str = "AWS::Lambda::Function";
pub(super) const ALIAS: &str = "AWS::Lambda::Alias";

/// The logical id that a `Ref` or `Fn::GetAtt` names; `None` if the node is neither.
pub(super) fn referenced_id(node: &Node) -> Option<&str> {
    match node.as_intrinsic()? {
        ("Ref", argument) => argument.as_scalar(),
        ("Fn::GetAtt", argument) => match &argument.value {
            Value::Scalar(path) => path.text.split('.').next(),
            Value::Sequence(parts) => parts.first()?.as_scalar(),
            Value::Null | Value::Mapping(_) => None,
        },
        _ => None,
    }
}

impl<'t> Context<'t> {
    /// What a `Ref` gives.
    pub(super) fn reference(&mut self, argument: &Node, span: Span) -> Evaluated {
        let Some(name) = argument.as_scalar() else {
            return Err(self.wrong_arguments("Ref", span, "the name of a parameter or a resource"));
        };
        if name.starts_with("AWS::") {
            return self.pseudo_parameter(name, span);
        }
        if let Some(value) = self.parameters.get(name).cloned() {
            return self.parameter(name, value, span).map(Some);
        }
        if let Some(function) = self.function_of_alias(name) {
            return self.alias_arn(function, span).map(|arn| Some(Node::text(arn, span)));
        }
        if self.is_made_by_sam(name) {
            return Err(self.unknown_value(name, "Ref", "a resource that SAM makes", span));
        }
        let resource = self.existing_resource(name, span)?;
        let text = match resource {
            Referred::Resource(resource) if resource.kind == ALIAS => self.lambda_alias(resource, span)?,
            Referred::Resource(resource) => {
                let Some(kind) = resource_kinds::known(&resource.kind) else {
                    return Err(self.unknown_value(name, "Ref", &format!("`{}`", resource.kind), span));
                };
                let name = self.name_of(resource)?;
                self.fill(kind.reference, &name)
            }
            Referred::GeneratedRole(name) => name,
        };
        self.add_work(text.len(), span)?;
        Ok(Some(Node::text(text, span)))
    }

    /// What an `Fn::GetAtt` gives.
    pub(super) fn attribute(&mut self, argument: &Node, span: Span) -> Result<Node, Reported> {
        let path = match &argument.value {
            Value::Scalar(path) => path.text.clone(),
            Value::Sequence(parts) => {
                let mut texts = Vec::new();
                for part in parts {
                    texts.push(self.evaluate_text(part, "a name")?);
                }
                texts.join(".")
            }
            Value::Null | Value::Mapping(_) => String::new(),
        };
        let Some((id, attribute)) = path.split_once('.') else {
            return Err(self.wrong_arguments("Fn::GetAtt", span, "a logical id and an attribute"));
        };
        if self.is_made_by_sam(id) {
            return Err(self.unknown_value(id, attribute, "a resource that SAM makes", span));
        }
        let (name, form) = match self.existing_resource(id, span)? {
            Referred::GeneratedRole(name) if attribute == "Arn" => (name, ROLE_ARN),
            Referred::GeneratedRole(_) => {
                return Err(self.unknown_value(id, attribute, "`AWS::IAM::Role`", span));
            }
            Referred::Resource(resource) => {
                let known = resource_kinds::known(&resource.kind);
                let Some(kind) = known else {
                    return Err(self.unknown_value(id, attribute, &format!("`{}`", resource.kind), span));
                };
                let Some(&(_, form)) = kind.attributes.iter().find(|(name, _)| *name == attribute) else {
                    return Err(self.unknown_value(id, attribute, &format!("`{}`", resource.kind), span));
                };
                (self.name_of(resource)?, form)
            }
        };
        let text = self.fill(form, &name);
        self.add_work(text.len(), span)?;
        Ok(Node::text(text, span))
    }

    /// The name of a resource: what its property says, else one made of its logical id.
    pub(super) fn name_of(&mut self, resource: &'t Resource) -> Result<String, Reported> {
        let known = resource_kinds::known(&resource.kind);
        let Some(kind) = known else { return Ok(resource.id.clone()) };
        self.look_up("resource", &resource.id, resource.id_span, |context| {
            let properties = context.head(&resource.properties, "a map of properties")?.unwrap_or_default();
            let Some(property) = properties.iter().find(|property| property.key == kind.name_property) else {
                return Ok(kind.unnamed(&resource.id));
            };
            match context.evaluate(&property.value)? {
                None => Ok(kind.unnamed(&resource.id)),
                Some(value) => match value.as_scalar() {
                    Some(name) => Ok(name.to_owned()),
                    None => Err(context.wrong_kind(Some(&value), value.span, "a name")),
                },
            }
        })
    }

    /// Whether `Ref` takes this name though it has a dot in it: SAM's `Function.Alias`.
    pub(super) fn is_referable(&self, name: &str) -> bool {
        self.function_of_alias(name).is_some()
    }

    /// `Type` of the resource with that logical id.
    pub(super) fn kind_of_resource(&self, id: &str) -> Option<&'t str> {
        self.document.resource(id).map(|resource| resource.kind.as_str())
    }

    fn parameter(&mut self, name: &str, value: ParameterValue, span: Span) -> Result<Node, Reported> {
        match value {
            ParameterValue::Single(text) => {
                self.add_work(text.len(), span)?;
                Ok(Node::text(text, span))
            }
            ParameterValue::List(items) => {
                self.add_work(items.iter().map(|item| item.len() + size_of::<Node>()).sum(), span)?;
                let items = items.into_iter().map(|item| Node::text(item, span)).collect();
                Ok(Node::sequence(items, span))
            }
            ParameterValue::Invalid => Err(Reported),
            ParameterValue::Missing => {
                let declared = self.document.parameters.iter().find(|entry| entry.key == name);
                let place = declared.map_or(span, |entry| entry.key_span);
                Err(self.report(
                    Diagnostic::error(Code::Missing, format!("the parameter `{name}` has no value"))
                        .at(place, "has no default that Pelton can use")
                        .help(format!("give it one with `--parameter {name}=VALUE`")),
                ))
            }
        }
    }

    /// Whether SAM makes a resource of that name, other than the role of a function, which is known.
    fn is_made_by_sam(&self, id: &str) -> bool {
        let is_role = id.strip_suffix("Role").is_some_and(|id| self.document.resource(id).is_some());
        self.scope == Scope::Resources
            && self.document.resource(id).is_none()
            && !is_role
            && generated::is_generated(self.document, id)
    }

    fn existing_resource(&mut self, id: &str, span: Span) -> Result<Referred<'t>, Reported> {
        if self.scope == Scope::Conditions {
            return Err(self.unknown_name(id, span));
        }
        let document = self.document;
        let (resource, generated_role) = match document.resource(id) {
            Some(resource) => (resource, false),
            None => match id.strip_suffix("Role").and_then(|id| document.resource(id)) {
                Some(function) if function.kind == SAM_FUNCTION => (function, true),
                Some(_) | None => return Err(self.unknown_name(id, span)),
            },
        };
        if !self.exists(resource)? {
            let condition = resource.condition.as_ref().map_or("", |(name, _)| name.as_str());
            return Err(self.report(
                Diagnostic::error(Code::UnknownReference, format!("the resource `{id}` does not exist"))
                    .at(span, format!("its condition `{condition}` does not hold"))
                    .help("use `Fn::If` with the same condition here"),
            ));
        }
        if generated_role {
            return Ok(Referred::GeneratedRole(format!("{}-{id}", self.options.stack_name)));
        }
        Ok(Referred::Resource(resource))
    }

    fn unknown_name(&mut self, name: &str, span: Span) -> Reported {
        if self.document.is_broken(name) {
            return Reported;
        }
        let parameters = self.document.parameters.iter().map(|entry| entry.key.as_str());
        let (message, help) = match self.scope {
            Scope::Conditions => (
                format!("the template has no parameter `{name}`"),
                suggest::did_you_mean(name, parameters, "parameters"),
            ),
            Scope::Resources => (
                format!("the template has no resource and no parameter `{name}`"),
                suggest::did_you_mean(name, self.document.resource_ids().chain(parameters), "names"),
            ),
        };
        self.report(Diagnostic::error(Code::UnknownReference, message).at(span, "not defined").help(help))
    }

    fn unknown_value(&mut self, id: &str, attribute: &str, kind: &str, span: Span) -> Reported {
        let message = format!("Pelton does not know what `{attribute}` of `{id}` is");
        self.unsupported(span, message, format!("only AWS knows this value of {kind}"))
    }

    /// The function, if the name is `Function.Alias`, which SAM understands.
    fn function_of_alias(&self, name: &str) -> Option<&'t Resource> {
        let id = name.strip_suffix(".Alias")?;
        self.document.resource(id).filter(|resource| resource.kind == SAM_FUNCTION)
    }

    fn alias_arn(&mut self, function: &'t Resource, span: Span) -> Result<String, Reported> {
        let name = self.name_of(function)?;
        match self.auto_publish_alias(function)? {
            Some(alias) => Ok(format!("{}:{alias}", self.fill(FUNCTION_ARN, &name))),
            None => {
                let message = format!("the function `{}` has no `AutoPublishAlias`", function.id);
                Err(self.report(Diagnostic::error(Code::UnknownReference, message).at(span, "has no alias")))
            }
        }
    }

    /// The alias that SAM makes for a function, and that its events then go to.
    pub(super) fn auto_publish_alias(&mut self, function: &'t Resource) -> Result<Option<String>, Reported> {
        let properties = self.head(&function.properties, "a map of properties")?.unwrap_or_default();
        match properties.iter().find(|property| property.key == "AutoPublishAlias") {
            None => Ok(None),
            Some(property) => {
                let value = self.evaluate(&property.value)?;
                Ok(value.as_ref().and_then(Node::as_scalar).map(str::to_owned))
            }
        }
    }

    /// `Ref` of an `AWS::Lambda::Alias`: the ARN of its function, and its name.
    fn lambda_alias(&mut self, alias: &'t Resource, span: Span) -> Result<String, Reported> {
        self.look_up("resource", &alias.id, span, |context| {
            let mut texts = Vec::new();
            for name in ["FunctionName", "Name"] {
                match alias.properties.get(name) {
                    Some(property) => texts.push(context.evaluate_text(property, "a name")?),
                    None => {
                        return Err(context.unknown_value(
                            &alias.id,
                            "Ref",
                            &format!("`{}`", alias.kind),
                            span,
                        ));
                    }
                }
            }
            let function = texts[0].rsplit(':').next().unwrap_or_default();
            Ok(format!("{}:{}", context.fill(FUNCTION_ARN, function), texts[1]))
        })
    }
}

/// What a logical id names.
enum Referred<'t> {
    /// A resource of the template.
    Resource(&'t Resource),
    /// The role that SAM makes for a function: its name.
    GeneratedRole(String),
}
