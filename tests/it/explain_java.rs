//! `memcase explain` of cases for Java: lines, holders and causes, and the heap dump that is kept.

use std::fs;
use std::io::Write as _;
use std::process::Command;

use serde_json::Value;

use crate::explain_node::{explained_with, way};
use crate::support::Project;

/// A static map of the snippet, an object of a class of its own in each.
const SESSIONS: &str = "\
target:
  language: java
  flags: [-Xmx64m, -XX:+UseSerialGC]
  prelude: |
    import java.util.*;
    static final Map<String, Session> SESSIONS = new HashMap<>();
    static class Session {
      final byte[] rows = new byte[2000];
    }
  run: |
    String text = \"session \" + iteration;
    SESSIONS.put(text, new Session());
expect: leak
measure: {iterations: 480, processes: 2}
";

/// A `ThreadLocal` for each call, whose value refers to it; and a local variable of the snippet that is no leak.
const THREAD_LOCAL: &str = "\
target:
  language: java
  prelude: |
    import java.util.*;
  setup: |
    Deque<byte[]> last = new ArrayDeque<>();
  run: |
    ThreadLocal<Object[]> mine = new ThreadLocal<>();
    mine.set(new Object[] {mine, new long[100]});
    last.add(new byte[500]);
    if (last.size() > 20) last.remove();
expect: leak
measure: {iterations: 480, processes: 2}
";

/// A local variable of the snippet, in which compressors pile up that are not ended: their memory is native.
const DEFLATER: &str = "\
target:
  language: java
  prelude: |
    import java.util.*;
    import java.util.zip.*;
  setup: |
    List<Deflater> kept = new ArrayList<>();
  run: |
    Deflater one = new Deflater();
    kept.add(one);
expect: leak
measure: {iterations: 240, processes: 2}
";

/// A file with a class, in the package's own folder, that fills a tree.
const SHOP: &str = "\
import java.util.*;

class Shop {
    private static final Map<String, byte[]> CARTS = new TreeMap<>();

    static void run(int iteration) {
        fill(\"cart \" + iteration);
    }

    private static void fill(String name) {
        CARTS.put(name, new byte[500]);
    }
}
";

const OF_FILE: &str = "\
target: {language: java, file: Shop.java}
expect: leak
measure: {iterations: 480, processes: 2}
";

fn has_java() -> bool {
    let has = Command::new("javac").arg("-version").output().is_ok();
    if !has {
        let mut out = std::io::stderr().lock();
        let _ = writeln!(out, "skipped: there is no Java compiler here");
    }
    has
}

/// File, line and source of what is named first.
fn first(explanation: &Value) -> (&str, u64, &str) {
    let culprit = &explanation["culprits"][0];
    let place = &culprit["place"];
    (
        place["file"].as_str().unwrap(),
        place["line"].as_u64().unwrap(),
        culprit["source"].as_str().unwrap(),
    )
}

#[test]
fn a_survivor_is_put_down_to_its_line_and_its_holder_to_a_static_variable() {
    if !has_java() {
        return;
    }
    let project = Project::new(&[("sessions", SESSIONS)]);
    let explanation = explained_with(&project, "sessions", &["--keep-dump"]);
    let source = "final byte[] rows = new byte[2000];";
    assert_eq!(first(&explanation), ("cases/sessions.yaml", 8, source));
    let unexplained = explanation["unexplained"].as_f64().unwrap();
    assert!(unexplained < 0.1, "{explanation:#}");

    let chain = &explanation["chains"][0];
    // A recording holds a way for most objects, and not for all of each type.
    assert_eq!(chain["root"], "the case");
    let begins = ".SESSIONS java.util.HashMap → ";
    assert!(way(chain).starts_with(begins), "{chain:#}");
    assert_eq!(chain["holder"], 0);
    assert_eq!(chain["held"], chain["sampled"]);
    assert!(chain["links"][0]["len"].as_u64().unwrap() > 60);
    let cause = explanation["cause"].as_str().unwrap();
    assert!(
        cause.starts_with("`SESSIONS`, a HashMap, is a variable of the case"),
        "{cause}"
    );

    let [kept] = &explanation["files"].as_array().unwrap()[..] else {
        panic!("{explanation:#}")
    };
    let dump = fs::read(project.path().join(kept["path"].as_str().unwrap())).unwrap();
    assert!(dump.starts_with(b"JAVA PROFILE 1.0"));
    assert_eq!(kept["bytes"], dump.len());
}

#[test]
fn a_value_of_a_thread_is_told_and_what_is_replaced_is_not() {
    if !has_java() {
        return;
    }
    let project = Project::new(&[("local", THREAD_LOCAL)]);
    let explanation = explained_with(&project, "local", &[]);
    let source = "mine.set(new Object[] {mine, new long[100]});";
    assert_eq!(first(&explanation), ("cases/local.yaml", 9, source));
    let culprits = explanation["culprits"].as_array().unwrap();
    assert!(
        culprits.iter().all(|one| one["place"]["line"] != 10),
        "{culprits:#?}"
    );
    let chain = &explanation["chains"][0];
    assert_eq!(chain["root"], "thread main");
    let cause = explanation["cause"].as_str().unwrap();
    assert!(cause.contains("is never removed"), "{cause}");
}

#[test]
fn native_memory_is_put_down_to_the_line_that_makes_its_owners() {
    if !has_java() {
        return;
    }
    let project = Project::new(&[("deflater", DEFLATER)]);
    let explanation = explained_with(&project, "deflater", &[]);
    let source = "Deflater one = new Deflater();";
    assert_eq!(first(&explanation), ("cases/deflater.yaml", 9, source));
    let share = explanation["culprits"][0]["share"].as_f64().unwrap();
    assert!(share > 0.9, "{explanation:#}");
    let chain = &explanation["chains"][0];
    let begins = ".kept java.util.ArrayList → [] java.util.zip.Deflater";
    assert!(way(chain).starts_with(begins), "{chain:#}");
}

#[test]
fn lines_of_a_file_beside_the_case_and_the_tree_of_its_class_are_named() {
    if !has_java() {
        return;
    }
    let project = Project::new(&[("shop", OF_FILE)]);
    project.write("cases/Shop.java", SHOP);
    let explanation = explained_with(&project, "shop", &[]);
    let source = "CARTS.put(name, new byte[500]);";
    assert_eq!(first(&explanation), ("cases/Shop.java", 11, source));
    let chain = &explanation["chains"][0];
    assert_eq!(
        (chain["root"].as_str(), way(chain).as_str()),
        (
            Some("class Shop"),
            ".CARTS java.util.TreeMap → a value byte[]"
        )
    );
    let cause = explanation["cause"].as_str().unwrap();
    assert!(cause.contains("is a static variable"), "{cause}");
}
