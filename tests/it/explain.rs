//! `memcase explain` and `--explain`: the line, the holder, the types and the cause, as a second run finds them.

use serde_json::Value;

use crate::explain_node::way;
use crate::support::{Ended, LEAK, Project, STABLE};

/// Objects of a class with three rows each, kept in a list of the module.
const KEPT: &str = "\
target:
  language: python
  setup: |
    kept = []
    class Model:
        def __init__(self, n):
            self.rows = [bytes(200 + n % 7) for _ in range(3)]
  run: |
    kept.append(Model(iteration))
    x = [str(n) for n in range(100)]
expect: leak
measure: {iterations: 480, processes: 2}
";

/// `functools.lru_cache` on a method.
const CACHED: &str = "\
target:
  language: python
  setup: |
    import functools
    class Model:
        def __init__(self):
            self.data = bytearray(3000)
        @functools.lru_cache(maxsize=None)
        def rows(self):
            return 1
  run: Model().rows()
expect: leak
measure: {iterations: 480, processes: 2}
";

/// A handler for each call, on a logger that outlives it.
const HANDLERS: &str = "\
target:
  language: python
  setup: |
    import logging
    logger = logging.getLogger('app')
  run: logger.addHandler(logging.NullHandler())
expect: leak
measure: {iterations: 480, processes: 2}
";

/// Two blocks of C that nobody gives back, and one that is.
pub(crate) const NATIVE: &str = "\
target:
  language: c
  prelude: |
    static char *volatile last;
    static void keep(int number) {
      last = malloc(100);
    }
  run: |
    keep(1);
    free(malloc(64));
    char *copy = strdup(\"a text that is given back by nobody\");
    copy[0] = 'A';
expect: leak
measure: {iterations: 480, processes: 2}
";

fn of<'a>(events: &'a [Value], id: &str) -> &'a Value {
    let is_it = |event: &&Value| event["type"] == "case" && event["id"] == id;
    events.iter().find(is_it).unwrap()
}

fn explained(ended: &Ended, id: &str) -> Value {
    let event = of(&ended.json(), id).clone();
    assert!(event["why"].is_object(), "{event:#}");
    event["why"].clone()
}

#[test]
fn the_lines_that_allocate_what_is_kept_are_named_with_all_of_the_slope() {
    let project = Project::new(&[("kept", KEPT)]);
    let ended = project.memcase(&["explain", "--format", "json", "--lines"]);
    assert_eq!(ended.code, Some(0), "{ended:?}");
    let explanation = explained(&ended, "kept");
    let culprits = explanation["culprits"].as_array().unwrap();
    let place = &culprits[0]["place"];
    assert_eq!(place["file"], "cases/kept.yaml");
    assert_eq!(
        (&place["line"], &place["function"]),
        (&7.into(), &"Model.__init__".into())
    );
    let source = "self.rows = [bytes(200 + n % 7) for _ in range(3)]";
    assert_eq!(culprits[0]["source"], source);
    assert_eq!(culprits[1]["place"]["line"], 9);
    let unexplained = explanation["unexplained"].as_f64().unwrap();
    assert!(unexplained < 0.02, "{explanation:#}");
    // A line counts with what it calls.
    let lines = explanation["lines"].as_array().unwrap();
    let bytes = |line: u64| {
        let found = lines.iter().find(|told| told["line"] == line).unwrap();
        found["bytes"].as_f64().unwrap()
    };
    assert!(bytes(9) > bytes(7) && bytes(7) > 600.0, "{lines:#?}");
    assert!(lines.iter().all(|told| told["line"] != 10), "{lines:#?}");
}

#[test]
fn the_way_from_the_module_to_the_object_names_the_true_holder() {
    let project = Project::new(&[("kept", KEPT), ("cached", CACHED), ("handlers", HANDLERS)]);
    let ended = project.memcase(&["explain", "--format", "json"]);
    assert_eq!(ended.code, Some(0), "{ended:?}");

    let kept = explained(&ended, "kept");
    let chain = &kept["chains"][0];
    assert_eq!(chain["root"], "module __main__");
    let expected = ".kept list → [] __main__.Model → .rows list → [] bytes";
    assert_eq!(
        (way(chain).as_str(), &chain["holder"]),
        (expected, &0.into())
    );
    assert_eq!(chain["held"], chain["sampled"]);
    let cause = kept["cause"].as_str().unwrap();
    assert!(
        cause.starts_with("`kept`, a list, is a variable of a module"),
        "{cause}"
    );
    let kinds = kept["kinds"].as_array().unwrap();
    assert_eq!(kinds[0]["name"], "bytes");
    assert!(
        (kinds[0]["count"].as_f64().unwrap() - 3.0).abs() < 0.1,
        "{kinds:#?}"
    );

    let cached = explained(&ended, "cached");
    let cause = cached["cause"].as_str().unwrap();
    assert!(
        cause.starts_with("`functools.lru_cache` on the method `Model.rows`"),
        "{cause}"
    );
    assert!(way(&cached["chains"][0]).starts_with(
        ".Model class __main__.Model → .rows functools.lru_cache of Model.rows → its cache dict"
    ));

    let handlers = explained(&ended, "handlers");
    let cause = handlers["cause"].as_str().unwrap();
    assert!(
        cause.starts_with("each iteration adds `logging.NullHandler` to"),
        "{cause}"
    );
}

