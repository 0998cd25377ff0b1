//! What the program compiled, `demo` does not compile again for the sample functions.
//!
//! In: the features that cargo chooses, as `cargo tree` lists them. Cargo compiles a crate once for each set of features.

use crate::dev::with_cargo;
use pelton_tests::Program;
use std::collections::{BTreeMap, BTreeSet};
use std::path::Path;
use tempfile::TempDir;

/// Each crate, with its version, and the sets of features with which this selection compiles it.
async fn features(folder: &TempDir, selection: &[&str]) -> BTreeMap<String, BTreeSet<String>> {
    let manifest = Path::new(env!("CARGO_MANIFEST_DIR")).join("../Cargo.toml");
    let tree = ["tree", "--locked", "--edges", "normal,build", "--prefix", "none", "--format", "{p}\t{f}"];
    let cargo = with_cargo(Program::new("cargo")).args(tree).args(["--manifest-path"]);
    let exit = cargo.args([manifest]).args(selection).run(folder).await;
    exit.assert_code(0);
    let mut features: BTreeMap<String, BTreeSet<String>> = BTreeMap::new();
    for line in exit.printed.stdout() {
        // What was listed before has a mark.
        let Some((name, chosen)) = line.trim_end_matches(" (*)").split_once('\t') else { continue };
        features.entry(name.to_owned()).or_default().insert(chosen.to_owned());
    }
    features
}

#[tokio::test]
async fn the_sample_functions_want_no_crate_with_other_features_than_the_program_wants_it() {
    let folder = tempfile::tempdir().expect("a temporary folder can be made");
    for program in [&["-p", "pelton"][..], &["-p", "pelton", "--no-default-features"]] {
        let program = features(&folder, program).await;
        for function in ["order-ledger", "click-counter", "page-views", "profile-changes"] {
            let function = features(&folder, &["-p", function]).await;
            let shared =
                function.iter().filter_map(|(name, wanted)| Some((name, wanted, program.get(name)?)));
            let (same, other): (Vec<_>, Vec<_>) =
                shared.partition(|(_, wanted, compiled)| wanted.is_subset(compiled));
            assert!(other.is_empty(), "to be added to poller/workspace-hack/Cargo.toml: {other:#?}");
            assert!(same.len() > 50, "cargo lists what they share: {same:#?}");
        }
    }
}
