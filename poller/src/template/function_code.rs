//! Where the code of a function is, and how it is built (specification 11.3).
//!
//! In: `CodeUri` or `Code`, and `Metadata`. Out: a folder and a way to build it. Code that is not in a folder is refused.

use super::context::{Context, Reported};
use super::node::Entry;
use super::resource::Resource;
use crate::application::BuildMethod;
use std::path::{Path, PathBuf};

/// The folder that `CodeUri`, or `Code` of a function without SAM, names.
pub(super) fn folder<'t>(
    context: &mut Context<'t>,
    property: &'t Entry,
    root: &Path,
) -> Result<PathBuf, Reported> {
    let not_here = |context: &mut Context<'_>| {
        context.unsupported_here(
            property.key_span,
            "code that is not in a folder is not supported by Pelton",
            "",
        )
    };
    let Some(value) = context.quietly(|context| context.evaluate(&property.value)).or_else(|Reported| {
        // A bucket that only AWS knows is a bucket all the same.
        match property.value.as_mapping() {
            Some(_) if property.value.as_intrinsic().is_none() => Err(not_here(context)),
            Some(_) | None => context.evaluate(&property.value),
        }
    })?
    else {
        return Ok(root.to_owned());
    };
    match value.as_scalar() {
        Some(uri) if uri.starts_with("s3://") || uri.starts_with("https://") => Err(not_here(context)),
        Some(path) => {
            context.without_nul(property, path)?;
            Ok(root.join(path).components().collect())
        }
        None if value.as_mapping().is_some() => Err(not_here(context)),
        None => Err(context.wrong_property(property, &value, "a folder")),
    }
}

/// How `sam build` would build the function; methods that Pelton does not know build nothing.
pub(super) fn build_method(context: &mut Context<'_>, resource: &Resource) -> Option<BuildMethod> {
    let metadata = resource.metadata.as_ref()?;
    if metadata.get("BuildMethod")?.as_scalar()? != "rust-cargolambda" {
        return None;
    }
    let binary = metadata.get("BuildProperties").and_then(|properties| properties.get("Binary"));
    let binary = binary.and_then(|binary| context.evaluate_text(binary, "the name of a binary").ok());
    Some(BuildMethod::RustCargoLambda { binary })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::template::testing::{check_problem, load, template};

    #[test]
    fn cargo_builds_what_says_so() {
        let with = |metadata: &str| {
            let kind = "Type: AWS::Serverless::Function
";
            let text = template("", "", "").replace(
                kind,
                &format!(
                    "{kind}    Metadata: {metadata}
"
                ),
            );
            let loaded = load(&text);
            check_problem(&loaded, "");
            loaded.application.expect("there is no problem").functions["Ledger"].build.clone()
        };
        let cargo =
            |binary: Option<&str>| Some(BuildMethod::RustCargoLambda { binary: binary.map(str::to_owned) });
        assert_eq!(with("{BuildMethod: rust-cargolambda}"), cargo(None));
        assert_eq!(
            with("{BuildMethod: rust-cargolambda, BuildProperties: {Binary: ledger}}"),
            cargo(Some("ledger"))
        );
        assert_eq!(with("{BuildMethod: makefile}"), None);
    }
}
