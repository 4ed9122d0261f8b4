//! Which cases are run: expressions and partitions, for `run` and `list`.

use crate::support::{Ended, Project, STABLE};

/// Four cases in two languages.
fn project() -> Project {
    let tagged = |language: &str, tags: &str| {
        format!("tags: [{tags}]\ntarget: {{language: {language}, run: 'x = 1'}}\n")
    };
    Project::new(&[
        ("field/csv", &tagged("python", "pandas, slow")),
        ("field/json", &tagged("node", "pandas")),
        ("idioms/cache", &tagged("python", "quick")),
        ("idioms/regex", &tagged("node", "quick")),
    ])
}

fn ids(ended: &Ended) -> Vec<&str> {
    assert_eq!(ended.code, Some(0), "{ended:?}");
    let lines = ended.out.lines();
    lines
        .filter_map(|line| line.strip_suffix(": test"))
        .collect()
}

fn listed(project: &Project, arguments: &[&str]) -> Vec<String> {
    let mut all = vec!["list", "--format", "terse"];
    all.extend(arguments);
    let ended = project.memcase(&all);
    ids(&ended).into_iter().map(str::to_owned).collect()
}

#[test]
fn an_expression_selects_for_run_and_for_list() {
    let project = project();
    let expression = "tag(pandas) & !lang(node)";
    assert_eq!(listed(&project, &["-E", expression]), ["field/csv"]);
    let ended = project.memcase(&["run", "--list", "--filterset", expression]);
    assert_eq!(ids(&ended), ["field/csv"]);
    let ended = project.memcase(&["run", "-E", "id(cache)", "--iterations", "40"]);
    assert!(ended.out.contains("3 filtered out"), "{ended:?}");
    assert!(ended.line("idioms/cache").contains("..."), "{ended:?}");
}

#[test]
fn expressions_add_to_each_other_and_narrow_words() {
    let project = project();
    let either = &["-E", "tag(slow)", "-E", "id(regex)"][..];
    assert_eq!(listed(&project, either), ["field/csv", "idioms/regex"]);
    let narrowed = &["idioms", "-E", "tag(slow) | lang(node)"][..];
    assert_eq!(listed(&project, narrowed), ["idioms/regex"]);
    let path = &["cases/field", "-E", "file(cases/field/*.yaml) - tag(slow)"][..];
    assert_eq!(listed(&project, path), ["field/json"]);
    assert_eq!(
        listed(&project, &["-E", "tag(quick)", "--language", "node"]),
        ["idioms/regex"]
    );
}

#[test]
fn a_mistake_in_an_expression_is_underlined_and_nothing_is_run() {
    let project = project();
    for command in ["run", "list"] {
        let ended = project.memcase(&[command, "-E", "tag(x) & lnag(node)"]);
        assert_eq!(ended.code, Some(2), "{ended:?}");
        assert_eq!(ended.out, "");
        let expected = "error: `lnag` is not a predicate\n --> -E:1:10\n  |\n\
                        1 | tag(x) & lnag(node)\n  |          ^^^^\n  |\n  = help: did you mean `lang`?\n";
        assert_eq!(ended.err.trim_end(), expected.trim_end());
    }
    assert!(!project.path().join(".memcase").exists());
}

#[test]
fn the_parts_of_a_partition_are_all_cases_and_none_twice() {
    let names: Vec<String> = (0..9).map(|n| format!("case-{n}")).collect();
    let cases: Vec<(&str, &str)> = names.iter().map(|name| (name.as_str(), STABLE)).collect();
    let project = Project::new(&cases);
    for how in ["hash", "slice"] {
        let mut all: Vec<String> = Vec::new();
        for part in 1..=3 {
            let part = format!("{how}:{part}/3");
            all.extend(listed(&project, &["--partition", &part]));
        }
        all.sort();
        assert_eq!(all, names, "{how}");
    }
    let second = listed(&project, &["--partition", "slice:2/3"]);
    assert_eq!(second, ["case-1", "case-4", "case-7"]);
    // what else is selected does not move a case that is placed by its hash
    let alone = listed(&project, &["--partition", "hash:1/1", "case-4"]);
    assert_eq!(alone, ["case-4"]);
    let whole = listed(&project, &["--partition", "hash:2/3"]);
    for id in &whole {
        assert_eq!(
            listed(&project, &["--partition", "hash:2/3", "--exact", id]),
            [id.as_str()]
        );
    }
}

#[test]
fn a_part_is_taken_from_what_the_filters_leave() {
    let project = project();
    let part = &["-E", "lang(node)", "--partition", "slice:2/2"][..];
    assert_eq!(listed(&project, part), ["idioms/regex"]);
    let ended = project.memcase(&[
        "run",
        "--list",
        "-E",
        "tag(slow)",
        "--partition",
        "slice:2/2",
    ]);
    assert_eq!(ended.code, Some(4), "{ended:?}");
    assert!(ended.err.contains("`slice:2/2` holds none"), "{ended:?}");
    let ended = project.memcase(&["run", "--list", "--partition", "slice:3/2"]);
    assert_eq!(ended.code, Some(2), "{ended:?}");
    assert!(ended.err.contains("`hash:1/4`"), "{ended:?}");
}

#[test]
fn auto_asks_the_surroundings_which_part_is_meant() {
    let project = project();
    let list = |variables: &[(&str, &str)]| {
        let mut command = project.command(&["list", "--format", "terse", "--partition", "auto"]);
        for name in [
            "SLURM_ARRAY_TASK_ID",
            "AWS_BATCH_JOB_ARRAY_INDEX",
            "AWS_BATCH_JOB_ARRAY_SIZE",
            "CI_NODE_INDEX",
            "CI_NODE_TOTAL",
            "CIRCLE_NODE_INDEX",
            "CIRCLE_NODE_TOTAL",
            "BUILDKITE_PARALLEL_JOB",
            "BUILDKITE_PARALLEL_JOB_COUNT",
            "JOB_COMPLETION_INDEX",
            "MEMCASE_PARTITION_COUNT",
        ] {
            command.env_remove(name);
        }
        Ended::of(command.envs(variables.iter().copied()).output().unwrap())
    };
    let ended = list(&[("CI_NODE_INDEX", "1"), ("CI_NODE_TOTAL", "2")]);
    assert_eq!(ids(&ended), ["field/csv", "idioms/cache"]);
    let ended = list(&[
        ("SLURM_ARRAY_TASK_ID", "11"),
        ("SLURM_ARRAY_TASK_MIN", "10"),
        ("SLURM_ARRAY_TASK_MAX", "13"),
        ("SLURM_ARRAY_TASK_COUNT", "4"),
        ("SLURM_ARRAY_TASK_STEP", "1"),
    ]);
    assert_eq!(ids(&ended), ["field/json"]);
    let ended = list(&[("JOB_COMPLETION_INDEX", "0")]);
    assert_eq!(ended.code, Some(2), "{ended:?}");
    assert!(ended.err.contains("MEMCASE_PARTITION_COUNT"), "{ended:?}");
    assert_eq!(list(&[]).code, Some(2));
}
