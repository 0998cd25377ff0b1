//! What `cargo lambda build` left of a function: `target/lambda/NAME`.
//!
//! In: the folder of a cargo package, and where cargo puts what it builds. Out: the folders that may hold the function's
//! `bootstrap`. Reads manifests, runs nothing: cargo need not be there.

use pelton_model::{BuildMethod, Function};
use serde::Deserialize;
use std::path::{Path, PathBuf};

const MANIFEST: &str = "Cargo.toml";

/// In a package's folder, or in one above; cargo reads all of them, the nearest first.
const CONFIGURATIONS: [&str; 2] = [".cargo/config.toml", ".cargo/config"];

/// `Cargo.toml`, as far as it matters here.
#[derive(Deserialize)]
struct Manifest {
    package: Option<Named>,
    #[serde(default)]
    bin: Vec<Named>,
    workspace: Option<toml::Table>,
}

#[derive(Deserialize)]
struct Named {
    name: String,
}

#[derive(Default, Deserialize)]
#[serde(rename_all = "kebab-case")]
struct Configuration {
    #[serde(default)]
    build: Build,
}

#[derive(Default, Deserialize)]
#[serde(rename_all = "kebab-case")]
struct Build {
    target_dir: Option<PathBuf>,
}

/// Where `cargo lambda build` puts the binaries of the package in CodeUri, one folder for each; none if CodeUri is no
/// package. `target_folder` is what `CARGO_TARGET_DIR` says.
pub(super) fn folders(function: &Function, target_folder: Option<&Path>) -> Vec<PathBuf> {
    let package = &function.code_uri;
    let Some(manifest) = manifest(package) else { return Vec::new() };
    let target = target_folder.map_or_else(|| own_target_folder(package), Path::to_owned);
    let names = match &function.build {
        Some(BuildMethod::RustCargoLambda { binary: Some(binary) }) => vec![binary.clone()],
        Some(BuildMethod::RustCargoLambda { binary: None }) | None => manifest.binaries(),
    };
    names.into_iter().map(|name| target.join("lambda").join(name)).collect()
}

impl Manifest {
    fn binaries(self) -> Vec<String> {
        let own = self.package.filter(|_| self.bin.is_empty());
        self.bin.into_iter().chain(own).map(|named| named.name).collect()
    }
}

fn manifest(folder: &Path) -> Option<Manifest> {
    toml::from_str(&std::fs::read_to_string(folder.join(MANIFEST)).ok()?).ok()
}

/// `target` of the package's workspace, unless a configuration of cargo says otherwise.
fn own_target_folder(package: &Path) -> PathBuf {
    let configured = package.ancestors().find_map(|folder| {
        let configuration = |name: &&str| -> Option<Configuration> {
            toml::from_str(&std::fs::read_to_string(folder.join(name)).ok()?).ok()
        };
        // Relative to the folder that `.cargo` is in.
        let target = CONFIGURATIONS.iter().find_map(configuration)?.build.target_dir?;
        Some(folder.join(target))
    });
    configured.unwrap_or_else(|| {
        let is_workspace =
            |folder: &&Path| manifest(folder).is_some_and(|manifest| manifest.workspace.is_some());
        package.ancestors().find(is_workspace).unwrap_or(package).join("target")
    })
}
