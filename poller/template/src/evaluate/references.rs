//! `Ref` and `Fn::GetAtt`: parameters, pseudo parameters, and resources by their logical id.

use super::context::{Context, Evaluated, Reported, Scope};
use super::diagnostics::{Code, Diagnostic};
use super::generated::{self, Generated};
use super::node::{Node, Value};
use super::parameters::ParameterValue;
use super::resource::Resource;
use super::resource_kinds::{self, FUNCTION_ARN, ResourceKind};
use super::source::Span;
use super::suggest;
use super::table_references::TABLES;
use pelton_model::arn::function_name;

pub(crate) const SAM_FUNCTION: &str = "AWS::Serverless::Function";
pub(crate) const LAMBDA_FUNCTION: &str = "AWS::Lambda::Function";
pub(crate) const ALIAS: &str = "AWS::Lambda::Alias";

/// The logical id that a `Ref` or `Fn::GetAtt` names; `None` if the node is neither.
pub(crate) fn referenced_id(node: &Node) -> Option<&str> {
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
    pub(crate) fn reference(&mut self, argument: &Node, span: Span) -> Evaluated {
        let Some(name) = argument.as_scalar() else {
            return Err(self.wrong_arguments("Ref", span, "the name of a parameter or a resource"));
        };
        if name.starts_with("AWS::") {
            return self.pseudo_parameter(name, span);
        }
        if let Some(value) = self.parameters.get(name).cloned() {
            return self.parameter(name, value, span).map(Some);
        }
        let text = match self.referred(name, span)? {
            Referred::Resource(resource) if resource.kind == ALIAS => self.lambda_alias(resource, span)?,
            Referred::Resource(resource) => {
                if let Some(arn) = self.arn_of_cluster(resource)? {
                    self.add_work(arn.len(), span)?;
                    return Ok(Some(Node::text(arn, span)));
                }
                let Some(kind) = resource_kinds::known(&resource.kind) else {
                    return Err(self.unknown_value(name, "Ref", &format!("`{}`", resource.kind), span));
                };
                let name = self.name_of(resource)?;
                self.fill(kind.reference, &name)
            }
            Referred::Generated(made) => self.generated_reference(name, &made, span)?,
        };
        self.add_work(text.len(), span)?;
        Ok(Some(Node::text(text, span)))
    }

    /// What an `Fn::GetAtt` gives.
    pub(crate) fn attribute(&mut self, argument: &Node, span: Span) -> Result<Node, Reported> {
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
        let Some((id, attribute)) = self.split_path(&path) else {
            return Err(self.wrong_arguments("Fn::GetAtt", span, "a logical id and an attribute"));
        };
        let text = match self.referred(id, span)? {
            Referred::Generated(made) => self.generated_attribute(id, attribute, &made, span)?,
            Referred::Resource(resource) => {
                let is_arn = attribute == "Arn";
                let cluster = if is_arn { self.arn_of_cluster(resource)? } else { None };
                if let Some(arn) = cluster.or(self.stream_of_table(resource, attribute)?) {
                    self.add_work(arn.len(), span)?;
                    return Ok(Node::text(arn, span));
                }
                let known = resource_kinds::known(&resource.kind);
                let form = known.and_then(|kind| kind.attributes.iter().find(|(name, _)| *name == attribute));
                let Some(&(_, form)) = form else {
                    return Err(self.unknown_value(id, attribute, &format!("`{}`", resource.kind), span));
                };
                let name = self.name_of(resource)?;
                self.fill(form, &name)
            }
        };
        self.add_work(text.len(), span)?;
        Ok(Node::text(text, span))
    }

    /// A logical id, or a property of one that SAM knows, and an attribute.
    fn split_path<'p>(&self, path: &'p str) -> Option<(&'p str, &'p str)> {
        let (id, attribute) = path.split_once('.')?;
        let Some((property, rest)) = attribute.split_once('.') else { return Some((id, attribute)) };
        let of_sam = &path[..id.len() + 1 + property.len()];
        Some(if self.is_referable(of_sam) { (of_sam, rest) } else { (id, attribute) })
    }

    /// The name of a resource: what its property says, else one made of its logical id.
    pub(crate) fn name_of(&mut self, resource: &'t Resource) -> Result<String, Reported> {
        let known = resource_kinds::known(&resource.kind);
        let Some(kind) = known else { return Ok(resource.id.clone()) };
        let place = resource.properties.get(kind.name_property).map_or(resource.id_span, |name| name.span);
        self.look_up("resource", &resource.id, place, |context| {
            let properties = context.head(&resource.properties, "a map of properties")?.unwrap_or_default();
            let Some(property) = properties.iter().find(|property| property.key == kind.name_property) else {
                return Ok(context.unnamed(kind, &resource.id));
            };
            match context.evaluate(&property.value)? {
                None => Ok(context.unnamed(kind, &resource.id)),
                Some(value) => match value.as_scalar() {
                    Some(name) => Ok(name.to_owned()),
                    None => Err(context.wrong_kind(Some(&value), value.span, "a name")),
                },
            }
        })
    }

    fn unnamed(&self, kind: &ResourceKind, id: &str) -> String {
        if TABLES.contains(&kind.kind) { self.unnamed_table(id) } else { kind.unnamed(id) }
    }

    /// Whether `Ref` takes this name though it has a dot in it: SAM's `Function.Alias`.
    pub(crate) fn is_referable(&self, name: &str) -> bool {
        generated::find_property(self.document, name).is_some()
    }

    /// `Type` of the resource with that logical id.
    pub(crate) fn kind_of_resource(&self, id: &str) -> Option<&'t str> {
        self.document.resource(id).map(|resource| resource.kind.as_str())
    }

    fn parameter(&mut self, name: &str, value: ParameterValue, span: Span) -> Result<Node, Reported> {
        self.report_problems_of_parameter(name);
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

    /// What a name stands for: a resource of the template, or what SAM makes beside them.
    fn referred(&mut self, name: &str, span: Span) -> Result<Referred<'t>, Reported> {
        if self.scope == Scope::Conditions {
            return Err(self.unknown_name(name, span));
        }
        if let Some(resource) = self.document.resource(name) {
            return self.require_existing(name, resource, span).map(|()| Referred::Resource(resource));
        }
        match self.generated(name) {
            Some(made) => Ok(Referred::Generated(made)),
            None => Err(self.unknown_name(name, span)),
        }
    }

    /// Reports a reference to `name` if the resource behind it does not exist.
    pub(crate) fn require_existing(
        &mut self,
        name: &str,
        resource: &'t Resource,
        span: Span,
    ) -> Result<(), Reported> {
        if self.exists(resource)? {
            return Ok(());
        }
        let condition = resource.condition.as_ref().map_or("", |(name, _)| name.as_str());
        Err(self.report(
            Diagnostic::error(Code::UnknownReference, format!("the resource `{name}` does not exist"))
                .at(span, format!("its condition `{condition}` is false"))
                .help("use `Fn::If` with the same condition here"),
        ))
    }

    /// The name of the role that SAM makes under that logical id.
    pub(crate) fn role_name(&self, id: &str) -> String {
        format!("{}-{id}", self.options.stack_name)
    }

    /// Reports what is wrong with the entry of `Resources` of that name, if it is no resource.
    pub(crate) fn report_broken(&mut self, name: &str) -> bool {
        let Some(problem) = self.document.broken.get(name) else { return false };
        self.report(problem.clone());
        true
    }

    fn unknown_name(&mut self, name: &str, span: Span) -> Reported {
        if self.report_broken(name) {
            return Reported;
        }
        if let Some(unseen) = self.document.unseen.first() {
            if unseen.is_refused {
                return Reported;
            }
            let message = format!("cannot resolve `{name}`");
            return self.unsupported(
                span,
                message,
                format!("may come from `{}`, which Pelton does not run", unseen.name),
            );
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

    pub(crate) fn unknown_value(&mut self, id: &str, attribute: &str, kind: &str, span: Span) -> Reported {
        let message = format!("cannot resolve `{attribute}` of `{id}`");
        self.unsupported(span, message, format!("only AWS knows this value of {kind}"))
    }

    /// The alias that SAM makes for a function, and that its events then go to.
    pub(crate) fn auto_publish_alias(&mut self, function: &'t Resource) -> Result<Option<String>, Reported> {
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
            let function = function_name(&texts[0]).map_or(texts[0].as_str(), |(name, _)| name);
            Ok(format!("{}:{}", context.fill(FUNCTION_ARN, function), texts[1]))
        })
    }
}

/// What a logical id names.
enum Referred<'t> {
    /// A resource of the template.
    Resource(&'t Resource),
    /// What SAM makes.
    Generated(Generated<'t>),
}
