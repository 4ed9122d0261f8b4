//! Native calls whose result is to be given back.

use super::findings::Place;
use super::model::Explanation;

/// Calls of a native library whose result is to be given back, and by what.
const PAIRS: [(&str, &str); 14] = [
    ("strdup", "free"),
    ("getline", "free"),
    ("asprintf", "free"),
    ("realpath", "free"),
    ("opendir", "closedir"),
    ("fopen", "fclose"),
    ("getaddrinfo", "freeaddrinfo"),
    ("regcomp", "regfree"),
    ("pthread_create", "pthread_join or pthread_detach"),
    ("sqlite3_prepare_v2", "sqlite3_finalize"),
    ("xmlReadMemory", "xmlFreeDoc"),
    ("xmlParseMemory", "xmlFreeDoc"),
    ("SSL_CTX_new", "SSL_CTX_free"),
    ("mmap", "munmap"),
];

/// A native call whose result is not given back.
pub(super) fn cause(explanation: &Explanation) -> Option<String> {
    let culprit = explanation.culprits.first()?;
    // A line may call it for what it gives back: only what allocated is what was not given back.
    let called = |name: &str| {
        culprit
            .stack
            .iter()
            .any(|place: &Place| place.function == name)
    };
    let (call, back) = PAIRS.iter().find(|(call, _)| called(call))?;
    Some(format!(
        "what `{call}` returns is to be given back by `{back}`, and was not"
    ))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::explain::Culprit;

    #[test]
    fn a_native_call_is_told_with_what_gives_its_result_back() {
        let explanation = Explanation {
            culprits: vec![Culprit {
                stack: vec![Place {
                    function: "strdup".to_owned(),
                    ..Place::default()
                }],
                ..Culprit::default()
            }],
            ..Explanation::default()
        };
        assert!(
            cause(&explanation)
                .unwrap()
                .contains("given back by `free`")
        );
    }

    #[test]
    fn the_text_of_a_line_alone_is_no_call_that_allocated() {
        let text = Explanation {
            culprits: vec![Culprit {
                source: Some("doc.text = linecache.getline(name, 3)".to_owned()),
                ..Culprit::default()
            }],
            ..Explanation::default()
        };
        assert_eq!(cause(&text), None);
    }
}
