//! Ways to leak in programs for the JVM: values of threads, class loaders, executors, inner classes.

use super::cause::before;
use super::findings::{Chain, Link};
use super::model::Explanation;
use crate::trace::Metric;

const THREAD_LOCALS: &str = "java.lang.ThreadLocal$ThreadLocalMap";
/// The type that becomes more where classes are loaded again and again.
const CLASS: &str = "java.lang.Class";
/// How the collections of `java.util` end.
const COLLECTIONS: [&str; 8] = [
    "List", "Map", "Set", "Queue", "Deque", "Vector", "table", "Stack",
];

/// The first of the patterns that fits.
pub(super) fn cause(explanation: &Explanation) -> Option<String> {
    let any = |pattern: fn(&Chain) -> Option<String>| explanation.chains.iter().find_map(pattern);
    threads(explanation)
        .or_else(|| any(thread_local))
        .or_else(|| loader(explanation))
        .or_else(|| any(inner))
}

/// Whether a type is a collection of the JDK.
pub(super) fn is_collection(kind: &str) -> bool {
    kind.starts_with("java.util.") && COLLECTIONS.iter().any(|end| kind.ends_with(end))
}

/// Threads that are started and do not end, those of a pool that is made anew most of all.
fn threads(explanation: &Explanation) -> Option<String> {
    let of_threads = explanation
        .measured
        .is_some_and(|measured| measured.metric == Metric::Threads);
    // A thread is a root itself: what becomes more are the roots.
    let is_thread = |chain: &Chain| {
        chain.root.starts_with("thread ") && chain.links.len() == 1 && chain.links[0].by.is_empty()
    };
    if !of_threads && !explanation.chains.iter().any(is_thread) {
        return None;
    }
    let mut called = explanation.culprits.iter().flat_map(|one| &one.stack);
    let pooled = called.any(|place| place.function.starts_with("ThreadPoolExecutor."));
    Some(if pooled {
        "threads of an executor wait for tasks until it is ended, though nothing refers to it any more: call \
         `shutdown()` when it is done, or share one"
            .to_owned()
    } else {
        "threads are started and do not end, and each keeps its stack and all that it refers to: let `run` return, or \
         share the threads of a pool"
            .to_owned()
    })
}

/// A value of a `ThreadLocal` that is not taken away.
fn thread_local(chain: &Chain) -> Option<String> {
    let at = chain
        .links
        .iter()
        .position(|link| link.kind == THREAD_LOCALS)?;
    let value = chain
        .links
        .get(at + 1)
        .map_or("a value", |link| link.kind.as_str());
    Some(format!(
        "a value of a `ThreadLocal` (`{value}`) is never removed: it lives as long as its thread, and the threads of a \
         pool do not end; call `remove()` where its use ends, and keep the `ThreadLocal` itself in a static variable"
    ))
}

/// Classes that are loaded again and again.
fn loader(explanation: &Explanation) -> Option<String> {
    let class = explanation
        .kinds
        .iter()
        .find(|kind| kind.name == CLASS && kind.count > 0.4)?;
    Some(format!(
        "{:.1} classes an iteration are loaded and stay: a class loader, with all classes that it has loaded, is kept \
         by any object of one of them, and by any of the classes",
        class.count
    ))
}

/// Objects that stay because one of their inner classes does.
fn inner(chain: &Chain) -> Option<String> {
    let at = before(chain).len();
    let outer = chain
        .links
        .iter()
        .skip(at)
        .position(|link: &Link| link.by.starts_with(".this$"))?
        + at;
    let (inner, outer) = (chain.links.get(outer.checked_sub(1)?)?, &chain.links[outer]);
    let of_java = inner.kind.starts_with("java.") || inner.kind.starts_with("jdk.");
    (!of_java).then(|| format!(
        "each `{}` keeps the `{}` that made it, as inner and anonymous classes do: make it a static class, or a lambda \
         that uses nothing of the object around it",
        inner.kind, outer.kind
    ))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::explain::cause::tests::chain;
    use crate::explain::{Culprit, Kind, Measured, Place};

    fn called(function: &str, metric: Metric) -> Explanation {
        let place = Place {
            function: function.to_owned(),
            ..Place::default()
        };
        Explanation {
            measured: Some(Measured { metric, slope: 1.0 }),
            culprits: vec![Culprit {
                stack: vec![place],
                ..Culprit::default()
            }],
            ..Explanation::default()
        }
    }

    #[test]
    fn each_pattern_is_told_with_its_names() {
        let pool = [
            (".threadLocals", THREAD_LOCALS),
            ("a value", "Session"),
            (".bytes", "byte[]"),
        ];
        let nested = [
            (".tasks", "java.util.ArrayList"),
            ("[3]", "Page$1"),
            (".this$0", "Page"),
        ];
        let loaded = Explanation {
            kinds: vec![Kind {
                name: CLASS.to_owned(),
                count: 2.0,
                ..Kind::default()
            }],
            ..Explanation::default()
        };
        let cases = [
            (
                chain("thread main", 0, &pool),
                "(`Session`) is never removed",
            ),
            (
                chain("class App", 0, &nested),
                "each `Page$1` keeps the `Page`",
            ),
            (
                chain("thread T-1", 0, &[("", "Worker")]),
                "let `run` return",
            ),
            (loaded, "2.0 classes an iteration are loaded"),
            (
                called("ThreadPoolExecutor.addWorker", Metric::Threads),
                "call `shutdown()`",
            ),
        ];
        for (explanation, expected) in cases {
            let said = cause(&explanation).unwrap_or_default();
            assert!(said.contains(expected), "{said}");
        }
    }

    #[test]
    fn what_nobody_knows_is_not_guessed() {
        // The outer object was there before: it is what holds, and is not kept by what is inner.
        let before = [(".page", "Page$1"), (".this$0", "Page"), (".rows", "Row[]")];
        assert_eq!(cause(&chain("class App", 1, &before)), None);
        let of_java = [
            (".lock", "java.util.Locks$1"),
            (".this$0", "java.util.Locks"),
        ];
        assert_eq!(cause(&chain("class App", 0, &of_java)), None);
        let pool = called("ThreadPoolExecutor.addWorker", Metric::Live);
        assert_eq!(cause(&pool), None);
    }

    #[test]
    fn collections_are_told_from_what_else_is_in_their_package() {
        let collections = ["ArrayDeque", "concurrent.ConcurrentHashMap", "Hashtable"];
        assert!(
            collections
                .iter()
                .all(|name| is_collection(&format!("java.util.{name}")))
        );
        assert!(!is_collection("java.util.HashMap$Node") && !is_collection("app.UserMap"));
    }
}
