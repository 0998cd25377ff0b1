//! Prints which test proves which sentence of the specification, in Markdown; ends with 1 and the gaps if there are any.

use pelton_tests::spec_coverage::Coverage;
use std::io::{self, Write as _};
use std::path::Path;
use std::process::ExitCode;

fn main() -> io::Result<ExitCode> {
    let here = Path::new(env!("CARGO_MANIFEST_DIR"));
    let coverage = Coverage::read(&here.join(".."), &here.join("spec-coverage"))?;
    io::stdout().write_all(coverage.markdown().as_bytes())?;
    for gap in coverage.gaps() {
        writeln!(io::stderr(), "{gap}")?;
    }
    Ok(if coverage.gaps().is_empty() { ExitCode::SUCCESS } else { ExitCode::FAILURE })
}
