//! No text makes the reader of the configuration panic, and every mistake it tells can be shown.

#![no_main]

use std::path::Path;

use libfuzzer_sys::fuzz_target;
use memcase::config;

fuzz_target!(|text: &str| {
    if let Err(errors) = config::parse(text, Path::new("memcase.toml")) {
        for error in errors {
            let _ = error.render(true);
        }
    }
});
