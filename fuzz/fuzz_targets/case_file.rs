//! Any bytes as a case file: cases or mistakes with places, never a panic.
#![no_main]

use std::path::Path;

libfuzzer_sys::fuzz_target!(|bytes: &[u8]| {
    if let Err(errors) = memcase::case::file::parse(bytes, Path::new("a.yaml"), "a") {
        assert!(!errors.is_empty());
        for error in errors {
            assert!(!error.render(false).is_empty());
        }
    }
});
