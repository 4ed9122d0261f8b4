//! Any bytes as what heaptrack wrote: findings or an error, never a panic; and its window is the one that was asked for.
#![no_main]

use memcase::explain::{Rest, Surroundings, heaptrack_findings};

libfuzzer_sys::fuzz_target!(|text: &[u8]| {
    let rests = [1, 2, 3].map(|done| Rest {
        done,
        ..Rest::default()
    });
    if let Ok(findings) = heaptrack_findings(text, rests, &Surroundings::default()) {
        assert_eq!((findings.from, findings.to), (1, 3));
    }
});
