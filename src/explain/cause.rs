//! What a leak probably is, in one sentence, by the patterns in which people leak.

use super::findings::{Chain, Link, Place};
use super::model::Explanation;
use super::{event_loop, jvm};

/// Names under which programs keep who wants to be called.
const LISTENERS: [&str; 7] = [
    "listener",
    "observer",
    "callback",
    "subscriber",
    "hook",
    "receivers",
    "_events",
];
/// What can hold many.
const CONTAINERS: [&str; 12] = [
    "list",
    "dict",
    "set",
    "deque",
    "OrderedDict",
    "defaultdict",
    "Counter",
    "WeakValueDictionary",
    "Array",
    "Map",
    "Set",
    "Object",
];
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

/// The first pattern that fits.
pub(super) fn cause(explanation: &Explanation) -> Option<String> {
    // What is particular goes before what is general, in whichever chain it shows.
    let any = |pattern: fn(&Chain) -> Option<String>| explanation.chains.iter().find_map(pattern);
    any(cached)
        .or_else(|| any(held_by_native_code))
        .or_else(|| any(registered))
        .or_else(|| any(of_a_thread))
        .or_else(|| jvm::cause(explanation))
        .or_else(|| any(event_loop::cause))
        .or_else(|| classes(explanation))
        .or_else(|| any(kept_in_container))
        .or_else(|| unpaired(explanation))
}

pub(super) fn before(chain: &Chain) -> &[Link] {
    chain.links.get(..=chain.holder).unwrap_or(&chain.links)
}

/// `functools.lru_cache`, on a method most of all.
fn cached(chain: &Chain) -> Option<String> {
    let cache = chain
        .links
        .iter()
        .find_map(|link| link.kind.strip_prefix("functools.lru_cache of "))?;
    let within = cache.rsplit('.').nth(1);
    let method = within.is_some_and(|part| part != "<locals>");
    Some(if method {
        format!(
            "`functools.lru_cache` on the method `{cache}` keeps each `self` and its arguments alive: the cache \
             belongs to the class, not to the object; use `functools.cached_property`, or a cache in `__init__`"
        )
    } else {
        format!(
            "the `functools.lru_cache` of `{cache}` keeps arguments and results of its calls until its `maxsize` is \
             reached; without one, forever"
        )
    })
}

/// Objects that native code holds, or has forgotten to let go.
fn held_by_native_code(chain: &Chain) -> Option<String> {
    if !chain.root.starts_with("native code") {
        return None;
    }
    let object = &chain.links.first()?.kind;
    Some(format!(
        "no object of the language refers to the `{object}` that stays: native code holds it, or took a reference \
         and did not give it back"
    ))
}

/// Handlers and listeners that are added and not taken away.
fn registered(chain: &Chain) -> Option<String> {
    let at = before(chain).iter().rposition(|link| {
        let by = link.by.to_lowercase();
        by.contains("handlers") || LISTENERS.iter().any(|name| by.contains(name))
    })?;
    let list = path(chain, at);
    let what = chain
        .links
        .get(at + 1..)?
        .iter()
        .find(|link| link.by.starts_with('[') || link.by == "an element");
    let what = what.map_or("an entry", |link| link.kind.as_str());
    Some(format!(
        "each iteration adds `{what}` to `{list}` and nothing takes it away: remove it where it is no longer \
         needed, or add it once"
    ))
}

fn of_a_thread(chain: &Chain) -> Option<String> {
    let local = |link: &&Link| {
        link.kind.contains("_thread._local") || link.kind.contains("threading.local")
    };
    let kind = &chain.links.iter().find(local)?.kind;
    Some(format!(
        "a value of `{kind}` outlives its use: thread-local values live as long as their thread, and a pool's threads \
         never end"
    ))
}

/// Classes that are made anew each time.
fn classes(explanation: &Explanation) -> Option<String> {
    let class = explanation
        .kinds
        .iter()
        .find(|kind| kind.name == "type" && kind.count > 0.4)?;
    Some(format!(
        "{:.1} classes an iteration are made and kept: define a class once, outside of what is called again and again",
        class.count
    ))
}

