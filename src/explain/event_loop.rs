//! Ways to leak in programs around an event loop: timers, promises, contexts of asynchronous calls, linked objects.

use super::findings::{Chain, Link};

/// The first of the patterns that fits a chain.
pub(super) fn cause(chain: &Chain) -> Option<String> {
    timer(chain)
        .or_else(|| context(chain))
        .or_else(|| waiting(chain))
        .or_else(|| linked(chain))
}

/// A timer that is started again and again, and never ends.
fn timer(chain: &Chain) -> Option<String> {
    let timer = chain
        .links
        .iter()
        .find(|link| matches!(link.kind.as_str(), "Timeout" | "Immediate"))?;
    let of_loop = chain.root.ends_with("timers") || chain.root.starts_with("GC root");
    of_loop.then(|| {
        format!(
            "each iteration starts a timer (`{}`) that is never cleared, and keeps what its function refers to: \
             keep what `setInterval` or `setTimeout` returns, and clear it",
            timer.kind
        )
    })
}

/// The value of an `AsyncLocalStorage` that was entered and never left.
fn context(chain: &Chain) -> Option<String> {
    let store = chain
        .links
        .iter()
        .find(|link| link.by.contains("kResourceStore"))?;
    let nested = chain.links.iter().any(is_more);
    let how = if nested {
        ", and each refers to the one before"
    } else {
        ""
    };
    Some(format!(
        "what an `AsyncLocalStorage` was given (`{}`) stays as long as the asynchronous call it belongs to{how}: \
         use `run`, which ends, instead of `enterWith`, and do not keep the store of the caller",
        store.kind
    ))
}

/// A promise that does not settle keeps whoever waits for it.
fn waiting(chain: &Chain) -> Option<String> {
    let waits = |link: &Link| link.by == "what waits for it";
    chain.links.iter().any(waits).then(|| {
        "a promise that never settles keeps all that waits for it: settle it, or bound the wait by a time"
            .to_owned()
    })
}

/// Each object refers to the one before, so that the newest keeps them all.
fn linked(chain: &Chain) -> Option<String> {
    let at = chain.links.iter().position(is_more)?;
    let (before, after) = (
        chain.links.get(at.checked_sub(1)?)?,
        chain.links.get(at + 1)?,
    );
    let alike = before.by == after.by && before.kind == after.kind && before.by.starts_with('.');
    alike.then(|| {
        format!(
            "each `{}` refers to the one before it by `{}`, so that the newest keeps all of them: drop that reference \
             when it is no longer needed",
            before.kind,
            before.by.trim_start_matches('.')
        )
    })
}

/// Links that were left out.
fn is_more(link: &Link) -> bool {
    link.kind.starts_with("… ") && link.kind.ends_with(" more")
}

#[cfg(test)]
mod tests {
    use super::*;

    fn chain(root: &str, links: &[(&str, &str)]) -> Chain {
        let link = |&(by, kind): &(&str, &str)| Link {
            by: by.to_owned(),
            kind: kind.to_owned(),
            ..Link::default()
        };
        Chain {
            root: root.to_owned(),
            links: links.iter().map(link).collect(),
            ..Chain::default()
        }
    }

    #[test]
    fn each_pattern_is_told_with_its_names() {
        let store = ("[kResourceStore]", "Object");
        let many = [
            (".parent", "Object"),
            ("", "… 30 more"),
            (".parent", "Object"),
        ];
        let cases = [
            (
                chain(
                    "module node:internal/timers",
                    &[
                        (".timerListMap", "Object"),
                        ("[1000]", "TimersList"),
                        ("._idlePrev", "Timeout"),
                    ],
                ),
                "starts a timer (`Timeout`) that is never cleared",
            ),
            (
                chain(
                    "GC root: native handle",
                    &[store, many[0], many[1], many[2]],
                ),
                "and each refers to the one before",
            ),
            (
                chain(
                    "the case",
                    &[(".ready", "Promise"), ("what waits for it", "Object")],
                ),
                "never settles",
            ),
            (
                chain(
                    "the case",
                    &[(".tail", "Object"), many[0], many[1], many[2]],
                ),
                "each `Object` refers to the one before it by `parent`",
            ),
        ];
        for (chain, expected) in cases {
            let said = cause(&chain).unwrap_or_default();
            assert!(said.contains(expected), "{said}");
        }
    }

    #[test]
    fn a_timer_that_the_case_itself_keeps_is_no_forgotten_timer() {
        let own = chain("the case", &[(".timers", "Array"), ("[3]", "Timeout")]);
        assert_eq!(cause(&own), None);
    }

    #[test]
    fn links_that_were_left_out_between_others_are_no_list() {
        let long = [(".a", "A"), ("", "… 3 more"), (".b", "B")];
        assert_eq!(cause(&chain("the case", &long)), None);
    }
}