#[test]
fn native_blocks_are_put_down_to_their_lines_to_the_byte() {
    let project = Project::new(&[("native", NATIVE)]);
    let ended = project.memcase(&["explain", "--format", "json"]);
    assert_eq!(ended.code, Some(0), "{ended:?}");
    let explanation = explained(&ended, "native");
    let culprits = explanation["culprits"].as_array().unwrap();
    let told: Vec<_> = culprits
        .iter()
        .map(|culprit| {
            let place = &culprit["place"];
            let function = place["function"].as_str().unwrap();
            (
                place["line"].as_u64().unwrap(),
                function,
                culprit["bytes"].as_f64().unwrap(),
            )
        })
        .collect();
    assert_eq!(told, [(6, "keep", 112.0), (11, "main", 48.0)]);
    assert_eq!(explanation["unexplained"], 0.0);
    assert_eq!(culprits[0]["stack"][1]["line"], 9, "{culprits:#?}");
}

#[test]
fn a_failure_is_explained_where_that_is_asked_for_and_nothing_else_is() {
    let fine = format!("{LEAK}expect: leak\n");
    let project = Project::new(&[("bad", LEAK), ("fine", &fine), ("flat", STABLE)]);
    let ended = project.memcase(&["run", "--explain"]);
    assert_eq!(ended.code, Some(1), "{ended:?}");
    let why = "why       one place accounts for 100 % of the";
    assert_eq!(ended.out.matches(why).count(), 1, "{}", ended.out);
    assert!(
        ended
            .out
            .contains("cases/bad.yaml:7    kept.append(bytearray(5000))"),
        "{}",
        ended.out
    );
    assert!(
        ended
            .out
            .contains("held by   module __main__ → .kept (list of "),
        "{}",
        ended.out
    );
    assert!(!ended.out.contains("memcase explain"), "{}", ended.out);
    assert!(project.read(".memcase/bad/result.json").contains("\"why\""));
    assert!(
        !project
            .read(".memcase/fine/result.json")
            .contains("\"unexplained\"")
    );

    let plain = project.memcase(&["run", "bad"]);
    let next =
        "next      memcase explain cases/bad.yaml --exact bad    (which line, and who keeps it)";
    assert!(plain.out.contains(next), "{}", plain.out);
}

#[test]
fn a_case_that_is_as_claimed_is_explained_below_the_lines() {
    let claimed = format!("{LEAK}expect: leak\n");
    let project = Project::new(&[("claimed", &claimed), ("flat", STABLE)]);
    let ended = project.memcase(&["explain"]);
    assert_eq!(ended.code, Some(0), "{ended:?}");
    let (_, below) = ended.out.split_once("\nexplained:\n").unwrap();
    assert!(
        below.contains("---- claimed ----") && !below.contains("---- flat ----"),
        "{below}"
    );
}

#[test]
fn the_holders_are_a_graph_for_graphviz_and_a_drawing() {
    let project = Project::new(&[("kept", KEPT)]);
    let graph = ["--report", "dot=out/holders.dot"];
    let drawing = ["--report", "svg=out/holders.svg"];
    let ended = project.memcase(&[&["explain"], &graph[..], &drawing[..]].concat());
    assert_eq!(ended.code, Some(0), "{ended:?}");
    let dot = project.read("out/holders.dot");
    let root = "label=\"module __main__\", shape=ellipse";
    assert!(dot.contains(root), "{dot}");
    assert!(dot.contains("[label=\".kept\"];"), "{dot}");
    let svg = project.read("out/holders.svg");
    for words in ["kept", "module __main__", ".kept"] {
        assert!(
            svg.contains(&format!("aria-label=\"{words}\"")),
            "{words}: {svg}"
        );
    }
}

#[test]
fn holders_without_an_explanation_are_refused() {
    let project = Project::new(&[("kept", KEPT)]);
    let ended = project.memcase(&["run", "--report", "dot=-"]);
    assert_eq!(ended.code, Some(2), "{ended:?}");
    let why = "`--report dot=-` belongs to an explanation";
    assert!(ended.err.contains(why), "{}", ended.err);
}

#[test]
fn lines_without_an_explanation_are_refused() {
    let project = Project::new(&[("bad", LEAK)]);
    let ended = project.memcase(&["run", "--lines"]);
    assert_eq!(ended.code, Some(2), "{ended:?}");
    assert!(ended.err.contains("give `--explain` too"), "{}", ended.err);
}