/// A container that outlives the call and is only added to.
fn kept_in_container(chain: &Chain) -> Option<String> {
    let holder = before(chain).last()?;
    let short = holder.kind.rsplit(['.', ' ']).next().unwrap_or_default();
    let holds_many = CONTAINERS.contains(&short) || jvm::is_collection(&holder.kind);
    if !holds_many || chain.links.len() <= chain.holder + 1 {
        return None;
    }
    let place = path(chain, chain.holder);
    let lives = if chain
        .links
        .iter()
        .take(chain.holder)
        .any(|link| link.kind.starts_with("class "))
    {
        "belongs to a class, so all its objects share it and it lives as long as the program"
    } else if chain.holder > 0 {
        "outlives the iteration"
    } else if chain.root == "the case" {
        "is a variable of the case, so it lives as long as the program"
    } else if chain.root.starts_with("module ") {
        "is a variable of a module, so it lives as long as the program"
    } else if chain.root.starts_with("class ") {
        "is a static variable, so it lives as long as its class"
    } else {
        "outlives the iteration"
    };
    let article = if short.starts_with(['A', 'E', 'I', 'O', 'U']) {
        "an"
    } else {
        "a"
    };
    Some(format!(
        "`{place}`, {article} {short}, {lives}, and is added to without ever being emptied: bound it, or drop what is done with"
    ))
}

/// A native call whose result is not given back.
fn unpaired(explanation: &Explanation) -> Option<String> {
    let culprit = explanation.culprits.first()?;
    let called = |name: &str| {
        let in_stack = culprit
            .stack
            .iter()
            .any(|place: &Place| place.function == name);
        let text = culprit.source.as_deref().unwrap_or_default();
        in_stack || text.contains(&format!("{name}("))
    };
    let (call, back) = PAIRS.iter().find(|(call, _)| called(call))?;
    Some(format!(
        "what `{call}` returns is to be given back by `{back}`, and was not"
    ))
}

/// `module.name['key'].attribute`, up to a link of a chain.
fn path(chain: &Chain, to: usize) -> String {
    let named = ["module ", "class "].map(|what| chain.root.strip_prefix(what));
    let root = named.into_iter().flatten().next().unwrap_or(&chain.root);
    let steps = chain.links.iter().take(to + 1);
    let way: String = steps
        .map(|link| match link.by.as_str() {
            by if by.starts_with(['.', '[']) => by.to_owned(),
            by => format!(" → {by}"),
        })
        .collect();
    match root {
        "__main__" | "the case" => way.trim_start_matches('.').to_owned(),
        root => format!("{root}{way}"),
    }
}

#[cfg(test)]
pub(super) mod tests {
    use super::*;
    use crate::explain::Culprit;

    pub(in crate::explain) fn chain(
        root: &str,
        holder: usize,
        links: &[(&str, &str)],
    ) -> Explanation {
        let link = |&(by, kind): &(&str, &str)| Link {
            by: by.to_owned(),
            kind: kind.to_owned(),
            ..Link::default()
        };
        Explanation {
            chains: vec![Chain {
                root: root.to_owned(),
                links: links.iter().map(link).collect(),
                holder,
                held: 1,
                sampled: 1,
            }],
            ..Explanation::default()
        }
    }

    #[test]
    fn each_pattern_is_told_with_its_names() {
        let cases = [
            (
                chain(
                    "module app",
                    1,
                    &[
                        (".Model", "class app.Model"),
                        (".rows", "functools.lru_cache of Model.rows"),
                        ("its cache", "app.Model"),
                    ],
                ),
                "on the method `Model.rows` keeps each `self`",
            ),
            (
                chain(
                    "module app",
                    0,
                    &[(".f", "functools.lru_cache of f"), ("its cache", "bytes")],
                ),
                "of `f` keeps arguments and results",
            ),
            (
                chain(
                    "module logging",
                    1,
                    &[
                        (".root", "logging.RootLogger"),
                        (".handlers", "list"),
                        ("[3]", "logging.StreamHandler"),
                    ],
                ),
                "adds `logging.StreamHandler` to `logging.root.handlers`",
            ),
            (
                chain("module __main__", 0, &[(".kept", "list"), ("[7]", "bytes")]),
                "`kept`, a list, is a variable of a module",
            ),
            (
                chain(
                    "module app",
                    1,
                    &[
                        (".Shop", "class app.Shop"),
                        (".seen", "dict"),
                        ("[1]", "str"),
                    ],
                ),
                "`app.Shop.seen`, a dict, belongs to a class",
            ),
            (
                chain(
                    "module app",
                    0,
                    &[(".store", "_thread._local"), ("a reference", "dict")],
                ),
                "thread-local values",
            ),
        ];
        for (explanation, expected) in cases {
            let said = cause(&explanation).unwrap_or_default();
            assert!(said.contains(expected), "{said}");
        }
    }

    #[test]
    fn what_nobody_knows_is_not_guessed() {
        let odd = chain(
            "module app",
            0,
            &[(".thing", "app.Thing"), (".next", "app.Thing")],
        );
        assert_eq!(cause(&odd), None);
        assert_eq!(cause(&Explanation::default()), None);
    }

    #[test]
    fn a_native_call_is_told_with_what_gives_its_result_back() {
        let explanation = Explanation {
            culprits: vec![Culprit {
                source: Some("char *copy = strdup(name);".to_owned()),
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
}
