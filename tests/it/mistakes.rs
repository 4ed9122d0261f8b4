//! Mistakes in `memcase.toml`, each with its place and its remedy.

use crate::support::{Project, STABLE};

/// All that is told of a wrong configuration, and nothing was run.
fn told(text: &str) -> String {
    let project = Project::new(&[("a", STABLE)]);
    project.write("memcase.toml", text);
    let ended = project.memcase(&["run"]);
    assert_eq!((ended.code, ended.out.as_str()), (Some(2), ""), "{ended:?}");
    assert!(!project.path().join(".memcase").exists());
    ended.err
}

#[test]
fn an_unknown_key_is_told_with_the_nearest_one() {
    insta::assert_snapshot!(told(
        "[profile.default]\nretrys = 1\n[profile.ci.limits]\npeek = \"1 GiB\"\n[group.db]\n"
    ), @r#"
    error: `profile.default.retrys`: is not a key of `profile.default`
     --> memcase.toml:2:1
      |
    2 | retrys = 1
      | ^^^^^^
      |
      = help: did you mean `retries`?

    error: `profile.ci.limits.peek`: is not a key of `profile.ci.limits`
     --> memcase.toml:4:1
      |
    4 | peek = "1 GiB"
      | ^^^^
      |
      = help: did you mean `peak`?

    error: `group`: is not a key of the configuration
     --> memcase.toml:5:2
      |
    5 | [group.db]
      |  ^^^^^
      |
      = help: did you mean `groups`?

    error: 3 errors in the configuration; nothing was run
    "#);
}

#[test]
fn a_value_of_the_wrong_kind_is_told_with_an_example() {
    insta::assert_snapshot!(told(
        r#"[profile.default]
retries = "many"
mode = "stricter"
max-fail = "2:now"
measure.time = 30
measure.processes = 0
limits.peak = "1 gig"
limits.slope = "-1 B"
"#
    ), @r#"
    error: `profile.default.retries`: needs a whole number, found the text `many`
     --> memcase.toml:2:11
      |
    2 | retries = "many"
      |           ^^^^^^
      |
      = help: write for example `retries = 1`

    error: `profile.default.mode`: `stricter` is not known here
     --> memcase.toml:3:8
      |
    3 | mode = "stricter"
      |        ^^^^^^^^^^
      |
      = help: did you mean `strict`? Otherwise write `strict`, `normal` or `fast`

    error: `profile.default.max-fail`: `2:now` is no count of failures
     --> memcase.toml:4:12
      |
    4 | max-fail = "2:now"
      |            ^^^^^^^
      |
      = help: write `1`, `"1:immediate"` or `"all"`

    error: `profile.default.measure.time`: needs a number with its unit, found the number 30
     --> memcase.toml:5:16
      |
    5 | measure.time = 30
      |                ^^
      |
      = help: write for example `time = "30 s"`

    error: `profile.default.measure.processes`: must be from 1 to 100, found 0
     --> memcase.toml:6:21
      |
    6 | measure.processes = 0
      |                     ^
      |
      = help: write for example `processes = 3`

    error: `profile.default.limits.peak`: `gig` is not a unit of memory
     --> memcase.toml:7:15
      |
    7 | limits.peak = "1 gig"
      |               ^^^^^^^
      |
      = help: write a number and a unit: `"512 MiB"`, `"64 KiB"`, `"10 MB"`

    error: `profile.default.limits.slope`: cannot be negative
     --> memcase.toml:8:16
      |
    8 | limits.slope = "-1 B"
      |                ^^^^^^
      |
      = help: write a growth: `"64 B"` in one iteration, `"1 KiB/s"`, `"64 B/line"`

    error: 7 errors in the configuration; nothing was run
    "#);
}

#[test]
fn a_mistake_in_a_filter_is_underlined_where_it_stands() {
    insta::assert_snapshot!(told(
        r#"[[profile.default.overrides]]
filter = "tag(slow) & lnag(node)"
[[profile.default.overrides]]
filter = "tag(\u0061) & lang(pyhton)"
[[profile.default.overrides]]
retries = 1
"#
    ), @r#"
    error: `profile.default.overrides[0].filter`: `lnag` is not a predicate
     --> memcase.toml:2:23
      |
    2 | filter = "tag(slow) & lnag(node)"
      |                       ^^^^
      |
      = help: did you mean `lang`?

    error: `profile.default.overrides[1].filter`: `pyhton` is nothing that `lang` knows
     --> memcase.toml:4:10
      |
    4 | filter = "tag(\u0061) & lang(pyhton)"
      |          ^^^^^^^^^^^^^^^^^^^^^^^^^^^^
      |
      = help: did you mean `python`? Otherwise write `python`, `node`, `c`, `cpp`, `rust`, `shell`, `java`, `ruby`, `perl`, `php`, `lua` or `command`

    error: `profile.default.overrides[2].filter`: is missing, so that no case is meant
     --> memcase.toml:5:1
      |
    5 | [[profile.default.overrides]]
      | ^^^^^^^^^^^^^^^^^^^^^^^^^^^^^
      |
      = help: write for example `filter = "tag(slow)"`

    error: 3 errors in the configuration; nothing was run
    "#);
}

#[test]
fn names_that_lead_nowhere_are_told() {
    insta::assert_snapshot!(told(
        r#"[profile.default]
inherits = "ci"
[profile.a]
inherits = "b"
[profile.b]
inherits = "a"
[profile.c]
inherits = "cii"
[[profile.c.overrides]]
filter = "all()"
group = "bd"
[groups.db]
max-threads = 1
[groups.none]
[groups.'a b']
max-threads = 1
"#
    ), @r#"
    error: `profile.default.inherits`: the profile `default` inherits from none
     --> memcase.toml:2:12
      |
    2 | inherits = "ci"
      |            ^^^^
      |
      = help: remove the key: all others inherit from it

    error: `profile.a.inherits`: `a` inherits from itself in the end
     --> memcase.toml:4:12
      |
    4 | inherits = "b"
      |            ^^^
      |
      = help: remove one of the `inherits`

    error: `profile.b.inherits`: `b` inherits from itself in the end
     --> memcase.toml:6:12
      |
    6 | inherits = "a"
      |            ^^^
      |
      = help: remove one of the `inherits`

    error: `profile.c.inherits`: there is no profile `cii`
     --> memcase.toml:8:12
      |
    8 | inherits = "cii"
      |            ^^^^^
      |
      = help: did you mean `ci`?

    error: `profile.c.overrides[0].group`: there is no group `bd`
      --> memcase.toml:11:9
       |
    11 | group = "bd"
       |         ^^^^
       |
       = help: did you mean `db`?

    error: `groups.none`: does not say how many of its cases run at the same time
      --> memcase.toml:14:9
       |
    14 | [groups.none]
       |         ^^^^
       |
       = help: write `max-threads = 1`

    error: `groups.a b`: `a b` cannot be a name
      --> memcase.toml:15:9
       |
    15 | [groups.'a b']
       |         ^^^^^
       |
       = help: use letters, digits, `-` and `_`

    error: 7 errors in the configuration; nothing was run
    "#);
}

#[test]
fn a_text_that_is_not_toml_is_told_with_its_place() {
    insta::assert_snapshot!(told("[profile.default]\nretries: 1\n"), @r#"
    error: this is not TOML: key with no value, expected `=`
     --> memcase.toml:2:10
      |
    2 | retries: 1
      |          ^
      |
      = help: write `key = value`, texts in quotes, tables as `[profile.ci]`

    error: 1 error in the configuration; nothing was run
    "#);
}
