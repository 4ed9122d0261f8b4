//! Any bytes as a recorded trace: a trace or an error, never a panic.
#![no_main]

libfuzzer_sys::fuzz_target!(|bytes: &[u8]| {
    // an error is an answer too
    drop(memcase::trace::read(bytes));
});
