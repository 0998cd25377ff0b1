//! Templates: whatever the text, no panic, no hang, and either an application or a problem with its place.
//!
//! In: the text. The package `pelton-template` brings few crates with it; those of `pelton` would all be built once more.

#![no_main]

use libfuzzer_sys::fuzz_target;
use pelton_core::Timestamp;
use pelton_template::diagnostics::Colour;
use pelton_template::source::Source;
use pelton_template::{FunctionsRun, LoadOptions, Unsupported, description, load_source, summary};
use std::path::Path;

fuzz_target!(|text: &str| {
    for unsupported in [Unsupported::Refuse, Unsupported::Warn] {
        let options = LoadOptions {
            unsupported,
            functions: FunctionsRun::Elsewhere,
            ..LoadOptions::new("us-east-1", Timestamp::from_millis(1_800_000_000_000))
        };
        let loaded = load_source(Source::new(Path::new("/template.yaml"), text.to_owned()), &options);
        assert_eq!(loaded.application.is_none(), loaded.diagnostics.has_errors());
        assert_eq!(loaded.diagnostics.render(Colour::Never).is_empty(), loaded.diagnostics.is_empty());
        assert!(serde_json::from_str::<serde_json::Value>(&description(&loaded)).is_ok());
        assert_eq!(summary(&loaded).ends_with('\n'), loaded.application.is_some());
    }
});
