//! Where the code of a function is, and how it is built (specification 11.3).
//!
//! In: `CodeUri` or `Code`, and `Metadata`. Out: a folder or an archive, and a way to build it. A template that the AWS CDK made
//! says in `Metadata` where the code is that it uploads. Whether code elsewhere will do, others decide.

use super::context::{Context, Reported};
use super::node::{Entry, Node};
use super::resource::Resource;
use pelton_model::BuildMethod;
use std::os::unix::fs::PermissionsExt as _;
use std::path::{Path, PathBuf};

/// Of the AWS CDK, in `Metadata`: which property the asset is for, and where it lies, as seen from the template.
const ASSET_PROPERTY: &str = "aws:asset:property";
const ASSET_PATH: &str = "aws:asset:path";

/// Of `sam build`, in `Metadata` of each function that it built.
const BUILT_BY_SAM: &str = "SamResourceId";

/// Where the code of a function is.
pub(crate) enum Place {
    /// In a folder or an archive of this machine.
    Folder(PathBuf),
    /// In a bucket, or in a registry of images.
    Elsewhere,
}

/// The place that `CodeUri`, or `Code` of a function without SAM, names.
pub(crate) fn place<'t>(
    context: &mut Context<'t>,
    resource: &Resource,
    property: &'t Entry,
    root: &Path,
) -> Result<Place, Reported> {
    if let Some(path) = asset_path(resource, &property.key) {
        context.without_nul(property, path)?;
        return Ok(Place::Folder(root.join(path).components().collect()));
    }
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

/// Where the AWS CDK put the code of this property.
fn asset_path<'r>(resource: &'r Resource, property: &str) -> Option<&'r str> {
    let metadata = resource.metadata.as_ref()?;
    let is_of_it = metadata.get(ASSET_PROPERTY).and_then(Node::as_scalar) == Some(property);
    metadata.get(ASSET_PATH).and_then(Node::as_scalar).filter(|_| is_of_it)
}

/// Whether the folder brings an executable `bootstrap`: it runs here, whatever the `Runtime` is.
pub(crate) fn has_bootstrap(folder: &Path) -> bool {
    let bootstrap = std::fs::metadata(folder.join("bootstrap"));
    bootstrap.is_ok_and(|file| file.is_file() && file.permissions().mode() & 0o111 != 0)
}

/// How `sam build` would build the function; methods that Pelton does not know, and what is built, build nothing.
pub(crate) fn build_method(context: &mut Context<'_>, resource: &Resource) -> Option<BuildMethod> {
    let metadata = resource.metadata.as_ref()?;
    if metadata.get(BUILT_BY_SAM).is_some() {
        return None;
    }
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
    use crate::diagnostics::Colour;
    use crate::testing::{check_problem, load, template};

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
        assert_eq!(with("{BuildMethod: rust-cargolambda, SamResourceId: Ledger}"), None, "it is built");
    }

    /// Where the code is of a function with this `Code` and `Metadata`; the problem, if there is one.
    fn code(code: &str, metadata: &str) -> Result<PathBuf, String> {
        let text = format!(
            "Resources:
  Ledger:
    Type: AWS::Lambda::Function
    Metadata: {metadata}
    Properties: {{Runtime: provided.al2023, Handler: bootstrap, Role: r, Code: {code}}}
  Orders:
    Type: AWS::Lambda::EventSourceMapping
    Properties:
      FunctionName: !Ref Ledger
      EventSourceArn: arn:aws:kinesis:eu-central-1:123456789012:stream/orders
      StartingPosition: LATEST
"
        );
        let loaded = load(&text);
        let problems = loaded.diagnostics.render(Colour::Never);
        loaded.application.map(|application| application.functions["Ledger"].code_uri.clone()).ok_or(problems)
    }

    const IN_A_BUCKET: &str = "{S3Bucket: cdk-hnb659fds-assets, S3Key: 3f0e.zip}";

    #[test]
    fn code_that_the_cdk_uploads_is_where_it_says() {
        let metadata = "{'aws:cdk:path': Stack/Ledger, 'aws:asset:path': asset.3f0e, 'aws:asset:is-bundled': false, \
                        'aws:asset:property': Code}";
        assert_eq!(code(IN_A_BUCKET, metadata).unwrap(), Path::new("/app/asset.3f0e"));
        let of_another = "{'aws:asset:path': asset.3f0e, 'aws:asset:property': Other}";
        code(IN_A_BUCKET, of_another).unwrap_err();
    }

    #[test]
    fn the_refusal_of_code_in_a_bucket_leads_somewhere() {
        for text in [IN_A_BUCKET, "{ZipFile: x}", "{ImageUri: x}"] {
            let problems = code(text, "{}").unwrap_err();
            for said in
                ["code that is not in a folder", "CodeUri", "sam build", "--lambda-endpoint Ledger=URL"]
            {
                assert!(problems.contains(said), "{said}: {problems}");
            }
        }
    }
}
