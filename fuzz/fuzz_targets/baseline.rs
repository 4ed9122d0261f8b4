//! Any text as the contents of a baseline: a fit or an error, never a panic; and a fit is compared with itself.
#![no_main]

use memcase::baseline::{Fit, compare};

libfuzzer_sys::fuzz_target!(|text: &str| {
    if let Ok(fit) = Fit::read(text) {
        assert!(!compare(&fit, &fit).reason.is_empty());
        assert!(!fit.text().is_empty());
    }
});
