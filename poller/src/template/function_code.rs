//! Where the code of a function is, and how it is built (specification 11.3).
//!
//! In: `CodeUri` or `Code`, and `Metadata`. Out: a folder and a way to build it. Whether code elsewhere
//! will do, others decide.

use super::context::{Context, Reported};
use super::node::Entry;
use super::resource::Resource;
use crate::application::BuildMethod;
use std::path::{Path, PathBuf};

/// Where the code of a function is.
pub(super) enum Place {
    /// In a folder of this machine.
    Folder(PathBuf),
    /// In a bucket, or in a registry of images.
    Elsewhere,
}

/// The place that `CodeUri`, or `Code` of a function without SAM, names.
pub(super) fn place<'t>(
    context: &mut Context<'t>,
    property: &'t Entry,
    root: &Path,
) -> Result<Place, Reported> {
    let value = match context.quietly(|context| context.evaluate(&property.value)) {
        Ok(value) => value,
        // A bucket that only AWS knows is a bucket all the same.
        Err(Reported) if property.value.as_mapping().is_some() && property.value.as_intrinsic().is_none() => {
            return Ok(Place::Elsewhere);
        }
        Err(Reported) => context.evaluate(&property.value)?,
    };
    let Some(value) = value else { return Ok(Place::Folder(root.to_owned())) };
    match value.as_scalar() {
        Some(uri) if uri.starts_with("s3://") || uri.starts_with("https://") => Ok(Place::Elsewhere),
        Some(path) => {
            context.without_nul(property, path)?;
            Ok(Place::Folder(root.join(path).components().collect()))
        }
        None if value.as_mapping().is_some() => Ok(Place::Elsewhere),
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
