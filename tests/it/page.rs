//! `memcase report` and `--report html=PATH`: a run as a page.

use std::fs;

use serde_json::Value;

use crate::support::{CRASH, LEAK, Project, STABLE};

fn project() -> Project {
    let project = Project::new(&[("a/leak", LEAK), ("b/stable", STABLE), ("c/crash", CRASH)]);
    let run = project.memcase(&[
        "run",
        "--report",
        "html=run.html",
        "--report",
        "json=run.jsonl",
    ]);
    assert_eq!(run.code, Some(1), "{run:?}");
    project
}

/// What a page knows of its cases, in its order.
fn details(page: &str) -> Vec<Value> {
    let scripts = page.split("<script type=\"application/json\"").skip(1);
    let text = |script: &str| {
        let (_, rest) = script.split_once('>').unwrap();
        rest.split_once("</script>").unwrap().0.to_owned()
    };
    scripts
        .map(|script| serde_json::from_str(&text(script)).unwrap())
        .collect()
}

#[test]
fn a_page_is_the_same_when_it_is_written_by_the_run_and_later() {
    let project = project();
    let page = project.read("run.html");
    let ended = project.memcase(&["report"]);
    assert_eq!(ended.code, Some(0), "{ended:?}");
    assert_eq!(ended.out, "wrote .memcase/report.html\n");
    assert_eq!(project.read(".memcase/report.html"), page);
    for arguments in [
        &["report", "-o", "deep/er.html", "run.jsonl"][..],
        &["merge", "run.jsonl", "--report", "html=deep/er.html", "-q"],
    ] {
        project.memcase(arguments);
        assert_eq!(project.read("deep/er.html"), page, "{arguments:?}");
        fs::remove_file(project.path().join("deep/er.html")).unwrap();
    }
    let shown = project.memcase(&["report", "-o", "-"]);
    assert_eq!(shown.out, page);
    assert_eq!(
        project.memcase(&["report", "run.jsonl"]).out,
        "wrote run.html\n"
    );
}

#[test]
fn a_case_is_told_with_its_curves_and_the_words_of_the_terminal() {
    let project = project();
    let all = details(&project.read("run.html"));
    let [leak, crash, stable] = &all[..] else {
        panic!("{} cases", all.len());
    };
    assert_eq!(leak["plots"]["lines"].as_array().unwrap().len(), 3);
    assert_eq!(leak["plots"]["metrics"][0]["name"], "live");
    assert!(
        leak["plots"]["metrics"][0]["fit"]["slopes"][0]
            .as_f64()
            .unwrap()
            > 5000.0
    );
    assert_eq!(stable["plots"]["metrics"][0]["series"][0]["readings"], 241);
    assert!(crash["output"].as_str().unwrap().contains("no more"));
    assert_eq!(
        crash["reproduce"],
        "memcase run cases/c/crash.yaml --exact c/crash"
    );
    let shown = project.memcase(&["merge", ".memcase"]).out;
    for row in leak["facts"].as_array().unwrap() {
        for line in row[1].as_str().unwrap().lines() {
            assert!(shown.contains(line), "{line}\n{shown}");
        }
    }
}

#[test]
fn the_curves_of_a_run_elsewhere_are_found_beside_its_file() {
    let project = project();
    let elsewhere = Project::new(&[]);
    let file = project.path().join("run.jsonl");
    let ended = elsewhere.memcase(&["report", file.to_str().unwrap(), "-o", "-"]);
    assert_eq!(ended.code, Some(0), "{ended:?}");
    let leak = details(&ended.out).swap_remove(0);
    assert_eq!(leak["plots"]["metrics"][0]["name"], "live", "{leak}");
}

#[test]
fn traces_that_are_gone_or_of_another_run_are_told_of_and_not_drawn() {
    let project = project();
    let says = |says: &str| {
        let ended = project.memcase(&["report", "run.jsonl", "-o", "later.html"]);
        assert_eq!(ended.code, Some(0), "{ended:?}");
        let leak = details(&project.read("later.html")).swap_remove(0);
        assert_eq!(leak["plots"]["metrics"], Value::Array(Vec::new()));
        let why = leak["no_plots"].as_str().unwrap().to_owned();
        assert!(why.contains(says), "{why}");
    };
    fs::write(
        project.path().join(".memcase/a/leak/trace-2.jsonl"),
        "nonsense",
    )
    .unwrap();
    says("trace-2.jsonl` can not be read: line 1");
    project.memcase(&["run", "-q", "a/leak"]);
    says("are of another run by now");
    fs::remove_dir_all(project.path().join(".memcase/a")).unwrap();
    says("are not in `.memcase/a/leak` any more");
}

#[test]
fn what_can_not_be_read_or_written_is_told_with_its_remedy() {
    let project = Project::new(&[("a", STABLE)]);
    let nothing = project.memcase(&["report"]);
    assert_eq!(nothing.code, Some(2));
    assert!(
        nothing.err.contains("nothing was run here yet"),
        "{nothing:?}"
    );
    project.write("empty/file", "");
    for (path, says) in [
        ("nowhere", "can not be read"),
        ("empty", "holds no results"),
    ] {
        let ended = project.memcase(&["report", path]);
        assert_eq!((ended.code, ended.out.as_str()), (Some(2), ""), "{ended:?}");
        assert!(ended.err.contains(says), "{ended:?}");
    }
    project.memcase(&["run", "-q"]);
    let ended = project.memcase(&["report", "-o", "empty/file/page.html"]);
    assert_eq!(ended.code, Some(2), "{ended:?}");
    assert!(
        ended.err.contains("`html=empty/file/page.html`"),
        "{ended:?}"
    );
}

#[test]
fn numbers_that_the_page_words_itself_are_those_of_the_program() {
    let vectors: Value = serde_json::from_str(include_str!("../browser/numbers.json")).unwrap();
    let each = |name: &str, shown: &dyn Fn(u64) -> String| {
        let vectors = vectors[name].as_array().unwrap();
        assert!(vectors.len() > 3, "{name}");
        for vector in vectors {
            let value = vector[0].as_u64().unwrap();
            assert_eq!(vector[1], shown(value), "{name}: {value}");
        }
    };
    each("bytes", &|bytes| memcase::units::Bytes(bytes).to_string());
    each("counts", &memcase::report::iterations);
    each("milliseconds", &|span| {
        memcase::report::duration(std::time::Duration::from_millis(span))
    });
}
