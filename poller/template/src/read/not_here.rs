//! Functions that cannot run on this machine: those that bring no executable of their own.
//!
//! In: what says so. Out: a problem with every way out of it. None of them leads back here.

use super::context::Context;
use super::diagnostics::{Code, Diagnostic};
use super::node::Entry;
use super::source::Span;
use pelton_model::Function;

/// What runs a Python function with AWS's own runtime client. `tests/process/python.rs` runs it.
pub(crate) const PYTHON_BOOTSTRAP: &str = "#!/bin/sh
cd \"$LAMBDA_TASK_ROOT\"
exec python3 -m awslambdaric \"$_HANDLER\"";

/// One reason.
pub(crate) struct NotHere {
    /// In words that go behind the name of the function.
    pub(crate) why: String,
    /// It is the `Runtime`, which does not matter to a folder with a `bootstrap`.
    pub(crate) is_runtime: bool,
    span: Span,
    message: String,
    label: &'static str,
    /// How to run it here all the same, where that does not depend on the runtime.
    run_here: Option<&'static str>,
}

impl NotHere {
    /// Its `Runtime` is one of AWS's.
    pub(crate) fn runtime(property: &Entry, runtime: &str) -> Self {
        Self {
            why: format!("has the runtime `{runtime}`"),
            is_runtime: true,
            span: property.value.span,
            message: format!("the runtime `{runtime}` is not supported by Pelton"),
            label: "needs an executable `bootstrap` in the folder of its code",
            run_here: None,
        }
    }

    /// Its code is in a bucket, or in a registry of images.
    pub(crate) fn code(property: &Entry) -> Self {
        Self {
            why: "has code that is not in a folder".to_owned(),
            is_runtime: false,
            span: property.key_span,
            message: "code that is not in a folder is not supported by Pelton".to_owned(),
            label: "not a folder or zip file on this machine",
            run_here: Some(
                "name a local folder or zip file in `CodeUri`, or give Pelton the template that `sam build` left in \
                 `.aws-sam/build`",
            ),
        }
    }

    /// It is an image, or a text in the template.
    pub(crate) fn package(property: &Entry) -> Self {
        let why = match property.key.as_str() {
            "InlineCode" => "has its code in the template",
            _ => "is a container image",
        };
        Self {
            why: why.to_owned(),
            is_runtime: false,
            span: property.key_span,
            message: format!("`{}` is not supported by Pelton", property.key),
            label: "Pelton runs only an executable `bootstrap` from a folder",
            run_here: None,
        }
    }
}

/// Reports the reasons; the first comes with what to do.
pub(crate) fn report(context: &mut Context<'_>, function: &Function, reasons: Vec<NotHere>) {
    let mut help = reasons.first().map(|first| help(context, function, first));
    for NotHere { span, message, label, .. } in reasons {
        let diagnostic = Diagnostic::error(Code::Unsupported, message).at(span, label);
        context.report(match help.take() {
            Some(help) => diagnostic.help(help),
            None => diagnostic,
        });
    }
}

fn help(context: &Context<'_>, function: &Function, first: &NotHere) -> String {
    let id = &function.logical_id;
    let ways_out = format!(
        "run `{id}` elsewhere with `--lambda-endpoint {id}=URL`, or leave it out with `--skip {id}` or `--allow-unsupported`"
    );
    if let Some(run_here) = first.run_here {
        return format!("{ways_out}; or run it here: {run_here}");
    }
    let is_told = context
        .diagnostics
        .iter()
        .any(|said| said.help.as_ref().is_some_and(|help| help.contains("bootstrap`")));
    if is_told {
        return ways_out;
    }
    if function.is_image() {
        return ways_out;
    }
    if function.runtime.as_ref().is_some_and(|runtime| runtime.starts_with("python")) {
        return format!(
            "{ways_out}; or run it here: `pip install awslambdaric`, and put this executable `bootstrap` into the folder of its \
             code, which AWS ignores:\n{PYTHON_BOOTSTRAP}"
        );
    }
    format!(
        "{ways_out}; or run it here: put an executable `bootstrap` that speaks Lambda's Runtime API into the folder of its code, \
         which AWS ignores"
    )
}
