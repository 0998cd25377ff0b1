//! Each sentence of the specification has a test. The lists beside this file pair them; `tests/spec-coverage/list` prints them.

use pelton_tests::spec_coverage::Coverage;
use std::path::Path;

#[test]
fn every_sentence_of_the_specification_has_a_test_and_every_test_that_is_named_exists() {
    let here = Path::new(env!("CARGO_MANIFEST_DIR"));
    let coverage = Coverage::read(&here.join(".."), &here.join("spec-coverage")).unwrap();
    assert!(coverage.len() > 100, "the lists are found: {}", coverage.len());
    assert!(coverage.gaps().is_empty(), "{}", coverage.gaps().join("\n"));
}
