//! What a leak probably is, in one sentence, by the patterns in which people leak.

use super::findings::{Chain, Link};
use super::model::Explanation;
use super::{event_loop, jvm, unpaired};
use crate::trace::Metric;

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
/// Of threads that become more.
const THREADS: &str =
    "the threads that are started do not end: end and join them, or use a pool of a fixed size";

/// The first pattern that fits.
pub(super) fn cause(explanation: &Explanation) -> Option<String> {
    let measured = explanation.measured.map(|measured| measured.metric);
    if measured == Some(Metric::Threads) {
        return jvm::cause(explanation).or_else(|| Some(THREADS.to_owned()));
    }
    // What is particular goes before what is general, in whichever chain it shows.
    let any = |pattern: fn(&Chain) -> Option<String>| explanation.chains.iter().find_map(pattern);
    any(cached)
        .or_else(|| held_by_native_code(explanation))
        .or_else(|| any(registered))
        .or_else(|| any(of_a_thread))
        .or_else(|| jvm::cause(explanation))
        .or_else(|| any(event_loop::cause))
        .or_else(|| classes(explanation))
        .or_else(|| any(kept_in_container))
        .or_else(|| unpaired::cause(explanation))
}

/// The name of a type without its module.
fn short(link: &Link) -> &str {
    link.kind.rsplit(['.', ' ']).next().unwrap_or_default()
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

/// Objects that native code holds, or has forgotten to let go: most of those of the type that grows most.
fn held_by_native_code(explanation: &Explanation) -> Option<String> {
    let most = &explanation.kinds.first()?.name;
    let mut chains = explanation.chains.iter();
    let is_of_most = |chain: &&Chain| {
        chain.links.last().is_some_and(|link| link.kind == *most) && 2 * chain.held > chain.sampled
    };
    let chain = chains.find(|chain| chain.is_native() && is_of_most(chain))?;
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
        let is_named = by.contains("handlers") || LISTENERS.iter().any(|name| by.contains(name));
        is_named && CONTAINERS.contains(&short(link))
    })?;
    // What grows is the container, or one list in it for each thing that may happen.
    let grows = chain.links.get(chain.holder)?;
    if chain.holder > at + 1 || !CONTAINERS.contains(&short(grows)) {
        return None;
    }
    let list = path(chain, chain.holder);
    let what = chain
        .links
        .get(chain.holder + 1..)?
        .iter()
        .find(|link| link.by.starts_with('[') || link.by == "an element");
    let what = what.map_or("an entry", |link| link.kind.as_str());
    Some(format!(
        "each iteration adds `{what}` to `{list}` and nothing takes it away: remove it where it is no longer \
         needed, or add it once"
    ))
}

fn of_a_thread(chain: &Chain) -> Option<String> {
    // The table of CPython in which a thread is until it ends.
    if chain.root == "module threading" && before(chain).iter().any(|link| link.by == "._active") {
        return Some(THREADS.to_owned());
    }
    let local = |link: &&Link| {
        link.kind.contains("_thread._local") || link.kind.contains("threading.local")
    };
    let kind = &chain.links.iter().find(local)?.kind;
    Some(format!(
        "a value of `{kind}` outlives its use: thread-local values live as long as their thread, and those of a pool \
         live as long as the program, as the main one does"
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
    if chain.is_native() {
        return None;
    }
    let holder = before(chain).last()?;
    let short = short(holder);
    let holds_many = CONTAINERS.contains(&short) || jvm::is_collection(&holder.kind);
    if !holds_many || chain.links.len() <= chain.holder + 1 {
        return None;
    }
    let place = path(chain, chain.holder);
    let mut above = chain.links.iter().take(chain.holder);
    let class = above.rposition(|link| link.kind.starts_with("class "));
    let lives = if class.is_some_and(|at| at + 1 == chain.holder) {
        "belongs to a class, so all its objects share it and it lives as long as the program"
    } else if class.is_some() {
        "is reached from a class, so it lives as long as the program"
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
    use crate::explain::Kind;

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
                full: false,
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
    fn names_alone_make_no_pattern() {
        let others = [
            chain(
                "module app",
                2,
                &[
                    (".button", "app.Button"),
                    (".callback", "function make.<locals>.on_click"),
                    (".__closure__", "tuple"),
                    ("[0]", "cell"),
                ],
            ),
            chain(
                "module app",
                3,
                &[
                    (".router", "app.Router"),
                    (".handlers", "dict"),
                    ("['/']", "app.View"),
                    (".cache", "dict"),
                    ("[7]", "bytearray"),
                ],
            ),
            chain(
                "module app",
                1,
                &[
                    (".Hookah", "class app.Hookah"),
                    (".orders", "app.Orders"),
                    ("[7]", "bytearray"),
                ],
            ),
        ];
        for other in others {
            let said = cause(&other).unwrap_or_default();
            assert!(!said.contains("each iteration adds"), "{said}");
        }
    }

    #[test]
    fn native_code_is_blamed_for_most_of_what_grows_most_alone() {
        let mut held = chain("native code, or so", 0, &[("", "list")]);
        assert_eq!(cause(&held), None);
        held.kinds = vec![Kind {
            name: "list".to_owned(),
            ..Kind::default()
        }];
        assert!(cause(&held).unwrap().contains("refers to the `list`"));
        held.chains[0].sampled = 12;
        assert_eq!(cause(&held), None);
        // Nor is a container that native code holds one of the program's.
        let list = chain("native code, or so", 0, &[("", "list"), ("[0]", "str")]);
        assert_eq!(cause(&list), None);
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
}
