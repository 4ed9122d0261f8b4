//! No text makes the filter parser panic, and every mistake it tells can be shown.

#![no_main]

use libfuzzer_sys::fuzz_target;
use memcase::filter::Filter;

fuzz_target!(|text: &str| {
    if let Err(error) = Filter::parse(text) {
        let _ = error.in_text(text, "-E").render(true);
    }
});
